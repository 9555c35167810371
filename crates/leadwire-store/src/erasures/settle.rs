//! What settling a try means for an erasure: a late end frees the deletion behind it, and the last part takes what it needed.

use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::lanes::{self, LaneKey, LaneToken};
use leadwire_core::erasure;
use leadwire_core::id::TouchpointId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// A try came to an end, or was given back, whose delivery was erased meanwhile. Nothing of it is written down; but the
/// request is off the wire, so the deletion that waits behind it need wait no longer, unless its end is unknown, or that
/// of an earlier one is, which may still arrive.
pub(crate) fn late_end(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    (touchpoint, is_unknown): (TouchpointId, bool),
    now: Timestamp,
) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let lead = tx.find(
        "UPDATE delivery SET state = 'erased', claim = 0
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = $4
             AND state = 'erased'
         RETURNING lead_id",
        &[publisher, Param::Text(&touchpoint.to_string()), destination, Param::Int(token.number())],
        |row| row.lead(0),
    )?;
    let Some(lead) = lead else { return Ok(()) };
    if is_unknown {
        // It was given up only now, however long ago the erasure was.
        let until = now.plus(limits::DOUBT);
        lanes::doubt_until(tx, (&lane.publisher, lane.destination), lead, until)?;
        tx.execute(
            "UPDATE delivery SET due_at = $1
             WHERE publisher_id = $2 AND destination_no = $3 AND due_at < $1 AND touchpoint_id IN (
                 SELECT touchpoint_id
                 FROM delivery
                 WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND lead_id = $4)",
            &[Param::Int(until.millis()), publisher, destination, Param::Text(&lead.to_string())],
        )?;
        return Ok(());
    }
    // Another one of the lead may be in the same request or in the hand of the lane: whichever ends last speaks for all.
    let others = tx.find(
        "SELECT 1
         FROM touchpoint t
         CROSS JOIN delivery d
         WHERE t.publisher_id = $1 AND t.lead_id = $2 AND d.publisher_id = $1 AND d.touchpoint_id = t.touchpoint_id
             AND d.destination_no = $3 AND d.state = 'erased' AND d.claim > 0
         LIMIT 1",
        &[publisher, Param::Text(&lead.to_string()), destination],
        |_| Ok(()),
    )?;
    if others.is_some() {
        return Ok(());
    }
    // What was merged is parted by now, and its requests went out as the one that stood for it: of all that were erased
    // together, for they may be one.
    let lead = lead.to_string();
    let doubt = tx.find(
        "WITH gone AS MATERIALIZED (
             SELECT t.touchpoint_id
             FROM lead l
             CROSS JOIN erased_lead own
             CROSS JOIN erased_lead e
             CROSS JOIN touchpoint t
             WHERE l.publisher_id = $1 AND l.lead_id = $2
                 AND own.publisher_id = $1 AND own.touchpoint_id = l.erased_by
                 AND e.publisher_id = $1 AND e.erasure_id = own.erasure_id
                 AND t.publisher_id = $1 AND t.lead_id = e.lead_id)
         SELECT 1
         FROM gone
         CROSS JOIN attempt a
         WHERE a.publisher_id = $1 AND a.touchpoint_id = gone.touchpoint_id AND a.destination_no = $3
             AND a.outcome IN ('unknown', 'interrupted')
         LIMIT 1",
        &[publisher, Param::Text(&lead), destination],
        |_| Ok(()),
    )?;
    if doubt.is_some() {
        return Ok(());
    }
    tx.execute(
        "UPDATE delivery SET due_at = $1
         WHERE publisher_id = $2 AND destination_no = $3 AND claim = 0 AND attempts = 0 AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND lead_id = $4)",
        &[Param::Int(now.millis()), publisher, destination, Param::Text(&lead)],
    )?;
    Ok(())
}

/// A destination's part of an erasure is over. Once every part is, what was kept to find the records goes, in the
/// transaction that settles the last of them.
pub(crate) fn after_settle(
    tx: &Tx<'_>,
    lane: &LaneKey,
    touchpoint: TouchpointId,
    cause: &str,
) -> Result<(), StoreError> {
    if !erasure::is_over(cause) {
        return Ok(());
    }
    let key = [Param::Text(lane.publisher.as_str()), Param::Text(&touchpoint.to_string())];
    let open = tx.find(
        "SELECT 1 FROM delivery
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND state IN ('pending', 'parked')
         LIMIT 1",
        &key,
        |_| Ok(()),
    )?;
    if open.is_none() {
        tx.execute("UPDATE erased_lead SET needs = '' WHERE publisher_id = $1 AND touchpoint_id = $2", &key)?;
    }
    Ok(())
}
