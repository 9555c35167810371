//! Writing: one thread that commits whatever is queued as one group, so that callers share a flush to disk.
//!
//! There is no lingering: while one commit is flushed the next group gathers. A group in which a body fails is
//! rolled back and its bodies are run again one by one, so a bad one never takes others with it.

use super::checkpoint::{CutOff, EmptyLog, Log, LogBounds, keep_log_on_close};
use super::migrate;
use crate::StoreError;
use crate::engine::Tx;
use crate::failure::Failure;
use crate::job::{Body, Job};
use leadwire_core::limits;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    commits: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    empty_log: EmptyLog,
}

impl Writer {
    pub(crate) fn start(
        file: &Path,
        bounds: LogBounds,
        failure: &Failure,
        cut_off: CutOff,
    ) -> Result<Self, StoreError> {
        #[cfg(feature = "defect-ack-before-commit")]
        tracing::error!("This build answers before it commits, and loses leads. It is for tests only.");
        let (jobs, queue) = mpsc::channel(limits::STORE_QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let mut connection = open(file)?;
        let empty_log = EmptyLog::default();
        let (mut log, beside) = Log::watch(&mut connection, bounds, cut_off, empty_log.clone())?;
        let side = open(file)?;
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(|error| StoreError::Failed(error.to_string()))
        };
        let mut writer =
            Self { jobs: Some(jobs), commits: Arc::clone(&commits), threads: Vec::new(), empty_log };
        let seen = failure.clone();
        writer.threads.push(spawn("store-checkpoint", Box::new(move || beside.run(&side, &seen)))?);
        let failure = failure.clone();
        writer.threads.push(spawn(
            "store-write",
            Box::new(move || work(&connection, &mut log, queue, &commits, &failure)),
        )?);
        Ok(writer)
    }

    /// Runs a body, and `after` on the writer's thread once it is on disk, whether or not the caller still waits.
    pub(crate) async fn run<T, F, A>(&self, body: F, after: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(Body::new(body, after, answer));
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    /// Has the log emptied after the next commit.
    pub(crate) fn empty_log_soon(&self) {
        self.empty_log.ask();
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A writer that panicked has already reported it; what it had not committed was not acknowledged.
            thread.join().ok();
        }
    }
}

fn open(file: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(file)?;
    migrate::set_up(&connection)?;
    keep_log_on_close(&connection)?;
    Ok(connection)
}

fn work(
    connection: &Connection,
    log: &mut Log,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    commits: &AtomicU64,
    failure: &Failure,
) {
    let mut group = Vec::with_capacity(limits::COMMIT_JOBS_MAX);
    while queue.blocking_recv_many(&mut group, limits::COMMIT_JOBS_MAX) > 0 {
        if failure.has_happened() {
            // A read or the side thread saw the disk fail. Dropped work is answered as closed: nothing was stored.
            return;
        }
        let committed = catch_unwind(AssertUnwindSafe(|| commit_all(connection, log, &mut group, commits)))
            .unwrap_or_else(|_| {
                Err(Fatal { reason: "a body panicked in the writer".to_owned(), in_doubt: 0 })
            });
        if let Err(Fatal { reason, in_doubt }) = committed {
            // Fail-stop: no second try at a flush that failed, no more work on a file that failed. The reason is
            // told before anybody is answered, so nobody sees a closed store without it.
            failure.tell(&reason);
            group.drain(..in_doubt).for_each(|job| job.answer(Err(StoreError::Failed(reason.clone()))));
            return;
        }
    }
}

/// Why the store ends, and how many jobs from the front were in the transaction that may or may not be on disk.
struct Fatal {
    reason: String,
    in_doubt: usize,
}

/// Commits a group and answers every job in it.
fn commit_all(
    connection: &Connection,
    log: &mut Log,
    group: &mut Vec<Box<dyn Job>>,
    commits: &AtomicU64,
) -> Result<(), Fatal> {
    let mut one_by_one: usize = 0;
    while !group.is_empty() {
        let together = if one_by_one > 0 { 1 } else { group.len() };
        one_by_one = one_by_one.saturating_sub(1);
        match in_transaction(connection, &mut group[..together]) {
            Ok(committed) => {
                commits.fetch_add(1, Ordering::Relaxed);
                group.drain(..committed).for_each(|job| job.answer(Ok(())));
                log.after_commit(connection)
                    .map_err(|error| Fatal { reason: format!("fold the log: {error}"), in_doubt: 0 })?;
            }
            Err(RolledBack { error: StoreError::Failed(reason), ran }) => {
                return Err(Fatal { reason, in_doubt: ran });
            }
            // No body's fault, and no body would fare better alone.
            Err(RolledBack { error: error @ (StoreError::Full | StoreError::Busy), .. }) => {
                group.drain(..).for_each(|job| job.answer(Err(error.clone())));
            }
            Err(RolledBack { error, ran: 0 | 1 }) => group.remove(0).answer(Err(error)),
            Err(RolledBack { ran, .. }) => one_by_one = ran,
        }
    }
    Ok(())
}

/// Nothing was stored: which error, and how many jobs had run until it.
struct RolledBack {
    error: StoreError,
    ran: usize,
}

/// Runs jobs in one transaction, and says how many from the front it holds.
fn in_transaction(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<usize, RolledBack> {
    // The write lock is taken up front: a read that later writes would fail instead of waiting.
    run_cached(connection, "BEGIN IMMEDIATE").map_err(|error| RolledBack { error: error.into(), ran: 0 })?;
    let tx = Tx::of_file(connection);
    let changes_before = connection.total_changes();
    let mut ran = 0;
    for job in jobs {
        ran += 1;
        let mut result = job.run(&tx);
        if result.is_ok() && connection.is_autocommit() {
            result = Err(StoreError::Failed("a body ended its transaction".to_owned()));
        }
        if let Err(error) = result {
            return Err(RolledBack { error: roll_back(connection).err().unwrap_or(error), ran });
        }
        #[cfg(feature = "defect-ack-before-commit")]
        defect::answer_early(job);
        if connection.total_changes() - changes_before >= limits::COMMIT_ROWS_MAX {
            break;
        }
    }
    // A commit that fails may or may not be on disk, and only opening the file again tells.
    let failed = |error| RolledBack { error: StoreError::Failed(format!("commit: {error}")), ran };
    run_cached(connection, "COMMIT").map_err(failed)?;
    Ok(ran)
}

fn run_cached(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn roll_back(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        // SQLite rolled back by itself, as it does for a full disk.
        return Ok(());
    }
    connection.execute_batch("ROLLBACK").map_err(|error| StoreError::Failed(format!("roll back: {error}")))
}

/// A seeded defect that must never ship: `scripts/kill-cycles --defect` shows by it that a 202 before the commit
/// would be caught.
#[cfg(feature = "defect-ack-before-commit")]
mod defect {
    use super::{Job, StoreError, Tx};

    struct Answered;

    impl Job for Answered {
        fn run(&mut self, _: &Tx<'_>) -> Result<(), StoreError> {
            Ok(())
        }

        fn answer(self: Box<Self>, _: Result<(), StoreError>) {}
    }

    pub(super) fn answer_early(job: &mut Box<dyn Job>) {
        std::mem::replace(job, Box::new(Answered)).answer(Ok(()));
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
