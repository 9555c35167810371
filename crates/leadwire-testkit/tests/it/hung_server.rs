//! A database server that hangs without ending its connections: whoever asks is told to come again, and nothing is lost.

use bytes::Bytes;
use http::Method;
use leadwire::clock::MachineClock;
use leadwire::server_clock::ServerClock;
use leadwire_testkit::app::{Answer, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::engine;
use leadwire_testkit::portal::Visitor;
use leadwire_testkit::still_proxy::StillProxy;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[track_caller]
fn come_again(answer: &Answer, code: &str) {
    answer.expect(503);
    assert_eq!(answer.text("/code"), code);
    assert_eq!(answer.headers["retry-after"], "5");
}

#[tokio::test]
async fn whoever_asks_while_the_server_hangs_is_told_to_come_again() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let direct = engine::on_server(folder.path());
    let proxy = StillProxy::start(&direct);
    let one =
        TestApp::start_in(Arc::clone(&folder), Arc::clone(&clock), |it| it.database = Some(direct)).await;
    one.add_contoso().await;
    let crm = start_endpoint(&clock, None).await;
    one.add_destination("crm", json!({ "url": crm.url() })).await;
    let visitor = Visitor::of_contoso(&one, "member").await;
    // No time has to pass for its patience to be over; what is asked before the server hangs is asked at the other.
    let through = proxy.url();
    let other = TestApp::start_in(folder, clock, |it| {
        it.database = Some(through);
        it.answer_wait = Duration::ZERO;
    })
    .await;
    one.until_nodes(2).await;
    proxy.stand();

    come_again(&other.call(Method::GET, "/v1/leads?publisher=contoso", None).await, "database_away");
    let lead = json!({
        "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
        "customer": { "email": "ada@example.com" },
    });
    let bearer = format!("Bearer {}", other.key.expose());
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
    let sent = other.raw(Method::POST, "/v1/leads", &headers, Bytes::from(lead.to_string())).await;
    come_again(&sent, "in_doubt");
    let offer = json!({ "id": "late" });
    let set_up = other.call(Method::POST, "/v1/offers?publisher=contoso", Some(&offer)).await;
    come_again(&set_up, "in_doubt");
    let cookie = [("cookie", visitor.cookie.as_str()), ("accept", "text/html")];
    let page = other.raw(Method::GET, "/leads", &cookie, Bytes::new()).await;
    assert_eq!((page.status, &page.headers["retry-after"]), (503, &"5".parse().unwrap()));
    assert!(String::from_utf8_lossy(&page.body).contains("<html"));
    // Machines that look after it send nobody there, and do not start it anew.
    let ready = other.raw(Method::GET, "/readyz", &[], Bytes::new()).await;
    assert_eq!((ready.status, ready.text("/checks/store")), (503, "failing".to_owned()));
    other.raw(Method::GET, "/healthz", &[], Bytes::new()).await.expect(200);

    proxy.go();
    // What was in doubt is one lead, however it went; the connections that hung are used again.
    let bearer = format!("Bearer {}", one.key.expose());
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
    let again = one.raw(Method::POST, "/v1/leads", &headers, Bytes::from(lead.to_string())).await;
    assert_eq!(again.status, 202);
    other.app.store.read(|_| Ok(())).await.unwrap();
    let is_settled =
        |it: &Value| it["destinations"][0]["delivered"] == 1 && it["destinations"][0]["pending"] == 0;
    let ledger = TestApp::wait_for_any(&[&one, &other], "/v1/ledger?publisher=contoso", is_settled).await;
    assert_eq!(ledger["touchpoints"], 1);
    assert_eq!(crm.accepted_distinct(), 1);
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn a_clock_far_from_the_servers_is_told_and_the_node_goes_on() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    // Its clock stands where all tests start, which is not now.
    let on_server = engine::on_server(folder.path());
    let app = TestApp::start_in(folder, clock, |it| it.database = Some(on_server)).await;
    app.app.nodes.server_clock.look(&app.app.store, &*app.clock).await.unwrap();
    let ready = app.raw(Method::GET, "/readyz", &[], Bytes::new()).await;
    assert_eq!((ready.status, ready.text("/checks/clock")), (200, "off".to_owned()));
    // This machine's own is that of the server, for both are one.
    let own = ServerClock::default();
    own.look(&app.app.store, &MachineClock::start()).await.unwrap();
    assert!(own.is_near());
    app.stop().await;
}
