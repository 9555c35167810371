//! The end of a store that failed: told once, by whoever saw it first, to everybody.

use std::sync::Arc;
use tokio::sync::watch;

/// Whether the store has failed and why. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<watch::Sender<Option<String>>>);

impl Failure {
    pub(crate) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Ends the store. The first reason stands: what fails after it is its consequence.
    pub(crate) fn tell(&self, reason: &str) {
        let is_first = self.0.send_if_modified(|it| {
            let is_first = it.is_none();
            it.get_or_insert_with(|| reason.to_owned());
            is_first
        });
        if is_first {
            tracing::error!(%reason, "The store failed. Leadwire must be started again, which recovers the file.");
        }
    }

    pub(crate) fn has_happened(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until it has happened and says why.
    pub(crate) async fn wait(&self) -> String {
        let mut reasons = self.0.subscribe();
        // The sender lives as long as `self`, so the wait ends by a reason only.
        let reason = reasons.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
        reason.expect("it was waited for")
    }
}
