//! Servers and clients that nobody here wrote, started by tests to check ours: what they understand, others will too.
//!
//! `scripts/test` installs them into `target/verifiers` from the lists in this crate's folder `verifiers`, where the
//! scripts that drive them are too. They run with an empty environment, and end with the test that started them.

mod aiosmtpd;
mod azurite;
mod certificate;
mod node_red;
mod oidc_provider;
mod process;

pub use aiosmtpd::{Aiosmtpd, SmtpOptions, SmtpTls};
pub use azurite::Azurite;
pub use certificate::ServerCertificate;
pub use node_red::NodeRed;
pub use oidc_provider::OidcProvider;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What runs a script.
#[derive(Clone, Copy, Debug)]
pub enum Language {
    /// Python, with the packages of `requirements.txt`.
    Python,
    /// Node.js, with the packages of `package-lock.json`.
    Node,
}

/// The longest a script may take. One walks every page in a browser, beside other tests that do so; only a bug makes it last.
const SCRIPT_PATIENCE: Duration = Duration::from_mins(10);

/// Runs a script of the folder `verifiers`: this JSON is its standard input, its standard output is JSON.
///
/// Servers that run in the test itself go on answering meanwhile.
///
/// # Panics
/// With what the script said on standard error, when it fails, prints something else or does not come to an end.
pub async fn ask(language: Language, script: &str, input: &Value) -> Value {
    let mut command = command(language);
    command.arg(script_path(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().unwrap_or_else(|it| panic!("cannot run {script}: {it}; run scripts/test"));
    let mut stdin = child.stdin.take().expect("it was asked for");
    let text = input.to_string();
    // Written beside the reading: both pipes are smaller than the work. A script that ends early says why itself.
    let writing = async move { stdin.write_all(text.as_bytes()).await };
    let both = async { tokio::join!(writing, child.wait_with_output()) };
    let (written, output) =
        tokio::time::timeout(SCRIPT_PATIENCE, both).await.unwrap_or_else(|_| panic!("{script} does not end"));
    let output = output.unwrap_or_else(|it| panic!("{script}: {it}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}\n{told}", output.status);
    written.unwrap_or_else(|it| panic!("{script} did not read its input: {it}\n{told}"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|it| {
        panic!("{script} printed no JSON: {it}\n{}\n{told}", String::from_utf8_lossy(&output.stdout))
    })
}

/// A program that will find its packages and nothing of this machine's settings, proxies included.
fn command(language: Language) -> Command {
    let installed = installed();
    let program = match language {
        Language::Python => "venv/bin/python",
        Language::Node => "node",
    };
    let mut command = Command::new(installed.join(program));
    command
        .env_clear()
        .env("LEADWIRE_VERIFIERS", &installed)
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    command
}

/// Where a script or settings file of this crate's folder `verifiers` is.
fn script_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("verifiers").join(name)
}

#[expect(clippy::disallowed_methods, reason = "scripts/test says where it has installed the packages")]
fn installed() -> PathBuf {
    std::env::var_os("LEADWIRE_VERIFIERS").map(PathBuf::from).unwrap_or_else(|| {
        panic!(
            "LEADWIRE_VERIFIERS is not set: run scripts/test, which installs independent clients and servers into \
             target/verifiers; after it has run once, `LEADWIRE_VERIFIERS=$PWD/target/verifiers cargo test …` does too"
        )
    })
}
