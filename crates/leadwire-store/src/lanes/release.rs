//! Putting back what was claimed and not tried.

use super::{LaneKey, LaneToken, order};
use crate::engine::{Param, Tx};
use crate::{StoreError, erasures};
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// Puts deliveries back behind one another: of each lead the first is free again, unless a request of it is under way.
pub(super) fn release(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    touchpoints: &[TouchpointId],
    now: Timestamp,
) -> Result<(), StoreError> {
    if touchpoints.is_empty() {
        return Ok(());
    }
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let ids: Vec<String> = touchpoints.iter().map(TouchpointId::to_string).collect();
    let token_number = Param::Int(token.number());
    let rows: Vec<Vec<Param<'_>>> =
        ids.iter().map(|it| vec![publisher, Param::Text(it), destination, token_number]).collect();
    let released = tx.query_each(
        "UPDATE delivery SET claim = -1, attempts = attempts - 1
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = $4
             AND state = 'pending'
         RETURNING lead_id",
        &rows,
        |row| row.lead(0),
    )?;
    let mut were_held = vec![false; touchpoints.len()];
    released.iter().for_each(|it| were_held[it.0] = true);
    for touchpoint in touchpoints.iter().zip(&were_held).filter(|it| !it.1).map(|it| it.0) {
        erasures::late_end(tx, lane, token, (*touchpoint, false), now)?;
    }
    let back: BTreeSet<TouchpointId> = released.iter().map(|it| touchpoints[it.0]).collect();
    let leads: BTreeSet<LeadId> = released.into_iter().map(|it| it.1).collect();
    order::line_up_all(tx, lane, &leads, &back)
}
