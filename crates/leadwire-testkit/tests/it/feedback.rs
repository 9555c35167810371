//! What became of leads, over the whole program: said by people, read from systems, and added up in reports.

use http::Method;
use leadwire_core::limits;
use leadwire_testkit::app::{TestApp, start_endpoint};
use serde_json::{Value, json};
use std::time::Duration;

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
