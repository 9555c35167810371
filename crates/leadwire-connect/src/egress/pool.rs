//! Keeps connections of one destination for the next request, for a while.

use super::connection::Connection;
use leadwire_core::limits::{CONNECTION_IDLE_MAX, IN_FLIGHT_MAX};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;
use url::Url;

/// Where a connection leads: scheme, host as written in the URL, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    pub(super) fn of(url: &Url) -> Self {
        Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default(),
        }
    }
}

struct Idle {
    origin: Origin,
    since: Instant,
    connection: Connection,
}

/// Idle connections, oldest first; never more than requests may be in flight.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    /// The connection used last, which is the one most likely still open.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|it| now.duration_since(it.since) < CONNECTION_IDLE_MAX);
        let at = idle.iter().rposition(|it| it.origin == *origin)?;
        Some(idle.remove(at).connection)
    }

    /// Keeps a connection; the oldest one gives way when there are too many.
    pub(super) fn put(&self, origin: Origin, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|it| now.duration_since(it.since) < CONNECTION_IDLE_MAX);
        if idle.len() >= IN_FLIGHT_MAX {
            idle.remove(0);
        }
        idle.push(Idle { origin, since: now, connection });
    }
}
