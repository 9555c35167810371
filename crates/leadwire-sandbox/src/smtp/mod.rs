//! A simulated mail server for submission (RFC 6409): wants a sign-in, is strict about every line, and keeps each message.
//!
//! It speaks in the clear, because it never leaves this machine; what a message means to people it does not look at.

mod dialogue;
#[cfg(test)]
mod tests;

use crate::service::{Fault, FaultPlan, UnixMillis};
use dialogue::{Dialogue, LINE_BYTES_MAX, Step};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Who may send, and whom it refuses.
#[derive(Clone, Default)]
pub struct Options {
    /// User and password; the user is an address, and the only one that may be a sender.
    pub login: (String, String),
    /// Recipients that it refuses, and with which whole reply, such as `550 5.1.1 No such user`.
    pub refused: BTreeMap<String, String>,
    /// Seed of the dice for faults that strike a share of the messages.
    pub seed: u64,
}

impl Options {
    /// The user `leads@contoso.example` with a password of the caller's.
    pub fn new(password: &str) -> Self {
        let login = ("leads@contoso.example".to_owned(), password.to_owned());
        Self { login, refused: BTreeMap::new(), seed: 1 }
    }
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Its `Message-ID`.
    pub id: String,
    /// The whole message, dots unstuffed.
    pub content: String,
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
}

/// A running mail server. Dropping it stops it.
pub struct MailSandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

struct Shared {
    options: Options,
    now: UnixMillis,
    state: Mutex<State>,
}

struct State {
    messages: Vec<Message>,
    faults: FaultPlan,
    sessions: u64,
    tried: u64,
}

/// Starts a mail server on a listener. Call it within a tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn start(listener: TcpListener, options: Options, now: UnixMillis) -> std::io::Result<MailSandbox> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let faults = FaultPlan::new(options.seed);
    let state = Mutex::new(State { messages: Vec::new(), faults, sessions: 0, tried: 0 });
    let shared = Arc::new(Shared { options, now, state });
    let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
    Ok(MailSandbox { address, shared, stop, accepting })
}

impl MailSandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The messages it has taken, in order; a repetition is a message of its own, as in real mailboxes.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.state().messages.clone()
    }

    /// How many different messages it has taken, told by `Message-ID`.
    pub fn distinct(&self) -> usize {
        let state = self.shared.state();
        state.messages.iter().map(|it| &it.id).collect::<BTreeSet<_>>().len()
    }

    /// Sessions that were opened so far.
    pub fn sessions(&self) -> u64 {
        self.shared.state().sessions
    }

    /// Messages that were sent to their end so far, whatever became of them.
    pub fn tried(&self) -> u64 {
        self.shared.state().tried
    }

    /// Changes what is switched on. Faults strike the end of a message.
    pub fn faults(&self, change: impl FnOnce(&mut FaultPlan)) {
        change(&mut self.shared.state().faults);
    }

    /// Settings of a destination that reaches it.
    pub fn destination_settings(&self) -> Value {
        let (user, password) = &self.shared.options.login;
        json!({
            "to": "Sales <sales@contoso.example>", "from": format!("Leads <{user}>"),
            "server": self.address.ip().to_string(), "port": self.address.port(), "security": "plain",
            "user": user, "password": password,
        })
    }

    /// Closes the listener and every session, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.accepting).await {
            assert!(!error.is_panic(), "the simulated mail server panicked: {error}");
        }
    }
}

impl Drop for MailSandbox {
    fn drop(&mut self) {
        // The sessions belong to this task and end with it.
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the simulated mail server does not panic")
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => return sessions.shutdown().await,
            // Finished ones are taken out, so that the set holds open sessions only.
            Some(_) = sessions.join_next() => {}
            accepted = listener.accept() => {
                // A connection that was gone before it was accepted is the client's affair.
                let Ok((stream, _)) = accepted else { continue };
                // A failure costs latency only.
                drop(stream.set_nodelay(true));
                let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
                sessions.spawn(async move {
                    // An error is a client that left.
                    drop(serve(stream, &shared, stopped).await);
                });
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: &Shared, stopped: watch::Receiver<bool>) -> std::io::Result<()> {
    shared.state().sessions += 1;
    let mut stream = BufReader::new(stream);
    let mut dialogue = Dialogue::new(&shared.options);
    say(&mut stream, "220 mail.contoso.example ESMTP").await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(LINE_BYTES_MAX + 1).expect("a line is short");
        if (&mut stream).take(most).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        match dialogue.hear(&line) {
            Step::Wait => {}
            Step::Say(reply) => say(&mut stream, &reply).await?,
            Step::Close(reply) => return say(&mut stream, &reply).await,
            Step::Take(mut message) => {
                message.at = (shared.now)();
                match taken(shared, message) {
                    After::Say(reply) => say(&mut stream, reply).await?,
                    After::SayLater(reply, wait) => {
                        // A slow server is slow on purpose: nobody but the client waits for this.
                        drop(tokio::time::timeout(wait, std::future::pending::<()>()).await);
                        say(&mut stream, reply).await?;
                    }
                    After::SayAndClose(reply) => return say(&mut stream, reply).await,
                    After::Half => return stream.get_mut().write_all(b"25").await,
                    After::Huge => return stream.get_mut().write_all(&[b'2'; 256 * 1024]).await,
                    After::Close => return Ok(()),
                    After::Stall => {
                        drop(stopped.clone().changed().await);
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// What happens at the end of a message.
enum After {
    Say(&'static str),
    SayLater(&'static str, Duration),
    SayAndClose(&'static str),
    Half,
    Huge,
    Close,
    Stall,
}

fn taken(shared: &Shared, message: Message) -> After {
    const QUEUED: &str = "250 2.0.0 Ok: queued";
    let mut state = shared.state();
    state.tried += 1;
    let fault = state.faults.throw(true);
    let is_kept = match &fault {
        None
        | Some(
            Fault::Latency(_)
            | Fault::CutAfter
            | Fault::CutMidAnswer
            | Fault::Stall
            // A mail server has neither tokens nor fields nor batches, so these are no faults of it.
            | Fault::Partial
            | Fault::TokenExpired
            | Fault::FieldRemoved(_),
        ) => true,
        Some(
            Fault::Busy
            | Fault::Failing
            | Fault::CutBefore
            | Fault::OkWithError
            | Fault::Html
            | Fault::EmptyAnswer
            | Fault::HugeAnswer,
        ) => false,
    };
    if is_kept {
        state.messages.push(message);
    }
    match fault {
        None | Some(Fault::Partial | Fault::TokenExpired | Fault::FieldRemoved(_)) => After::Say(QUEUED),
        Some(Fault::Latency(wait)) => After::SayLater(QUEUED, wait),
        Some(Fault::Busy) => After::SayAndClose("421 4.7.0 Too many messages, closing"),
        Some(Fault::Failing) => After::Say("451 4.3.0 Requested action aborted: local error in processing"),
        Some(Fault::OkWithError) => After::Say("354 Start mail input"),
        Some(Fault::CutBefore | Fault::CutAfter) => After::Close,
        Some(Fault::CutMidAnswer) => After::Half,
        Some(Fault::Stall) => After::Stall,
        Some(Fault::Html) => After::SayAndClose("<!doctype html><title>Sign in</title>"),
        Some(Fault::EmptyAnswer) => After::SayAndClose(""),
        Some(Fault::HugeAnswer) => After::Huge,
    }
}

async fn say(stream: &mut BufReader<TcpStream>, reply: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
}
