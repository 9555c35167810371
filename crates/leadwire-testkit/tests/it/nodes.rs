//! Several nodes on one database: each works on its share, any takes in for all, and one that goes loses nothing.

use bytes::Bytes;
use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{Answer, HttpsEndpoint};
use leadwire_store::engine::Param;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::engine;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

/// So many that each node has a share: that one of three has none comes once in ten thousand runs and more.
const LANES: u64 = 24;
const LEDGER: &str = "/v1/ledger?publisher=contoso";

fn all(ledger: &Value) -> impl Iterator<Item = &Value> {
    ledger["destinations"].as_array().unwrap().iter()
}

fn is_settled(ledger: &Value) -> bool {
    all(ledger).all(|it| it["pending"] == 0)
}

async fn node(folder: &Arc<TempDir>, clock: &Arc<TestClock>) -> TestApp {
    let database = engine::on_server(folder.path());
    TestApp::start_in(Arc::clone(folder), Arc::clone(clock), |it| it.database = Some(database)).await
}

fn distinct(count: u64) -> usize {
    usize::try_from(count).unwrap()
}

struct World {
    folder: Arc<TempDir>,
    one: TestApp,
    other: TestApp,
    endpoint: HttpsEndpoint,
}

/// Two nodes that know of each other, and some destinations at one endpoint.
async fn world() -> World {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let one = node(&folder, &clock).await;
    one.add_contoso().await;
    let endpoint = start_endpoint(&clock, None).await;
    for number in 0..LANES {
        one.add_destination(&format!("crm{number}"), json!({ "url": endpoint.url() })).await;
    }
    let other = node(&folder, &clock).await;
    for app in [&one, &other] {
        app.until_nodes(2).await;
    }
    World { folder, one, other, endpoint }
}

/// Lanes that a node works on, as the store knows it.
async fn held_by(app: &TestApp, holder: &str) -> u64 {
    let (sql, holder) = ("SELECT COUNT(*) FROM lane WHERE holder = $1", holder.to_owned());
    let count = app.app.store.read(move |tx| tx.find(sql, &[Param::Text(&holder)], |row| row.int(0)));
    u64::try_from(count.await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn each_node_works_on_its_share_and_any_takes_in_for_all() {
    let World { one, other, endpoint, .. } = world().await;
    for number in 0..5 {
        let app = if number % 2 == 0 { &one } else { &other };
        app.send_lead(&format!("customer{number}@example.com")).await;
    }
    let ledger = TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    assert_eq!(ledger["touchpoints"], 5);
    assert_eq!(
        (endpoint.accepted(), endpoint.accepted_distinct()),
        (5 * LANES, distinct(5 * LANES)),
        "each got each lead once"
    );
    let shares = [held_by(&one, &one.app.nodes.id()).await, held_by(&one, &other.app.nodes.id()).await];
    assert_eq!(shares.iter().sum::<u64>(), LANES);
    assert!(shares.iter().all(|it| *it > 0), "{shares:?}");
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn lanes_of_a_node_that_ends_in_good_order_go_on_at_once() {
    let World { one, other, endpoint, .. } = world().await;
    let gone = other.app.nodes.id();
    other.stop().await;
    one.until_nodes(1).await;
    one.send_lead("ada@example.com").await;
    one.wait_until_settled().await;
    assert_eq!(endpoint.accepted(), LANES);
    assert_eq!((held_by(&one, &one.app.nodes.id()).await, held_by(&one, &gone).await), (LANES, 0));
    one.stop().await;
}

/// Has the server refuse to let go of any lane, as one whose disk is full; how often it did outlasts what is undone.
const REFUSE_TO_RELEASE: [&str; 3] = [
    "CREATE SEQUENCE refused MINVALUE 0 START 0",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
     'BEGIN PERFORM nextval(''refused''); RAISE EXCEPTION ''full'' USING ERRCODE = ''disk_full''; END'",
    "CREATE TRIGGER refuse BEFORE UPDATE ON lane FOR EACH ROW
     WHEN (NEW.holder = '' AND OLD.holder <> '') EXECUTE FUNCTION refuse()",
];

async fn run(app: &TestApp, statements: &'static [&'static str]) {
    let done =
        app.app.store.write(move |tx| statements.iter().try_for_each(|it| tx.execute(it, &[]).map(drop)));
    done.await.unwrap();
}

/// Waits until something is so, looking at this node's pace.
async fn until(app: &TestApp, is_so: impl AsyncFn() -> bool) {
    let waited = async {
        while !is_so().await {
            app.app.nodes.moment().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("it comes to be so");
}

#[tokio::test]
async fn a_lane_that_could_not_be_let_go_of_when_a_node_came_is_let_go_of_soon() {
    let World { folder, one, other, endpoint } = world().await;
    run(&one, &REFUSE_TO_RELEASE).await;
    let third = node(&folder, &one.clock).await;
    for app in [&one, &other, &third] {
        app.until_nodes(3).await;
    }
    let refused = "SELECT last_value FROM refused";
    until(&one, async || {
        let count = one.app.store.read(move |tx| tx.find(refused, &[], |row| row.int(0))).await;
        count.unwrap().unwrap() > 0
    })
    .await;
    run(&one, &["DROP TRIGGER refuse ON lane"]).await;
    one.send_lead("ada@example.com").await;
    let nodes = [&one, &other, &third];
    TestApp::wait_for_any(&nodes, LEDGER, is_settled).await;
    assert_eq!(
        (endpoint.accepted(), endpoint.accepted_distinct()),
        (LANES, distinct(LANES)),
        "each got it once"
    );
    let came = third.app.nodes.id();
    until(&one, async || held_by(&one, &came).await > 0).await;
    for app in [third, other, one] {
        app.stop().await;
    }
}

#[tokio::test]
async fn what_a_dead_node_had_under_way_is_left_alone_until_it_cannot_arrive_any_more() {
    let World { one, other, endpoint, .. } = world().await;
    endpoint.otherwise(Answer::Hang);
    one.send_lead("ada@example.com").await;
    endpoint.wait_for_calls(LANES).await;
    let gone = other.app.nodes.id();
    let left = held_by(&one, &gone).await;
    other.kill().await;
    // Its time is over.
    let (sql, id) = ("UPDATE node SET alive_until = 1 WHERE node_id = $1", gone.to_string());
    one.app.store.write(move |tx| tx.execute(sql, &[Param::Text(&id)])).await.unwrap();
    endpoint.otherwise(Answer::status(200));
    endpoint.release();
    one.until_nodes(1).await;
    one.send_lead("grace@example.com").await;
    let both = |it: &Value| {
        let count = |done: u64| all(it).filter(|it| it["delivered"] == done).count();
        u64::try_from(count(2)).unwrap() == LANES - left && u64::try_from(count(1)).unwrap() == left
    };
    one.wait_for(LEDGER, both).await;
    assert_eq!(endpoint.calls(), 2 * LANES, "nothing is sent a second time yet");
    one.clock.advance(limits::LEFT_BEHIND_WAIT);
    one.wait_until_settled().await;
    assert_eq!(
        (endpoint.calls(), endpoint.distinct()),
        (2 * LANES + left, distinct(2 * LANES)),
        "under the same ids"
    );
    one.stop().await;
}

#[tokio::test]
async fn what_is_set_up_at_one_node_holds_at_the_other() {
    let World { one, other, endpoint, .. } = world().await;
    let key = one.post("/v1/keys?publisher=contoso", &json!({ "title": "late", "role": "sender" })).await;
    let token = key["key"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let lead =
        Bytes::from_static(br#"{"source":"AzureMarketplace","action":"INS","offer":"contoso.crm-pro"}"#);
    let mut changes = other.app.directory.changes();
    while other.app.directory.now().setup.version != one.app.directory.now().setup.version {
        tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it is told").unwrap();
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    other.raw(Method::POST, "/v1/leads", &headers, lead).await.expect(202);
    TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    assert_eq!(endpoint.accepted(), LANES);
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn a_lane_hears_at_once_of_a_lead_that_another_node_took_in() {
    let World { one, other, endpoint, .. } = world().await;
    one.send_lead("first@example.com").await;
    TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    // Nobody looks any more: what arrives from here on was told.
    [&one, &other].iter().for_each(|it| it.app.nodes.look_no_more());
    for (number, app) in [&one, &other, &one, &other].into_iter().enumerate() {
        app.send_lead(&format!("customer{number}@example.com")).await;
        TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    }
    assert_eq!((endpoint.accepted(), endpoint.accepted_distinct()), (5 * LANES, distinct(5 * LANES)));
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn a_wish_that_another_node_took_in_reaches_what_a_lane_has_in_hand() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let one = node(&folder, &clock).await;
    one.add_contoso().await;
    let crm = start_endpoint(&clock, None).await;
    one.add_destination("crm", json!({ "url": crm.url(), "in_flight": 1 })).await;
    let other = node(&folder, &clock).await;
    for app in [&one, &other] {
        app.until_nodes(2).await;
    }
    one.send_lead("ready@example.com").await;
    TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    let is_here = held_by(&one, &one.app.nodes.id()).await == 1;
    let (holder, far) = if is_here { (&one, &other) } else { (&other, &one) };
    far.app.nodes.look_no_more();
    holder.app.nodes.look_no_more();
    crm.otherwise(Answer::Hang);
    holder.send_lead("first@example.com").await;
    let waiting = holder.send_lead("ada@example.com").await.replace("tp_", "dlv_");
    // The lane holds both: one is on the wire, the other is next.
    let path = format!("/v1/deliveries/{waiting}_1?publisher=contoso");
    holder.wait_for(&path, |it| it["delivery"]["in_flight"] == true).await;
    let wish = json!({
        "source": "SPZA", "action": "DNC", "offer": "contoso.crm-pro", "customer": { "email": "ada@example.com" },
    });
    let heard = holder.app.lanes.heard();
    far.post("/v1/leads", &wish).await;
    let mut heard = heard;
    tokio::time::timeout(PATIENCE, heard.changed()).await.expect("it is told").unwrap();
    crm.otherwise(Answer::status(200));
    crm.release();
    TestApp::wait_for_any(&[&one, &other], LEDGER, is_settled).await;
    let data = |it: &[u8]| serde_json::from_slice::<Value>(it).unwrap()["data"].clone();
    let adas: Vec<Value> = crm.received().iter().map(|it| data(&it.body)).collect();
    let adas: Vec<_> = adas.iter().filter(|it| it["customer"]["email"] == "ada@example.com").collect();
    assert_eq!(adas.len(), 2, "{adas:?}");
    assert!(adas.iter().all(|it| it["do_not_contact"] == true), "{adas:?}");
    other.stop().await;
    one.stop().await;
}
