//! A lane's work in the store: taking its lease, claiming what is due, and settling what was tried.
//!
//! A claim stamps deliveries with the lane's token. Whoever takes the lane raises the token, so that every
//! write of an earlier holder finds nothing to change.

mod calls;
mod doubt;
mod fold;
mod gate;
mod order;
mod release;
mod settle;
mod take;
mod turn;

pub(crate) use doubt::{carry as carry_doubt, note_until as doubt_until, until as in_doubt_until};
pub(crate) use gate::read_gate;
pub(crate) use order::{claim_at_once, line_up, place, place_now};

pub use leadwire_core::lane::{Claim, LaneToken, Settled, Turn, Turned};

use crate::engine::Tx;
use crate::news::News;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::lane::Gate;
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
        self.take_lane_at(lane, holder, (now, now)).await
    }

    /// As [`Store::take_lane`], with the moment by which other nodes' time is told: by the clock that nodes tell it by.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_lane_at(
        &self,
        lane: LaneKey,
        holder: Arc<str>,
        (now, alive_at): (Timestamp, Timestamp),
    ) -> Result<Option<LaneToken>, StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| take::take(tx, &lane, &holder, (now, alive_at)))
            .await
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
        self.write_of(&lane.publisher.clone(), move |tx| turn::take_turn(tx, &lane, token, &turn)).await
    }

    /// Sets whether a lane may send, as a person asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_gate(&self, lane: LaneKey, gate: Gate) -> Result<(), StoreError> {
        self.set_gate_then(lane, gate, |()| {}).await
    }

    /// As [`Store::set_gate`]. `after` runs once it is on disk, whether or not the caller still waits, on the writer's
    /// thread, so it must be short.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_gate_then<A>(&self, lane: LaneKey, gate: Gate, after: A) -> Result<(), StoreError>
    where
        A: FnOnce(&()) + Send + 'static,
    {
        let scope = Scope::of(lane.publisher.as_str());
        let body = move |tx: &Tx<'_>| {
            crate::notices::in_hand(tx, &lane)?;
            tx.tell(&News::Gate(lane.clone()));
            gate::write(tx, &lane, &gate)
        };
        self.write_then(scope, body, after).await
    }

    /// Whether a lane may send.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gate(&self, lane: LaneKey) -> Result<Gate, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            Ok(gate::read(tx, &lane)?.map_or(Gate::Open, |it| it.1))
        })
        .await
    }
}
