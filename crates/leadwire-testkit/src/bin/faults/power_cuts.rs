//! The power goes under load, again and again: what was answered 202 before is there when it comes back. The control is
//! a disk that says it flushed and did not, or a build that does not flush each commit; it must lose.

use crate::disk::{self, Disk, PowerCut};
use crate::{Args, Report, tracer};
use anyhow::Context;
use leadwire::clock::Stopwatch;
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::load::{self, Answered, Load, Then};
use leadwire_testkit::harness::program::{Launch, Program, Start};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, set_up};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Most acknowledgements before a cut: some cuts hit the first group of writes, some a program in full swing.
const ACKNOWLEDGED_MAX: u64 = 400;
/// Cuts of the control: it is over sooner when one loses.
const CONTROL_CUTS: u64 = 20;

/// A disk with a store on it.
struct Bench<'a> {
    args: &'a Args,
    disk: Disk,
    sink: Sink,
    destination: Value,
    dice: Dice,
    book: Book,
    /// Leads that were answered 202 while the power was going.
    late: usize,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    if let Some(lacks) = disk::lacks(&args.folder) {
        return Ok(Report::Lacks(lacks));
    }
    if args.defective.is_none()
        && let Some(lacks) = tracer::lacks()
    {
        return Ok(Report::Lacks(format!("the control has no lying disk: {lacks}")));
    }
    let watch = Stopwatch::start();
    let mut bench = Bench::start(args, args.seed).await?;
    for cut in 1..=args.count {
        let is_whole = bench.cut(bench.plain()).await.with_context(|| format!("cut {cut}"))?;
        anyhow::ensure!(is_whole, "after cut {cut} the program did not start");
        if args.count <= 20 || cut % 10 == 0 {
            let seconds = watch.elapsed().as_secs_f64();
            eprintln!("cut {cut} of {}, {seconds:.0} s: {}", args.count, bench.book.figures());
        }
    }
    let mut figures = bench.book.figures();
    let lost = bench.book.lost + bench.book.missing;
    figures["cuts"] = json!(args.count);
    figures["answered_after_the_cut"] = json!(bench.late);
    let delivered = if lost == 0 { bench.drain().await? } else { 0 };
    figures["delivered"] = json!(delivered);
    let is_whole = lost == 0 && bench.book.doubled == 0 && delivered == bench.book.ids.len();
    drop(bench);

    let (control_cuts, control_lost) = control(args).await?;
    figures["control"] = json!(if args.defective.is_some() { "synchronous=NORMAL" } else { "no flush" });
    figures["control_cuts"] = json!(control_cuts);
    figures["control_lost"] = json!(control_lost);
    Ok(Report::Ran(is_whole && control_lost > 0, figures))
}

/// The same cuts where commits are not flushed, until some of them lost something: how many, and how much.
async fn control(args: &Args) -> anyhow::Result<(u64, u64)> {
    let mut bench = Bench::start(args, args.seed).await?;
    for cut in 1..=CONTROL_CUTS {
        let launch = match &args.defective {
            Some(program) => Launch { program: program.clone(), ..bench.plain() },
            None => {
                let trace = args.folder.join("trace");
                let lie = "fsync,fdatasync:retval=0";
                let through = tracer::through(&trace, &[], "fsync,fdatasync", Some(lie));
                Launch { through, ..bench.plain() }
            }
        };
        let is_whole = bench.cut(launch).await.with_context(|| format!("cut {cut} of the control"))?;
        let lost = bench.book.lost + bench.book.missing;
        if !is_whole {
            // Not even the file is in order: all of this cycle is gone.
            return Ok((cut, lost.max(1)));
        }
        if lost > 0 {
            return Ok((cut, lost));
        }
    }
    Ok((CONTROL_CUTS, 0))
}

impl<'a> Bench<'a> {
    /// A new disk, with a store that is set up.
    async fn start(args: &'a Args, seed: u64) -> anyhow::Result<Self> {
        let disk = Disk::make(&args.folder, disk::ROOMY)?;
        let sink = Sink::start().await?;
        let launch = Launch::plain(&args.program, &disk.folder().join("data"));
        let launch = Launch { log: args.folder.join("program.log"), ..launch };
        let program = Program::start(&launch).await?;
        let destination = set_up(&program.target, &sink).await?;
        program.kill_and_wait().await?;
        Ok(Self { args, disk, sink, destination, dice: Dice::new(seed), book: Book::default(), late: 0 })
    }

    fn plain(&self) -> Launch {
        let launch = Launch::plain(&self.args.program, &self.data());
        // What the program says must not go with the power.
        Launch { log: self.args.folder.join("program.log"), ..launch }
    }

    fn data(&self) -> PathBuf {
        self.disk.folder().join("data")
    }

    /// Load, cut, mount, start, verify. False when the program did not start again.
    async fn cut(&mut self, launch: Launch) -> anyhow::Result<bool> {
        let program = Program::start(&launch).await?;
        let cut = PowerCut::prepare(&self.data().join("leadwire.lock"))?;
        let strike_at = 1 + self.dice.below(ACKNOWLEDGED_MAX);
        let load = Load { first: self.book.next(), count: u64::MAX, strike_at, then: Then::Ends };
        let mut loaded = load::send(&program.target, load, cut.wire()).await?;
        // A machine without power answers nobody. Here the program outlives its disk for a moment, and a flush that was
        // under way comes back as done although the journal was thrown away: what is answered after the cut began is
        // as good as not answered.
        let (late, acknowledged) = loaded.acknowledged.into_iter().partition(|it| it.late);
        loaded.acknowledged = acknowledged;
        self.late += Vec::len(&late);
        loaded.unanswered.extend(late.into_iter().map(|it: Answered| it.number));
        cut.finish()?;
        program.kill_and_wait().await?;
        self.disk.unmount().await?;
        self.disk.mount()?;
        match Program::try_start(&self.plain()).await? {
            Start::Ready(program) => {
                self.book.settle(&program.target, loaded).await?;
                program.kill_and_wait().await?;
                Ok(true)
            }
            Start::Ended(_) => Ok(false),
        }
    }

    async fn drain(&self) -> anyhow::Result<usize> {
        let program = Program::start(&self.plain()).await?;
        // What was answered too late may have been brought by the program without power, and then again under a new id.
        let others = Others { before: 0, strays_max: self.late };
        let arrived = self.book.drain(&program.target, &self.sink, &self.destination, others).await?;
        program.kill_and_wait().await?;
        Ok(arrived)
    }
}
