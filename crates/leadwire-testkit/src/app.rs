//! The whole program on a temporary store, with a settable clock, driven over real sockets.

use crate::clock::TestClock;
use crate::engine;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use leadwire::app::{App, Ended};
use leadwire::audit;
use leadwire::clock::Clock;
use leadwire::config::Config;
use leadwire::secrets::{CredentialKind, make_credential};
use leadwire_connect::egress::guard::EgressPolicy;
use leadwire_connect::egress::{Egress, Request};
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_sandbox::https_endpoint::{self, HttpsEndpoint, Keep, Options};
use leadwire_sandbox::stage::{self, Stage};
use leadwire_sandbox::webhook_signature::Verifier;
use leadwire_store::Store;
use leadwire_store::verify::Bodies;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The running program.
pub struct TestApp {
    /// Its parts.
    pub app: Arc<App>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// An operator's key.
    pub key: Secret<String>,
    egress: Egress,
    running: JoinHandle<anyhow::Result<Ended>>,
    folder: Arc<TempDir>,
}

/// An answer of the program.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A field of the body, by RFC 6901 pointer, as text.
    pub fn text(&self, pointer: &str) -> String {
        match self.json().pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// The body as JSON, of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// Most bytes read of an answer: more than any that a test asks for.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest a test waits for something that must happen: only a bug makes it last. Long, for a machine that is busy
/// with much else is no bug.
pub const PATIENCE: Duration = Duration::from_secs(120);

impl TestApp {
    /// Starts on a new store.
    pub async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self::start_in(folder, Arc::new(TestClock::default()), |_| {}).await
    }

    /// Starts on a new store in a file, whatever engine the test run is for: what is tested is of files.
    pub async fn start_on_a_file() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self::start_in(folder, Arc::new(TestClock::default()), |it| it.database = None).await
    }

    /// Starts on a folder, which may hold the store of an earlier run, with a changed configuration.
    pub async fn start_in(
        folder: Arc<TempDir>,
        clock: Arc<TestClock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(folder.path());
        change(&mut config);
        let key = make_credential(CredentialKind::ApiKey);
        let as_clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let app = App::open(config, as_clock, Some(&key)).await.expect("the program opens");
        let egress = Egress::new(EgressPolicy::unrestricted(), None).expect("a client");
        let running = {
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.run().await })
        };
        Self { app, clock, key, egress, running, folder }
    }

    /// Stops in good order, looks whether the store is as it must be, and gives the folder back for another start.
    pub async fn stop(self) -> Arc<TempDir> {
        let (setup, vault) = (self.app.directory.now(), Arc::clone(self.app.directory.vault()));
        // Whatever the test did: whoever sets the clock back has things of a later moment, and knows it.
        let end = Timestamp::from_millis(i64::MAX / 2);
        let scope = audit::scope(&setup.setup, Some(vault), Bodies::Hashed, end);
        let place = self.app.place();
        let folder = self.stop_damaged().await;
        let found = Store::verify(&place, &scope, |_| {}).expect("the store can be read");
        let found = found.expect("there is a store");
        assert_eq!(found.violations(), 0, "{:?}", found.shown);
        folder
    }

    /// Stops in good order a program whose store was damaged on purpose.
    pub async fn stop_damaged(self) -> Arc<TempDir> {
        self.app.stop();
        let ended = self.running.await.expect("the program does not panic").expect("the program runs once");
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
        drop(self.app);
        self.folder
    }

    /// Ends as a program that is killed: nothing is finished and nobody is told.
    pub async fn kill(self) {
        self.running.abort();
        // It was aborted, which is what its end says.
        drop(self.running.await);
    }

    /// What the path of a replay shows once it is no longer running.
    ///
    /// # Panics
    /// When it does not go on.
    pub async fn replayed(&self, path: &str) -> Value {
        let mut steps = self.app.replays.steps();
        loop {
            steps.borrow_and_update();
            let seen = self.get(path).await;
            if seen["state"] != "running" {
                return seen;
            }
            let step = tokio::time::timeout(PATIENCE, steps.changed()).await.expect("a replay goes on");
            step.expect("the program goes on");
        }
    }

    /// Waits until this node knows of so many, itself counted.
    pub async fn until_nodes(&self, count: usize) {
        let mut changes = self.app.nodes.changes();
        while self.app.nodes.count() != count {
            let changed = tokio::time::timeout(PATIENCE, changes.changed()).await;
            changed.expect("the nodes come to be so many").expect("the node goes on");
        }
    }

    /// As [`TestApp::wait_for`], after each turn of a lane of any of these nodes.
    pub async fn wait_for_any(nodes: &[&Self], path: &str, wish: impl Fn(&Value) -> bool) -> Value {
        let mut turns: Vec<_> = nodes.iter().map(|it| it.app.lanes.turns()).collect();
        loop {
            turns.iter_mut().for_each(|it| drop(it.borrow_and_update()));
            let seen = nodes[0].get(path).await;
            if wish(&seen) {
                return seen;
            }
            let any = futures_util::future::select_all(turns.iter_mut().map(|it| Box::pin(it.changed())));
            let turned = tokio::time::timeout(PATIENCE, any).await;
            let (turned, _, _) =
                turned.unwrap_or_else(|_| panic!("{path} never came to what was wished: {seen}"));
            turned.expect("lanes run");
        }
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A full URL of the API.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.address())
    }

    /// Sends a request with the operator's key.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map_or_else(Bytes::new, |it| Bytes::from(it.to_string()));
        let key = format!("Bearer {}", self.key.expose());
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        self.raw(method, path, &headers, body).await
    }

    /// Sends a request with just these headers.
    pub async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header's name");
            map.append(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        map.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let url = self.url(path).parse().expect("a URL");
        let request = Request { answer_bytes_max: ANSWER_BYTES_MAX, ..Request::new(method, url, map, body) };
        let answer = self.egress.send(request).await;
        let answer = answer.unwrap_or_else(|it| panic!("no answer from {path}: {}", it.message));
        Answer { status: answer.status.as_u16(), headers: answer.headers, body: answer.body }
    }

    /// `POST` with the operator's key; the answer must be a success.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// `GET` with the operator's key; the answer must be a success.
    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await.expect(200)
    }

    /// Adds the publisher `contoso` with the offer `crm-pro`.
    pub async fn add_contoso(&self) {
        self.post("/v1/publishers", &json!({ "id": "contoso" })).await;
        self.post("/v1/offers?publisher=contoso", &json!({ "id": "crm-pro" })).await;
    }

    /// Adds an https destination of `contoso` and a route for all offers to it; gives back its signing secret.
    pub async fn add_destination(&self, name: &str, settings: Value) -> String {
        self.add_destination_of_kind(name, "https", settings).await
    }

    /// Adds a destination of `contoso` of any kind and a route for all offers to it; gives back what it is signed with,
    /// if anything.
    pub async fn add_destination_of_kind(&self, name: &str, kind: &str, settings: Value) -> String {
        let new = json!({ "name": name, "kind": kind, "settings": settings });
        let made = self.post("/v1/destinations?publisher=contoso", &new).await;
        self.post("/v1/routes?publisher=contoso", &json!({ "offer": "*", "destination": name })).await;
        made["signing_secret"].as_str().unwrap_or("").to_owned()
    }

    /// Adds a destination of `contoso` of each kind, named as its kind, with a route for all offers to it and these further
    /// settings; gives back the simulated services.
    pub async fn add_all_kinds(&self, more: &Value) -> Vec<Stage> {
        let mut stages = Vec::new();
        for kind in stage::kinds() {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let clock = Arc::clone(&self.clock);
            let now = Arc::new(move || clock.wall().millis());
            let keep = Keep::Requests { count_max: 1000 };
            let options = stage::Options { now, secret: [7; 32], keep };
            let stage = Stage::start(kind, listener, options).expect("a kind there is");
            let mut settings = stage.settings.clone();
            for (name, value) in more.as_object().into_iter().flatten() {
                settings[name] = value.clone();
            }
            self.add_destination_of_kind(kind, kind, settings).await;
            stages.push(stage);
        }
        stages
    }

    /// Makes an intake address for `contoso.crm-pro`; gives back its path.
    pub async fn add_address(&self) -> String {
        let made = self.post("/v1/intake-addresses?publisher=contoso", &json!({ "offer": "crm-pro" })).await;
        let url = made["url"].as_str().expect("an address is shown once");
        url[url.find("/in/").expect("an intake address")..].to_owned()
    }

    /// Sends one canonical touchpoint of a customer with this e-mail; gives back its id.
    pub async fn send_lead(&self, email: &str) -> String {
        let lead = json!({
            "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
            "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": email },
        });
        self.post("/v1/leads", &lead).await["id"].as_str().expect("an id").to_owned()
    }

    /// The ledger of `contoso`.
    pub async fn ledger(&self) -> Value {
        self.get("/v1/ledger?publisher=contoso").await
    }

    /// Looks at an address of the API after each turn of a lane until the answer is as wished.
    pub async fn wait_for(&self, path: &str, wish: impl Fn(&Value) -> bool) -> Value {
        let mut turns = self.app.lanes.turns();
        loop {
            turns.borrow_and_update();
            let seen = self.get(path).await;
            if wish(&seen) {
                return seen;
            }
            let turned = tokio::time::timeout(PATIENCE, turns.changed()).await;
            turned
                .unwrap_or_else(|_| panic!("{path} never came to what was wished: {seen}"))
                .expect("lanes run");
        }
    }

    /// Waits until nothing is pending at any destination of `contoso`.
    pub async fn wait_until_settled(&self) -> Value {
        let account = |it: &Value| it["pending"] == 0;
        self.wait_for("/v1/ledger?publisher=contoso", |it| {
            it["destinations"].as_array().is_some_and(|all| all.iter().all(account))
        })
        .await
    }
}

/// A configuration for tests: any free port, no metrics, and destinations on this machine.
pub fn config(folder: &Path) -> Config {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        data: folder.to_owned(),
        database: engine::database(folder),
        listen: loopback,
        metrics_listen: None,
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().expect("a network")],
        ..Config::default()
    }
}

/// Starts a receiving endpoint by this clock; with a secret it checks every signature.
pub async fn start_endpoint(clock: &Arc<TestClock>, signing_secret: Option<&str>) -> HttpsEndpoint {
    let clock = Arc::clone(clock);
    let seconds = move || u64::try_from(clock.wall().millis() / 1000).expect("after 1970");
    let verifier = signing_secret.map(|it| Arc::new(Verifier::new(&[it]).expect("a signing secret")));
    let options = Options { verifier, ..Options::new(Arc::new(seconds)) };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    https_endpoint::start(listener, options).expect("an endpoint")
}
