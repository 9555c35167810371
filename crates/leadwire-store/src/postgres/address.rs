//! Where the database is, and how the connection to it is made.

use crate::StoreError;
use ::postgres::config::{Host, TargetSessionAttrs};
use ::postgres::{Client, Config, NoTls};
use std::sync::Arc;
use std::time::Duration;

/// Where the database is. Its text form, with the password in it, is never shown.
#[derive(Clone)]
pub struct Address {
    config: Arc<Config>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// When it is none, in words for people.
    pub fn parse(url: &str) -> Result<Self, String> {
        let mut config: Config =
            url.parse().map_err(|error: ::postgres::Error| format!("not a database address: {error}"))?;
        config.application_name("leadwire");
        // Of several hosts the one that takes writes; after a fail-over that is another.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT_WAIT);
        config.tcp_user_timeout(Duration::from_secs(15));
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        Ok(Self { config: Arc::new(config) })
    }

    pub(super) fn connect(&self) -> Result<Client, StoreError> {
        Ok(self.config.connect(NoTls)?)
    }

    /// Host and database, without user and password: for people.
    pub fn shown(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        format!("{host}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

const CONNECT_WAIT: Duration = Duration::from_secs(5);
