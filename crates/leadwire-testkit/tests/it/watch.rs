//! Somebody is told of trouble through another channel, and destinations that are silent are looked at.

use http::Method;
use leadwire::clock::Clock;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_sandbox::hubspot::{HubSpot, Options};
use leadwire_sandbox::service::{self, Fault, Sandbox, Scope};
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch::Receiver;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

/// A destination of the program's own that carries notices, and no leads.
pub(crate) async fn add_channel(app: &TestApp) -> HttpsEndpoint {
    let channel = start_endpoint(&app.clock, Some(SECRET)).await;
    let settings = json!({ "url": channel.url(), "signing_secret": SECRET });
    let new = json!({ "name": "ops", "kind": "https", "settings": settings });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    channel
}

/// What a channel was told, once it was told so often. What happened is gathered first, until the clock goes on.
pub(crate) async fn heard(app: &TestApp, channel: &HttpsEndpoint, count: usize) -> Vec<Value> {
    let mut rounds = app.app.watch.rounds();
    loop {
        rounds.borrow_and_update();
        let told = told(channel);
        if told.len() >= count {
            return told;
        }
        for whose in ["?publisher=contoso", ""] {
            let all = app.get(&format!("/v1/notices{whose}")).await;
            if all["items"].as_array().unwrap().iter().any(|it| it["told"] == "not_yet") {
                app.clock.advance(limits::NOTICE_GATHER);
                break;
            }
        }
        next_round(&mut rounds).await;
    }
}

/// As [`heard`], of what happened until now. The clock goes on once and no further, however long telling takes: nothing
/// else falls due meanwhile.
pub(crate) async fn gathered(app: &TestApp, channel: &HttpsEndpoint, count: usize) -> Vec<Value> {
    let mut rounds = app.app.watch.rounds();
    app.clock.advance(limits::NOTICE_GATHER);
    loop {
        rounds.borrow_and_update();
        let told = told(channel);
        if told.len() >= count {
            return told;
        }
        next_round(&mut rounds).await;
    }
}

fn told(channel: &HttpsEndpoint) -> Vec<Value> {
    channel.received().iter().map(|it| serde_json::from_slice(&it.body).unwrap()).collect()
}

async fn next_round(rounds: &mut Receiver<u64>) {
    let round = tokio::time::timeout(PATIENCE, rounds.changed()).await;
    round.expect("somebody is told").expect("the watch goes on");
}

/// Waits for a whole further round of watching, with the clock set on by so much.
pub(crate) async fn watched(app: &TestApp, after: Duration) {
    let (mut rounds, mut looks) = (app.app.watch.rounds(), app.app.watch.looks());
    app.clock.advance(after);
    if after >= limits::WATCH_EVERY {
        tokio::time::timeout(PATIENCE, looks.changed()).await.expect("a look").expect("the watch goes on");
    }
    tokio::time::timeout(PATIENCE, rounds.changed()).await.expect("a round").expect("the watch goes on");
}

/// Lets the clock go on, round by round, until something of a kind is to be told.
pub(crate) async fn until(app: &TestApp, whose: &str, kind: &str, step: Duration) {
    const ROUNDS_MAX: usize = 100;
    for _ in 0..ROUNDS_MAX {
        if kinds(app, whose).await.iter().any(|it| it == kind) {
            return;
        }
        watched(app, step).await;
    }
    panic!("nothing is {kind}: {:?}", kinds(app, whose).await);
}

pub(crate) async fn kinds(app: &TestApp, whose: &str) -> Vec<String> {
    let all = app.get(&format!("/v1/notices{whose}")).await;
    all["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_pause_and_its_end_are_told_once_each_and_signed() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(403));
    app.add_destination("crm", json!({ "url": crm.url(), "tell": "ops" })).await;
    app.send_lead("ada@example.com").await;
    app.send_lead("grace@example.com").await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "destination.paused");
    assert_eq!(
        (&told[0]["data"]["destination"], &told[0]["data"]["cause"]),
        (&json!("crm"), &json!("http_403"))
    );
    assert!(!told[0].to_string().contains("ada@"), "a notice holds no personal value");

    crm.otherwise(Answer::status(200));
    // A probe may have failed while what happened was gathered; the next one comes later.
    app.clock.advance(limits::PROBE_FIRST * 8);
    app.wait_until_settled().await;
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "destination.resumed");
    assert_eq!(channel.refused(), 0);
    let notices = app.get("/v1/destinations/crm/notices?publisher=contoso").await;
    let kinds: Vec<&Value> = notices["items"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["resumed", "paused"]);
    app.stop().await;
}

#[tokio::test]
async fn a_notice_that_did_not_get_through_is_told_after_a_restart() {
    let clock = Arc::new(TestClock::default());
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    channel.otherwise(Answer::status(503));
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(401));
    app.add_destination("crm", json!({ "url": crm.url(), "tell": "ops" })).await;
    app.send_lead("ada@example.com").await;
    let first = heard(&app, &channel, 1).await;
    let folder = app.stop().await;

    channel.otherwise(Answer::status(200));
    clock.advance(Duration::from_secs(3600));
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["id"], first[0]["id"]);
    app.stop().await;
}

async fn account(clock: &Arc<TestClock>) -> Sandbox {
    let clock = Arc::clone(clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = service::Options::new(Arc::new(move || clock.wall().millis()));
    service::start(listener, Box::new(HubSpot::new(Options::new("pat-1"))), options).unwrap()
}

#[tokio::test]
async fn a_look_that_gets_no_answer_holds_back_nobodys_notices() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    // It takes connections, and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let settings = json!({ "token": "pat-1", "api_url": url });
    let new = json!({ "name": "mute", "kind": "hubspot", "settings": settings });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    let crm = start_endpoint(&app.clock, None).await;
    crm.otherwise(Answer::status(403));
    app.add_destination("crm", json!({ "url": crm.url(), "tell": "ops" })).await;
    app.clock.advance(limits::SILENT_FOR + limits::WATCH_EVERY);
    let _looking = tokio::time::timeout(PATIENCE, mute.accept()).await.expect("it is looked at").unwrap();
    let looks = app.app.watch.looks();
    let before = *looks.borrow();
    app.send_lead("ada@example.com").await;
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "destination.paused");
    assert_eq!(*looks.borrow(), before, "the look still waits");
    app.stop().await;
}

#[tokio::test]
async fn a_silent_destination_is_looked_at_before_a_lead_finds_its_key_dead() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let channel = add_channel(&app).await;
    let crm = account(&app.clock).await;
    let settings = json!({ "token": "pat-1", "api_url": crm.url(), "tell": "ops" });
    let new = json!({ "name": "crm", "kind": "hubspot", "settings": settings });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    crm.faults(|it| it.always(Fault::TokenExpired, Scope::All));
    app.clock.advance(limits::SILENT_FOR + limits::WATCH_EVERY);
    let looked_at = app.clock.steady();
    let told = heard(&app, &channel, 1).await;
    assert_eq!(told[0]["type"], "destination.check_failed");
    assert_eq!(told[0]["data"]["cause"], "token_expired");

    crm.faults(service::FaultPlan::clear);
    // Before the trouble, which was told a moment after the look, is told again.
    app.clock.advance(limits::LOOK_AGAIN - app.clock.steady().since(looked_at));
    let told = heard(&app, &channel, 2).await;
    assert_eq!(told[1]["type"], "destination.check_passed");
    app.stop().await;
}

#[tokio::test]
async fn a_channel_must_be_there_and_carry_notices() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let add = async |name: &str, kind: &str, settings: Value| {
        let new = json!({ "name": name, "kind": kind, "settings": settings });
        app.call(Method::POST, "/v1/destinations?publisher=contoso", Some(&new)).await
    };
    let url = "https://crm.example.com/";
    add("a", "https", json!({ "url": url, "tell": "nobody" })).await.expect(422);
    add("a", "https", json!({ "url": url, "tell": "a" })).await.expect(422);
    add("hub", "hubspot", json!({ "token": "pat-1" })).await.expect(201);
    let refused = add("a", "https", json!({ "url": url, "tell": "hub" })).await.expect(422);
    assert!(refused.to_string().contains("/settings/tell"), "{refused}");
    app.stop().await;
}
