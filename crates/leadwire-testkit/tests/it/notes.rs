//! Notes for later touchpoints over the whole program: one each, although answers are lost, and none of an erased person.

use http::Method;
use leadwire::clock::Clock;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::service::Fault;
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_testkit::app::{PATIENCE, TestApp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const KINDS: [&str; 3] = ["dynamics", "hubspot", "salesforce"];
/// Nowhere else.
const WORDS: [&str; 2] = ["call me about prices", "call me about training"];

async fn stages(app: &TestApp) -> Vec<Stage> {
    let mut stages = Vec::new();
    for kind in KINDS {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let clock = Arc::clone(&app.clock);
        let now = Arc::new(move || clock.wall().millis());
        let stage =
            Stage::start(kind, listener, Options { now, secret: [7; 32], keep: Keep::IdHashes }).unwrap();
        app.add_destination_of_kind(kind, kind, stage.settings.clone()).await;
        stages.push(stage);
    }
    stages
}

async fn act(app: &TestApp, action: &str, words: Option<&str>) -> String {
    let lead = json!({ "source": "AzureMarketplace", "action": action, "offer": "contoso.crm-pro", "notes": words,
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com" } });
    app.post("/v1/leads", &lead).await["lead"].as_str().unwrap().to_owned()
}

async fn wait_for_delivered(app: &TestApp, count: u64) {
    app.wait_for("/v1/ledger?publisher=contoso", |it| {
        it["destinations"].as_array().unwrap().iter().all(|it| it["delivered"] == count)
    })
    .await;
}

/// Looks after each turn of a lane and each step of an erasure.
async fn wait_for_erasure(app: &TestApp, id: &str) -> Value {
    let path = format!("/v1/erasures/{id}?publisher=contoso");
    let (mut turns, mut steps) = (app.app.lanes.turns(), app.app.erasures.steps());
    loop {
        turns.borrow_and_update();
        steps.borrow_and_update();
        let seen = app.get(&path).await;
        if seen["state"] == "done" {
            return seen;
        }
        let changed = async {
            tokio::select! {
                it = turns.changed() => it,
                it = steps.changed() => it,
            }
        };
        let changed = tokio::time::timeout(PATIENCE, changed).await;
        changed.unwrap_or_else(|_| panic!("it was never done: {seen}")).unwrap();
    }
}

fn told(stage: &Stage, words: &str) -> usize {
    stage.records().iter().map(|it| it.matches(words).count()).sum()
}

#[tokio::test]
async fn each_later_touchpoint_is_one_note_in_every_crm_and_goes_with_the_person() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let stages = stages(&app).await;
    let lead = act(&app, "INS", None).await;
    wait_for_delivered(&app, 1).await;
    act(&app, "PLT", Some(WORDS[0])).await;
    wait_for_delivered(&app, 2).await;

    // The next note arrives, and nobody hears of it; the lead's own fields are not written again.
    for stage in &stages {
        assert!(stage.strike(1, &Fault::CutAfter));
    }
    act(&app, "PLT", Some(WORDS[1])).await;
    app.wait_for("/v1/deliveries?publisher=contoso", |it| {
        let open = it["items"].as_array().unwrap().iter().filter(|it| it["cause"] == "note_open");
        open.count() == KINDS.len()
    })
    .await;
    app.clock.advance(Duration::from_secs(60));
    wait_for_delivered(&app, 3).await;
    for stage in &stages {
        assert_eq!(stage.records().len(), 1, "{}", stage.kind);
        for words in WORDS {
            assert_eq!(told(stage, words), 1, "{}: {words}: {:?}", stage.kind, stage.records());
        }
        assert_eq!(told(stage, "Asked for contact: contoso.crm-pro"), 2, "{}", stage.kind);
    }

    let path = format!("/v1/leads/{lead}/erase?publisher=contoso");
    let erasure = app.post(&path, &json!({ "reason": "asked by mail", "by": "Bob" })).await;
    let id = erasure["id"].as_str().unwrap().to_owned();
    // The request whose answer was lost is over by then.
    app.clock.advance(Duration::from_secs(151));
    let done = wait_for_erasure(&app, &id).await;
    for (stage, at) in stages.iter().zip(0..) {
        let destination: &Value = &done["destinations"][at];
        assert_eq!(destination["state"], "deleted", "{}: {done:#}", stage.kind);
        for words in WORDS {
            assert_eq!(told(stage, words), 0, "{}: {:?}", stage.kind, stage.records());
        }
    }
    app.stop().await;
    for stage in stages {
        stage.stop().await;
    }
}

#[tokio::test]
async fn what_a_person_says_of_contact_is_a_note_too() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let stages = stages(&app).await;
    let lead = act(&app, "INS", None).await;
    wait_for_delivered(&app, 1).await;
    let path = format!("/v1/leads/{lead}/do-not-contact?publisher=contoso");
    let said = app.call(Method::POST, &path, Some(&json!({ "reason": "asked by phone", "by": "Bob" }))).await;
    assert!((200..300).contains(&said.status), "{}", said.status);
    wait_for_delivered(&app, 2).await;
    for stage in &stages {
        assert!(told(stage, "Do not contact") >= 1, "{}: {:?}", stage.kind, stage.records());
    }
    app.stop().await;
    for stage in stages {
        stage.stop().await;
    }
}
