//! Watching over destinations: tells somebody of trouble through another channel, and looks at those that are silent.

mod look;
mod tell;

use crate::clock::Clock;
use crate::directory::Directory;
use leadwire_core::limits;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::Notify;

/// What watching needs.
pub struct Watch {
    /// Where notices are kept until they were told.
    pub store: Store,
    /// The destinations.
    pub directory: Arc<Directory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rings when a notice was made.
    pub news: Arc<Notify>,
}

impl Watch {
    /// Watches again and again, until dropped. Dropping it in the middle loses no notice: it is told again.
    pub async fn run(&self) {
        loop {
            // From before the round: time that passes in it counts.
            let next = self.clock.steady().plus(limits::WATCH_EVERY);
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "Destinations could not be watched over. It is tried again at the next round.");
            }
            tokio::select! {
                // Cancel-safe: both only wait.
                () = self.clock.wait_until(next) => {}
                () = self.news.notified() => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        look::at_all(self).await?;
        tell::all_due(self).await
    }
}
