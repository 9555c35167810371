//! A clock that tests set: nothing waits for real time, and a day passes in one call.

use futures_util::future::BoxFuture;
use leadwire::clock::Clock;
use leadwire_core::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// A clock whose steady time moves only when a test says so. The wall clock is apart from it and may be set back.
pub struct TestClock {
    steady: watch::Sender<Timestamp>,
    wall_ahead_ms: AtomicI64,
}

/// Where every test starts: 2026-11-20 10:00 UTC.
pub const START: Timestamp = Timestamp::from_millis(1_795_168_800_000);

impl Default for TestClock {
    fn default() -> Self {
        Self::at(START)
    }
}

impl TestClock {
    /// A clock that starts at this time.
    pub fn at(start: Timestamp) -> Self {
        Self { steady: watch::Sender::new(start), wall_ahead_ms: AtomicI64::new(0) }
    }

    /// Lets time pass; whoever waited for a moment in it wakes.
    pub fn advance(&self, by: Duration) {
        self.steady.send_modify(|it| *it = it.plus(by));
    }

    /// Sets the machine's wall clock, forward or back, as an administrator might. Steady time does not move.
    pub fn set_wall_ahead(&self, millis: i64) {
        self.wall_ahead_ms.store(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn steady(&self) -> Timestamp {
        *self.steady.borrow()
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.steady().millis() + self.wall_ahead_ms.load(Ordering::SeqCst))
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let mut steady = self.steady.subscribe();
        Box::pin(async move {
            // The sender lives as long as the clock, which the caller borrows.
            drop(steady.wait_for(|now| *now >= at).await);
        })
    }
}
