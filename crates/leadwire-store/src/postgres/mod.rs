//! The store on a server, for any number of nodes: writers that share commits, readers beside them.
//!
//! Bodies are the same as for a file, where one writer makes them come one after another. Here an advisory lock does,
//! for each publisher on its own: a body holds the locks of the publishers it says it is about, and one that says
//! nothing waits for all others.

pub(crate) mod address;
pub(crate) mod ahead;
mod client;
mod dialect;
pub mod floor;
pub(crate) mod listener;
mod many;
pub(crate) mod migrate;
pub(crate) mod readers;
pub(crate) mod scope;
pub(crate) mod session;
mod tls;
pub(crate) mod writers;

pub use address::{Address, Pool};

use crate::engine::Tx;
use crate::{StoreError, moving};
use leadwire_core::time::Timestamp;
use scope::Scope;
use session::Session;

/// Brings a database up to date, and looks whether a service may start on it.
pub(crate) fn prepare(address: &Address) -> Result<(), StoreError> {
    let session = Session::open(address)?;
    migrate::run(&session)?;
    if !migrate::is_walled(&session)? {
        tracing::warn!(
            "The database user is a superuser, or bypasses row security: the server's own wall between publishers does not hold \
             for it. Use an ordinary user that owns the database."
        );
    }
    readers::in_snapshot(&session, &Scope::Everything, moving::refuse_half)
}

/// The server's clock.
pub(crate) fn time(tx: &Tx<'_>) -> Result<Timestamp, StoreError> {
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    let found = tx.find(sql, &[], |row| row.time(0))?;
    found.ok_or_else(|| StoreError::Wrong("the server tells no time".to_owned()))
}

/// Runs work on a thread of its own: a connection brings a runtime of its own, which cannot be used, made or dropped within
/// another.
pub(crate) fn beside<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| {
        let ended = scope.spawn(work).join();
        ended.unwrap_or_else(|_| Err(StoreError::Wrong("work beside the runtime panicked".to_owned())))
    })
}
