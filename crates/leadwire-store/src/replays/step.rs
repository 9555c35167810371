//! Making a step of a replay: what each touchpoint lacks is owed, and how far the replay is is marked.

use super::{Done, ReplayState, ReplayStep, Replayed};
use crate::deliveries::{AskedBy, retry};
use crate::engine::{Param, Tx};
use crate::lanes::place;
use crate::rows::DeliveryState;
use crate::{StoreError, members};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// Makes the step, and says which destinations have work.
pub(super) fn make(tx: &Tx<'_>, step: &ReplayStep) -> Result<BTreeSet<DestinationNo>, StoreError> {
    let (mut done, mut woken) = (Done::default(), BTreeSet::new());
    for item in &step.items {
        take_up(tx, step, item, &mut done, &mut woken)?;
    }
    mark(tx, step, done)?;
    Ok(woken)
}

fn take_up(
    tx: &Tx<'_>,
    step: &ReplayStep,
    item: &Replayed,
    done: &mut Done,
    woken: &mut BTreeSet<DestinationNo>,
) -> Result<(), StoreError> {
    let publisher = &step.replay.publisher;
    done.seen += 1;
    if item.routed.is_empty() {
        done.unrouted += 1;
        return Ok(());
    }
    // Asked now, not when it came: a customer who said so later must not be written as one to be contacted, nor be
    // brought anywhere once erased.
    let Since { lead, is_refused, is_erased } = said_since(tx, publisher, item.lead)?;
    if is_erased {
        return Ok(());
    }
    let is_held = !item.is_do_not_contact && is_refused;
    let mut is_new = false;
    for routed in &item.routed {
        let id = DeliveryId { touchpoint: item.touchpoint, destination: routed.destination };
        let key = (publisher, id);
        let suppressed = if is_held { Some("do_not_contact") } else { routed.suppressed };
        match (delivery_state(tx, publisher, id)?, suppressed) {
            (None, Some(why)) => {
                owe(tx, key, lead, Some(why), step.now)?;
                (is_new, done.held) = (true, done.held + 1);
            }
            (None, None) => {
                owe(tx, key, lead, None, step.now)?;
                (is_new, done.added) = (true, done.added + 1);
                woken.insert(routed.destination);
            }
            (Some(DeliveryState::Parked | DeliveryState::Delivered), Some(_)) => done.held += 1,
            (Some(DeliveryState::Parked), None) => {
                done.again += u64::from(retry(tx, publisher, id, (AskedBy::Publisher, step.now))?);
                woken.insert(routed.destination);
            }
            (Some(DeliveryState::Delivered), None) if step.replay.force => {
                send_again(tx, key, lead, step.now)?;
                done.again += 1;
                woken.insert(routed.destination);
            }
            // It is there, or on its way, or must not be sent.
            (
                Some(
                    DeliveryState::Delivered
                    | DeliveryState::Pending
                    | DeliveryState::Suppressed
                    | DeliveryState::Erased,
                ),
                _,
            ) => {}
        }
    }
    if is_new {
        tx.execute(
            "UPDATE touchpoint SET routed = 1 WHERE publisher_id = $1 AND touchpoint_id = $2 AND routed = 0",
            &[Param::Text(publisher.as_str()), Param::Text(&item.touchpoint.to_string())],
        )?;
    }
    Ok(())
}

/// What was said of a lead since a touchpoint of it came.
struct Since {
    /// The lead that stands for it now.
    lead: LeadId,
    /// The customer must not be contacted.
    is_refused: bool,
    /// The customer was erased.
    is_erased: bool,
}

fn said_since(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Since, StoreError> {
    let lead = members::root(tx, publisher, lead)?.unwrap_or(lead);
    let said = tx.find(
        "SELECT do_not_contact, erased_at FROM lead WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| Ok((row.int(0)? != 0, row.int(1)? != 0)),
    )?;
    let (is_refused, is_erased) = said.unwrap_or_default();
    Ok(Since { lead, is_refused, is_erased })
}

fn delivery_state(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: DeliveryId,
) -> Result<Option<DeliveryState>, StoreError> {
    tx.find(
        "SELECT state FROM delivery WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&id.touchpoint.to_string()),
            Param::Int(id.destination.get().into()),
        ],
        |row| row.delivery_state(0),
    )
}

fn owe(
    tx: &Tx<'_>,
    (publisher, id): (&PublisherId, DeliveryId),
    lead: LeadId,
    suppressed: Option<&'static str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let claim = match suppressed {
        None => place(tx, publisher, id.destination, lead, id.touchpoint)?,
        Some(_) => 0,
    };
    tx.execute(
        "INSERT INTO delivery (publisher_id, touchpoint_id, destination_no, lead_id, state, due_at, claim, cause,
             ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&id.touchpoint.to_string()),
            Param::Int(id.destination.get().into()),
            Param::Text(&lead.to_string()),
            Param::Text(if suppressed.is_some() { "suppressed" } else { "pending" }),
            Param::Int(now.millis()),
            Param::Int(claim),
            Param::Text(suppressed.unwrap_or("")),
            Param::Int(if suppressed.is_some() { now.millis() } else { 0 }),
        ],
    )?;
    Ok(())
}

fn send_again(
    tx: &Tx<'_>,
    (publisher, id): (&PublisherId, DeliveryId),
    lead: LeadId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let claim = place(tx, publisher, id.destination, lead, id.touchpoint)?;
    tx.execute(
        "UPDATE delivery SET state = 'pending', due_at = $1, claim = $2, ended_at = 0, lead_id = $3
         WHERE publisher_id = $4 AND touchpoint_id = $5 AND destination_no = $6 AND state = 'delivered'",
        &[
            Param::Int(now.millis()),
            Param::Int(claim),
            Param::Text(&lead.to_string()),
            Param::Text(publisher.as_str()),
            Param::Text(&id.touchpoint.to_string()),
            Param::Int(id.destination.get().into()),
        ],
    )?;
    Ok(())
}

fn mark(tx: &Tx<'_>, step: &ReplayStep, done: Done) -> Result<(), StoreError> {
    let replay = &step.replay;
    let (state, ended_at) = match step.to {
        Some(_) => (ReplayState::Running, 0),
        None => (ReplayState::Done, step.now.millis()),
    };
    let count = |it: u64| Param::Int(i64::try_from(it).unwrap_or(i64::MAX));
    tx.execute(
        "UPDATE replay SET done_to = $1, state = $2, ended_at = $3, seen = seen + $4, added = added + $5,
             again = again + $6, held = held + $7, unrouted = unrouted + $8
         WHERE publisher_id = $9 AND replay_id = $10",
        &[
            Param::Text(&step.to.unwrap_or(replay.range.1).to_string()),
            Param::Text(state.as_str()),
            Param::Int(ended_at),
            count(done.seen),
            count(done.added),
            count(done.again),
            count(done.held),
            count(done.unrouted),
            Param::Text(replay.publisher.as_str()),
            Param::Text(&replay.id.to_string()),
        ],
    )?;
    Ok(())
}
