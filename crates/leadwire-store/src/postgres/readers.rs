//! Reading from a server: a few threads, each with a connection that is asked for snapshots only.

use super::address::Address;
use super::scope::{self, Scope};
use super::session::Session;
use crate::StoreError;
use crate::engine::Tx;
use leadwire_core::limits;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(Result<&Session, StoreError>) + Send>;

pub(crate) struct Readers {
    jobs: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(address: &Address) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>(limits::STORE_QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self { jobs: Some(jobs), threads: Vec::new() };
        for number in 0..address.pool().readers {
            let (address, queue) = (address.clone(), Arc::clone(&queue));
            let thread = std::thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || work(&address, &queue))
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    pub(crate) async fn run<T, F>(&self, scope: Scope, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |session| {
            // While a server hung, many came and went: when it is back, those who still wait come first.
            if answer.is_closed() {
                return;
            }
            let result = session.and_then(|session| {
                // A panic ends this read, not the thread that the next reads need.
                catch_unwind(AssertUnwindSafe(|| in_snapshot(session, &scope, body)))
                    .unwrap_or_else(|_| Err(StoreError::Wrong("a read panicked".to_owned())))
            });
            // An error means that the caller went away: nobody is left to tell.
            answer.send(result).ok();
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }
}

fn work(address: &Address, queue: &Mutex<mpsc::Receiver<Job>>) {
    let mut session: Option<Session> = None;
    while let Some(job) = next(queue) {
        session = session.filter(|it| !it.is_closed());
        if session.is_none() {
            match Session::open(address) {
                Ok(opened) => session = Some(opened),
                Err(error) => {
                    job(Err(error));
                    continue;
                }
            }
        }
        if let Some(session) = &session {
            job(Ok(session));
        }
    }
}

/// The next job. The lock is held while waiting for it, and not while it runs.
fn next(queue: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.blocking_recv()
}

/// Runs a body on a snapshot of this moment, which shows the rows of a scope.
pub(crate) fn in_snapshot<T>(
    session: &Session,
    scope: &Scope,
    body: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    session.run(&scope::begin("REPEATABLE READ READ ONLY", scope))?;
    // Also when the body panics: the next read must not see this moment.
    let _open = Open(session);
    body(&Tx::of_server(session))
}

struct Open<'a>(&'a Session);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // Nothing was written: a snapshot that cannot be closed went with its connection.
        self.0.run("ROLLBACK").ok();
        self.0.take_failed();
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A reader cannot panic but in its own bookkeeping, and then there is nothing left of it to end.
            thread.join().ok();
        }
    }
}
