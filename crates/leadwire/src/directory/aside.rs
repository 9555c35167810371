//! Calls that are made outside lanes, such as a look at a destination: written down after they were made, so that lanes know of
//! them.

use super::Outlet;
use crate::clock::Clock;
use leadwire_core::id::PublisherId;
use leadwire_store::Store;
use std::sync::Arc;

impl Outlet {
    /// Writes down what was called since the last time. When that fails, those calls are written down with the next ones.
    pub(crate) async fn count_aside(&self, store: &Store, publisher: &PublisherId, clock: &dyn Clock) {
        let (calls, told) = self.aside.take();
        let Some(budget) = self.budget.as_ref().filter(|_| calls > 0) else { return };
        let spent = store.spend_calls(publisher.clone(), Arc::clone(budget), (calls, told), clock.steady());
        if spent.await.is_err() {
            self.aside.put_back(calls);
        }
    }
}
