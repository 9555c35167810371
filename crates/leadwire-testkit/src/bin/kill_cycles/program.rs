//! The service as a process of its own: started, found by the file it writes, and killed.

use crate::load::Target;
use anyhow::{Context, bail};
use leadwire_testkit::app::PATIENCE;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// A running service. Dropping it kills it, so that a harness that fails leaves nothing behind.
pub(crate) struct Program {
    /// Where it listens, and the key that opens it.
    pub(crate) target: Target,
    killer: Killer,
    /// Held open: what the program prints has a reader as long as it runs.
    _output: BufReader<ChildStdout>,
}

/// Kills a program at any moment, from any task.
#[derive(Clone)]
pub(crate) struct Killer(Arc<Mutex<Child>>);

impl Killer {
    /// Sends SIGKILL and does not wait.
    pub(crate) fn kill(&self) {
        // An error means that it ended by itself, which the check after the restart judges.
        self.0.lock().expect("nobody panics while killing").kill().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.killer.kill();
    }
}

impl Program {
    /// Starts the service on a data folder and waits until it says where it listens.
    pub(crate) async fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        let beside = data.parent().context("the data folder must lie in another one")?;
        std::fs::create_dir_all(beside)?;
        let log = beside.join("program.log");
        let errors = OpenOptions::new().create(true).append(true).open(&log)?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--log", "warn"])
            .args(["--allow-http", "--allow-net", "127.0.0.0/8", "--data"])
            .arg(data)
            // Neither settings of the environment nor a file in this folder shall change what is tried.
            .env_clear()
            .current_dir(beside)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("it was asked for")?;
        let killer = Killer(Arc::new(Mutex::new(child)));
        let ready = timeout(PATIENCE, spawn_blocking(move || read_until_ready(output))).await;
        let Ok(Ok(Some(output))) = ready else {
            killer.kill();
            bail!("the program did not start; what it said is in {}", log.display());
        };
        let local: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("local.json"))?)?;
        let text = |name: &str| local[name].as_str().with_context(|| format!("local.json has no {name}"));
        let address = text("url")?.trim_start_matches("http://").parse()?;
        let target = Target { address, key: text("key")?.to_owned() };
        Ok(Self { target, killer, _output: output })
    }

    /// A way to kill it from elsewhere.
    pub(crate) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Kills it and waits until the kernel has taken it away, its locks included.
    pub(crate) async fn kill_and_wait(self) -> anyhow::Result<()> {
        self.killer.kill();
        let child = Arc::clone(&self.killer.0);
        let waiting = spawn_blocking(move || child.lock().expect("nobody panics while killing").wait());
        timeout(PATIENCE, waiting).await.context("the killed program does not go away")???;
        Ok(())
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
