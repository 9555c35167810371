//! Does to the real program what machines and networks do, and checks afterwards that nothing it answered 202 is lost or
//! doubled. Each part ends with one JSON line and has a control that must fail. Run it by `scripts/bulk-kills`, `scripts/io-errors`,
//! `scripts/kill-points`, `scripts/power-cuts`, `scripts/odd-days`, `scripts/outage`, `scripts/isolation`,
//! `scripts/backlog` and `scripts/nodes`.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it reports to a terminal and to scripts")]

mod backlog;
mod bulk_kills;
mod clock_jumps;
mod disk;
mod io_errors;
mod isolation;
mod kill_points;
mod nodes;
mod odd_days;
mod outage;
mod power_cuts;
mod receivers;
mod tracer;

use anyhow::{Context, bail, ensure};
use leadwire_testkit::harness::any_seed;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: faults (backlog|bulk-kills|clock-jumps|io-errors|io-sweep|isolation|kill-points|nodes|odd-days|outage|power-cuts) --program FILE --folder FOLDER --count N [--seed N] \
     [--defective FILE] [--go-on-without yes]";

/// What a part is told.
pub(crate) struct Args {
    pub(crate) program: PathBuf,
    /// Where it may write: on a disk, and its own.
    pub(crate) folder: PathBuf,
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// A build with a seeded defect, to be caught instead of a lying machine.
    pub(crate) defective: Option<PathBuf>,
    go_on_without: bool,
}

/// What came of a part.
pub(crate) enum Report {
    /// It ran: whether all is well, and its figures.
    Ran(bool, Value),
    /// This machine lacks something: what, and what to do.
    Lacks(String),
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
    let part = std::env::args().nth(1).context(USAGE)?;
    let args = Args::read()?;
    std::fs::create_dir_all(&args.folder)?;
    let report = match part.as_str() {
        "backlog" => backlog::run(&args).await?,
        "bulk-kills" => bulk_kills::run(&args).await?,
        "clock-jumps" => clock_jumps::run(&args).await?,
        "io-errors" => io_errors::run(&args, io_errors::Span::Run).await?,
        "io-sweep" => io_errors::run(&args, io_errors::Span::Lead).await?,
        "isolation" => isolation::run(&args).await?,
        "kill-points" => kill_points::run(&args).await?,
        "nodes" => nodes::run(&args).await?,
        "odd-days" => odd_days::run(&args).await?,
        "outage" => outage::run(&args).await?,
        "power-cuts" => power_cuts::run(&args).await?,
        _ => bail!("there is no part {part}; {USAGE}"),
    };
    match report {
        Report::Ran(is_well, mut figures) => {
            figures["what"] = json!(part);
            figures["seed"] = json!(args.seed);
            figures["well"] = json!(is_well);
            println!("{figures}");
            Ok(is_well)
        }
        Report::Lacks(lacks) => {
            eprintln!("NOT RUN: {lacks}");
            println!("{}", json!({ "what": part, "lacks": lacks }));
            Ok(args.go_on_without)
        }
    }
}

impl Args {
    fn read() -> anyhow::Result<Self> {
        let (mut program, mut folder, mut count, mut defective) = (None, None, None, None);
        let (mut seed, mut go_on_without) = (any_seed(), false);
        let mut args = std::env::args().skip(2);
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
            match name.as_str() {
                "--program" => program = Some(std::path::absolute(value)?),
                "--defective" => defective = Some(std::path::absolute(value)?),
                "--folder" => folder = Some(std::path::absolute(value)?),
                "--count" => count = Some(value.parse().context("--count must be a number")?),
                "--seed" => seed = value.parse().context("--seed must be a number")?,
                "--go-on-without" => go_on_without = value == "yes",
                _ => bail!("there is no {name}; {USAGE}"),
            }
        }
        let program: PathBuf = program.context(USAGE)?;
        for file in [Some(&program), defective.as_ref()].into_iter().flatten() {
            ensure!(file.exists(), "{} is not there; build it first", file.display());
        }
        let (folder, count) = (folder.context(USAGE)?, count.context(USAGE)?);
        Ok(Self { program, folder, count, seed, defective, go_on_without })
    }
}
