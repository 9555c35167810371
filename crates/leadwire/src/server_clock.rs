//! This machine's clock against the database server's: nodes whose clocks are apart put leads into an order of their own.

use crate::clock::Clock;
use leadwire_core::{clocks, limits};
use leadwire_store::{Store, StoreError};
use std::sync::atomic::{AtomicI64, Ordering};

/// What to do about a clock that is far off.
pub const FIX: &str = "have every node and the database server set their clocks by the network, such as with `timedatectl set-ntp true`";

/// How far this machine's clock is from the server's, as of the last look.
#[derive(Debug, Default)]
pub struct ServerClock {
    ahead_ms: AtomicI64,
}

impl ServerClock {
    /// Whether it was near at the last look. On a file, and before the first look, it is.
    pub fn is_near(&self) -> bool {
        !clocks::is_far(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Looks again and again, until dropped.
    pub async fn run(&self, store: &Store, clock: &dyn Clock) {
        if !store.is_shared() {
            return std::future::pending().await;
        }
        loop {
            // An error is told by whoever needs the database; until it is back the last look holds.
            self.look(store, clock).await.ok();
            clock.wait_until(clock.steady().plus(limits::CLOCK_LOOK_EVERY)).await;
        }
    }

    /// Looks once; says so in the log when that changes anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look(&self, store: &Store, clock: &dyn Clock) -> Result<(), StoreError> {
        let before = clock.wall();
        let Some(server) = store.server_time().await? else { return Ok(()) };
        let ahead_ms = clocks::ahead_by(before, server, clock.wall());
        let was_near = self.is_near();
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        match (was_near, self.is_near()) {
            (true, false) => tracing::warn!(
                ahead_ms,
                "This machine's clock is {}. Leads that several nodes take in come into a wrong order: {FIX}.",
                shown(ahead_ms)
            ),
            (false, true) => tracing::info!("This machine's clock is near the database server's again."),
            (true, true) | (false, false) => {}
        }
        Ok(())
    }
}

/// How far a clock is off, for people.
pub(crate) fn shown(ahead_ms: i64) -> String {
    let seconds = ahead_ms.unsigned_abs().div_ceil(1000);
    let way = if ahead_ms < 0 { "behind" } else { "ahead of" };
    format!("{seconds} s {way} the database server's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_with_its_way() {
        assert_eq!(shown(2001), "3 s ahead of the database server's");
        assert_eq!(shown(-60_000), "60 s behind the database server's");
    }
}
