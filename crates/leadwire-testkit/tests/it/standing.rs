//! How leads stand, over the whole program: interest and who says so, and customers who must not be contacted.

use http::Method;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn start() -> (TestApp, HttpsEndpoint) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    (app, crm)
}

async fn send(app: &TestApp, action: &str, email: &str) -> Value {
    let touchpoint = json!({
        "source": "SPZA", "action": action, "offer": "contoso.crm-pro", "customer": { "email": email },
    });
    app.clock.advance(SECOND);
    app.post("/v1/leads", &touchpoint).await
}

async fn lead_of(app: &TestApp, email: &str) -> String {
    let found = app.get(&format!("/v1/leads?publisher=contoso&email={email}")).await;
    found["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn decide(app: &TestApp, lead: &str, about: &str, wish: &Value) -> Value {
    app.clock.advance(SECOND);
    app.post(&format!("/v1/leads/{lead}/{about}?publisher=contoso"), wish).await
}

/// What arrived, oldest first: action, interest, and whether the customer must not be contacted.
fn arrived(endpoint: &HttpsEndpoint) -> Vec<(String, Value, bool)> {
    let data = |it: &[u8]| serde_json::from_slice::<Value>(it).unwrap()["data"].clone();
    let bodies = endpoint.received().into_iter().map(|it| data(&it.body));
    bodies
        .map(|it| {
            let action = it["action"].as_str().unwrap_or_default().to_owned();
            (action, it["interest"].clone(), it["do_not_contact"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn salespeople_see_how_interested_a_customer_is_and_why() {
    let (app, crm) = start().await;
    send(&app, "INS", "ada@example.com").await;
    // It is brought before the next one comes, or it would say how the lead stands by then.
    app.wait_until_settled().await;
    let asked = send(&app, "PLT", "ada@example.com").await["id"].clone();
    send(&app, "StartTestDrive", "ada@example.com").await;
    app.wait_until_settled().await;
    let interests: Vec<Value> = arrived(&crm).into_iter().map(|it| it.1).collect();
    assert_eq!(interests, ["initial", "active", "active"], "the lead's interest rises");
    let lead = lead_of(&app, "ada@example.com").await;
    let shown = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    assert_eq!(shown["lead"]["interest"], "active");
    let why = &shown["standing"]["interest"];
    assert_eq!((&why["touchpoint"], &why["rule"]), (&asked, &json!("*/PLT")));
    assert_eq!(shown["timeline"][2]["interest_rule"], "*/StartTestDrive");
    // A person knows better, until the customer asks again.
    let wish = json!({ "interest": "initial", "reason": "no budget", "by": "Bob" });
    let shown = decide(&app, &lead, "interest", &wish).await;
    assert_eq!(shown["lead"]["interest"], "initial");
    let act = &shown["standing"]["decisions"][0];
    assert_eq!((&act["value"], &act["reason"]), (&json!("initial"), &json!("no budget")));
    assert!(act["who"].as_str().unwrap().starts_with("Bob (key_"), "{act}");
    send(&app, "INS", "ada@example.com").await;
    send(&app, "Create", "ada@example.com").await;
    app.wait_until_settled().await;
    let interests: Vec<Value> = arrived(&crm).into_iter().skip(3).map(|it| it.1).collect();
    assert_eq!(interests, ["initial", "active"]);
    app.stop().await;
}

#[tokio::test]
async fn only_a_decision_is_told_as_one_and_no_replay_routes_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    // It says of itself what a decision says of itself, and is none.
    let look_alike = json!({ "source": "Leadwire", "action": "INS", "offer": "contoso.crm-pro",
        "custom": { "said_by": "Eve" }, "customer": { "email": "ada@example.com" } });
    let lead = app.post("/v1/leads", &look_alike).await["lead"].as_str().unwrap().to_owned();
    decide(&app, &lead, "do-not-contact", &json!({ "reason": "asked" })).await;
    decide(&app, &lead, "permit-contact", &json!({ "reason": "changed her mind" })).await;
    let timeline = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await["timeline"].clone();
    let rules: Vec<&Value> = timeline.as_array().unwrap().iter().map(|it| &it["folded"]["rule"]).collect();
    assert_eq!(rules, ["email", "person", "person"]);
    assert_eq!((&timeline[0]["channel"], &timeline[1]["channel"]), (&json!("api"), &json!("person")));

    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url(), "do_not_contact": "send" })).await;
    let replay = app.post("/v1/replays?publisher=contoso", &json!({})).await;
    let path = format!("/v1/replays/{}?publisher=contoso", replay["id"].as_str().unwrap());
    let done = app.wait_for(&path, |it| it["state"] == "done").await;
    assert_eq!((&done["added"], &done["unrouted"]), (&json!(1), &json!(2)), "{done}");
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_lead_says_why_its_touchpoints_are_one_customers_and_what_each_field_was() {
    let (app, _crm) = start().await;
    for (email, company) in [("ada@example.com", "Old"), ("ADA@example.com", "New"), ("ada@example.com", "")]
    {
        let customer = json!({ "email": email, "company": company });
        app.post("/v1/leads", &json!({ "action": "INS", "offer": "contoso.crm-pro", "customer": customer }))
            .await;
    }
    let preview =
        json!({ "offer": "contoso.crm-pro", "preview": true, "customer": { "email": "ada@example.com" } });
    let other = app.post("/v1/leads", &preview).await["lead"].as_str().unwrap().to_owned();
    let list = app.get("/v1/leads?publisher=contoso").await;
    let lead = list["items"][1]["id"].as_str().unwrap();
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["test"]), (&json!(other), &json!(true)));
    decide(&app, lead, "do-not-contact", &json!({ "reason": "asked" })).await;
    let shown = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    let row = |at: usize| &shown["timeline"][at];
    let folded = |at: usize| row(at)["folded"].clone();
    assert_eq!((&folded(0)["rule"], &folded(0)["fields"]), (&json!("email"), &json!(["email"])));
    assert!(folded(0)["key"].as_str().is_some_and(|it| it.len() == 32));
    assert_eq!(folded(0), folded(1));
    assert_eq!(folded(3)["rule"], "person");
    let said = |value: &str, at: usize| json!({ "value": value, "touchpoint": row(at)["id"] });
    let company = json!({ "field": "company", "values": [said("New", 1), said("Old", 0)] });
    assert_eq!(shown["history"].as_array().unwrap().last(), Some(&company));
    assert_eq!(shown["lead"]["customer"]["company"], "New");
    let ledger = app.ledger().await;
    assert_eq!((&ledger["touchpoints"], &ledger["tests"]), (&json!(5), &json!(1)));
    app.stop().await;
}

#[tokio::test]
async fn the_operator_changes_what_shows_interest_for_touchpoints_from_then_on() {
    let (app, _crm) = start().await;
    let interest = async |email: &str| {
        send(&app, "INS", email).await;
        let lead = lead_of(&app, email).await;
        app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await["lead"]["interest"].clone()
    };
    assert_eq!(interest("ada@example.com").await, "initial");
    let row = json!({ "source": "AppSource (SPZA)", "action": "ins", "interest": "active" });
    let made = app.post("/v1/interest-rules", &row).await;
    assert_eq!(made, json!({ "source": "SPZA", "action": "INS", "interest": "active", "own": true }));
    assert_eq!(interest("bob@example.com").await, "active");
    assert_eq!(app.get("/v1/interest-rules").await["items"].as_array().unwrap().len(), 6);
    app.call(Method::DELETE, "/v1/interest-rules?source=SPZA&action=INS", None).await;
    assert_eq!(interest("cem@example.com").await, "initial");
    let gone = app.call(Method::DELETE, "/v1/interest-rules?source=SPZA&action=INS", None).await;
    assert_eq!(gone.status, 404);
    for (body, pointer) in [
        (json!({ "source": "SPZA", "action": "INS", "interest": "hot" }), "/interest"),
        (json!({ "source": "SPZA", "action": "DNC", "interest": "active" }), "/action"),
        (json!({ "source": " ", "action": "INS", "interest": "active" }), "/source"),
    ] {
        let problem = app.call(Method::POST, "/v1/interest-rules", Some(&body)).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_destination_that_has_a_lead_is_told_when_its_customer_wants_no_contact_and_hears_no_more() {
    let (app, crm) = start().await;
    let sends = start_endpoint(&app.clock, None).await;
    app.add_destination("asks", json!({ "url": sends.url(), "do_not_contact": "send" })).await;
    send(&app, "INS", "ada@example.com").await;
    app.wait_until_settled().await;
    send(&app, "DNC", "ada@example.com").await;
    send(&app, "PLT", "ada@example.com").await;
    // One who never was a contact there, and has nothing to be told.
    send(&app, "DNC", "bob@example.com").await;
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["adds_up"], true);
    let marks = |of: &HttpsEndpoint| arrived(of).into_iter().map(|it| (it.0, it.2)).collect::<Vec<_>>();
    let expected = |all: &[(&str, bool)]| all.iter().map(|it| (it.0.to_owned(), it.1)).collect::<Vec<_>>();
    assert_eq!(marks(&crm), expected(&[("INS", false), ("DNC", true)]));
    let mut all = marks(&sends);
    all.sort();
    assert_eq!(all, expected(&[("DNC", true), ("DNC", true), ("INS", false), ("PLT", true)]));
    app.stop().await;
}

#[tokio::test]
async fn a_persons_word_reaches_every_destination_that_has_the_lead_and_can_be_taken_back() {
    let (app, crm) = start().await;
    send(&app, "PLT", "ada@example.com").await;
    app.wait_until_settled().await;
    let lead = lead_of(&app, "ada@example.com").await;
    let shown = decide(&app, &lead, "do-not-contact", &json!({ "reason": "asked by phone" })).await;
    assert_eq!(shown["lead"]["do_not_contact"], true);
    assert_eq!(shown["lead"]["interest"], "active", "what a person says shows no interest");
    app.wait_until_settled().await;
    let last = arrived(&crm).pop().unwrap();
    assert_eq!((last.0.as_str(), last.2), ("DNC", true));
    let held = send(&app, "PLT", "ada@example.com").await["id"].as_str().unwrap().replace("tp_", "dlv_");
    let delivery = format!("/v1/deliveries/{held}_1");
    let state = app.get(&format!("{delivery}?publisher=contoso")).await["delivery"].clone();
    assert_eq!((&state["state"], &state["cause"]), (&json!("suppressed"), &json!("do_not_contact")));
    let retry = format!("{delivery}/retry?publisher=contoso");
    assert_eq!(app.call(Method::POST, &retry, None).await.status, 409);
    let wish = json!({ "reason": "agreed by mail", "text_version": "2026-01", "by": "Bob" });
    let shown = decide(&app, &lead, "permit-contact", &wish).await;
    assert_eq!(shown["lead"]["do_not_contact"], false);
    let consent = &shown["standing"]["consent"];
    assert_eq!((&consent["shared"], &consent["text_version"]), (&json!(true), &json!("2026-01")));
    app.wait_until_settled().await;
    let last = arrived(&crm).pop().unwrap();
    assert_eq!((last.0.as_str(), last.2), ("", false), "the permission is told too");
    app.post(&retry, &json!({})).await;
    let ledger = app.wait_until_settled().await;
    assert_eq!((&ledger["adds_up"], &ledger["unrouted"]), (&json!(true), &json!(0)));
    assert_eq!(arrived(&crm).pop().unwrap(), ("PLT".to_owned(), json!("active"), false));
    app.stop().await;
}

#[tokio::test]
async fn what_a_lane_has_in_hand_is_marked_before_it_is_sent() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url(), "in_flight": 1 })).await;
    crm.otherwise(Answer::Hang);
    send(&app, "INS", "first@example.com").await;
    let waiting = send(&app, "INS", "ada@example.com").await["id"].as_str().unwrap().replace("tp_", "dlv_");
    // The lane holds both: one is on the wire, the other is next.
    let path = format!("/v1/deliveries/{waiting}_1?publisher=contoso");
    app.wait_for(&path, |it| it["delivery"]["in_flight"] == true).await;
    send(&app, "DNC", "ada@example.com").await;
    crm.otherwise(Answer::status(200));
    crm.release();
    let told = tokio::time::timeout(PATIENCE, crm.wait_for_accepted_distinct(3)).await;
    assert!(told.is_ok(), "{:?}", arrived(&crm));
    let marks: Vec<_> = arrived(&crm).into_iter().map(|it| (it.0, it.2)).skip(1).collect();
    assert_eq!(marks, [("INS".to_owned(), true), ("DNC".to_owned(), true)]);
    app.stop().await;
}
