//! A hand under a budget: it asks for calls in its turns, and begins nothing without them.

use super::super::calls::Calls;
use super::{Allowance, Claim, Hand, allowance};
use crate::budget::{Allotment, Asked, Budget, Granted, Told};
use crate::defect::{Defect, seeded};
use crate::time::Timestamp;
use std::sync::Arc;

impl<C> Hand<C> {
    /// Goes on with this budget. What was granted under another one ends by itself.
    pub fn follow_budget(&mut self, budget: Option<Arc<Budget>>) {
        if self.calls.as_ref().map(Calls::budget) != budget.as_ref() {
            self.calls = budget.map(Calls::new);
            self.may_have_work = true;
        }
    }

    /// What the batch that was begun last may call; none: as much as it needs.
    pub fn allotment(&mut self) -> Option<Allotment> {
        self.calls.as_mut()?.last()
    }

    /// What a batch made of its allotment, and what the service said of its limits. Comes before [`Hand::note`].
    pub fn spent(&mut self, allotment: &Allotment, sent: u32, told: Vec<Told>) {
        if let Some(calls) = &mut self.calls {
            calls.spent(allotment, sent, told);
        }
    }

    /// Asks again for what is in hand.
    pub(super) fn wake_calls(&mut self) {
        if let Some(calls) = self.calls.as_mut().filter(|_| !self.queue.is_empty()) {
            calls.wake();
        }
    }

    pub(super) fn ask_for_calls(&mut self, may_send: bool) -> Option<Asked> {
        let free = self.shape.in_flight.min(self.ramp).saturating_sub(self.flying);
        let batches = if may_send { free } else { 0 };
        let (queued, batch_max) = (self.queue.len(), self.queue.batch_max(self.shape.batch_max));
        self.calls.as_mut().map(|it| it.ask(queued, batch_max, batches))
    }

    /// How many of a batch can be sent with the calls at hand.
    pub(super) fn affordable(&mut self, batch_max: usize, now: Timestamp) -> usize {
        match &mut self.calls {
            Some(calls) => calls.afford(batch_max.min(self.queue.len()), now),
            None => batch_max,
        }
    }

    pub(super) fn take_calls(&mut self, batch: &[(Claim, C)]) {
        if let (Some(calls), Some((first, _))) = (&mut self.calls, batch.first()) {
            calls.take(batch.len(), first.standing.erases);
        }
    }

    /// Takes up what the budget granted; when there will be nothing for long, what is in hand goes back.
    pub(super) fn take_up_calls(&mut self, granted: Option<Granted>, now: Timestamp) {
        let (Some(calls), Some(granted)) = (&mut self.calls, granted) else { return };
        calls.take_up(granted);
        let is_far = calls.are_far(now);
        if let Some(at) = calls.next_at()
            && !seeded(Defect::NextAskIsForgotten)
            && !self.is_held(now)
            && !matches!(allowance(&self.gate, now), Allowance::Nothing(_))
        {
            self.next_look = Some(at);
        }
        if is_far {
            self.release_ready();
        }
    }
}

#[cfg(test)]
#[path = "hand_calls_tests.rs"]
mod tests;
