//! A lane's turn: settle what was tried, release what was not, claim what is due.

use super::gate;
use super::{Claim, LaneKey, LaneToken, Turn, Turned};
use super::{calls, doubt, fold, release, settle};
use crate::engine::{Param, Tx};
use crate::{StoreError, notices};
use leadwire_core::lane::{self, Allowance, Gate, Next};
use leadwire_core::limits;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;

pub(super) fn take_turn(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    turn: &Turn,
) -> Result<Option<Turned>, StoreError> {
    let Some((current, mut gate)) = gate::read(tx, lane)? else { return Ok(None) };
    if current != token {
        return Ok(None);
    }
    // What was tried comes last: of what was erased it knows more than what was never sent.
    release::release(tx, lane, token, &turn.released, turn.now)?;
    settle::settle(tx, lane, token, &turn.settled, turn.now)?;

    if let Some(changed) = &turn.gate
        && !is_by_person(&gate)
    {
        gate::write(tx, lane, changed)?;
        notices::say_of_gate(tx, lane, (&gate, changed), turn.now)?;
        gate = changed.clone();
    }
    let (room, fold) = match lane::allowance(&gate, turn.now) {
        Allowance::Free => (turn.room, turn.fold),
        Allowance::Probe => (turn.room.min(usize::from(turn.held == 0)), 1),
        Allowance::Nothing(_) => (0, 1),
    };
    let mut desk = calls::open(tx, lane, turn)?;
    let room = desk.as_mut().map_or(Ok(room), |it| it.room(tx, room))?;
    let found = if room == 0 { Vec::new() } else { claim(tx, lane, token, room, turn.now)? };
    let (firsts, known_as): (Vec<Claim>, Vec<bool>) = found.into_iter().unzip();
    let has_delivered = turn.settled.iter().any(|it| matches!(it.next, Next::Deliver(_)));
    tx.execute(
        "UPDATE lane SET leased_until = $1, delivered_at = CASE WHEN $2 = 0 THEN delivered_at ELSE $2 END
         WHERE publisher_id = $3 AND destination_no = $4",
        &[
            Param::Int(turn.now.plus(limits::LEASE).millis()),
            Param::Int(if has_delivered { turn.now.millis() } else { 0 }),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    let next_due = if firsts.len() < room {
        // There is time: this lane keeps up.
        doubt::forget(tx, lane, turn.now)?;
        next_due(tx, lane, turn.now)?
    } else {
        None
    };
    // Calls are for requests: what rides is in one that is there already, or waits for the calls of the next.
    let calls = desk.map(|it| it.close(tx, &firsts)).transpose()?;
    let claims = match fold > 1 && !firsts.is_empty() {
        true => fold::fold(tx, lane, token, turn, (firsts, &known_as))?,
        false => firsts,
    };
    Ok(Some(Turned { claims, gate, next_due, calls }))
}

fn is_by_person(gate: &Gate) -> bool {
    matches!(gate, Gate::Paused(pause) if pause.cause == "by_person")
}

/// Claims what is due and not behind another delivery of its lead, at a cost that grows with the batch only.
/// Counts the try now, so that one which brings the program down is counted too. Says of each whether it is repeated under
/// the lead it was begun as.
fn claim(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    room: usize,
    now: Timestamp,
) -> Result<Vec<(Claim, bool)>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let mut claims: Vec<(Timestamp, Claim, bool)> = tx.query(
        // The whole key comes from what is due: a server that knows a part of it beforehand may go through all of it.
        "UPDATE delivery SET claim = $1, attempts = attempts + 1
         FROM (
             SELECT publisher_id AS due_publisher, touchpoint_id AS due_touchpoint, destination_no AS due_destination
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim = 0 AND due_at <= $4
             ORDER BY due_at, touchpoint_id
             LIMIT $5) AS due
         WHERE publisher_id = due_publisher AND touchpoint_id = due_touchpoint AND destination_no = due_destination
         RETURNING touchpoint_id, lead_id, attempts, (
             SELECT l.interest + 4 * l.do_not_contact + CASE WHEN l.consent_by = '' THEN 0 ELSE 8 END
                 + CASE WHEN l.erased_by = delivery.touchpoint_id THEN 16 ELSE 0 END
             FROM lead l
             WHERE l.publisher_id = delivery.publisher_id AND l.lead_id = delivery.lead_id), follow_up_id, known_as,
             due_at",
        &[
            Param::Int(token.number()),
            publisher,
            destination,
            Param::Int(now.millis()),
            Param::Int(i64::try_from(room).unwrap_or(i64::MAX)),
        ],
        |row| {
            let claim = Claim {
                touchpoint: row.touchpoint(0)?,
                // What may have arrived is repeated under the lead it was begun as.
                lead: if row.text(5)?.is_empty() { row.lead(1)? } else { row.lead(5)? },
                number: row.count(2)?,
                standing: Seen::from_number(row.int(3)?),
                follow_up: row.follow_up_or_none(4)?,
                rides: false,
            };
            Ok((row.time(6)?, claim, !row.text(5)?.is_empty()))
        },
    )?;
    claims.sort_by_key(|(due_at, it, _)| (*due_at, it.touchpoint));
    Ok(claims.into_iter().map(|it| (it.1, it.2)).collect())
}

fn next_due(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    tx.find(
        "SELECT due_at
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at > $3
         ORDER BY due_at
         LIMIT 1",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
            Param::Int(now.millis()),
        ],
        |row| row.time(0),
    )
}
