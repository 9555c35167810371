//! Requests that were given up and may still be carried out: a later touchpoint of the same lead waits for them.
//!
//! The same delivery is repeated without this wait, for it says the same under the same identity.

use super::LaneKey;
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// Notes that a request of a lead that ended now may still arrive.
pub(super) fn note(tx: &Tx<'_>, lane: &LaneKey, lead: LeadId, now: Timestamp) -> Result<(), StoreError> {
    note_until(tx, (&lane.publisher, lane.destination), lead, now.plus(limits::DOUBT))
}

/// Notes that a request of a lead may arrive until this moment, if no other one may for longer. What was noted by a clock that ran
/// ahead is put right by [`take_over`].
pub(crate) fn note_until(
    tx: &Tx<'_>,
    (publisher, destination): (&PublisherId, DestinationNo),
    lead: LeadId,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO doubt (publisher_id, destination_no, lead_id, until)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (publisher_id, destination_no, lead_id) DO UPDATE SET until = excluded.until
         WHERE doubt.until < excluded.until",
        &[
            Param::Text(publisher.as_str()),
            Param::Int(destination.get().into()),
            Param::Text(&lead.to_string()),
            Param::Int(until.millis()),
        ],
    )?;
    Ok(())
}

/// Notes the same of everything that an earlier holder of the lane left in flight; and lets what that one knew last as long
/// from now on, for its clock may have been another: until a moment that is told. What it knew to last longer does, but no
/// longer than anything can from now on.
pub(super) fn take_over(
    tx: &Tx<'_>,
    lane: &LaneKey,
    (until, latest): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE doubt SET until = CASE WHEN until < $1 THEN $1 WHEN until > $2 THEN $2 ELSE until END
         WHERE publisher_id = $3 AND destination_no = $4",
        &[
            Param::Int(until.millis()),
            Param::Int(latest.millis()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    tx.execute(
        // Several of a lead may have been in one request.
        "INSERT INTO doubt (publisher_id, destination_no, lead_id, until)
         SELECT DISTINCT publisher_id, destination_no, lead_id, $1
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim > 0
             AND claim < 2147483647
         ON CONFLICT (publisher_id, destination_no, lead_id) DO UPDATE SET until = excluded.until
         WHERE doubt.until < excluded.until",
        &[
            Param::Int(until.millis()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    Ok(())
}

/// Lets what is free of the leads in doubt wait as long: the moment it waits for was noted by an earlier holder, by whose clock
/// it may be long past.
pub(super) fn hold(tx: &Tx<'_>, lane: &LaneKey, until: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE delivery SET due_at = $1
         WHERE publisher_id = $2 AND destination_no = $3 AND claim = 0 AND due_at < $1 AND touchpoint_id IN (
             SELECT p.touchpoint_id
             FROM doubt d
             CROSS JOIN delivery p
             WHERE d.publisher_id = $2 AND d.destination_no = $3
                 AND p.state = 'pending' AND p.publisher_id = $2 AND p.destination_no = $3
                 AND p.lead_id = d.lead_id)",
        &[
            Param::Int(until.millis()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    Ok(())
}

/// Until when a request of the lead may still arrive; none when there is none.
pub(crate) fn until(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
    lead: LeadId,
) -> Result<Option<Timestamp>, StoreError> {
    tx.find(
        UNTIL,
        &[
            Param::Text(publisher.as_str()),
            Param::Int(destination.get().into()),
            Param::Text(&lead.to_string()),
        ],
        |row| row.time(0),
    )
}

/// The same for many: for each row of publisher, destination and lead of which there is one, its place and the moment.
pub(super) fn until_each(
    tx: &Tx<'_>,
    rows: &[Vec<Param<'_>>],
) -> Result<Vec<(usize, Timestamp)>, StoreError> {
    tx.query_each(UNTIL, rows, |row| row.time(0))
}

const UNTIL: &str =
    "SELECT until FROM doubt WHERE publisher_id = $1 AND destination_no = $2 AND lead_id = $3";

/// Notes what may still arrive of a lead of another one too, with which it is one from now on or was until now, and says
/// where. What is free there waits for it, unless it is the repetition of a request of the first lead itself.
pub(crate) fn carry(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (from, to): (LeadId, LeadId),
) -> Result<Vec<DestinationNo>, StoreError> {
    let (to, publisher) = (to.to_string(), Param::Text(publisher.as_str()));
    let carried = tx.query(
        "INSERT INTO doubt (publisher_id, destination_no, lead_id, until)
         SELECT d.publisher_id, d.destination_no, $1, d.until
         FROM destination o
         CROSS JOIN doubt d
         WHERE o.publisher_id = $2 AND d.publisher_id = $2 AND d.destination_no = o.destination_no
             AND d.lead_id = $3
         ON CONFLICT (publisher_id, destination_no, lead_id) DO UPDATE SET until = excluded.until
         WHERE doubt.until < excluded.until
         RETURNING destination_no, until",
        &[Param::Text(&to), publisher, Param::Text(&from.to_string())],
        |row| Ok((row.destination(0)?, row.time(1)?)),
    )?;
    for (destination, until) in &carried {
        tx.execute(
            "UPDATE delivery SET due_at = $1
             WHERE publisher_id = $2 AND destination_no = $3 AND claim = 0 AND due_at < $1 AND known_as = ''
                 AND touchpoint_id IN (
                     SELECT touchpoint_id
                     FROM delivery
                     WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND lead_id = $4)",
            &[Param::Int(until.millis()), publisher, Param::Int(destination.get().into()), Param::Text(&to)],
        )?;
    }
    Ok(carried.into_iter().map(|it| it.0).collect())
}

/// Forgets what is over.
pub(super) fn forget(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM doubt WHERE publisher_id = $1 AND destination_no = $2 AND until <= $3",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
            Param::Int(now.millis()),
        ],
    )?;
    Ok(())
}
