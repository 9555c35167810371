//! What is pending outlives the process, whatever the clocks do and however full the disk is.

use bytes::Bytes;
use http::Method;
use leadwire::app::App;
use leadwire::config::Config;
use leadwire_core::time::Timestamp;
use leadwire_sandbox::https_endpoint::Answer;
use leadwire_testkit::app::{PATIENCE, TestApp, config, start_endpoint};
use leadwire_testkit::clock::{START, TestClock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const DELIVERIES: &str = "/v1/deliveries?publisher=contoso";
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Beyond the longest first delay after a failed try.
const FIRST_DELAY: Duration = Duration::from_secs(6);

async fn until_cause(app: &TestApp, cause: &str) -> Value {
    app.wait_for(DELIVERIES, |it| it["items"][0]["cause"] == cause).await["items"][0].clone()
}

fn moment(text: &Value) -> Timestamp {
    leadwire_core::rfc3339::parse(text.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_lost_key_file_costs_the_credentials_and_no_lead() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.otherwise(Answer::status(503));
    let old_secret = app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    app.send_lead("ada@example.com").await;
    app.wait_for(DELIVERIES, |it| it["items"][0]["attempts"] == 1 && it["items"][0]["in_flight"] == false)
        .await;
    let (clock, is_shared) = (Arc::clone(&app.clock), app.app.nodes.is_shared());
    let folder = app.stop().await;
    std::fs::remove_file(folder.path().join("secret.key")).unwrap();
    if is_shared {
        // Where there may be other nodes, which have the key, a new one is made by hand only.
        std::fs::write(folder.path().join("secret.key"), "07".repeat(32)).unwrap();
    }

    let app = TestApp::start_in(folder, clock, |_| {}).await;
    endpoint.otherwise(Answer::status(200));
    app.clock.advance(FIRST_DELAY);
    let crm = "/v1/destinations/crm?publisher=contoso";
    let paused = app.wait_for(crm, |it| it["state"] == "paused").await;
    assert_eq!(paused["pause"]["cause"], "settings_unusable", "{paused}");
    // A change that leaves something sealed away makes no settings that work.
    let change = |settings: Value| json!({ "settings": settings });
    let answer = app.call(Method::PATCH, crm, Some(&change(json!({ "format": "leadwire" })))).await;
    assert_eq!((answer.status, answer.text("/errors/0/pointer")), (422, "/settings/url".to_owned()));
    let changed =
        app.call(Method::PATCH, crm, Some(&change(json!({ "url": endpoint.url() })))).await.expect(200);
    // It signed before, so it signs again, with a secret that the receiver must be told.
    let new_secret = changed["signing_secret"].as_str().unwrap();
    assert!(new_secret.starts_with("whsec_") && new_secret != old_secret);
    app.post("/v1/destinations/crm/resume?publisher=contoso", &json!({})).await;
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 1, "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn what_was_pending_is_delivered_after_a_restart_and_once() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.otherwise(Answer::status(503));
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    for number in 0..5 {
        app.send_lead(&format!("ada-{number}@example.com")).await;
    }
    let all_tried = |it: &Value| {
        let items = it["items"].as_array().unwrap();
        items.iter().all(|it| it["attempts"] == 1 && it["in_flight"] == false)
    };
    app.wait_for(DELIVERIES, all_tried).await;
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;
    endpoint.otherwise(Answer::status(200));
    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    clock.advance(FIRST_DELAY);
    let ledger = app.wait_until_settled().await;
    assert_eq!((&ledger["touchpoints"], &ledger["adds_up"]), (&json!(5), &json!(true)));
    assert_eq!(ledger["destinations"][0]["delivered"], 5);
    assert_eq!((endpoint.calls(), endpoint.distinct(), endpoint.accepted()), (10, 5, 5));
    app.stop().await;
}

#[tokio::test]
async fn a_key_is_remembered_over_a_restart() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let lead = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro" });
    let first = send_with_key(&app, &lead).await.expect(202);
    assert_eq!(first["duplicate"], false);
    let clock = Arc::clone(&app.clock);
    let app = TestApp::start_in(app.stop().await, clock, |_| {}).await;
    let again = send_with_key(&app, &lead).await.expect(202);
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &first["id"]));
    assert_eq!(app.ledger().await["touchpoints"], 1);
    app.stop().await;
}

async fn send_with_key(app: &TestApp, lead: &Value) -> leadwire_testkit::app::Answer {
    let key = format!("Bearer {}", app.key.expose());
    let headers = [("authorization", key.as_str()), ("idempotency-key", "one")];
    app.raw(Method::POST, "/v1/leads", &headers, Bytes::from(lead.to_string())).await
}

#[tokio::test]
async fn setting_the_wall_clock_by_a_day_changes_no_delivery() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let mut last_id = String::new();
    for (turn, ahead) in [DAY_MS, -DAY_MS, 0].into_iter().enumerate() {
        endpoint.script(vec![Answer::status(503)]);
        let id = app.send_lead(&format!("ada-{turn}@example.com")).await;
        assert!(id > last_id, "ids grow");
        last_id = id;
        let before = until_cause(&app, "http_503").await;
        app.clock.set_wall_ahead(ahead);
        let after = app.get(DELIVERIES).await["items"][0].clone();
        assert_eq!((&after["due_at"], &after["state"]), (&before["due_at"], &json!("pending")));
        app.clock.advance(FIRST_DELAY);
        let ledger = app.wait_until_settled().await;
        assert_eq!(ledger["destinations"][0]["delivered"], turn + 1);
    }
    assert_eq!((endpoint.calls(), endpoint.distinct()), (6, 3));
    app.stop().await;
}

#[tokio::test]
async fn a_restart_with_the_clock_set_back_a_day_does_not_wait_for_the_day_to_come_round() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.script(vec![Answer::retry_after(503, "120")]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let first = app.send_lead("ada@example.com").await;
    until_cause(&app, "http_503").await;
    let folder = app.stop().await;

    let set_back = Timestamp::from_millis(START.millis() - DAY_MS);
    let clock = Arc::new(TestClock::at(set_back));
    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    let latest = set_back.plus(Duration::from_secs(133));
    let soon = |it: &Value| moment(&it["items"][0]["due_at"]) <= latest;
    let page = app.wait_for(DELIVERIES, soon).await;
    // Nor is it sent before the destination wished.
    assert!(moment(&page["items"][0]["due_at"]) >= set_back.plus(Duration::from_secs(119)), "{page}");
    let second = app.send_lead("bob@example.com").await;
    assert!(second > first, "ids grow although the clock did not");
    tokio::time::timeout(PATIENCE, endpoint.wait_for_accepted_distinct(1)).await.unwrap();
    clock.advance(Duration::from_secs(133));
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 2);
    assert_eq!(endpoint.calls(), 3);
    app.stop().await;
}

#[tokio::test]
async fn with_the_disk_nearly_full_nothing_is_taken_in_and_deliveries_go_on() {
    let app = TestApp::start_on_a_file().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.script(vec![Answer::status(503)]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let address = app.add_address().await;
    app.send_lead("ada@example.com").await;
    until_cause(&app, "http_503").await;
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;

    let full = |it: &mut Config| (it.disk_reserve_bytes, it.database) = (Some(u64::MAX), None);
    let app = TestApp::start_in(folder, Arc::clone(&clock), full).await;
    let lead = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro" });
    let by_api = app.call(Method::POST, "/v1/leads", Some(&lead)).await;
    let by_address = app.raw(Method::POST, &address, &[], Bytes::from_static(b"{}")).await;
    for answer in [by_api, by_address] {
        assert_eq!(answer.expect(503)["code"], "disk_nearly_full");
        let seconds: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(seconds > 0);
    }
    clock.advance(FIRST_DELAY);
    let ledger = app.wait_until_settled().await;
    assert_eq!((&ledger["touchpoints"], &ledger["quarantined"]), (&json!(1), &json!(0)));
    assert_eq!(ledger["destinations"][0]["delivered"], 1);
    app.stop().await;
}

#[tokio::test]
async fn a_second_program_on_the_same_folder_is_refused_with_the_reason() {
    let app = TestApp::start_on_a_file().await;
    let second =
        App::open(Config { database: None, ..config(app.folder()) }, Arc::new(TestClock::default()), None)
            .await;
    let Err(error) = second else { panic!("two programs run on one folder") };
    let text = format!("{error:#}");
    assert!(text.contains("another Leadwire runs on"), "{text}");
    assert!(text.contains(&*app.folder().to_string_lossy()), "{text}");
    // The first is none the worse for it.
    app.add_contoso().await;
    app.send_lead("ada@example.com").await;
    app.stop().await;
}
