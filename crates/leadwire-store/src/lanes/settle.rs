//! Settling what was tried: a lane's tries of one turn together, so that on a server they cost as much as one.

use super::{LaneKey, LaneToken, Settled};
use super::{doubt, order};
use crate::engine::{Param, Tx};
use crate::rows::{evidence_text, outcome_name};
use crate::{StoreError, erasures};
use leadwire_core::erasure;
use leadwire_core::id::LeadId;
use leadwire_core::lane::Next;
use leadwire_core::limits;
use leadwire_core::outcome::{Outcome, Receipt};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// What becomes of a delivery by its try.
struct End<'a> {
    settled: &'a Settled,
    touchpoint: String,
    state: &'static str,
    due_at: Timestamp,
    ended_at: Timestamp,
    record: &'a str,
    cause: &'a str,
    message: &'a str,
    fix: &'a str,
    evidence: String,
}

impl<'a> End<'a> {
    fn of(settled: &'a Settled, now: Timestamp) -> Self {
        let evidence = &settled.tried.evidence;
        let (state, due_at, ended_at, record) = match &settled.next {
            // What no call can delete waits for nobody, and is no delivery: a person reads what to do.
            Next::Deliver(_) if &*evidence.cause == erasure::CANNOT => ("suppressed", now, now, ""),
            Next::Deliver(Receipt::Accepted) => ("delivered", now, now, ""),
            Next::Deliver(Receipt::Confirmed { record }) => ("delivered", now, now, record.as_str()),
            Next::RetryAt(at) => ("pending", *at, Timestamp::from_millis(0), ""),
            Next::Park => ("parked", now, now, ""),
            Next::Suppress => ("suppressed", now, now, ""),
        };
        let (cause, message, fix) = match &settled.next {
            // Of an erasure the receipt says what became of it.
            Next::Deliver(_) if !erasure::is_over(&evidence.cause) => ("", "", ""),
            Next::Deliver(_) | Next::RetryAt(_) | Next::Park | Next::Suppress => {
                (&*evidence.cause, &*evidence.message, &*evidence.fix)
            }
        };
        Self {
            settled,
            touchpoint: settled.touchpoint.to_string(),
            state,
            due_at,
            ended_at,
            record,
            cause,
            message,
            fix,
            evidence: evidence_text(evidence),
        }
    }

    fn is_unknown(&self) -> bool {
        self.settled.tried.outcome == Outcome::Unknown
    }
}

/// Writes down what became of tries, each with its record. A try of which somebody else decided meanwhile changes nothing.
pub(super) fn settle(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    settled: &[Settled],
    now: Timestamp,
) -> Result<(), StoreError> {
    let ends: Vec<End<'_>> = settled.iter().map(|it| End::of(it, now)).collect();
    let mut leads: Vec<Option<LeadId>> = vec![None; ends.len()];
    for (place, lead) in come_to_rest(tx, lane, token, &ends)? {
        leads[place] = Some(lead);
    }
    let (mut known, mut ended) = (Vec::new(), BTreeSet::new());
    let mut tried: Vec<(LeadId, &End<'_>)> = Vec::new();
    let mut late = Vec::new();

    for (end, lead) in ends.iter().zip(leads) {
        // Somebody else decided about it meanwhile, for instance a person: a late worker changes nothing.
        let Some(lead) = lead else {
            late.push((end.is_unknown(), end.settled.touchpoint));
            continue;
        };

        if end.is_unknown() {
            doubt::note(tx, lane, lead, now)?;
        }
        if end.state != "pending" {
            ended.insert(lead);
        }
        tried.push((lead, end));
        known.push(end);
    }
    // Those of which nobody knows whether they arrived last: what waits behind several of a lead waits for these.
    late.sort_unstable();
    for (is_unknown, touchpoint) in late {
        erasures::late_end(tx, lane, token, (touchpoint, is_unknown), now)?;
    }
    order::advance_all(tx, lane, &ended)?;
    part(tx, lane, tried, now)?;

    for end in known.iter().filter(|it| it.state != "pending") {
        erasures::after_settle(tx, lane, end.settled.touchpoint, end.cause)?;
    }
    write_down(tx, lane, &known, now)
}

/// Of those that were tried together and come again, the first of each lead is free, and the others are behind it. It waits for
/// what may still arrive of them all: by itself it would say less than they said together.
fn part(
    tx: &Tx<'_>,
    lane: &LaneKey,
    mut tried: Vec<(LeadId, &End<'_>)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tried.sort_by_key(|it| (it.0, it.1.settled.touchpoint));
    let (mut behind, mut held) = (Vec::new(), Vec::new());
    for of_lead in tried.chunk_by(|a, b| a.0 == b.0).filter(|it| it.len() > 1) {
        let again = || of_lead.iter().map(|it| it.1).filter(|it| it.state == "pending");
        behind.extend(again().skip(1).map(|it| it.touchpoint.clone()));
        held.extend(again().filter(|it| it.is_unknown()).map(|it| it.touchpoint.clone()));
    }
    order::put_behind(tx, lane, &behind)?;
    order::hold_back(tx, lane, &held, now.plus(limits::DOUBT))
}

/// Ends the claims of tries, and gives for those that were still held their place and lead.
fn come_to_rest(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    ends: &[End<'_>],
) -> Result<Vec<(usize, LeadId)>, StoreError> {
    let rows: Vec<Vec<Param<'_>>> = ends
        .iter()
        .map(|it| {
            vec![
                Param::Text(it.state),
                Param::Int(it.due_at.millis()),
                Param::Text(it.cause),
                Param::Text(it.message),
                Param::Text(it.fix),
                Param::Text(it.record),
                Param::Int(it.ended_at.millis()),
                Param::Text(lane.publisher.as_str()),
                Param::Text(&it.touchpoint),
                Param::Int(lane.destination.get().into()),
                Param::Int(token.number()),
            ]
        })
        .collect();
    tx.query_each(
        "UPDATE delivery SET state = $1, due_at = $2, claim = 0, cause = $3, message = $4, fix = $5, record = $6,
             ended_at = $7
         WHERE publisher_id = $8 AND touchpoint_id = $9 AND destination_no = $10 AND claim = $11
             AND state = 'pending'
         RETURNING lead_id",
        &rows,
        |row| row.lead(0),
    )
}

fn write_down(tx: &Tx<'_>, lane: &LaneKey, ends: &[&End<'_>], now: Timestamp) -> Result<(), StoreError> {
    for end in ends {
        tx.put_off(
            "INSERT INTO attempt (publisher_id, touchpoint_id, destination_no, number, ended_at, outcome, evidence)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
            &[
                Param::Text(lane.publisher.as_str()),
                Param::Text(&end.touchpoint),
                Param::Int(lane.destination.get().into()),
                Param::Int(end.settled.number.into()),
                Param::Int(now.millis()),
                Param::Text(outcome_name(&end.settled.tried.outcome)),
                Param::Text(&end.evidence),
            ],
        )?;
    }
    Ok(())
}
