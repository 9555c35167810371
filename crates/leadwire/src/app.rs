//! Wiring: opens the parts in their order, runs them, and stops them in the reverse one.

mod outside;

use crate::accounts::Accounts;
use crate::api::{self, Server};
use crate::audit::{self, Auditor};
use crate::backups::Backups;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::deliver::{Lanes, LanesEnded};
use crate::directory::Directory;
use crate::disk::Disk;
use crate::erasure::Erasures;
use crate::feedback::FeedbackReader;
use crate::flood::Floods;
use crate::housekeeping;
use crate::intake::Intake;
pub use crate::intake::{Incoming, Received};
use crate::letters::Letters;
use crate::news::Ear;
use crate::nodes::Nodes;
use crate::portal;
use crate::proof::UnderWay;
use crate::replay::Replays;
use crate::report::Reports;
use crate::same_key;
use crate::secrets::{self, CredentialKind};
use crate::suggest::Suggesting;
use crate::telemetry::Metrics;
use crate::watch::Watch;
use anyhow::Context;
use leadwire_core::id::KeyId;
use leadwire_core::secret::Secret;
use leadwire_store::audit::telling;
use leadwire_store::nodes::Beat;
use leadwire_store::setup::ApiKey;
use leadwire_store::{Database, Store};
pub(crate) use outside::way_out;
use outside::{bind, letters, reached_at, way_in};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The opened parts of the program.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<Ids>,
    /// What is kept.
    pub store: Store,
    /// The set-up in memory.
    pub directory: Arc<Directory>,
    /// The way in.
    pub intake: Intake,
    /// The way out.
    pub lanes: Arc<Lanes>,
    /// Who else works on the same rows.
    pub nodes: Arc<Nodes>,
    /// Kept touchpoints routed anew.
    pub replays: Replays,
    /// What became of leads, read back from destinations.
    pub feedback: FeedbackReader,
    /// What came and what became of it, added up.
    pub reports: Reports,
    /// The search for leads that may be one.
    pub suggesting: Suggesting,
    /// Erasing people, and keeping nobody for longer than is set.
    pub erasures: Erasures,
    /// The look at the store, the marks under the audit log, and daily statements.
    pub auditor: Auditor,
    /// Scheduled backups.
    pub backups: Backups,
    /// Numbers.
    pub metrics: Arc<Metrics>,
    /// Free space.
    pub disk: Arc<Disk>,
    /// The watch over destinations, offers and the machine, and who is told of trouble.
    pub watch: Watch,
    /// How often visitors of listing pages come, and people who sign in.
    pub floods: Floods,
    /// Who signs in to the portal.
    pub accounts: Accounts,
    /// What is written to them.
    pub letters: Letters,
    /// Proofs of destinations that are under way.
    pub proofs: UnderWay,
    listener: std::sync::Mutex<Option<(TcpListener, Option<TcpListener>)>>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
}

/// Why the program ended.
#[derive(Debug)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// The store failed. Starting again recovers it.
    StoreFailed(String),
}

impl App {
    /// Opens everything: takes the data folder, binds the addresses, reads the set-up. Nothing runs yet.
    ///
    /// `local_key` is a further operator's key that is not in the store, for the command line on this machine.
    ///
    /// # Errors
    /// A data folder in use, an address in use, an unusable key file or certificate: each says what to do.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        local_key: Option<&Secret<String>>,
    ) -> anyhow::Result<Arc<Self>> {
        let place = config.place();
        let store = tokio::task::spawn_blocking(move || Store::open_at(&place)).await??;
        let nodes = Arc::new(Nodes::join(store.clone()).await?);
        let opened = Self::open_on((config, clock), (store, Arc::clone(&nodes)), local_key).await;
        if opened.is_err() {
            // One that does not start must not keep its share of the lanes from the others.
            nodes.leave().await;
        }
        opened
    }

    async fn open_on(
        (config, clock): (Config, Arc<dyn Clock>),
        (store, nodes): (Store, Arc<Nodes>),
        local_key: Option<&Secret<String>>,
    ) -> anyhow::Result<Arc<Self>> {
        let vault = Arc::new(same_key::open_vault(&config, &store, &nodes).await?);
        vault.finish_rotation(&store, clock.wall()).await?;
        let egress = way_out(&config)?;
        let local_key = local_key.map(|it| secrets::sha256(it.expose().as_bytes()));
        let directory = Arc::new(
            Directory::open(store.clone(), vault, egress, (local_key, config.public_url.clone())).await?,
        );
        directory.tell_unopened();
        let ids = Arc::new(Ids::after(store.last_touchpoint().await?.map_or(0, |it| it.bits())));
        let listener = bind(config.listen, "listen").await?;
        let metrics_listener = match config.metrics_listen {
            Some(address) => Some(bind(address, "metrics_listen").await?),
            None => None,
        };
        let app =
            Self::assemble((config, clock), (store, ids, directory, nodes), (listener, metrics_listener))?;
        Ok(Arc::new(app))
    }

    /// Where the rows are.
    pub fn place(&self) -> Database {
        self.config.place()
    }

    /// Puts the parts together.
    fn assemble(
        (config, clock): (Config, Arc<dyn Clock>),
        (store, ids, directory, nodes): (Store, Arc<Ids>, Arc<Directory>, Arc<Nodes>),
        (listener, metrics_listener): (TcpListener, Option<TcpListener>),
    ) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let lanes = Arc::new(Lanes::new(
            store.clone(),
            Arc::clone(&directory),
            Arc::clone(&clock),
            Arc::clone(&metrics),
            Arc::clone(&nodes),
        ));
        let replays =
            Replays::new(store.clone(), Arc::clone(&directory), Arc::clone(&clock), Arc::clone(&lanes));
        let suggesting =
            Suggesting::new(store.clone(), Arc::clone(&directory), Arc::clone(&clock), Arc::clone(&ids));
        let erasures = Erasures::new(
            store.clone(),
            Arc::clone(&directory),
            Arc::clone(&clock),
            Arc::clone(&ids),
            Arc::clone(&lanes),
        );
        let intake = way_in((&store, &directory), (&ids, &clock), (&lanes, &metrics));
        let feedback = FeedbackReader::new(
            store.clone(),
            Arc::clone(&directory),
            (Arc::clone(&clock), Arc::clone(&ids)),
            (Arc::clone(&metrics), lanes.news()),
        );
        let auditor =
            Auditor::new(store.clone(), Arc::clone(&directory), Arc::clone(&clock), Arc::clone(&metrics));
        let disk = Arc::new(Disk::new(&store, config.disk_reserve_bytes));
        let watching = Watch::new(
            (store.clone(), Arc::clone(&directory), Arc::clone(&clock)),
            (Arc::clone(&disk), Arc::clone(&metrics), lanes.news()),
            config.public_url.clone(),
        );
        let (stop, _) = watch::channel(false);
        let backups = Backups::new(&config, store.clone(), Arc::clone(&clock), Arc::clone(&metrics));
        Ok(Self {
            auditor,
            backups,
            replays,
            suggesting,
            erasures,
            reports: Reports::new(store.clone(), Arc::clone(&clock)),
            disk,
            watch: watching,
            address: listener.local_addr()?,
            letters: letters((&config, &listener), (&store, &directory, &clock))?,
            proofs: UnderWay::default(),
            metrics_address: metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?,
            listener: std::sync::Mutex::new(Some((listener, metrics_listener))),
            floods: Floods::default(),
            accounts: Accounts::new(store.clone(), Arc::clone(&clock), Arc::clone(directory.vault()))
                .with_ways(config.portal.ways(), directory.egress()),
            config,
            clock,
            ids,
            store,
            directory,
            intake,
            lanes,
            nodes,
            feedback,
            metrics,
            stop,
        })
    }

    /// Makes the operator's first key, when the store holds none; it is shown once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_key(&self) -> anyhow::Result<Option<Secret<String>>> {
        if self.directory.now().setup.keys.iter().any(|it| it.publisher.is_none()) {
            return Ok(None);
        }
        let secret = secrets::make_credential(CredentialKind::ApiKey);
        let key = ApiKey {
            publisher: None,
            id: KeyId::new(crate::clock::random_bits()),
            title: "made at the first start".to_owned(),
            role: "operator".to_owned(),
            hash: secrets::sha256(secret.expose().as_bytes()),
            tail: secrets::tail(&secret),
            created_at: self.clock.wall(),
            expires_at: None,
        };
        let deed = audit::by_service("", "key.add", &key.id.to_string(), self.clock.steady());
        telling(deed, self.store.add_key(key)).await?;
        self.directory.refresh().await?;
        Ok(Some(secret))
    }

    /// Where the first user chooses a name and a password, while there is none who can sign in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_link(&self) -> anyhow::Result<Option<Secret<String>>> {
        let token = self.accounts.first_link().await?;
        Ok(token.map(|it| Secret::new(format!("{}/first/{}", self.public_url(), it.expose()))))
    }

    /// Writes how the command line on this machine reaches the service, readable by its owner only, and says where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_local_access(&self, key: &Secret<String>) -> anyhow::Result<PathBuf> {
        // On a server nothing else may have made it.
        std::fs::create_dir_all(&self.config.data)?;
        let file = self.config.data.join("local.json");
        let text = serde_json::json!({ "url": format!("http://{}", self.address), "key": key.expose() });
        secrets::write_private(&file, &text.to_string())?;
        Ok(file)
    }

    /// Runs until [`App::stop`] or until the store fails, then stops in order: no new requests, requests in hand,
    /// deliveries in flight.
    ///
    /// # Errors
    /// When called a second time.
    pub async fn run(self: &Arc<Self>) -> anyhow::Result<Ended> {
        let listeners = self.listener.lock().expect("taking a listener cannot panic").take();
        let (listener, metrics_listener) = listeners.context("the program runs already")?;
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(Server::new(self).beside(portal::router(self)).serve(listener, self.stop.subscribe()));
        if let Some(listener) = metrics_listener {
            tasks.spawn(api::serve_metrics(Arc::clone(self), listener, self.stop.subscribe()));
        }
        let (stop_lanes, lanes_stopped) = watch::channel(false);
        let lanes = Arc::clone(&self.lanes);
        let mut lanes = tokio::spawn(async move { lanes.run(lanes_stopped).await });
        let (mut stop, ear) = (self.stop.subscribe(), self.ear());
        let ended = tokio::select! {
            reason = self.store.failure() => Ended::StoreFailed(reason),
            ended = &mut lanes => match ended? {
                LanesEnded::Stopped => Ended::Stopped,
                LanesEnded::Store(error) => Ended::StoreFailed(error.to_string()),
            },
            // A server ends before it is told to only by a panic: better no service than one that nobody can reach.
            Some(ended) = tasks.join_next() => ended.map(|()| Ended::Stopped)?,
            () = self.disk.watch(&self.store, &*self.clock) => Ended::Stopped,
            () = self.nodes.run(|beat| self.after_beat(beat)) => Ended::Stopped,
            () = self.nodes.look(&*self.clock, |lane| self.lanes.wake(lane)) => Ended::Stopped,
            () = ear.run() => Ended::Stopped,
            () = self.letters.hear() => Ended::Stopped,
            () = self.nodes.leading(|| self.work_for_all()) => Ended::Stopped,
            () = self.backups.run() => Ended::Stopped,
            () = self.reports.run() => Ended::Stopped,
            () = async { drop(stop.wait_for(|it| *it).await) } => Ended::Stopped,
        };
        self.stop();
        // The requests in hand are answered first, so that what they accepted is seen by the lanes.
        while tasks.join_next().await.is_some() {}
        self.proofs.stop().await;
        stop_lanes.send_replace(true);
        if !lanes.is_finished() {
            lanes.await?;
        }
        self.nodes.leave().await;
        Ok(ended)
    }

    /// What hears of other nodes' commits.
    fn ear(&self) -> Ear<'_> {
        let Self { store, directory, lanes, nodes, clock, .. } = self;
        Ear { store, directory, lanes, nodes, clock: &**clock }
    }

    /// What one node does for all.
    async fn work_for_all(&self) {
        tokio::join!(
            housekeeping::run(&self.store, &*self.clock),
            self.replays.run(),
            self.suggesting.run(),
            self.erasures.run(),
            self.auditor.run(),
            self.watch.run(),
            self.letters.run(),
            self.feedback.run(),
        );
    }

    /// Sees what other nodes did meanwhile.
    async fn after_beat(&self, beat: Beat) {
        if beat.setup_version != self.directory.now().setup.version
            && let Err(error) = self.directory.refresh().await
        {
            tracing::warn!(%error, "What is set up could not be read. It is read again with the next beat.");
        }
        if self.nodes.leads() {
            // Somebody may have asked another node for one.
            self.replays.ring();
            self.erasures.ring();
            self.letters.ring();
        }
    }

    /// Asks [`App::run`] to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether the program is stopping.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` listens.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// How the world reaches the API.
    pub fn public_url(&self) -> String {
        reached_at(&self.config, self.address)
    }

    /// The metrics as text.
    pub fn render_metrics(&self) -> String {
        self.metrics.render(self.store.commits(), self.lanes.shut(), self.disk.free_bytes())
    }
}
