//! Simulated services that can tell their own records again: each lead is there once, whatever was killed on the way.

use super::add_destination;
use super::load::{self, Target};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock};
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::stage::{Options, Stage};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Without a change for so long, nothing more is expected: longer than the windows in which services count calls, and
/// than the longest wait after a lost answer.
const PATIENCE: Duration = Duration::from_secs(660);
/// How often the ledger is asked whether something is pending.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One of them, with its destination.
pub struct Keyed {
    /// Name of its kind.
    pub kind: &'static str,
    stage: Stage,
    offer: String,
}

/// What it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What must be there.
    pub expected: u64,
    /// Of that, what is not.
    pub missing: u64,
    /// What is there beyond one of each.
    pub doubled: u64,
}

impl Keyed {
    /// Starts one on any port and makes it a destination of the leads of this offer, `*` for all.
    ///
    /// # Errors
    /// When it cannot listen, or the service refuses it.
    pub async fn start(kind: &str, target: &Target, offer: &str) -> anyhow::Result<Self> {
        let clock = MachineClock::start();
        let now = Arc::new(move || clock.wall().millis());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let stage = Stage::start(kind, listener, Options { now, secret: [9; 32], keep: Keep::IdHashes })?;
        add_destination(target, kind, kind, stage.settings.clone(), offer).await?;
        Ok(Self { kind: stage.kind, stage, offer: offer.to_owned() })
    }

    /// Calls it has had.
    pub fn calls(&self) -> u64 {
        self.stage.calls()
    }

    /// Compares what it holds with the keys of all that was accepted.
    pub fn judge(&self, accepted: impl Iterator<Item = u64>) -> Found {
        let is_for_it = |number: &u64| self.offer == "*" || self.offer == load::offer(*number);
        judge(accepted.filter(is_for_it), &self.stage.records())
    }
}

/// Waits until nothing is pending for any of these publishers, as long as something changes; gives back what is left, which
/// should be nothing.
///
/// # Errors
/// When something ended otherwise than delivered.
pub async fn settle(targets: &[Target]) -> anyhow::Result<u64> {
    let clock = MachineClock::start();
    let (mut seen, mut patience) = (u64::MAX, clock.steady().plus(PATIENCE));
    loop {
        let mut pending = 0;
        for target in targets {
            pending += pending_of(target).await?;
        }
        if pending == 0 {
            return Ok(0);
        }
        if pending != seen {
            (seen, patience) = (pending, clock.steady().plus(PATIENCE));
        }
        if clock.steady() >= patience {
            return Ok(pending);
        }
        clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
    }
}

async fn pending_of(target: &Target) -> anyhow::Result<u64> {
    let accounts = target.ledger().await?["destinations"].take();
    let mut pending = 0;
    for account in accounts.as_array().context("a ledger has destinations")? {
        let count = |name: &str| account[name].as_u64().with_context(|| format!("no {name}: {account}"));
        let rest = count("pending")?;
        ensure!(count("accepted")? == count("delivered")? + rest, "not everything is brought: {account}");
        pending += rest;
    }
    Ok(pending)
}

/// A customer has one record, however many leads they sent.
fn judge(accepted: impl Iterator<Item = u64>, records: &[String]) -> Found {
    let mut there: BTreeMap<u64, u64> = BTreeMap::new();
    for number in accepted {
        there.insert(load::customer(number), 0);
    }
    let expected = u64::try_from(there.len()).expect("a count fits");
    let mut strange = 0;
    for record in records {
        match between(record, "ada-", "@example.com").and_then(|it| there.get_mut(&it)) {
            Some(count) => *count += 1,
            None => strange += 1,
        }
    }
    let missing = there.values().filter(|it| **it == 0).count();
    let doubled = there.values().map(|it| it.saturating_sub(1)).sum::<u64>() + strange;
    Found { expected, missing: u64::try_from(missing).expect("a count fits"), doubled }
}

/// The first number of a text that stands between two others.
fn between(text: &str, mark: &str, end: &str) -> Option<u64> {
    text.match_indices(mark).find_map(|(at, _)| {
        let rest = &text[at + mark.len()..];
        rest[..rest.find(end)?].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(customer: u64) -> String {
        format!(r#"{{"email":"ada-{customer}@example.com"}}"#)
    }

    #[test]
    fn one_record_for_each_customer_is_right_and_nothing_else_is() {
        let found = |records: &[String]| judge(0..3, records);
        let well = Found { expected: 1, missing: 0, doubled: 0 };
        assert_eq!(found(&[record(0)]), well);
        assert_eq!(found(&[]), Found { missing: 1, ..well });
        assert_eq!(found(&[record(0), record(0)]), Found { doubled: 1, ..well });
        assert_eq!(found(&[record(0), record(1)]), Found { doubled: 1, ..well });
    }
}
