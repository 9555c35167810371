//! A CRM with a quota is down while very many leads come, and then works again: all are brought, each customer's in their order,
//! and never in more calls than the budget allows. In the control somebody else calls, and one record is missed.

use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock, Stopwatch};
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::service::UnixMillis;
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_testkit::harness::load::{self, Target};
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::{PUBLISHER, add_destination};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

/// Its quota is the tightest of those that take whole batches: 100 calls in ten seconds.
const KIND: &str = "hubspot";
const WINDOW: i64 = 10_000;
const CALLS_OF_WINDOW: usize = 100;
/// What is left to the account's other users.
const KEPT_PERCENT: usize = 20;
/// How often it is asked how far it is, and after how long without progress it counts as stuck.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(660);
/// What is allowed: until the first record is there, and of answers that say *too many*.
const FIRST_WITHIN: Duration = Duration::from_secs(60);
const BUSY_OF_100_MAX: u64 = 1;
/// Leads that are sent before it is looked whether the program still answers.
const AT_ONCE: usize = 5000;
/// Connections that wait to be taken up.
const BACKLOG: u32 = 1024;
/// Calls of somebody else in the control.
const INTRUSIONS: usize = 120;

/// The CRM, and when it was called.
struct Crm {
    stage: Stage,
    calls: Arc<Mutex<Vec<i64>>>,
}

impl Crm {
    fn start(listener: TcpListener) -> anyhow::Result<Self> {
        let calls: Arc<Mutex<Vec<i64>>> = Arc::default();
        let (clock, noted) = (MachineClock::start(), Arc::clone(&calls));
        // A simulated service reads its clock once for each call.
        let now: UnixMillis = Arc::new(move || {
            let now = clock.wall().millis();
            noted.lock().expect("noting cannot panic").push(now);
            now
        });
        let stage = Stage::start(KIND, listener, Options { now, secret: [9; 32], keep: Keep::IdHashes })?;
        Ok(Self { stage, calls })
    }

    /// The most calls in any stretch of the window's length.
    fn busiest(&self) -> usize {
        busiest(&self.calls.lock().expect("reading cannot panic"))
    }
}

fn busiest(calls: &[i64]) -> usize {
    let mut from = 0;
    let mut most = 0;
    for (at, now) in calls.iter().enumerate() {
        while calls[from] <= now - WINDOW {
            from += 1;
        }
        most = most.max(at + 1 - from);
    }
    most
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    let data = args.folder.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let program = Program::start(&Launch::plain(&args.program, &data)).await?;
    let target = &program.target;
    target.post("/v1/publishers", &json!({ "id": PUBLISHER })).await?;
    for offer in [load::PLAIN_OFFER, load::KEYED_OFFER] {
        target.post(&format!("/v1/offers?publisher={PUBLISHER}"), &json!({ "id": offer })).await?;
    }
    // It was there once, and is gone: nobody listens at its address.
    let crm = Crm::start(TcpListener::bind("127.0.0.1:0").await?)?;
    let address: SocketAddr = crm.stage.url().trim_start_matches("http://").parse()?;
    add_destination(target, "crm", KIND, crm.stage.settings.clone(), "*").await?;
    crm.stage.stop().await;
    // Bound, so that nobody else gets the port meanwhile, and not listening, so that the kernel refuses.
    let closed = TcpSocket::new_v4()?;
    closed.set_reuseaddr(true)?;
    closed.bind(address).context("the address was taken at once")?;

    let watch = Stopwatch::start();
    let ids = send(target, args.count).await?;
    let accepted_in = watch.elapsed();
    let waiting = account(target).await?["pending"].as_u64().context("a ledger counts")?;
    let state = target.get(&format!("/v1/destinations/crm?publisher={PUBLISHER}")).await?["state"].take();
    eprintln!("{waiting} leads wait for a CRM that is down; its lane is {state}.");

    let crm = Crm::start(closed.listen(BACKLOG)?)?;
    let watch = Stopwatch::start();
    let (first_after, drained_in) = drain(target, &crm, args.count, &watch).await?;
    let (busy, calls, most) = (crm.stage.busy(), crm.stage.calls(), crm.busiest());
    let records = crm.stage.records();
    let there = judge(&ids, &records);
    let budget = CALLS_OF_WINDOW * (100 - KEPT_PERCENT) / 100;
    let is_well = waiting == args.count
        && there == There::default()
        && most <= budget
        && busy * 100 <= calls * BUSY_OF_100_MAX
        && first_after <= FIRST_WITHIN;

    let mut more = ids;
    let (next, never) = (load::customer(args.count) + 1, "tp_never".to_owned());
    more.insert(load::LEADS_PER_CUSTOMER * next, never);
    let control_missing = judge(&more, &records).missing;
    intrude(address).await?;
    let control_most = crm.busiest();
    program.kill_and_wait().await?;
    crm.stage.stop().await;
    let seconds = |it: Duration| (it.as_secs_f64() * 10.0).round() / 10.0;
    let figures = json!({
        "leads": args.count, "customers": records.len(), "waited": waiting, "lane_while_down": state,
        "accepted_in_seconds": seconds(accepted_in), "first_after_seconds": seconds(first_after),
        "drained_in_seconds": seconds(drained_in), "missing": there.missing, "doubled": there.doubled,
        "out_of_order": there.out_of_order, "calls": calls, "answered_429": busy,
        "most_calls_in_10_seconds": most, "budget_in_10_seconds": budget,
        "control_missing": control_missing, "control_calls_in_10_seconds": control_most,
    });
    Ok(Report::Ran(is_well && control_missing == 1 && control_most > budget, figures))
}

/// Sends so many leads, and gives back the id of each key's touchpoint.
async fn send(target: &Target, count: u64) -> anyhow::Result<BTreeMap<u64, String>> {
    let mut ids = BTreeMap::new();
    for first in (0..count).step_by(AT_ONCE) {
        let next = count.min(first.saturating_add(u64::try_from(AT_ONCE)?));
        let answered = load::send_in_order(target, first..next).await?;
        ids.extend(answered.into_iter().map(|it| (it.number, it.id)));
    }
    Ok(ids)
}

async fn account(target: &Target) -> anyhow::Result<Value> {
    Ok(target.ledger().await?["destinations"][0].take())
}

/// Waits until all are delivered, as long as more are: when the first one was, and the last.
async fn drain(
    target: &Target,
    crm: &Crm,
    count: u64,
    watch: &Stopwatch,
) -> anyhow::Result<(Duration, Duration)> {
    let clock = MachineClock::start();
    let (mut first, mut seen, mut patience) = (None, 0, clock.steady().plus(PATIENCE));
    loop {
        if first.is_none() && crm.stage.kept() > 0 {
            first = Some(watch.elapsed());
        }
        let account = account(target).await?;
        let delivered = account["delivered"].as_u64().context("a ledger counts")?;
        if delivered == count {
            return Ok((first.unwrap_or_else(|| watch.elapsed()), watch.elapsed()));
        }
        if delivered != seen {
            eprintln!("{:.0} s: {delivered} of {count} are there", watch.elapsed().as_secs_f64());
            (seen, patience) = (delivered, clock.steady().plus(PATIENCE));
        }
        ensure!(clock.steady() < patience, "no more is brought: {account}");
        clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
    }
}

/// What is wrong with what is there.
#[derive(Debug, Default, PartialEq, Eq)]
struct There {
    missing: u64,
    doubled: u64,
    /// Customers whose later leads stand before earlier ones, among the notes of their record. The order is that in which
    /// they were accepted, which the ids say.
    out_of_order: u64,
}

fn judge(accepted: &BTreeMap<u64, String>, records: &[String]) -> There {
    let customers: BTreeSet<u64> = accepted.keys().map(|it| load::customer(*it)).collect();
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    let mut there = There::default();
    for record in records {
        *seen.entry(number_after(record, "ada-").unwrap_or(u64::MAX)).or_default() += 1;
        let notes = record.find(r#""notes":["#).map_or("", |at| &record[at..]);
        let numbers = notes.match_indices("Number ").filter_map(|it| number_after(&notes[it.0..], "Number "));
        let notes: Vec<(u64, &String)> =
            numbers.filter_map(|it| accepted.get(&it).map(|id| (it, id))).collect();
        if !notes.is_sorted_by_key(|it| it.1) {
            eprintln!("These stand in another order than that of their ids: {notes:?}");
            there.out_of_order += 1;
        }
    }
    let count = |it: usize| u64::try_from(it).expect("a count fits");
    there.missing = count(customers.iter().filter(|it| !seen.contains_key(it)).count());
    there.doubled = seen.values().map(|it| it - 1).sum::<u64>()
        + count(seen.keys().filter(|it| !customers.contains(it)).count());
    there
}

fn number_after(text: &str, mark: &str) -> Option<u64> {
    let rest = &text[text.find(mark)? + mark.len()..];
    rest[..rest.find(|it: char| !it.is_ascii_digit())?].parse().ok()
}

/// Somebody else calls the CRM, without a key.
async fn intrude(address: SocketAddr) -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for _ in 0..INTRUSIONS {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = "GET /crm/v3/objects/contacts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        // Whatever the answer is, the call counts.
        stream.read_to_end(&mut Vec::new()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_stretch_is_found_wherever_it_begins() {
        assert_eq!(busiest(&[0, 9_999, 10_000, 10_001, 25_000]), 3);
        assert_eq!(busiest(&[]), 0);
    }

    #[test]
    fn a_record_that_is_missing_or_doubled_and_notes_in_the_wrong_order_are_told() {
        let accepted: BTreeMap<u64, String> = (0..6).map(|it| (it, format!("tp_{it}"))).collect();
        let found = |records: &[String]| judge(&accepted, records);
        let record = |customer: u64, notes: &str| {
            format!(r#"{{"email":"ada-{customer}@example.com","notes":[{notes}]}}"#)
        };
        let (first, second) = (record(0, r#""Number 1.","Number 2.""#), record(1, ""));
        assert_eq!(found(&[first.clone(), second.clone()]), There::default());
        assert_eq!(found(std::slice::from_ref(&first)).missing, 1);
        assert_eq!(found(&[first, second.clone(), second.clone()]).doubled, 1);
        let wrong = record(0, r#""Number 2.","Number 1.""#);
        assert_eq!(found(&[wrong, second]).out_of_order, 1);
    }
}
