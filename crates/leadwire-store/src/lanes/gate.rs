//! A lane's row: who holds it, and whether it may send.

use super::{LaneKey, LaneToken};
use crate::StoreError;
use crate::engine::{Param, Row, Tx};
use leadwire_core::lane::{Gate, Pause};
use leadwire_core::time::Timestamp;

pub(super) fn read(tx: &Tx<'_>, lane: &LaneKey) -> Result<Option<(LaneToken, Gate)>, StoreError> {
    tx.find(
        "SELECT token, state, pause_cause, pause_message, pause_fix, paused_at, probe_at, probes, tripped
         FROM lane
         WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        |row| Ok((LaneToken::new(row.int(0)?), read_gate(row, 1)?)),
    )
}

/// Reads a gate from eight columns: state, cause, message, fix, since, next probe, probes made, whether it tripped.
pub(crate) fn read_gate(row: &Row<'_>, first: usize) -> Result<Gate, StoreError> {
    if row.text(first)? == "open" {
        return Ok(Gate::Open);
    }
    let pause = Pause {
        cause: row.text(first + 1)?.to_owned(),
        message: row.text(first + 2)?.to_owned(),
        fix: row.text(first + 3)?.to_owned(),
        since: row.time(first + 4)?,
        probe_at: row.time_or_none(first + 5)?,
        probes: row.count(first + 6)?,
    };
    Ok(if row.int(first + 7)? == 0 { Gate::Paused(pause) } else { Gate::Tripped(pause) })
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
    let state = if *gate == Gate::Open { "open" } else { "paused" };
    let pause = gate.pause().unwrap_or(&open);
    tx.execute(
        "UPDATE lane SET state = $1, pause_cause = $2, pause_message = $3, pause_fix = $4, paused_at = $5,
             probe_at = $6, probes = $7, tripped = $8
         WHERE publisher_id = $9 AND destination_no = $10",
        &[
            Param::Text(state),
            Param::Text(&pause.cause),
            Param::Text(&pause.message),
            Param::Text(&pause.fix),
            Param::Int(pause.since.millis()),
            Param::Int(pause.probe_at.map_or(0, Timestamp::millis)),
            Param::Int(pause.probes.into()),
            Param::Int(matches!(gate, Gate::Tripped(_)).into()),
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
        ],
    )?;
    Ok(())
}
