//! The program's clock and dice: the only place that asks the machine for the time or for randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use futures_util::future::BoxFuture;
use leadwire_core::id::Mint;
use leadwire_core::time::{Jitter, Timestamp};
use std::cell::RefCell;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// Tells the time in two ways: steadily, for every decision, and by the wall, for people and signatures.
pub trait Clock: Send + Sync {
    /// Time that never steps while the program runs: where the wall clock stood at the start, plus what has
    /// passed since. Due times, leases and windows are in this time.
    fn steady(&self) -> Timestamp;

    /// The machine's wall clock, which may be set forward and back at any moment.
    fn wall(&self) -> Timestamp;

    /// Waits until the steady time has come. The only way in which the program waits for time to pass; time limits on
    /// reading and writing are the runtime's.
    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// The machine's clock.
pub struct MachineClock {
    started_at: Timestamp,
    started: Instant,
}

impl MachineClock {
    /// Reads both clocks and starts counting.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn start() -> Self {
        Self { started_at: wall_clock(), started: Instant::now() }
    }

    /// Starts counting at a moment that somebody else's clock told.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn start_at(moment: Timestamp) -> Self {
        Self { started_at: moment, started: Instant::now() }
    }
}

impl Clock for MachineClock {
    fn steady(&self) -> Timestamp {
        self.started_at.plus(self.started.elapsed())
    }

    fn wall(&self) -> Timestamp {
        wall_clock()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits for the machine's clock")]
    fn wait_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        // Rounded up by a millisecond: waking early would find nothing due and wait again.
        Box::pin(tokio::time::sleep(at.since(self.steady()) + Duration::from_millis(1)))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn wall_clock() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Counts time from its making; for rates and progress, never for decisions.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts counting.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What has passed since.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Fills bytes with randomness fit for secrets.
pub fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the machine gives randomness, or nothing here is safe");
}

thread_local! {
    /// Randomness fetched ahead: asking for it anew costs as much as the rest of an id.
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; 1024], used: 1024 }) };
}

struct Ahead {
    bytes: [u8; 1024],
    used: usize,
}

/// Fresh random bits, for ids and dice. What must stay secret is filled by [`fill_random`].
pub fn random_bits() -> u128 {
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.used == ahead.bytes.len() {
            fill_random(&mut ahead.bytes);
            ahead.used = 0;
        }
        let taken = &mut ahead.bytes[ahead.used..ahead.used + 16];
        let bits = u128::from_le_bytes((&*taken).try_into().expect("sixteen bytes"));
        // Used once, and nowhere to be found afterwards.
        taken.fill(0);
        ahead.used += 16;
        bits
    })
}

/// A throw of the dice for one decision.
pub fn jitter() -> Jitter {
    let bits = u32::try_from(random_bits() >> 96).expect("32 bits are left");
    Jitter::new(f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

/// Gives out ids that only grow, also when the machine's clock is set back.
pub struct Ids(Mutex<Mint>);

impl Ids {
    /// Goes on after the greatest id in the store.
    pub fn after(last: u128) -> Self {
        Self(Mutex::new(Mint::after(last)))
    }

    /// The next id's bits.
    pub fn next(&self, now: Timestamp) -> u128 {
        let random = random_bits();
        self.0.lock().expect("minting an id cannot panic").next(now, random)
    }
}
