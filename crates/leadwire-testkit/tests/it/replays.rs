//! Replays with a selection, a dry run and a pause, mapping versions, the quarantine read anew, and scheduled backups, from
//! outside.

use http::Method;
use leadwire::clock::Clock;
use leadwire_core::id::{OfferId, PublisherId, QuarantineId};
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_store::Store;
use leadwire_store::quarantine::Quarantine;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const P: &str = "?publisher=contoso";

/// A destination `crm` with a route, and three customers who were brought there.
async fn brought() -> (TestApp, HttpsEndpoint) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    for email in ["ada@example.com", "eve@example.com", "bob@example.com"] {
        app.send_lead(email).await;
    }
    app.wait_until_settled().await;
    (app, crm)
}

/// Asks for a replay and waits until it is over.
async fn replay(app: &TestApp, wish: Value) -> Value {
    let made = app.call(Method::POST, &format!("/v1/replays{P}"), Some(&wish)).await.expect(202);
    let path = format!("/v1/replays/{}{P}", made["id"].as_str().unwrap());
    app.replayed(&path).await
}

#[tokio::test]
async fn a_dry_run_says_what_a_filter_would_send_again_and_sends_nothing() {
    let (app, crm) = brought().await;
    let wish = json!({
        "destination": "crm", "force": true, "filter": "customer.email.startsWith('ada')", "dry_run": true,
    });
    let before = crm.received().len();
    let done = replay(&app, wish.clone()).await;
    assert_eq!((&done["total"], &done["looked"], &done["progress"]), (&json!(3), &json!(3), &json!(1.0)));
    assert_eq!((&done["seen"], &done["again"]), (&json!(1), &json!(1)), "{done:#}");
    let tallies = json!([
        { "what": "skipped", "why": "filter", "count": 2 },
        { "destination": "crm", "what": "again", "why": "delivered", "count": 1 },
    ]);
    assert_eq!(done["tallies"], tallies);
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before, "nothing was sent");
    let mut real = wish;
    real["dry_run"] = json!(false);
    let done = replay(&app, real).await;
    assert_eq!(done["tallies"], tallies);
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before + 1);
    app.stop().await;
}

#[tokio::test]
async fn a_replay_that_fails_each_time_holds_up_none_of_another_publisher() {
    let (app, crm) = brought().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    let settings = json!({ "url": crm.url() });
    let new = json!({ "name": "crm", "kind": "https", "settings": settings });
    app.post("/v1/destinations?publisher=fabrikam", &new).await;
    let spoil = "UPDATE touchpoint SET lead_id = 'nowhere' WHERE publisher_id = 'contoso'";
    assert_eq!(app.app.store.write(move |tx| tx.execute(spoil, &[])).await.unwrap(), 3);
    let wish = json!({ "destination": "crm", "force": true });
    let failing = app.call(Method::POST, &format!("/v1/replays{P}"), Some(&wish)).await.expect(202);
    let other = app.call(Method::POST, "/v1/replays?publisher=fabrikam", Some(&wish)).await.expect(202);
    let path = format!("/v1/replays/{}?publisher=fabrikam", other["id"].as_str().unwrap());
    let mut steps = app.app.replays.steps();
    while app.get(&path).await["state"] == "running" {
        app.clock.advance(limits::LANE_AGAIN);
        tokio::time::timeout(PATIENCE, steps.changed()).await.expect("a replay goes on").unwrap();
    }
    let path = format!("/v1/replays/{}{P}", failing["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await["state"], "running", "what failed is tried again");
    app.stop_damaged().await;
}

#[tokio::test]
async fn a_selection_that_cannot_be_meant_is_refused_with_its_place() {
    let (app, _crm) = brought().await;
    for (wish, pointer, code) in [
        (json!({ "filter": "customer.mail ==" }), "/filter", ""),
        (json!({ "state": "sent" }), "/state", "unknown_state"),
        (json!({ "state": "parked" }), "/state", "state_needs_destination"),
        (json!({ "state": "delivered", "destination": "crm" }), "/state", "state_needs_force"),
        (json!({ "cause": "http_422", "destination": "crm" }), "/cause", "cause_needs_parked"),
        (json!({ "mapping": "9", "destination": "crm" }), "/mapping", "unknown_mapping"),
        (json!({ "mapping": "1" }), "/mapping", "unknown_mapping"),
        (json!({ "source": "x".repeat(101) }), "/source", "too_long"),
    ] {
        let refused = app.call(Method::POST, &format!("/v1/replays{P}"), Some(&wish)).await.expect(422);
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], pointer, "{wish} {refused}");
        assert!(code.is_empty() || error["code"] == code, "{wish} {refused}");
        assert!(!error["fix"].as_str().unwrap().is_empty(), "{refused}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_parked_for_a_cause_goes_back_to_work_and_a_pause_is_kept() {
    let (app, crm) = brought().await;
    crm.otherwise(Answer::status(422));
    app.send_lead("zoe@example.com").await;
    app.wait_until_settled().await;
    let group = app.get(&format!("/v1/failures{P}")).await["items"][0].clone();
    crm.otherwise(Answer::status(200));
    let other = json!({ "destination": "crm", "state": "parked", "cause": "another" });
    assert_eq!(replay(&app, other).await["again"], 0);
    let wish = json!({ "destination": "crm", "state": "parked", "cause": group["cause"] });
    let done = replay(&app, wish).await;
    assert_eq!((&done["total"], &done["again"]), (&json!(1), &json!(1)), "{done:#}");
    app.wait_until_settled().await;
    assert_eq!(app.get(&format!("/v1/failures{P}")).await["items"], json!([]));
    // Over is over: neither pause nor resume brings it back.
    for act in ["pause", "resume"] {
        let path = format!("/v1/replays/{}/{act}{P}", done["id"].as_str().unwrap());
        assert_eq!(app.post(&path, &json!({})).await["state"], "done");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_replay_maps_with_the_version_it_names() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let stages = app.add_all_kinds(&json!({})).await;
    let account = stages.iter().find(|it| it.kind == "hubspot").expect("a simulated HubSpot");
    let change = |rows: Value| json!({ "settings": { "mapping": rows } });
    let path = format!("/v1/destinations/hubspot{P}");
    for rows in [json!({ "jobtitle": "'first words'" }), json!({ "jobtitle": "'later words'" })] {
        app.call(Method::PATCH, &path, Some(&change(rows))).await.expect(200);
    }
    let versions = app.get(&format!("/v1/destinations/hubspot/mappings{P}")).await["items"].clone();
    let shown: Vec<(u64, bool)> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["number"].as_u64().unwrap(), it["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(shown, [(3, true), (2, false), (1, false)]);
    assert_eq!(versions[1]["mapping"], json!({ "jobtitle": "'first words'" }));
    app.call(Method::POST, &format!("/v1/destinations/hubspot/pause{P}"), Some(&json!({}))).await.expect(200);
    app.send_lead("ada@example.com").await;
    // It was never brought there: it waits. Parked ones and new ones are pinned alike.
    let wish = json!({ "destination": "hubspot", "mapping": "2", "force": true });
    let resumed = format!("/v1/destinations/hubspot/resume{P}");
    app.call(Method::POST, &resumed, Some(&json!({}))).await.expect(200);
    app.wait_until_settled().await;
    assert!(account.records().join("\n").contains("later words"));
    let always = change(json!({ "jobtitle": "'always words' | always" }));
    app.call(Method::PATCH, &path, Some(&always)).await.expect(200);
    assert_eq!(replay(&app, wish).await["mapping"], 2);
    app.wait_until_settled().await;
    assert!(!account.records().join("\n").contains("always words"), "the older version has no such row");
    assert_eq!(replay(&app, json!({ "destination": "hubspot", "force": true })).await["again"], 1);
    app.wait_until_settled().await;
    assert!(account.records().join("\n").contains("always words"));
    app.stop().await;
}

/// Puts a body into quarantine that an earlier version could not read and this one can.
pub(crate) async fn quarantine(app: &TestApp, email: &str) -> QuarantineId {
    let body = json!({ "UserDetails": { "Email": email }, "LeadSource": "SPZA-INS|crm-pro" });
    keep(app, body.to_string()).await
}

async fn keep(app: &TestApp, body: String) -> QuarantineId {
    let id = QuarantineId::new(app.app.ids.next(app.clock.steady()));
    let item = Quarantine {
        publisher: PublisherId::parse("contoso").unwrap(),
        id,
        received_at: app.clock.steady(),
        offer: OfferId::parse("crm-pro").unwrap(),
        content_type: "application/json".to_owned(),
        code: "unreadable".to_owned(),
        pointer: String::new(),
        message: "as of an earlier version".to_owned(),
        body_sha256: leadwire::secrets::sha256(body.as_bytes()),
        body: body.into(),
    };
    app.app.store.quarantine(item).await.unwrap();
    id
}

#[tokio::test]
async fn what_can_be_read_by_now_leaves_quarantine_once() {
    let (app, crm) = brought().await;
    let before = crm.received().len();
    let one = quarantine(&app, "kim@example.com").await;
    for email in ["lee@example.com", "max@example.com"] {
        quarantine(&app, email).await;
    }
    keep(&app, "{\"UserDetails\": {".to_owned()).await;
    let retried = app.post(&format!("/v1/quarantine/{one}/retry{P}"), &json!({})).await;
    assert_eq!(retried["accepted"], 1, "{retried}");
    let gone = app.call(Method::POST, &format!("/v1/quarantine/{one}/retry{P}"), Some(&json!({}))).await;
    assert_eq!(gone.status, 404, "it waits no more");
    let all = format!("/v1/quarantine/retry-waiting{P}&offer=crm-pro");
    let retried = app.post(&all, &json!({})).await;
    assert_eq!((&retried["accepted"], &retried["unreadable"]), (&json!(2), &json!(1)), "{retried}");
    let again = app.post(&all, &json!({})).await;
    assert_eq!((&again["looked"], &again["accepted"]), (&json!(1), &json!(0)), "{again}");
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before + 3);
    assert_eq!(app.ledger().await["quarantined"], 1);
    let listed = app.get(&format!("/v1/quarantine{P}")).await["items"].clone();
    assert!(listed[1]["touchpoint"].as_str().unwrap().starts_with("tp_"), "{listed:#}");
    assert_ne!(listed[0]["code"], "unreadable", "why it cannot be read is told as of now");
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_was_posted_twice_while_it_could_not_be_read_is_one_touchpoint() {
    let (app, crm) = brought().await;
    let before = crm.received().len();
    quarantine(&app, "kim@example.com").await;
    app.clock.advance(Duration::from_secs(60));
    let second = quarantine(&app, "kim@example.com").await;
    quarantine(&app, "lee@example.com").await;
    // Whichever is read first.
    let retried = app.post(&format!("/v1/quarantine/{second}/retry{P}"), &json!({})).await;
    assert_eq!(retried["accepted"], 1, "{retried}");
    let all = format!("/v1/quarantine/retry-waiting{P}");
    let retried = app.post(&all, &json!({})).await;
    assert_eq!((&retried["accepted"], &retried["duplicates"]), (&json!(1), &json!(1)), "{retried}");
    // Later it is another, as it would have been had it been readable.
    app.clock.advance(limits::SAME_BODY_WINDOW);
    quarantine(&app, "kim@example.com").await;
    assert_eq!(app.post(&all, &json!({})).await["accepted"], 1);
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before + 3);
    let ledger = app.ledger().await;
    assert_eq!((&ledger["quarantined"], &ledger["duplicates"]), (&json!(0), &json!(1)), "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_was_accepted_before_a_crash_could_be_noted_is_not_accepted_twice() {
    let (app, crm) = brought().await;
    let before = crm.received().len();
    let one = quarantine(&app, "kim@example.com").await;
    app.post(&format!("/v1/quarantine/{one}/retry{P}"), &json!({})).await;
    let forget = |tx: &leadwire_store::engine::Tx<'_>| {
        tx.execute("UPDATE quarantine SET touchpoint_id = ''", &[])?;
        Ok(())
    };
    app.app.store.write(forget).await.unwrap();
    let again = app.post(&format!("/v1/quarantine/{one}/retry{P}"), &json!({})).await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)), "{again}");
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before + 1);
    app.stop().await;
}

/// Names in a folder, in order.
fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backups_are_made_when_due_and_never_too_soon_after_a_restart() {
    let backups = tempfile::tempdir().unwrap();
    let (clock, folder) = (Arc::new(TestClock::default()), Arc::new(tempfile::tempdir().unwrap()));
    let left = backups.path().join("leadwire-2020-01-01T000000Z.backup.part");
    std::fs::write(&left, "cut off").unwrap();
    std::fs::write(backups.path().join("mine.txt"), "not ours").unwrap();
    let set = |config: &mut leadwire::config::Config| {
        config.backup_folder = Some(backups.path().to_owned());
        config.backup_every_hours = 1;
        config.backup_keep = 2;
        config.disk_reserve_bytes = Some(0);
        config.database = None;
    };
    let app = TestApp::start_in(folder, Arc::clone(&clock), set).await;
    let mut rounds = app.app.backups.rounds();
    let made = async |rounds: &mut tokio::sync::watch::Receiver<u64>, count: u64| {
        let reached = rounds.wait_for(|it| *it >= count);
        tokio::time::timeout(PATIENCE, reached).await.expect("a backup is made").unwrap();
    };
    made(&mut rounds, 1).await;
    let first = names(backups.path());
    assert_eq!((first.len(), first[1].as_str()), (2, "mine.txt"), "{first:?}");
    app.add_contoso().await;
    let entries = app.get("/v1/audit?limit=200").await["items"].clone();
    assert!(entries.to_string().contains("backup.make"), "{entries}");
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, Arc::clone(&clock), set).await;
    let mut rounds = app.app.backups.rounds();
    app.send_lead("ada@example.com").await;
    app.clock.advance(Duration::from_secs(3500));
    app.send_lead("eve@example.com").await;
    assert_eq!(names(backups.path()), first, "none is due yet");
    app.clock.advance(Duration::from_secs(101));
    made(&mut rounds, 1).await;
    let two = names(backups.path());
    assert_eq!(two.len(), 3);
    app.clock.advance(Duration::from_secs(3600));
    made(&mut rounds, 2).await;
    let kept = names(backups.path());
    assert_eq!((kept.len(), &kept[0]), (3, &two[1]), "the oldest went once the newest was good");
    // The folder goes away: it is counted, and what is there stays.
    let away = backups.path().with_extension("away");
    std::fs::rename(backups.path(), &away).unwrap();
    app.clock.advance(Duration::from_secs(3600));
    made(&mut rounds, 3).await;
    std::fs::rename(&away, backups.path()).unwrap();
    assert!(app.app.render_metrics().contains("leadwire_backup_failures_total 1"));
    app.clock.advance(Duration::from_secs(15 * 60));
    made(&mut rounds, 4).await;
    app.stop().await;
    let (target, newest) = (tempfile::tempdir().unwrap(), names(backups.path())[1].clone());
    let mut mint = || leadwire_core::id::TouchpointId::new(1);
    let file = backups.path().join(newest);
    let restored = Store::restore(&file, target.path(), (&[], &[]), &mut mint, clock.wall()).unwrap();
    assert_eq!(restored.contents.touchpoints, 2);
}
