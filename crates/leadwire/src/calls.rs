//! Calls that are made outside lanes, such as a look at a destination: written down after they were made, so that lanes know of
//! them.

use crate::clock::Clock;
use crate::directory::Outlet;
use leadwire_core::id::PublisherId;
use leadwire_store::Store;
use std::sync::Arc;

/// Writes down what was called since the last time. When that fails, those calls are written down with the next ones.
pub(crate) async fn count_aside(store: &Store, publisher: &PublisherId, outlet: &Outlet, clock: &dyn Clock) {
    let (calls, told) = outlet.aside.take();
    let Some(budget) = outlet.budget.as_ref().filter(|_| calls > 0) else { return };
    let spent = store.spend_calls(publisher.clone(), Arc::clone(budget), (calls, told), clock.steady());
    if spent.await.is_err() {
        outlet.aside.put_back(calls);
    }
}
