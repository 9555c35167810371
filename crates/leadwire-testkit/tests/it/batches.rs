//! Lanes whose destination takes batches: full ones with a backlog, a hold when it had too much, one key at a time.

use http::Method;
use leadwire::clock::Clock;
use leadwire_sandbox::hubspot::{HubSpot, Options};
use leadwire_sandbox::service::{self, Fault, Sandbox, Scope};
use leadwire_testkit::app::{PATIENCE, TestApp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const OWN: &str = "publisher=contoso";

async fn account(app: &TestApp) -> Sandbox {
    let clock = Arc::clone(&app.clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = service::Options::new(Arc::new(move || clock.wall().millis()));
    service::start(listener, Box::new(HubSpot::new(Options::new("pat-1"))), options).unwrap()
}

async fn app_with_account() -> (TestApp, Sandbox) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let account = account(&app).await;
    let settings = json!({ "token": "pat-1", "api_url": account.url() });
    let new = json!({ "name": "crm", "kind": "hubspot", "settings": settings });
    app.post(&format!("/v1/destinations?{OWN}"), &new).await;
    app.post(&format!("/v1/routes?{OWN}"), &json!({ "offer": "*", "destination": "crm" })).await;
    (app, account)
}

/// Sends leads while the destination is paused, and lets them go together.
/// Gives back the first lead's id.
async fn with_backlog(app: &TestApp, emails: &[String]) -> String {
    let act = async |verb: &str| {
        app.call(Method::POST, &format!("/v1/destinations/crm/{verb}?{OWN}"), None).await.expect(200);
    };
    act("pause").await;
    let leads: Vec<Value> = emails
        .iter()
        .map(|it| {
            json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
                "customer": { "first_name": "Ada", "email": it } })
        })
        .collect();
    let accepted = app.post("/v1/leads", &Value::Array(leads)).await;
    act("resume").await;
    accepted["results"][0]["lead"].as_str().expect("a lead").to_owned()
}

fn emails(count: usize) -> Vec<String> {
    (0..count).map(|it| format!("ada{it}@example.com")).collect()
}

#[tokio::test]
async fn a_backlog_goes_in_full_batches() {
    let (app, account) = app_with_account().await;
    with_backlog(&app, &emails(250)).await;
    app.wait_until_settled().await;
    assert_eq!((account.writes(), account.records().len()), (3, 250));
    app.stop().await;
}

#[tokio::test]
async fn what_a_customer_did_meanwhile_goes_as_one_write() {
    let (app, account) = app_with_account().await;
    let emails: Vec<String> = (0..21).map(|it| format!("ada{}@example.com", it % 3)).collect();
    let first = with_backlog(&app, &emails).await;
    app.wait_until_settled().await;
    // One of the records, and one of the notes that say what they did.
    assert_eq!((account.writes(), account.records().len()), (2, 3));
    let ledger = app.ledger().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 21, "{ledger}");
    let deliveries = app.get(&format!("/v1/deliveries?{OWN}&lead={first}")).await;
    let items = deliveries["items"].as_array().unwrap();
    assert!(items.len() == 7 && items.iter().all(|it| it["attempts"] == 1), "{deliveries}");
    app.stop().await;
}

#[tokio::test]
async fn a_destination_that_had_too_much_is_left_in_peace_by_the_whole_lane() {
    let (app, account) = app_with_account().await;
    account.faults(|it| it.always(Fault::Busy, Scope::Writes));
    let first = with_backlog(&app, &emails(900)).await;
    // Four requests may be in flight before the first refusal is known, and none follows it.
    let path = format!("/v1/deliveries?{OWN}&lead={first}");
    app.wait_for(&path, |it| it["items"].to_string().contains("rate_limited")).await;
    let calls = account.writes();
    assert!((1..=4).contains(&calls), "{calls}");
    account.faults(service::FaultPlan::clear);
    app.send_lead("late@example.com").await;
    app.wait_for(&format!("/v1/ledger?{OWN}"), |it| it["destinations"][0]["accepted"] == 901).await;
    assert_eq!(account.writes(), calls, "nothing is sent before the ten seconds are over");
    // The delay the account asked for, and the jitter on top of it.
    app.clock.advance(Duration::from_secs(12));
    app.wait_until_settled().await;
    assert_eq!(account.records().len(), 901);
    app.stop().await;
}

#[tokio::test]
async fn two_leads_that_are_one_contact_there_are_never_in_flight_together() {
    let (app, account) = app_with_account().await;
    // Two customers to Leadwire, for names differ in what identity looks at; one contact to HubSpot.
    let twins = ["ada@example.com".to_owned(), "grace@example.com".to_owned()];
    with_backlog(&app, &twins).await;
    app.wait_until_settled().await;
    let mapping = json!({ "settings": { "mapping": { "email": "'shared@example.com'" } } });
    app.call(Method::PATCH, &format!("/v1/destinations/crm?{OWN}"), Some(&mapping)).await.expect(200);
    let before = account.records().len();
    with_backlog(&app, &emails(5)).await;
    tokio::time::timeout(PATIENCE, app.wait_until_settled()).await.expect("each waits for the one before it");
    assert_eq!(account.records().len(), before + 1);
    app.stop().await;
}
