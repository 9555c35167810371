//! A disk that fills up, one that cannot be written, and a program that stands still: what was answered 202 stays, and
//! the program goes on, or says why not. The control is a lead that was never sent, which must be missed.

use crate::disk::{self, Disk};
use crate::{Args, Report};
use anyhow::{Context, bail, ensure};
use leadwire::clock::{Clock, MachineClock};
use leadwire_core::limits::LEASE;
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::load::{self, Load, Then};
use leadwire_testkit::harness::program::{Launch, Program, Start};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, set_up};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Space of the disk that fills up: as much as ext4 with a journal takes, and some.
const SMALL: &str = "48M";
/// Leads of one round at most: far more than fit.
const LEADS_MAX: u64 = 100_000;
/// The fault strikes at one of so many answers.
const STRIKE_MAX: u64 = 300;
/// A pause that only stops the clocks of requests; with this many rounds, one pause outlasts the lease too.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
const LONG_PAUSE_FROM: u64 = 10;
/// Leads in flight during a pause.
const IN_FLIGHT: u64 = 16;

/// What happened, over all rounds.
#[derive(Default)]
struct Sums {
    full_rounds: u64,
    full_recovered: u64,
    full_ended: u64,
    read_only_refused: u64,
    pauses: u64,
    longest_pause: Duration,
}

struct Bench<'a> {
    args: &'a Args,
    sink: Sink,
    destination: Value,
    disk: Disk,
    dice: Dice,
    book: Book,
    sums: Sums,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    if let Some(lacks) = disk::lacks(&args.folder) {
        return Ok(Report::Lacks(lacks));
    }
    let disk = Disk::make(&args.folder, SMALL)?;
    let sink = Sink::start().await?;
    let mut bench = Bench {
        args,
        sink,
        destination: Value::Null,
        disk,
        dice: Dice::new(args.seed),
        book: Book::default(),
        sums: Sums::default(),
    };
    let program = Program::start(&bench.launch()).await?;
    bench.destination = set_up(&program.target, &bench.sink).await?;
    program.stop().await?;
    for round in 1..=args.count {
        bench.fill().await.with_context(|| format!("round {round}, a full disk"))?;
        bench.forbid().await.with_context(|| format!("round {round}, a read-only disk"))?;
        bench.pause(SHORT_PAUSE).await.with_context(|| format!("round {round}, a pause"))?;
        eprintln!("round {round} of {}: {}", args.count, bench.book.figures());
    }
    if args.count >= LONG_PAUSE_FROM {
        bench.pause(LEASE + Duration::from_secs(5)).await.context("the long pause")?;
    }
    let program = Program::start(&bench.launch()).await?;
    let arrived =
        bench.book.drain(&program.target, &bench.sink, &bench.destination, Others::default()).await?;
    let is_whole = bench.book.lost + bench.book.missing + bench.book.doubled == 0;
    let is_whole = is_whole && arrived == bench.book.ids.len();
    let control_lost = bench.book.miss_one_never_sent(&program.target).await?;
    program.kill_and_wait().await?;
    let mut figures = bench.book.figures();
    let Sums { full_rounds, full_recovered, full_ended, read_only_refused, pauses, longest_pause } =
        bench.sums;
    for (name, figure) in [
        ("full_rounds", full_rounds),
        ("full_recovered", full_recovered),
        ("full_ended", full_ended),
        ("read_only_refused", read_only_refused),
        ("pauses", pauses),
        ("longest_pause_seconds", longest_pause.as_secs()),
        ("delivered", u64::try_from(arrived)?),
        ("control_lost", control_lost),
    ] {
        figures[name] = json!(figure);
    }
    // The book holds the control's loss by now.
    figures["lost"] = json!(bench.book.lost + bench.book.missing - control_lost);
    Ok(Report::Ran(is_whole && control_lost == 1 && full_rounds > 0, figures))
}

impl Bench<'_> {
    fn launch(&self) -> Launch {
        let launch = Launch::plain(&self.args.program, &self.disk.folder().join("data"));
        Launch {
            log: self.args.folder.join("program.log"),
            // The reserve would answer before the disk is full; here the disk shall be.
            settings: vec![("LEADWIRE_DISK_RESERVE_BYTES", "0".to_owned())],
            ..launch
        }
    }

    /// The disk fills up under load and is emptied again.
    async fn fill(&mut self) -> anyhow::Result<()> {
        let mut program = Program::start(&self.launch()).await?;
        let ballast = self.disk.folder().join("ballast");
        let strike_at = 1 + self.dice.below(STRIKE_MAX);
        let load = Load { first: self.book.next(), count: LEADS_MAX, strike_at, then: Then::Ends };
        let filled = ballast.clone();
        let loaded = load::send(&program.target, load, move || fill_up(&filled)).await?;
        let turned_away = loaded.refused.len() + loaded.unanswered.len();
        ensure!(turned_away > 0, "the disk was full, and everything was taken");
        for it in &loaded.refused {
            // Above all not 4xx: a sender would not send again.
            ensure!((500..600).contains(&it.status), "key {} was answered {}", it.number, it.status);
        }
        std::fs::remove_file(&ballast)?;
        self.sums.full_rounds += 1;
        if program.target.ledger().await.is_ok() {
            self.sums.full_recovered += 1;
        } else {
            self.sums.full_ended += 1;
            program.kill_and_wait().await?;
            program = Program::start(&self.launch()).await?;
        }
        self.book.settle(&program.target, loaded).await?;
        program.stop().await
    }

    /// The disk cannot be written when the program starts.
    async fn forbid(&mut self) -> anyhow::Result<()> {
        self.disk.unmount().await?;
        self.disk.mount_read_only()?;
        let launch = self.launch();
        let said_before = std::fs::read_to_string(&launch.log)?.len();
        match Program::try_start(&launch).await? {
            Start::Ready(_) => bail!("the program started on a disk that cannot be written"),
            Start::Ended(status) => {
                let said = std::fs::read_to_string(&launch.log)?.split_off(said_before);
                let folder = launch.data.display().to_string();
                ensure!(status.code().is_some_and(|it| it != 0), "it ended with {status}");
                ensure!(said.contains(&folder), "it does not say which folder it cannot use: {said}");
            }
        }
        self.sums.read_only_refused += 1;
        self.disk.unmount().await?;
        self.disk.mount()
    }

    /// The program stands still with deliveries in flight.
    async fn pause(&mut self, length: Duration) -> anyhow::Result<()> {
        let program = Program::start(&self.launch()).await?;
        let calls = self.sink.calls();
        self.sink.hang();
        let load = Load { first: self.book.next(), count: IN_FLIGHT, strike_at: u64::MAX, then: Then::Ends };
        let loaded = load::send(&program.target, load, || {}).await?;
        self.sink.wait_for_calls(calls + 1).await?;
        program.killer().signal(Signal::STOP)?;
        let clock = MachineClock::start();
        clock.wait_until(clock.steady().plus(length)).await;
        self.sink.answer();
        program.killer().signal(Signal::CONT)?;
        self.sums.pauses += 1;
        self.sums.longest_pause = self.sums.longest_pause.max(length);
        self.book.settle(&program.target, loaded).await?;
        self.sink.settle(&program.target).await?;
        program.stop().await
    }
}

/// Writes until nothing more fits.
fn fill_up(ballast: &Path) {
    let Ok(mut file) = File::create(ballast) else { return };
    for size in [1 << 20, 1 << 16, 1 << 12, 1] {
        let block = vec![1; size];
        while file.write_all(&block).is_ok() {}
    }
    // An error says what is wanted: there is no space.
    file.sync_all().ok();
}
