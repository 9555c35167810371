//! The search for leads that may be one customer: step by step behind intake, never in its way.

use crate::clock::{Clock, Ids};
use crate::directory::Directory;
use leadwire_core::id::{PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::suggestions::Mint;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::watch;

/// Looks at leads that are new or changed, and writes down what may be one.
pub struct Suggesting {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
    steps: watch::Sender<u64>,
}

impl Suggesting {
    /// Puts the parts together; [`Suggesting::run`] starts the work.
    pub fn new(store: Store, directory: Arc<Directory>, clock: Arc<dyn Clock>, ids: Arc<Ids>) -> Self {
        Self { store, directory, clock, ids, steps: watch::Sender::new(0) }
    }

    /// Counts the steps that were made; for whoever waits for one.
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// Works again and again, until dropped. Dropping it in the middle leaves the rest for the next start.
    pub async fn run(&self) {
        loop {
            let pause = match self.round().await {
                Ok(true) => limits::SUGGEST_PAUSE,
                Ok(false) => limits::SUGGEST_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "The search for leads that may be one could not go on. It is tried again.");
                    limits::SUGGEST_EVERY
                }
            };
            self.clock.wait_until(self.clock.steady().plus(pause)).await;
        }
    }

    /// One step for each publisher; says whether any has more.
    async fn round(&self) -> Result<bool, StoreError> {
        let now = self.clock.steady();
        let setup = self.directory.now();
        let mut has_more = false;
        for publisher in &setup.setup.publishers {
            has_more |= self.step(&publisher.id, now).await?;
        }
        Ok(has_more)
    }

    async fn step(&self, publisher: &PublisherId, now: Timestamp) -> Result<bool, StoreError> {
        let age = i64::try_from(limits::SUGGEST_AFTER.as_millis()).unwrap_or(i64::MAX);
        let until = TouchpointId::first_at(Timestamp::from_millis(now.millis() - age));
        let Some(step) = self.store.near_page(publisher.clone(), until).await? else { return Ok(false) };
        let has_more = step.has_more;
        let ids = Arc::clone(&self.ids);
        let mint: Mint = Arc::new(move || ids.next(now));
        self.store.near_step(step, now, mint).await?;
        self.steps.send_modify(|it| *it += 1);
        Ok(has_more)
    }
}
