//! What a lane and the store tell each other: claims, tries that came to an end, and one turn as one transaction.

use super::{Gate, Next};
use crate::budget::{Asked, Granted};
use crate::id::{FollowUpId, LeadId, TouchpointId};
use crate::outcome::Tried;
use crate::standing::Seen;
use crate::time::Timestamp;

/// A lane's lease: the number that fences its writes. It lasts [`crate::limits::LEASE`] from each turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneToken(i64);

impl LaneToken {
    /// Wraps the number that a store gave with a lease.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// How much a destination takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Requests in flight at a time, at least 1.
    pub in_flight: usize,
    /// Most deliveries of one request, at least 1.
    pub batch_max: usize,
    /// Most deliveries of one lead in a request, at least 1: several where one write of a record says them all.
    pub fold_max: usize,
}

/// What a delivery is in a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What only one request at a time may be in flight of, beside its lead.
    pub key: Option<String>,
    /// How large it is, in bytes: a batch is bounded by that too.
    pub bytes: usize,
}

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
    /// Most deliveries of one lead that are claimed together.
    pub fold: usize,
    /// What it asks of its budget; none: it has none.
    pub calls: Option<Asked>,
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
    /// Whose it is: one request of a lead at a time.
    pub lead: LeadId,
    /// The number of the try this claim is for, from 1.
    pub number: u32,
    /// How the lead stands, as far as the lane knows.
    pub standing: Seen,
    /// What is to be said in place of bringing the lead.
    pub follow_up: Option<FollowUpId>,
    /// Claimed with the one before it, which is of the same lead, to go in one request with it.
    pub rides: bool,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Deliveries claimed, the most urgent first, and behind each what rides with it.
    pub claims: Vec<Claim>,
    /// Whether the lane may send.
    pub gate: Gate,
    /// When the next delivery is due that is not due now.
    pub next_due: Option<Timestamp>,
    /// What its budget grants.
    pub calls: Option<Granted>,
}
