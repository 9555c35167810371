//! The keys that guard destinations' secrets, from outside: rotated under load, lost, put back, and never seen.

use http::Method;
use leadwire_core::secret::Secret;
use leadwire_testkit::app::{TestApp, start_endpoint};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "canary-bearer-hunter2";
const ROTATE: &str = "/v1/secrets/rotate";
/// Beyond the longest first delay after a failed try.
const FIRST_DELAY: Duration = Duration::from_secs(6);

/// Whether any file of the store holds a text.
fn store_holds(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap());
    let mut store = files.filter(|it| it.file_name().to_str().unwrap().starts_with("leadwire.db")).peekable();
    assert!(store.peek().is_some(), "there is no store");
    store.any(|it| std::fs::read(it.path()).unwrap().windows(text.len()).any(|it| it == text.as_bytes()))
}

async fn rotate(app: &TestApp, wish: Value) -> Value {
    app.call(Method::POST, ROTATE, Some(&wish)).await.expect(200)
}

fn current_master(secrets: &Value) -> String {
    assert_eq!(secrets["master_keys"][0]["state"], "current");
    secrets["master_keys"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn keys_are_rotated_while_leads_are_delivered_and_every_signature_stays_good() {
    let app = TestApp::start_on_a_file().await;
    app.add_contoso().await;
    // Only the destination knows the secret that the endpoint checks every signature by.
    let signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let endpoint = start_endpoint(&app.clock, Some(signing)).await;
    let settings =
        json!({ "url": endpoint.url(), "signing_secret": signing, "auth": "bearer", "token": TOKEN });
    app.add_destination("crm", settings).await;
    let first = current_master(&app.get("/v1/secrets").await);
    let lane = app.app.directory.now().lanes().next().unwrap().clone();
    let outlet = app.app.directory.now().outlet(&lane).map(Arc::clone).unwrap();
    let mut answers = Vec::new();
    for round in 0..5 {
        app.send_lead(&format!("ada-{round}@example.com")).await;
        answers.push(rotate(&app, json!({ "key": "publisher", "publisher": "contoso" })).await);
        app.send_lead(&format!("bob-{round}@example.com")).await;
        answers.push(rotate(&app, json!({ "key": "master" })).await);
        app.send_lead(&format!("eve-{round}@example.com")).await;
        answers.push(rotate(&app, json!({ "key": "publisher" })).await);
    }
    for (at, answer) in answers.iter().enumerate() {
        let sealed = if at % 3 == 1 { 0 } else { 1 };
        assert_eq!((&answer["publisher_keys"], &answer["destinations"]), (&json!(1), &json!(sealed)), "{at}");
        assert_eq!(answer["unopened_count"], 0, "{answer}");
    }
    let setup = app.app.directory.now();
    assert!(Arc::ptr_eq(setup.outlet(&lane).unwrap(), &outlet), "a rotation costs no connection");
    app.wait_until_settled().await;
    assert_eq!((endpoint.distinct(), endpoint.accepted()), (15, 15));
    let status = app.get("/v1/secrets").await;
    assert_ne!(current_master(&status), first);
    assert_eq!((&status["master_keys"][1], &status["publisher_keys"]), (&Value::Null, &json!(1)), "{status}");
    answers.extend([status, app.get("/v1/destinations?publisher=contoso").await]);

    // A change after it keeps what it does not name.
    let crm = "/v1/destinations/crm?publisher=contoso";
    let change = json!({ "settings": { "format": "cloudevents" } });
    answers.push(app.call(Method::PATCH, crm, Some(&change)).await.expect(200));
    assert!(!store_holds(app.folder(), TOKEN) && !store_holds(app.folder(), signing));
    let clock = Arc::clone(&app.clock);
    let app = TestApp::start_in(app.stop().await, clock, |it| it.database = None).await;
    app.send_lead("last@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(endpoint.accepted(), 16);
    answers.push(app.get("/v1/destinations/crm?publisher=contoso").await);
    let folder = app.stop().await;
    assert!(store_holds(folder.path(), "last@example.com"), "the search finds nothing");
    assert!(!store_holds(folder.path(), TOKEN) && !store_holds(folder.path(), signing));
    let key = std::fs::read_to_string(folder.path().join("secret.key")).unwrap();
    for answer in answers.iter().map(Value::to_string) {
        assert!(!answer.contains(TOKEN) && !answer.contains(signing) && !answer.contains(key.trim()));
    }
}

#[tokio::test]
async fn a_wrong_key_file_pauses_its_destinations_says_so_and_is_mended_by_the_right_one() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let right = current_master(&app.get("/v1/secrets").await);
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;
    let file = folder.path().join("secret.key");
    let key = std::fs::read(&file).unwrap();
    std::fs::write(&file, "0b".repeat(32)).unwrap();

    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    app.send_lead("ada@example.com").await;
    let crm = "/v1/destinations/crm?publisher=contoso";
    let paused = app.wait_for(crm, |it| it["state"] == "paused").await;
    let message = paused["pause"]["message"].as_str().unwrap();
    assert!(message.contains(&right) && message.contains("put it back"), "{message}");
    assert_ne!(paused["pause"]["fix"], "");
    let status = app.get("/v1/secrets").await;
    assert_eq!(status["unopened_count"], 1);
    assert_eq!(status["unopened"][0]["destination"], "crm");
    let missing = json!({ "id": right, "state": "missing", "publisher_keys": 1 });
    assert_eq!(status["master_keys"][1], missing, "{status}");
    // A rotation says what it could not do, and takes nothing away that the right key will open.
    for key in ["publisher", "master"] {
        assert_eq!(rotate(&app, json!({ "key": key })).await["unopened_count"], 1);
    }

    let folder = app.stop().await;
    std::fs::write(&file, key).unwrap();
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    assert_eq!(app.get("/v1/secrets").await["unopened_count"], 0);
    app.post("/v1/destinations/crm/resume?publisher=contoso", &json!({})).await;
    app.clock.advance(FIRST_DELAY);
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["destinations"][0]["delivered"], 1, "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn a_rotation_that_makes_no_sense_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let refused = async |wish: Value| {
        let answer = app.call(Method::POST, ROTATE, Some(&wish)).await;
        (answer.status, answer.text("/errors/0/pointer"))
    };
    assert_eq!(refused(json!({ "key": "master", "publisher": "contoso" })).await.1, "/publisher");
    assert_eq!(
        refused(json!({ "key": "publisher", "publisher": "nobody" })).await,
        (422, "/publisher".into())
    );
    assert_eq!(refused(json!({ "key": "all" })).await.0, 422);
    assert_eq!(refused(json!({})).await.0, 422);
    // A publisher without secrets has nothing to rotate.
    let rotated = rotate(&app, json!({ "key": "publisher", "publisher": "contoso" })).await;
    assert_eq!(rotated["publisher_keys"], 0);
    let clock = Arc::clone(&app.clock);
    let setting = |it: &mut leadwire::config::Config| it.master_key = Some(Secret::new("0c".repeat(32)));
    let app = TestApp::start_in(app.stop().await, clock, setting).await;
    let answer = app.call(Method::POST, ROTATE, Some(&json!({ "key": "master" }))).await;
    assert_eq!((answer.status, answer.text("/code")), (409, "master_key_is_a_setting".to_owned()));
    assert_eq!(app.get("/v1/secrets").await["origin"], "setting");
    app.stop().await;
}
