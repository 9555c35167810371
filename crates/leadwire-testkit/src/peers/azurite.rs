//! Azurite, Microsoft's own simulator of Azure Table storage, in memory.

use super::process::Process;
use super::{Language, command, installed, script_path};
use std::net::SocketAddr;
use std::path::Path;

/// The one account it has, with a key that Microsoft publishes: learn.microsoft.com, "Use the Azurite emulator",
/// well-known storage account and key (2026-11).
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running Azurite with empty tables. Dropping it ends it, and nothing is kept.
pub struct Azurite {
    address: SocketAddr,
    _process: Process,
}

impl Azurite {
    /// Starts it on a free port of the loopback interface; the folder is where it works.
    pub async fn start(folder: &Path) -> Self {
        let mut command = command(Language::Node);
        command
            .arg("--require")
            .arg(script_path("tell_port.cjs"))
            .arg(installed().join("node_modules/azurite/dist/src/table/main.js"))
            .args(["--tableHost", "127.0.0.1", "--tablePort", "0"])
            .args(["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"])
            .env("HOME", folder)
            .current_dir(folder);
        let process = Process::start("Azurite", &mut command, "").await;
        Self { address: process.address().await, _process: process }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address of its account.
    pub fn endpoint(&self) -> String {
        format!("http://{}/{ACCOUNT}", self.address)
    }

    /// The account, its key and its endpoint, as every client of Azure storage takes them.
    pub fn connection_string(&self) -> String {
        let endpoint = self.endpoint();
        format!(
            "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint};"
        )
    }
}
