//! The machine's wall clock is set forward and back, under load and while the program is dead: what was answered 202 stays, is
//! brought, and is not brought again and again. The control is a lead that was never sent, which must be missed.

use crate::{Args, Report};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock};
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::load::{self, Load, Target, Then};
use leadwire_testkit::harness::program::{Launch, Program};
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::harness::{Dice, set_up};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Where the clock may stand, in seconds from the right time: a summer time forgotten, a day, a battery that was empty.
const OFFSETS: &[i64] = &[0, 3600, -3600, 90, -90, 86_400, -86_400, 7 * 86_400, -7 * 86_400, -365 * 86_400];
/// Leads of a round, and at which answer the clock is set.
const LEADS: u64 = 300;
/// Deliveries that a lane has in hand when it is killed, at the most.
const IN_HAND_MAX: u64 = 64;
/// By how much a time in an answer may differ from what the clock was set to, in milliseconds: the answer took a while.
const CLOSE_ENOUGH: u64 = 30_000;
const LACKS: &str =
    "faketime is missing, which sets a program's clock: install it (Debian: apt-get install faketime)";

struct Bench {
    launch: Launch,
    /// Says to the program's clock where it stands.
    clock: PathBuf,
    sink: Sink,
    dice: Dice,
    book: Book,
    offset: i64,
    set: u64,
    seen: u64,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    let Some(library) = library() else { return Ok(Report::Lacks(LACKS.to_owned())) };
    let data = args.folder.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let clock = args.folder.join("clock");
    std::fs::write(&clock, "+0")?;
    // Only the wall clock: the other one cannot be set on any machine.
    let settings = vec![
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let launch = Launch { settings, ..Launch::plain(&args.program, &data) };
    let (sink, dice) = (Sink::start_for_any_clock().await?, Dice::new(args.seed));
    let mut program = Program::start(&launch).await?;
    let destination = set_up(&program.target, &sink).await?;
    let book = Book::default();
    let mut bench = Bench { launch, clock, sink, dice, book, offset: 0, set: 0, seen: 0 };
    for round in 1..=args.count {
        program = bench.round(program, round).await.with_context(|| format!("round {round}"))?;
        eprintln!("round {round} of {}: {} s off, {}", args.count, bench.offset, bench.book.figures());
    }
    let Bench { mut book, sink, set, seen, .. } = bench;
    let arrived = book.drain(&program.target, &sink, &destination, Others::default()).await?;
    let account = program.target.ledger().await?["destinations"][0].take();
    let attempts = account["attempts"].as_u64().context("a ledger counts attempts")?;
    let mut figures = book.figures();
    let is_whole =
        book.lost + book.missing + book.doubled == 0 && arrived == book.ids.len() && seen == set && set > 0;
    figures["rounds"] = json!(args.count);
    figures["clock_set"] = json!(set);
    figures["delivered"] = json!(arrived);
    figures["attempts"] = json!(attempts);
    let control_lost = book.miss_one_never_sent(&program.target).await?;
    figures["control_lost"] = json!(control_lost);
    program.kill_and_wait().await?;
    // More than one for each delivery and each that a kill interrupted would be a clock that makes things due again.
    let interrupted_max = args.count * IN_HAND_MAX;
    let is_calm = attempts <= u64::try_from(arrived)? + interrupted_max;
    Ok(Report::Ran(is_whole && is_calm && control_lost == 1, figures))
}

impl Bench {
    /// The clock is set under load, and once more while the program is dead.
    async fn round(&mut self, program: Program, round: u64) -> anyhow::Result<Program> {
        let strike_at = 1 + self.dice.below(LEADS);
        let load = Load { first: self.book.next(), count: LEADS, strike_at, then: Then::Ends };
        let (file, offset) = (self.clock.clone(), self.throw()?);
        let set = move || set(&file, offset).expect("a file of ours can be written");
        let loaded = load::send(&program.target, load, set).await?;
        self.look(&program.target, &format!("under-load-{round}")).await?;
        self.book.settle(&program.target, loaded).await?;
        program.kill_and_wait().await?;
        let offset = self.throw()?;
        set_now(&self.clock, offset)?;
        let program = Program::start(&self.launch).await?;
        self.look(&program.target, &format!("over-a-restart-{round}")).await?;
        self.book.add_up(&program.target).await?;
        Ok(program)
    }

    /// Another place for the clock to stand.
    fn throw(&mut self) -> anyhow::Result<i64> {
        let others: Vec<i64> = OFFSETS.iter().copied().filter(|it| *it != self.offset).collect();
        self.offset = others[usize::try_from(self.dice.below(u64::try_from(others.len())?))?];
        self.set += 1;
        Ok(self.offset)
    }

    /// Looks whether the program's clock stands where it was set.
    async fn look(&mut self, target: &Target, id: &str) -> anyhow::Result<()> {
        let made: Value = target.post("/v1/publishers", &json!({ "id": id })).await?;
        let said = made["created_at"].as_str().and_then(leadwire_core::rfc3339::parse);
        let said = said.context("a publisher says when it was made")?.millis();
        let right = MachineClock::start().wall().millis() + self.offset * 1000;
        let is_there = said.abs_diff(right) < CLOSE_ENOUGH;
        ensure!(is_there, "the program's clock is not where it was set: {made}");
        self.seen += 1;
        Ok(())
    }
}

fn set(file: &std::path::Path, offset: i64) -> std::io::Result<()> {
    // In one step: the program reads it at any moment.
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{offset:+}"))?;
    std::fs::rename(new, file)
}

fn set_now(file: &std::path::Path, offset: i64) -> anyhow::Result<()> {
    set(file, offset).context("the clock's file cannot be written")
}

/// Where faketime has its library, as it says itself to what it starts.
fn library() -> Option<String> {
    let output = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    // For programs with threads there is another one beside it.
    let path = path.trim().replace("libfaketime.so.1", "libfaketimeMT.so.1");
    path.contains("MT").then_some(path)
}
