//! Watching over destinations, offers and the machine: tells somebody of trouble, and looks at what is silent.

mod disk;
mod gather;
mod look;
mod pulse;
mod silence;
mod tell;
mod ways;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::disk::Disk;
use crate::telemetry::Metrics;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Looks for trouble, and tells somebody.
pub struct Watch {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    disk: Arc<Disk>,
    metrics: Arc<Metrics>,
    /// Rings when a notice was made.
    news: Arc<Notify>,
    public_url: Option<String>,
    rounds: watch::Sender<u64>,
}

/// What a run remembers between rounds, in memory only: losing it costs a look too many.
#[derive(Default)]
struct Memory {
    looked_at: Option<Timestamp>,
    listened_at: Option<Timestamp>,
}

impl Watch {
    /// Puts the parts together; [`Watch::run`] starts the work. `public_url` is how the world reaches the service, when
    /// somebody said so.
    pub fn new(
        (store, directory, clock): (Store, Arc<Directory>, Arc<dyn Clock>),
        (disk, metrics, news): (Arc<Disk>, Arc<Metrics>, Arc<Notify>),
        public_url: Option<String>,
    ) -> Self {
        let (rounds, _) = watch::channel(0);
        Self { store, directory, clock, disk, metrics, news, public_url, rounds }
    }

    /// Counts the rounds that were made; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Asks for a round at once: what is to be told has changed.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Watches again and again, until dropped. Dropping it in the middle loses no notice: it is told again.
    pub async fn run(&self) {
        let mut memory = Memory::default();
        loop {
            // From before the round: time that passes in it counts.
            let latest = self.clock.steady().plus(limits::WATCH_EVERY);
            let next = match self.round(&mut memory).await {
                Ok(due) => due.map_or(latest, |it| it.min(latest)),
                Err(error) => {
                    tracing::warn!(%error, "Nobody could watch over destinations. It is tried again at the next round.");
                    latest
                }
            };
            self.rounds.send_modify(|it| *it += 1);
            tokio::select! {
                // Cancel-safe: both only wait.
                () = self.clock.wait_until(next) => {}
                () = self.news.notified() => {}
            }
        }
    }

    /// Looks, if it is time to, and tells what is due; says when something is due next.
    async fn round(&self, memory: &mut Memory) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.steady();
        let is_over = |at: Option<Timestamp>, every| at.is_none_or(|it| now.since(it) >= every);
        if is_over(memory.looked_at, limits::WATCH_EVERY) {
            let all = self.store.watched().await?;
            disk::look(self, now).await?;
            pulse::take(self, &all, now).await?;
            look::at_all(self, all).await?;
            memory.looked_at = Some(now);
        }
        if is_over(memory.listened_at, limits::SILENCE_LOOK_EVERY) {
            silence::listen(self, now).await?;
            memory.listened_at = Some(now);
        }
        let now = self.clock.steady();
        let gathered = gather::all_due(self, now).await?;
        let told = tell::all_due(self, now).await?;
        Ok(gathered.into_iter().chain(told).min())
    }
}
