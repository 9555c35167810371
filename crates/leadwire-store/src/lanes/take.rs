//! Taking a lane's lease, and putting right what an earlier holder or another clock left behind.

use super::{LaneKey, LaneToken, doubt, order};
use crate::StoreError;
use crate::bulk;
use crate::engine::{Param, Tx};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

pub(super) fn take(
    tx: &Tx<'_>,
    lane: &LaneKey,
    holder: &str,
    (now, alive_at): (Timestamp, Timestamp),
) -> Result<Option<LaneToken>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let seen = tx.find(
        "SELECT leased_until, holder FROM lane WHERE publisher_id = $1 AND destination_no = $2",
        &[publisher, destination],
        |row| Ok((row.time(0)?, row.text(1)?.to_owned())),
    )?;
    let token = tx.find(
        "UPDATE lane SET token = token + 1, holder = $1, leased_until = $2
         WHERE publisher_id = $3 AND destination_no = $4 AND (holder = $1 OR holder = '' OR leased_until <= $5 OR EXISTS (
             SELECT 1 FROM node WHERE node.publisher_id = $6 AND node_id = lane.holder AND alive_until <= $7))
         RETURNING token",
        &[
            Param::Text(holder),
            Param::Int(now.plus(limits::LEASE).millis()),
            publisher,
            destination,
            Param::Int(now.millis()),
            Param::Text(""),
            Param::Int(alive_at.millis()),
        ],
        |row| row.int(0),
    )?;
    let Some(token) = token else { return Ok(None) };
    // What this node left behind ended with the program that left it; another node's may still be on its way.
    let is_ours = seen.as_ref().is_none_or(|it| it.1.is_empty() || it.1 == holder);
    let wait = if is_ours { limits::DOUBT } else { limits::LEFT_BEHIND_WAIT };
    let again_at = if is_ours { now } else { now.plus(limits::LEFT_BEHIND_WAIT) };
    // What is in a bulk job stays in it, unless nothing of that was sent.
    bulk::put_all_back(tx, lane, now)?;
    let together = claimed_together(tx, lane)?;

    tx.execute(
        "INSERT INTO attempt (publisher_id, touchpoint_id, destination_no, number, ended_at, outcome, evidence)
         SELECT publisher_id, touchpoint_id, destination_no, attempts, $1, 'interrupted', $2
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $3 AND destination_no = $4 AND claim > 0
             AND claim < 2147483647
         ON CONFLICT DO NOTHING",
        &[Param::Int(now.millis()), Param::Text(INTERRUPTED), publisher, destination],
    )?;
    doubt::take_over(tx, lane, (now.plus(wait), now.plus(limits::LEFT_BEHIND_WAIT)))?;
    if let Some((leased_until, _)) = seen {
        follow_clock(tx, lane, leased_until, now)?;
    }
    // Not what is repeated below: it says the same under the same identity.
    doubt::hold(tx, lane, now.plus(wait))?;
    tx.execute(
        "UPDATE delivery SET claim = 0, due_at = $1
         WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim > 0
             AND claim < 2147483647",
        &[Param::Int(again_at.millis()), publisher, destination],
    )?;
    // By itself the first would say less than they said together, and that may still be on its way.
    let later = together.iter().flat_map(|it| &it[1..]).cloned().collect::<Vec<_>>();
    order::put_behind(tx, lane, &later)?;
    order::hold_back(tx, lane, &together.concat(), now.plus(wait))?;
    Ok(Some(LaneToken::new(token)))
}

/// What was claimed of leads of which there is more than one, oldest first.
fn claimed_together(tx: &Tx<'_>, lane: &LaneKey) -> Result<Vec<Vec<String>>, StoreError> {
    let mut claimed = tx.query(
        "SELECT lead_id, touchpoint_id
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim > 0
             AND claim < 2147483647",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())),
    )?;
    claimed.sort_unstable();
    let of_lead = |it: &[(String, String)]| it.iter().map(|it| it.1.clone()).collect();
    Ok(claimed.chunk_by(|a, b| a.0 == b.0).filter(|it| it.len() > 1).map(of_lead).collect())
}

/// Brings forward what waits for a moment of a clock that was set back since, or a retry would wait for the
/// day to come round again.
fn follow_clock(
    tx: &Tx<'_>,
    lane: &LaneKey,
    leased_until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    // What was never tried became due in the past, whatever the clock said then; but for a follow-up that is told with
    // others within a day, and a deletion and a touchpoint that wait for a request which an earlier holder left on the wire.
    tx.execute(
        "UPDATE delivery SET due_at = $1
         WHERE publisher_id = $2 AND destination_no = $3 AND attempts = 0
             AND (follow_up_id = '' OR due_at > $4) AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim IN (-1, 0)
                 AND due_at > $1)
             AND NOT EXISTS (
                 SELECT 1 FROM erased_lead e
                 WHERE e.publisher_id = delivery.publisher_id AND e.touchpoint_id = delivery.touchpoint_id)
             AND NOT EXISTS (
                 SELECT 1 FROM doubt d
                 WHERE d.publisher_id = delivery.publisher_id AND d.destination_no = delivery.destination_no
                     AND d.lead_id = delivery.lead_id)",
        &[
            Param::Int(now.millis()),
            publisher,
            destination,
            Param::Int(now.plus(limits::DIGEST_WAIT).millis()),
        ],
    )?;
    // The last turn was here, so the clock was set back by at least the difference.
    let last_turn = leased_until.millis() - i64::try_from(limits::LEASE.as_millis()).unwrap_or(0);
    let set_back = last_turn - now.millis();
    if set_back <= 0 {
        return Ok(());
    }
    tx.execute(
        "UPDATE delivery SET due_at = due_at - $1
         WHERE publisher_id = $2 AND destination_no = $3 AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim IN (-1, 0)
                 AND due_at > $4)",
        &[Param::Int(set_back), publisher, destination, Param::Int(now.millis())],
    )?;
    tx.execute(
        "UPDATE lane SET probe_at = probe_at - $1
         WHERE publisher_id = $2 AND destination_no = $3 AND probe_at > $4",
        &[Param::Int(set_back), publisher, destination, Param::Int(now.millis())],
    )?;
    Ok(())
}

const INTERRUPTED: &str = r#"{"cause":"interrupted","message":"Leadwire stopped while this attempt was under way; whether it arrived is unknown, and it is sent again under the same id"}"#;
