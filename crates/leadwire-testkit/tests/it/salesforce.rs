//! The simulated Salesforce organisation, driven by the client library most Python programs use.

use leadwire::clock::{Clock, MachineClock};
use leadwire_sandbox::salesforce::{JwtUser, Options, Salesforce};
use leadwire_sandbox::service;
use leadwire_testkit::peers::{Language, ask};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::test]
async fn simple_salesforce_works_with_the_simulated_organisation() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The library signs with the machine's clock.
    let clock = MachineClock::start();
    let options = service::Options::new(Arc::new(move || clock.wall().millis()));
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let user = JwtUser {
        username: "leadwire@contoso.example".to_owned(),
        public_key_pem: pair.public_key_pem(),
        audience: "https://login.salesforce.com".to_owned(),
    };
    // The library waits with the machine's clock.
    let org = Salesforce::new(Options { jwt_user: Some(user), job_millis: 20, ..Options::default() });
    let sandbox = service::start(listener, Box::new(org), options).unwrap();
    let input = json!({
        "base": sandbox.url(),
        "client_id": "3MVG9sandbox",
        "client_secret": "sandbox-secret",
        "external_id": "LeadwireLeadId__c",
        "jwt": { "username": "leadwire@contoso.example", "private_key": pair.serialize_pem() },
    });
    let seen = ask(Language::Python, "salesforce.py", &input).await;
    let check = |pointer: &str, expected: serde_json::Value| {
        assert_eq!(seen.pointer(pointer), Some(&expected), "{pointer}: {seen:#}");
    };
    check("/sign_in/jwt", json!("Lead"));
    check("/sign_in/wrong_secret/1", json!("invalid_client"));
    check("/sign_in/jwt_wrong_audience/0", json!("SalesforceAuthenticationFailed"));
    check("/upsert_new", json!(201));
    check("/upsert_existing", json!(200));
    let codes = json!(["DUPLICATE_VALUE", "REQUIRED_FIELD_MISSING"]);
    check("/bulk", json!([2502, 2, 2500, codes, 0, "Lovelace, \"7\"", 2500]));
    check("/bulk_wrong/1", json!("INVALIDJOB"));
    check("/stale_token", json!([401, "INVALID_SESSION_ID"]));
    check("/signed_in_again", json!(1));
    check("/refused/too_long/1", json!("STRING_TOO_LONG"));
    check("/refused/unknown_key_field", json!(["SalesforceResourceNotFound", "NOT_FOUND"]));
    check("/refused/wrong_type/1", json!("INVALID_TYPE_ON_FIELD_IN_RECORD"));
}
