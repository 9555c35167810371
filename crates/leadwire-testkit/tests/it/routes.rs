//! Routes from outside: filters, order and stop; what went nowhere and how it is brought; and why, in words.

use http::Method;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use serde_json::{Value, json};
use std::sync::Arc;

/// A destination that no route leads to.
async fn add_without_route(app: &TestApp, name: &str) -> HttpsEndpoint {
    let endpoint = start_endpoint(&app.clock, None).await;
    let new = json!({ "name": name, "kind": "https", "settings": { "url": endpoint.url() } });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    endpoint
}

async fn add_route(app: &TestApp, route: Value) -> String {
    app.post("/v1/routes?publisher=contoso", &route).await["id"].as_str().unwrap().to_owned()
}

async fn send(app: &TestApp, email: &str, more: Value) -> Value {
    let mut lead = json!({
        "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro", "customer": { "email": email },
    });
    lead.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/v1/leads", &lead).await
}

/// How many are in each of a destination's accounts: pending, delivered, parked and suppressed.
fn account(ledger: &Value, name: &str) -> [u64; 4] {
    let all = ledger["destinations"].as_array().unwrap();
    let one = all.iter().find(|it| it["name"] == name).unwrap();
    ["pending", "delivered", "parked", "suppressed"].map(|it| one[it].as_u64().unwrap())
}

async fn replay(app: &TestApp, wish: Value) -> Value {
    let made = app.call(Method::POST, "/v1/replays?publisher=contoso", Some(&wish)).await.expect(202);
    let path = format!("/v1/replays/{}?publisher=contoso", made["id"].as_str().unwrap());
    app.replayed(&path).await
}

#[tokio::test]
async fn filters_order_and_stop_say_where_each_lead_goes() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let mut kept = Vec::new();
    for name in ["hungary", "world", "archive"] {
        kept.push(add_without_route(&app, name).await);
    }
    let filter = "customer.country_code == 'HU' && !test";
    add_route(&app, json!({ "offer": "*", "destination": "world" })).await;
    add_route(
        &app,
        json!({ "offer": "crm-*", "destination": "hungary", "filter": filter, "stop": true, "position": 1 }),
    )
    .await;
    add_route(&app, json!({ "offer": "*", "destination": "archive", "position": 1 })).await;
    let hu = json!({ "customer": { "email": "a@example.com", "country": "Magyarország" } });
    send(&app, "", hu).await;
    send(&app, "b@example.com", json!({})).await;
    let ledger = app.wait_until_settled().await;
    assert_eq!(account(&ledger, "hungary"), [0, 1, 0, 0]);
    assert_eq!(account(&ledger, "world"), [0, 1, 0, 0]);
    assert_eq!(account(&ledger, "archive"), [0, 2, 0, 0]);

    let listed = app.get("/v1/routes?publisher=contoso").await;
    let places = |it: &Value| -> Vec<Value> {
        it["items"].as_array().unwrap().iter().map(|it| it["destination"].clone()).collect()
    };
    assert_eq!(places(&listed), ["archive", "hungary", "world"]);
    let mut ids: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    ids.reverse();
    let ordered = app.post("/v1/routes/order?publisher=contoso", &json!({ "routes": ids })).await;
    assert_eq!(places(&ordered), ["world", "hungary", "archive"]);
    let all_but_one = json!({ "routes": ids[1..] });
    let refused = app.call(Method::POST, "/v1/routes/order?publisher=contoso", Some(&all_but_one)).await;
    assert_eq!(refused.expect(409)["code"], "not_all_routes");
    app.stop().await;
}

#[tokio::test]
async fn a_bad_filter_is_refused_with_its_place_and_a_fix() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let _kept = add_without_route(&app, "crm").await;
    let route = add_route(&app, json!({ "offer": "*", "destination": "crm" })).await;
    let path = format!("/v1/routes/{route}?publisher=contoso");
    for (filter, code, place) in [
        ("test && customer.contry == 'HU'", "filter_unknown_variable", "(character 9)"),
        ("custom.tags.all(it, it == 'x')", "filter_loop", "(character 13)"),
        ("test ==", "filter_syntax", ""),
        ("source == 5", "filter_wrong_type", "(character 11)"),
    ] {
        let refused = app.call(Method::PATCH, &path, Some(&json!({ "filter": filter }))).await.expect(422);
        assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!(code), &json!("/filter")));
        assert!(refused["detail"].as_str().unwrap().contains(place), "{refused}");
        assert!(!refused["fix"].as_str().unwrap().is_empty());
    }
    assert_eq!(app.get("/v1/routes?publisher=contoso").await["items"][0].get("filter"), None);
    let set = app.call(Method::PATCH, &path, Some(&json!({ "filter": " preview " }))).await.expect(200);
    assert_eq!(set["filter"], "preview");
    let pattern = json!({ "offer": "*-pro", "destination": "crm" });
    let refused = app.call(Method::POST, "/v1/routes?publisher=contoso", Some(&pattern)).await;
    assert_eq!(refused.expect(422)["code"], "bad_pattern");
    app.stop().await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_told_loses_no_lead_and_is_seen() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let _kept = add_without_route(&app, "big").await;
    let route = json!({ "offer": "*", "destination": "big", "filter": "custom.seats > 100" });
    let route = add_route(&app, route).await;
    let sent = send(&app, "ada@example.com", json!({})).await;
    assert_eq!(app.ledger().await["unrouted"], 1);
    for routing in ["unrouted", "troubled"] {
        let path = format!("/v1/touchpoints?publisher=contoso&routing={routing}&offer=crm-pro");
        let listed = app.get(&path).await;
        assert_eq!(listed["items"][0]["id"], sent["id"]);
        let trouble = listed["items"][0]["routing_trouble"].as_str().unwrap();
        assert!(trouble.contains("`custom.seats` cannot be told: it is missing"), "{trouble}");
        assert!(!trouble.contains("ada@"));
    }
    let path = format!("/v1/routes/{route}?publisher=contoso");
    let mended = json!({ "filter": "!has(custom.seats) || custom.seats > 100" });
    app.call(Method::PATCH, &path, Some(&mended)).await.expect(200);
    let done = replay(&app, json!({})).await;
    assert_eq!((&done["state"], &done["added"]), (&json!("done"), &json!(1)));
    let ledger = app.wait_until_settled().await;
    assert_eq!((account(&ledger, "big"), &ledger["unrouted"]), ([0, 1, 0, 0], &json!(0)));
    app.stop().await;
}

#[tokio::test]
async fn what_went_nowhere_is_brought_once_however_often_it_is_replayed() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = add_without_route(&app, "crm").await;
    for number in 0..450 {
        send(&app, &format!("{number}@example.com"), json!({})).await;
    }
    add_route(&app, json!({ "offer": "*", "destination": "crm" })).await;
    send(&app, "late@example.com", json!({})).await;
    let done = replay(&app, json!({})).await;
    assert_eq!((&done["seen"], &done["added"], &done["progress"]), (&json!(450), &json!(450), &json!(1.0)));
    let ledger = app.wait_until_settled().await;
    assert_eq!(account(&ledger, "crm"), [0, 451, 0, 0]);
    assert_eq!(ledger["adds_up"], true);
    for wish in [json!({}), json!({ "destination": "crm" })] {
        let again = replay(&app, wish).await;
        assert_eq!((&again["added"], &again["again"]), (&json!(0), &json!(0)));
    }
    assert_eq!(crm.received().len(), 451);
    // Asked for by force, each comes again under the id it had.
    let forced = replay(&app, json!({ "destination": "crm", "force": true, "offer": "crm-*" })).await;
    assert_eq!(forced["again"], 451);
    app.wait_until_settled().await;
    let ids: std::collections::BTreeSet<String> =
        crm.received().iter().map(|it| it.headers["webhook-id"].to_str().unwrap().to_owned()).collect();
    assert_eq!((crm.received().len(), ids.len()), (902, 451));
    app.stop().await;
}

#[tokio::test]
async fn a_replay_goes_on_after_a_restart() {
    let clock = Arc::new(TestClock::default());
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = TestApp::start_in(folder, Arc::clone(&clock), |_| {}).await;
    app.add_contoso().await;
    let _kept = add_without_route(&app, "crm").await;
    send(&app, "ada@example.com", json!({})).await;
    add_route(&app, json!({ "offer": "*", "destination": "crm" })).await;
    // Kept as the API keeps it, and nobody rings: the program ended in between.
    let (publisher, newest) = ("contoso", app.app.ids.next(clock_now(&clock)));
    let kept = leadwire_store::replays::Replay {
        publisher: leadwire_core::id::PublisherId::parse(publisher).unwrap(),
        id: leadwire_core::id::ReplayId::new(newest),
        created_at: clock_now(&clock),
        asked_by: "key_1".to_owned(),
        destination: None,
        offers: leadwire_core::routing::Offers::All,
        range: (leadwire_core::id::TouchpointId::new(0), leadwire_core::id::TouchpointId::new(newest)),
        force: false,
        selection: leadwire_store::replays::Selection::default(),
        mode: leadwire_store::replays::Mode::Real,
        mapping: None,
        total: None,
        state: leadwire_store::replays::ReplayState::Running,
        done_to: leadwire_core::id::TouchpointId::new(0),
        done: leadwire_store::replays::Done::default(),
        ended_at: None,
    };
    let folder = {
        app.app.store.add_replay(kept).await.unwrap();
        app.stop().await
    };
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    app.wait_for("/v1/ledger?publisher=contoso", |it| account(it, "crm") == [0, 1, 0, 0]).await;
    assert_eq!(app.get("/v1/replays?publisher=contoso").await["items"][0]["state"], "done");
    app.stop().await;
}

fn clock_now(clock: &TestClock) -> leadwire_core::time::Timestamp {
    use leadwire::clock::Clock;
    clock.steady()
}

#[tokio::test]
async fn why_a_lead_went_where_it_went_is_said_in_words() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let mut kept = Vec::new();
    for name in ["crm", "sheet", "late", "old"] {
        kept.push(add_without_route(&app, name).await);
    }
    let old = add_route(&app, json!({ "offer": "*", "destination": "old" })).await;
    let filter = "action == 'INS' && customer.country_code == 'HU'";
    add_route(&app, json!({ "offer": "*", "destination": "sheet", "filter": filter })).await;
    add_route(&app, json!({ "offer": "crm-pro", "destination": "crm", "stop": true })).await;
    let lead = send(&app, "ada@example.com", json!({})).await["lead"].as_str().unwrap().to_owned();
    send(&app, "ada@example.com", json!({ "action": "DNC" })).await;
    app.wait_until_settled().await;
    app.call(Method::DELETE, &format!("/v1/routes/{old}?publisher=contoso"), None).await;
    add_route(&app, json!({ "offer": "*", "destination": "late", "position": 1 })).await;
    add_route(&app, json!({ "offer": "*", "destination": "old", "filter": "custom.x == 1" })).await;

    let told = app.get(&format!("/v1/leads/{lead}/routing?publisher=contoso")).await;
    let first = &told["touchpoints"][0];
    let verdicts = |it: &Value| -> Vec<String> {
        it["routes"].as_array().unwrap().iter().map(|it| it["verdict"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(verdicts(first), ["takes", "filter_false", "takes", "stopped"]);
    assert_eq!(
        first["routes"][1]["because"],
        "its filter is not fulfilled: `customer.country_code == 'HU'` is false"
    );
    let summary = first["summary"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
    let summary = summary.collect::<Vec<_>>().join("\n");
    for part in [
        "It was routed to old: delivered. No route leads it there now.",
        "It was routed to crm: delivered.",
        "A route leads it to late now, and none did when it came. `leadwire replay start contoso --to late` brings it.",
    ] {
        assert!(summary.contains(part), "{part}\n{summary}");
    }
    let second = &told["touchpoints"][1];
    assert_eq!(verdicts(second), ["holds", "filter_false", "holds", "stopped"]);
    // It has the lead, so it had to learn of it.
    assert!(second["summary"].to_string().contains("It was routed to crm: delivered"), "{second}");

    // A replay to the new destination brings nobody who must not be contacted.
    let done = replay(&app, json!({ "destination": "late" })).await;
    assert_eq!((&done["added"], &done["held"]), (&json!(0), &json!(2)));
    let missing = app.call(Method::GET, "/v1/leads/lead_0/routing?publisher=contoso", None).await;
    missing.expect(404);
    app.stop().await;
}

#[tokio::test]
async fn routes_are_tried_with_a_lead_that_is_not_stored() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let _kept = add_without_route(&app, "crm").await;
    add_route(&app, json!({ "offer": "crm*", "destination": "crm", "filter": "has(customer.phone)" })).await;
    let lead = json!({ "offer": "contoso.crm-pro", "customer": { "phone": "+36201234567" } });
    let trial = json!({ "lead": lead, "filter": "custom.x == 1" });
    let tried = app.post("/v1/routes/test?publisher=contoso", &trial).await;
    assert_eq!(tried["goes_to"], json!(["crm"]));
    assert_eq!(tried["filter"]["verdict"], "filter_troubled");
    assert_eq!(app.ledger().await["touchpoints"], 0);
    let trial = json!({ "lead": { "offer": "fabrikam.x" } });
    let refused = app.call(Method::POST, "/v1/routes/test?publisher=contoso", Some(&trial)).await;
    assert_eq!(refused.expect(422)["code"], "other_publisher");
    let wish = json!({ "force": true });
    let refused = app.call(Method::POST, "/v1/replays?publisher=contoso", Some(&wish)).await;
    assert_eq!(refused.expect(422)["code"], "force_needs_destination");
    app.stop().await;
}

#[tokio::test]
async fn a_replay_tries_again_what_is_parked_at_its_destination() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = add_without_route(&app, "crm").await;
    add_route(&app, json!({ "offer": "*", "destination": "crm" })).await;
    crm.otherwise(Answer::status(422));
    send(&app, "ada@example.com", json!({})).await;
    let parked = app.wait_until_settled().await;
    assert_eq!(account(&parked, "crm"), [0, 0, 1, 0]);
    crm.otherwise(Answer::status(200));
    assert_eq!(replay(&app, json!({ "destination": "crm" })).await["again"], 1);
    let ledger = app.wait_until_settled().await;
    assert_eq!(account(&ledger, "crm"), [0, 1, 0, 0]);
    app.stop().await;
}
