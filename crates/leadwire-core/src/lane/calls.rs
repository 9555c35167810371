//! The calls a lane may make under its budget: what was granted, what batches took of it, and what came of that.

use crate::budget::{Allotment, Asked, Back, Budget, Granted, Told};
use crate::defect::{Defect, seeded};
use crate::limits;
use crate::time::Timestamp;
use std::sync::Arc;

/// What a lane has of its budget.
#[derive(Debug)]
pub(super) struct Calls {
    budget: Arc<Budget>,
    /// Calls that were granted and no batch has taken.
    free: u32,
    until: Timestamp,
    most: u32,
    next_at: Option<Timestamp>,
    back: Vec<Back>,
    told: Vec<Told>,
    /// What the batch that was begun last may take.
    last: Option<Allotment>,
    /// Whether a turn should ask for more.
    wants: bool,
}

impl Calls {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            free: 0,
            until: Timestamp::from_millis(0),
            most: u32::MAX,
            next_at: None,
            back: Vec::new(),
            told: Vec::new(),
            last: None,
            wants: false,
        }
    }

    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Whether there is something to tell the store, or to ask it for.
    pub(super) fn has_news(&self) -> bool {
        self.wants || !self.back.is_empty() || !self.told.is_empty()
    }

    /// It is time to ask again.
    pub(super) fn wake(&mut self) {
        self.next_at = None;
        self.wants = true;
    }

    /// Asks for what deliveries in hand and those about to be claimed want. All that is free goes back first: what is granted
    /// anew may be used for longer.
    pub(super) fn ask(&mut self, queued: usize, batch_max: usize, batches: usize) -> Asked {
        self.give_back();
        self.wants = false;
        Asked {
            budget: Arc::clone(&self.budget),
            back: std::mem::take(&mut self.back),
            told: std::mem::take(&mut self.told),
            queued,
            batch_max,
            batches,
        }
    }

    /// Puts back what no batch has taken.
    pub(super) fn give_back(&mut self) {
        if self.free > 0 && !seeded(Defect::FreeIsNotTold) {
            self.back.push(Back { until: self.until, sent: 0, unused: self.free });
            self.free = 0;
        }
    }

    pub(super) fn take_up(&mut self, granted: Granted) {
        let Granted { calls, until, most, next_at, left: _ } = granted;
        (self.free, self.until, self.most, self.next_at) = (calls, until, most, next_at);
    }

    /// When the store said to ask again.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Whether nothing can be sent for so long that what is in hand should go back.
    pub(super) fn are_far(&self, now: Timestamp) -> bool {
        self.affordable(1, now) == 0
            && self.next_at.is_some_and(|it| it.since(now) > limits::CALLS_WAIT_IN_HAND)
    }

    fn cost(&self, deliveries: usize) -> u32 {
        self.budget.cost.least(deliveries).min(self.most)
    }

    fn affordable(&self, deliveries: usize, now: Timestamp) -> usize {
        // Every call of an attempt is made in time, or none.
        if self.until.since(now) < limits::ATTEMPT_WAIT && !seeded(Defect::CallsOutliveTheirReservation) {
            return 0;
        }
        if self.cost(deliveries) <= self.free {
            return deliveries;
        }
        let left = self.free.saturating_sub(self.budget.cost.fixed);
        let fewer = left.checked_div(self.budget.cost.each).unwrap_or(0);
        usize::try_from(fewer).unwrap_or(usize::MAX).min(deliveries)
    }

    /// How many of these deliveries can be sent in one batch. None: a turn asks for more calls, once there may be some.
    pub(super) fn afford(&mut self, deliveries: usize, now: Timestamp) -> usize {
        let affordable = self.affordable(deliveries, now);
        if affordable == 0 {
            self.wants |= self.next_at.is_none_or(|it| it <= now);
        }
        affordable
    }

    /// Takes what a batch of so many may call, or a deletion, which goes alone.
    pub(super) fn take(&mut self, deliveries: usize, erases: bool) {
        let cost = self.budget.cost;
        let wanted = if erases { cost.erasure() } else { cost.whole(deliveries) };
        let calls = wanted.min(self.free);
        self.free -= calls;
        self.last = Some(Allotment { budget: Arc::clone(&self.budget), calls, until: self.until });
    }

    pub(super) fn last(&mut self) -> Option<Allotment> {
        self.last.take()
    }

    /// Notes what a batch made of its allotment. One of an earlier budget ends with its window.
    pub(super) fn spent(&mut self, allotment: &Allotment, sent: u32, told: Vec<Told>) {
        if Arc::ptr_eq(&allotment.budget, &self.budget) {
            let unused = allotment.calls.saturating_sub(sent);
            if !seeded(Defect::BackIsForgotten) {
                self.back.push(Back { until: allotment.until, sent, unused });
            }
            if !seeded(Defect::ToldIsNotHeard) {
                self.told.extend(told);
            }
        }
    }
}
