//! Counts what was sent in the last 24 hours, because Salesforce neither says nor refuses when it is too much.

use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The moments of what was sent, oldest first. In memory only, for what goes past the lanes: the budget of a lane is kept over
/// restarts.
pub(super) struct Counter {
    limit: usize,
    sent: Mutex<VecDeque<Timestamp>>,
}

impl Counter {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, sent: Mutex::new(VecDeque::new()) }
    }

    /// Takes one of the day's leads, or says when there is one again.
    pub(super) fn take(&self, now: Timestamp) -> Result<(), Box<Tried>> {
        let mut sent = self.recent(now);
        match sent.front() {
            Some(oldest) if sent.len() >= self.limit => {
                let wait = oldest.plus(DAY).since(now);
                let evidence = Evidence {
                    cause: "daily_leads_used_up".to_owned(),
                    message: format!(
                        "{} leads were sent in the last 24 hours, and more would wait in Salesforce or be lost; the lead waits here",
                        self.limit
                    ),
                    fix:
                        "raise `daily_limit` when your contract allows more, or connect Salesforce by its API"
                            .to_owned(),
                    ..Evidence::default()
                };
                Err(Box::new(Tried { outcome: Outcome::NotDone(Fault::HoldLane(Some(wait))), evidence }))
            }
            Some(_) | None => {
                sent.push_back(now);
                Ok(())
            }
        }
    }

    /// Gives back what was taken and never left this machine.
    pub(super) fn give_back(&self) {
        self.sent().pop_back();
    }

    /// How many may be sent in 24 hours.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How many were sent in the last 24 hours, and how many may be.
    pub(super) fn count(&self, now: Timestamp) -> (usize, usize) {
        (self.recent(now).len(), self.limit)
    }

    fn recent(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Timestamp>> {
        let mut sent = self.sent();
        while sent.front().is_some_and(|it| it.plus(DAY) <= now) {
            sent.pop_front();
        }
        sent
    }

    fn sent(&self) -> MutexGuard<'_, VecDeque<Timestamp>> {
        // Each change is one push or pop, so the list is whole even after a panic elsewhere.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
