//! What a job may take: looked at within a bound, put into it in steps, and looked at once more before it is sent.

use super::{JobEnd, key, leave, read_job};
use crate::engine::{Param, Tx};
use crate::lanes::LaneKey;
use crate::{Store, StoreError, budgets};
use leadwire_core::budget::{Budget, Count};
use leadwire_core::bulk::{Backlog, Stage, Whom};
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::Claim;
use leadwire_core::limits;
use leadwire_core::standing::Seen as Standing;
use leadwire_core::time::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

/// What waits for a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Too little for a job.
    Little,
    /// So much, with what is known of the account's calls.
    Much(Backlog, Vec<Count>),
}

/// What is in a job as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Taken out again, since their customers were erased or asked not to be contacted meanwhile.
    pub dropped: HashSet<TouchpointId>,
    /// Whether anything is left.
    pub end: JobEnd,
}

impl Store {
    /// How much waits for a lane that a job could take, as far as [`limits::BULK_SCAN`] deliveries go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bulk_backlog(
        &self,
        lane: LaneKey,
        budget: Arc<Budget>,
        now: Timestamp,
    ) -> Result<Seen, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            let [publisher, destination] = key(&lane);
            let enough = tx.find(
                "SELECT 1
                 FROM delivery
                 WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at <= $3
                 ORDER BY due_at
                 LIMIT 1 OFFSET $4",
                &[publisher, destination, Param::Int(now.millis()), Param::Int(bound(limits::BULK_LEAST - 1))],
                |_| Ok(()),
            )?;
            if enough.is_none() {
                return Ok(Seen::Little);
            }
            Ok(Seen::Much(count(tx, &lane, now)?, budgets::counts(tx, &lane.publisher, &budget)?))
        })
        .await
    }
}

pub(crate) fn count(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<Backlog, StoreError> {
    let [publisher, destination] = key(lane);
    let mut backlog = Backlog::default();
    tx.query(
        "WITH due AS MATERIALIZED (
             SELECT touchpoint_id, lead_id, attempts, follow_up_id, known_as
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at <= $3
             ORDER BY due_at, touchpoint_id
             LIMIT $4)
         SELECT l.interest, CASE
                 WHEN due.attempts = 0 AND due.follow_up_id = '' AND due.known_as = '' AND l.do_not_contact = 0
                     AND substr(due.lead_id, 6) = substr(due.touchpoint_id, 4)
                 THEN 1 ELSE 0 END, COUNT(*)
         FROM due
         CROSS JOIN lead l
         WHERE l.publisher_id = $1 AND l.lead_id = due.lead_id
         GROUP BY 1, 2",
        &[publisher, destination, Param::Int(now.millis()), Param::Int(bound(limits::BULK_SCAN))],
        |row| {
            let (is_active, fits, count) = (row.int(0)? == 2, row.int(1)? != 0, row.count::<u64>(2)?);
            backlog.waiting += count;
            backlog.active += if is_active { count } else { 0 };
            match (fits, is_active) {
                (true, true) => backlog.fit_active += count,
                (true, false) => backlog.fit += count,
                (false, _) => {}
            }
            Ok(())
        },
    )?;
    Ok(backlog)
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Puts deliveries into the lane's job: the first try of a lead's first touchpoint, which no record can be there for, of
/// customers who may be contacted.
pub(super) fn gather(
    tx: &Tx<'_>,
    lane: &LaneKey,
    (room, whom): (usize, Whom),
    now: Timestamp,
) -> Result<Option<Vec<Claim>>, StoreError> {
    let [publisher, destination] = key(lane);
    tx.execute(
        "INSERT INTO bulk_job (publisher_id, destination_no, stage, begun_at)
         VALUES ($1, $2, 'gathering', $3)
         ON CONFLICT DO NOTHING",
        &[publisher, destination, Param::Int(now.millis())],
    )?;
    if read_job(tx, lane)?.is_none_or(|it| it.stage != Stage::Gathering) {
        return Ok(None);
    }
    let interest_max = match whom {
        Whom::NotActive => 1,
        Whom::All => 3,
    };
    let mut claims = tx.query(
        "UPDATE delivery SET claim = 2147483647, attempts = attempts + 1
         WHERE publisher_id = $1 AND destination_no = $2 AND touchpoint_id IN (
             SELECT due.touchpoint_id
             FROM (
                 SELECT touchpoint_id, lead_id, attempts, follow_up_id, known_as, due_at
                 FROM delivery
                 WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0
                     AND due_at <= $3
                 ORDER BY due_at, touchpoint_id
                 LIMIT $4) AS due
             CROSS JOIN lead l
             WHERE due.attempts = 0 AND due.follow_up_id = '' AND due.known_as = ''
                 AND substr(due.lead_id, 6) = substr(due.touchpoint_id, 4)
                 AND l.publisher_id = $1 AND l.lead_id = due.lead_id AND l.do_not_contact = 0
                 AND l.interest <= $5
             ORDER BY due.due_at, due.touchpoint_id
             LIMIT $6)
         RETURNING touchpoint_id, lead_id, attempts, (
             SELECT l.interest + CASE WHEN l.consent_by = '' THEN 0 ELSE 8 END
             FROM lead l
             WHERE l.publisher_id = delivery.publisher_id AND l.lead_id = delivery.lead_id)",
        &[
            publisher,
            destination,
            Param::Int(now.millis()),
            Param::Int(bound(limits::BULK_SCAN)),
            Param::Int(interest_max),
            Param::Int(bound(room)),
        ],
        |row| {
            Ok(Claim {
                touchpoint: row.touchpoint(0)?,
                lead: row.lead(1)?,
                number: row.count(2)?,
                standing: Standing::from_number(row.int(3)?),
                follow_up: None,
                rides: false,
            })
        },
    )?;
    claims.sort_by_key(|it| it.touchpoint);
    Ok(Some(claims))
}

/// See [`Store::seal_bulk_job`].
pub(super) fn seal(
    tx: &Tx<'_>,
    lane: &LaneKey,
    (handle, left_out): (&str, &[TouchpointId]),
    now: Timestamp,
) -> Result<Option<Sealed>, StoreError> {
    let [publisher, destination] = key(lane);
    for touchpoint in left_out {
        leave::put_one_back(tx, lane, *touchpoint, now)?;
    }
    let dropped: Vec<(TouchpointId, LeadId)> = tx.query(
        "SELECT d.touchpoint_id, d.lead_id
         FROM (
             SELECT touchpoint_id
             FROM delivery
             WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647) AS due
         CROSS JOIN delivery d
         CROSS JOIN lead l
         WHERE d.publisher_id = $1 AND d.touchpoint_id = due.touchpoint_id AND d.destination_no = $2
             AND l.publisher_id = $1 AND l.lead_id = d.lead_id
             AND (d.state = 'erased' OR l.do_not_contact = 1)",
        &[publisher, destination],
        |row| Ok((row.touchpoint(0)?, row.lead(1)?)),
    )?;
    for (touchpoint, _) in &dropped {
        leave::put_one_back(tx, lane, *touchpoint, now)?;
    }
    let dropped = dropped.into_iter().map(|it| it.0).collect();
    let end = leave::end_if_empty(tx, lane)?;
    let sealed = tx.execute(
        "UPDATE bulk_job SET stage = 'sending', handle = $1, begun_at = $2, looks = 0, look_at = $3
         WHERE publisher_id = $4 AND destination_no = $5 AND stage = 'gathering'",
        &[
            Param::Text(handle),
            Param::Int(now.millis()),
            Param::Int(now.plus(limits::BULK_LOOK_FIRST).millis()),
            publisher,
            destination,
        ],
    )?;
    Ok((sealed > 0 || end == JobEnd::Over).then_some(Sealed { dropped, end }))
}
