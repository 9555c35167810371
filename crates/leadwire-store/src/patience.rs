//! How long somebody waits for a server that may hang: who asks on behalf of a sender or a reader does not wait for ever.

use crate::StoreError;
use std::time::Duration;

tokio::task_local! {
    static MOST: Duration;
}

/// Runs work of which each wait for a database server lasts no longer than this; work within it may be given less, and not
/// more. What it gives to another task waits as before.
///
/// A read that took longer is [`StoreError::Away`]. A write is [`StoreError::InDoubt`]: it goes on, and may be stored later.
pub async fn waiting_at_most<F: Future>(most: Duration, work: F) -> F::Output {
    let outer = MOST.try_with(|it| *it).unwrap_or(Duration::MAX);
    MOST.scope(most.min(outer), work).await
}

/// Waits for an answer no longer than the task may.
pub(crate) async fn in_time<T>(
    otherwise: StoreError,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match MOST.try_with(|it| *it) {
        Ok(most) => tokio::time::timeout(most, work).await.unwrap_or(Err(otherwise)),
        // Nobody waits for this task; a connection that hangs is given up in the end.
        Err(_) => work.await,
    }
}

/// What a read says that was waited for in vain.
pub(crate) fn no_answer() -> StoreError {
    StoreError::Away("the server does not answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn never() -> Result<(), StoreError> {
        std::future::pending().await
    }

    #[tokio::test]
    async fn whoever_has_no_patience_hears_at_once_and_what_is_there_is_given() {
        let waited = waiting_at_most(Duration::ZERO, in_time(StoreError::InDoubt, never())).await;
        assert!(matches!(waited, Err(StoreError::InDoubt)));
        let there = waiting_at_most(Duration::ZERO, in_time(no_answer(), async { Ok(7) })).await;
        assert_eq!(there.unwrap(), 7);
    }

    #[tokio::test]
    async fn work_within_work_waits_no_longer_than_what_it_is_in() {
        let inner = waiting_at_most(Duration::from_secs(1000), in_time(no_answer(), never()));
        assert!(matches!(waiting_at_most(Duration::ZERO, inner).await, Err(StoreError::Away(_))));
    }
}
