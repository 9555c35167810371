//! A simulated receiving endpoint: checks like a strict receiver, misbehaves on demand, and remembers what came.
//!
//! It counts distinct `webhook-id`s, which is how tests and benchmarks prove that nothing was lost and that
//! repetitions can be told. Also the sink of the benchmarks, so a request costs little.

mod answer;
mod book;
mod check;
#[cfg(test)]
mod tests;

pub use answer::{Answer, ENDLESS_BYTES};
pub use book::{Keep, Received, Seen};

use crate::listen::{self, AnswerBody, Cut};
use crate::webhook_signature::Verifier;
use book::Book;
use http::header::{HeaderName, HeaderValue};
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Tells the time, in seconds since 1970-01-01 UTC.
pub type UnixSeconds = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How strict the endpoint is and how much it remembers.
#[derive(Clone)]
pub struct Options {
    /// The clock that signatures are checked against.
    pub now: UnixSeconds,
    /// The keys that a request must be signed with; without them signatures are not looked at.
    pub verifier: Option<Arc<Verifier>>,
    /// Headers that a request must carry with this very value, such as `Authorization`.
    pub required_headers: Vec<(HeaderName, HeaderValue)>,
    /// Largest body, in bytes; a larger one is answered 413.
    pub body_bytes_max: usize,
    /// How much is remembered.
    pub keep: Keep,
}

impl Options {
    /// Unsigned requests are taken, 1 MiB at most, and 10,000 of them are remembered.
    pub fn new(now: UnixSeconds) -> Self {
        Self {
            now,
            verifier: None,
            required_headers: Vec::new(),
            body_bytes_max: 1024 * 1024,
            keep: Keep::Requests { count_max: 10_000 },
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Required headers are credentials, so only their number is shown.
        let headers = self.required_headers.len();
        write!(
            out,
            "Options {{ verifier: {:?}, required_headers: {headers}, keep: {:?} }}",
            self.verifier, self.keep
        )
    }
}

/// A running endpoint. Dropping it stops it.
#[derive(Debug)]
pub struct HttpsEndpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    book: Mutex<Book>,
    changed: Notify,
    /// Counts how often `release` was called.
    released: watch::Sender<u64>,
}

/// Starts an endpoint on a listener. Call it within a tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn start(listener: TcpListener, options: Options) -> std::io::Result<HttpsEndpoint> {
    let address = listener.local_addr()?;
    let book = Mutex::new(Book::new(options.keep));
    let shared = Arc::new(Shared { options, book, changed: Notify::new(), released: watch::Sender::new(0) });
    let (stop, stopped) = watch::channel(false);
    let serving = Arc::clone(&shared);
    let accepting = tokio::spawn(listen::accept(listener, stopped, move |request| {
        let shared = Arc::clone(&serving);
        async move { serve(&shared, request).await }
    }));
    Ok(HttpsEndpoint { address, shared, stop, accepting })
}

impl HttpsEndpoint {
    /// Where to send: any path is taken.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds answers, given one by one, in order, to the next requests that pass the checks.
    pub fn script(&self, answers: Vec<Answer>) {
        self.shared.book().script.extend(answers);
    }

    /// What is answered when the script is empty; 200 at first.
    pub fn otherwise(&self, answer: Answer) {
        self.shared.book().otherwise = answer;
    }

    /// Lets every request that hangs now be answered 200.
    pub fn release(&self) {
        self.shared.released.send_modify(|it| *it += 1);
    }

    /// Requests that passed the checks, whatever they were answered.
    pub fn calls(&self) -> u64 {
        self.shared.book().calls
    }

    /// Requests that did not pass the checks, such as one with a wrong signature.
    pub fn refused(&self) -> u64 {
        self.shared.book().refused
    }

    /// Requests answered with success.
    pub fn accepted(&self) -> u64 {
        self.shared.book().accepted
    }

    /// Distinct ids among the requests that passed the checks.
    pub fn distinct(&self) -> usize {
        self.shared.book().distinct()
    }

    /// Distinct ids that were answered with success at least once.
    pub fn accepted_distinct(&self) -> usize {
        self.shared.book().accepted_distinct
    }

    /// Whether this id was answered with success at least once.
    pub fn has_accepted(&self, webhook_id: &str) -> bool {
        self.shared.book().has_accepted(webhook_id)
    }

    /// What is known of each id, in the order of first arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.book().seen.clone()
    }

    /// The requests that passed the checks, in the order they were read.
    pub fn received(&self) -> Vec<Received> {
        self.shared.book().received.clone()
    }

    /// Waits for so many requests that passed the checks. Bound it with a timeout.
    pub async fn wait_for_calls(&self, count: u64) {
        self.wait_until(|book| book.calls >= count).await;
    }

    /// Waits for so many distinct ids answered with success. Bound it with a timeout.
    pub async fn wait_for_accepted_distinct(&self, count: usize) {
        self.wait_until(|book| book.accepted_distinct >= count).await;
    }

    async fn wait_until(&self, done: impl Fn(&Book) -> bool) {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // Asked for before looking, so that a change in between is not missed.
            changed.as_mut().enable();
            if done(&self.shared.book()) {
                return;
            }
            changed.await;
        }
    }

    /// Closes the listener and every connection, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.accepting).await {
            assert!(!error.is_panic(), "the simulated endpoint panicked: {error}");
        }
    }
}

impl Drop for HttpsEndpoint {
    fn drop(&mut self) {
        // The connections belong to this task and end with it.
        self.accepting.abort();
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics while holding the book")
    }
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Result<Response<AnswerBody>, Cut> {
    let (head, body) = request.into_parts();
    let checked = check::check(&shared.options, &head, body).await;
    // Taken before the answer is chosen: who sees the call may release it at once.
    let mut released = shared.released.subscribe();
    let answer = match &checked {
        Ok(passed) => shared.book().enter(passed.webhook_id, &head.headers, &passed.body),
        Err(refusal) => {
            shared.book().refused += 1;
            refusal.clone()
        }
    };
    shared.changed.notify_waiters();
    if answer == Answer::Hang {
        // Cannot fail: the sender lives as long as `shared`.
        drop(released.changed().await);
    }
    answer.into_response()
}
