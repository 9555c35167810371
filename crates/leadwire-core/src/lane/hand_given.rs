//! Deliveries that are claimed for a lane as they are stored, where it has room: they spare it a turn.

use super::{Claim, Gate, Hand};
use crate::time::Timestamp;

impl<C> Hand<C> {
    /// How many deliveries may be claimed for the lane as they are stored: none while it has a backlog, is shut or stops.
    pub fn offered(&self, now: Timestamp) -> usize {
        let keeps_up = !self.may_have_work && !self.is_behind && self.may_send(now) && !self.stopping;
        // Under a budget nothing is claimed without its calls, which a turn reserves.
        if keeps_up && self.calls.is_none() { self.window().saturating_sub(self.leads.len()) } else { 0 }
    }

    /// Takes in what was claimed for this lane as it was stored, and whether there may be more in the store.
    pub fn take_given(&mut self, given: impl Iterator<Item = (Claim, C)>, has_work: bool, now: Timestamp) {
        let may_send = self.may_send(now);
        for (claim, content) in given {
            // It was claimed while the lane was open, which is no reason to try it after the pause.
            self.take_in(claim, content, may_send);
        }
        // A lane that is shut need not look at each new lead: a probe or a resume wakes it by itself.
        self.may_have_work |= has_work && self.gate == Gate::Open;
    }
}
