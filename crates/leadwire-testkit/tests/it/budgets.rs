//! Small budgets: a backlog drains as fast as they let it, and no service ever has to refuse a call.

use http::Method;
use leadwire::clock::Clock;
use leadwire_sandbox::marketo::{Marketo, Options as Instance};
use leadwire_sandbox::salesforce::{Options as Org, Salesforce};
use leadwire_sandbox::service::{self, Sandbox, Service};
use leadwire_testkit::app::TestApp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const OWN: &str = "publisher=contoso";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn stage(app: &TestApp, service: Box<dyn Service>) -> Sandbox {
    let clock = Arc::clone(&app.clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = service::Options::new(Arc::new(move || clock.wall().millis()));
    service::start(listener, service, options).unwrap()
}

/// An app with one destination in front of a service, and these further settings.
async fn app_with(kind: &str, more: Value, service: impl FnOnce() -> Box<dyn Service>) -> (TestApp, Sandbox) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let sandbox = stage(&app, service()).await;
    let mut settings = sandbox.destination_settings();
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    app.add_destination_of_kind("crm", kind, settings).await;
    (app, sandbox)
}

async fn act(app: &TestApp, verb: &str) {
    app.call(Method::POST, &format!("/v1/destinations/crm/{verb}?{OWN}"), None).await.expect(200);
}

fn lead(number: usize) -> Value {
    json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": format!("ada{number}@example.com"), "company": "Engines" } })
}

async fn send(app: &TestApp, numbers: std::ops::Range<usize>) {
    app.post("/v1/leads", &Value::Array(numbers.map(lead).collect())).await;
}

async fn show(app: &TestApp) -> Value {
    app.get(&format!("/v1/destinations/crm?{OWN}")).await
}

/// Nothing that was tried had to be tried again, and no service refused anything.
async fn nothing_was_refused(app: &TestApp) {
    let all = app.get(&format!("/v1/deliveries?{OWN}&limit=200")).await;
    for delivery in all["items"].as_array().unwrap() {
        assert_eq!(delivery["state"], "delivered", "{delivery}");
        assert_eq!(delivery["attempts"], 1, "{delivery}");
    }
}

#[tokio::test]
async fn a_marketo_of_few_calls_is_never_asked_for_more() {
    let settings = json!({ "calls_per_day": 100, "in_flight": 1 });
    let (app, instance) = app_with("marketo", settings, || {
        Box::new(Marketo::new(Instance { daily_max: Some(100), ..Instance::new("s3cr3t") }))
    })
    .await;
    // Lead after lead, each a batch of its own, until a quarter of what is ours is left.
    let mut sent = 0;
    while show(&app).await["budget"]["windows"][1]["left"].as_u64().is_some_and(|it| it >= 20) {
        send(&app, sent..sent + 1).await;
        app.wait_until_settled().await;
        sent += 1;
        app.clock.advance(Duration::from_secs(1));
    }
    // From here on calls are scarce: what comes now waits to fill a batch.
    let before = instance.calls();
    send(&app, sent..sent + 20).await;
    app.clock.advance(Duration::from_secs(3000));
    send(&app, sent + 20..sent + 21).await;
    app.wait_for(&format!("/v1/ledger?{OWN}"), |it| it["destinations"][0]["pending"] == 21).await;
    assert_eq!(instance.calls(), before, "they wait together");
    app.clock.advance(Duration::from_secs(601));
    app.wait_until_settled().await;
    assert!(instance.calls() - before <= 3, "they went as one batch, with a new token");
    assert_eq!(instance.records().len(), sent + 21);
    assert!(instance.calls() <= 80, "a fifth of the day is left to others: {}", instance.calls());
    nothing_was_refused(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_backlog_drains_over_days_as_the_budget_lets_it() {
    // A batch of the web form is one lead, and one call.
    let (app, form) = app_with("salesforce_web_to_lead", json!({ "daily_limit": 10 }), || {
        Box::new(leadwire_sandbox::salesforce_web_to_lead::WebToLead::new(
            leadwire_sandbox::salesforce_web_to_lead::Options::default(),
        ))
    })
    .await;
    act(&app, "pause").await;
    send(&app, 0..25).await;
    act(&app, "resume").await;
    let ledger = format!("/v1/ledger?{OWN}");
    for (day, delivered) in [(1, 10), (2, 20), (3, 25)] {
        app.wait_for(&ledger, |it| it["destinations"][0]["delivered"] == delivered).await;
        assert_eq!(form.calls(), delivered, "on day {day}");
        if day < 3 {
            let budget = show(&app).await["budget"].clone();
            assert_eq!(budget["windows"][0]["left"], 0, "{budget}");
            assert_eq!(budget["waiting"], 25 - delivered);
            assert!(budget["drained_at"].is_string(), "{budget}");
        }
        // Rounded up to the end of its hour.
        app.clock.advance(DAY + Duration::from_secs(3600));
    }
    nothing_was_refused(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn an_org_says_how_large_its_day_is_and_the_share_of_others_stays() {
    let (app, org) = app_with("salesforce", json!({ "in_flight": 1 }), || {
        Box::new(Salesforce::new(Org { daily_calls: 50, ..Org::default() }))
    })
    .await;
    let budget = show(&app).await["budget"].clone();
    assert!(budget["windows"][0].get("limit").is_none(), "nobody knows it before the first answer: {budget}");
    // Forty of the fifty are ours. A batch may take nine calls, and mostly takes one.
    let mut sent = 0;
    let left = async || show(&app).await["budget"]["windows"][0]["left"].as_u64();
    while left().await.is_none_or(|it| it >= 10) {
        send(&app, sent..sent + 1).await;
        app.wait_until_settled().await;
        sent += 1;
    }
    assert_eq!(show(&app).await["budget"]["windows"][0]["limit"], 50);
    let before = org.calls();
    send(&app, sent..sent + 30).await;
    app.clock.advance(Duration::from_secs(3601));
    app.wait_until_settled().await;
    assert_eq!(org.records().len(), sent + 30);
    assert!(org.calls() - before <= 3, "they went as one batch, with a new token");
    assert!(org.calls() <= 41, "forty, and the first token: {}", org.calls());
    nothing_was_refused(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn what_was_used_is_known_after_a_restart() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let service = leadwire_sandbox::salesforce_web_to_lead::WebToLead::new(
        leadwire_sandbox::salesforce_web_to_lead::Options::default(),
    );
    let form = stage(&app, Box::new(service)).await;
    let mut settings = form.destination_settings();
    settings["daily_limit"] = json!(5);
    app.add_destination_of_kind("crm", "salesforce_web_to_lead", settings).await;
    send(&app, 0..3).await;
    app.wait_until_settled().await;
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    send(&app, 3..9).await;
    app.wait_for(&format!("/v1/ledger?{OWN}"), |it| it["destinations"][0]["delivered"] == 5).await;
    assert_eq!(form.calls(), 5);
    assert_eq!(show(&app).await["budget"]["windows"][0]["left"], 0);
    app.clock.advance(DAY + Duration::from_secs(3600));
    app.wait_until_settled().await;
    assert_eq!(form.calls(), 9);
    app.stop().await;
}
