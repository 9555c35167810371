//! `leadwire demo`: the whole path in a scratch folder, from sample leads to a receiving endpoint and the ledger.

mod samples;
mod show;

use super::client::{self, Client};
use super::exit_code::ExitCode;
use crate::api::wire;
use crate::app::{App, Ended};
use crate::clock::{self, Clock, MachineClock};
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use crate::telemetry;
use anyhow::Context;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use leadwire_connect::signing::{SECRET_BYTES, SigningSecret};
use leadwire_sandbox::https_endpoint::{self, Answer, HttpsEndpoint, Keep, Options};
use leadwire_sandbox::webhook_signature::Verifier;
use samples::{API, MARKETPLACE, Sample};
use serde_json::{Value, json};
use show::{Arrival, Show};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// What `demo` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire demo
  leadwire demo --once
  leadwire demo --once --json

Everything happens in a scratch folder and on this machine; nothing is sent anywhere else.")]
pub(super) struct Args {
    /// End when every sample lead has arrived, instead of staying open for leads of your own
    #[arg(long)]
    once: bool,
    /// Which log lines are written
    #[arg(long, default_value = "error")]
    log: String,
}

/// How long the demo waits for everything to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The one publisher of the demo.
const PUBLISHER: &str = "contoso";
/// Names the publisher in a request.
const OWN: client::Query<'static> = &[("publisher", PUBLISHER)];

/// The running demo: the service, the receiving endpoint, and a client of the service.
struct Demo {
    app: Arc<App>,
    running: JoinHandle<anyhow::Result<Ended>>,
    endpoint: HttpsEndpoint,
    client: Client,
    intake_url: String,
    folder: PathBuf,
}

/// Runs the demo.
///
/// # Errors
/// When a part cannot start.
pub(super) async fn run(args: Args, as_json: bool) -> anyhow::Result<ExitCode> {
    telemetry::start_logging(&args.log);
    let folder = scratch_folder()?;
    let demo = Demo::start(folder.clone()).await;
    let result = match demo {
        Ok(demo) => demo.play(&args, as_json).await,
        Err(error) => Err(error),
    };
    // The scratch folder is the demo's own; what stays behind costs a few kilobytes of a temporary folder.
    std::fs::remove_dir_all(&folder).ok();
    result
}

fn scratch_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("leadwire-demo-{:032x}", clock::random_bits()));
    std::fs::create_dir(&folder)
        .with_context(|| format!("cannot make the scratch folder {}", folder.display()))?;
    Ok(folder)
}

impl Demo {
    async fn start(folder: PathBuf) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let signing_secret = {
            let mut random = [0; SECRET_BYTES];
            clock::fill_random(&mut random);
            SigningSecret::generate(&random).expose().clone()
        };
        let endpoint = start_endpoint(&signing_secret, loopback).await?;
        let config = Config {
            data: folder.clone(),
            listen: loopback,
            metrics_listen: None,
            // The endpoint of the demo is on this machine, which no destination may be otherwise.
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
        let mut demo = Self { app, running, endpoint, client, intake_url: String::new(), folder };
        demo.intake_url = demo.set_up(&signing_secret).await?;
        Ok(demo)
    }

    /// Sets the service up as a person would, through its API.
    async fn set_up(&self, signing_secret: &str) -> anyhow::Result<String> {
        let add = async |noun: &str, query: client::Query<'_>, new: Value| {
            self.client.post(&["v1", noun], query, &new).await
        };
        add("publishers", &[], json!({ "id": PUBLISHER, "title": "Contoso" })).await?;
        add("offers", OWN, json!({ "id": "crm-pro", "title": "Contoso CRM Pro" })).await?;
        let settings = json!({ "url": self.endpoint.url(), "signing_secret": signing_secret });
        let destination = json!({ "name": "demo-endpoint", "kind": "https", "settings": settings });
        add("destinations", OWN, destination).await?;
        add("routes", OWN, json!({ "offer": "*", "destination": "demo-endpoint" })).await?;
        let address = add("intake-addresses", OWN, json!({ "offer": "crm-pro" })).await?;
        let address: wire::IntakeAddress = serde_json::from_value(address)?;
        address.url.context("an address is shown once, when it is made")
    }

    async fn play(self, args: &Args, as_json: bool) -> anyhow::Result<ExitCode> {
        let show = Show::new(as_json);
        show.opening(&self.app, &self.endpoint.url(), &self.folder);
        for sample in MARKETPLACE {
            let answer = self.send(&self.intake_url, sample, None).await?;
            show.arrival(&Arrival::read(sample.name, &answer));
        }
        // A marketplace that did not see our answer sends the same body again.
        let answer = self.send(&self.intake_url, &MARKETPLACE[0], None).await?;
        show.arrival(&Arrival::read("partner-center/01-get-it-now.json (again)", &answer));
        let leads = self.client.url(&["v1", "leads"], &[])?;
        for sample in API {
            let answer = self.send(leads.as_str(), sample, Some(sample.name)).await?;
            for arrival in Arrival::read_all(sample.name, &answer) {
                show.arrival(&arrival);
            }
        }
        let settled = self.wait_until_settled(&show).await?;
        let ledger = self.ledger().await?;
        let code = if settled && ledger.adds_up && self.endpoint.refused() == 0 {
            ExitCode::Ok
        } else {
            ExitCode::Failed
        };
        show.ledger(&summary(&ledger, &self.endpoint), &ledger, &self.endpoint);
        if !args.once && !as_json && show.is_terminal() {
            show.invitation(&self.intake_url, &self.folder);
            tokio::signal::ctrl_c().await?;
        }
        self.app.stop();
        // Whole, before the folder below it goes.
        self.running.await??;
        self.endpoint.stop().await;
        Ok(code)
    }

    /// Sends a sample as it is.
    async fn send(&self, url: &str, sample: &Sample, key: Option<&'static str>) -> anyhow::Result<Value> {
        let mut headers = self.client.headers()?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(sample.content_type));
        if let Some(key) = key {
            headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::from_static(key));
        }
        let body = Bytes::from_static(sample.body);
        let answer = self.client.send(Url::parse(url)?, headers, body, Method::POST).await;
        self.client.good(&answer.map_err(|it| client::unreachable(self.client.base(), &it))?)
    }

    async fn wait_until_settled(&self, show: &Show) -> anyhow::Result<bool> {
        let clock = MachineClock::start();
        let give_up_at = clock.steady().plus(PATIENCE);
        loop {
            let ledger = self.ledger().await?;
            show.progress(&ledger);
            if ledger.destinations.iter().all(|it| it.pending == 0) {
                return Ok(true);
            }
            if clock.steady() > give_up_at {
                return Ok(false);
            }
            clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
        }
    }

    async fn ledger(&self) -> anyhow::Result<wire::Ledger> {
        client::shape(self.client.get(&["v1", "ledger"], OWN).await?)
    }
}

/// The receiving endpoint: checks every signature, and is busy at first, so that a retry can be seen.
async fn start_endpoint(signing_secret: &str, address: SocketAddr) -> anyhow::Result<HttpsEndpoint> {
    let clock = MachineClock::start();
    let seconds = move || u64::try_from(clock.wall().millis() / 1000).unwrap_or(0);
    let options = Options {
        verifier: Some(Arc::new(Verifier::new(&[signing_secret]).context("a signing secret")?)),
        keep: Keep::IdHashes,
        ..Options::new(Arc::new(seconds))
    };
    let endpoint = https_endpoint::start(TcpListener::bind(address).await?, options)?;
    endpoint.script(vec![Answer::retry_after(503, "1")]);
    Ok(endpoint)
}

/// The numbers of the whole run.
fn summary(ledger: &wire::Ledger, endpoint: &HttpsEndpoint) -> Value {
    let sum = |of: fn(&wire::Account) -> u64| ledger.destinations.iter().map(of).sum::<u64>();
    let destinations: Vec<Value> = ledger
        .destinations
        .iter()
        .map(|it| {
            json!({
                "name": it.name,
                "kind": it.kind,
                "delivered": it.delivered,
                "attempts": it.attempts,
                "calls": endpoint.calls(),
            })
        })
        .collect();
    json!({
        "accepted": sum(|it| it.accepted),
        "pending": sum(|it| it.pending),
        "delivered": sum(|it| it.delivered),
        "parked": sum(|it| it.parked),
        "suppressed": sum(|it| it.suppressed),
        "erased": sum(|it| it.erased),
        "unrouted": ledger.unrouted,
        "quarantined": ledger.quarantined,
        "duplicates": ledger.duplicates,
        "adds_up": ledger.adds_up,
        "signatures_refused": endpoint.refused(),
        "destinations": destinations,
    })
}
