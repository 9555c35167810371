//! Kills the program again and again while a backlog goes to a CRM as bulk jobs: every lead is there once, and the account's
//! calls are not exceeded. The control is a lead that was never sent, which must be missed.

use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock, Stopwatch};
use leadwire_sandbox::salesforce::{Options, Salesforce};
use leadwire_sandbox::service::{self, Sandbox};
use leadwire_testkit::harness::keyed::settle;
use leadwire_testkit::harness::load::Target;
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::{Dice, PUBLISHER, add_destination};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// Leads of a round: by batches they take twice the calls that a round is given.
const LEADS: u64 = 6000;
/// Leads of a request, which is the most it may have.
const AT_ONCE: u64 = 1000;
/// Calls a day that the account gets more for each round, and whenever kills have used up what there was: a call that was
/// reserved before a kill counts as made.
const CALLS: u64 = 20;
/// Kills of a round, and how long after a job was seen one comes at the most.
const KILLS: u64 = 4;
const KILL_WITHIN: Duration = Duration::from_millis(1500);
/// How often it is looked whether there is a job to kill.
const GLANCE_EVERY: Duration = Duration::from_millis(5);
/// How often it is asked how far the job is, and after how long with neither a job nor any progress there are more calls.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(300);
const NO_JOB_AFTER: Duration = Duration::from_secs(3);
/// What the account gets at the end, for what is left to go by batches.
const CALLS_AT_THE_END: u64 = 15_000;

struct Bench {
    launch: Launch,
    org: Arc<Mutex<Salesforce>>,
    sandbox: Sandbox,
    clock: MachineClock,
    dice: Dice,
    sent: u64,
    calls_a_day: u64,
    kills: u64,
    /// Kills before which a job was seen.
    beside_a_job: u64,
    /// Starts that found a job, by how far it was.
    found: BTreeMap<String, u64>,
    most_over: u64,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    let data = args.folder.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let launch = Launch::plain(&args.program, &data);
    let mut program = Program::start(&launch).await?;
    let (org, sandbox) = start_org().await?;
    let target = &program.target;
    target.post("/v1/publishers", &json!({ "id": PUBLISHER })).await?;
    target.post(&format!("/v1/offers?publisher={PUBLISHER}"), &json!({ "id": "crm-pro" })).await?;
    let mut settings = sandbox.destination_settings();
    (settings["calls_per_day"], settings["in_flight"]) = (json!(CALLS), json!(1));
    add_destination(target, "crm", "salesforce", settings, "*").await?;
    let (clock, dice) = (MachineClock::start(), Dice::new(args.seed));
    let mut bench = Bench {
        launch,
        org,
        sandbox,
        clock,
        dice,
        sent: 0,
        calls_a_day: 0,
        kills: 0,
        beside_a_job: 0,
        found: BTreeMap::new(),
        most_over: 0,
    };
    let watch = Stopwatch::start();
    for round in 1..=args.count {
        program = bench.round(program).await.with_context(|| format!("round {round}"))?;
        eprintln!("round {round} of {}: {} kills, jobs {:?}", args.count, bench.kills, bench.jobs());
    }
    bench.allow(&program.target, CALLS_AT_THE_END).await?;
    let left = settle(std::slice::from_ref(&program.target)).await?;
    program.kill_and_wait().await?;
    let records = bench.sandbox.records();
    let (missing, doubled) = judge(bench.sent, &records);
    let control_missing = judge(bench.sent + 1, &records).0;
    let figures = json!({
        "rounds": args.count, "leads": bench.sent, "kills": bench.kills, "jobs": bench.jobs(),
        "kills_beside_a_job": bench.beside_a_job, "starts_that_found_a_job": bench.found, "left": left, "missing": missing, "doubled": doubled,
        "calls_beyond_the_account": bench.most_over, "seconds": watch.elapsed().as_secs(),
        "control_missing": control_missing,
    });
    let is_well = left + missing + doubled + bench.most_over == 0
        && bench.beside_a_job >= args.count
        && control_missing == 1;
    bench.sandbox.stop().await;
    Ok(Report::Ran(is_well, figures))
}

async fn start_org() -> anyhow::Result<(Arc<Mutex<Salesforce>>, Sandbox)> {
    let org = Arc::new(Mutex::new(Salesforce::new(Options::default())));
    let clock = MachineClock::start();
    let serving = service::Options::new(Arc::new(move || clock.wall().millis()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let sandbox = service::start(listener, Box::new(Arc::clone(&org)), serving)?;
    Ok((org, sandbox))
}

impl Bench {
    /// How many jobs came to which end.
    fn jobs(&self) -> BTreeMap<&'static str, usize> {
        let mut jobs = BTreeMap::new();
        for (state, _) in self.org.lock().expect("a look cannot panic").ingest_jobs() {
            *jobs.entry(state).or_default() += 1;
        }
        jobs
    }

    /// A backlog comes, and while it is handed over the program is killed a few times.
    async fn round(&mut self, mut program: Program) -> anyhow::Result<Program> {
        self.act(&program.target, "pause").await?;
        for _ in 0..LEADS / AT_ONCE {
            let leads = (self.sent..self.sent + AT_ONCE).map(lead).collect();
            program.target.post("/v1/leads", &Value::Array(leads)).await?;
            self.sent += AT_ONCE;
        }
        self.allow(&program.target, self.calls_a_day + CALLS).await?;
        self.act(&program.target, "resume").await?;
        for kill in 0..KILLS {
            let patience = if kill == 0 { PATIENCE } else { NO_JOB_AFTER };
            self.beside_a_job += u64::from(self.until_a_job_is_there(&program.target, patience).await?);
            let wait = Duration::from_millis(self.dice.below(u64::try_from(KILL_WITHIN.as_millis())?));
            self.clock.wait_until(self.clock.steady().plus(wait)).await;
            program.kill_and_wait().await?;
            self.kills += 1;
            program = Program::start(&self.launch).await?;
            if let Some(state) = self.job(&program.target).await?["state"].as_str() {
                *self.found.entry(state.to_owned()).or_default() += 1;
            }
        }
        self.until_the_job_is_over(program).await
    }

    /// Waits for a job to kill, but not for ever: kills use up the calls of one. Whether there is one.
    async fn until_a_job_is_there(&self, target: &Target, patience: Duration) -> anyhow::Result<bool> {
        let end = self.clock.steady().plus(patience);
        while self.job(target).await?.is_null() {
            if self.clock.steady() >= end {
                return Ok(false);
            }
            self.clock.wait_until(self.clock.steady().plus(GLANCE_EVERY)).await;
        }
        Ok(true)
    }

    /// Waits until most of what waited went by a job. Where kills have used up the calls of one there are more, and a new start,
    /// since a lane thinks about a job when it begins and then once a minute.
    async fn until_the_job_is_over(&mut self, mut program: Program) -> anyhow::Result<Program> {
        let end = self.clock.steady().plus(PATIENCE);
        let (mut seen, mut since) = (u64::MAX, self.clock.steady());
        loop {
            let target = &program.target;
            ensure!(self.clock.steady() < end, "the backlog does not go: {}", target.ledger().await?);
            self.note_calls();
            let ledger = target.ledger().await?["destinations"][0].take();
            let pending = ledger["pending"].as_u64().context("a ledger counts")?;
            let has_job = !self.job(target).await?.is_null();
            if !has_job && pending < LEADS / 3 {
                return Ok(program);
            }
            if has_job || pending != seen {
                (seen, since) = (pending, self.clock.steady());
            } else if self.clock.steady().since(since) > NO_JOB_AFTER {
                self.act(target, "pause").await?;
                self.allow(target, self.calls_a_day + CALLS).await?;
                program.kill_and_wait().await?;
                self.kills += 1;
                program = Program::start(&self.launch).await?;
                self.act(&program.target, "resume").await?;
                since = self.clock.steady();
            }
            self.clock.wait_until(self.clock.steady().plus(LOOK_EVERY)).await;
        }
    }

    fn note_calls(&mut self) {
        self.most_over = self.most_over.max(self.sandbox.calls().saturating_sub(self.calls_a_day));
    }

    /// Gives the account so many calls a day.
    async fn allow(&mut self, target: &Target, calls: u64) -> anyhow::Result<()> {
        self.note_calls();
        let change = json!({ "settings": { "calls_per_day": calls } });
        target.patch(&format!("/v1/destinations/crm?publisher={PUBLISHER}"), &change).await?;
        self.calls_a_day = calls;
        Ok(())
    }

    async fn act(&self, target: &Target, verb: &str) -> anyhow::Result<()> {
        target.post(&format!("/v1/destinations/crm/{verb}?publisher={PUBLISHER}"), &json!({})).await?;
        Ok(())
    }

    /// The job that is under way, or null.
    async fn job(&self, target: &Target) -> anyhow::Result<Value> {
        let path = format!("/v1/destinations/crm?publisher={PUBLISHER}");
        Ok(target.get(&path).await?["bulk_job"].take())
    }
}

fn lead(number: u64) -> Value {
    json!({ "source": "AzureMarketplace", "action": "INS", "offer": format!("{PUBLISHER}.crm-pro"),
        "customer": { "last_name": "Lovelace", "email": format!("ada-{number}@example.com"), "company": "Engines" } })
}

/// How many of so many customers have no record, and how many records are there beyond one of each.
fn judge(customers: u64, records: &[Value]) -> (u64, u64) {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for record in records {
        *seen.entry(record["fields"]["Email"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let is_missing = |it: &u64| !seen.contains_key(format!("ada-{it}@example.com").as_str());
    let missing = u64::try_from((0..customers).filter(is_missing).count()).expect("a count fits");
    (missing, seen.values().map(|it| it - 1).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_and_who_is_there_twice_is_told() {
        let record = |number: u64| json!({ "fields": { "Email": format!("ada-{number}@example.com") } });
        assert_eq!(judge(2, &[record(0), record(1)]), (0, 0));
        assert_eq!(judge(3, &[record(0), record(2)]), (1, 0));
        assert_eq!(judge(2, &[record(0), record(1), record(1)]), (0, 1));
    }
}
