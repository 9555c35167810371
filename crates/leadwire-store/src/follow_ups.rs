//! Owing follow-ups: a touchpoint that raises its customer's interest in an offer brings them about, once for each step.

use crate::StoreError;
use crate::accept::Accept;
use crate::engine::{Param, Tx};
use crate::fold::Folded;
use crate::lanes::{self, LaneKey};
use leadwire_core::follow_up::{self, Audience};
use leadwire_core::id::{DestinationNo, FollowUpId, PublisherId};
use leadwire_core::interest::Interest;
use leadwire_core::routing::Routed;
use leadwire_core::time::Timestamp;

/// The step a touchpoint shows, for publishers who have follow-ups, and what follows if its customer was not there yet.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The step.
    pub step: Interest,
    /// What follows.
    pub follow_ups: Vec<Following>,
}

/// One follow-up of a touchpoint.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// Which.
    pub id: FollowUpId,
    /// To whom.
    pub audience: Audience,
    /// Through which destination.
    pub destination: DestinationNo,
    /// When it is due.
    pub due_at: Timestamp,
}

/// Writes down the step a customer reached, and owes what follows from it. Nothing follows a step that was reached
/// before, nor a lower one.
pub(crate) fn owe(
    tx: &Tx<'_>,
    item: &Accept,
    folded: &Folded,
    routed: &[Routed],
    told: &mut Vec<LaneKey>,
) -> Result<(), StoreError> {
    let Some(reached) = &item.reached else { return Ok(()) };
    if !rises(tx, item, folded, reached.step)? {
        return Ok(());
    }
    let (lead, standing) = (folded.lead, folded.standing.seen());
    // The set-up lets no route and no follow-up share a destination; one delivery of a touchpoint is all there can be.
    let is_free = |it: &&Following| !routed.iter().any(|routed| routed.destination == it.destination);
    for following in reached.follow_ups.iter().filter(is_free) {
        let held = follow_up::held(following.audience, standing, &item.parsed);
        let (message, fix) = held.map_or(("", ""), follow_up::explain);
        let (place, due_at) = ((&item.publisher, following.destination), following.due_at);
        let (claim, due_at) = match held {
            None => lanes::place_now(tx, place, lead, item.touchpoint, due_at)?,
            Some(_) => (0, due_at),
        };
        tx.execute(
            "INSERT INTO delivery (publisher_id, touchpoint_id, destination_no, lead_id, state, due_at, claim, cause,
                 message, fix, ended_at, follow_up_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                Param::Text(item.publisher.as_str()),
                Param::Text(&item.touchpoint.to_string()),
                Param::Int(following.destination.get().into()),
                Param::Text(&lead.to_string()),
                Param::Text(if held.is_some() { "suppressed" } else { "pending" }),
                Param::Int(due_at.millis()),
                Param::Int(claim),
                Param::Text(held.unwrap_or("")),
                Param::Text(message),
                Param::Text(fix),
                Param::Int(if held.is_some() { item.received_at.millis() } else { 0 }),
                Param::Text(&following.id.to_string()),
            ],
        )?;
        if held.is_none() {
            told.push(LaneKey { publisher: item.publisher.clone(), destination: following.destination });
        }
    }
    Ok(())
}

/// Whether the customer was not at this step in this offer before; if so, they are now. A step stays with the lead that the
/// touchpoint folds into by itself, and counts for all that are one with it.
fn rises(tx: &Tx<'_>, item: &Accept, folded: &Folded, step: Interest) -> Result<bool, StoreError> {
    let publisher = Param::Text(item.publisher.as_str());
    let offer = Param::Text(item.parsed.offer.as_ref().map_or("", |it| it.offer.as_str()));
    let step = Param::Int(Interest::number(Some(step)));
    for other in folded.members.iter().filter(|it| **it != folded.home) {
        let was_there = tx.find(
            "SELECT 1 FROM lead_step WHERE publisher_id = $1 AND lead_id = $2 AND offer_id = $3 AND step >= $4",
            &[publisher, Param::Text(&other.to_string()), offer, step],
            |_| Ok(()),
        )?;
        if was_there.is_some() {
            return Ok(false);
        }
    }
    let risen = tx.execute(
        "INSERT INTO lead_step (publisher_id, lead_id, offer_id, step, touchpoint_id)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (publisher_id, lead_id, offer_id) DO UPDATE
         SET step = excluded.step, touchpoint_id = excluded.touchpoint_id
         WHERE lead_step.step < excluded.step",
        &[
            publisher,
            Param::Text(&folded.home.to_string()),
            offer,
            step,
            Param::Text(&item.touchpoint.to_string()),
        ],
    )?;
    Ok(risen > 0)
}

/// Whether a destination serves follow-ups, and so no route.
pub(crate) fn serves(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM follow_up WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(publisher.as_str()), Param::Int(destination.get().into())],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}
