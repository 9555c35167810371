//! A lane's work in the store: taking its lease, claiming what is due, and settling what was tried.
//!
//! A claim stamps deliveries with the lane's token. Whoever takes the lane raises the token, so that every
//! write of an earlier holder finds nothing to change.

use crate::engine::{Param, Tx};
use crate::rows::{evidence_text, outcome_name};
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::lane::{self, Allowance, Gate, Next, Pause};
use leadwire_core::limits;
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// Which lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey {
    /// Whose destination.
    pub publisher: PublisherId,
    /// Which of them.
    pub destination: DestinationNo,
}

/// A lane's lease: the number that fences its writes. It lasts [`limits::LEASE`] from each turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneToken(i64);

/// One turn of a lane, as one transaction.
#[derive(Clone, Debug)]
pub struct Turn {
    /// What was tried since the last turn.
    pub settled: Vec<Settled>,
    /// Claimed, and not tried after all.
    pub released: Vec<TouchpointId>,
    /// What becomes of the lane, when the tries changed it.
    pub gate: Option<Gate>,
    /// How many more deliveries the lane has room for.
    pub room: usize,
    /// How many it still holds after this turn's settling.
    pub held: usize,
    /// Now, by the steady clock.
    pub now: Timestamp,
}

/// One try that came to an end.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Of which touchpoint.
    pub touchpoint: TouchpointId,
    /// Its number, from 1.
    pub number: u32,
    /// What came of it.
    pub tried: Tried,
    /// What becomes of the delivery.
    pub next: Next,
}

/// A delivery claimed by the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is to be brought.
    pub touchpoint: TouchpointId,
    /// Whose it is: one of a lead at a time.
    pub lead: LeadId,
    /// The number of the try this claim is for, from 1.
    pub number: u32,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Deliveries claimed, in the order in which they came.
    pub claims: Vec<Claim>,
    /// Whether the lane may send.
    pub gate: Gate,
    /// When the next delivery is due that is not due now.
    pub next_due: Option<Timestamp>,
}

impl Store {
    /// Takes a lane's lease, and puts what an earlier holder left in flight back into the queue: what came of
    /// those tries is unknown, and each is recorded as interrupted.
    ///
    /// None: another holder has the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_lane(
        &self,
        lane: LaneKey,
        holder: Arc<str>,
        now: Timestamp,
    ) -> Result<Option<LaneToken>, StoreError> {
        self.write(move |tx| take(tx, &lane, &holder, now)).await
    }

    /// Settles and claims. A crash leaves all of the turn done or none of it.
    ///
    /// None: the lease was lost, and nothing was changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lane_turn(
        &self,
        lane: LaneKey,
        token: LaneToken,
        turn: Arc<Turn>,
    ) -> Result<Option<Turned>, StoreError> {
        self.write(move |tx| take_turn(tx, &lane, token, &turn)).await
    }

    /// Sets whether a lane may send, as a person asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_gate(&self, lane: LaneKey, gate: Gate) -> Result<(), StoreError> {
        self.write(move |tx| write_gate(tx, &lane, &gate)).await
    }

    /// Whether a lane may send.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gate(&self, lane: LaneKey) -> Result<Gate, StoreError> {
        self.read(move |tx| Ok(state(tx, &lane)?.map_or(Gate::Open, |it| it.1))).await
    }
}

fn take(
    tx: &Tx<'_>,
    lane: &LaneKey,
    holder: &str,
    now: Timestamp,
) -> Result<Option<LaneToken>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let seen = tx.find(
        "SELECT leased_until FROM lane WHERE publisher_id = $1 AND destination_no = $2",
        &[publisher, destination],
        |row| row.time(0),
    )?;
    let token = tx.find(
        "UPDATE lane SET token = token + 1, holder = $1, leased_until = $2
         WHERE publisher_id = $3 AND destination_no = $4 AND (holder = $1 OR leased_until <= $5)
         RETURNING token",
        &[
            Param::Text(holder),
            Param::Int(now.plus(limits::LEASE).millis()),
            publisher,
            destination,
            Param::Int(now.millis()),
        ],
        |row| row.int(0),
    )?;
    let Some(token) = token else { return Ok(None) };
    tx.execute(
        "INSERT INTO attempt (publisher_id, touchpoint_id, destination_no, number, ended_at, outcome, evidence)
         SELECT publisher_id, touchpoint_id, destination_no, attempts, $1, 'interrupted', $2
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $3 AND destination_no = $4 AND claim > 0
         ON CONFLICT DO NOTHING",
        &[Param::Int(now.millis()), Param::Text(INTERRUPTED), publisher, destination],
    )?;
    tx.execute(
        "UPDATE delivery SET claim = 0, due_at = $1
         WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim > 0",
        &[Param::Int(now.millis()), publisher, destination],
    )?;
    // The last turn was at least here. When the clock was set back since, what was due by the old clock comes
    // forward by as much, or a retry would wait for the day to come round again.
    let last_turn = seen.unwrap_or(now).millis() - i64::try_from(limits::LEASE.as_millis()).unwrap_or(0);
    let set_back = last_turn - now.millis();
    if set_back > 0 {
        tx.execute(
            "UPDATE delivery SET due_at = due_at - $1
             WHERE state = 'pending' AND publisher_id = $2 AND destination_no = $3 AND claim = 0 AND due_at > $4",
            &[Param::Int(set_back), publisher, destination, Param::Int(now.millis())],
        )?;
    }
    Ok(Some(LaneToken(token)))
}

const INTERRUPTED: &str = r#"{"cause":"interrupted","message":"Leadwire stopped while this try was under way; whether it arrived is unknown, and it is sent again under the same id"}"#;

fn take_turn(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    turn: &Turn,
) -> Result<Option<Turned>, StoreError> {
    let Some((current, mut gate)) = state(tx, lane)? else { return Ok(None) };
    if current != token {
        return Ok(None);
    }
    for settled in &turn.settled {
        settle(tx, lane, token, settled, turn.now)?;
    }
    for touchpoint in &turn.released {
        release(tx, lane, token, *touchpoint)?;
    }
    if let Some(changed) = &turn.gate
        && !is_by_person(&gate)
    {
        write_gate(tx, lane, changed)?;
        gate = changed.clone();
    }
    let room = match lane::allowance(&gate, turn.now) {
        Allowance::Free => turn.room,
        Allowance::Probe => turn.room.min(usize::from(turn.held == 0)),
        Allowance::Nothing(_) => 0,
    };
    let claims = if room == 0 { Vec::new() } else { claim(tx, lane, token, room, turn.now)? };
    tx.execute(
        "UPDATE lane SET leased_until = $1 WHERE publisher_id = $2 AND destination_no = $3",
        &[
            Param::Int(turn.now.plus(limits::LEASE).millis()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    let next_due = if claims.len() < room { next_due(tx, lane, turn.now)? } else { None };
    Ok(Some(Turned { claims, gate, next_due }))
}

fn is_by_person(gate: &Gate) -> bool {
    matches!(gate, Gate::Paused(pause) if pause.cause == "by_person")
}

fn settle(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    settled: &Settled,
    now: Timestamp,
) -> Result<(), StoreError> {
    let touchpoint = settled.touchpoint.to_string();
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let evidence = &settled.tried.evidence;
    let (state, due_at, ended_at, record) = match &settled.next {
        Next::Deliver(Receipt::Accepted) => ("delivered", now, now, ""),
        Next::Deliver(Receipt::Confirmed { record }) => ("delivered", now, now, record.as_str()),
        Next::RetryAt(at) => ("pending", *at, Timestamp::from_millis(0), ""),
        Next::Park => ("parked", now, now, ""),
    };
    let (cause, message, fix) = match &settled.next {
        Next::Deliver(_) => ("", "", ""),
        Next::RetryAt(_) | Next::Park => (&*evidence.cause, &*evidence.message, &*evidence.fix),
    };
    let changed = tx.execute(
        "UPDATE delivery SET state = $1, due_at = $2, claim = 0, cause = $3, message = $4, fix = $5, record = $6,
             ended_at = $7
         WHERE publisher_id = $8 AND touchpoint_id = $9 AND destination_no = $10 AND claim = $11
             AND state = 'pending'",
        &[
            Param::Text(state),
            Param::Int(due_at.millis()),
            Param::Text(cause),
            Param::Text(message),
            Param::Text(fix),
            Param::Text(record),
            Param::Int(ended_at.millis()),
            publisher,
            Param::Text(&touchpoint),
            destination,
            Param::Int(token.0),
        ],
    )?;
    if changed == 0 {
        // Somebody else decided about it meanwhile, for instance a person: a late worker changes nothing.
        return Ok(());
    }
    tx.execute(
        "INSERT INTO attempt (publisher_id, touchpoint_id, destination_no, number, ended_at, outcome, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
        &[
            publisher,
            Param::Text(&touchpoint),
            destination,
            Param::Int(settled.number.into()),
            Param::Int(now.millis()),
            Param::Text(outcome_name(&settled.tried.outcome)),
            Param::Text(&evidence_text(evidence)),
        ],
    )?;
    Ok(())
}

fn release(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    touchpoint: TouchpointId,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE delivery SET claim = 0, attempts = attempts - 1
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = $4
             AND state = 'pending'",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Text(&touchpoint.to_string()),
            Param::Int(lane.destination.get().into()),
            Param::Int(token.0),
        ],
    )?;
    Ok(())
}

/// Claims what is due and not behind an earlier delivery of the same lead. Counts the try now, so that one
/// which brings the program down is counted too.
fn claim(
    tx: &Tx<'_>,
    lane: &LaneKey,
    token: LaneToken,
    room: usize,
    now: Timestamp,
) -> Result<Vec<Claim>, StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let mut claims = tx.query(
        "UPDATE delivery SET claim = $1, attempts = attempts + 1
         WHERE publisher_id = $2 AND destination_no = $3 AND touchpoint_id IN (
             SELECT d.touchpoint_id
             FROM delivery d
             WHERE d.state = 'pending' AND d.publisher_id = $2 AND d.destination_no = $3 AND d.claim = 0
                 AND d.due_at <= $4
                 AND NOT EXISTS (
                     SELECT 1
                     FROM delivery p
                     WHERE p.state = 'pending' AND p.publisher_id = $2 AND p.destination_no = $3
                         AND p.lead_id = d.lead_id AND p.touchpoint_id < d.touchpoint_id)
             ORDER BY d.due_at, d.touchpoint_id
             LIMIT $5)
         RETURNING touchpoint_id, lead_id, attempts",
        &[
            Param::Int(token.0),
            publisher,
            destination,
            Param::Int(now.millis()),
            Param::Int(i64::try_from(room).unwrap_or(i64::MAX)),
        ],
        |row| Ok(Claim { touchpoint: row.touchpoint(0)?, lead: row.lead(1)?, number: row.count(2)? }),
    )?;
    claims.sort_by_key(|it| it.touchpoint);
    Ok(claims)
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

fn state(tx: &Tx<'_>, lane: &LaneKey) -> Result<Option<(LaneToken, Gate)>, StoreError> {
    tx.find(
        "SELECT token, state, pause_cause, pause_message, pause_fix, paused_at, probe_at, probes
         FROM lane
         WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        |row| Ok((LaneToken(row.int(0)?), read_gate(row, 1)?)),
    )
}

/// Reads a gate from seven columns: state, cause, message, fix, since, next probe, probes made.
pub(crate) fn read_gate(row: &crate::engine::Row<'_>, first: usize) -> Result<Gate, StoreError> {
    Ok(match row.text(first)? {
        "open" => Gate::Open,
        _ => Gate::Paused(Pause {
            cause: row.text(first + 1)?.to_owned(),
            message: row.text(first + 2)?.to_owned(),
            fix: row.text(first + 3)?.to_owned(),
            since: row.time(first + 4)?,
            probe_at: row.time_or_none(first + 5)?,
            probes: row.count(first + 6)?,
        }),
    })
}

fn write_gate(tx: &Tx<'_>, lane: &LaneKey, gate: &Gate) -> Result<(), StoreError> {
    let open = Pause {
        cause: String::new(),
        message: String::new(),
        fix: String::new(),
        since: Timestamp::from_millis(0),
        probe_at: None,
        probes: 0,
    };
    let (state, pause) = match gate {
        Gate::Open => ("open", &open),
        Gate::Paused(pause) => ("paused", pause),
    };
    tx.execute(
        "UPDATE lane SET state = $1, pause_cause = $2, pause_message = $3, pause_fix = $4, paused_at = $5,
             probe_at = $6, probes = $7
         WHERE publisher_id = $8 AND destination_no = $9",
        &[
            Param::Text(state),
            Param::Text(&pause.cause),
            Param::Text(&pause.message),
            Param::Text(&pause.fix),
            Param::Int(pause.since.millis()),
            Param::Int(pause.probe_at.map_or(0, Timestamp::millis)),
            Param::Int(pause.probes.into()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    Ok(())
}
