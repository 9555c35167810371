//! The first quarter of an hour, in Chromium: sign in, connect a CRM, send a test lead, bring an offer live, take a real lead,
//! break the CRM, watch everything being held, mend it, and watch it drain. Every step leaves a picture.

use crate::browser::other_site;
use leadwire_core::limits;
use leadwire_sandbox::hubspot::{HubSpot, Options};
use leadwire_sandbox::service::{self, Fault, FaultPlan, Scope};
use leadwire_testkit::app::TestApp;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::test]
async fn the_first_quarter_of_an_hour_ends_with_every_lead_in_the_crm() {
    let app = TestApp::start().await;
    app.post("/v1/publishers", &json!({ "id": "contoso", "title": "Contoso" })).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Box::new(HubSpot::new(Options::new("pat-1")));
    let crm =
        service::start(listener, account, service::Options::new(Arc::new(|| 1_795_168_800_000))).unwrap();
    let port = other_site(Arc::clone(&app.clock), String::new()).await;
    let link = app.app.first_link().await.unwrap().unwrap();
    let shots = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/portal");
    let mut wish = json!({
        "base": app.url(""), "first": link.expose(), "settings": crm.destination_settings(), "shots": shots,
        "advance": format!("http://127.0.0.1:{port}/advance"),
    });
    let mut walk = async |part: &str, email: &str| -> Value {
        wish["part"] = json!(part);
        wish["email"] = json!(email);
        let seen = ask(Language::Node, "quarter.mjs", &wish).await;
        assert_eq!(seen["complaints"], json!([]), "{part}");
        wish["state"] = seen["state"].clone();
        seen
    };

    walk("connect", "").await;
    let there = app.get("/v1/destinations/hubspot?publisher=contoso").await;
    assert_eq!(
        (&there["validated"]["current"], &there["test_lead"]["current"]),
        (&json!(true), &json!(true))
    );
    walk("live", "").await;
    assert_eq!(app.get("/v1/offers/backup?publisher=contoso").await["state"], "live");

    walk("customer", "ada@example.com").await;
    app.wait_until_settled().await;
    let arrived = walk("lead", "ada@example.com").await;
    assert_eq!(arrived["stands"], "delivered");

    crm.faults(|it| it.always(Fault::Failing, Scope::All));
    for email in ["grace@example.com", "tom@example.com"] {
        walk("customer", email).await;
    }
    app.wait_for("/v1/deliveries?publisher=contoso&state=pending", |it| {
        it["items"].as_array().unwrap().iter().any(|it| it["attempts"].as_u64() > Some(0))
    })
    .await;
    let held = walk("held", "grace@example.com").await;
    assert_eq!((&held["waiting"], &held["adds_up"]), (&json!("2"), &json!(true)), "{held}");

    crm.faults(FaultPlan::clear);
    let mut ledger = app.ledger().await;
    while ledger["destinations"][0]["pending"] != 0 {
        app.clock.advance(Duration::from_secs(600));
        ledger = app.wait_for("/v1/ledger?publisher=contoso", |_| true).await;
    }
    // However long it took, the session is over by then.
    app.clock.advance(limits::SESSION_IDLE_MAX);
    let drained = walk("drained", "").await;
    assert_eq!((&drained["delivered"], &drained["waiting"]), (&json!("3"), &json!("0")), "{drained}");
    let records = crm.records();
    for email in ["ada@example.com", "grace@example.com", "tom@example.com"] {
        let count = records.iter().filter(|it| it.to_string().contains(email)).count();
        assert_eq!(count, 1, "{email}: none is lost and none is there twice");
    }
    app.stop().await;
}
