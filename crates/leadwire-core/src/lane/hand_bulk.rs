//! A hand beside a bulk job: what it keeps back for it, and how what came of the job's deliveries is decided.

use super::{Hand, RetryPolicy};
use crate::id::LeadId;
use crate::lane::calls::Calls;
use crate::lane::{Claim, Ended, Gate, Settled, after_try};
use crate::outcome::Tried;
use crate::time::{Jitter, Timestamp};

impl<C> Hand<C> {
    /// Whether more waits than is being brought: there was no room for all of it, or there are no calls.
    pub fn has_backlog(&self) -> bool {
        self.is_behind || self.calls.as_ref().is_some_and(|it| Calls::next_at(it).is_some())
    }

    /// Whether a job may be begun now, and handed over.
    pub fn may_begin_job(&self, now: Timestamp) -> bool {
        self.may_send(now) && !self.stopping
    }

    /// Keeps the place of these customers: a job has a request of theirs in flight, until [`Hand::end_job`].
    pub fn keep_for_job(&mut self, leads: impl Iterator<Item = LeadId>) {
        self.queue.keep(leads);
    }

    /// No job is in flight any more.
    pub fn end_job(&mut self) {
        self.queue.end_keeping();
        self.let_others_pass();
    }

    /// Leaves the calls that come back to a job, which takes no more of them than a batch and brings more: batches take
    /// whatever there is as soon as it is there, and would leave it none.
    pub fn let_job_pass(&mut self) {
        if !self.waits_for_job {
            self.waits_for_job = true;
            self.release_ready();
        }
    }

    /// Goes on with batches.
    pub fn let_others_pass(&mut self) {
        self.may_have_work |= self.waits_for_job;
        self.waits_for_job = false;
    }

    /// Whether what was decided waits for a turn to write it down: a job's end is written in parts.
    pub fn has_unwritten(&self) -> bool {
        !self.settled.is_empty() || self.turning.is_some()
    }

    /// Decides about deliveries of a job, which came to an end or will never. Nothing follows for the pace of batches, which
    /// had no part in it; a refusal that stops the destination stops it here too.
    pub fn note_job(&mut self, tries: Vec<(Claim, Tried)>, now: Timestamp, jitter: Jitter) {
        let batch = tries.len();
        for (claim, tried) in tries {
            self.queue.let_kept_go(claim.lead);
            let ended = Ended {
                touchpoint: claim.touchpoint,
                number: claim.number,
                batch,
                is_probe: false,
                tried: &tried,
            };
            let policy = RetryPolicy::default();
            let decision = after_try(&self.gate, &mut self.streak, &policy, ended, now, jitter);
            // A job that was begun before a pause says nothing of whether the destination works now.
            if let Some(gate) = decision.gate.filter(|it| *it != Gate::Open) {
                self.change(gate);
            }
            self.settled.push(Settled {
                touchpoint: claim.touchpoint,
                number: claim.number,
                tried,
                next: decision.next,
            });
        }
        if !self.may_send(now) {
            self.release_ready();
        }
    }
}

#[cfg(test)]
#[path = "hand_bulk_tests.rs"]
mod tests;
