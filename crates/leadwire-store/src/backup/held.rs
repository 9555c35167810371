//! What a restored store must not do by itself: bring again what may have been brought since the copy was made, to where a
//! repetition is not known as one.

use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, line_up};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// The cause of a delivery that waits for a decision since its store was restored.
const RESTORED: &str = "restored";

const MESSAGE: &str = "the store was restored from a backup, and nobody knows whether this was brought after the backup was made";
const FIX: &str = "look whether the destination has it; then release it with `leadwire failure retry PUBLISHER DESTINATION \
                   restored`, or drop it with `leadwire failure drop PUBLISHER DESTINATION restored`";

/// What waits for a decision after a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Deliveries that were parked.
    pub deliveries: u64,
    /// Replays that were paused.
    pub replays: u64,
}

type Run<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&Tx<'_>) -> Result<(), StoreError>) -> Result<(), StoreError>;

/// Parks what is pending at destinations of these kinds, and pauses replays, step by step. What is asked to be deleted goes
/// on: a deletion can be repeated.
pub(super) fn hold(run: Run<'_>, kinds: &[&str], now: Timestamp) -> Result<Held, StoreError> {
    let (mut held, mut lanes) = (Held::default(), Vec::new());
    run(&mut |tx| {
        lanes = lanes_of(tx, kinds)?;
        held.replays = tx.execute(
            "UPDATE replay SET paused_at = $1 WHERE state = 'running' AND dry_run = 0 AND paused_at = 0",
            &[Param::Int(now.millis())],
        )? as u64;
        Ok(())
    })?;
    for lane in lanes {
        loop {
            let mut parked = 0;
            run(&mut |tx| {
                parked = park_some(tx, &lane, now)?;
                Ok(())
            })?;
            held.deliveries += parked;
            if parked < limits::RETRY_PARKED_MAX as u64 {
                break;
            }
        }
        run(&mut |tx| {
            for lead in pending_leads(tx, &lane)? {
                line_up(tx, &lane, lead)?;
            }
            Ok(())
        })?;
    }
    Ok(held)
}

fn lanes_of(tx: &Tx<'_>, kinds: &[&str]) -> Result<Vec<LaneKey>, StoreError> {
    let all = tx.query(
        "SELECT publisher_id, destination_no, kind FROM destination WHERE removed_at = 0",
        &[],
        |row| {
            let (publisher, destination): (PublisherId, DestinationNo) =
                (row.publisher(0)?, row.destination(1)?);
            Ok((LaneKey { publisher, destination }, row.text(2)?.to_owned()))
        },
    )?;
    Ok(all.into_iter().filter(|it| kinds.contains(&it.1.as_str())).map(|it| it.0).collect())
}

/// Parks the next ones of a lane. A try that was under way in the copy is written down as interrupted.
fn park_some(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<u64, StoreError> {
    let (publisher, destination) =
        (Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into()));
    let pending: Vec<TouchpointId> = tx.query(
        "SELECT d.touchpoint_id
         FROM delivery d
         WHERE d.state = 'pending' AND d.publisher_id = $1 AND d.destination_no = $2 AND NOT EXISTS (
             SELECT 1 FROM erased_lead e
             WHERE e.publisher_id = d.publisher_id AND e.touchpoint_id = d.touchpoint_id)
         LIMIT $3",
        &[publisher, destination, Param::Int(i64::try_from(limits::RETRY_PARKED_MAX).unwrap_or(i64::MAX))],
        |row| row.touchpoint(0),
    )?;
    for touchpoint in &pending {
        let touchpoint = touchpoint.to_string();
        let touchpoint = Param::Text(&touchpoint);
        tx.execute(
            "INSERT INTO attempt (publisher_id, touchpoint_id, destination_no, number, ended_at, outcome, evidence)
             SELECT publisher_id, touchpoint_id, destination_no, attempts, $1, 'interrupted', $2
             FROM delivery
             WHERE publisher_id = $3 AND touchpoint_id = $4 AND destination_no = $5 AND claim > 0
             ON CONFLICT DO NOTHING",
            &[Param::Int(now.millis()), Param::Text(INTERRUPTED), publisher, touchpoint, destination],
        )?;
        tx.execute(
            "UPDATE delivery SET state = 'parked', claim = 0, cause = $1, message = $2, fix = $3, ended_at = $4
             WHERE publisher_id = $5 AND touchpoint_id = $6 AND destination_no = $7",
            &[
                Param::Text(RESTORED),
                Param::Text(MESSAGE),
                Param::Text(FIX),
                Param::Int(now.millis()),
                publisher,
                touchpoint,
                destination,
            ],
        )?;
    }
    Ok(pending.len() as u64)
}

const INTERRUPTED: &str = r#"{"cause":"interrupted","message":"the backup was made while this attempt was under way; whether it arrived is unknown"}"#;

fn pending_leads(tx: &Tx<'_>, lane: &LaneKey) -> Result<Vec<LeadId>, StoreError> {
    tx.query(
        "SELECT DISTINCT lead_id FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        |row| row.lead(0),
    )
}
