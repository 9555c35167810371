//! The server around a simulated service.

use super::fault::{Fault, FaultPlan};
use super::{Became, Call, Reply, Service, desk};
use crate::listen::{self, AnswerBody, Cut, NoBody, Then};
use http::{Request, Response};
use hyper::body::Incoming;
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Tells the time, in milliseconds since 1970-01-01 UTC.
pub type UnixMillis = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Calls remembered for people to look at.
const SEEN_MAX: usize = 1000;
/// Length of an answer that is meant to be too long, in bytes.
const HUGE_BYTES: usize = 8 * 1024 * 1024;

/// How a sandbox runs.
#[derive(Clone)]
pub struct Options {
    /// Its clock.
    pub now: UnixMillis,
    /// Largest body, in bytes; larger ones are answered 413.
    pub body_bytes_max: usize,
    /// Seed of the dice for faults that strike a share of the calls.
    pub seed: u64,
}

impl Options {
    /// Bodies of 16 MiB at most.
    pub fn new(now: UnixMillis) -> Self {
        Self { now, body_bytes_max: 16 * 1024 * 1024, seed: 1 }
    }
}

/// A running service. Dropping it stops it.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    changed: Notify,
    stopped: watch::Receiver<bool>,
}

pub(super) struct State {
    pub(super) service: Box<dyn Service>,
    pub(super) faults: FaultPlan,
    pub(super) calls: u64,
    pub(super) writes: u64,
    /// Calls that were refused for having had too many.
    pub(super) busy: u64,
    /// Method, path and status of the latest calls; 0 when there was no whole answer.
    pub(super) seen: VecDeque<(String, String, u16)>,
}

/// Starts a service on a listener. Call it within a tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn start(listener: TcpListener, service: Box<dyn Service>, options: Options) -> std::io::Result<Sandbox> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let faults = FaultPlan::new(options.seed);
    let state = State { service, faults, calls: 0, writes: 0, busy: 0, seen: VecDeque::new() };
    let shared = Arc::new(Shared {
        options,
        state: Mutex::new(state),
        changed: Notify::new(),
        stopped: stopped.clone(),
    });
    let serving = Arc::clone(&shared);
    let accepting = tokio::spawn(listen::accept(listener, stopped, move |request| {
        let shared = Arc::clone(&serving);
        async move { serve(&shared, request).await }
    }));
    Ok(Sandbox { address, shared, stop, accepting })
}

impl Sandbox {
    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Name of its kind.
    pub fn kind(&self) -> &'static str {
        self.shared.state().service.kind()
    }

    /// Calls so far, those for tokens included.
    pub fn calls(&self) -> u64 {
        self.shared.state().calls
    }

    /// Calls so far that write leads.
    pub fn writes(&self) -> u64 {
        self.shared.state().writes
    }

    /// Calls so far that were answered 429, for having had too many.
    pub fn busy(&self) -> u64 {
        self.shared.state().busy
    }

    /// What it keeps of leads.
    pub fn records(&self) -> Vec<Value> {
        self.shared.state().service.records()
    }

    /// Does to a record what a salesperson does, now. Whether it could be done.
    pub fn decide(&self, record: &str, became: Became) -> bool {
        let now = (self.shared.options.now)();
        self.shared.state().service.decide(record, became, now)
    }

    /// Changes what is switched on.
    pub fn faults(&self, change: impl FnOnce(&mut FaultPlan)) {
        change(&mut self.shared.state().faults);
    }

    /// Settings of a destination that reaches it.
    pub fn destination_settings(&self) -> Value {
        self.shared.state().service.destination_settings(&self.url())
    }

    /// Waits for so many calls. Bound it with a timeout.
    pub async fn wait_for_calls(&self, count: u64) {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // Asked for before looking, so that a change in between is not missed.
            changed.as_mut().enable();
            if self.calls() >= count {
                return;
            }
            changed.await;
        }
    }

    /// Closes the listener and every connection, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.accepting).await {
            assert!(!error.is_panic(), "a simulated service panicked: {error}");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The connections belong to this task and end with it.
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a simulated service does not panic")
    }
}

/// What goes out.
enum Answer {
    Whole(Reply),
    Cut,
    CutMidway,
    Stall,
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Result<Response<AnswerBody>, Cut> {
    let (head, body) = request.into_parts();
    let body = match listen::read(body, shared.options.body_bytes_max).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return whole(Reply::empty(413)),
        Err(NoBody::Cut) => return Err(Cut),
    };
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    if call.path == desk::PATH || call.path.strip_prefix(desk::PATH).is_some_and(|it| it.starts_with('/')) {
        let reply = desk::answer(&mut shared.state(), &call, (shared.options.now)());
        return whole(reply);
    }
    let (answer, latency) = decide(&mut shared.state(), &call, (shared.options.now)());
    shared.changed.notify_waiters();
    if let Some(latency) = latency {
        // A slow service is slow on purpose: nobody but the caller waits for this.
        drop(tokio::time::timeout(latency, std::future::pending::<()>()).await);
    }
    match answer {
        Answer::Whole(reply) => whole(reply),
        Answer::Cut => Err(Cut),
        Answer::CutMidway => Ok(Response::new(AnswerBody::Part { then: Then::Pause, sent: false })),
        Answer::Stall => {
            // Until the sandbox stops or the caller leaves.
            drop(shared.stopped.clone().changed().await);
            Err(Cut)
        }
    }
}

fn decide(state: &mut State, call: &Call, now: i64) -> (Answer, Option<Duration>) {
    state.calls += 1;
    let is_write = state.service.is_write(call);
    state.writes += u64::from(is_write);
    let fault = state.faults.throw(is_write);
    let mut latency = None;
    let answer = match fault {
        None => Answer::Whole(state.service.answer(call, now)),
        Some(Fault::Latency(time)) => {
            latency = Some(time);
            Answer::Whole(state.service.answer(call, now))
        }
        Some(Fault::CutBefore) => Answer::Cut,
        Some(fault @ (Fault::CutAfter | Fault::CutMidAnswer | Fault::Stall)) => {
            drop(state.service.answer(call, now));
            match fault {
                Fault::CutAfter => Answer::Cut,
                Fault::CutMidAnswer => Answer::CutMidway,
                _ => Answer::Stall,
            }
        }
        Some(Fault::Html) => Answer::Whole(Reply::text(
            200,
            "text/html; charset=utf-8",
            "<!doctype html><title>Sign in</title><h1>Sign in to the guest network</h1>",
        )),
        Some(Fault::EmptyAnswer) => Answer::Whole(Reply::empty(200)),
        Some(Fault::HugeAnswer) => {
            Answer::Whole(Reply::text(200, "application/json", vec![b' '; HUGE_BYTES]))
        }
        Some(
            fault @ (Fault::Busy
            | Fault::Failing
            | Fault::OkWithError
            | Fault::Partial
            | Fault::TokenExpired
            | Fault::FieldRemoved(_)),
        ) => {
            let own = state.service.misbehave(&fault, call, now);
            Answer::Whole(own.unwrap_or_else(|| state.service.answer(call, now)))
        }
    };
    let status = match &answer {
        Answer::Whole(reply) => reply.status.as_u16(),
        Answer::Cut | Answer::CutMidway | Answer::Stall => 0,
    };
    state.busy += u64::from(status == 429);
    if state.seen.len() == SEEN_MAX {
        state.seen.pop_front();
    }
    state.seen.push_back((call.method.to_string(), call.path.clone(), status));
    (answer, latency)
}

fn whole(reply: Reply) -> Result<Response<AnswerBody>, Cut> {
    let mut response = Response::new(AnswerBody::Whole(Some(reply.body).filter(|it| !it.is_empty())));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}
