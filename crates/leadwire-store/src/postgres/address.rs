//! Where the database is, and how the connection to it is made.

use super::client::Client;
use super::tls::{Identity, Tls};
use crate::StoreError;
use leadwire_core::limits;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, Error, NoTls};

/// Where the database is. Its text form, with the password in it, is never shown.
#[derive(Clone)]
pub struct Address {
    config: Arc<Config>,
    secrecy: Secrecy,
    pool: Pool,
}

/// Whether others on the way can read what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Secrecy {
    /// They can: there is nobody on the way, or somebody said so.
    Clear,
    /// They cannot; the server shows that it is the one in the address, by an authority of this file or of the machine. What
    /// this node shows, if anything.
    Verified { authorities: Option<PathBuf>, identity: Option<Identity> },
}

/// Why there is no connection.
pub(super) enum Connecting {
    /// The server or the network said so.
    Refused(Error),
    /// It did not come to that.
    Other(StoreError),
}

impl From<Connecting> for StoreError {
    fn from(why: Connecting) -> Self {
        match why {
            Connecting::Refused(error) => error.into(),
            Connecting::Other(error) => error,
        }
    }
}

/// How many connections one node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Those that read.
    pub readers: usize,
    /// Those that write. More of them commit for more publishers at the same time.
    pub writers: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self { readers: limits::READERS, writers: limits::SERVER_WRITERS }
    }
}

impl Address {
    /// Reads `postgres://user:password@host:port/database`, with `sslmode=verify-full` (the rule beyond this machine) or
    /// `sslmode=disable`, `sslrootcert=FILE`, and `sslcert=FILE` with `sslkey=FILE` behind it.
    ///
    /// # Errors
    /// When it is none, in words for people, without the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        if !["postgres://", "postgresql://"].iter().any(|it| url.starts_with(it)) {
            return Err("not a database address: it begins with `postgres://`".to_owned());
        }
        let Wishes { rest, mode, authorities, shown } = Wishes::of(url)?;
        let identity = identity(shown)?;
        let mut config: Config =
            rest.parse().map_err(|error: Error| format!("not a database address: {error}"))?;
        // Its rest would be taken for a host and shown.
        if config.get_hosts().iter().any(|it| matches!(it, Host::Tcp(name) if name.contains('@'))) {
            return Err("not a database address: an `@` in a password is written `%40`".to_owned());
        }
        // It would be dialled in the host's place, and whether a name is this machine would be asked of the wrong one.
        if !config.get_hostaddrs().is_empty() {
            return Err(
                "`hostaddr` is not taken: name the host, or its network address, before the database"
                    .to_owned(),
            );
        }
        if config.get_hosts().is_empty() {
            return Err("no host in the database address: `postgres://user@host/database`".to_owned());
        }
        let verified = |authorities, identity| Secrecy::Verified { authorities, identity };
        let is_all_here = config.get_hosts().iter().all(is_here);
        let secrecy = match (mode.as_deref(), is_all_here) {
            (Some("verify-full"), _) => verified(authorities, identity),
            (Some("disable"), _) | (None, true) if authorities.is_some() => {
                return Err(
                    "`sslrootcert` names authorities, and nothing is encrypted: say `sslmode=verify-full`"
                        .to_owned(),
                );
            }
            (Some("disable"), _) | (None, true) if identity.is_some() => {
                return Err(
                    "`sslcert` is shown to a server over TLS, and nothing is encrypted: say `sslmode=verify-full`"
                        .to_owned(),
                );
            }
            (Some("disable"), _) | (None, true) => Secrecy::Clear,
            (None, false) => verified(authorities, identity),
            (Some(other), _) => return Err(refused(other)),
        };
        config.ssl_mode(if secrecy == Secrecy::Clear { SslMode::Disable } else { SslMode::Require });
        config.application_name("leadwire");
        // Of several hosts the one that takes writes; after a fail-over that is another.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT_WAIT);
        config.tcp_user_timeout(Duration::from_secs(15));
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        Ok(Self { config: Arc::new(config), secrecy, pool: Pool::default() })
    }

    /// The same with another number of connections.
    #[must_use]
    pub fn with_pool(self, pool: Pool) -> Self {
        Self { pool, ..self }
    }

    pub(super) fn pool(&self) -> Pool {
        self.pool
    }

    /// Connects. The files of TLS are read each time, so that new ones need no new start.
    pub(super) fn connect(&self) -> Result<Client, StoreError> {
        let connected = match &self.secrecy {
            Secrecy::Clear => Client::connect(&self.config, NoTls),
            Secrecy::Verified { authorities, identity } => {
                let tls = Tls::trusting(authorities.as_deref(), identity.as_ref());
                Client::connect(&self.config, tls.map_err(StoreError::Away)?)
            }
        };
        connected.map_err(|error| match StoreError::from(error) {
            // Whatever it is that a server does not do, another one may, or this one in a moment.
            StoreError::Wrong(said) if said.contains(NO_TLS) => StoreError::Away(format!(
                "{} offers no TLS; switch it on there (`ssl = on`), or say `sslmode=disable` in the address where nobody \
                 else listens",
                self.shown()
            )),
            other => other,
        })
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

/// How the client says that a server refused to begin TLS.
const NO_TLS: &str = "server does not support TLS";

/// Why a way of encrypting is not taken, and what to say in its place.
fn refused(mode: &str) -> String {
    match mode {
        "require" | "verify-ca" | "prefer" | "allow" => format!(
            "`sslmode={mode}` would speak to whoever answers in the server's place; say `sslmode=verify-full`, with \
             `sslrootcert=FILE` when an authority of your own signed its certificate, or `sslmode=disable` on a network that \
             nobody else listens to"
        ),
        _ => "`sslmode` is `verify-full` or `disable`".to_owned(),
    }
}

/// What an address says of TLS, which the client's own reader does not know, and the address without it.
struct Wishes {
    rest: String,
    mode: Option<String>,
    authorities: Option<PathBuf>,
    /// The files of the certificate that is shown to the server, and of its key.
    shown: [Option<PathBuf>; 2],
}

impl Wishes {
    fn of(url: &str) -> Result<Self, String> {
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let mut wishes = Self { rest: rest.to_owned(), mode: None, authorities: None, shown: [None, None] };
        let mut before = '?';
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => wishes.mode = Some(mode.to_owned()),
                Some((name @ "sslrootcert", file)) => wishes.authorities = Some(decoded(name, file)?),
                Some((name @ "sslcert", file)) => wishes.shown[0] = Some(decoded(name, file)?),
                Some((name @ "sslkey", file)) => wishes.shown[1] = Some(decoded(name, file)?),
                _ => {
                    wishes.rest.push(before);
                    wishes.rest.push_str(pair);
                    before = '&';
                }
            }
        }
        // What libpq calls those of the machine, and the rule here.
        wishes.authorities = wishes.authorities.filter(|it| it.as_os_str() != "system");
        Ok(wishes)
    }
}

/// What a node shows to the server.
fn identity([certificate, key]: [Option<PathBuf>; 2]) -> Result<Option<Identity>, String> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("`sslcert` needs `sslkey=FILE`, the key of that certificate".to_owned()),
        (None, Some(_)) => Err("`sslkey` needs `sslcert=FILE`, the certificate of that key".to_owned()),
    }
}

/// The path in a part of an address, with its `%2F` and the like read.
fn decoded(name: &str, text: &str) -> Result<PathBuf, String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece.get(..2).and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(code.ok_or_else(|| format!("`{name}`: two hexadecimal digits follow a `%`"))?);
        bytes.extend(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| format!("`{name}` is not UTF-8"))
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

    const VERIFIED: Secrecy = Secrecy::Verified { authorities: None, identity: None };

    fn secrecy(url: &str) -> Secrecy {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).secrecy
    }

    fn refusal(url: &str) -> String {
        let said = Address::parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
        assert!(!said.contains("hunter2"), "{said}");
        said
    }

    #[test]
    fn nothing_goes_over_a_network_in_the_clear_unless_somebody_says_so() {
        for here in ["postgres://a@localhost/b", "postgres://a@127.0.0.1/b", "postgresql://a@%2Ftmp/b"] {
            assert_eq!(secrecy(here), Secrecy::Clear, "{here}");
        }
        let elsewhere = "postgres://a:hunter2@db.example.com/b";
        assert_eq!(secrecy(elsewhere), VERIFIED);
        assert_eq!(secrecy("postgres://a@localhost,db.example.com/b"), VERIFIED);
        assert_eq!(secrecy(&format!("{elsewhere}?sslmode=disable")), Secrecy::Clear);
        assert_eq!(secrecy("postgres://a@localhost/b?sslmode=verify-full"), VERIFIED);
    }

    #[test]
    fn nobody_is_dialled_but_the_hosts_that_are_named() {
        for url in [
            "postgres://a:hunter2@localhost/b?hostaddr=192.0.2.7",
            "postgres://a:hunter2@localhost/b?host%61ddr=192.0.2.7&sslmode=disable",
            "postgres://a:hunter2@%2Ftmp/b?connect_timeout=3&hostaddr=192.0.2.7",
            "postgres:///b?user=a&hostaddr=192.0.2.7",
        ] {
            let said = refusal(url);
            assert!(said.contains("hostaddr") && said.contains("name the host"), "{url}: {said}");
        }
        for url in ["postgres:///b?user=a&password=hunter2", "postgres://"] {
            assert!(refusal(url).contains("no host"), "{url}");
        }
        assert_eq!(secrecy("postgres:///b?user=a&host=192.0.2.7"), VERIFIED);
    }

    #[test]
    fn authorities_may_be_those_of_a_file() {
        let of = |file: &str| Secrecy::Verified { authorities: Some(PathBuf::from(file)), identity: None };
        let url = "postgres://a@db.example.com/b?connect_timeout=3&sslrootcert=%2Fetc%2Fmy%20root.pem&options=-cwork_mem%3D1MB";
        assert_eq!(secrecy(url), of("/etc/my root.pem"));
        assert_eq!(secrecy("postgres://a@db.example.com/b?sslrootcert=system"), VERIFIED);
        assert!(refusal("postgres://a@localhost/b?sslrootcert=/root.pem").contains("verify-full"));
        assert!(refusal("postgres://a@db.example.com/b?sslrootcert=%2").contains("sslrootcert"));
    }

    #[test]
    fn a_node_shows_a_certificate_with_its_key_or_none() {
        let url = "postgres://a@db.example.com/b?sslcert=%2Fetc%2Fmy%20node.pem&sslkey=/etc/node.key";
        let identity =
            Identity { certificate: PathBuf::from("/etc/my node.pem"), key: PathBuf::from("/etc/node.key") };
        assert_eq!(secrecy(url), Secrecy::Verified { authorities: None, identity: Some(identity) });
        assert!(refusal("postgres://a@db.example.com/b?sslcert=/x").contains("`sslkey=FILE`"));
        assert!(refusal("postgres://a@db.example.com/b?sslkey=/x").contains("`sslcert=FILE`"));
        assert!(refusal("postgres://a@db.example.com/b?sslcert=/x&sslkey=%2").contains("`sslkey`"));
        for clear in ["postgres://a@localhost/b?", "postgres://a@db.example.com/b?sslmode=disable&"] {
            assert!(refusal(&format!("{clear}sslcert=/x&sslkey=/y")).contains("verify-full"));
        }
    }

    #[test]
    fn a_way_that_speaks_to_whoever_answers_is_refused_with_the_one_that_does_not() {
        for mode in ["require", "prefer", "allow", "verify-ca"] {
            let said = refusal(&format!("postgres://a:hunter2@db.example.com/b?sslmode={mode}"));
            assert!(
                said.contains("verify-full") && said.contains("sslrootcert") && said.contains(mode),
                "{said}"
            );
        }
        assert!(refusal("postgres://a:hunter2@db.example.com/b?sslmode=on").contains("verify-full"));
    }

    #[test]
    fn what_is_no_address_is_told_without_its_password() {
        assert!(refusal("host=db password=hunter2").contains("postgres://"));
        assert!(refusal("postgres://a:x@hunter2@db.example.com/b").contains("%40"));
        refusal("postgres://a:hunter2@db.example.com/b?sslcert=/x");
    }
}
