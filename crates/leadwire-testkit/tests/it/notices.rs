//! Who is told of what: few messages, never through what is broken, once each, over restarts.

use super::watch::{add_channel, gathered, heard, kinds, until, watched};
use http::Method;
use leadwire::config::Config;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

async fn set_receivers(app: &TestApp, whose: &str, names: &[&str]) -> Value {
    let path = format!("/v1/notices/receivers{whose}");
    app.call(Method::PUT, &path, Some(&json!({ "receivers": names }))).await.expect(200)
}

/// A second channel, of another name.
async fn add_named(app: &TestApp, name: &str) -> HttpsEndpoint {
    let channel = start_endpoint(&app.clock, None).await;
    let new = json!({ "name": name, "kind": "https", "settings": { "url": channel.url() } });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    channel
}

async fn tries(app: &TestApp, crm: &HttpsEndpoint, count: u64) {
    let waiting = crm.wait_for_calls(count);
    tokio::time::timeout(PATIENCE, waiting).await.expect("a lead is tried");
    app.wait_for("/v1/deliveries?publisher=contoso", |it| {
        // The call came, and what came of it is written down.
        it["items"].as_array().unwrap().iter().all(|it| it["cause"] != "" && it["in_flight"] == false)
    })
    .await;
}

#[tokio::test]
async fn first_failures_are_told_within_minutes_and_the_first_arrival_after_them() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(500));
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("ada@example.com").await;
    tries(&app, &crm, 1).await;
    app.clock.advance(MINUTE);
    tries(&app, &crm, 2).await;
    until(&app, "?publisher=contoso", "failing", limits::WATCH_EVERY).await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "destination.failing");
    assert_eq!(told[0]["data"]["waiting"], 1);
    let text = told[0]["data"]["text"].as_str().unwrap();
    assert!(text.contains("1 lead waits; it is not lost."), "{text}");
    assert!(!told[0].to_string().contains("ada@"), "a notice holds no personal value");

    crm.otherwise(Answer::status(200));
    app.clock.advance(HOUR / 2);
    app.wait_until_settled().await;
    until(&app, "?publisher=contoso", "delivering", limits::WATCH_EVERY).await;
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "destination.delivering");
    assert_eq!(channel.refused(), 0);
    app.stop().await;
}

#[tokio::test]
async fn two_hundred_destinations_that_die_at_once_are_one_message_and_their_recovery_another() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(401));
    for number in 0..200 {
        app.add_destination(&format!("crm-{number}"), json!({ "url": crm.url() })).await;
    }
    app.send_lead("ada@example.com").await;
    let all = async |kind: &str| {
        let mut turns = app.app.lanes.turns();
        loop {
            turns.borrow_and_update();
            let seen = app.get("/v1/notices?publisher=contoso&limit=250").await;
            if seen["items"].as_array().unwrap().iter().filter(|it| it["kind"] == kind).count() == 200 {
                return;
            }
            tokio::time::timeout(PATIENCE, turns.changed()).await.expect("all are told").expect("lanes run");
        }
    };
    all("paused").await;
    // Far enough for the message, not for a probe: one under way while the clock jumps would wait for ever.
    let told = gathered(&app, &channel, 1).await;
    assert_eq!(told[0]["data"]["count"], 200);
    let subject = told[0]["data"]["subject"].as_str().unwrap();
    assert_eq!(
        subject,
        "Leads wait: 200 destinations of contoso are paused: crm-0, crm-1, crm-2 and 197 more"
    );
    crm.otherwise(Answer::status(200));
    app.clock.advance(limits::PROBE_FIRST);
    all("resumed").await;
    let told = gathered(&app, &channel, 2).await;
    assert_eq!(told[1]["data"]["count"], 200);
    assert_eq!(told.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_broken_way_is_passed_over_and_named_where_it_is_seen() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let first = add_channel(&app).await;
    first.otherwise(Answer::status(500));
    let second = add_named(&app, "mail").await;
    set_receivers(&app, "?publisher=contoso", &["ops", "mail"]).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(403));
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("ada@example.com").await;
    let told = heard(&app, &second, 1).await;
    assert_eq!(told[0]["type"], "destination.paused");
    let receivers = app.get("/v1/notices/receivers?publisher=contoso").await;
    assert_eq!(receivers["items"][0]["cause"], "http_500", "{receivers}");
    assert_eq!(receivers["items"][1]["cause"], "", "{receivers}");
    let shown = app.get("/v1/destinations/ops?publisher=contoso").await;
    assert_eq!(shown["telling"]["cause"], "http_500", "{shown}");
    let metrics = app.app.render_metrics();
    assert!(metrics.contains("leadwire_notices_failures_total{connector=\"https\"} 1"), "{metrics}");
    app.stop().await;
}

#[tokio::test]
async fn trouble_is_never_told_through_the_destination_in_trouble() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(403));
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let second = add_named(&app, "mail").await;
    set_receivers(&app, "?publisher=contoso", &["crm", "mail"]).await;
    app.send_lead("ada@example.com").await;
    let told = heard(&app, &second, 1).await;
    assert_eq!(told[0]["type"], "destination.paused");
    let leads_only =
        crm.received().iter().all(|it| !String::from_utf8_lossy(&it.body).contains("destination.paused"));
    assert!(leads_only, "what refuses its lead is told nothing");
    app.stop().await;
}

#[tokio::test]
async fn a_restart_repeats_nothing_and_a_lasting_pause_is_told_again_after_an_hour() {
    let (clock, folder) = (Arc::new(TestClock::default()), Arc::new(tempfile::tempdir().unwrap()));
    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(403));
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("ada@example.com").await;
    heard(&app, &channel, 1).await;
    app.wait_for("/v1/destinations/crm?publisher=contoso", |it| it["state"] == "paused").await;
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    for _ in 0..3 {
        watched(&app, limits::WATCH_EVERY).await;
    }
    assert_eq!(channel.received().len(), 1, "nothing is told twice");
    app.clock.advance(HOUR);
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["data"]["subject"], "Leads wait: crm of contoso is still paused");
    assert_ne!(told[0]["id"], told[1]["id"], "it is another message");
    app.stop().await;
}

#[tokio::test]
async fn the_operator_is_told_of_the_disk_and_of_its_recovery_once_and_nobody_else() {
    let (clock, folder) = (Arc::new(TestClock::default()), Arc::new(tempfile::tempdir().unwrap()));
    let app = TestApp::start_in(folder, Arc::clone(&clock), |it| it.database = None).await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "", &["contoso/ops"]).await;
    let folder = app.stop().await;
    // More than any disk has.
    let reserve = |it: &mut Config| (it.disk_reserve_bytes, it.database) = (Some(u64::MAX / 16), None);
    let app = TestApp::start_in(folder, Arc::clone(&clock), reserve).await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "service.disk_full");
    assert_eq!(kinds(&app, "?publisher=contoso").await, Vec::<String>::new());
    let folder = app.stop().await;
    let app =
        TestApp::start_in(folder, clock, |it| (it.disk_reserve_bytes, it.database) = (Some(1), None)).await;
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "service.disk_fine");
    watched(&app, limits::WATCH_EVERY).await;
    assert_eq!(kinds(&app, "").await, ["disk_fine", "disk_full"]);
    app.stop().await;
}

#[tokio::test]
async fn an_offer_that_falls_silent_is_told_once_and_its_next_lead_too() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    for day in 0..16 {
        for hour in 0..24 {
            if (8..18).contains(&hour) {
                app.send_lead(&format!("ada-{day}-{hour}@example.com")).await;
            }
            app.clock.advance(HOUR);
        }
    }
    watched(&app, limits::SILENCE_LOOK_EVERY).await;
    assert_eq!(kinds(&app, "?publisher=contoso").await, Vec::<String>::new(), "nights are always silent");
    until(&app, "?publisher=contoso", "silent", limits::SILENCE_LOOK_EVERY).await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "offer.silent");
    assert_eq!(told[0]["data"]["destination"], "crm-pro by api");
    app.send_lead("grace@example.com").await;
    until(&app, "?publisher=contoso", "heard", limits::SILENCE_LOOK_EVERY).await;
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "offer.heard");
    app.stop().await;
}

#[tokio::test]
async fn parked_leads_are_told_at_the_first_one_and_a_mute_holds_its_tongue() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(422));
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("ada@example.com").await;
    app.wait_for("/v1/deliveries?publisher=contoso&state=parked", |it| it["items"][0].is_object()).await;
    until(&app, "?publisher=contoso", "parked", limits::WATCH_EVERY).await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "destination.parked");
    let mute = json!({ "destination": "crm", "for_seconds": 7200 });
    app.post("/v1/notices/mutes?publisher=contoso", &mute).await;
    let muted = app.get("/v1/notices/mutes?publisher=contoso").await;
    assert_eq!(muted["items"][0]["destination"], "crm");
    crm.otherwise(Answer::status(403));
    app.send_lead("grace@example.com").await;
    app.wait_for("/v1/destinations/crm?publisher=contoso", |it| it["state"] == "paused").await;
    watched(&app, limits::NOTICE_GATHER).await;
    watched(&app, limits::WATCH_EVERY).await;
    assert_eq!(channel.received().len(), 1, "it is muted");
    let gone = app.call(Method::DELETE, "/v1/notices/mutes?publisher=contoso&destination=crm", None).await;
    assert_eq!(gone.status, 204);
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "destination.paused");
    app.stop().await;
}

#[tokio::test]
async fn a_test_says_what_came_of_it_and_receivers_must_carry_notices() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let nobody = app.call(Method::POST, "/v1/notices/test?publisher=contoso", Some(&json!({}))).await;
    assert_eq!(nobody.expect(409)["code"], "nobody_to_tell");
    let channel = add_channel(&app).await;
    set_receivers(&app, "?publisher=contoso", &["ops"]).await;
    let told = app.post("/v1/notices/test?publisher=contoso", &json!({})).await;
    assert_eq!(told["items"][0]["told"], true, "{told}");
    channel.otherwise(Answer::status(500));
    let told = app.post("/v1/notices/test?publisher=contoso", &json!({ "receiver": "ops" })).await;
    assert_eq!((&told["items"][0]["told"], &told["items"][0]["cause"]), (&json!(false), &json!("http_500")));
    let put = async |whose: &str, name: &str| {
        let path = format!("/v1/notices/receivers{whose}");
        app.call(Method::PUT, &path, Some(&json!({ "receivers": [name] }))).await
    };
    let refused = put("?publisher=contoso", "missing").await.expect(422);
    assert!(refused.to_string().contains("/receivers/0"), "{refused}");
    put("", "ops").await.expect(422);
    put("", "contoso/ops").await.expect(200);
    app.stop().await;
}
