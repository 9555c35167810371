//! `leadwire serve`: runs the service until it is told to stop, or until its store fails.

use super::exit_code::ExitCode;
use crate::app::{App, Ended};
use crate::clock::MachineClock;
use crate::config::Config;
use crate::secrets::{self, CredentialKind};
use crate::telemetry;
use anyhow::Context;
use leadwire_core::secret::Secret;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What `serve` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire serve
  leadwire serve --listen 0.0.0.0:5323 --public-url https://leads.example.com
  leadwire serve --config /etc/leadwire.toml --log leadwire=debug

Every setting can stand in leadwire.toml and, as LEADWIRE_NAME, in the environment.")]
pub(super) struct Args {
    /// Settings file; `leadwire.toml` in this folder when it is there
    #[arg(long, env = "LEADWIRE_CONFIG")]
    config: Option<PathBuf>,
    /// Folder that holds everything [default: leadwire-data]
    #[arg(long)]
    data: Option<PathBuf>,
    /// A PostgreSQL database that holds the rows; an address with a password in it belongs into LEADWIRE_DATABASE_FILE
    #[arg(long, value_name = "ADDRESS")]
    database: Option<String>,
    /// Address and port of the API [default: 127.0.0.1:5323]
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Address and port of /metrics, or `off` [default: 127.0.0.1:5324]
    #[arg(long)]
    metrics_listen: Option<String>,
    /// How the world reaches the API, for the addresses that are printed
    #[arg(long)]
    public_url: Option<String>,
    /// Let destinations be reached by plain http
    #[arg(long)]
    allow_http: bool,
    /// A network that destinations may be in although it is not public, such as 10.1.0.0/16
    #[arg(long = "allow-net")]
    allow_nets: Vec<ipnet::IpNet>,
    /// Which log lines are written [default: info]
    #[arg(long)]
    log: Option<String>,
}

impl Args {
    fn into_config(self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref(), environment())?;
        if let Some(data) = self.data {
            config.data = data;
        }
        if let Some(address) = self.database {
            config.apply("database", &address, "--database")?;
        }
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(text) = self.metrics_listen {
            config.apply("metrics_listen", &text, "--metrics-listen")?;
        }
        if let Some(url) = self.public_url {
            config.apply("public_url", &url, "--public-url")?;
        }
        if let Some(log) = self.log {
            config.log = log;
        }
        config.allow_http |= self.allow_http;
        config.allow_nets.extend(self.allow_nets);
        Ok(config)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that hands the environment to the configuration"
)]
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Runs the service.
///
/// # Errors
/// When it cannot start; each says what to do.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = args.into_config().map_err(|it| it.context(ExitCode::Config))?;
    telemetry::start_logging(&config.log);
    // Before anything is open: a signal that nobody awaits yet would end the program as a crash does.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let local_key = secrets::make_credential(CredentialKind::ApiKey);
    let app = App::open(config, Arc::new(MachineClock::start()), Some(&local_key)).await?;
    let local = app.write_local_access(&local_key)?;
    let first_key = app.first_key().await?;
    let first_link = app.first_link().await?;
    let shown = |it: &Option<Secret<String>>| it.as_ref().map(|it| it.expose().clone());
    welcome(&app, (shown(&first_key).as_deref(), shown(&first_link).as_deref()))?;
    let stopper = Arc::clone(&app);
    let stopping = tokio::spawn(async move {
        signals.next().await;
        tracing::info!(
            "Stopping: no new requests; requests and deliveries in hand finish. A second signal ends at once."
        );
        stopper.stop();
        signals.next().await;
        tracing::warn!(
            "Ending at once. What was in flight is sent again, under the same id, at the next start."
        );
        #[expect(clippy::disallowed_methods, reason = "the second signal means now")]
        std::process::exit(ExitCode::Failed.number());
    });
    let ended = app.run().await?;
    stopping.abort();
    // Whether it is there or not, it is of no use any more.
    std::fs::remove_file(&local).ok();
    match ended {
        Ended::Stopped => {
            tracing::info!("Stopped.");
            Ok(ExitCode::Ok)
        }
        Ended::StoreFailed(reason) => {
            anyhow::bail!(
                "the store failed ({reason}); nothing that was answered 202 is lost: start Leadwire again"
            )
        }
    }
}

/// What asks a program to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one. Cancel-safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn welcome(app: &App, (first_key, first_link): (Option<&str>, Option<&str>)) -> anyhow::Result<()> {
    let data = std::path::absolute(&app.config.data)?;
    let mut text = format!("\n  Leadwire {}\n\n", env!("CARGO_PKG_VERSION"));
    writeln!(text, "  data      {}", data.display())?;
    writeln!(text, "  API       http://{}/v1   described at /openapi.json", app.address())?;
    if let Some(address) = app.metrics_address() {
        writeln!(text, "  metrics   http://{address}/metrics")?;
    }
    writeln!(text, "  portal    {}/", app.public_url())?;
    if let Some(link) = first_link {
        writeln!(
            text,
            "\n  choose who signs in to the portal first; the link works once, for three days:\n\n      {link}"
        )?;
    }
    if let Some(key) = first_key {
        writeln!(text, "\n  administrator key, shown this once:\n\n      {key}\n")?;
        writeln!(
            text,
            "  Keep it. On this machine the command line works without it: `leadwire publisher add NAME`."
        )?;
    }
    let mut out = std::io::stdout().lock();
    // A closed pipe is no reason not to serve.
    writeln!(out, "{text}").and_then(|()| out.flush()).ok();
    Ok(())
}
