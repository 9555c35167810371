//! What a destination's lane does next: for each delivery after an attempt, and for the lane as a whole.
//!
//! Everything here is a function of values. The run loop does what these functions say, and nothing else; the simulator
//! drives the same ones.

mod breaker;
mod calls;
mod decide;
mod hand;
mod queue;
mod turn;

pub use decide::{Decision, Ended, Next, Pace, Streak, after_try, goes_by_batches};
pub use hand::Hand;
pub use turn::{Claim, LaneToken, Load, Settled, Shape, Turn, Turned};

use crate::time::Timestamp;

/// Whether a lane may send.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Gate {
    /// It may.
    #[default]
    Open,
    /// It keeps everything and sends nothing, but for one probe when that is due: somebody has to put something right.
    Paused(Pause),
    /// The same, since call after call failed: it mends itself once a probe gets through.
    Tripped(Pause),
}

impl Gate {
    /// Why it does not send; none when it does.
    pub fn pause(&self) -> Option<&Pause> {
        match self {
            Gate::Open => None,
            Gate::Paused(pause) | Gate::Tripped(pause) => Some(pause),
        }
    }
}

/// Why a lane sends nothing. Everything in it stays pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Stable name of the cause, such as `http_401`, or `by_person`.
    pub cause: String,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Since when.
    pub since: Timestamp,
    /// When one delivery is tried to see whether it works again; never, when a person or the destination said stop.
    pub probe_at: Option<Timestamp>,
    /// Probes made so far.
    pub probes: u32,
}

/// How much a lane may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// As much as it has room for.
    Free,
    /// One delivery, as a probe.
    Probe,
    /// Nothing until this moment, or until somebody resumes the lane.
    Nothing(Option<Timestamp>),
}

/// How much a lane may send at `now`.
pub fn allowance(gate: &Gate, now: Timestamp) -> Allowance {
    match gate.pause() {
        None => Allowance::Free,
        Some(Pause { probe_at: Some(at), .. }) if *at <= now => Allowance::Probe,
        Some(pause) => Allowance::Nothing(pause.probe_at),
    }
}

/// The pause a person asked for.
pub fn paused_by_person(now: Timestamp) -> Gate {
    Gate::Paused(Pause {
        cause: "by_person".to_owned(),
        message: "paused by a person".to_owned(),
        fix: "resume the destination when it may receive leads again".to_owned(),
        since: now,
        probe_at: None,
        probes: 0,
    })
}
