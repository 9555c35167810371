//! Every call that the way of a lead makes on the data folder fails in its turn, once or for good: what was answered 202
//! is there after a clean start, and nothing is stored twice. Over a whole run with its start, or on the way of single leads
//! through a program that runs: there the calls are few and the same each time, so that each of them can be tried.

use crate::{Args, Report, tracer};
use anyhow::{Context, bail, ensure};
use leadwire_testkit::app::PATIENCE;
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::load::{self, Load, Loaded, Then};
use leadwire_testkit::harness::program::{Launch, Program, Start};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, set_up};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Leads of one run: enough for several commits on one connection each.
const LEADS: u64 = 64;
/// Writes to the log after which the control's disk begins to lie: at most so many, in such steps.
const CONTROL_WRITES_MAX: u64 = 400;
const CONTROL_STEP: usize = 20;
/// Calls that only give back or look up what the kernel has in memory: they do not fail for want of a disk.
const LEFT_ALONE: &[&str] = &["close", "munmap", "execve", "getcwd", "inotify_add_watch"];
/// Calls that a full disk makes fail.
const NEED_SPACE: &[&str] =
    &["write", "pwrite64", "openat", "ftruncate", "fallocate", "fsync", "fdatasync", "mkdir"];

/// Leads of one run on the way of single leads, one after the other.
const SINGLE_LEADS: u64 = 2;

/// Which calls fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Those of a whole run, its start included.
    Run,
    /// Those on the way of single leads.
    Lead,
}

/// One way in which calls fail.
struct Fault {
    call: String,
    error: &'static str,
    /// Which call of a thread is the first to fail.
    first: u64,
    /// Whether all later ones fail too.
    for_good: bool,
}

/// What is known over all runs.
#[derive(Default)]
struct Sums {
    runs: u64,
    not_fired: u64,
    refused_start: u64,
    ended: u64,
    went_on: u64,
    silent: u64,
    books: BTreeMap<&'static str, u64>,
    by_call: BTreeMap<String, u64>,
    arrived: usize,
}

/// What all runs share.
struct Bench<'a> {
    args: &'a Args,
    span: Span,
    sink: Sink,
    destination: Value,
    template: PathBuf,
    data: PathBuf,
    trace: PathBuf,
    /// Deliveries that arrived while the calls were counted.
    before: usize,
}

pub(crate) async fn run(args: &Args, span: Span) -> anyhow::Result<Report> {
    if let Some(lacks) = tracer::lacks() {
        return Ok(Report::Lacks(lacks));
    }
    let sink = Sink::start().await?;
    let template = args.folder.join("template");
    let program = Program::start(&Launch::plain(&args.program, &template)).await?;
    let destination = set_up(&program.target, &sink).await?;
    program.stop().await?;
    let (data, trace) = (args.folder.join("data"), args.folder.join("trace"));
    let mut bench = Bench { args, span, sink, destination, template, data, trace, before: 0 };
    let plan = bench.plan().await?;
    bench.before = bench.sink.distinct();
    eprintln!("{} of {} ways to fail, seed {}", args.count.min(plan.len() as u64), plan.len(), args.seed);
    let mut sums = Sums::default();
    for (number, fault) in plan.iter().enumerate().take(usize::try_from(args.count)?) {
        let Fault { call, error, first, for_good } = fault;
        let what = format!("{call} {first}{}, {error}", if *for_good { " and all later" } else { "" });
        bench.one(fault, &mut sums).await.with_context(|| format!("{what}, in {}", bench.data.display()))?;
        if (number + 1) % 25 == 0 {
            eprintln!("{} ways tried, the last {what}: {}", number + 1, sums.figures());
        }
    }
    let control_lost = bench.control().await?;
    let mut figures = sums.figures();
    figures["ways"] = json!(plan.len());
    figures["calls"] = json!(counts(&plan));
    figures["control_lost"] = json!(control_lost);
    let is_bad = ["lost", "doubled"].iter().any(|it| sums.books.get(it) != Some(&0));
    let is_well = !is_bad && sums.silent == 0 && sums.runs > 0 && control_lost > 0;
    Ok(Report::Ran(is_well, figures))
}

impl Bench<'_> {
    /// Every call that a run without faults makes, in an order thrown by the seed.
    async fn plan(&self) -> anyhow::Result<Vec<Fault>> {
        let (program, mut tracer) = match self.start("%file,%desc", None).await? {
            (Start::Ready(program), tracer) => (program, tracer),
            (Start::Ended(status), _) => bail!("it ended with {status} although nothing fails"),
        };
        let loaded = self.load(&program).await?;
        ensure!(
            loaded.refused.is_empty() && loaded.unanswered.is_empty(),
            "leads are refused without a fault"
        );
        // What these leads are is known to no book, so their deliveries are waited for and forgotten.
        self.sink.wait_for(loaded.acknowledged.len()).await?;
        self.sink.settle(&program.target).await?;
        program.stop().await?;
        if let Some(tracer) = &mut tracer {
            tracer.wait()?;
        }
        let mut plan = Vec::new();
        for (call, count) in tracer::calls(&self.trace)? {
            if LEFT_ALONE.contains(&call.as_str()) {
                continue;
            }
            let errors: &[&str] = if NEED_SPACE.contains(&&*call) { &["EIO", "ENOSPC"] } else { &["EIO"] };
            for error in errors {
                for first in 1..=count {
                    for for_good in [false, true] {
                        plan.push(Fault { call: call.clone(), error, first, for_good });
                    }
                }
            }
        }
        let mut dice = Dice::new(self.args.seed);
        for at in (1..plan.len()).rev() {
            plan.swap(at, usize::try_from(dice.below(u64::try_from(at)? + 1))?);
        }
        Ok(plan)
    }

    /// A fresh copy of the template, and how to start on it under strace.
    fn launch(&self, calls: &str, inject: Option<&str>) -> anyhow::Result<Launch> {
        if self.data.exists() {
            std::fs::remove_dir_all(&self.data)?;
        }
        copy(&self.template, &self.data)?;
        std::fs::write(&self.trace, "")?;
        let through = tracer::through(&self.trace, &tracer::files(&self.data), calls, inject);
        let plain = Launch::plain(&self.args.program, &self.data);
        if plain.log.exists() {
            std::fs::remove_file(&plain.log)?;
        }
        Ok(Launch { through, ..plain })
    }

    /// Starts the program so that strace watches it from the start, or from when it is ready; then strace is a child.
    async fn start(&self, calls: &str, inject: Option<&str>) -> anyhow::Result<(Start, Option<Child>)> {
        let launch = self.launch(calls, inject)?;
        if self.span == Span::Run {
            return Ok((Program::try_start(&launch).await?, None));
        }
        let started = Program::try_start(&Launch { through: Vec::new(), ..launch }).await?;
        let Start::Ready(program) = &started else { return Ok((started, None)) };
        let files = tracer::files(&self.data);
        let tracer = tracer::watch(program.id(), (&self.trace, &files), calls, inject)?;
        Ok((started, Some(tracer)))
    }

    async fn load(&self, program: &Program) -> anyhow::Result<Loaded> {
        let load = Load { first: 0, count: LEADS, strike_at: u64::MAX, then: Then::GoesOn };
        if self.span == Span::Run {
            return load::send(&program.target, load, || {}).await;
        }
        let mut all = Loaded::default();
        for lead in 0..SINGLE_LEADS {
            // Each of another customer: leads of one would wait for each other.
            let first = lead * load::LEADS_PER_CUSTOMER;
            let one = load::send(&program.target, Load { first, count: 1, ..load }, || {}).await?;
            all.acknowledged.extend(one.acknowledged);
            all.unanswered.extend(one.unanswered);
            all.refused.extend(one.refused);
        }
        Ok(all)
    }

    async fn one(&self, fault: &Fault, sums: &mut Sums) -> anyhow::Result<()> {
        let when = if fault.for_good { "+" } else { "" };
        let inject = format!("{}:error={}:when={}{when}", fault.call, fault.error, fault.first);
        let mut loaded = Loaded::default();
        let mut ended = None;
        let (started, tracer) = self.start(&fault.call, Some(&inject)).await?;
        match started {
            Start::Ended(status) => ended = Some((status, false)),
            Start::Ready(program) => {
                loaded = self.load(&program).await?;
                // A program that cannot answer this any more is about to end.
                if program.target.ledger().await.is_err() {
                    let status = program.ended_within(PATIENCE).await?;
                    ended = Some((status.context("it neither answers nor ends")?, true));
                } else {
                    program.kill_and_wait().await?;
                }
            }
        }
        if let Some(mut tracer) = tracer {
            tracer.wait()?;
        }
        let log = Launch::plain(&self.args.program, &self.data).log;
        let said = std::fs::read_to_string(log).unwrap_or_default();
        ensure!(!said.contains("panicked"), "it panicked: {said}");
        if !tracer::fired(&self.trace)? {
            sums.not_fired += 1;
            ensure!(ended.is_none(), "it ended although nothing failed: {said}");
        } else {
            sums.runs += 1;
            *sums.by_call.entry(fault.call.clone()).or_default() += 1;
            match ended {
                Some((status, _)) if status.code().is_none_or(|it| it == 0) || said.trim().is_empty() => {
                    sums.silent += 1;
                    eprintln!("{inject}: it ended with {status} and said: {said}");
                }
                Some((_, true)) => sums.ended += 1,
                Some((_, false)) => sums.refused_start += 1,
                None => sums.went_on += 1,
            }
        }
        let mut book = Book::default();
        let program = Program::start(&Launch::plain(&self.args.program, &self.data)).await?;
        book.settle(&program.target, loaded).await?;
        if book.lost + book.missing == 0 {
            let others = Others { before: self.before + sums.arrived, strays_max: 0 };
            sums.arrived += book.drain(&program.target, &self.sink, &self.destination, others).await?;
        }
        program.kill_and_wait().await?;
        if book.lost + book.missing + book.doubled > 0 {
            bail!("{inject}: {}", book.figures());
        }
        sums.add(&book);
        Ok(())
    }

    /// A disk that says it wrote the log and did not: what the program was told is done is lost, and must be missed. The
    /// lie begins later and later until it takes in a commit with leads, and not only one of the start.
    async fn control(&self) -> anyhow::Result<u64> {
        for first in (1..=CONTROL_WRITES_MAX).step_by(CONTROL_STEP) {
            let lie = format!("pwrite64:retval=4096:when={first}+");
            let mut launch = self.launch("pwrite64", None)?;
            let log = self.data.join("leadwire.db-wal").display().to_string();
            launch.through = tracer::through(&self.trace, &[log], "pwrite64", Some(&lie));
            let Start::Ready(program) = Program::try_start(&launch).await? else { continue };
            let loaded = self.load(&program).await?;
            program.kill_and_wait().await?;
            if !tracer::fired(&self.trace)? || loaded.acknowledged.is_empty() {
                continue;
            }
            let program = Program::start(&Launch::plain(&self.args.program, &self.data)).await?;
            let mut book = Book::default();
            book.settle(&program.target, loaded).await?;
            program.kill_and_wait().await?;
            if book.lost > 0 {
                return Ok(book.lost);
            }
        }
        Ok(0)
    }
}

/// The calls of a plan: how many of each are made.
fn counts(plan: &[Fault]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for fault in plan {
        let most = counts.entry(&*fault.call).or_default();
        *most = fault.first.max(*most);
    }
    counts
}

impl Sums {
    fn add(&mut self, book: &Book) {
        let figures = [
            ("acknowledged", book.acknowledged),
            ("unanswered", book.unanswered),
            ("unanswered_stored", book.unanswered_stored),
            ("refused", book.refused),
            ("lost", book.lost + book.missing),
            ("doubled", book.doubled),
        ];
        for (name, figure) in figures {
            *self.books.entry(name).or_default() += figure;
        }
    }

    fn figures(&self) -> Value {
        json!({
            "runs": self.runs, "not_fired": self.not_fired, "refused_start": self.refused_start, "ended": self.ended,
            "went_on": self.went_on, "silent": self.silent, "arrived": self.arrived, "leads": self.books,
            "by_call": self.by_call,
        })
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
