//! The service as a process of its own: started, found by the file it writes, and killed.

use super::load::Target;
use crate::app::PATIENCE;
use anyhow::{Context, bail, ensure};
use leadwire::clock::{Clock, MachineClock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How often a process is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How the service is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    /// Where what it says goes; its folder must exist.
    pub log: PathBuf,
    /// What stands before the program on the command line; it must become the program, or end with it.
    pub through: Vec<String>,
    /// Settings, as names and values of its environment, which holds nothing else.
    pub settings: Vec<(&'static str, String)>,
}

impl Launch {
    /// Started as anybody does, with its log beside the data folder.
    pub fn plain(program: &Path, data: &Path) -> Self {
        let log = data.with_file_name("program.log");
        let (program, data) = (program.to_owned(), data.to_owned());
        Self { program, data, log, through: Vec::new(), settings: Vec::new() }
    }

    fn command(&self) -> anyhow::Result<Command> {
        let beside = self.log.parent().context("the log must lie in a folder")?;
        std::fs::create_dir_all(beside)?;
        let errors = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut words = self.through.iter().map(String::as_str).collect::<Vec<_>>();
        words.push(self.program.to_str().context("a path in UTF-8")?);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--log", "warn"])
            .args(["--allow-http", "--allow-net", "127.0.0.0/8", "--data"])
            .arg(&self.data)
            // Neither settings of the environment nor a file in this folder shall change what is tried.
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())))
            .current_dir(beside)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        Ok(command)
    }
}

/// A running service. Dropping it kills it, so that a harness that fails leaves nothing behind.
pub struct Program {
    /// Where it listens, and the key that opens it.
    pub target: Target,
    killer: Killer,
    /// Held open: what the program prints has a reader as long as it runs.
    _output: BufReader<ChildStdout>,
}

/// Kills a program at any moment, from any task.
#[derive(Clone)]
pub struct Killer(Arc<Mutex<Child>>);

impl Killer {
    /// Sends SIGKILL and does not wait.
    pub fn kill(&self) {
        // An error means that it ended by itself, which the check after the restart judges.
        self.0.lock().expect("nobody panics while killing").kill().ok();
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.0.lock().expect("nobody panics while killing");
        let id = Pid::from_raw(i32::try_from(child.id())?).context("a process has a number")?;
        Ok(kill_process(id, signal)?)
    }

    /// Waits for its end, so long at most.
    async fn ended_within(&self, wait: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let clock = MachineClock::start();
        let end = clock.steady().plus(wait);
        loop {
            if let Some(status) = self.0.lock().expect("nobody panics while killing").try_wait()? {
                return Ok(Some(status));
            }
            if clock.steady() >= end {
                return Ok(None);
            }
            clock.wait_until(clock.steady().plus(LOOK_EVERY)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.killer.kill();
    }
}

/// What came of a start.
pub enum Start {
    /// It says where it listens.
    Ready(Program),
    /// It ended by itself before.
    Ended(ExitStatus),
}

impl Program {
    /// Starts the service and waits until it says where it listens.
    ///
    /// # Errors
    /// When it does not come so far.
    pub async fn start(launch: &Launch) -> anyhow::Result<Self> {
        match Self::try_start(launch).await? {
            Start::Ready(program) => Ok(program),
            Start::Ended(status) => {
                bail!(
                    "the program ended at its start ({status}); what it said is in {}",
                    launch.log.display()
                )
            }
        }
    }

    /// Starts the service and waits until it says where it listens, or ends.
    ///
    /// # Errors
    /// When it does neither.
    pub async fn try_start(launch: &Launch) -> anyhow::Result<Start> {
        let spawned = launch.command()?.spawn();
        let mut child = spawned.with_context(|| format!("cannot start {}", launch.program.display()))?;
        let output = child.stdout.take().context("it was asked for")?;
        let killer = Killer(Arc::new(Mutex::new(child)));
        let ready = timeout(PATIENCE, spawn_blocking(move || read_until_ready(output))).await;
        let output = match ready {
            Ok(read) => read?,
            Err(_) => {
                killer.kill();
                bail!("the program did not start; what it said is in {}", launch.log.display());
            }
        };
        let Some(output) = output else {
            let ended = killer.ended_within(PATIENCE).await?;
            return Ok(Start::Ended(ended.context("the program says nothing more and does not end")?));
        };
        let local: serde_json::Value =
            serde_json::from_slice(&std::fs::read(launch.data.join("local.json"))?)?;
        let text = |name: &str| local[name].as_str().with_context(|| format!("local.json has no {name}"));
        let address = text("url")?.trim_start_matches("http://").parse()?;
        let publisher = super::PUBLISHER.to_owned();
        let target = Target { address, key: text("key")?.to_owned(), publisher };
        Ok(Start::Ready(Self { target, killer, _output: output }))
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.killer.0.lock().expect("nobody panics while killing").id()
    }

    /// A way to kill it from elsewhere.
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Waits for it to end by itself, so long at most, and says how it ended.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub async fn ended_within(&self, wait: Duration) -> anyhow::Result<Option<ExitStatus>> {
        self.killer.ended_within(wait).await
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it does not stop, or says that it failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.killer.signal(Signal::TERM)?;
        let status = self.killer.ended_within(PATIENCE).await?.context("it does not stop")?;
        ensure!(status.success(), "it stopped with {status}");
        Ok(())
    }

    /// Kills it and waits until the kernel has taken it away, its locks included.
    ///
    /// # Errors
    /// When it does not go away.
    pub async fn kill_and_wait(self) -> anyhow::Result<()> {
        self.killer.kill();
        let ended = self.killer.ended_within(PATIENCE).await?;
        ended.map(|_| ()).context("the killed program does not go away")
    }
}

/// Reads until the line that names the address; none when the output ends before it.
fn read_until_ready(output: ChildStdout) -> Option<BufReader<ChildStdout>> {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    loop {
        line.clear();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_start().starts_with("API ") {
            return Some(output);
        }
    }
}
