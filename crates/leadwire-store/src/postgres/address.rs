//! Where the database is, and how the connection to it is made.

use crate::StoreError;
use ::postgres::config::{Host, SslMode, TargetSessionAttrs};
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
        if config.get_ssl_mode() != SslMode::Disable && !config.get_hosts().iter().all(is_here) {
            return Err(
                "connections to a database are not encrypted yet: on a network that nobody else listens to, \
                        say so by `?sslmode=disable` behind the address"
                    .to_owned(),
            );
        }
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

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
        }
    }
}

const CONNECT_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_over_a_network_in_the_clear_unless_somebody_says_so() {
        for here in ["postgres://a@localhost/b", "postgres://a@127.0.0.1/b", "postgres://a@%2Ftmp/b"] {
            assert!(Address::parse(here).is_ok(), "{here}");
        }
        let elsewhere = "postgres://a:secret@db.example.com/b";
        let refused = Address::parse(elsewhere).err().expect("it is elsewhere");
        assert!(refused.contains("sslmode=disable") && !refused.contains("secret"), "{refused}");
        assert!(Address::parse(&format!("{elsewhere}?sslmode=disable")).is_ok());
    }
}
