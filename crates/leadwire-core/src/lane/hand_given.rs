//! Deliveries that are claimed for a lane as they are stored, where it has room: they spare it a turn.

use super::{Allowance, Claim, Hand, allowance};
use crate::time::Timestamp;

impl<C> Hand<C> {
    /// How many deliveries may be claimed for the lane as they are stored: none while it has a backlog, is shut or stops.
    pub fn offered(&self, now: Timestamp) -> usize {
        let keeps_up = !self.may_have_work && !self.is_behind && self.may_send(now) && !self.stopping;
        // Under a budget nothing is claimed without its calls, which a turn reserves.
        if keeps_up && self.calls.is_none() { self.window().saturating_sub(self.queue.held()) } else { 0 }
    }

    /// Takes in what was claimed for this lane as it was stored, and whether there may be more in the store.
    pub fn take_given(&mut self, given: impl Iterator<Item = (Claim, C)>, has_work: bool, now: Timestamp) {
        let may_send = self.may_send(now);
        for (claim, content) in given {
            // It was claimed while the lane was open, which is no reason to try it after the pause.
            self.take_in(claim, content, may_send);
        }
        // A lane that is shut need not look at each new lead: its next look or a resume wakes it. But one whose probe is
        // overdue, since there was nothing to probe with, has no next look: this is its probe. And a turn under way may bring
        // the news that it is open.
        let may_claim =
            self.turning.is_some() || !matches!(allowance(&self.gate, now), Allowance::Nothing(_));
        self.may_have_work |= has_work && may_claim;
    }
}
