//! Keeps the store from growing without use: forgets the idempotency keys whose time is over.

use crate::clock::Clock;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::{Store, StoreError};

/// Cleans up again and again, until dropped. Dropping it in the middle leaves the rest for the next time.
pub async fn run(store: &Store, clock: &dyn Clock) {
    loop {
        clock.wait_until(clock.steady().plus(limits::HOUSEKEEPING_EVERY)).await;
        if let Err(error) = forget_keys(store, clock.steady()).await {
            tracing::warn!(%error, "Old idempotency keys could not be forgotten. It is tried again at the next round.");
        }
    }
}

/// Forgets every idempotency key whose time is over at `now`, and says how many.
///
/// Each step is a piece of the writer's work like any other, so leads that come meanwhile wait for one step at most.
///
/// # Errors
/// [`StoreError`]; what was forgotten before stays forgotten.
pub async fn forget_keys(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let (mut keys, mut cursor) = (0, None);
    loop {
        let step = store.forget_idempotency(now, cursor, limits::HOUSEKEEPING_ROWS).await?;
        keys += step.keys;
        match step.next {
            Some(next) => cursor = Some(next),
            None => return Ok(keys),
        }
    }
}
