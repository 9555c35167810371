//! Requests that were given up and may still be carried out: a later touchpoint of the same lead waits for them.
//!
//! The same delivery is repeated without this wait, for it says the same under the same identity.

use super::LaneKey;
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// Notes that a request of a lead may still be on its way.
pub(super) fn note(tx: &Tx<'_>, lane: &LaneKey, lead: LeadId, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO doubt (publisher_id, destination_no, lead_id, until)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (publisher_id, destination_no, lead_id) DO UPDATE SET until = excluded.until",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
            Param::Text(&lead.to_string()),
            Param::Int(now.plus(limits::DOUBT).millis()),
        ],
    )?;
    Ok(())
}

/// Notes the same of everything that an earlier holder of the lane left in flight; and lets what that one knew last as long
/// from now on, for its clock may have been another: until a moment that is told.
pub(super) fn take_over(tx: &Tx<'_>, lane: &LaneKey, until: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE doubt SET until = $1 WHERE publisher_id = $2 AND destination_no = $3",
        &[
            Param::Int(until.millis()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    tx.execute(
        "INSERT INTO doubt (publisher_id, destination_no, lead_id, until)
         SELECT publisher_id, destination_no, lead_id, $1
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim > 0
             AND claim < 2147483647
         ON CONFLICT (publisher_id, destination_no, lead_id) DO UPDATE SET until = excluded.until",
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
        "SELECT until FROM doubt WHERE publisher_id = $1 AND destination_no = $2 AND lead_id = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Int(destination.get().into()),
            Param::Text(&lead.to_string()),
        ],
        |row| row.time(0),
    )
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
