//! `leadwire demo`: the whole path in a scratch folder, from sample leads to a receiving endpoint and the ledger.

mod samples;
mod show;

use super::exit_code::ExitCode;
use crate::api::wire;
use crate::app::App;
use crate::clock::{self, Clock, MachineClock};
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use crate::telemetry;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use leadwire_connect::egress::Egress;
use leadwire_connect::egress::guard::EgressPolicy;
use leadwire_core::secret::Secret;
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

/// The running demo: the service, the receiving endpoint, and a client of the service.
struct Demo {
    app: Arc<App>,
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
            let mut random = [0; 32];
            clock::fill_random(&mut random);
            leadwire_connect::signing::SigningSecret::generate(&random).expose().clone()
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
        let client = Client::new(format!("http://{}", app.address()), key)?;
        let mut demo = Self { app, endpoint, client, intake_url: String::new(), folder };
        let app = Arc::clone(&demo.app);
        tokio::spawn(async move { app.run().await });
        demo.intake_url = demo.set_up(&signing_secret).await?;
        Ok(demo)
    }

    /// Sets the service up as a person would, through its API.
    async fn set_up(&self, signing_secret: &str) -> anyhow::Result<String> {
        let client = &self.client;
        client.post("/v1/publishers", &json!({ "id": PUBLISHER, "title": "Contoso" })).await?;
        let own = |path: &str| format!("{path}?publisher={PUBLISHER}");
        client.post(&own("/v1/offers"), &json!({ "id": "crm-pro", "title": "Contoso CRM Pro" })).await?;
        let settings = json!({ "url": self.endpoint.url(), "signing_secret": signing_secret });
        let destination = json!({ "name": "demo-endpoint", "kind": "https", "settings": settings });
        client.post(&own("/v1/destinations"), &destination).await?;
        client.post(&own("/v1/routes"), &json!({ "offer": "*", "destination": "demo-endpoint" })).await?;
        let address = client.post(&own("/v1/intake-addresses"), &json!({ "offer": "crm-pro" })).await?;
        let address: wire::IntakeAddress = serde_json::from_value(address)?;
        address.url.context("an address is shown once, when it is made")
    }

    async fn play(self, args: &Args, as_json: bool) -> anyhow::Result<ExitCode> {
        let show = Show::new(as_json);
        show.opening(&self.app, &self.endpoint.url(), &self.folder);
        for sample in MARKETPLACE {
            let answer = self.client.send(&self.intake_url, sample, None).await?;
            show.arrival(&Arrival::read(sample.name, &answer));
        }
        // A marketplace that did not see our answer sends the same body again.
        let answer = self.client.send(&self.intake_url, &MARKETPLACE[0], None).await?;
        show.arrival(&Arrival::read("partner-center/01-get-it-now.json (again)", &answer));
        let leads = format!("{}/v1/leads", self.client.base);
        for sample in API {
            let answer = self.client.send(&leads, sample, Some(sample.name)).await?;
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
        self.endpoint.stop().await;
        Ok(code)
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
        let answer = self.client.get(&format!("/v1/ledger?publisher={PUBLISHER}")).await?;
        Ok(serde_json::from_value(answer)?)
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

/// A client of the demo's own service.
struct Client {
    egress: Egress,
    base: String,
    key: Secret<String>,
}

impl Client {
    fn new(base: String, key: Secret<String>) -> anyhow::Result<Self> {
        Ok(Self { egress: Egress::new(EgressPolicy::unrestricted(), None)?, base, key })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, &format!("{}{path}", self.base), HeaderMap::new(), Bytes::new()).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = Bytes::from(body.to_string());
        self.call(Method::POST, &format!("{}{path}", self.base), HeaderMap::new(), body).await
    }

    async fn send(&self, url: &str, sample: &Sample, key: Option<&str>) -> anyhow::Result<Value> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(sample.content_type));
        if let Some(key) = key {
            headers.insert("idempotency-key", HeaderValue::from_str(key)?);
        }
        self.call(Method::POST, url, headers, Bytes::from_static(sample.body)).await
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Value> {
        headers
            .insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", self.key.expose()))?);
        let answer = self.egress.simple_request(method, url, headers, body, ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(|it| anyhow::anyhow!("{}", it.message))?;
        if !answer.status.is_success() {
            bail!(
                "the demo's own service answered {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

/// Most bytes of an answer of the demo's own service.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
