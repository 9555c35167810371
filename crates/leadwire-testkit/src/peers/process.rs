//! A server as a child process: started, listened to line by line, and killed when it is dropped.

use crate::app::PATIENCE;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running server. Dropping it kills it; when the test itself is killed, the end of its input tells it to end.
pub(super) struct Process {
    name: &'static str,
    said: watch::Receiver<Said>,
    readers: [JoinHandle<()>; 2],
    _input: ChildStdin,
    _child: Child,
}

/// What the server has printed so far, on either output.
#[derive(Default)]
struct Said {
    lines: Vec<String>,
    /// Outputs that have come to their end: both, once the server is gone.
    ended: usize,
}

impl Process {
    /// Starts it with this line as the beginning of its input.
    pub(super) async fn start(name: &'static str, command: &mut Command, first_line: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|it| panic!("cannot start {name}: {it}; run scripts/test"));
        let (sender, said) = watch::channel(Said::default());
        let readers = [
            tokio::spawn(read(child.stdout.take().expect("it was asked for"), sender.clone())),
            tokio::spawn(read(child.stderr.take().expect("it was asked for"), sender)),
        ];
        let mut input = child.stdin.take().expect("it was asked for");
        let line = format!("{first_line}\n");
        input.write_all(line.as_bytes()).await.unwrap_or_else(|it| panic!("{name} has ended: {it}"));
        Self { name, said, readers, _input: input, _child: child }
    }

    /// Waits for the line that tells the port.
    pub(super) async fn address(&self) -> SocketAddr {
        let found = self.wait_for_lines("listening on ", 1).await;
        found[0].parse().unwrap_or_else(|it| panic!("{}: {}: {it}", self.name, found[0]))
    }

    /// What stood behind this marker, line by line, so far.
    pub(super) fn lines_after(&self, marker: &str) -> Vec<String> {
        after(&self.said.borrow(), marker)
    }

    /// Waits until so many lines have this marker in them, and gives back what stood behind it in each.
    ///
    /// # Panics
    /// With all that the server said, when it ends or is silent for too long.
    pub(super) async fn wait_for_lines(&self, marker: &str, count: usize) -> Vec<String> {
        let mut said = self.said.clone();
        let enough = |it: &Said| after(it, marker).len() >= count;
        let waited = tokio::time::timeout(PATIENCE, said.wait_for(|it| enough(it) || it.ended == 2)).await;
        // Nothing was found in time, or the server ended first.
        if !waited.is_ok_and(|it| it.is_ok_and(|it| enough(&it))) {
            let lines = self.said.borrow().lines.join("\n");
            panic!("{} did not say `{marker}` {count} times:\n{lines}", self.name);
        }
        self.lines_after(marker)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

fn after(said: &Said, marker: &str) -> Vec<String> {
    said.lines.iter().filter_map(|it| Some(it.split_once(marker)?.1.to_owned())).collect()
}

async fn read(output: impl AsyncRead + Unpin, said: watch::Sender<Said>) {
    let mut lines = BufReader::new(output).lines();
    // An output that cannot be read any more is as good as one at its end.
    while let Ok(Some(line)) = lines.next_line().await {
        said.send_modify(|it| it.lines.push(line));
    }
    said.send_modify(|it| it.ended += 1);
}
