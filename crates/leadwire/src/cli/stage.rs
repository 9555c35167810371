//! A simulated service on this machine, whatever its kind, and the settings of a destination that reaches it.

use crate::clock::{self, Clock, MachineClock};
use anyhow::Context;
use leadwire_connect::signing::{SECRET_BYTES, SigningSecret};
use leadwire_sandbox::https_endpoint::{self, HttpsEndpoint, Keep};
use leadwire_sandbox::service::{self, FaultPlan, Sandbox};
use leadwire_sandbox::smtp::{self, MailSandbox};
use leadwire_sandbox::webhook_signature::Verifier;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Names of the kinds of connectors that a stage can be the other side of, sorted.
pub(super) fn kinds() -> Vec<&'static str> {
    let mut names: Vec<&str> = leadwire_sandbox::KINDS.iter().map(|it| it.name).collect();
    names.extend(["email", "https"]);
    names.sort_unstable();
    names
}

/// A running simulated service.
pub(super) struct Stage {
    /// The connector it is the other side of.
    pub(super) kind: &'static str,
    /// Settings of a destination that reaches it.
    pub(super) settings: Value,
    back: Back,
}

enum Back {
    Endpoint(HttpsEndpoint),
    Mail(MailSandbox),
    Service(Sandbox),
}

impl Stage {
    /// Starts one at an address of this machine; port 0 takes any.
    ///
    /// # Errors
    /// When the address is taken, or there is no such kind.
    pub(super) async fn start(kind: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        if kind == "https" {
            return Self::endpoint(listener);
        }
        let secret = format!("{:032x}", clock::random_bits());
        let clock = MachineClock::start();
        let now: service::UnixMillis = Arc::new(move || clock.wall().millis());
        if kind == "email" {
            let sandbox = smtp::start(listener, smtp::Options::new(&secret), now)?;
            let settings = sandbox.destination_settings();
            return Ok(Self { kind: "email", settings, back: Back::Mail(sandbox) });
        }
        let kind = leadwire_sandbox::KINDS.iter().find(|it| it.name == kind);
        let kind = kind.with_context(|| format!("use one of: {}", kinds().join(", ")))?;
        let options = service::Options::new(now);
        let sandbox = service::start(listener, (kind.make)(&secret), options)?;
        let settings = sandbox.destination_settings();
        Ok(Self { kind: kind.name, settings, back: Back::Service(sandbox) })
    }

    /// A receiver that checks every signature.
    fn endpoint(listener: TcpListener) -> anyhow::Result<Self> {
        let mut random = [0; SECRET_BYTES];
        clock::fill_random(&mut random);
        let secret = SigningSecret::generate(&random);
        let clock = MachineClock::start();
        let seconds = move || u64::try_from(clock.wall().millis() / 1000).unwrap_or(0);
        let verifier = Verifier::new(&[secret.expose()]).context("a signing secret")?;
        let options = https_endpoint::Options {
            verifier: Some(Arc::new(verifier)),
            keep: Keep::IdHashes,
            ..https_endpoint::Options::new(Arc::new(seconds))
        };
        let endpoint = https_endpoint::start(listener, options)?;
        let settings = json!({ "url": endpoint.url(), "signing_secret": secret.expose() });
        Ok(Self { kind: "https", settings, back: Back::Endpoint(endpoint) })
    }

    /// Where it listens, as a URL without a path.
    pub(super) fn url(&self) -> String {
        let scheme = if matches!(self.back, Back::Mail(_)) { "smtp" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    fn address(&self) -> SocketAddr {
        match &self.back {
            Back::Endpoint(it) => it.address(),
            Back::Mail(it) => it.address(),
            Back::Service(it) => it.address(),
        }
    }

    /// Calls it has had, those for tokens included; messages at the mail server.
    pub(super) fn calls(&self) -> u64 {
        match &self.back {
            Back::Endpoint(it) => it.calls() + it.refused(),
            Back::Mail(it) => it.tried(),
            Back::Service(it) => it.calls(),
        }
    }

    /// Leads it keeps, each counted once.
    pub(super) fn kept(&self) -> u64 {
        let count = match &self.back {
            Back::Endpoint(it) => it.accepted_distinct(),
            Back::Mail(it) => it.distinct(),
            Back::Service(it) => it.records().len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Calls it refused for a bad signature; only the receiver counts those.
    pub(super) fn signatures_refused(&self) -> u64 {
        match &self.back {
            Back::Endpoint(it) => it.refused(),
            Back::Mail(_) | Back::Service(_) => 0,
        }
    }

    /// The receiver, for a script of answers.
    pub(super) fn as_endpoint(&self) -> Option<&HttpsEndpoint> {
        match &self.back {
            Back::Endpoint(it) => Some(it),
            Back::Mail(_) | Back::Service(_) => None,
        }
    }

    /// Switches faults on or off, where it has any.
    pub(super) fn faults(&self, change: impl FnOnce(&mut FaultPlan)) {
        match &self.back {
            Back::Endpoint(_) => {}
            Back::Mail(it) => it.faults(change),
            Back::Service(it) => it.faults(change),
        }
    }

    /// Closes it, and waits until that is done.
    pub(super) async fn stop(self) {
        match self.back {
            Back::Endpoint(it) => it.stop().await,
            Back::Mail(it) => it.stop().await,
            Back::Service(it) => it.stop().await,
        }
    }
}
