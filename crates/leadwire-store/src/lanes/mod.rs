//! A lane's work in the store: taking its lease, claiming what is due, and settling what was tried.
//!
//! A claim stamps deliveries with the lane's token. Whoever takes the lane raises the token, so that every
//! write of an earlier holder finds nothing to change.

mod gate;
mod order;
mod take;
mod turn;

pub(crate) use gate::read_gate;
pub(crate) use order::{claim_at_once, line_up, place};

use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, FollowUpId, LeadId, PublisherId, TouchpointId};
use leadwire_core::lane::{Gate, Next};
use leadwire_core::outcome::Tried;
use leadwire_core::standing::Seen;
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

/// A lane's lease: the number that fences its writes. It lasts [`leadwire_core::limits::LEASE`] from each turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneToken(i64);

impl LaneToken {
    /// A token that no lane gave, for tests of who holds one.
    pub fn for_tests(number: i64) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> i64 {
        self.0
    }
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
    /// How the lead stood when it was claimed.
    pub standing: Seen,
    /// What is to be said in place of bringing the lead.
    pub follow_up: Option<FollowUpId>,
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
        self.write(move |tx| take::take(tx, &lane, &holder, now)).await
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
        self.write(move |tx| turn::take_turn(tx, &lane, token, &turn)).await
    }

    /// Sets whether a lane may send, as a person asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_gate(&self, lane: LaneKey, gate: Gate) -> Result<(), StoreError> {
        self.write(move |tx| {
            crate::notices::in_hand(tx, &lane)?;
            gate::write(tx, &lane, &gate)
        })
        .await
    }

    /// Whether a lane may send.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gate(&self, lane: LaneKey) -> Result<Gate, StoreError> {
        self.read(move |tx| Ok(gate::read(tx, &lane)?.map_or(Gate::Open, |it| it.1))).await
    }
}
