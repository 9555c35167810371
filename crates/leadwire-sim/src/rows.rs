//! The transactions of the store, as the simulated program sees them, and what a row is.

use crate::model::Model;
use leadwire_core::budget::{Budget, Told};
use leadwire_core::lane::{Claim, Gate, LaneToken, Turn, Turned};
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// What a customer does.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// Recognises a repetition.
    pub(crate) key: u64,
    pub(crate) customer: u64,
    /// Shows active interest.
    pub(crate) urgent: bool,
    /// Asks not to be contacted.
    pub(crate) refuses: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) touchpoint: u64,
    pub(crate) lead: u64,
    pub(crate) is_new: bool,
    /// Claimed for lanes that have room.
    pub(crate) claimed: Vec<(usize, Claim)>,
}

/// What an erasure did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) lead: u64,
    /// Lanes that owe a deletion.
    pub(crate) told: Vec<usize>,
}

/// Whose a lane was that is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum From {
    /// This node's, or nobody's: its requests ended with it.
    #[default]
    Ours,
    /// Another's, which is gone or cut off: its requests may be under way.
    Another,
}

/// The transactions of the store.
pub(crate) trait Rows {
    fn accept(&mut self, act: &Act, id: u64, offered: &[(usize, LaneToken)], now: Timestamp) -> Accepted;
    fn take(&mut self, lane: usize, from: From, now: Timestamp) -> LaneToken;
    /// Gives a lane back, with nothing of it under way.
    fn release(&mut self, lane: usize, token: LaneToken);
    fn turn(&mut self, lane: usize, token: LaneToken, turn: &Turn) -> Option<Turned>;
    fn erase(&mut self, customer: u64, id: u64, now: Timestamp) -> Option<Erased>;
    fn set_gate(&mut self, lane: usize, gate: Gate);
    fn retry_parked(&mut self, lane: usize, now: Timestamp);
    /// Counts a call that was made outside lanes, for the account of a lane.
    fn spend_aside(&mut self, lane: usize, budget: &Arc<Budget>, told: &[Told], now: Timestamp);
    /// What the checks look at.
    fn model(&self) -> &Model;
    /// What was committed and not flushed is gone.
    fn lose_power(&mut self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Delivered,
    Parked,
    Suppressed,
    Erased,
}

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) touchpoint: u64,
    pub(crate) lane: usize,
    pub(crate) lead: u64,
    pub(crate) state: State,
    pub(crate) due_at: i64,
    pub(crate) claim: i64,
    pub(crate) attempts: u32,
    /// What came of an attempt is not known.
    pub(crate) doubtful: bool,
    pub(crate) is_deletion: bool,
    /// A person may have put it behind later ones.
    pub(crate) was_parked: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct LaneRow {
    pub(crate) token: i64,
    pub(crate) leased_until: i64,
    pub(crate) gate: Gate,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lead {
    pub(crate) refused: bool,
    /// The touchpoint that said so first.
    pub(crate) refused_by: Option<u64>,
    pub(crate) erased_by: Option<u64>,
}
