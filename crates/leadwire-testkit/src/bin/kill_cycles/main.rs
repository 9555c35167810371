//! Kills the service under load again and again, and checks after each restart that nothing it answered 202 is lost.
//!
//! It keeps its own book of what it was answered, and asks the program, never the store. The last line of its output
//! is one JSON object. Run it by `scripts/kill-cycles`.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it reports to a terminal and to scripts")]

use anyhow::{Context, bail, ensure};
use leadwire::clock::Stopwatch;
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::load::{self, Load, Then};
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, any_seed, set_up};
use serde_json::json;
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
        let mut seed = any_seed();
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

    fn launch(&self, program: &Path) -> Launch {
        Launch::plain(program, &self.data)
    }

    /// What is started and killed.
    fn victim(&self) -> &Path {
        self.defective.as_ref().unwrap_or(&self.program)
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
    let (mut dice, mut book) = (Dice::new(seed), Book::default());
    let sink = Sink::start().await?;
    let mut program = Program::start(&args.launch(&args.program)).await?;
    let destination = set_up(&program.target, &sink).await?;
    if args.defective.is_some() {
        // Whoever is answered too early cannot even be set up: each step would miss the one before.
        program.kill_and_wait().await?;
        program = Program::start(&args.launch(args.victim())).await?;
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
    let delivered = if lost == 0 {
        book.drain(&program.target, &sink, &destination, Others::default()).await?
    } else {
        0
    };
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

/// Load, kill, start, verify.
async fn one_cycle(
    args: &Args,
    program: Program,
    dice: &mut Dice,
    book: &mut Book,
) -> anyhow::Result<Program> {
    let kill_at = 1 + dice.below(ACKNOWLEDGED_MAX);
    let load = Load { first: book.next(), count: u64::MAX, strike_at: kill_at, then: Then::Ends };
    let killer = program.killer();
    let loaded = load::send(&program.target, load, move || killer.kill()).await?;
    if let Some(it) = loaded.refused.first() {
        bail!("key {} was answered {}", it.number, it.status);
    }
    program.kill_and_wait().await?;
    let launch = args.launch(args.victim());
    while dice.below(KILLED_AT_START) == 0 {
        Program::start(&launch).await?.kill_and_wait().await?;
    }
    let program = Program::start(&launch).await?;
    book.settle(&program.target, loaded).await?;
    Ok(program)
}
