//! What an operator can set: defaults, then `leadwire.toml`, then `LEADWIRE_…`, then flags. The only reader of all.

mod portal;
mod sign_in;
mod value;

pub use portal::Portal;

use anyhow::{Context, bail};
use ipnet::IpNet;
use leadwire_connect::egress::guard::{EgressPolicy, Ports};
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_store::Database;
use leadwire_store::postgres::{Address, Pool};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything an operator can set for `serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder that holds everything: database, key file, lock.
    pub data: PathBuf,
    /// The server that holds the rows in place of a file in that folder; its address holds a password.
    pub database: Option<Secret<String>>,
    /// How many connections this node has to that server.
    pub database_pool: Pool,
    /// How long whoever asks waits for that server before they are told to come again. No setting: tests shorten it.
    pub answer_wait: Duration,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where `/metrics` listens; none: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// How the world reaches the API, for the addresses that are printed; none: where it listens.
    pub public_url: Option<String>,
    /// Networks of proxies whose word counts on where a visitor comes from.
    pub proxies: Vec<IpNet>,
    /// Lets destinations be reached by plain http.
    pub allow_http: bool,
    /// Networks that destinations may be in although they are not public.
    pub allow_nets: Vec<IpNet>,
    /// Names that destinations may have although their addresses are not public.
    pub allow_hosts: Vec<String>,
    /// Ports that destinations may be reached on.
    pub ports: Option<Vec<u16>>,
    /// A file of further certificate authorities that destinations may be signed by.
    pub extra_ca: Option<PathBuf>,
    /// The master key, and former ones behind it, in hexadecimal; none: those of a file.
    pub master_key: Option<Secret<String>>,
    /// The file that holds the master key; none: the data folder's own.
    pub master_key_file: Option<PathBuf>,
    /// The folder that scheduled backups are written into; none: there are none.
    pub backup_folder: Option<PathBuf>,
    /// Hours between two of them.
    pub backup_every_hours: u32,
    /// How many of them are kept.
    pub backup_keep: usize,
    /// Who comes to the portal.
    pub portal: Portal,
    /// Free disk space below which intake answers 503, in bytes.
    pub disk_reserve_bytes: Option<u64>,
    /// Which log lines are written.
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("leadwire-data"),
            database: None,
            database_pool: Pool::default(),
            answer_wait: limits::SENDER_WAIT,
            listen: SocketAddr::from(([127, 0, 0, 1], 5323)),
            metrics_listen: Some(SocketAddr::from(([127, 0, 0, 1], 5324))),
            public_url: None,
            proxies: vec![
                IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ],
            allow_http: false,
            allow_nets: Vec::new(),
            allow_hosts: Vec::new(),
            ports: None,
            extra_ca: None,
            master_key: None,
            master_key_file: None,
            backup_folder: None,
            backup_every_hours: limits::BACKUP_EVERY_HOURS,
            backup_keep: limits::BACKUPS_KEPT,
            portal: Portal::default(),
            disk_reserve_bytes: None,
            log: "info".to_owned(),
        }
    }
}

/// One key: its name in the file (and, as `LEADWIRE_NAME`, in the environment), and how it is set from text.
struct Key {
    name: &'static str,
    help: &'static str,
    set: fn(&mut Config, &str) -> anyhow::Result<()>,
}

/// Every key. The file takes each as text, number, boolean, or list of texts.
const KEYS: &[Key] = &[
    Key {
        name: "data",
        help: "data folder",
        set: |it, text| {
            it.data = PathBuf::from(text);
            Ok(())
        },
    },
    Key {
        name: "database",
        help: "a PostgreSQL database for several nodes, such as postgres://leadwire:secret@127.0.0.1/leadwire",
        set: |it, text| {
            Address::parse(text).map_err(anyhow::Error::msg)?;
            it.database = Some(Secret::new(text.to_owned()));
            Ok(())
        },
    },
    Key {
        name: "database_readers",
        help: "how many connections to the database server read, from 1 to 64",
        set: |it, text| {
            it.database_pool.readers = within(text.parse()?, 1..=limits::SERVER_CONNECTIONS_MAX)?;
            Ok(())
        },
    },
    Key {
        name: "database_writers",
        help: "how many connections to the database server write, from 1 to 64",
        set: |it, text| {
            it.database_pool.writers = within(text.parse()?, 1..=limits::SERVER_CONNECTIONS_MAX)?;
            Ok(())
        },
    },
    Key {
        name: "listen",
        help: "address and port of the API",
        set: |it, text| {
            it.listen = text.parse()?;
            Ok(())
        },
    },
    Key {
        name: "metrics_listen",
        help: "address and port of /metrics, or `off`",
        set: |it, text| {
            it.metrics_listen = if text == "off" { None } else { Some(text.parse()?) };
            Ok(())
        },
    },
    Key {
        name: "public_url",
        help: "how the world reaches the API, such as https://leads.example.com",
        set: |it, text| {
            url::Url::parse(text)?;
            it.public_url = Some(text.trim_end_matches('/').to_owned());
            Ok(())
        },
    },
    Key {
        name: "proxies",
        help: "networks of proxies in front of the service, such as 10.1.0.0/16, separated by commas, or `none`",
        set: |it, text| {
            let named = list(text).filter(|it| *it != "none");
            it.proxies = named.map(str::parse).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Key {
        name: "allow_http",
        help: "true lets destinations use http",
        set: |it, text| {
            it.allow_http = text.parse()?;
            Ok(())
        },
    },
    Key {
        name: "allow_nets",
        help: "networks, such as 10.1.0.0/16, separated by commas",
        set: |it, text| {
            it.allow_nets = list(text).map(str::parse).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Key {
        name: "allow_hosts",
        help: "host names, separated by commas",
        set: |it, text| {
            it.allow_hosts = list(text).map(str::to_ascii_lowercase).collect();
            Ok(())
        },
    },
    Key {
        name: "ports",
        help: "ports of destinations and mail servers, separated by commas, or `any`",
        set: |it, text| {
            let any = text == "any";
            it.ports =
                Some(if any { Vec::new() } else { list(text).map(str::parse).collect::<Result<_, _>>()? });
            Ok(())
        },
    },
    Key {
        name: "extra_ca",
        help: "a PEM file of certificate authorities",
        set: |it, text| {
            it.extra_ca = Some(PathBuf::from(text));
            Ok(())
        },
    },
    Key {
        name: "master_key",
        help: "64 hexadecimal digits, and former keys behind them, separated by commas",
        set: |it, text| {
            it.master_key = Some(Secret::new(text.to_owned()));
            Ok(())
        },
    },
    Key {
        name: "master_key_file",
        help: "a file that holds the master key",
        set: |it, text| {
            it.master_key_file = Some(PathBuf::from(text));
            Ok(())
        },
    },
    Key {
        name: "backup_folder",
        help: "a folder for backups alone, which is there, or `none`",
        set: |it, text| {
            it.backup_folder = if text == "none" { None } else { Some(PathBuf::from(text)) };
            Ok(())
        },
    },
    Key {
        name: "backup_every_hours",
        help: "hours between two scheduled backups, from 1 to 8784",
        set: |it, text| {
            it.backup_every_hours = within(text.parse()?, 1..=limits::BACKUP_EVERY_HOURS_MAX)?;
            Ok(())
        },
    },
    Key {
        name: "backup_keep",
        help: "how many scheduled backups are kept, from 1 to 1000",
        set: |it, text| {
            it.backup_keep = within(text.parse()?, 1..=limits::BACKUPS_KEPT_MAX)?;
            Ok(())
        },
    },
    Key {
        name: "disk_reserve_bytes",
        help: "a number of bytes",
        set: |it, text| {
            it.disk_reserve_bytes = Some(text.parse()?);
            Ok(())
        },
    },
    Key {
        name: "log",
        help: "a filter such as `info`",
        set: |it, text| {
            it.log = text.to_owned();
            Ok(())
        },
    },
];

fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(portal::KEYS)
}

fn within<T: PartialOrd + std::fmt::Display>(
    number: T,
    range: std::ops::RangeInclusive<T>,
) -> anyhow::Result<T> {
    if !range.contains(&number) {
        bail!("{number} is not from {} to {}", range.start(), range.end());
    }
    Ok(number)
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty())
}

impl Config {
    /// Where the rows are.
    pub fn place(&self) -> Database {
        // It was read as an address when it was set.
        let server = self.database.as_ref().and_then(|it| Address::parse(it.expose()).ok());
        match server {
            Some(address) => Database::Server(address.with_pool(self.database_pool)),
            None => Database::Folder(self.data.clone()),
        }
    }

    /// Reads file and environment over the defaults. `file` must exist when it is named.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key (with the one that was probably meant), or a value that is not
    /// what its key holds.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let mut config = Self::default();
        let path = file.unwrap_or(Path::new("leadwire.toml"));
        match std::fs::read_to_string(path) {
            Ok(text) => config.apply_file(path, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        for (name, value) in environment {
            let Some(key) = name.strip_prefix("LEADWIRE_") else { continue };
            if NOT_CONFIG.contains(&key) {
                continue;
            }
            // A setting whose own name ends so is a path, which a rotation must know to write there.
            let is_setting = keys().any(|it| it.name.eq_ignore_ascii_case(key));
            let (key, value) = match key.strip_suffix("_FILE").filter(|_| !is_setting) {
                None => (key, value),
                Some(key) => {
                    let text = std::fs::read_to_string(&value);
                    (key, text.with_context(|| format!("{name}: cannot read {value}"))?.trim().to_owned())
                }
            };
            let key = key.to_ascii_lowercase();
            let key = sign_in::dotted(&key).unwrap_or(key);
            config.apply(&key, &value, &name)?;
        }
        if config.database.is_some() && config.backup_folder.is_some() {
            bail!(
                "`backup_folder` is for a store in the data folder; a database server is backed up by its own tools: remove \
                 `backup_folder` or `database`"
            );
        }
        sign_in::check(&config)?;
        Ok(config)
    }

    fn apply_file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let table: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
        for (name, value) in table {
            let place = path.display().to_string();
            if let (sign_in::TABLE, toml::Value::Table(providers)) = (name.as_str(), &value) {
                sign_in::apply_table(self, providers, &place)?;
                continue;
            }
            let text = value::text_of(&value).with_context(|| {
                format!("{place}: `{name}` is not a text, number, boolean, or list of texts")
            })?;
            self.apply(&name, &text, &place)?;
        }
        Ok(())
    }

    /// Sets one key from text; `place` is where the text stands, for the error.
    ///
    /// # Errors
    /// An unknown key, with those there are, or a value that is not what its key holds.
    pub fn apply(&mut self, name: &str, text: &str, place: &str) -> anyhow::Result<()> {
        if let Some(of_provider) = name.strip_prefix("sign_in.") {
            return sign_in::apply(self, of_provider, (text, place));
        }
        let Some(key) = keys().find(|it| it.name == name) else {
            let names: Vec<&str> = keys().map(|it| it.name).collect();
            bail!("{place}: there is no setting `{name}`; the settings are: {}", names.join(", "));
        };
        (key.set)(self, text).with_context(|| format!("{place}: `{name}` must be {}", key.help))?;
        Ok(())
    }

    /// What destinations may be called.
    pub fn egress_policy(&self) -> EgressPolicy {
        let default = EgressPolicy::default();
        EgressPolicy {
            allow_http: self.allow_http,
            allow_nets: self.allow_nets.clone(),
            allow_hosts: self.allow_hosts.clone(),
            ports: match &self.ports {
                None => default.ports,
                Some(ports) if ports.is_empty() => Ports::Any,
                Some(ports) => Ports::Only(ports.clone()),
            },
        }
    }
}

/// Variables of the command line, which say how to reach a service and not how to run one.
const NOT_CONFIG: &[&str] = &["URL", "KEY", "CONFIG", "VERIFIERS"];

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, environment)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut config = Config::default();
        let text = "listen = \"127.0.0.1:1\"\nallow_nets = [\"10.0.0.0/8\"]\nallow_http = true";
        config.apply_file(Path::new("leadwire.toml"), text).expect("a good file");
        config.apply("listen", "127.0.0.1:2", "LEADWIRE_LISTEN").expect("a good value");
        assert_eq!(config.listen.port(), 2);
        assert!(config.allow_http);
        assert_eq!(config.allow_nets.len(), 1);
    }

    #[test]
    fn a_misspelt_setting_is_named_with_those_there_are() {
        let error = load(&[("LEADWIRE_LISTN", "x")]).expect_err("misspelt").to_string();
        assert!(error.contains("listn") && error.contains("listen"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_told_with_what_it_must_be() {
        let error = load(&[("LEADWIRE_LISTEN", "here")]).expect_err("wrong");
        assert!(format!("{error:#}").contains("address and port"), "{error:#}");
    }

    #[test]
    fn every_setting_is_in_the_operators_guide() {
        let guide = include_str!("../../../docs/operate.md");
        let rows = guide.lines().filter_map(|it| it.strip_prefix("| `")?.split_once("` |"));
        let named: Vec<&str> = rows.map(|it| it.0).collect();
        for key in KEYS {
            assert!(named.contains(&key.name), "docs/operate.md lacks `{}`", key.name);
        }
    }

    #[test]
    fn the_file_of_the_master_key_is_named_and_not_read_here() {
        let config = load(&[("LEADWIRE_MASTER_KEY_FILE", "/no/such/file")]).expect("a path");
        assert_eq!(config.master_key_file.as_deref(), Some(Path::new("/no/such/file")));
        assert_eq!(config.master_key, None);
    }

    #[test]
    fn the_master_key_is_not_printed_with_the_settings() {
        let config = load(&[("LEADWIRE_MASTER_KEY", "hunter2")]).expect("a text");
        assert!(config.master_key.is_some() && !format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn the_address_of_the_database_may_stand_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("address");
        std::fs::write(&file, "postgres://leadwire:hunter2@db.example.com/leadwire\n").expect("written");
        let variables =
            [("LEADWIRE_DATABASE_FILE", file.to_str().expect("a path")), ("LEADWIRE_DATABASE_WRITERS", "9")];
        let config = load(&variables).expect("an address");
        assert_eq!(config.database_pool, Pool { writers: 9, ..Pool::default() });
        assert!(matches!(config.place(), Database::Server(it) if it.shown() == "db.example.com/leadwire"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_database_that_is_refused_is_told_without_its_password() {
        for url in ["postgres://a:hunter2@db/b?sslmode=require", "hunter2", "postgres://a:hunter2@db:x/b"] {
            let error = load(&[("LEADWIRE_DATABASE", url)]).expect_err("refused");
            let said = format!("{error:#} {error:?}");
            assert!(said.contains("LEADWIRE_DATABASE") && !said.contains("hunter2"), "{said}");
        }
        let error = load(&[("LEADWIRE_DATABASE_READERS", "65")]).expect_err("too many");
        assert!(format!("{error:#}").contains("from 1 to 64"), "{error:#}");
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        assert_eq!(load(&[("PATH", "/bin"), ("LEADWIRE_URL", "x")]).expect("fine"), Config::default());
    }
}
