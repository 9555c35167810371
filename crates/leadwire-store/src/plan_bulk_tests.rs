//! Runs every statement of bulk jobs, for their plans to be looked at.

use crate::accept::Accept;
use crate::bulk::{JobEnd, gather};
use crate::lanes::LaneKey;
use crate::plan_tests::accept;
use crate::{Store, StoreError};
use leadwire_core::budget::{Budget, Cost, Window};
use leadwire_core::bulk::{Job, Stage, Whom};
use leadwire_core::id::{DestinationNo, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// As `HOT` of `plan_tests.rs`: what grows with a job at the most, however much waits.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "…AND claim = 0 AND due_at <= $3 ORDER BY due_at LIMIT 1 OFFSET",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at<?)",
        ],
    ),
    (
        "WITH due AS…",
        &[
            "MATERIALIZE due",
            "SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at<?)",
            "SCAN due",
            "SEARCH l USING PRIMARY KEY (publisher_id=? AND lead_id=?)",
            "USE TEMP B-TREE FOR GROUP BY",
        ],
    ),
    (
        "UPDATE delivery SET claim = $1 WHERE publisher_id = $2…",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_in_job (publisher_id=? AND destination_no=? AND claim=? AND state=?)",
        ],
    ),
    (
        "UPDATE delivery SET attempts = attempts - 1, claim = 0 WHERE publisher_id = $1 AND destination_no = $2…",
        &[
            "SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery USING COVERING INDEX delivery_in_job (publisher_id=? AND destination_no=? AND claim=? AND state=?)",
        ],
    ),
    (
        "SELECT touchpoint_id FROM delivery WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647 AND state = 'erased'…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_in_job (publisher_id=? AND destination_no=? AND claim=? AND state=?)",
        ],
    ),
    (
        "SELECT 1 FROM delivery WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_in_job (publisher_id=? AND destination_no=? AND claim=?)",
        ],
    ),
    (
        "SELECT d.lead_id, d.known_as FROM (…",
        &[
            "SEARCH delivery USING COVERING INDEX delivery_in_job (publisher_id=? AND destination_no=? AND claim=?)",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
        ],
    ),
];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Two jobs: one that is put back, and one that comes to its end.
pub(crate) async fn bulk(store: &Store, publisher: &PublisherId) -> Result<(), StoreError> {
    let version = store.setup().await?.version;
    for number in [120, 121, 122] {
        let identity = Some([u8::try_from(number).expect("small"); 16]);
        let new = Accept { identity, ..accept(number, true) };
        assert!(store.accept(version, [new].into()).await?.is_some());
    }
    let lane = LaneKey { publisher: publisher.clone(), destination: DestinationNo::new(1) };
    let now = at(9_000_000);
    let token = store.take_lane(lane.clone(), "local".into(), now).await?.expect("nobody has it");
    let held = || (lane.clone(), token);
    let looked_at = lane.clone();
    store.read(move |tx| gather::count(tx, &looked_at, now)).await?;
    assert_eq!(store.gather_bulk_job(held(), 1, Whom::All, now).await?.expect("it is held").len(), 1);
    assert_eq!(store.put_back_bulk_job(held(), 9, now).await?, Some(JobEnd::Over));
    assert!(store.gather_bulk_job(held(), 9, Whom::All, now).await?.expect("it is held").len() >= 3);
    assert!(store.bulk_job_now(lane.clone()).await?.is_some_and(|it| it.1 >= 3));
    let sealed = store.seal_bulk_job(held(), "750".to_owned(), [TouchpointId::new(120)].into(), now).await?;
    assert_eq!(sealed.expect("it is held").end, JobEnd::NotYet);
    let job = Job { stage: Stage::Running, handle: "750".to_owned(), begun_at: now, looks: 1, look_at: now };
    assert!(store.keep_bulk_job(lane.clone(), token, job).await?);
    assert!(store.bulk_job(lane.clone()).await?.is_some());
    assert_eq!(store.leave_bulk_job(held(), 99, false, now).await?.expect("it is held").end, JobEnd::Over);
    let window = Window { calls: Some(9), length: Duration::from_secs(60), kept_percent: 0, is_set: false };
    let cost = Cost { fixed: 1, each: 0, spare: 0 };
    let budget = Arc::new(Budget { account: "jobs".to_owned(), windows: vec![window], cost });
    store.bulk_backlog(lane.clone(), Arc::clone(&budget), now).await?;
    let reserved = store.reserve_calls(publisher.clone(), budget, 4, now).await?.expect("nine are free");
    store.settle_calls(publisher.clone(), reserved, (1, Vec::new()), now).await
}
