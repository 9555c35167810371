//! Kills the service under load again and again, and checks after each restart that nothing it answered 202 is lost.
//!
//! It keeps its own book of what it was answered, and asks the program, never the store. Every line of its output is
//! one JSON object, the last one the result. Run it by `scripts/kill-cycles`.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it reports to a terminal and to scripts")]

mod era;

use anyhow::{Context, bail, ensure};
use era::{Era, Sums};
use leadwire::clock::Stopwatch;
use leadwire_testkit::harness::load::{self, Load, Then};
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, any_seed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str =
    "usage: kill_cycles --program FILE --data FOLDER --cycles N [--minutes N] [--seed N] [--defective FILE]";
/// Most acknowledgements before a kill: some kills hit the first group of writes, some a program in full swing.
const ACKNOWLEDGED_MAX: u64 = 600;
/// One start in so many is killed as soon as it is ready, while it recovers its deliveries.
const KILLED_AT_START: u64 = 8;
/// Most cycles with one publisher: its ledger counts all of its rows, so it must not grow with the number of cycles.
const CYCLES_OF_ERA_MAX: u64 = 250;
/// Publishers of a short run, so that every kind of simulated CRM has its turn.
const ERAS_MIN: u64 = 3;
/// The ledger is looked at after each of the first cycles of a publisher, and then after every so many.
const LEDGER_AT_FIRST: u64 = 5;
const LEDGER_EVERY: u64 = 50;
/// After so many cycles there is a line that says how it stands, for a run that somebody ends.
const TELL_EVERY: u64 = 100;

struct Args {
    program: PathBuf,
    data: PathBuf,
    cycles: u64,
    /// No cycle begins after so much time.
    time_max: Duration,
    seed: u64,
    /// A build with a seeded defect, to be caught.
    defective: Option<PathBuf>,
}

impl Args {
    fn read() -> anyhow::Result<Self> {
        let (mut program, mut data, mut cycles, mut defective) = (None, None, None, None);
        let (mut seed, mut time_max) = (any_seed(), Duration::MAX);
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
            let number = || value.parse::<u64>().with_context(|| format!("{name} must be a number"));
            match name.as_str() {
                "--program" => program = Some(std::path::absolute(value)?),
                "--defective" => defective = Some(std::path::absolute(value)?),
                "--data" => data = Some(std::path::absolute(value)?),
                "--cycles" => cycles = Some(number()?),
                "--minutes" => time_max = Duration::from_secs(60).saturating_mul(u32::try_from(number()?)?),
                "--seed" => seed = number()?,
                _ => bail!("there is no {name}; {USAGE}"),
            }
        }
        let program: PathBuf = program.context(USAGE)?;
        for file in [Some(&program), defective.as_ref()].into_iter().flatten() {
            ensure!(file.exists(), "{} is not there; build it first", file.display());
        }
        let (data, cycles) = (data.context(USAGE)?, cycles.context(USAGE)?);
        Ok(Self { program, data, cycles, time_max, seed, defective })
    }

    fn launch(&self, program: &Path) -> Launch {
        Launch::plain(program, &self.data)
    }

    fn cycles_of_era(&self) -> u64 {
        self.cycles.div_ceil(ERAS_MIN).clamp(1, CYCLES_OF_ERA_MAX)
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

/// A run on its way.
struct Run {
    args: Args,
    dice: Dice,
    sink: Sink,
    watch: Stopwatch,
    /// Those that are over, and the present one, which is the last.
    eras: Vec<Era>,
    cycles: u64,
    kills: u64,
}

async fn run() -> anyhow::Result<bool> {
    let args = Args::read()?;
    let (victim, data) = (args.victim().display(), args.data.display());
    eprintln!("{} cycles of {victim}, seed {}, data in {data}", args.cycles, args.seed);
    let (dice, sink) = (Dice::new(args.seed), Sink::start().await?);
    let mut run = Run { args, dice, sink, watch: Stopwatch::start(), eras: Vec::new(), cycles: 0, kills: 0 };
    let mut program = Program::start(&run.args.launch(run.args.victim())).await?;
    while run.cycles < run.args.cycles && run.watch.elapsed() < run.args.time_max {
        if run.cycles.is_multiple_of(run.args.cycles_of_era()) {
            program = run.begin_era(program).await?;
        }
        program = run.one_cycle(program).await?;
        run.cycles += 1;
        if run.cycles.is_multiple_of(TELL_EVERY) || run.args.cycles <= 20 {
            let mut figures = run.figures();
            figures["ended"] = json!(false);
            println!("{figures}");
        }
    }
    let is_well = run.end(program).await?;
    Ok(is_well)
}

impl Run {
    /// Goes on with a new publisher.
    async fn begin_era(&mut self, mut program: Program) -> anyhow::Result<Program> {
        if self.args.defective.is_some() {
            // Whoever is answered too early cannot even be set up: each step would miss the one before.
            program.kill_and_wait().await?;
            program = Program::start(&self.args.launch(&self.args.program)).await?;
        }
        let first = self.eras.last().map_or(0, |it| it.book.next());
        let number = self.eras.len();
        self.eras.push(Era::begin(number, first, &program.target, &self.sink).await?);
        if self.args.defective.is_some() {
            program.kill_and_wait().await?;
            program = Program::start(&self.args.launch(self.args.victim())).await?;
        }
        Ok(program)
    }

    /// Load, kill, start, verify.
    async fn one_cycle(&mut self, program: Program) -> anyhow::Result<Program> {
        let era = self.eras.last_mut().context("a cycle has a publisher")?;
        let kill_at = 1 + self.dice.below(ACKNOWLEDGED_MAX);
        let load = Load { first: era.book.next(), count: u64::MAX, strike_at: kill_at, then: Then::Ends };
        let killer = program.killer();
        let target = program.target.of(&era.publisher);
        let loaded = load::send(&target, load, move || killer.kill()).await?;
        if let Some(it) = loaded.refused.first() {
            bail!("key {} was answered {}", it.number, it.status);
        }
        program.kill_and_wait().await?;
        self.kills += 1;
        let launch = self.args.launch(self.args.victim());
        while self.dice.below(KILLED_AT_START) == 0 {
            Program::start(&launch).await?.kill_and_wait().await?;
            self.kills += 1;
        }
        let program = Program::start(&launch).await?;
        let target = program.target.of(&era.publisher);
        era.book.ask_again(&target, loaded).await?;
        let cycle = self.cycles % self.args.cycles_of_era();
        if cycle < LEDGER_AT_FIRST || cycle.is_multiple_of(LEDGER_EVERY) {
            era.book.add_up(&target).await?;
        }
        Ok(program)
    }

    fn figures(&self) -> Value {
        let mut figures = Sums::of(&self.eras).figures();
        figures["what"] = json!("kill-cycles");
        figures["cycles"] = json!(self.cycles);
        figures["kills"] = json!(self.kills);
        figures["seconds"] = json!(self.watch.elapsed().as_secs());
        figures["seed"] = json!(self.args.seed);
        figures
    }

    /// Everything is brought to where it belongs, and is there once.
    async fn end(mut self, program: Program) -> anyhow::Result<bool> {
        for era in &mut self.eras {
            era.book.add_up(&program.target.of(&era.publisher)).await?;
        }
        let sums = Sums::of(&self.eras);
        let mut figures = self.figures();
        figures["ended"] = json!(true);
        let is_caught = sums.lost > 0;
        let mut is_well = sums.lost + sums.doubled == 0;
        // With losses the books no longer agree, so there is nothing to wait for.
        if is_well {
            eprintln!("{} cycles are over; what waits is brought to its destinations.", self.cycles);
            let arrived = era::drain(&self.eras, &program.target, &self.sink).await?;
            is_well = arrived.delivered == sums.leads && arrived.is_each_there_once();
            figures["delivered"] = json!(arrived.delivered);
            figures["stuck"] = json!(arrived.stuck);
            figures["keyed"] = arrived.figures();
            let last = self.eras.last_mut().context("there was a cycle")?;
            let missed = last.book.miss_one_never_sent(&program.target.of(&last.publisher)).await?;
            figures["control_lost"] = json!(missed);
            is_well &= missed == 1;
        }
        program.kill_and_wait().await?;
        if self.args.defective.is_some() {
            let caught = if is_caught { "was caught" } else { "was NOT caught" };
            eprintln!("The seeded defect {caught}.");
        }
        figures["well"] = json!(is_well);
        println!("{figures}");
        Ok(if self.args.defective.is_some() { is_caught } else { is_well })
    }
}
