//! A store with a history, a program on it that is killed at a point, and what must hold when it was started again.

use super::point::{Act, On, Point};
use crate::{Args, tracer};
use anyhow::{Context, ensure};
use leadwire::clock::{Clock, MachineClock};
use leadwire_testkit::app::PATIENCE;
use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::keyed::{self, Found, Keyed};
use leadwire_testkit::harness::load::{self, Load, Loaded, Target, Then};
use leadwire_testkit::harness::program::{Killer, Launch, Program, Start};
use leadwire_testkit::harness::set_up;
use leadwire_testkit::harness::sink::Sink;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Leads that were delivered before.
const HISTORY: u64 = 30;
/// Leads after which the log has been folded into the store.
const FOLDED_AFTER: u64 = 60_000;
/// How often the control's disk lies at most.
const LIES_MAX: usize = 10;
/// Leads that the control's disk swallows.
const SWALLOWED: u64 = 32;
/// Whose history is erased: the first customer's, who sent the first leads.
const ERASED: &str = "ada-0@example.com";
const ERASED_LEADS: u64 = 3;
/// How often a job is asked whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A log that was not written for so long is quiet.
const QUIET: Duration = Duration::from_millis(300);
const P: &str = "?publisher=contoso";

/// A store with a history.
pub(crate) struct Scene<'a> {
    point: &'a Point,
    folder: PathBuf,
    launch: Launch,
    sink: Sink,
    destination: Value,
    /// None where there are too many leads for its quota, or no store yet.
    keyed: Option<Keyed>,
    book: Book,
}

/// What came of a kill.
pub(crate) struct Verdict {
    pub(crate) is_killed: bool,
    pub(crate) book: Book,
    pub(crate) found: Found,
    /// Attempts beyond one for each delivery.
    pub(crate) repeated: u64,
}

impl Verdict {
    pub(crate) fn words(&self) -> String {
        let Verdict { is_killed, book, found, repeated } = self;
        let killed = if *is_killed { "killed" } else { "NOT REACHED" };
        format!("{killed}; {}, {repeated} attempts repeated, {found:?}", book.figures())
    }
}

impl<'a> Scene<'a> {
    /// Makes the store and its history.
    pub(crate) async fn set(args: &Args, point: &'a Point) -> anyhow::Result<Self> {
        let folder = args.folder.join("scene");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let launch = Launch::plain(&args.program, &folder.join("data"));
        let sink = Sink::start().await?;
        let mut scene = Self {
            point,
            folder,
            launch,
            sink,
            destination: Value::Null,
            keyed: None,
            book: Book::default(),
        };
        if point.act != Act::Migrate {
            let program = Program::start(&scene.launch).await?;
            scene.make_history(&program.target, point.act != Act::Fold).await?;
            program.stop().await?;
        }
        Ok(scene)
    }

    async fn make_history(&mut self, target: &Target, has_keyed: bool) -> anyhow::Result<()> {
        self.destination = set_up(target, &self.sink).await?;
        if has_keyed {
            self.keyed = Some(Keyed::start("dynamics", target, "*").await?);
        }
        let loaded = self.send(target, HISTORY).await?;
        ensure!(loaded.acknowledged.len() as u64 == HISTORY, "leads are refused although nothing is broken");
        self.book.settle(target, loaded).await?;
        self.sink.settle(target).await?;
        keyed::settle(std::slice::from_ref(target)).await?;
        Ok(())
    }

    async fn send(&self, target: &Target, count: u64) -> anyhow::Result<Loaded> {
        let load = Load { first: self.book.next(), count, strike_at: u64::MAX, then: Then::Ends };
        load::send(target, load, || {}).await
    }

    /// Kills the program at the point, starts it again, and says what is there.
    pub(crate) async fn play(mut self, when: u64) -> anyhow::Result<Verdict> {
        let (is_killed, loaded) = match self.point.act {
            Act::Migrate => (self.migrate(when).await?, Loaded::default()),
            Act::Backup => (self.back_up(when).await?, Loaded::default()),
            Act::Restore => (self.restore(when)?, Loaded::default()),
            _ => self.serve(when).await?,
        };
        let program = Program::start(&self.launch).await.context("after the kill")?;
        let target = &program.target;
        if self.point.act == Act::Migrate {
            self.make_history(target, true).await?;
        }
        self.go_on(target).await?;
        self.book.settle(target, loaded).await?;
        let mut accepted: Vec<u64> = self.book.ids.keys().copied().collect();
        if self.point.act == Act::Erase {
            // The first customer must be nowhere. That they are erased is told as a touchpoint, which is in no book.
            accepted.retain(|it| *it >= ERASED_LEADS);
            self.book.doubled = self.book.doubled.saturating_sub(1);
        } else {
            let arrived = self.book.drain(target, &self.sink, &self.destination, Others::default()).await?;
            ensure!(arrived == self.book.ids.len(), "only {arrived} of {} arrived", self.book.ids.len());
        }
        let stuck = if self.point.act == Act::Erase {
            0
        } else {
            keyed::settle(std::slice::from_ref(target)).await?
        };
        ensure!(stuck == 0, "{stuck} deliveries stay where they are");
        let account = target.ledger().await?["destinations"][0].take();
        let count = |name: &str| account[name].as_u64().unwrap_or(0);
        let repeated = count("attempts").saturating_sub(count("accepted"));
        let found = self.keyed.as_ref().map(|it| it.judge(accepted.into_iter())).unwrap_or_default();
        program.kill_and_wait().await?;
        Ok(Verdict { is_killed, book: self.book, found, repeated })
    }

    fn files(&self) -> Vec<String> {
        let file = |name: &str| vec![self.launch.data.join(name).display().to_string()];
        match self.point.on {
            On::Log => file("leadwire.db-wal"),
            On::Store => file("leadwire.db"),
            On::Anything => Vec::new(),
        }
    }

    /// What goes on in a program that serves.
    async fn serve(&self, when: u64) -> anyhow::Result<(bool, Loaded)> {
        let program = Program::start(&self.launch).await?;
        self.wait_for_quiet().await?;
        let (target, killer) = (&program.target, program.killer());
        let attach = || tracer::kill_at(program.id(), &self.files(), self.point.call, when);
        let mut loaded = Loaded::default();
        let mut tracer = None;
        match self.point.act {
            Act::Sent => {
                let calls = self.sink.calls();
                self.sink.hang();
                loaded = self.send(target, when).await?;
                self.sink.wait_for_calls(calls + 1).await?;
                killer.kill();
            }
            Act::Settle | Act::Stop => {
                let calls = self.sink.calls();
                self.sink.hang();
                loaded = self.send(target, 1).await?;
                self.sink.wait_for_calls(calls + 1).await?;
                until(target, "ledger", |it| it["destinations"][1]["pending"] == 0).await?;
                tracer = Some(attach()?);
                if self.point.act == Act::Stop {
                    killer.signal(Signal::TERM)?;
                }
                self.sink.answer();
            }
            Act::AcceptAlone => {
                both(target, "pause").await?;
                tracer = Some(attach()?);
                loaded = self.send(target, 1).await?;
            }
            act => {
                tracer = Some(attach()?);
                match act {
                    Act::Fold => loaded = self.send(target, FOLDED_AFTER).await?,
                    // The answer to these is lost with the program.
                    Act::Replay => drop(replay(target).await),
                    Act::Erase => drop(erase(target).await),
                    _ => loaded = self.send(target, 1).await?,
                }
            }
        }
        let status = ended(&program, &killer).await?;
        self.sink.answer();
        if let Some(mut tracer) = tracer {
            tracer.wait()?;
        }
        Ok((status.signal() == Some(9), loaded))
    }

    /// Waits until the start has written what it writes, so that the next to be written is what the point is about.
    async fn wait_for_quiet(&self) -> anyhow::Result<()> {
        let clock = MachineClock::start();
        let log = self.launch.data.join("leadwire.db-wal");
        let seen = || anyhow::Ok(std::fs::metadata(&log)?.modified()?);
        let mut last = seen()?;
        loop {
            clock.wait_until(clock.steady().plus(QUIET)).await;
            let now = seen()?;
            if now == last {
                return Ok(());
            }
            last = now;
        }
    }

    /// Brings to its end what the kill interrupted.
    async fn go_on(&self, target: &Target) -> anyhow::Result<()> {
        match self.point.act {
            Act::AcceptAlone => both(target, "resume").await,
            Act::Replay => {
                // Whoever got no answer asks again.
                replay(target).await?;
                let is_over = |it: &Value| it["state"] == "done";
                until(target, "replays", |it| it["items"].as_array().is_some_and(|it| it.iter().all(is_over)))
                    .await
            }
            Act::Erase => {
                erase(target).await?;
                let is_over = |it: &Value| it["state"] == "done";
                until(target, "erasures", |it| {
                    it["items"].as_array().is_some_and(|it| it.iter().all(is_over))
                })
                .await
            }
            _ => Ok(()),
        }
    }

    /// The first start of all, which makes the store.
    async fn migrate(&self, when: u64) -> anyhow::Result<bool> {
        let through = tracer::killing(&self.folder.join("trace"), &self.files(), self.point.call, when);
        match Program::try_start(&Launch { through, ..self.launch.clone() }).await? {
            Start::Ended(status) => Ok(status.signal() == Some(9)),
            Start::Ready(program) => program.kill_and_wait().await.map(|()| false),
        }
    }

    /// A copy is made while the program serves. A file of that name is a whole copy, or there is none and nothing is in the
    /// way of the next.
    async fn back_up(&self, when: u64) -> anyhow::Result<bool> {
        let program = Program::start(&self.launch).await?;
        let file = self.folder.join("copy.backup");
        let name = file.display().to_string();
        let status = self.command(Some(when), &self.launch.data, &["backup", &name])?;
        if !file.exists() {
            let again = self.command(None, &self.launch.data, &["backup", &name])?;
            ensure!(again.success(), "after the kill no copy can be made");
        }
        let elsewhere = self.folder.join("elsewhere");
        let words = ["restore", &name, "--without-erasures", "--yes"];
        ensure!(self.command(None, &elsewhere, &words)?.success(), "the copy cannot be brought back");
        let copy = Program::start(&Launch { data: elsewhere, ..self.launch.clone() }).await?;
        let there = copy.target.ledger().await?;
        ensure!(there["touchpoints"] == HISTORY && there["adds_up"] == true, "the copy holds: {there}");
        copy.kill_and_wait().await?;
        program.kill_and_wait().await?;
        Ok(status.signal() == Some(9))
    }

    /// A copy takes the place of the store, which holds the same.
    fn restore(&self, when: u64) -> anyhow::Result<bool> {
        let name = self.folder.join("copy.backup").display().to_string();
        ensure!(self.command(None, &self.launch.data, &["backup", &name])?.success(), "no copy is made");
        let words = ["restore", &name, "--without-erasures", "--yes"];
        let status = self.command(Some(when), &self.launch.data, &words)?;
        Ok(status.signal() == Some(9))
    }

    /// Runs a command of the program on a data folder, killed at the point if a moment is named.
    fn command(&self, when: Option<u64>, data: &Path, words: &[&str]) -> anyhow::Result<ExitStatus> {
        let mut line: Vec<String> = Vec::new();
        if let Some(when) = when {
            line = tracer::killing(&self.folder.join("trace"), &[], self.point.call, when);
        }
        line.push(self.launch.program.display().to_string());
        line.extend(words.iter().map(|it| (*it).to_owned()));
        line.extend(["--data".to_owned(), data.display().to_string()]);
        let output = Command::new(&line[0]).args(&line[1..]).env_clear().output()?;
        if !output.status.success() && when.is_none() {
            eprintln!("{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output.status)
    }
}

/// Leads that are lost when the disk lies: it says that it wrote, and did not. The program may find out, as it reads what is not
/// there, and end before it has answered anything; then nothing is lost, and it is lied to anew.
pub(crate) async fn control(args: &Args) -> anyhow::Result<u64> {
    for _ in 0..LIES_MAX {
        let lost = swallow(args).await?;
        if lost > 0 {
            return Ok(lost);
        }
    }
    Ok(0)
}

/// Lies once; how many leads it loses.
async fn swallow(args: &Args) -> anyhow::Result<u64> {
    let point = Point { name: "control", act: Act::Fold, call: "pwrite64", on: On::Log, moments: &[1] };
    let mut scene = Scene::set(args, &point).await?;
    let program = Program::start(&scene.launch).await?;
    let (nowhere, files) = (Path::new("/dev/null"), scene.files());
    let lie = Some("pwrite64:retval=4096");
    let mut tracer = tracer::watch(program.id(), (nowhere, &files), "pwrite64", lie)?;
    let loaded = scene.send(&program.target, SWALLOWED).await?;
    program.kill_and_wait().await?;
    tracer.wait()?;
    let program = Program::start(&scene.launch).await?;
    scene.book.settle(&program.target, loaded).await?;
    program.kill_and_wait().await?;
    Ok(scene.book.lost)
}

async fn ended(program: &Program, killer: &Killer) -> anyhow::Result<ExitStatus> {
    if let Some(status) = program.ended_within(PATIENCE).await? {
        return Ok(status);
    }
    // The point was not reached: the kill that follows is told apart by `None` becoming an ordinary end.
    killer.signal(Signal::TERM)?;
    program.ended_within(PATIENCE).await?.context("it neither dies nor ends")
}

async fn both(target: &Target, verb: &str) -> anyhow::Result<()> {
    for name in ["sink", "dynamics"] {
        target.post(&format!("/v1/destinations/{name}/{verb}{P}"), &json!({})).await?;
    }
    Ok(())
}

async fn replay(target: &Target) -> anyhow::Result<Value> {
    target.post(&format!("/v1/replays{P}"), &json!({ "destination": "sink", "force": true })).await
}

async fn erase(target: &Target) -> anyhow::Result<Value> {
    target.post(&format!("/v1/erasures{P}"), &json!({ "email": ERASED, "reason": "asked" })).await
}

/// Asks until the answer is as wished.
async fn until(target: &Target, what: &str, wish: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let clock = MachineClock::start();
    let end = clock.steady().plus(PATIENCE * 4);
    loop {
        let seen = target.get(&format!("/v1/{what}{P}")).await?;
        if wish(&seen) {
            return Ok(());
        }
        ensure!(clock.steady() < end, "{what}: {seen}");
        clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
    }
}
