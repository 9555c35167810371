//! A lane's row: who holds it, and whether it may send.

use super::{LaneKey, LaneToken};
use crate::StoreError;
use crate::engine::{Param, Row, Tx};
use leadwire_core::lane::{Gate, Pause};
use leadwire_core::time::Timestamp;

pub(super) fn read(tx: &Tx<'_>, lane: &LaneKey) -> Result<Option<(LaneToken, Gate)>, StoreError> {
    tx.find(
        "SELECT token, state, pause_cause, pause_message, pause_fix, paused_at, probe_at, probes
         FROM lane
         WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        |row| Ok((LaneToken(row.int(0)?), read_gate(row, 1)?)),
    )
}

/// Reads a gate from seven columns: state, cause, message, fix, since, next probe, probes made.
pub(crate) fn read_gate(row: &Row<'_>, first: usize) -> Result<Gate, StoreError> {
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

pub(super) fn write(tx: &Tx<'_>, lane: &LaneKey, gate: &Gate) -> Result<(), StoreError> {
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
