//! What a destination, a person or the machine can do wrong, and that no lead is lost, doubled or held up by it.

use leadwire_sandbox::https_endpoint::{self, Answer, HttpsEndpoint, Options};
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;

const DELIVERIES: &str = "/v1/deliveries?publisher=contoso";
const CRM: &str = "/v1/destinations/crm?publisher=contoso";
/// Beyond the longest first delay after a failed try, and the longest second one.
const FIRST_DELAY: Duration = Duration::from_secs(6);
const SECOND_DELAY: Duration = Duration::from_secs(11);
/// Beyond the longest wait for the first probe of a paused destination.
const FIRST_PROBE: Duration = Duration::from_secs(61);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The program with `contoso`, and an endpoint that is its destination `crm`.
async fn start_with_crm(more: Value) -> (TestApp, HttpsEndpoint) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", with_url(&endpoint, more)).await;
    (app, endpoint)
}

fn with_url(endpoint: &HttpsEndpoint, mut settings: Value) -> Value {
    settings["url"] = json!(endpoint.url());
    settings
}

/// Waits until the newest delivery has come to the end of its try of this number, and gives it back.
async fn tried(app: &TestApp, number: u32) -> Value {
    let ended = |it: &Value| it["attempts"] == number && it["in_flight"] == false;
    let page = app.wait_for(DELIVERIES, |it| ended(&it["items"][0])).await;
    page["items"][0].clone()
}

/// The attempts of a delivery, oldest first.
async fn attempts(app: &TestApp, delivery: &Value) -> Value {
    let id = delivery["id"].as_str().unwrap();
    app.get(&format!("/v1/deliveries/{id}?publisher=contoso")).await["attempts"].clone()
}

/// Waits until the destination is paused, and gives back why.
async fn paused(app: &TestApp) -> Value {
    let pause = app.wait_for(CRM, |it| it["state"] == "paused").await["pause"].clone();
    for text in ["cause", "message", "fix"] {
        assert_ne!(pause[text].as_str().unwrap(), "", "{pause}");
    }
    pause
}

async fn resume(app: &TestApp) {
    app.post("/v1/destinations/crm/resume?publisher=contoso", &json!({})).await;
}

/// The account of the only destination, when nothing is pending any more.
async fn settled(app: &TestApp) -> Value {
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["adds_up"], true, "{ledger}");
    ledger["destinations"][0].clone()
}

async fn until_accepted(endpoint: &HttpsEndpoint, count: usize) {
    let waited = tokio::time::timeout(PATIENCE, endpoint.wait_for_accepted_distinct(count)).await;
    waited.unwrap_or_else(|_| panic!("{} leads arrived, not {count}", endpoint.accepted_distinct()));
}

/// The one delivery an endpoint saw came so many times, always under one id and byte for byte the same.
#[track_caller]
fn assert_repeated(endpoint: &HttpsEndpoint, calls: u32) {
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].calls, seen[0].body_changed), (calls, false));
}

#[tokio::test]
async fn a_destination_that_refuses_connections_is_tried_until_it_does_not() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    // Bound, so that nobody else gets the port, and not listening, so that the kernel refuses.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = socket.local_addr().unwrap();
    app.add_destination("crm", json!({ "url": format!("http://{address}/") })).await;
    app.send_lead("ada@example.com").await;
    let delivery = tried(&app, 1).await;
    assert_eq!((&delivery["state"], &delivery["cause"]), (&json!("pending"), &json!("connection_refused")));
    assert_eq!(attempts(&app, &delivery).await[0]["outcome"], "retry");
    let endpoint = https_endpoint::start(socket.listen(64).unwrap(), Options::new(Arc::new(|| 0))).unwrap();
    app.clock.advance(FIRST_DELAY);
    assert_eq!(settled(&app).await["delivered"], 1);
    assert_repeated(&endpoint, 1);
    app.stop().await;
}

#[tokio::test]
async fn what_a_hanging_destination_got_is_unknown_and_sent_again_under_the_same_id() {
    let (app, endpoint) = start_with_crm(json!({ "timeout_seconds": 4 })).await;
    endpoint.script(vec![Answer::Hang]);
    app.send_lead("ada@example.com").await;
    let delivery = tried(&app, 1).await;
    assert_eq!((&delivery["state"], &delivery["cause"]), (&json!("pending"), &json!("answer_timeout")));
    assert_eq!(attempts(&app, &delivery).await[0]["outcome"], "unknown");
    endpoint.release();
    app.clock.advance(FIRST_DELAY);
    assert_eq!(settled(&app).await["delivered"], 1);
    assert_repeated(&endpoint, 2);
    app.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_cut_leaves_the_outcome_unknown() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.script(vec![Answer::CutBeforeAnswer, Answer::CutMidAnswer]);
    app.send_lead("ada@example.com").await;
    assert_eq!(tried(&app, 1).await["cause"], "connection_lost");
    app.clock.advance(FIRST_DELAY);
    let delivery = tried(&app, 2).await;
    assert_eq!((&delivery["state"], &delivery["cause"]), (&json!("pending"), &json!("connection_lost")));
    app.clock.advance(SECOND_DELAY);
    assert_eq!(settled(&app).await["delivered"], 1);
    let attempts = attempts(&app, &delivery).await;
    let outcomes: Vec<&str> =
        attempts.as_array().unwrap().iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["unknown", "unknown", "done"]);
    assert_repeated(&endpoint, 3);
    app.stop().await;
}

#[tokio::test]
async fn an_answer_of_200_megabytes_is_not_read_to_its_end() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.script(vec![Answer::Endless]);
    app.send_lead("ada@example.com").await;
    assert_eq!(settled(&app).await["delivered"], 1);
    let delivery = tried(&app, 1).await;
    let evidence = attempts(&app, &delivery).await[0]["evidence"].clone();
    assert!(evidence["message"].as_str().unwrap().contains("not read to the end"), "{evidence}");
    let kept = evidence["answer"].as_str().unwrap_or("").len();
    assert!(kept <= leadwire_core::limits::EVIDENCE_BYTES_MAX, "{kept} bytes are kept");
    // The next one is not held up by what is left of the first answer.
    app.send_lead("bob@example.com").await;
    assert_eq!(settled(&app).await["delivered"], 2);
    app.stop().await;
}

#[tokio::test]
async fn a_page_instead_of_json_is_as_good_an_answer_as_any() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.script(vec![Answer::html(200)]);
    app.send_lead("ada@example.com").await;
    assert_eq!(settled(&app).await["delivered"], 1);
    assert_eq!(endpoint.calls(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_but_told_to_a_person() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    let elsewhere = start_endpoint(&app.clock, None).await;
    endpoint.otherwise(Answer::redirect(307, &elsewhere.url()));
    let id = app.send_lead("ada@example.com").await;
    assert_eq!(paused(&app).await["cause"], "endpoint_redirects");
    let account = app.ledger().await["destinations"][0].clone();
    assert_eq!((&account["pending"], &account["parked"]), (&json!(1), &json!(0)));
    assert_eq!(elsewhere.calls(), 0);
    let change = json!({ "settings": { "url": elsewhere.url() } });
    app.call(http::Method::PATCH, CRM, Some(&change)).await.expect(200);
    resume(&app).await;
    assert_eq!(settled(&app).await["delivered"], 1);
    assert!(elsewhere.has_accepted(&format!("dlv_{}_1", &id[3..])));
    app.stop().await;
}

#[tokio::test]
async fn a_refused_credential_pauses_and_a_probe_finds_that_it_works_again() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.otherwise(Answer::status(401));
    app.send_lead("ada@example.com").await;
    let pause = paused(&app).await;
    assert_eq!(pause["cause"], "http_401");
    assert!(pause["probe_at"].is_string(), "{pause}");
    assert!(app.app.render_metrics().contains("leadwire_lanes_paused 1"));
    app.send_lead("bob@example.com").await;
    app.send_lead("cy@example.com").await;
    endpoint.otherwise(Answer::status(200));
    app.clock.advance(FIRST_PROBE);
    assert_eq!(settled(&app).await["delivered"], 3);
    assert_eq!(app.get(CRM).await["state"], "open");
    assert!(app.app.render_metrics().contains("leadwire_lanes_paused 0"));
    // While it was paused nothing was sent.
    assert_eq!((endpoint.calls(), endpoint.distinct()), (4, 3));
    app.stop().await;
}

#[tokio::test]
async fn a_destination_that_is_down_is_tried_with_one_lead_and_gets_the_others_once_it_answers() {
    let (app, endpoint) = start_with_crm(json!({ "calls_per_day": 1000 })).await;
    endpoint.otherwise(Answer::status(503));
    for number in 0..12 {
        app.send_lead(&format!("customer{number}@example.com")).await;
    }
    let tripped = app.wait_for(CRM, |it| it["state"] == "tripped").await;
    assert_eq!(tripped["pause"]["cause"], "http_503");
    assert!(tripped["budget"]["drained_at"].is_null(), "nobody knows when it works again: {tripped}");
    assert!(app.app.render_metrics().contains("leadwire_lanes_tripped 1"));
    // One at a time until it counted as down, and nothing since.
    assert_eq!(endpoint.calls(), 5);
    endpoint.otherwise(Answer::status(200));
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(settled(&app).await["delivered"], 12);
    assert_eq!(app.get(CRM).await["state"], "open");
    assert_eq!((endpoint.calls(), endpoint.distinct()), (17, 12));
    app.stop().await;
}

#[tokio::test]
async fn a_probe_that_fails_costs_one_request_and_the_wait_doubles() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.otherwise(Answer::status(403));
    app.send_lead("ada@example.com").await;
    let first = paused(&app).await;
    app.send_lead("bob@example.com").await;
    app.clock.advance(FIRST_PROBE);
    let probed = app.wait_for(CRM, |it| it["pause"]["probe_at"] != first["probe_at"]).await;
    assert_eq!(probed["pause"]["since"], first["since"]);
    assert_eq!(endpoint.calls(), 2);
    endpoint.otherwise(Answer::status(200));
    app.clock.advance(2 * FIRST_PROBE);
    assert_eq!(settled(&app).await["delivered"], 2);
    app.stop().await;
}

#[tokio::test]
async fn a_destination_that_wants_no_more_is_left_alone_until_a_person_says_otherwise() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    let witness = start_endpoint(&app.clock, None).await;
    app.add_destination("witness", with_url(&witness, json!({}))).await;
    endpoint.otherwise(Answer::status(410));
    witness.script(vec![Answer::retry_after(503, "75000")]);
    app.send_lead("ada@example.com").await;
    let pause = paused(&app).await;
    assert_eq!((&pause["cause"], &pause["probe_at"]), (&json!("http_410"), &Value::Null));
    app.wait_for(DELIVERIES, |it| it["items"].as_array().unwrap().iter().any(|it| it["cause"] == "http_503"))
        .await;
    app.clock.advance(DAY);
    // Another destination's retry shows that the day has passed for all lanes.
    until_accepted(&witness, 1).await;
    assert_eq!(endpoint.calls(), 1);
    endpoint.otherwise(Answer::status(200));
    resume(&app).await;
    assert_eq!(settled(&app).await["delivered"], 1);
    assert_eq!(endpoint.calls(), 2);
    app.stop().await;
}

#[tokio::test]
async fn refusals_park_one_by_one_until_the_destination_itself_is_suspected() {
    let (app, endpoint) = start_with_crm(json!({ "in_flight": 1 })).await;
    endpoint.otherwise(Answer::status(422));
    for number in 0..7 {
        app.send_lead(&format!("ada-{number}@example.com")).await;
    }
    let pause = paused(&app).await;
    assert_eq!(pause["cause"], "http_422");
    assert!(pause["message"].as_str().unwrap().contains("in a row"), "{pause}");
    let account = app.ledger().await["destinations"][0].clone();
    assert_eq!((&account["parked"], &account["pending"]), (&json!(4), &json!(3)));
    assert_eq!(endpoint.calls(), 5);

    endpoint.otherwise(Answer::status(200));
    resume(&app).await;
    let account = settled(&app).await;
    assert_eq!((&account["parked"], &account["delivered"]), (&json!(4), &json!(3)));
    let parked = app.get(&format!("{DELIVERIES}&state=parked")).await;
    assert_ne!(parked["items"][0]["fix"].as_str().unwrap(), "");
    let id = parked["items"][0]["id"].as_str().unwrap();
    app.post(&format!("/v1/deliveries/{id}/retry?publisher=contoso"), &json!({})).await;
    let account = settled(&app).await;
    assert_eq!((&account["parked"], &account["delivered"]), (&json!(3), &json!(4)));
    let retried = app.post("/v1/destinations/crm/retry-parked?publisher=contoso", &json!({})).await;
    assert_eq!(retried["retried"], 3);
    let account = settled(&app).await;
    assert_eq!((&account["parked"], &account["delivered"]), (&json!(0), &json!(7)));
    assert_eq!((endpoint.calls(), endpoint.accepted_distinct()), (12, 7));
    app.stop().await;
}

#[tokio::test]
async fn a_lead_that_is_refused_alone_does_not_hold_up_the_others() {
    let (app, endpoint) = start_with_crm(json!({ "in_flight": 1 })).await;
    endpoint.script(vec![Answer::status(422)]);
    app.send_lead("ada@example.com").await;
    app.send_lead("bob@example.com").await;
    let account = settled(&app).await;
    assert_eq!((&account["parked"], &account["delivered"]), (&json!(1), &json!(1)));
    assert_eq!(app.get(CRM).await["state"], "open");
    app.stop().await;
}

#[tokio::test]
async fn a_dead_destination_does_not_delay_another() {
    let (app, dead) = start_with_crm(json!({ "timeout_seconds": 60 })).await;
    let alive = start_endpoint(&app.clock, None).await;
    app.add_destination("alive", with_url(&alive, json!({}))).await;
    dead.otherwise(Answer::Hang);
    for number in 0..40 {
        app.send_lead(&format!("ada-{number}@example.com")).await;
    }
    until_accepted(&alive, 40).await;
    let all_there = |it: &Value| it["destinations"][1]["delivered"] == 40;
    let ledger = app.wait_for("/v1/ledger?publisher=contoso", all_there).await;
    assert_eq!(ledger["destinations"][0]["pending"], 40, "{ledger}");
    // No more requests hang than may be in flight.
    assert!(dead.calls() <= 16, "{}", dead.calls());
    dead.otherwise(Answer::status(200));
    dead.release();
    assert_eq!(settled(&app).await["delivered"], 40);
    app.stop().await;
}

#[tokio::test]
async fn a_customers_later_actions_wait_for_the_first_and_other_customers_pass() {
    let (app, endpoint) = start_with_crm(json!({})).await;
    endpoint.script(vec![Answer::status(503)]);
    let first = app.send_lead("ada@example.com").await;
    assert_eq!(tried(&app, 1).await["cause"], "http_503");
    let second = app.send_lead("ada@example.com").await;
    let third = app.send_lead("ada@example.com").await;
    let other = app.send_lead("bob@example.com").await;
    until_accepted(&endpoint, 1).await;
    app.clock.advance(FIRST_DELAY);
    assert_eq!(settled(&app).await["delivered"], 4);
    let arrived: Vec<String> = endpoint.received().into_iter().map(|it| it.webhook_id).collect();
    let expected = [&first, &other, &first, &second, &third].map(|it| format!("dlv_{}_1", &it[3..]));
    assert_eq!(arrived, expected);
    app.stop().await;
}

#[tokio::test]
async fn customers_who_want_no_contact_are_held_back_unless_the_destination_asks_for_them() {
    let (app, holds) = start_with_crm(json!({})).await;
    let sends = start_endpoint(&app.clock, None).await;
    app.add_destination("asks", with_url(&sends, json!({ "do_not_contact": "send" }))).await;
    let lead = json!({
        "source": "AzureMarketplace", "action": "DNC", "offer": "contoso.crm-pro",
        "customer": { "email": "ada@example.com" },
    });
    app.post("/v1/leads", &lead).await;
    let ledger = app.wait_until_settled().await;
    let count = |at: usize, state: &str| ledger["destinations"][at][state].clone();
    assert_eq!((count(0, "suppressed"), count(0, "delivered")), (json!(1), json!(0)));
    assert_eq!((count(1, "suppressed"), count(1, "delivered")), (json!(0), json!(1)));
    assert_eq!((holds.calls(), sends.calls()), (0, 1));
    app.stop().await;
}

#[tokio::test]
async fn a_lead_that_no_route_takes_is_kept_and_counted() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let id = app.send_lead("ada@example.com").await;
    let ledger = app.ledger().await;
    let counts = ["touchpoints", "routed", "unrouted"].map(|it| ledger[it].clone());
    assert_eq!(counts, [json!(1), json!(0), json!(1)]);
    assert_eq!(ledger["adds_up"], true);
    let leads = app.get("/v1/leads?publisher=contoso&email=ada@example.com").await;
    let lead = leads["items"][0]["id"].as_str().unwrap();
    let detail = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    assert_eq!((&detail["timeline"][0]["id"], &detail["timeline"][0]["routed"]), (&json!(id), &json!(false)));
    app.stop().await;
}
