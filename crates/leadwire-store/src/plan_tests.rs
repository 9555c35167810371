//! Every statement the crate runs is explained: none reads a table of leads from end to end, and the hot ones use
//! the index that was made for them.

mod feedback;
mod parts;
mod replays;

use crate::accept::{Accept, Once};
use crate::follow_ups::{Following, Reached};
use crate::plan_merges_tests;
use crate::plan_notices_tests;
use crate::plan_users_tests;
use crate::quarantine::Quarantine;
use crate::rows::Channel;
use crate::setup::{Destination, Publisher, PublisherKey, Rekeying};
use crate::{Store, StoreError};
use leadwire_core::follow_up::Audience;
use leadwire_core::id::{DestinationNo, FollowUpId, OfferId, PublisherId, QuarantineId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::Gate;
use leadwire_core::routing::Routed;
use leadwire_core::time::Timestamp;
use parts::{decide, list_and_prove, route_there, work_and_read};
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
    "due",
    "publisher_key",
    "destination",
    "follow_up",
    "route",
    "intake_token",
    "api_key",
    "act",
    "acts",
    "gone",
    "heard",
    "counted",
    "owed",
    "routed",
    "replay",
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
/// Statements that read all of a publisher, or of the service, on purpose: the list of erasures, the set-up, and what the
/// service has to do.
const READS_ALL: &[&str] = &[
    "SELECT d.destination_no, l.token FROM destination d JOIN lane l…",
    "SELECT publisher_id, days, salt, readers_reveal FROM retention",
    "SELECT publisher_id, erasure_id FROM erasure WHERE state = 'wiping'",
    "SELECT erasure_id, asked_at, crm, who, reason FROM erasure WHERE publisher_id = $1 AND kind = 'person'",
    "SELECT erasure_id, lead_id, touchpoint_id FROM erased_lead WHERE publisher_id = $1",
    "SELECT tombstone_key, erased_at, lead_id FROM tombstone WHERE publisher_id = $1",
    "SELECT quarantine_id FROM quarantine WHERE publisher_id = $1 AND LENGTH(body) = 0",
];
/// Tables that grow with the leads, and what they are called in joins.
const GROWING: &[&str] = &[
    "delivery",
    "touchpoint",
    "lead",
    "attempt",
    "quarantine",
    "idempotency",
    "d",
    "t",
    "i",
    "l",
    "m",
    "e",
    "own",
    "tombstone",
    "erased_lead",
    "feedback",
    "lead_step",
    "member",
    "erasure",
];

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
    (
        "SELECT due_at FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at <= $3…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at<?)",
        ],
    ),
    (
        "UPDATE budget SET spent…",
        &["SEARCH budget USING PRIMARY KEY (publisher_id=? AND account=? AND window_ms=?)"],
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
        "SELECT lead_id, CAST(SUM(CASE WHEN claim = 0…",
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
        "UPDATE delivery SET claim = $1, attempts = attempts + 1 WHERE…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = $1, attempts = attempts + 1 FROM…",
        &[
            "MATERIALIZE due",
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at<?)",
            "SCAN due",
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH l USING PRIMARY KEY (publisher_id=? AND lead_id=?)",
        ],
    ),
    (
        "SELECT due_at FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at > $3…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at>?)",
        ],
    ),
    (
        "UPDATE delivery SET state = $1…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = -1, attempts…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = 0 WHERE publisher_id…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "…FROM delivery WHERE state = 'pending' AND publisher_id = $3 AND destination_no = $4 AND claim > 0 AND claim <",
        &[
            "SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim>? AND claim<?)",
        ],
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
        "UPDATE delivery SET claim = -1 WHERE publisher_id = $1 AND touchpoint_id…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)"],
    ),
    (
        "UPDATE delivery SET claim = -1 WHERE publisher_id = $1 AND destination_no…",
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
            "CORRELATED SCALAR SUBQUERY 3",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND destination_no=? AND lead_id=?)",
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
        "SELECT publisher_id, idempotency_key, expires_at FROM idempotency…",
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
    let wide: Vec<String> = plans.iter().flat_map(|(sql, plan)| too_wide(sql, plan)).collect();
    assert!(wide.is_empty(), "{}", wide.join("\n\n"));
    for (part, expected) in HOT
        .iter()
        .chain(feedback::HOT)
        .chain(replays::HOT)
        .chain(plan_merges_tests::HOT)
        .chain(crate::plan_erasure_tests::HOT)
        .chain(plan_notices_tests::HOT)
        .chain(plan_users_tests::HOT)
        .chain(crate::plan_bulk_tests::HOT)
        .chain(crate::plan_audit_tests::HOT)
    {
        let found: Vec<_> = plans.iter().filter(|it| is_meant(part, &it.0)).collect();
        assert!(!found.is_empty(), "this did not run: {part}");
        for (sql, plan) in found {
            assert_eq!(plan, expected, "{sql}");
        }
    }
}

/// Steps of a plan that read more than they may.
fn too_wide(sql: &str, plan: &[String]) -> Vec<String> {
    if READS_ALL.iter().any(|it| is_meant(it, sql)) {
        return Vec::new();
    }
    let may_be_wide = MAY_BE_WIDE.iter().any(|it| sql.contains(it)) && sql.starts_with("SELECT");
    let is_sorted = plan.iter().any(|it| it.starts_with("USE TEMP B-TREE FOR ORDER"));
    let is_bad = |step: &&String| {
        let mut words = step.split(' ');
        match (words.next(), words.next()) {
            (Some("SCAN"), Some(table)) => {
                !READ_WHOLE.contains(&table)
                    && !plan_merges_tests::READ_WHOLE.contains(&table)
                    && !plan_notices_tests::READ_WHOLE.contains(&table)
                    && !plan_users_tests::READ_WHOLE.contains(&table)
                    && table != "due"
            }
            (Some("SEARCH"), Some(table)) => {
                let is_growing = GROWING.contains(&table) || plan_merges_tests::GROWING.contains(&table);
                let is_wide = WIDE.iter().any(|it| step.ends_with(it));
                let is_counted = sql.starts_with("SELECT COUNT(*)");
                is_growing && is_wide && !(may_be_wide && !is_sorted || is_counted)
            }
            _ => false,
        }
    };
    plan.iter().filter(is_bad).map(|step| format!("{step}\n{sql}")).collect()
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
        quarantined: None,
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
        elsewhere: Vec::new(),
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

/// Calls every method of the store on a way that reaches every statement.
pub(crate) async fn run_everything(store: &Store) -> Result<(), StoreError> {
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
        pins_mappings: false,
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
    crate::plan_bulk_tests::bulk(store, &publisher).await?;
    crate::plan_erasure_tests::erase(store, &publisher).await?;
    crate::plan_audit_tests::audit(store, &publisher).await?;
    plan_notices_tests::notices(store, &publisher, number).await?;
    plan_users_tests::users(store, &publisher).await?;
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
    let made = store.replays(publisher.clone(), None, 9).await?.remove(0);
    replays::run(store, (&publisher, number), made).await?;
    store.remove_destination(publisher, number, created_at).await?;
    Ok(())
}
