//! Three nodes on one database server under one load: a node is killed, stands still for longer than its lease, the server
//! is restarted or stands still, connections are cut. What was answered 202 is there, arrives, and is at simulated CRMs
//! once. The control is a lead that was never sent, which must be missed.

use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock, Stopwatch};
use leadwire_core::limits::NODE_LEASE;
use leadwire_testkit::app::PATIENCE;
use leadwire_testkit::harness::book::Book;
use leadwire_testkit::harness::keyed::{self, Keyed};
use leadwire_testkit::harness::load::{self, Load, Loaded, Then};
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::sink::{SECRET, Sink};
use leadwire_testkit::harness::{Dice, PUBLISHER, add_destination, set_up};
use leadwire_testkit::lost_answers::KEYED;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

const NODES: usize = 3;
/// Leads that each node is sent in a round.
const LEADS: u64 = 200;
/// Destinations at the plain receiver: enough that each node has lanes of some.
const PLAIN: usize = 6;
/// A stop of a node after which others have taken its lanes.
const STANDS_FOR: Duration = NODE_LEASE.saturating_add(Duration::from_secs(3));
/// How often a lead is sent again that is not taken.
const AGAIN: Duration = Duration::from_millis(200);

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NodeKilled,
    NodeStands,
    ServerRestarted,
    ServerKilled,
    ServerStands,
    ConnectionsCut,
}

/// Each once in this order when there are no more rounds than faults: what the first ones leave behind waits for minutes, in which
/// the others are made. Else thrown by the seed.
const FAULTS: &[Fault] = &[
    Fault::NodeKilled,
    Fault::NodeStands,
    Fault::ServerStands,
    Fault::ServerRestarted,
    Fault::ServerKilled,
    Fault::ConnectionsCut,
];

struct Bench<'a> {
    args: &'a Args,
    control: String,
    nodes: Vec<Program>,
    launches: Vec<Launch>,
    sink: Sink,
    destinations: Vec<Value>,
    keyed: Vec<Keyed>,
    dice: Dice,
    book: Book,
    next: u64,
    faults: BTreeMap<Fault, u64>,
    taken_over: Duration,
    recovered: Duration,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    let Some((url, control)) = server() else {
        return Ok(Report::Lacks("a database server of its own: run it by scripts/nodes".to_owned()));
    };
    let mut dice = Dice::new(args.seed);
    let key: String = (0..64)
        .map(|_| char::from(b"0123456789abcdef"[usize::try_from(dice.below(16)).unwrap_or(0)]))
        .collect();
    let launch = |number: usize| {
        let mut launch = Launch::plain(&args.program, &args.folder.join(format!("node{number}/data")));
        launch.settings = vec![("LEADWIRE_DATABASE", url.clone()), ("LEADWIRE_MASTER_KEY", key.clone())];
        launch
    };
    let launches: Vec<Launch> = (0..NODES).map(launch).collect();
    let mut nodes = Vec::new();
    for launch in &launches {
        nodes.push(Program::start(launch).await?);
    }
    let sink = Sink::start().await?;
    let target = &nodes[0].target;
    let mut destinations = vec![set_up(target, &sink).await?];
    for number in 1..PLAIN {
        let settings = json!({ "url": sink.url(), "signing_secret": SECRET });
        destinations.push(add_destination(target, &format!("sink{number}"), "https", settings, "*").await?);
    }
    let mut keyed = Vec::new();
    let from = dice.below(u64::try_from(KEYED.len())?);
    for at in 0..2 {
        let kind = KEYED[(usize::try_from(from)? + at) % KEYED.len()];
        keyed.push(Keyed::start(kind, target, load::KEYED_OFFER).await?);
    }
    let (book, faults) = (Book::default(), BTreeMap::new());
    let (taken_over, recovered) = (Duration::ZERO, Duration::ZERO);
    let mut bench = Bench {
        args,
        control,
        nodes,
        launches,
        sink,
        destinations,
        keyed,
        dice,
        book,
        next: 0,
        faults,
        taken_over,
        recovered,
    };
    // The others hear of what was set up at the first.
    for node in 0..NODES {
        bench.probe(node, Duration::ZERO).await?;
    }
    for round in 0..args.count {
        bench.round(round).await?;
    }
    bench.end().await
}

#[expect(
    clippy::disallowed_methods,
    reason = "scripts/postgres says by the environment which server it started"
)]
fn server() -> Option<(String, String)> {
    Some((
        std::env::var("LEADWIRE_TEST_POSTGRES").ok()?,
        std::env::var("LEADWIRE_TEST_POSTGRES_CONTROL").ok()?,
    ))
}

impl Bench<'_> {
    /// Load over all nodes, and a fault in the middle of it.
    async fn round(&mut self, round: u64) -> anyhow::Result<()> {
        let all = u64::try_from(FAULTS.len())?;
        let at = if self.args.count <= all { round } else { self.dice.below(all) };
        let fault = FAULTS[usize::try_from(at)?];
        let victim = usize::try_from(self.dice.below(u64::try_from(NODES)?))?;
        *self.faults.entry(fault).or_default() += 1;
        let strike_at = 1 + self.dice.below(LEADS * 2 / 3);
        eprintln!("round {round}: {fault:?}, node {victim}");
        let (bell, started) = (Arc::new(Notify::new()), Stopwatch::start());
        let mut loads = tokio::task::JoinSet::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let first = self.next + LEADS * u64::try_from(number)?;
            let strike_at = if number == victim { strike_at } else { u64::MAX };
            let load = Load { first, count: LEADS, strike_at, then: Then::GoesOn };
            let (target, bell) = (node.target.clone(), Arc::clone(&bell));
            loads.spawn(async move { load::send(&target, load, move || bell.notify_one()).await });
        }
        self.next += LEADS * u64::try_from(NODES)?;
        tokio::time::timeout(PATIENCE, bell.notified()).await.context("the fault's moment never came")?;
        let struck = started.elapsed();
        let mut loaded = Loaded { unanswered: self.strike(fault, victim).await?, ..Loaded::default() };
        if fault == Fault::NodeKilled {
            // Its lanes are taken over while it is dead.
            let took = self.probe((victim + 1) % NODES, Duration::ZERO).await?;
            self.taken_over = self.taken_over.max(took);
            self.nodes[victim] = Program::start(&self.launches[victim]).await?;
        }
        while let Some(it) =
            tokio::time::timeout(PATIENCE * 4, loads.join_next()).await.context("the senders hang")?
        {
            let it = it??;
            loaded.acknowledged.extend(it.acknowledged);
            loaded.unanswered.extend(it.unanswered);
            loaded.refused.extend(it.refused);
        }
        let took = self.probe(victim, Duration::ZERO).await?;
        if fault != Fault::NodeKilled {
            self.recovered = self.recovered.max(took);
        }
        let target = self.nodes[(victim + 2) % NODES].target.clone();
        self.book.ask_again(&target, loaded).await?;
        self.book.add_up(&target).await?;
        eprintln!(
            "round {round}: struck after {} ms, over after {} ms",
            struck.as_millis(),
            started.elapsed().as_millis()
        );
        Ok(())
    }

    /// Gives the numbers of leads that were sent meanwhile and refused.
    async fn strike(&mut self, fault: Fault, victim: usize) -> anyhow::Result<Vec<u64>> {
        let clock = MachineClock::start();
        match fault {
            Fault::NodeKilled => self.nodes[victim].killer().kill(),
            Fault::NodeStands => {
                let killer = self.nodes[victim].killer();
                killer.signal(Signal::STOP)?;
                // Meanwhile the others take its lanes.
                let took = self.probe((victim + 1) % NODES, Duration::ZERO).await;
                clock
                    .wait_until(
                        clock
                            .steady()
                            .plus(STANDS_FOR.saturating_sub(*took.as_ref().unwrap_or(&Duration::ZERO))),
                    )
                    .await;
                killer.signal(Signal::CONT)?;
                self.taken_over = self.taken_over.max(took?);
            }
            Fault::ServerRestarted => self.control("fast").await?,
            Fault::ServerKilled => self.control("immediate").await?,
            Fault::ConnectionsCut => self.control("cut").await?,
            Fault::ServerStands => {
                self.control("stand").await?;
                let told = self.refused_while_it_stands(victim).await;
                self.control("go").await?;
                return told.map(|it| vec![it]);
            }
        }
        Ok(Vec::new())
    }

    /// A sender is told in time that nothing can be promised: the number of its lead.
    async fn refused_while_it_stands(&mut self, node: usize) -> anyhow::Result<u64> {
        let number = self.next;
        self.next += 1;
        let offer = format!("{PUBLISHER}.{}", load::offer(number));
        let told = load::send_one(&self.nodes[node].target, &offer, number).await;
        let told = told.err().context("a lead was acknowledged while the server stood still")?.to_string();
        ensure!(told.contains("was answered 503"), "a sender was not told to send again: {told}");
        Ok(number)
    }

    async fn control(&self, word: &'static str) -> anyhow::Result<()> {
        let control = self.control.clone();
        let ended = spawn_blocking(move || Command::new(control).arg(word).status()).await??;
        ensure!(ended.success(), "the server could not be told to {word}");
        Ok(())
    }

    /// Sends a lead to a node until it is taken, and waits until it is at all plain destinations: how long that took.
    async fn probe(&mut self, node: usize, already: Duration) -> anyhow::Result<Duration> {
        let (clock, started) = (MachineClock::start(), Stopwatch::start());
        // For the plain destinations only: those of the simulated CRMs are judged at the end.
        self.next = self.next.next_multiple_of(load::LEADS_PER_CUSTOMER);
        while load::offer(self.next) != load::PLAIN_OFFER {
            self.next += load::LEADS_PER_CUSTOMER;
        }
        let (number, target) = (self.next, self.nodes[node].target.clone());
        self.next += load::LEADS_PER_CUSTOMER;
        let offer = format!("{PUBLISHER}.{}", load::offer(number));
        let patience = PATIENCE * 3;
        let id = loop {
            match load::send_one(&target, &offer, number).await {
                Ok(id) => break id,
                Err(error) => ensure!(started.elapsed() < patience, "node {node} takes nothing: {error:#}"),
            }
            clock.wait_until(clock.steady().plus(AGAIN)).await;
        };
        self.book.ids.insert(number, id.clone());
        self.book.acknowledged += 1;
        let mut missing = self.destinations.clone();
        loop {
            missing.retain(|it| !self.sink.has(&format!("dlv_{}_{it}", &id[3..])));
            if missing.is_empty() {
                return Ok(already + started.elapsed());
            }
            ensure!(started.elapsed() < patience, "{id} does not arrive at {missing:?}");
            clock.wait_until(clock.steady().plus(AGAIN / 10)).await;
        }
    }

    /// Everything is brought to where it belongs, and is there once.
    async fn end(mut self) -> anyhow::Result<Report> {
        eprintln!("{} rounds are over; what waits is brought to its destinations.", self.args.count);
        let target = self.nodes[0].target.clone();
        self.book.add_up(&target).await?;
        let stuck = keyed::settle(std::slice::from_ref(&target)).await?;
        let mut missing = 0_u64;
        for (id, destination) in
            self.book.ids.values().flat_map(|id| self.destinations.iter().map(move |it| (id, it)))
        {
            missing += u64::from(!self.sink.has(&format!("dlv_{}_{destination}", &id[3..])));
        }
        let more = self.sink.distinct().saturating_sub(self.book.ids.len() * self.destinations.len());
        let mut figures = self.book.figures();
        let (mut at_keyed, mut is_each_once) = (json!({}), true);
        for it in &self.keyed {
            let found = it.judge(self.book.ids.keys().copied());
            at_keyed[it.kind] = json!({ "expected": found.expected, "missing": found.missing, "doubled": found.doubled, "calls": it.calls() });
            is_each_once &= found.missing + found.doubled == 0;
        }
        let is_lossless = self.book.lost + self.book.missing + self.book.doubled == 0;
        let lost_before = self.book.lost;
        let never =
            load::Answered { number: self.next, id: "tp_never".to_owned(), duplicate: false, late: false };
        self.book.ask_again(&target, Loaded { acknowledged: vec![never], ..Loaded::default() }).await?;
        let control_lost = self.book.lost - lost_before;
        figures["rounds"] = json!(self.args.count);
        figures["faults"] = self.faults.iter().map(|(it, count)| (format!("{it:?}"), json!(count))).collect();
        figures["taken_over_ms_max"] = json!(self.taken_over.as_millis());
        figures["recovered_ms_max"] = json!(self.recovered.as_millis());
        figures["stuck"] = json!(stuck);
        figures["not_arrived"] = json!(missing);
        figures["arrived_unsent"] = json!(more);
        figures["keyed"] = at_keyed;
        figures["control_lost"] = json!(control_lost);
        let is_well = is_lossless
            && is_each_once
            && stuck + missing == 0
            && more == 0
            && control_lost == 1
            && self.sink.refused() == 0;
        Ok(Report::Ran(is_well, figures))
    }
}
