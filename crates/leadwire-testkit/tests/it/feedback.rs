//! What became of leads, over the whole program: said by people, read from systems, and added up in reports.

use http::Method;
use leadwire::clock::Clock;
use leadwire_connect::CONNECTORS;
use leadwire_core::{limits, rfc3339};
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::service::Became;
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const HOUR: Duration = Duration::from_secs(3600);

async fn say(app: &TestApp, lead: &Value, word: &Value) -> Value {
    app.clock.advance(Duration::from_secs(1));
    let lead = lead.as_str().unwrap();
    app.post(&format!("/v1/leads/{lead}/feedback?publisher=contoso"), word).await
}

fn came(action: &str, email: &str) -> Value {
    json!({ "source": "SPZA", "action": action, "offer": "contoso.crm-pro", "customer": { "email": email } })
}

#[tokio::test]
async fn people_say_what_became_of_a_lead_and_the_newest_word_counts() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let lead = app.post("/v1/leads", &came("INS", "ada@example.com")).await["lead"].clone();
    let shown = say(&app, &lead, &json!({ "outcome": "converted", "by": "Bob" })).await;
    assert_eq!(shown["feedback"]["outcome"], "converted");
    let who = shown["feedback"]["said"][0]["who"].as_str().unwrap();
    assert!(who.starts_with("Bob (key_"), "{who}");
    // What became so earlier does not undo it, and is there to be read.
    let earlier = json!({ "outcome": "disqualified", "reason": "no budget", "at": "2020-01-01T00:00:00Z" });
    say(&app, &lead, &earlier).await;
    let shown = say(&app, &lead, &earlier).await;
    assert_eq!(shown["feedback"]["outcome"], "converted");
    let said = shown["feedback"]["said"].as_array().unwrap();
    assert_eq!((said.len(), &said[1]["reason"]), (2, &json!("no budget")));

    let path = format!("/v1/leads/{}/feedback?publisher=contoso", lead.as_str().unwrap());
    for (word, code, pointer) in [
        (json!({ "outcome": "won" }), "bad_outcome", "/outcome"),
        (json!({ "outcome": "lost", "at": "2126-01-01T00:00:00Z" }), "in_the_future", "/at"),
        (json!({ "outcome": "lost", "at": "yesterday" }), "bad_time", "/at"),
        (json!({ "outcome": "lost", "reason": " " }), "bad_text", "/reason"),
    ] {
        let answer = app.call(Method::POST, &path, Some(&word)).await;
        let told = (answer.status, answer.text("/errors/0/code"), answer.text("/errors/0/pointer"));
        assert_eq!(told, (422, code.to_owned(), pointer.to_owned()), "{}", answer.json());
    }
    let nobody = format!("/v1/leads/lead_{}/feedback?publisher=contoso", "0".repeat(26));
    let answer = app.call(Method::POST, &nobody, Some(&json!({ "outcome": "lost" }))).await;
    assert_eq!(answer.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_report_goes_from_what_came_to_what_it_became() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let ada = app.post("/v1/leads", &came("INS", "ada@example.com")).await["lead"].clone();
    let bob = app.post("/v1/leads", &came("PLT", "bob@example.com")).await["lead"].clone();
    app.post("/v1/leads", &came("PLT", "ada@example.com")).await;
    app.wait_until_settled().await;
    // Held back, for the customer said so before; and a test, which does not count.
    let refuse = format!("/v1/leads/{}/do-not-contact?publisher=contoso", bob.as_str().unwrap());
    app.post(&refuse, &json!({ "reason": "asked" })).await;
    app.post("/v1/leads", &came("PLT", "bob@example.com")).await;
    let mut test = came("INS", "test@example.com");
    test["test"] = json!(true);
    app.post("/v1/leads", &test).await;
    app.wait_until_settled().await;
    say(&app, &ada, &json!({ "outcome": "qualified" })).await;
    say(&app, &ada, &json!({ "outcome": "converted" })).await;
    say(&app, &bob, &json!({ "outcome": "disqualified", "reason": "asked not to be called" })).await;
    let report = async |query: &str| app.get(&format!("/v1/reports?publisher=contoso{query}")).await;
    let by_action = report("&by=action").await;
    let rows = &by_action["rows"];
    let numbers = |it: &Value| {
        let of = |name: &str| it[name].as_u64().unwrap();
        let names =
            ["touchpoints", "leads", "folded", "leads_delivered", "qualified", "converted", "disqualified"];
        names.map(of)
    };
    assert_eq!((&rows[0]["key"], numbers(&rows[0])), (&json!("PLT"), [3, 1, 2, 1, 0, 0, 1]));
    assert_eq!((&rows[1]["key"], numbers(&rows[1])), (&json!("INS"), [1, 1, 0, 1, 1, 1, 0]));
    let deliveries = &rows[0]["deliveries"];
    assert_eq!((&deliveries["delivered"], &deliveries["do_not_contact"]), (&json!(2), &json!(1)));
    let total = &by_action["total"];
    assert_eq!(numbers(total), [4, 2, 2, 2, 1, 1, 1]);
    assert_eq!(total["seconds_to_crm"]["count"], 3);
    assert!(app.app.render_metrics().contains("leadwire_touchpoints_test_total{channel=\"api\"} 1\n"));
    for (by, key) in
        [("offer", "contoso.crm-pro"), ("source", "SPZA"), ("campaign", ""), ("destination", "crm")]
    {
        let report = report(&format!("&by={by}")).await;
        assert_eq!(
            (&report["rows"][0]["key"], numbers(&report["rows"][0])),
            (&json!(key), numbers(total)),
            "{by}"
        );
    }
    // Only what came then.
    app.clock.advance(HOUR);
    let now = report("").await["to"].as_str().unwrap().to_owned();
    let later =
        app.call(Method::GET, &format!("/v1/reports?publisher=contoso&from={now}&to=2126-01-01"), None).await;
    assert_eq!(later.text("/errors/0/code"), "bad_query", "a hundred years are too many");
    app.stop().await;
}

#[tokio::test]
async fn a_report_of_many_pages_leaves_nothing_out_and_counts_nothing_twice() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let many = 2 * limits::REPORT_STEP + 7;
    let touchpoints: Vec<Value> = (0..many)
        .map(|it| {
            let mut touchpoint = came("INS", &format!("c{}@example.com", it % 800));
            touchpoint["campaign"] = json!({ "utm_campaign": format!("wave {}", it % 3) });
            touchpoint
        })
        .collect();
    for part in touchpoints.chunks(limits::BATCH_COUNT_MAX) {
        app.post("/v1/leads", &json!(part)).await;
    }
    app.clock.advance(HOUR);
    let report = app.get("/v1/reports?publisher=contoso&by=campaign").await;
    let rows = report["rows"].as_array().unwrap();
    let sum = |name: &str| rows.iter().map(|it| it[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("touchpoints"), sum("leads"), rows.len()), (many as u64, 800, 3));
    assert_eq!(
        (&report["total"]["touchpoints"], &report["total"]["folded"]),
        (&json!(many), &json!(many - 800))
    );
    for query in ["from=2026-01-02&to=2026-01-01", "by=colour", "from=soon"] {
        let answer = app.call(Method::GET, &format!("/v1/reports?publisher=contoso&{query}"), None).await;
        assert_eq!(answer.text("/errors/0/code"), "bad_query", "{query}");
    }
    app.stop().await;
}

/// A system by the program's clock, with a destination that reads what became of leads there.
async fn start_crm(app: &TestApp, kind: &str) -> Stage {
    let clock = Arc::clone(&app.clock);
    let now = Arc::new(move || clock.wall().millis());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options { now, secret: [7; 32], keep: Keep::Requests { count_max: 100 } };
    let crm = Stage::start(kind, listener, options).unwrap();
    let mut settings = crm.settings.clone();
    settings["read_feedback"] = json!("on");
    app.add_destination_of_kind("crm", kind, settings).await;
    crm
}

/// Looks after each round of readings until the answer is as wished.
async fn wait_for(app: &TestApp, path: &str, wish: impl Fn(&Value) -> bool) -> Value {
    let mut rounds = app.app.feedback.rounds();
    loop {
        rounds.borrow_and_update();
        let seen = app.get(path).await;
        if wish(&seen) {
            return seen;
        }
        let changed = tokio::time::timeout(PATIENCE, rounds.changed()).await;
        changed.unwrap_or_else(|_| panic!("{path} never came to what was wished: {seen}")).unwrap();
    }
}

#[tokio::test]
async fn what_a_salesperson_does_in_each_system_is_known_here() {
    for kind in CONNECTORS.iter().filter(|it| it.reads_feedback()) {
        let app = TestApp::start().await;
        app.add_contoso().await;
        let crm = start_crm(&app, kind.name).await;
        let sent = app.post("/v1/leads", &came("INS", "ada@example.com")).await;
        app.post("/v1/leads", &came("INS", "bob@example.com")).await;
        app.wait_until_settled().await;
        let delivery =
            format!("/v1/deliveries/dlv_{}_1?publisher=contoso", &sent["id"].as_str().unwrap()[3..]);
        let record = app.get(&delivery).await["delivery"]["record"].as_str().unwrap().to_owned();
        app.clock.advance(HOUR);
        assert!(crm.decide(&record, Became::Qualified), "{}", kind.name);
        app.clock.advance(HOUR);
        let path = format!("/v1/leads/{}?publisher=contoso", sent["lead"].as_str().unwrap());
        let lead = wait_for(&app, &path, |it| it["feedback"]["outcome"] == "qualified").await;
        let said = &lead["feedback"]["said"][0];
        let from = (&said["source"], &said["destination"], said["record"].as_str().unwrap());
        assert_eq!(from, (&json!("crm"), &json!("crm"), record.as_str()), "{}", kind.name);
        assert!(
            said["at"].as_str() < said["noted_at"].as_str(),
            "{}: when it became so, not when it was read",
            kind.name
        );
        // Read again and again, it is one word, and a report counts it.
        app.clock.advance(HOUR);
        let reading = "/v1/destinations/crm/feedback?publisher=contoso";
        let now = rfc3339::format(app.clock.steady());
        wait_for(&app, reading, |it| it["read_at"] == now).await;
        let said = app.get(&path).await["feedback"]["said"].as_array().unwrap().len();
        assert_eq!(said, 1, "{}", kind.name);
        let report = app.get("/v1/reports?publisher=contoso&by=destination").await;
        assert_eq!((&report["rows"][0]["qualified"], &report["rows"][0]["leads"]), (&json!(1), &json!(2)));
        let metric = format!("leadwire_feedback_read_total{{connector=\"{}\"}} 1\n", kind.name);
        assert!(app.app.render_metrics().contains(&metric), "{}", kind.name);
        // What a salesperson does while the program is down is known once it runs again.
        let clock = Arc::clone(&app.clock);
        let folder = app.stop().await;
        clock.advance(HOUR);
        assert!(crm.decide(&record, Became::Disqualified), "{}", kind.name);
        clock.advance(HOUR);
        let app = TestApp::start_in(folder, clock, |_| {}).await;
        let lead = wait_for(&app, &path, |it| it["feedback"]["outcome"] == "disqualified").await;
        assert_eq!(lead["feedback"]["said"].as_array().unwrap().len(), 2, "{}", kind.name);
        crm.stop().await;
        app.stop().await;
    }
}

#[tokio::test]
async fn a_system_that_cannot_be_read_takes_its_leads_and_somebody_is_told() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_crm(&app, "salesforce").await;
    let reading = "/v1/destinations/crm/feedback?publisher=contoso";
    app.clock.advance(HOUR);
    wait_for(&app, reading, |it| it["read_at"].is_string()).await;
    let settings = json!({ "settings": { "external_id_field": "Hidden__c" } });
    app.call(Method::PATCH, "/v1/destinations/crm?publisher=contoso", Some(&settings)).await.expect(200);
    for _ in 0..limits::FEEDBACK_FAILURES_TOLD {
        let failures = app.get(reading).await["failures"].as_u64().unwrap();
        app.clock.advance(2 * HOUR);
        wait_for(&app, reading, |it| it["failures"].as_u64() > Some(failures)).await;
    }
    let seen = app.get(reading).await;
    assert_eq!(seen["cause"], "field_unknown", "{seen}");
    let notices = app.get("/v1/destinations/crm/notices?publisher=contoso").await;
    assert_eq!(notices["items"][0]["cause"], "feedback_field_unknown", "{notices}");
    let back = json!({ "settings": { "external_id_field": "LeadwireLeadId__c" } });
    app.call(Method::PATCH, "/v1/destinations/crm?publisher=contoso", Some(&back)).await.expect(200);
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(crm.kept(), 1, "leads go on meanwhile");
    app.clock.advance(24 * HOUR);
    wait_for(&app, reading, |it| it["failures"] == 0).await;
    let notices = app.get("/v1/destinations/crm/notices?publisher=contoso").await;
    assert_eq!(notices["items"][0]["kind"], "check_passed", "{notices}");
    crm.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_read_is_told_and_not_met_in_silence() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_crm(&app, "salesforce").await;
    let reading = "/v1/destinations/crm/feedback?publisher=contoso";
    app.clock.advance(HOUR);
    wait_for(&app, reading, |it| it["read_at"].is_string()).await;
    let spoil = "UPDATE feedback_reading SET position = 'nowhere' WHERE destination_no > 0";
    assert_eq!(app.app.store.write(move |tx| tx.execute(spoil, &[])).await.unwrap(), 1);
    for _ in 0..limits::FEEDBACK_FAILURES_TOLD {
        let failures = app.get(reading).await["failures"].as_u64().unwrap();
        app.clock.advance(2 * HOUR);
        wait_for(&app, reading, |it| it["failures"].as_u64() > Some(failures)).await;
    }
    assert_eq!(app.get(reading).await["cause"], "position_unreadable");
    let notices = app.get("/v1/destinations/crm/notices?publisher=contoso").await;
    assert_eq!(notices["items"][0]["cause"], "feedback_position_unreadable", "{notices}");
    crm.stop().await;
    app.stop().await;
}
