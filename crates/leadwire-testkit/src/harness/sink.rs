//! The receiving end: an endpoint inside the harness that checks every signature and remembers every id.

use super::load::Target;
use crate::app::PATIENCE;
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock};
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::{self, Answer, HttpsEndpoint, Keep, Options};
use leadwire_sandbox::webhook_signature::Verifier;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// What deliveries are signed with.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
/// Without a request for so long, no more is expected: far longer than leads wait for a request that may still arrive.
const BROUGHT_WITHIN: Duration = limits::DOUBT.saturating_mul(3);
/// The ledger is looked at again after the next request, or after this time when none comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The receiving end.
pub struct Sink(HttpsEndpoint);

impl Sink {
    /// Starts it on any port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Some(Arc::new(Verifier::new(&[SECRET])?))).await
    }

    /// Starts one that takes what was signed by any clock.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start_for_any_clock() -> anyhow::Result<Self> {
        Self::start_with(None).await
    }

    async fn start_with(verifier: Option<Arc<Verifier>>) -> anyhow::Result<Self> {
        let clock = MachineClock::start();
        let seconds = move || u64::try_from(clock.wall().millis() / 1000).expect("after 1970");
        let options = Options { verifier, keep: Keep::IdHashes, ..Options::new(Arc::new(seconds)) };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Ok(Self(https_endpoint::start(listener, options)?))
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Waits until so many different deliveries have arrived, as long as more arrive.
    ///
    /// # Errors
    /// When no more come.
    pub async fn wait_for(&self, count: usize) -> anyhow::Result<()> {
        loop {
            let calls = self.0.calls();
            tokio::select! {
                () = self.0.wait_for_accepted_distinct(count) => return Ok(()),
                waited = timeout(BROUGHT_WITHIN, self.0.wait_for_calls(calls + 1000)) => {
                    let arrived = self.0.accepted_distinct();
                    if waited.is_err() && self.0.calls() == calls {
                        anyhow::bail!("only {arrived} of {count} deliveries arrived, and no more come");
                    }
                }
            }
        }
    }

    /// Waits until the program has nothing pending for it, as long as more comes of it, and gives back its account.
    ///
    /// # Errors
    /// When something stays pending.
    pub async fn settle(&self, target: &Target) -> anyhow::Result<Value> {
        let clock = MachineClock::start();
        let (mut seen, mut patience) = ((Value::Null, 0), clock.steady().plus(BROUGHT_WITHIN));
        loop {
            let calls = self.0.calls();
            let ledger = target.ledger().await?;
            let account = &ledger["destinations"][0];
            if account["pending"] == 0 {
                return Ok(account.clone());
            }
            let now = (account["pending"].clone(), calls);
            if now != seen {
                (seen, patience) = (now, clock.steady().plus(BROUGHT_WITHIN));
            }
            ensure!(clock.steady() < patience, "everything arrived, but something stays pending: {account}");
            // Nothing tells from outside that a result was written down, so it is asked again in a while.
            timeout(LOOK_EVERY, self.0.wait_for_calls(calls + 1)).await.ok();
        }
    }

    /// Lets every request from now on hang until [`Sink::answer`].
    pub fn hang(&self) {
        self.0.otherwise(Answer::Hang);
    }

    /// Answers what hangs and what comes.
    pub fn answer(&self) {
        self.0.otherwise(Answer::status(200));
        self.0.release();
    }

    /// Waits until so many requests have come, those that hang included.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn wait_for_calls(&self, count: u64) -> anyhow::Result<()> {
        timeout(PATIENCE, self.0.wait_for_calls(count)).await.context("no request comes")
    }

    /// Requests that have come.
    pub fn calls(&self) -> u64 {
        self.0.calls()
    }

    /// Whether this delivery arrived.
    pub fn has(&self, webhook_id: &str) -> bool {
        self.0.has_accepted(webhook_id)
    }

    /// Different deliveries that arrived.
    pub fn distinct(&self) -> usize {
        self.0.distinct()
    }

    /// Requests that were not as they must be.
    pub fn refused(&self) -> u64 {
        self.0.refused()
    }
}
