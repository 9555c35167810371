//! Erasing a person over the whole program: no table, queue, file, backup or CRM holds them, and they may come back.

use crate::program;
use bytes::Bytes;
use http::Method;
use leadwire::clock::Clock;
use leadwire_connect::CONNECTORS;
use leadwire_core::id::{LeadId, PublisherId, TouchpointId};
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint, Keep};
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_store::Database;
use leadwire_store::Store;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Nowhere else, so that finding one is finding the person.
const PLANTED: [&str; 5] =
    ["ada.canary@planted.example", "AdaCanary", "LovelaceCanary", "EnginesCanary", "201234567"];
/// Where a person deletes by hand, or where what came cannot be called back.
const BY_HAND: [&str; 2] = ["email", "salesforce_web_to_lead"];

fn ada() -> Value {
    json!({ "first_name": "AdaCanary", "last_name": "LovelaceCanary", "email": PLANTED[0],
        "company": "EnginesCanary", "phone": "+36 20 123 4567", "country": "HU" })
}

fn acted(action: &str, occurred_at: Option<&str>) -> Value {
    let mut touchpoint = json!({ "source": "AzureMarketplace", "action": action, "offer": "contoso.crm-pro",
        "customer": ada(), "notes": "AdaCanary wants a call" });
    if let Some(at) = occurred_at {
        touchpoint["occurred_at"] = json!(at);
    }
    touchpoint
}

fn planted_in(bytes: &[u8]) -> Vec<&'static str> {
    PLANTED.into_iter().filter(|it| bytes.windows(it.len()).any(|window| window == it.as_bytes())).collect()
}

fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

/// Every value of every table, as bytes.
async fn all_values(app: &TestApp) -> Vec<u8> {
    let is_server = matches!(app.app.place(), Database::Server(_));
    let columns = match is_server {
        true => {
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
             WHERE table_schema = 'public'"
        }
        false => {
            "SELECT m.name, p.name, '' FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
        }
    };
    let store = &app.app.store;
    let columns = store.read(move |tx| {
        tx.query(columns, &[], |row| Ok([0, 1, 2].map(|it| row.text(it).map(str::to_owned))))
    });
    let mut all = Vec::new();
    for [table, column, kind] in columns.await.unwrap() {
        let (table, column) = (table.unwrap(), column.unwrap());
        let value = match (is_server, kind.unwrap().as_str()) {
            (true, "bytea") => column,
            (true, _) => format!("CONVERT_TO({column}::text, 'UTF8')"),
            (false, _) => format!("CAST({column} AS BLOB)"),
        };
        // A test's statement, made once for each column.
        let sql: &'static str = format!("SELECT {value} FROM {table}").leak();
        let values = store.read(move |tx| tx.query(sql, &[], |row| Ok(row.bytes(0)?.to_owned())));
        for value in values.await.unwrap() {
            all.extend(value);
            all.push(b'\n');
        }
    }
    all
}

/// Looks at an erasure after each turn of a lane and each step of an erasure, until it is as wished.
async fn wait_for(app: &TestApp, id: &str, wish: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/erasures/{id}?publisher=contoso");
    let (mut turns, mut steps) = (app.app.lanes.turns(), app.app.erasures.steps());
    loop {
        turns.borrow_and_update();
        steps.borrow_and_update();
        let seen = app.get(&path).await;
        if wish(&seen) {
            return seen;
        }
        let changed = async {
            tokio::select! {
                it = turns.changed() => it,
                it = steps.changed() => it,
            }
        };
        let changed = tokio::time::timeout(PATIENCE, changed).await;
        changed.unwrap_or_else(|_| panic!("it never came to what was wished: {seen}")).unwrap();
    }
}

fn state_at<'a>(erasure: &'a Value, destination: &str) -> &'a str {
    let all = erasure["destinations"].as_array().unwrap();
    all.iter().find(|it| it["destination"] == destination).map_or("", |it| it["state"].as_str().unwrap())
}

async fn erase(app: &TestApp, lead: &str) -> String {
    let path = format!("/v1/leads/{lead}/erase?publisher=contoso");
    let made = app.post(&path, &json!({ "reason": "asked by mail", "by": "Bob" })).await;
    made["id"].as_str().unwrap().to_owned()
}

/// Ada and Bob everywhere: at every kind; waiting for one that is down; parked at one that refuses; on the wire to one
/// that does not answer; and Ada in quarantine. Gives back Ada's lead, and the one that does not answer.
async fn live(app: &TestApp) -> (String, Vec<HttpsEndpoint>) {
    let [down, picky, slow] = [503, 422, 200].map(|_| start_endpoint(&app.clock, None));
    let (down, picky, slow) = (down.await, picky.await, slow.await);
    down.otherwise(Answer::status(503));
    picky.otherwise(Answer::status(422));
    slow.otherwise(Answer::StallMidAnswer);
    app.add_destination("down", json!({ "url": down.url() })).await;
    app.add_destination("picky", json!({ "url": picky.url() })).await;
    app.add_destination("slow", json!({ "url": slow.url(), "timeout_seconds": 5 })).await;
    let address = app.add_address().await;
    let lead = app.post("/v1/leads", &acted("INS", None)).await["lead"].as_str().unwrap().to_owned();
    app.send_lead("bob@example.com").await;
    let broken = Bytes::from(format!("{{\"email\":\"{}\",", PLANTED[0].to_uppercase()));
    let quarantined = app.raw(Method::POST, &address, &[], broken).await.expect(202);
    assert_eq!(quarantined["quarantined"], true);
    app.wait_for("/v1/ledger?publisher=contoso", |it| {
        it["destinations"].as_array().unwrap().iter().all(|it| match it["name"].as_str().unwrap() {
            "down" | "slow" => it["attempts"] == 2,
            "picky" => it["parked"] == 2,
            _ => it["delivered"] == 2,
        })
    })
    .await;
    (lead, vec![slow, down, picky])
}

/// The receipt says of every destination what became of Ada there, but for the slow one.
fn check_receipt(receipt: &Value) {
    for kind in CONNECTORS {
        let expected = match kind.name {
            "https" => "asked",
            name if BY_HAND.contains(&name) => "by_hand",
            _ => "deleted",
        };
        assert_eq!(state_at(receipt, kind.name), expected, "{}: {receipt:#}", kind.name);
    }
    assert_eq!((state_at(receipt, "down"), state_at(receipt, "picky")), ("", ""), "they never had the lead");
    assert_eq!(receipt["wiped"]["quarantined"], 1);
}

/// Nothing of Ada is in any table, and it all adds up.
async fn check_store(app: &TestApp, lead: &str) {
    assert_eq!(planted_in(&all_values(app).await), Vec::<&str>::new());
    let ledger = app.ledger().await;
    assert_eq!((&ledger["adds_up"], &ledger["erased"]), (&json!(true), &json!(2)), "{ledger}");
    let shown = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    assert!(shown["erased_at"].is_string() && shown["lead"]["customer"] == json!({}), "{shown}");
    let path = format!("/v1/leads/{lead}/erase?publisher=contoso");
    let twice = app.call(Method::POST, &path, Some(&json!({ "reason": "twice" }))).await;
    assert_eq!(twice.status, 404);
}

#[tokio::test]
async fn an_erased_person_is_in_no_table_no_queue_no_crm_no_file_and_no_restored_backup() {
    let app = TestApp::start_on_a_file().await;
    app.add_contoso().await;
    let stages = app.add_all_kinds(&json!({})).await;
    let (lead, endpoints) = live(&app).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("copy.db");
    Store::back_up(app.folder(), &backup).unwrap();
    assert!(planted_in(&std::fs::read(&backup).unwrap()).len() > 3);

    let id = erase(&app, &lead).await;
    let done = wait_for(&app, &id, |it| {
        let all = it["destinations"].as_array().unwrap();
        it["wiped_at"].is_string() && all.iter().filter(|it| it["state"] == "waiting").count() <= 1
    })
    .await;
    check_receipt(&done);
    // What was on the wire is over by then, whatever came of it.
    endpoints[0].otherwise(Answer::status(200));
    app.clock.advance(Duration::from_secs(151));
    let done = wait_for(&app, &id, |it| {
        // It is given up in its own time; only then begins the wait for one that comes late.
        app.clock.advance(Duration::from_secs(31));
        it["state"] == "done"
    })
    .await;
    assert_eq!(state_at(&done, "slow"), "asked", "{done:#}");
    for stage in stages.iter().filter(|it| it.kind != "https" && !BY_HAND.contains(&it.kind)) {
        let records = stage.records().join("\n");
        assert_eq!(planted_in(records.as_bytes()), Vec::<&str>::new(), "{}", stage.kind);
        assert!(records.contains("bob@example.com"), "{}: somebody else is gone", stage.kind);
    }
    check_store(&app, &lead).await;
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;
    assert_eq!(planted_in(&bytes_of(folder.path())), Vec::<&str>::new());

    let list = Store::erasures_in(&Database::Folder(folder.path().to_owned())).unwrap().unwrap();
    Store::restore(&backup, folder.path(), (&[list], &[]), &mut || TouchpointId::new(1), clock.wall())
        .unwrap();
    let app = TestApp::start_in(folder, clock, |it| it.database = None).await;
    app.clock.advance(Duration::from_secs(151));
    let again = wait_for(&app, &id, |it| {
        // Whoever takes a lane lets deletions wait from then on for a request that may still arrive.
        app.clock.advance(Duration::from_secs(31));
        it["state"] == "done"
    })
    .await;
    assert_eq!(state_at(&again, "hubspot"), "nothing_there", "{again:#}");
    check_store(&app, &lead).await;
    let folder = app.stop().await;
    assert_eq!(planted_in(&bytes_of(folder.path())), Vec::<&str>::new());
}

#[tokio::test]
async fn the_command_line_brings_nobody_back_and_says_so() {
    let app = TestApp::start_on_a_file().await;
    app.add_contoso().await;
    let lead = app.post("/v1/leads", &acted("INS", None)).await["lead"].as_str().unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let place = |name: &str| elsewhere.path().join(name).to_str().unwrap().to_owned();
    let (backup, list) = (place("copy.backup"), place("erasures.json"));
    let (code, said) = program::run_on_file(app.folder(), &["backup", &backup]);
    assert!(code == Some(0) && said.contains("1 leads"), "{said}");
    assert_eq!(program::run_on_file(app.folder(), &["backup", &backup]).0, Some(1), "nothing is overwritten");
    let id = erase(&app, &lead).await;
    wait_for(&app, &id, |it| it["state"] == "done").await;
    let (code, said) = program::run_on_file(app.folder(), &["erasure", "export", &list]);
    assert!(code == Some(0) && said.contains("1 erasures"), "{said}");
    assert_eq!(planted_in(&std::fs::read(&list).unwrap()), Vec::<&str>::new());
    let (code, said) = program::run_on_file(app.folder(), &["restore", &backup, "--yes"]);
    assert!(code == Some(1) && said.contains("another Leadwire runs"), "{said}");
    let folder = app.stop().await;
    let (code, said) = program::run_on_file(folder.path(), &["restore", &backup, "--yes"]);
    assert!(code == Some(0) && said.contains("1 erasures"), "{said}");
    assert_eq!(planted_in(&bytes_of(folder.path())), Vec::<&str>::new());
    // On another machine nobody knows, unless they are told.
    let other = elsewhere.path().join("other");
    assert_eq!(program::run_on_file(&other, &["restore", &backup]).0, Some(2), "it asks first");
    let (code, said) = program::run_on_file(&other, &["restore", &backup, "--yes"]);
    assert!(code == Some(4) && said.contains("--erasures"), "{said}");
    let (code, said) = program::run_on_file(&other, &["restore", &backup, "--erasures", &list, "--yes"]);
    assert!(code == Some(0) && said.contains("of 1 leads"), "{said}");
    assert_eq!(planted_in(&bytes_of(&other)), Vec::<&str>::new());
    let (code, _) = program::run_on_file(&other, &["restore", &backup, "--without-erasures", "--yes"]);
    assert_eq!(code, Some(0));
    assert_eq!(planted_in(&bytes_of(&other)), Vec::<&str>::new(), "the store that was replaced knows");
}

#[tokio::test]
async fn old_data_of_an_erased_person_stays_out_and_a_new_action_is_a_new_lead() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let import = acted("INS", None);
    let first = app.post("/v1/leads", &import).await;
    // What only says that it is an erasure is a lead like any other.
    let look_alike = json!({ "source": "Leadwire", "action": "Erase", "offer": "contoso.crm-pro",
        "customer": { "email": "eve@example.com" } });
    app.post("/v1/leads", &look_alike).await;
    app.wait_until_settled().await;
    assert!(crm.received().iter().all(|it| !String::from_utf8_lossy(&it.body).contains("lead.erased")));
    app.clock.advance(Duration::from_secs(60));
    let id = erase(&app, first["lead"].as_str().unwrap()).await;
    wait_for(&app, &id, |it| it["state"] == "done").await;
    let told = crm.received().last().unwrap().body.clone();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((&told["type"], &told["data"]["lead"]), (&json!("lead.erased"), &first["lead"]));
    assert_eq!(planted_in(told.to_string().as_bytes()), Vec::<&str>::new());
    let before = crm.received().len();
    // The same file again, and another export of the same past.
    for old in [import, acted("PLT", Some("2026-11-20T09:00:00Z"))] {
        let receipt = app.post("/v1/leads", &old).await;
        assert_eq!((&receipt["erased"], &receipt["lead"]), (&json!(true), &first["lead"]), "{receipt}");
    }
    let ledger = app.ledger().await;
    assert_eq!((&ledger["erased"], &ledger["adds_up"]), (&json!(4), &json!(true)), "{ledger}");
    let crm_account = &ledger["destinations"][0];
    assert_eq!((&crm_account["erased"], &crm_account["delivered"]), (&json!(2), &json!(3)), "{ledger}");
    assert_eq!(planted_in(&all_values(&app).await), Vec::<&str>::new());
    app.clock.advance(Duration::from_secs(60));
    let back = app.post("/v1/leads", &acted("PLT", Some("2026-11-20T10:01:30Z"))).await;
    assert_ne!(back["lead"], first["lead"]);
    assert!(back.get("erased").is_none(), "{back}");
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), before + 1);
    app.stop().await;
}

#[tokio::test]
async fn an_address_is_erased_with_its_tests_and_kept_out_when_nobody_has_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let mut test = acted("INS", None);
    test["test"] = json!(true);
    app.post("/v1/leads", &test).await;
    app.post("/v1/leads", &acted("INS", None)).await;
    let wish = json!({ "email": PLANTED[0].to_uppercase(), "reason": "asked" });
    let made = app.post("/v1/erasures?publisher=contoso", &wish).await;
    assert_eq!(made["wiped"]["leads"], 2, "{made}");
    wait_for(&app, made["id"].as_str().unwrap(), |it| it["state"] == "done").await;
    assert_eq!(planted_in(&all_values(&app).await), Vec::<&str>::new());
    let nobody = json!({ "email": "nobody@example.com", "reason": "asked" });
    app.clock.advance(Duration::from_secs(1));
    app.post("/v1/erasures?publisher=contoso", &nobody).await;
    let old = json!({ "offer": "contoso.crm-pro", "occurred_at": "2026-01-01T00:00:00Z",
        "customer": { "email": "nobody@example.com" } });
    assert_eq!(app.post("/v1/leads", &old).await["erased"], true);
    assert_eq!(app.get("/v1/erasures?publisher=contoso").await["items"].as_array().unwrap().len(), 2);
    for (wish, pointer) in [
        (json!({ "email": "no address", "reason": "asked" }), "/email"),
        (json!({ "email": "a@example.com", "reason": " " }), "/reason"),
        (json!({ "email": "a@example.com", "reason": "asked", "crm": "burn" }), "/crm"),
    ] {
        let answer = app.call(Method::POST, "/v1/erasures?publisher=contoso", Some(&wish)).await;
        assert_eq!((answer.status, answer.text("/errors/0/pointer").as_str()), (422, pointer), "{wish}");
    }
    app.stop().await;
}

#[tokio::test]
async fn who_was_not_heard_of_for_longer_than_is_set_is_wiped_here_and_nowhere_else() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.post("/v1/leads", &acted("INS", None)).await;
    app.wait_until_settled().await;
    let set = app.call(Method::PUT, "/v1/retention?publisher=contoso", Some(&json!({ "days": 30 }))).await;
    assert_eq!(set.expect(200)["days"], 30);
    let too_long = json!({ "days": 40_000 });
    let refused = app.call(Method::PUT, "/v1/retention?publisher=contoso", Some(&too_long)).await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer").as_str()), (422, "/days"));
    let erasures = &app.app.erasures;
    app.clock.advance(Duration::from_secs(29 * 86_400));
    erasures.retain().await.unwrap();
    erasures.retain().await.unwrap();
    assert!(!planted_in(&all_values(&app).await).is_empty(), "it is not time yet");
    app.send_lead("bob@example.com").await;
    app.clock.advance(Duration::from_secs(2 * 86_400));
    // Rounds go by the clock of the round before, whoever makes them.
    erasures.retain().await.unwrap();
    erasures.retain().await.unwrap();
    assert_eq!(planted_in(&all_values(&app).await), Vec::<&str>::new());
    app.wait_until_settled().await;
    let list = app.get("/v1/erasures?publisher=contoso").await;
    assert_eq!(
        (&list["items"][0]["kind"], &list["items"][0]["wiped"]["leads"]),
        (&json!("retention"), &json!(1))
    );
    assert_eq!(list["items"][0]["destinations"], json!([]), "the CRM is the publisher's own");
    assert_eq!(crm.received().len(), 2);
    let ledger = app.ledger().await;
    assert_eq!((&ledger["erased"], &ledger["adds_up"]), (&json!(1), &json!(true)), "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn what_was_said_of_a_person_goes_whoever_said_it_and_by_whichever_lead() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, Arc::new(TestClock::default()), |config| {
        config.public_url = Some("https://leads.example.com".to_owned());
    })
    .await;
    app.add_contoso().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let clock = Arc::clone(&app.clock);
    let options = Options {
        now: Arc::new(move || clock.wall().millis()),
        secret: [7; 32],
        keep: Keep::Requests { count_max: 100 },
    };
    let crm = Stage::start("dynamics", listener, options).unwrap();
    app.add_destination_of_kind("crm", "dynamics", crm.settings.clone()).await;
    let team = start_endpoint(&app.clock, None).await;
    let carrier = json!({ "name": "team", "kind": "https", "settings": { "url": team.url() } });
    app.post("/v1/destinations?publisher=contoso", &carrier).await;
    let words = json!({ "en": { "subject": "{{customer.name}}", "text": "{{notes}}" } });
    let follow_up =
        json!({ "offer": "*", "step": "initial", "audience": "team", "destination": "team", "words": words });
    app.post("/v1/follow-ups?publisher=contoso", &follow_up).await;

    // Two leads that a person makes one, and more words about her.
    let first = app.post("/v1/leads", &acted("INS", None)).await["lead"].as_str().unwrap().to_owned();
    let mut by_phone = acted("INS", None);
    by_phone["customer"]["email"] = Value::Null;
    let second = app.post("/v1/leads", &by_phone).await["lead"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    app.wait_until_settled().await;
    let merge = json!({ "with": second, "reason": "AdaCanary is one person", "by": "Bob" });
    app.post(&format!("/v1/leads/{first}/merge?publisher=contoso"), &merge).await;
    let word = json!({ "outcome": "lost", "reason": "AdaCanary found it dear", "by": "Bob" });
    app.post(&format!("/v1/leads/{second}/feedback?publisher=contoso"), &word).await;
    app.wait_until_settled().await;
    assert!(planted_in(&all_values(&app).await).len() >= 4);

    // Whichever of her leads is named.
    let id = erase(&app, &second).await;
    let done = wait_for(&app, &id, |it| it["state"] == "done").await;
    assert_eq!(planted_in(&all_values(&app).await), Vec::<&str>::new(), "{done:#}");
    assert_eq!((state_at(&done, "crm"), state_at(&done, "team")), ("deleted", "asked"), "{done:#}");
    assert!(crm.records().is_empty(), "{:?}", crm.records());
    for lead in [&first, &second] {
        let shown = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
        assert!(shown["erased_at"].is_string() && shown["members"].is_null(), "{shown}");
        assert_eq!(shown["feedback"]["said"].as_array().map_or(0, Vec::len), usize::from(lead == &second));
    }
    assert_eq!(app.ledger().await["adds_up"], true);

    // A link in an old message brings nobody back, nor does a file of earlier times; she herself may come.
    let link = leadwire::follow_ups::stop_url(
        app.app.directory.vault(),
        "",
        &PublisherId::parse("contoso").unwrap(),
        LeadId::parse(&first).unwrap(),
    );
    assert_eq!(app.raw(Method::POST, &link, &[], Bytes::new()).await.status, 404);
    let row = json!({ "offer": "contoso.crm-pro", "customer": { "email": PLANTED[0] } });
    let kept_out = app.post("/v1/leads?import=true", &row).await;
    assert_eq!(kept_out["erased"], true, "{kept_out}");
    assert_eq!(planted_in(&all_values(&app).await), Vec::<&str>::new());
    let again = app.post("/v1/leads", &row).await;
    assert!(again["erased"].is_null() && again["lead"] != json!(first), "{again}");
    app.wait_until_settled().await;
    app.stop().await;
}

#[tokio::test]
async fn nothing_is_written_down_about_a_lead_whose_customer_was_erased() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let gone = app.post("/v1/leads", &acted("INS", None)).await["lead"].as_str().unwrap().to_owned();
    let bob = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
        "customer": { "email": "bob@example.com" } });
    let other = app.post("/v1/leads", &bob).await["lead"].clone();
    let id = erase(&app, &gone).await;
    wait_for(&app, &id, |it| it["state"] == "done").await;
    let before = app.ledger().await;
    let reason = "Eva of Acme rang";
    for (deed, body) in [
        ("interest", json!({ "interest": "active", "reason": reason })),
        ("do-not-contact", json!({ "reason": reason })),
        ("permit-contact", json!({ "reason": reason })),
        ("feedback", json!({ "outcome": "qualified", "reason": reason })),
        ("merge", json!({ "into": other, "reason": reason })),
        ("merge", json!({ "from": other, "reason": reason })),
        ("unmerge", json!({ "reason": reason })),
        ("erase", json!({ "reason": reason })),
    ] {
        let path = format!("/v1/leads/{gone}/{deed}?publisher=contoso");
        let answer = app.call(Method::POST, &path, Some(&body)).await;
        assert_eq!(answer.status, 404, "{deed}: {}", String::from_utf8_lossy(&answer.body));
    }
    let into_it = format!("/v1/leads/{}/merge?publisher=contoso", other.as_str().unwrap());
    let answer = app.call(Method::POST, &into_it, Some(&json!({ "into": gone, "reason": reason }))).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!("/into")));
    assert_eq!(app.ledger().await, before);
    let values = all_values(&app).await;
    assert!(!String::from_utf8_lossy(&values).contains(reason));
    app.stop().await;
}
