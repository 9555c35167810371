//! Keeps the store from growing without use: forgets idempotency keys whose time is over, and notices that nobody asks for.

use crate::clock::Clock;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::{Store, StoreError};

/// Cleans up again and again, until dropped. Dropping it in the middle leaves the rest for the next time.
pub async fn run(store: &Store, clock: &dyn Clock) {
    // In memory only: losing it costs a look too many.
    let mut noticed_at = None;
    loop {
        clock.wait_until(clock.steady().plus(limits::HOUSEKEEPING_EVERY)).await;
        if let Err(error) = forget_keys(store, clock.steady()).await {
            tracing::warn!(%error, "Old idempotency keys could not be forgotten. It is tried again at the next round.");
        }
        let now = clock.steady();
        if noticed_at.is_some_and(|it| now.since(it) < limits::NOTICES_FORGET_EVERY) {
            continue;
        }
        match forget_notices(store, now).await {
            Ok(_) => noticed_at = Some(now),
            Err(error) => {
                tracing::warn!(%error, "Old notices could not be forgotten. It is tried again at the next round.");
            }
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

/// Forgets every notice that is over, and every message that was told, of before [`limits::NOTICES_KEPT`], and says how many.
///
/// # Errors
/// [`StoreError`]; what was forgotten before stays forgotten.
pub async fn forget_notices(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.minus(limits::NOTICES_KEPT);
    let mut all = 0;
    for owner in store.notice_owners().await? {
        loop {
            let forgotten = store.forget_notices(owner.clone(), before, limits::HOUSEKEEPING_ROWS).await?;
            all += forgotten;
            if forgotten == 0 {
                break;
            }
        }
    }
    Ok(all)
}
