//! The simulated HubSpot account, driven by HubSpot's own client library.

use leadwire_sandbox::hubspot::{HubSpot, Options};
use leadwire_sandbox::service;
use leadwire_testkit::peers::{Language, ask};
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::test]
async fn hubspots_own_client_works_with_the_simulated_account() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Box::new(HubSpot::new(Options::new("pat-1")));
    let options = service::Options::new(Arc::new(|| 1_795_168_800_000));
    let sandbox = service::start(listener, account, options).unwrap();
    let input = json!({ "url": sandbox.url(), "token": "pat-1" });
    let seen = ask(Language::Python, "hubspot_client.py", &input).await;
    assert_eq!(seen["upserted"], json!([["151", false], ["152", true]]));
    assert_eq!(seen["read"], json!(["Ada"]));
    assert_eq!(seen["again"]["status"], 409);
    assert_eq!(seen["again"]["body"]["message"], "Contact already exists. Existing ID: 151");
    assert_eq!(seen["unknown"]["status"], 400);
    assert_eq!(seen["stranger"]["body"]["category"], "INVALID_AUTHENTICATION");
    assert_eq!(seen["gone"], 404);
}
