//! Making a step of a replay: what each touchpoint lacks is owed, how far the replay is is marked, and all is counted.

use super::{Done, Mode, Only, ReplayState, ReplayStep, Replayed};
use crate::deliveries::{AskedBy, retry};
use crate::engine::{Param, Tx};
use crate::lanes::place_now;
use crate::rows::DeliveryState;
use crate::{StoreError, members};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId};
use leadwire_core::routing::Routed;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What a step does, by destination (0: none), kind and reason.
type Tallies = BTreeMap<(u32, &'static str, &'static str), u64>;

/// What is gathered while a step is made.
#[derive(Default)]
struct Made {
    done: Done,
    tallies: Tallies,
    woken: BTreeSet<DestinationNo>,
}

impl Made {
    fn count(&mut self, destination: u32, what: &'static str, why: &'static str) {
        *self.tallies.entry((destination, what, why)).or_default() += 1;
        match what {
            "added" => self.done.added += 1,
            "again" => self.done.again += 1,
            "held" => self.done.held += 1,
            _ => {}
        }
    }
}

/// Makes the step, and says which destinations have work.
pub(super) fn make(tx: &Tx<'_>, step: &ReplayStep) -> Result<BTreeSet<DestinationNo>, StoreError> {
    let mut made = Made::default();
    for why in &step.passed_by {
        made.count(0, "skipped", why);
    }
    for item in &step.items {
        take_up(tx, step, item, &mut made)?;
    }
    made.done.looked = (step.items.len() + step.passed_by.len()) as u64;
    made.done.seen = step.items.len() as u64;
    mark(tx, step, made.done)?;
    tally(tx, step, &made.tallies)?;
    Ok(made.woken)
}

fn take_up(tx: &Tx<'_>, step: &ReplayStep, item: &Replayed, made: &mut Made) -> Result<(), StoreError> {
    let publisher = &step.replay.publisher;
    if item.routed.is_empty() {
        made.done.unrouted += 1;
        made.count(0, "skipped", "no_route");
        return Ok(());
    }
    // Asked now, not when it came: a customer who said so later must not be written as one to be contacted, nor be
    // brought anywhere once erased.
    let Since { lead, is_refused, is_erased } = said_since(tx, publisher, item.lead)?;
    let is_parked_only = step.replay.selection.only == Some(Only::Parked);
    if is_erased && !is_parked_only {
        made.count(0, "skipped", "erased");
        return Ok(());
    }
    let is_held = !item.is_do_not_contact && is_refused && !is_parked_only;
    let mut is_new = false;
    for routed in &item.routed {
        let why = if is_held { Some("do_not_contact") } else { routed.suppressed };
        is_new |= bring(tx, step, (item, lead), &Routed { suppressed: why, ..*routed }, made)?;
    }
    if is_new && step.replay.mode == Mode::Real {
        tx.execute(
            "UPDATE touchpoint SET routed = 1 WHERE publisher_id = $1 AND touchpoint_id = $2 AND routed = 0",
            &[Param::Text(publisher.as_str()), Param::Text(&item.touchpoint.to_string())],
        )?;
    }
    Ok(())
}

/// Brings one touchpoint to one destination, or counts that it would; says whether that is a delivery that was not there.
fn bring(
    tx: &Tx<'_>,
    step: &ReplayStep,
    (item, lead): (&Replayed, LeadId),
    routed: &Routed,
    made: &mut Made,
) -> Result<bool, StoreError> {
    let (replay, destination) = (&step.replay, routed.destination);
    let id = DeliveryId { touchpoint: item.touchpoint, destination };
    let (key, number) = ((&replay.publisher, id), destination.get());
    let state = delivery_state(tx, &replay.publisher, id)?;
    let is_wanted = match replay.selection.only {
        None => true,
        Some(Only::Parked) => state == Some(DeliveryState::Parked),
        Some(Only::Delivered) => state == Some(DeliveryState::Delivered),
        Some(Only::Missing) => state.is_none(),
    };
    let is_real = replay.mode == Mode::Real;
    let (what, why) = match (state, routed.suppressed) {
        _ if !is_wanted => ("skipped", "other_state"),
        (None, Some(why)) => {
            if is_real {
                owe(tx, key, lead, Some(why), step.now)?;
            }
            ("held", why)
        }
        (None, None) => {
            if is_real {
                owe(tx, key, lead, None, step.now)?;
            }
            ("added", "new")
        }
        (Some(DeliveryState::Parked | DeliveryState::Delivered), Some(why)) => ("held", why),
        (Some(DeliveryState::Parked), None) => {
            if is_real {
                retry(tx, &replay.publisher, id, (AskedBy::Publisher, step.now))?;
            }
            ("again", "parked")
        }
        (Some(DeliveryState::Delivered), None) if replay.force => {
            if is_real {
                send_again(tx, key, lead, step.now)?;
            }
            ("again", "delivered")
        }
        // It is there, or on its way, or must not be sent.
        (Some(DeliveryState::Delivered), None) => ("skipped", "delivered"),
        (Some(DeliveryState::Pending), _) => ("skipped", "pending"),
        (Some(DeliveryState::Suppressed), _) => ("skipped", "suppressed"),
        (Some(DeliveryState::Erased), _) => ("skipped", "erased"),
    };
    made.count(number, what, why);
    if is_real && matches!(what, "added" | "again") {
        pin(tx, key, replay.mapping)?;
        made.woken.insert(destination);
    }
    Ok(what == "added" || (what == "held" && state.is_none()))
}

/// Has a delivery mapped with a version of its destination's mapping from now on, or with the current one.
fn pin(
    tx: &Tx<'_>,
    (publisher, id): (&PublisherId, DeliveryId),
    mapping: Option<u32>,
) -> Result<(), StoreError> {
    let touchpoint = id.touchpoint.to_string();
    let key =
        [Param::Text(publisher.as_str()), Param::Int(id.destination.get().into()), Param::Text(&touchpoint)];
    tx.execute(
        "DELETE FROM delivery_mapping WHERE publisher_id = $1 AND destination_no = $2 AND touchpoint_id = $3",
        &key,
    )?;
    if let Some(number) = mapping {
        tx.execute(
            "INSERT INTO delivery_mapping (publisher_id, destination_no, touchpoint_id, mapping_no)
             VALUES ($1, $2, $3, $4)",
            &[key[0], key[1], key[2], Param::Int(number.into())],
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
    let (claim, due_at) = match suppressed {
        None => place_now(tx, (publisher, id.destination), lead, id.touchpoint, now)?,
        Some(_) => (0, now),
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
            Param::Int(due_at.millis()),
            Param::Int(claim),
            Param::Text(suppressed.unwrap_or("")),
            Param::Int(if suppressed.is_some() { now.millis() } else { 0 }),
        ],
    )?;
    Ok(())
}

/// Makes a delivered one due again. It goes to the record of the lead that stands, whichever it went to before.
fn send_again(
    tx: &Tx<'_>,
    (publisher, id): (&PublisherId, DeliveryId),
    lead: LeadId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (claim, due_at) = place_now(tx, (publisher, id.destination), lead, id.touchpoint, now)?;
    tx.execute(
        "UPDATE delivery SET state = 'pending', due_at = $1, claim = $2, ended_at = 0, lead_id = $3, known_as = ''
         WHERE publisher_id = $4 AND touchpoint_id = $5 AND destination_no = $6 AND state = 'delivered'",
        &[
            Param::Int(due_at.millis()),
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
    tx.execute(
        "UPDATE replay SET done_to = $1, state = $2, ended_at = $3, seen = seen + $4, added = added + $5,
             again = again + $6, held = held + $7, unrouted = unrouted + $8, looked = looked + $9
         WHERE publisher_id = $10 AND replay_id = $11",
        &[
            Param::Text(&step.to.unwrap_or(replay.range.1).to_string()),
            Param::Text(state.as_str()),
            Param::Int(ended_at),
            count(done.seen),
            count(done.added),
            count(done.again),
            count(done.held),
            count(done.unrouted),
            count(done.looked),
            Param::Text(replay.publisher.as_str()),
            Param::Text(&replay.id.to_string()),
        ],
    )?;
    Ok(())
}

fn tally(tx: &Tx<'_>, step: &ReplayStep, tallies: &Tallies) -> Result<(), StoreError> {
    for ((destination, what, why), number) in tallies {
        tx.execute(
            "INSERT INTO replay_tally (publisher_id, replay_id, destination_no, what, why, count)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (publisher_id, replay_id, destination_no, what, why)
             DO UPDATE SET count = replay_tally.count + excluded.count",
            &[
                Param::Text(step.replay.publisher.as_str()),
                Param::Text(&step.replay.id.to_string()),
                Param::Int((*destination).into()),
                Param::Text(what),
                Param::Text(why),
                count(*number),
            ],
        )?;
    }
    Ok(())
}

fn count(it: u64) -> Param<'static> {
    Param::Int(i64::try_from(it).unwrap_or(i64::MAX))
}
