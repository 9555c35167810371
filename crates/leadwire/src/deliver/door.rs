//! A lane's door: where intake leaves deliveries that are claimed as they are stored, and rings when there is work.
//!
//! While a lane keeps up, it offers room here. A delivery stored into such room is claimed in the transaction that
//! accepts it, which saves the lane a turn for it. A lane with a backlog offers none and claims from the store.

use leadwire_connect::Payload;
use leadwire_core::id::LeadId;
use leadwire_core::lane::Gate;
use leadwire_store::lanes::{Claim, LaneToken};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// The door of one lane.
#[derive(Default)]
pub(super) struct Door {
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Default)]
struct State {
    token: Option<LaneToken>,
    room: usize,
    standing: Standing,
    given: Vec<(Claim, Payload)>,
    has_work: bool,
    must_look: bool,
    refused: Vec<LeadId>,
    erased: Vec<LeadId>,
}

/// Whether a lane sends, as far as others need to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Open,
    Paused,
    Tripped,
}

impl Standing {
    pub(super) fn of(gate: &Gate) -> Self {
        match gate {
            Gate::Open => Self::Open,
            Gate::Paused(_) => Self::Paused,
            Gate::Tripped(_) => Self::Tripped,
        }
    }
}

/// What was found at the door.
pub(super) struct Found {
    /// Deliveries claimed for the lane.
    pub(super) given: Vec<(Claim, Payload)>,
    /// Whether there may be work in the store.
    pub(super) has_work: bool,
    /// Whether somebody changed what the store says of the lane.
    pub(super) must_look: bool,
}

impl Door {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the door's bookkeeping cannot panic")
    }

    /// Takes a place in the lane's room, if there is one, under the lane's lease.
    pub(super) fn reserve(&self) -> Option<LaneToken> {
        let mut state = self.state();
        state.room = state.room.checked_sub(1)?;
        state.token
    }

    /// Gives a place back that was not used.
    pub(super) fn give_back(&self) {
        self.state().room += 1;
    }

    /// Leaves a delivery that was claimed into a reserved place.
    pub(super) fn give(&self, claim: Claim, payload: Payload) {
        self.state().given.push((claim, payload));
        self.bell.notify_one();
    }

    /// Says that there is work in the store.
    pub(super) fn ring(&self) {
        self.state().has_work = true;
        self.bell.notify_one();
    }

    /// Says that somebody paused or resumed the lane in the store.
    pub(super) fn have_looked(&self) {
        self.state().must_look = true;
        self.bell.notify_one();
    }

    /// Says that a lead's customer must not be contacted any more.
    pub(super) fn refuse(&self, lead: LeadId) {
        self.state().refused.push(lead);
        self.bell.notify_one();
    }

    /// Says that a lead was erased: nothing the lane holds of it may be sent.
    pub(super) fn erase(&self, lead: LeadId) {
        self.state().erased.push(lead);
        self.bell.notify_one();
    }

    /// Leads that were erased since this was last asked for. A lane asks before each try.
    pub(super) fn take_erased(&self) -> Vec<LeadId> {
        std::mem::take(&mut self.state().erased)
    }

    /// Waits for a ring. One that came before counts.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes what lies at the door.
    pub(super) fn take(&self) -> Found {
        let mut state = self.state();
        Found {
            given: std::mem::take(&mut state.given),
            has_work: std::mem::take(&mut state.has_work),
            must_look: std::mem::take(&mut state.must_look),
        }
    }

    /// Leads whose customers asked not to be contacted since this was last asked for. A lane asks before each try.
    pub(super) fn take_refused(&self) -> Vec<LeadId> {
        std::mem::take(&mut self.state().refused)
    }

    /// Starts anew under another lease: what was claimed under an earlier one was put back when this one was taken.
    pub(super) fn open_under(&self, token: LaneToken) {
        *self.state() = State { token: Some(token), has_work: true, ..State::default() };
    }

    /// Offers this much room; none while the lane has a backlog, is paused, or stops.
    pub(super) fn offer(&self, room: usize, standing: Standing) {
        let mut state = self.state();
        (state.room, state.standing) = (room, standing);
    }

    /// Whether the lane sends, as it said last.
    pub(super) fn standing(&self) -> Standing {
        self.state().standing
    }
}
