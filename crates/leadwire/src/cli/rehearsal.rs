//! A whole service in a scratch folder with simulated destinations: what the demo and the benchmarks play on.

use super::client::{self, Client};
use crate::api::wire;
use crate::app::{App, Ended};
use crate::clock::{self, Clock, MachineClock};
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use anyhow::Context;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::stage::{self, Stage};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The one publisher.
pub(super) const PUBLISHER: &str = "contoso";
/// Names the publisher in a request.
pub(super) const OWN: client::Query<'static> = &[("publisher", PUBLISHER)];
/// How often it is looked whether everything has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The running service, its simulated destinations, and a client.
pub(super) struct Rehearsal {
    pub(super) app: Arc<App>,
    pub(super) client: Client,
    pub(super) stages: Vec<Stage>,
    running: JoinHandle<anyhow::Result<Ended>>,
    folder: PathBuf,
}

impl Rehearsal {
    /// Starts the service and a destination of each kind, named as its kind, with a route for every offer to each.
    ///
    /// # Errors
    /// When a part cannot start.
    pub(super) async fn start(kinds: &[&str]) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("leadwire-{:032x}", clock::random_bits()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make the scratch folder {}", folder.display()))?;
        let started = Self::start_in(&folder, kinds).await;
        if started.is_err() {
            remove(&folder);
        }
        started
    }

    async fn start_in(folder: &Path, kinds: &[&str]) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut stages = Vec::new();
        for kind in kinds {
            stages.push(start_stage(kind, loopback).await?);
        }
        let config = Config {
            data: folder.to_owned(),
            listen: loopback,
            metrics_listen: None,
            // The simulated destinations are on this machine, which no destination may be otherwise.
            allow_http: true,
            allow_nets: vec!["127.0.0.0/8".parse().context("a network")?],
            ..Config::default()
        };
        let key = secrets::make_credential(CredentialKind::ApiKey);
        let app = App::open(config, Arc::new(MachineClock::start()), Some(&key)).await?;
        app.write_local_access(&key)?;
        let client = Client::at(&format!("http://{}", app.address()), key)?;
        let running = {
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.run().await })
        };
        let rehearsal = Self { app, client, stages, running, folder: folder.to_owned() };
        rehearsal.set_up().await?;
        Ok(rehearsal)
    }

    /// Sets the service up as a person would, through its API.
    async fn set_up(&self) -> anyhow::Result<()> {
        self.add("publishers", &[], json!({ "id": PUBLISHER, "title": "Contoso" })).await?;
        self.add("offers", OWN, json!({ "id": "crm-pro", "title": "Contoso CRM Pro" })).await?;
        for stage in &self.stages {
            let destination = json!({ "name": stage.kind, "kind": stage.kind, "settings": stage.settings });
            self.add("destinations", OWN, destination).await?;
            self.add("routes", OWN, json!({ "offer": "*", "destination": stage.kind })).await?;
        }
        Ok(())
    }

    /// Makes one thing through the API.
    ///
    /// # Errors
    /// When the service refuses.
    pub(super) async fn add(
        &self,
        noun: &str,
        query: client::Query<'_>,
        new: Value,
    ) -> anyhow::Result<Value> {
        self.client.post(&["v1", noun], query, &new).await
    }

    /// The simulated destination of a kind.
    pub(super) fn stage(&self, kind: &str) -> Option<&Stage> {
        self.stages.iter().find(|it| it.kind == kind)
    }

    /// The scratch folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger.
    ///
    /// # Errors
    /// When the service refuses.
    pub(super) async fn ledger(&self) -> anyhow::Result<wire::Ledger> {
        client::shape(self.client.get(&["v1", "ledger"], OWN).await?)
    }

    /// Waits until nothing is on its way, looking from time to time. False: it took longer than `patience`.
    ///
    /// # Errors
    /// When the service refuses.
    pub(super) async fn wait_until_settled(
        &self,
        patience: Duration,
        look: impl Fn(&wire::Ledger),
    ) -> anyhow::Result<bool> {
        let clock = MachineClock::start();
        let give_up_at = clock.steady().plus(patience);
        loop {
            let ledger = self.ledger().await?;
            look(&ledger);
            if ledger.destinations.iter().all(|it| it.pending == 0) {
                return Ok(true);
            }
            if clock.steady() > give_up_at {
                return Ok(false);
            }
            clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
        }
    }

    /// Stops everything in order and removes the scratch folder.
    ///
    /// # Errors
    /// When the service did not end well.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.app.stop();
        // Whole, before the folder below it goes.
        let ended = self.running.await;
        for stage in self.stages {
            stage.stop().await;
        }
        drop(self.app);
        remove(&self.folder);
        ended??;
        Ok(())
    }
}

/// Starts a simulated destination at an address of this machine; port 0 takes any.
///
/// # Errors
/// When the address is taken, or there is no such kind.
pub(super) async fn start_stage(kind: &str, address: SocketAddr) -> anyhow::Result<Stage> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let mut secret = [0; 32];
    clock::fill_random(&mut secret);
    let clock = MachineClock::start();
    let now: leadwire_sandbox::service::UnixMillis = Arc::new(move || clock.wall().millis());
    // Ids are enough to tell repetitions by, and a benchmark sends many.
    Ok(Stage::start(kind, listener, stage::Options { now, secret, keep: Keep::IdHashes })?)
}

fn remove(folder: &Path) {
    // The scratch folder is its own; what stays behind costs a few kilobytes of a temporary folder.
    std::fs::remove_dir_all(folder).ok();
}
