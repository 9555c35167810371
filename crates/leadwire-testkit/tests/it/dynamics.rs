//! The simulated Dataverse environment, driven by a client library that nobody here wrote, and a backlog that goes there.

use http::Method;
use leadwire::clock::Clock;
use leadwire_sandbox::dynamics::{Dynamics, Options, TEAM, USER};
use leadwire_sandbox::service::{self, Fault, Sandbox, Scope};
use leadwire_testkit::app::TestApp;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::test]
async fn dynamics_web_api_works_with_the_simulated_environment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = service::Options::new(Arc::new(|| 1_795_168_800_000));
    let environment = Dynamics::new(Options::new("s3cr3t"));
    let sandbox = service::start(listener, Box::new(environment), options).unwrap();
    let mut input = sandbox.destination_settings();
    input["team"] = json!(TEAM);
    let seen = ask(Language::Node, "dynamics.mjs", &input).await;
    let check = |name: &str, expected: Value| assert_eq!(seen[name], expected, "{name}: {seen:#}");
    check("wrong_secret", json!([7_000_215]));
    check("user", json!(USER));
    check("created", json!("A"));
    check("upserted", Value::Null);
    check("upserted_again", json!("prevented"));
    check("updated", Value::Null);
    check("update_of_nothing", json!([404, "0x80040217"]));
    check("read", json!(["B", "CTO", 0]));
    check("too_long", json!([400, "0x80044331"]));
    check("unknown", json!([400, "0x0"]));
    check("stranger", json!([401, null]));
    check("batch", json!(2));
    check("batch_with_bad", json!(["done", "0x80044331", "done"]));
    check("change_set", json!([400, "0x80044331"]));
    check("subject_length", json!(300));
    check("subjects", json!(["A", "B", "D", "E", "F", "G"]));
    check("deleted", json!(true));
    check("gone", json!([404, "0x80040217"]));
}

async fn environment(app: &TestApp) -> Sandbox {
    let clock = Arc::clone(&app.clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = service::Options::new(Arc::new(move || clock.wall().millis()));
    service::start(listener, Box::new(Dynamics::new(Options::new("s3cr3t"))), options).unwrap()
}

#[tokio::test]
async fn a_backlog_goes_in_full_batches_and_a_lost_answer_doubles_nothing() {
    const OWN: &str = "publisher=contoso";
    let app = TestApp::start().await;
    app.add_contoso().await;
    let environment = environment(&app).await;
    let settings = environment.destination_settings();
    let new = json!({ "name": "crm", "kind": "dynamics", "settings": settings });
    app.post(&format!("/v1/destinations?{OWN}"), &new).await;
    app.post(&format!("/v1/routes?{OWN}"), &json!({ "offer": "*", "destination": "crm" })).await;
    let act = async |verb: &str| {
        app.call(Method::POST, &format!("/v1/destinations/crm/{verb}?{OWN}"), None).await.expect(200);
    };
    act("pause").await;
    let leads: Vec<Value> = (0..500)
        .map(|it| {
            json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
                "customer": { "first_name": "Ada", "email": format!("ada{it}@example.com") } })
        })
        .collect();
    app.post("/v1/leads", &Value::Array(leads)).await;
    environment.faults(|it| it.next(1, Fault::CutAfter, Scope::Writes));
    act("resume").await;
    app.wait_for(&format!("/v1/ledger?{OWN}"), |it| it["destinations"][0]["delivered"] == 400).await;
    assert_eq!(environment.calls(), 6, "a token, and five full batches");
    // The lost one is tried again after a while, and finds its own.
    app.clock.advance(Duration::from_secs(60));
    app.wait_until_settled().await;
    assert_eq!(environment.records().len(), 500);
    assert_eq!(environment.calls(), 7, "a look was enough");
    app.stop().await;
}
