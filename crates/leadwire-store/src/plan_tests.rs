//! Every statement the crate runs is explained: none reads a table of leads from end to end, and the hot ones use
//! the index that was made for them.

mod feedback;
use crate::accept::{Accept, Once};
use crate::deliveries::DeliveryFilter;
use crate::follow_ups::{Following, Reached};
use crate::lanes::{LaneKey, Settled, Turn};
use crate::leads::{Act, LeadFilter};
use crate::plan_merges_tests;
use crate::plan_notices_tests;
use crate::quarantine::Quarantine;
use crate::replays::{Done, Replay, ReplayState, ReplayStep, Replayed, Stepped};
use crate::rows::{Channel, DeliveryState};
use crate::setup::proofs::Proved;
use crate::setup::{
    Change, Destination, Offer, Publisher, PublisherKey, Rekeying, RouteChange, StoredFollowUp, StoredRoute,
};
use crate::unrouted::{Routing, TouchpointFilter};
use crate::{Store, StoreError};
use leadwire_core::follow_up::Audience;
use leadwire_core::id::{
    ActId, DeliveryId, DestinationNo, FollowUpId, LeadId, OfferId, PublisherId, QuarantineId, ReplayId,
    RouteId, TouchpointId,
};
use leadwire_core::interest::{Interest, Pattern};
use leadwire_core::lane::{Gate, Next};
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Touchpoint};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What ran, by file.
static RAN: Mutex<BTreeMap<String, BTreeSet<&'static str>>> = Mutex::new(BTreeMap::new());

/// Notes a statement; called for each that runs.
pub(crate) fn note(connection: &Connection, sql: &'static str) {
    let file = connection.path().unwrap_or_default().to_owned();
    RAN.lock().unwrap().entry(file).or_default().insert(sql);
}

/// What is read whole on purpose: the set-up, and what a statement has just gathered.
const READ_WHOLE: &[&str] = &[
    "publisher",
    "offer",
    "d",
    "publisher_key",
    "destination",
    "follow_up",
    "route",
    "intake_token",
    "api_key",
    "act",
    "acts",
    "gone",
    "owed",
    "routed",
    "replay",
    "retention",
    "erasure",
    "tombstone",
    "p",
];
/// How a step looks that goes through all rows of a publisher, at worst.
const WIDE: &[&str] =
    &["(publisher_id=?)", "(publisher_id=? AND touchpoint_id<?)", "(publisher_id=? AND lead_id<?)"];
/// Statements that may: a page of a list stops at its limit, and the ledger counts everything on purpose.
const MAY_BE_WIDE: &[&str] = &[
    "DESC LIMIT $",
    "DESC LIMIT 1",
    "SELECT COUNT(*) FROM",
    "COUNT(*), CAST(SUM(attempts)",
    "COUNT(*), MIN(ended_at)",
];
/// Tables that grow with the leads, and what they are called in joins.
const GROWING: &[&str] =
    &["delivery", "touchpoint", "lead", "attempt", "quarantine", "idempotency", "d", "t", "i"];

/// A hot statement, with `…` for what is left out before or after, and how each table in it must be reached.
const HOT: &[(&str, &[&str])] = &[
    (
        "SELECT i.body, i.touchpoint_id…",
        &[
            "SEARCH i USING PRIMARY KEY (publisher_id=? AND idempotency_key=?)",
            "SEARCH t USING INDEX sqlite_autoindex_touchpoint_1 (publisher_id=? AND touchpoint_id=?)",
        ],
    ),
    (
        "…FROM lead WHERE publisher_id = $1 AND identity = $2",
        &["SEARCH lead USING INDEX lead_identity (publisher_id=? AND identity=?)"],
    ),
    ("UPDATE lead SET interest…", &["SEARCH lead USING PRIMARY KEY (publisher_id=? AND lead_id=?)"]),
    (
        "WITH acts AS…",
        &[
            "MATERIALIZE acts",
            "SEARCH touchpoint USING COVERING INDEX touchpoint_of_lead (publisher_id=? AND lead_id=?)",
            "SCAN acts",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND touchpoint_id=?)",
            "SEARCH o EXISTS USING PRIMARY KEY (publisher_id=? AND destination_no=?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH a USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
        ],
    ),
    (
        "SELECT touchpoint_id, interest, interest_rule…",
        &[
            "SEARCH touchpoint USING INDEX touchpoint_of_lead (publisher_id=? AND lead_id=? AND touchpoint_id>?)",
        ],
    ),
    (
        "SELECT erased_at, lead_id FROM tombstone…",
        &["SEARCH tombstone USING PRIMARY KEY (publisher_id=? AND tombstone_key=?)"],
    ),
    (
        "SELECT lead_id, CAST(SUM(CASE WHEN claim >= 0…",
        &[
            "SEARCH delivery USING INDEX delivery_in_order (publisher_id=? AND destination_no=? AND lead_id>?)",
        ],
    ),
    ("SELECT number, hash FROM audit…", &["SEARCH audit USING PRIMARY KEY (publisher_id=?)"]),
    ("UPDATE lead SET first_name…", &["SEARCH lead USING PRIMARY KEY (publisher_id=? AND lead_id=?)"]),
    (
        "SELECT touchpoint_id FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND lead_id = $3…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_in_order (publisher_id=? AND destination_no=? AND lead_id=?)",
        ],
    ),
    (
        "UPDATE delivery SET claim = $1, attempts = attempts + 1…",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at<?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH l USING PRIMARY KEY (publisher_id=? AND lead_id=?)",
        ],
    ),
    (
        "SELECT due_at FROM delivery…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at>?)",
        ],
    ),
    (
        "UPDATE delivery SET state = $1…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = 0, attempts…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = 0 WHERE publisher_id…",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "SCALAR SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_in_order (publisher_id=? AND destination_no=? AND lead_id=?)",
        ],
    ),
    (
        "…FROM delivery WHERE state = 'pending' AND publisher_id = $3 AND destination_no = $4 AND claim > 0",
        &["SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim>?)"],
    ),
    (
        "…WHERE state = 'parked' AND publisher_id = $1 AND destination_no = $2 AND touchpoint_id <= $3",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_parked (publisher_id=? AND destination_no=? AND touchpoint_id<?)",
        ],
    ),
    (
        "…AND state = 'suppressed' AND publisher_id",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_held (publisher_id=? AND destination_no=? AND state=? AND touchpoint_id<?)",
        ],
    ),
    (
        "WITH act AS…",
        &[
            "MATERIALIZE act",
            "SEARCH touchpoint USING COVERING INDEX touchpoint_of_lead (publisher_id=? AND lead_id=? AND touchpoint_id<?)",
            "SCAN act",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND touchpoint_id=?)",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    ),
    (
        "WITH owed AS…",
        &[
            "MATERIALIZE owed",
            "SEARCH delivery USING COVERING INDEX delivery_in_order (publisher_id=? AND destination_no=?)",
            "SCAN owed",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    ),
    (
        "UPDATE delivery SET claim = -1…",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_in_order (publisher_id=? AND destination_no=? AND lead_id=?)",
        ],
    ),
    (
        "…AND claim IN (-1, 0) AND due_at > $1) AND NOT EXISTS",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at>?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH e USING PRIMARY KEY (publisher_id=? AND touchpoint_id=?)",
        ],
    ),
    (
        "…AND claim IN (-1, 0) AND due_at > $4)",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at>?)",
        ],
    ),
    (
        "SELECT COUNT(*) FROM delivery WHERE state = 'pending' AND publisher_id = $1",
        &["SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=?)"],
    ),
    (
        "SELECT state, content, live_content…",
        &["SEARCH listing USING PRIMARY KEY (publisher_id=? AND offer_id=?)"],
    ),
    (
        "SELECT publisher_id, idempotency_key FROM idempotency…",
        &["SEARCH idempotency USING PRIMARY KEY ((publisher_id,idempotency_key)>(?,?))"],
    ),
    (
        "DELETE FROM idempotency WHERE (publisher_id, idempotency_key) > ($1, $2) AND (publisher_id…",
        &[
            "SEARCH idempotency USING PRIMARY KEY ((publisher_id,idempotency_key)>(?,?) AND (publisher_id,idempotency_key)<(?,?))",
        ],
    ),
];

#[tokio::test]
async fn no_statement_reads_a_table_of_leads_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    run_everything(&store).await.unwrap();
    drop(store);
    let file = folder.path().join("leadwire.db");
    let ran = RAN.lock().unwrap().get(file.canonicalize().unwrap().to_str().unwrap()).unwrap().clone();
    let connection = Connection::open(file).unwrap();
    let plans: Vec<(String, Vec<String>)> =
        ran.iter().map(|sql| (one_line(sql), plan(&connection, sql))).collect();
    for (sql, plan) in &plans {
        let may_be_wide = MAY_BE_WIDE.iter().any(|it| sql.contains(it)) && sql.starts_with("SELECT");
        let is_sorted = plan.iter().any(|it| it.starts_with("USE TEMP B-TREE FOR ORDER"));
        for step in plan {
            let mut words = step.split(' ');
            match (words.next(), words.next()) {
                (Some("SCAN"), Some(table)) => {
                    let may = READ_WHOLE.contains(&table)
                        || plan_merges_tests::READ_WHOLE.contains(&table)
                        || plan_notices_tests::READ_WHOLE.contains(&table);
                    assert!(may, "{step}\n{sql}");
                }
                (Some("SEARCH"), Some(table))
                    if GROWING.contains(&table) || plan_merges_tests::GROWING.contains(&table) =>
                {
                    let is_wide = WIDE.iter().any(|it| step.ends_with(it));
                    let is_counted = sql.starts_with("SELECT COUNT(*)");
                    assert!(!is_wide || may_be_wide && !is_sorted || is_counted, "{step}\n{sql}");
                }
                _ => {}
            }
        }
    }
    for (part, expected) in
        HOT.iter().chain(feedback::HOT).chain(plan_merges_tests::HOT).chain(plan_notices_tests::HOT)
    {
        let found: Vec<_> = plans.iter().filter(|it| is_meant(part, &it.0)).collect();
        assert!(!found.is_empty(), "this did not run: {part}");
        for (sql, plan) in found {
            assert_eq!(plan, expected, "{sql}");
        }
    }
}

fn is_meant(part: &str, sql: &str) -> bool {
    match (part.strip_prefix('…'), part.strip_suffix('…')) {
        (Some(inside), _) => sql.contains(inside),
        (None, Some(start)) => sql.starts_with(start),
        (None, None) => sql == part,
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn accept(number: u128, routed: bool) -> Accept {
    Accept {
        publisher: PublisherId::parse("contoso").unwrap(),
        touchpoint: TouchpointId::new(number),
        received_at: at(1_000_000),
        channel: Channel::Api,
        body: "{}".into(),
        body_sha256: [0; 32],
        parsed: Arc::default(),
        identity: Some([7; 16]),
        of_lead: None,
        questions: Vec::new(),
        shown: None,
        once: Some(Once { key: number.to_be_bytes(), body: [0; 16], kept: Duration::from_secs(60) }),
        routed: if routed {
            vec![Routed { destination: DestinationNo::new(1), suppressed: None }]
        } else {
            Vec::new()
        },
        holding: [DestinationNo::new(1)].into(),
        routing_trouble: String::new(),
        reached: Some(Reached { step: Interest::Initial, follow_ups: vec![following()] }),
        offered: Vec::new(),
    }
}

fn following() -> Following {
    Following {
        id: FollowUpId::new(1),
        audience: Audience::Team,
        destination: DestinationNo::new(2),
        due_at: at(1),
    }
}

/// Adds a route to a destination, changes and moves it.
async fn route_there(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let route = StoredRoute {
        publisher: publisher.clone(),
        id: RouteId::new(1),
        offers: Offers::All,
        filter: String::new(),
        destination: number,
        stop: false,
        created_at: at(0),
    };
    follow(store, &route).await?;
    store.add_route(route).await?;
    let moved = RouteChange { position: Some(1), ..RouteChange::default() };
    assert_eq!(store.change_route(publisher.clone(), RouteId::new(1), moved).await?, Change::Made);
    assert_eq!(store.order_routes(publisher.clone(), vec![RouteId::new(1)]).await?, Change::Made);
    Ok(())
}

/// Adds and removes a follow-up, through the destination a route is to lead to.
async fn follow(store: &Store, route: &StoredRoute) -> Result<(), StoreError> {
    let follow_up = StoredFollowUp {
        publisher: route.publisher.clone(),
        id: FollowUpId::new(1),
        offers: Offers::All,
        step: Interest::Initial,
        audience: Audience::Team,
        destination: route.destination,
        digest_at: None,
        words: String::new(),
        created_at: at(0),
    };
    assert_eq!(store.put_follow_up(follow_up).await?, Change::Made);
    assert_eq!(store.add_route(route.clone()).await?, Change::InUse);
    assert_eq!(store.remove_follow_up(route.publisher.clone(), FollowUpId::new(1)).await?, Change::Made);
    Ok(())
}

async fn replay(store: &Store, publisher: &PublisherId, number: DestinationNo) -> Result<(), StoreError> {
    let version = store.setup().await?.version;
    for (id, destination) in [(1, None), (2, Some(number))] {
        let replay = Replay {
            publisher: publisher.clone(),
            id: ReplayId::new(id),
            created_at: at(0),
            destination,
            offers: Offers::All,
            range: (TouchpointId::new(0), TouchpointId::new(9)),
            force: true,
            state: ReplayState::Running,
            done_to: TouchpointId::new(0),
            done: Done::default(),
            ended_at: None,
        };
        assert_eq!(store.add_replay(replay.clone()).await?, Change::Made);
        let page = store.replay_page(replay.clone(), 9).await?;
        let item = |it: crate::leads::StoredTouchpoint| Replayed {
            touchpoint: it.id,
            lead: it.lead,
            is_do_not_contact: false,
            routed: vec![Routed { destination: number, suppressed: None }],
        };
        let items = page.into_iter().map(item).collect();
        let step = ReplayStep { replay, items, to: None, now: at(0) };
        assert!(matches!(store.replay_step(version, step).await?, Stepped::Made(_)));
    }
    store.running_replays().await?;
    store.replays(publisher.clone(), None, 9).await?;
    store.stop_replay(publisher.clone(), ReplayId::new(1), at(0)).await?;
    Ok(())
}

/// Calls every method of the store on a way that reaches every statement.
async fn run_everything(store: &Store) -> Result<(), StoreError> {
    let publisher = PublisherId::parse("contoso").unwrap();
    let number = DestinationNo::new(1);
    let created_at = at(0);
    store.add_publisher(Publisher { id: publisher.clone(), title: String::new(), created_at }).await?;
    let destination = Destination {
        publisher: publisher.clone(),
        number,
        name: "crm".to_owned(),
        kind: "https".to_owned(),
        settings: "{}".to_owned(),
        secrets: Vec::new(),
        settings_no: 1,
        created_at,
        gate: Gate::Open,
    };
    assert_eq!(store.add_destination(destination).await?, Ok(number));
    route_there(store, &publisher, number).await?;
    let version = store.setup().await?.version;
    // A duplicate, a lead that is known, one behind and one before its like.
    for (id, routed) in [(5, true), (5, true), (6, true), (4, true), (7, false)] {
        assert!(store.accept(version, [accept(id, routed)].into()).await?.is_some());
    }
    let quarantine = Quarantine {
        publisher: publisher.clone(),
        id: QuarantineId::new(1),
        received_at: created_at,
        offer: OfferId::parse("crm").unwrap(),
        content_type: String::new(),
        code: String::new(),
        pointer: String::new(),
        message: String::new(),
        body: "{".into(),
        body_sha256: [0; 32],
    };
    store.quarantine(quarantine).await?;
    work_and_read(store, &publisher, number).await?;
    decide(store, &publisher, version).await?;
    plan_merges_tests::merge_and_suggest(store, &publisher, |id| accept(id, true)).await?;
    crate::plan_erasure_tests::erase(store, &publisher).await?;
    crate::plan_audit_tests::audit(store, &publisher).await?;
    plan_notices_tests::notices(store, &publisher, number).await?;
    store.forget_idempotency(at(i64::MAX), None, 1).await?;
    store.forget_idempotency(at(i64::MAX), None, 100).await?;
    let keys = |publisher: &PublisherId| {
        vec![PublisherKey {
            publisher: publisher.clone(),
            number: 1,
            master_key: String::new(),
            wrapped: Vec::new(),
            created_at,
        }]
    };
    for whose in [Some(publisher.clone()), None] {
        let made = keys(&publisher);
        let rekeying = Rekeying { keys: made.clone(), secrets: Vec::new(), unused: made };
        store.rekey(whose, move |_, _| (rekeying.clone(), ())).await?;
    }
    list_and_prove(store, &publisher, number).await?;
    store.remove_destination(publisher, number, created_at).await?;
    Ok(())
}

/// What people decide about a lead, and what follows of a customer's wish not to be contacted.
async fn decide(store: &Store, publisher: &PublisherId, version: i64) -> Result<(), StoreError> {
    let lead = LeadId::new(5);
    let act = Act {
        id: ActId::new(5),
        at: at(0),
        kind: String::new(),
        value: String::new(),
        reason: String::new(),
        who: String::new(),
        rule: String::new(),
    };
    assert!(store.set_interest(publisher.clone(), lead, Interest::Initial, act).await?);
    store.acts(publisher.clone(), lead, 9).await?;
    let parsed = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    let refused = Accept { parsed, of_lead: Some(lead), ..accept(8, false) };
    assert!(store.accept(version, [refused].into()).await?.is_some());
    let pattern = Pattern::parse("*", "INS");
    store.put_interest_rule(pattern.clone(), Interest::Active).await?;
    store.reset_interest_rules(Some(pattern)).await?;
    store.reset_interest_rules(None).await?;
    Ok(())
}

async fn list_and_prove(
    store: &Store,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<(), StoreError> {
    let (whose, crm) = (|| publisher.clone(), OfferId::parse("crm").unwrap());
    let offer = Offer { publisher: whose(), id: crm.clone(), title: String::new(), created_at: at(0) };
    store.put_offer(offer).await?;
    let content = || "{}".to_owned();
    assert_eq!(store.put_listing(whose(), crm.clone(), content(), at(1)).await?, Change::Made);
    assert_eq!(store.preview_listing(whose(), crm.clone(), [0; 32], at(2)).await?, Change::Made);
    assert_eq!(store.bring_listing_live(whose(), crm.clone(), content(), at(3)).await?, Change::Made);
    store.listing(whose(), crm.clone()).await?;
    store.offer_states(whose()).await?;
    store.withdraw_listing(whose(), crm.clone(), at(4)).await?;
    let lane = LaneKey { publisher: whose(), destination };
    store.note_proof(lane, 1, Proved::TestLead, at(5)).await?;
    store.proofs(whose()).await?;
    store.remove_offer(whose(), crm, at(6)).await?;
    Ok(())
}

async fn work_and_read(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let lane = LaneKey { publisher: publisher.clone(), destination: number };
    let token = store.take_lane(lane.clone(), "local".into(), at(9_000_000)).await?.unwrap();
    let mut turn = Turn {
        settled: Vec::new(),
        released: Vec::new(),
        gate: Some(Gate::Open),
        room: 9,
        held: 0,
        now: at(9_000_000),
    };
    let claims = store.lane_turn(lane.clone(), token, Arc::new(turn.clone())).await?.unwrap().claims;
    assert_eq!(claims.len(), 1);
    turn.released = vec![claims[0].touchpoint];
    store.lane_turn(lane.clone(), token, Arc::new(turn.clone())).await?;
    let tried = Tried { outcome: Outcome::Done(Receipt::Accepted), evidence: Evidence::default() };
    turn.settled = vec![Settled { touchpoint: claims[0].touchpoint, number: 1, tried, next: Next::Park }];
    store.lane_turn(lane.clone(), token, Arc::new(turn)).await?;
    // The clock was set back meanwhile.
    store.take_lane(lane.clone(), "local".into(), at(5_000_000)).await?.unwrap();
    store.gate(lane).await?;
    let id = DeliveryId { touchpoint: claims[0].touchpoint, destination: number };
    store.delivery(publisher.clone(), id).await?;
    let states = DeliveryState::ALL.into_iter().map(Some).chain([None]);
    for (state, lead) in states.flat_map(|it| [(it, None), (it, Some(LeadId::new(5)))]) {
        let filter = DeliveryFilter {
            publisher: publisher.clone(),
            destination: None,
            state,
            lead,
            before: None,
            limit: 10,
        };
        store.deliveries(filter).await?;
    }
    store.failures(publisher.clone(), 9).await?;
    assert_eq!(store.retry_parked(publisher.clone(), number, 9, at(0)).await?, 1);
    store.retry_delivery(publisher.clone(), id, at(0)).await?;
    store.unfinished(publisher.clone()).await?;
    store.leads(LeadFilter { publisher: publisher.clone(), before: None, email: None, limit: 9 }).await?;
    store.lead(publisher.clone(), LeadId::new(5), 9).await?;
    store.touchpoints(publisher.clone(), vec![TouchpointId::new(5)]).await?;
    store.ledger(publisher.clone()).await?;
    store.last_touchpoint().await?;
    store.quarantined(publisher.clone(), None, 9).await?;
    store.quarantined_body(publisher.clone(), QuarantineId::new(1)).await?;
    for routing in [Routing::Unrouted, Routing::Troubled] {
        let filter =
            TouchpointFilter { publisher: publisher.clone(), routing, offer: None, before: None, limit: 9 };
        store.touchpoints_by_routing(filter).await?;
    }
    feedback::run(store, publisher, number).await?;
    replay(store, publisher, number).await
}
