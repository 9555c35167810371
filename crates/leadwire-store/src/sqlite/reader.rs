//! Reading: a few threads, each with a connection that cannot write.

use super::checkpoint::{CutOff, keep_log_on_close};
use super::migrate;
use crate::StoreError;
use crate::engine::Tx;
use crate::failure::Failure;
use leadwire_core::limits;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Steps of SQLite's machine between two looks at whether the read is cut off: well below a millisecond.
const STEPS_PER_LOOK: std::ffi::c_int = 10_000;

pub(crate) struct Readers {
    jobs: Option<mpsc::Sender<Job>>,
    failure: Failure,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(file: &Path, failure: Failure, cut_off: &CutOff) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>(limits::STORE_QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::new();
        for number in 0..limits::READERS {
            let mut connection = Connection::open(file)?;
            connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
            connection.busy_timeout(limits::DB_HELD_WAIT)?;
            migrate::prepare_once(&connection)?;
            keep_log_on_close(&connection)?;
            let started = Arc::new(AtomicU64::new(0));
            let (seen, cut_off) = (Arc::clone(&started), cut_off.clone());
            let raised = cut_off.clone();
            connection.progress_handler(
                STEPS_PER_LOOK,
                Some(move || raised.count() != seen.load(Ordering::Relaxed)),
            )?;
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || {
                    while let Some(job) = next(&queue) {
                        started.store(cut_off.count(), Ordering::Relaxed);
                        job(&connection);
                    }
                })
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            threads.push(thread);
        }
        Ok(Self { jobs: Some(jobs), failure, threads })
    }

    pub(crate) async fn run<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let failure = self.failure.clone();
        let job: Job = Box::new(move |connection| {
            // A panic ends this read, not the thread that the next reads need; the snapshot closes on the way.
            let result = catch_unwind(AssertUnwindSafe(|| in_snapshot(connection, body)))
                .unwrap_or_else(|_| Err(StoreError::Wrong("a read panicked".to_owned())));
            if let Err(StoreError::Failed(reason)) = &result {
                // A page that cannot be read is never skipped: the store ends, as for one that cannot be written.
                failure.tell(&format!("read: {reason}"));
            }
            // An error means that the caller went away: nobody is left to tell.
            answer.send(result).ok();
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }
}

/// The next job. The lock is held while waiting for it, and not while it runs.
fn next(queue: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.blocking_recv()
}

/// Runs a body on a snapshot of a file that is not otherwise opened; it is not changed.
pub(crate) fn look<T>(
    file: &Path,
    body: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    Looking::open(file)?.at(body)
}

/// A file that is looked at, and not changed, while others may write it.
pub(crate) struct Looking(Connection);

impl Looking {
    pub(crate) fn open(file: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(limits::DB_HELD_WAIT)?;
        keep_log_on_close(&connection)?;
        Ok(Self(connection))
    }

    /// Runs a body on a snapshot of this moment.
    pub(crate) fn at<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        in_snapshot(&self.0, body)
    }
}

pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    body: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = connection.unchecked_transaction()?;
    let result = body(&Tx::of_file(&tx));
    tx.finish()?;
    result
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
