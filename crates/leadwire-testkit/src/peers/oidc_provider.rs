//! The npm package `oidc-provider`, a certified OpenID provider that nobody here wrote, with its pages for trying it out.

use super::process::Process;
use super::{Language, command, script_path};
use std::net::SocketAddr;

/// A running provider. Dropping it ends it. Whoever types a name there is that person, with an address at `contoso.com`.
pub struct OidcProvider {
    address: SocketAddr,
    _process: Process,
}

impl OidcProvider {
    /// Starts it on a free port of the loopback interface. It signs with this algorithm, and knows one client by this secret.
    pub async fn start(algorithm: &str, secret: &str) -> Self {
        let mut command = command(Language::Node);
        command.arg(script_path("oidc_provider.mjs")).arg(algorithm);
        let process = Process::start("oidc-provider", &mut command, secret).await;
        Self { address: process.address().await, _process: process }
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }
}
