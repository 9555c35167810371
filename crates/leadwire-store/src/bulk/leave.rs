//! How deliveries leave a job: under the lane's lease with what came of them, or back into the queue as if untouched.

use super::{CLAIM, JobEnd, Left, key};
use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, LaneToken};
use crate::{StoreError, erasures};
use leadwire_core::id::TouchpointId;
use leadwire_core::lane::Claim;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;

/// See [`crate::Store::leave_bulk_job`].
pub(super) fn leave(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    (most, is_unknown): (usize, bool),
    now: Timestamp,
) -> Result<Left, StoreError> {
    let [publisher, destination] = key(lane);
    for touchpoint in erased(tx, lane, most)? {
        erasures::late_end(tx, lane, LaneToken::new(CLAIM), (touchpoint, is_unknown), now)?;
    }
    let mut claims = tx.query(
        "UPDATE delivery SET claim = $1
         WHERE publisher_id = $2 AND destination_no = $3 AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE publisher_id = $2 AND destination_no = $3 AND claim = 2147483647 AND state = 'pending'
             ORDER BY touchpoint_id
             LIMIT $4)
         RETURNING touchpoint_id, lead_id, attempts, known_as",
        &[Param::Int(token.number()), publisher, destination, Param::Int(bound(most))],
        |row| {
            Ok(Claim {
                touchpoint: row.touchpoint(0)?,
                lead: if row.text(3)?.is_empty() { row.lead(1)? } else { row.lead(3)? },
                number: row.count(2)?,
                standing: Seen::default(),
                follow_up: None,
                rides: false,
            })
        },
    )?;
    claims.sort_by_key(|it| it.touchpoint);
    Ok(Left { claims, end: end_if_empty(tx, lane)? })
}

/// See [`crate::Store::put_back_bulk_job`].
pub(super) fn put_back(
    tx: &Tx<'_>,
    lane: &LaneKey,
    most: usize,
    now: Timestamp,
) -> Result<JobEnd, StoreError> {
    let [publisher, destination] = key(lane);
    for touchpoint in erased(tx, lane, most)? {
        erasures::late_end(tx, lane, LaneToken::new(CLAIM), (touchpoint, false), now)?;
    }
    tx.execute(
        "UPDATE delivery SET attempts = attempts - 1, claim = 0
         WHERE publisher_id = $1 AND destination_no = $2 AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647 AND state = 'pending'
             ORDER BY touchpoint_id
             LIMIT $3)",
        &[publisher, destination, Param::Int(bound(most))],
    )?;
    end_if_empty(tx, lane)
}

/// Puts a job back that an earlier holder of the lane gathered and did not send.
pub(crate) fn put_all_back(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<(), StoreError> {
    let [publisher, destination] = key(lane);
    let gathering = tx.find(
        "SELECT 1 FROM bulk_job WHERE publisher_id = $1 AND destination_no = $2 AND stage = 'gathering'",
        &[publisher, destination],
        |_| Ok(()),
    )?;
    if gathering.is_some() {
        // A job has a bound, so this has one.
        put_back(tx, lane, usize::MAX, now)?;
    }
    Ok(())
}

/// Takes one delivery out of a job of which nothing was sent.
pub(super) fn put_one_back(
    tx: &Tx<'_>,
    lane: &LaneKey,
    touchpoint: TouchpointId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let [publisher, destination] = key(lane);
    let freed = tx.execute(
        "UPDATE delivery SET attempts = attempts - 1, claim = 0
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = 2147483647
             AND state = 'pending'",
        &[publisher, Param::Text(&touchpoint.to_string()), destination],
    )?;
    if freed == 0 {
        erasures::late_end(tx, lane, LaneToken::new(CLAIM), (touchpoint, false), now)?;
    }
    Ok(())
}

/// Deliveries in a job whose persons were erased meanwhile.
fn erased(tx: &Tx<'_>, lane: &LaneKey, most: usize) -> Result<Vec<TouchpointId>, StoreError> {
    let [publisher, destination] = key(lane);
    tx.query(
        "SELECT touchpoint_id
         FROM delivery
         WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647 AND state = 'erased'
         ORDER BY touchpoint_id
         LIMIT $3",
        &[publisher, destination, Param::Int(bound(most))],
        |row| row.touchpoint(0),
    )
}

/// A job ends with its last delivery.
pub(super) fn end_if_empty(tx: &Tx<'_>, lane: &LaneKey) -> Result<JobEnd, StoreError> {
    let [publisher, destination] = key(lane);
    let one = tx.find(
        "SELECT 1 FROM delivery
         WHERE publisher_id = $1 AND destination_no = $2 AND claim = 2147483647
         LIMIT 1",
        &[publisher, destination],
        |_| Ok(()),
    )?;
    if one.is_some() {
        return Ok(JobEnd::NotYet);
    }
    tx.execute(
        "DELETE FROM bulk_job WHERE publisher_id = $1 AND destination_no = $2",
        &[publisher, destination],
    )?;
    Ok(JobEnd::Over)
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
