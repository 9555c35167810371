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
use std::time::Duration;
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
    looks: watch::Sender<u64>,
}

impl Watch {
    /// Puts the parts together; [`Watch::run`] starts the work. `public_url` is how the world reaches the service, when
    /// somebody said so.
    pub fn new(
        (store, directory, clock): (Store, Arc<Directory>, Arc<dyn Clock>),
        (disk, metrics, news): (Arc<Disk>, Arc<Metrics>, Arc<Notify>),
        public_url: Option<String>,
    ) -> Self {
        let (rounds, looks) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { store, directory, clock, disk, metrics, news, public_url, rounds, looks }
    }

    /// Counts the rounds of telling that were made; for whoever waits for one.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Counts the rounds of looking that were made; for whoever waits for one.
    pub fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    /// Asks for a round at once: what is to be told has changed.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Watches again and again, until dropped. Dropping it in the middle loses no notice: it is told again.
    pub async fn run(&self) {
        // A look waits for systems that may be silent for minutes, and there are many: that holds back nobody's notices.
        tokio::join!(self.tell(), self.look());
    }

    async fn tell(&self) {
        // In memory only: losing it costs a round too many.
        let mut felt_at = None;
        loop {
            // From before the round: time that passes in it counts.
            let now = self.clock.steady();
            let latest = now.plus(limits::WATCH_EVERY);
            if is_over(felt_at, limits::WATCH_EVERY, now) {
                match self.feel(now).await {
                    Ok(()) => felt_at = Some(now),
                    Err(error) => tracing::warn!(
                        %error,
                        "Nobody could see how destinations are doing. It is tried again at the next round."
                    ),
                }
            }
            let next = match self.tell_due().await {
                Ok(due) => due.map_or(latest, |it| it.min(latest)),
                Err(error) => {
                    tracing::warn!(%error, "Nobody could be told of trouble. It is tried again at the next round.");
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

    /// Finds what is wrong without asking anybody else.
    async fn feel(&self, now: Timestamp) -> Result<(), StoreError> {
        disk::look(self, now).await?;
        pulse::take(self, &self.store.watched().await?, now).await
    }

    /// Tells what is due; says when something is due next.
    async fn tell_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.steady();
        let gathered = gather::all_due(self, now).await?;
        let told = tell::all_due(self, now).await?;
        Ok(gathered.into_iter().chain(told).min())
    }

    async fn look(&self) {
        let mut listened_at = None;
        loop {
            let now = self.clock.steady();
            if let Err(error) = look::at_all(self).await {
                tracing::warn!(%error, "Not every silent destination could be looked at. It is tried again in a minute.");
            }
            if is_over(listened_at, limits::SILENCE_LOOK_EVERY, now) {
                match silence::listen(self, now).await {
                    Ok(()) => listened_at = Some(now),
                    Err(error) => tracing::warn!(
                        %error,
                        "Nobody could listen for offers that are silent. It is tried again in a minute."
                    ),
                }
            }
            self.wake();
            self.looks.send_modify(|it| *it += 1);
            self.clock.wait_until(now.plus(limits::WATCH_EVERY)).await;
        }
    }
}

/// Whether so much time has gone by; it has when nothing was before.
fn is_over(before: Option<Timestamp>, every: Duration, now: Timestamp) -> bool {
    before.is_none_or(|it| now.since(it) >= every)
}
