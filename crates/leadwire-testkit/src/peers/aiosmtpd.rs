//! An SMTP server of the Python world, aiosmtpd, that takes messages and shows them.

use super::process::Process;
use super::{Language, ServerCertificate, command, script_path};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

/// What stands before a message in the output of the script.
const MESSAGE: &str = "message ";

/// How the connection is encrypted.
#[derive(Default)]
pub enum SmtpTls {
    /// Not at all.
    #[default]
    None,
    /// By the command `STARTTLS`, without which nothing else is allowed.
    StartTls(ServerCertificate),
    /// From the first byte, as on port 465.
    Implicit(ServerCertificate),
}

/// What the server demands.
#[derive(Default)]
pub struct SmtpOptions {
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// User and password, without which no message is taken.
    pub login: Option<(String, String)>,
    /// Recipients that it refuses, and with which whole reply line: `550 5.1.1 No such user`.
    pub refused: BTreeMap<String, String>,
}

/// A running aiosmtpd. Dropping it ends it.
pub struct Aiosmtpd {
    address: SocketAddr,
    process: Process,
}

impl Aiosmtpd {
    /// Starts it on a free port of the loopback interface; the folder is where it works and has its certificate.
    pub async fn start(folder: &Path, options: &SmtpOptions) -> Self {
        let (tls, certificate) = match &options.tls {
            SmtpTls::None => ("none", None),
            SmtpTls::StartTls(it) => ("starttls", Some(it)),
            SmtpTls::Implicit(it) => ("implicit", Some(it)),
        };
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        if let Some(it) = certificate {
            std::fs::write(&chain, &it.chain_pem).expect("the folder can be written");
            std::fs::write(&key, &it.key_pem).expect("the folder can be written");
        }
        let first_line = json!({
            "tls": tls, "chain": chain, "key": key, "login": options.login, "refused": options.refused,
        });
        let mut command = command(Language::Python);
        command.arg(script_path("smtp_sink.py")).env("HOME", folder).current_dir(folder);
        let process = Process::start("aiosmtpd", &mut command, &first_line.to_string()).await;
        Self { address: process.address().await, process }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The messages it has accepted, oldest first, as Python's `email` package reads them.
    ///
    /// Each has `from` and `to` of the envelope, `tls`, `login` (user or null), `headers` (pairs, names in lowercase),
    /// `parts` (`type` and `content` of each leaf), `defects` that the parser found, and the `raw` text.
    pub fn messages(&self) -> Vec<Value> {
        parsed(&self.process.lines_after(MESSAGE))
    }

    /// Waits until it has accepted so many messages, and gives back all. A message may be told a moment after the
    /// sender has its answer.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for_messages(&self, count: usize) -> Vec<Value> {
        parsed(&self.process.wait_for_lines(MESSAGE, count).await)
    }
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|it| serde_json::from_str(it).expect("the script prints JSON")).collect()
}
