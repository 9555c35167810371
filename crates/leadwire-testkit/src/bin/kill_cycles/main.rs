//! Kills the service under load again and again, and checks after each restart that nothing it answered 202 is lost.
//!
//! It keeps its own book of what it was answered, and asks the program, never the store. The last line of its output
//! is one JSON object. Run it by `scripts/kill-cycles`.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it reports to a terminal and to scripts")]

mod load;
mod program;
mod sink;

use anyhow::{Context, bail, ensure};
use leadwire::clock::{Stopwatch, random_bits};
use load::{Answered, Target};
use program::Program;
use serde_json::{Value, json};
use sink::Sink;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str =
    "usage: kill_cycles --program FILE --data FOLDER --cycles N [--seed N] [--defective FILE]";
/// Most acknowledgements before a kill: some kills hit the first group of writes, some a program in full swing.
const ACKNOWLEDGED_MAX: u64 = 400;
/// One start in so many is killed as soon as it is ready, while it recovers its deliveries.
const KILLED_AT_START: u64 = 8;

struct Args {
    program: PathBuf,
    data: PathBuf,
    cycles: u64,
    seed: u64,
    /// A build with a seeded defect, to be caught.
    defective: Option<PathBuf>,
}

impl Args {
    fn read() -> anyhow::Result<Self> {
        let (mut program, mut data, mut cycles, mut defective) = (None, None, None, None);
        let mut seed = u64::try_from(random_bits() >> 96).expect("32 bits fit");
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
            match name.as_str() {
                "--program" => program = Some(std::path::absolute(value)?),
                "--defective" => defective = Some(std::path::absolute(value)?),
                "--data" => data = Some(std::path::absolute(value)?),
                "--cycles" => cycles = Some(value.parse().context("--cycles must be a number")?),
                "--seed" => seed = value.parse().context("--seed must be a number")?,
                _ => bail!("there is no {name}; {USAGE}"),
            }
        }
        let program: PathBuf = program.context(USAGE)?;
        for file in [Some(&program), defective.as_ref()].into_iter().flatten() {
            ensure!(file.exists(), "{} is not there; build it first", file.display());
        }
        Ok(Self { program, data: data.context(USAGE)?, cycles: cycles.context(USAGE)?, seed, defective })
    }

    /// What is started and killed.
    fn victim(&self) -> &Path {
        self.defective.as_ref().unwrap_or(&self.program)
    }
}

/// What the harness was answered, and what became of it.
#[derive(Default)]
struct Book {
    /// The id of each key's touchpoint, as last answered.
    ids: HashMap<u64, String>,
    /// Keys whose 202 was read before a kill.
    acknowledged: u64,
    /// Keys that were sent and not answered, and of these the ones that turned out to be stored.
    unanswered: u64,
    unanswered_stored: u64,
    /// Keys that were answered 202 and were not there after the restart.
    lost: u64,
    /// Touchpoints that the ledger lacks at the end of a cycle, and the most that it had too many.
    missing: u64,
    doubled: u64,
}

/// Throws the same numbers for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> anyhow::Result<bool> {
    let args = Args::read()?;
    let Args { cycles, seed, .. } = args;
    eprintln!("{cycles} cycles of {}, seed {seed}, data in {}", args.victim().display(), args.data.display());
    let watch = Stopwatch::start();
    let (mut dice, mut book) = (Dice(seed), Book::default());
    let sink = Sink::start().await?;
    let mut program = Program::start(&args.program, &args.data).await?;
    let destination = set_up(&program.target, &sink).await?;
    if args.defective.is_some() {
        // Whoever is answered too early cannot even be set up: each step would miss the one before.
        program.kill_and_wait().await?;
        program = Program::start(args.victim(), &args.data).await?;
    }
    for cycle in 1..=cycles {
        program = one_cycle(&args, program, &mut dice, &mut book).await?;
        if cycles <= 20 || cycle % 10 == 0 {
            let Book { acknowledged, unanswered, unanswered_stored, lost, missing, doubled, .. } = &book;
            eprintln!(
                "cycle {cycle} of {cycles}, {:.0} s: {acknowledged} acknowledged, {unanswered} without an answer \
                 ({unanswered_stored} of them stored), {lost} lost, {missing} missing, {doubled} doubled",
                watch.elapsed().as_secs_f64()
            );
        }
    }
    let lost = book.lost + book.missing;
    // With losses the books no longer agree, so there is nothing to wait for.
    let delivered = if lost == 0 { drain(&program.target, &sink, &book, destination).await? } else { 0 };
    program.kill_and_wait().await?;
    let all_there = lost == 0 && book.doubled == 0 && delivered == book.ids.len();
    if args.defective.is_some() {
        eprintln!(
            "{}",
            if lost > 0 { "The seeded defect was caught." } else { "The seeded defect was NOT caught." }
        );
    } else if !all_there {
        eprintln!(
            "FAILED: {delivered} of {} delivered, {lost} lost, {} doubled",
            book.ids.len(),
            book.doubled
        );
    }
    let report = json!({
        "cycles": cycles, "acknowledged": book.acknowledged, "lost": lost, "doubled": book.doubled, "seed": seed,
        "delivered": delivered, "unanswered": book.unanswered, "unanswered_stored": book.unanswered_stored,
    });
    println!("{report}");
    Ok(if args.defective.is_some() { lost > 0 } else { all_there })
}

/// Gives the service a publisher, a destination and a route; gives back the destination's number.
async fn set_up(target: &Target, sink: &Sink) -> anyhow::Result<Value> {
    target.post("/v1/publishers", &json!({ "id": "contoso" })).await?;
    target.post("/v1/offers?publisher=contoso", &json!({ "id": "crm-pro" })).await?;
    let settings = json!({ "url": sink.url(), "signing_secret": sink::SECRET });
    let new = json!({ "name": "crm", "kind": "https", "settings": settings });
    let made = target.post("/v1/destinations?publisher=contoso", &new).await?;
    target.post("/v1/routes?publisher=contoso", &json!({ "offer": "*", "destination": "crm" })).await?;
    Ok(made["number"].clone())
}

/// Load, kill, start, verify.
async fn one_cycle(
    args: &Args,
    program: Program,
    dice: &mut Dice,
    book: &mut Book,
) -> anyhow::Result<Program> {
    let kill_at = 1 + dice.below(ACKNOWLEDGED_MAX);
    let first = u64::try_from(book.ids.len())?;
    let loaded = load::until_killed(&program, first, kill_at).await?;
    program.kill_and_wait().await?;
    while dice.below(KILLED_AT_START) == 0 {
        Program::start(args.victim(), &args.data).await?.kill_and_wait().await?;
    }
    let program = Program::start(args.victim(), &args.data).await?;

    book.acknowledged += u64::try_from(loaded.acknowledged.len())?;
    book.unanswered += u64::try_from(loaded.unanswered.len())?;
    let promised: HashMap<u64, String> =
        loaded.acknowledged.into_iter().map(|it| (it.number, it.id)).collect();
    let again = promised.keys().copied().chain(loaded.unanswered).collect();
    for Answered { number, id, duplicate } in load::send_again(&program.target, again).await? {
        match promised.get(&number) {
            Some(promised) if duplicate && *promised == id => {}
            Some(_) => book.lost += 1,
            None => book.unanswered_stored += u64::from(duplicate),
        }
        book.ids.insert(number, id);
    }
    let ledger = program.target.get("/v1/ledger?publisher=contoso").await?;
    let touchpoints = ledger["touchpoints"].as_u64().context("a ledger counts touchpoints")?;
    let keys = u64::try_from(book.ids.len())?;
    book.missing = keys.saturating_sub(touchpoints);
    book.doubled = book.doubled.max(touchpoints.saturating_sub(keys));
    ensure!(ledger["adds_up"] == true, "the ledger does not add up: {ledger}");
    Ok(program)
}

/// Waits until nothing is pending, and counts the touchpoints that arrived.
async fn drain(target: &Target, sink: &Sink, book: &Book, destination: Value) -> anyhow::Result<usize> {
    sink.wait_for(book.ids.len()).await?;
    let account = sink.settle(target).await?;
    let arrived = book.ids.values().filter(|id| sink.has(&format!("dlv_{}_{destination}", &id[3..]))).count();
    ensure!(
        sink.distinct() == book.ids.len(),
        "{} deliveries arrived that nobody sent",
        sink.distinct() - arrived
    );
    ensure!(
        sink.refused() == 0,
        "the endpoint refused {} requests, by their signature perhaps",
        sink.refused()
    );
    ensure!(
        account["delivered"].as_u64() == Some(u64::try_from(arrived)?),
        "{arrived} arrived, but: {account}"
    );
    Ok(arrived)
}
