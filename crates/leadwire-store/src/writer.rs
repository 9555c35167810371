//! Writing: one thread that commits whatever is queued as one group, so that callers share a flush to disk.
//!
//! There is no lingering: while one commit is flushed the next group gathers. A group in which a body fails is
//! rolled back and its bodies are run again one by one, so a bad one never takes others with it.

use crate::StoreError;
use crate::engine::Tx;
use crate::migrate;
use leadwire_core::limits;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// One caller's work, with the way back to the caller.
trait Job: Send {
    /// Runs the body and keeps its result. An error asks for the group to be rolled back.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError>;
    /// Tells the caller: the kept result after a commit, or why there was none.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Body<T, F> {
    body: F,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Body<T, F>
where
    T: Send,
    F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.result = Some((self.body)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Body { result, answer, .. } = *self;
        // An error means that the caller went away, for instance a client that hung up: the work stands.
        answer.send(committed.and_then(|()| result.ok_or(StoreError::Closed))).ok();
    }
}

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    commits: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

thread_local! {
    /// Pages in the write-ahead log after the last commit of this thread, as SQLite reports them.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Tells the rest of the program that the store failed, also when the writer panics.
struct TellFailure(watch::Sender<Option<String>>);

impl TellFailure {
    fn tell(&self, reason: String) {
        self.0.send_replace(Some(reason));
    }
}

impl Drop for TellFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell("the writer panicked".to_owned());
        }
    }
}

fn note_log_pages(_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}

impl Writer {
    pub(crate) fn start(file: &Path, failed: watch::Sender<Option<String>>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(limits::WRITER_QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let mut connection = Connection::open(file)?;
        migrate::set_up(&connection)?;
        connection.wal_hook(Some(note_log_pages))?;
        let side = Connection::open(file)?;
        migrate::set_up(&side)?;
        let (wake_side, side_queue) = std::sync::mpsc::sync_channel(1);
        let counter = Arc::clone(&commits);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(|error| StoreError::Failed(error.to_string()))
        };
        let writer = spawn(
            "store-write",
            Box::new(move || {
                let failed = TellFailure(failed);
                work(&connection, queue, &counter, &wake_side, &failed);
            }),
        )?;
        let side = spawn("store-checkpoint", Box::new(move || checkpoint(&side, &side_queue)))?;
        Ok(Self { jobs: Some(jobs), commits, threads: vec![writer, side] })
    }

    pub(crate) async fn run<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(Body { body, result: None, answer });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
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

fn work(
    connection: &Connection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    commits: &AtomicU64,
    wake_side: &std::sync::mpsc::SyncSender<()>,
    failed: &TellFailure,
) {
    let mut group = Vec::with_capacity(limits::COMMIT_JOBS_MAX);
    while queue.blocking_recv_many(&mut group, limits::COMMIT_JOBS_MAX) > 0 {
        if let Err(reason) = commit_group(connection, &mut group, commits) {
            // Fail-stop: no second try at a flush that failed, no more work on a file that failed. The reason
            // is told before the queue closes, so nobody sees a closed store without it.
            tracing::error!(%reason, "The store failed. Leadwire must be started again, which recovers the file.");
            failed.tell(reason);
            return;
        }
        let pages = LOG_PAGES.get();
        if pages >= limits::WAL_PAGES_MAX * 4 {
            // The side thread cannot win against a writer that never rests: fold the log here, between commits.
            fold_log(connection, "RESTART");
        } else if pages >= limits::WAL_PAGES_MAX / 4 {
            // An error means a wake-up is waiting already.
            wake_side.try_send(()).ok();
        }
    }
}

/// Commits a group and answers every job in it. An error is one that ends the store.
fn commit_group(
    connection: &Connection,
    group: &mut Vec<Box<dyn Job>>,
    commits: &AtomicU64,
) -> Result<(), String> {
    match in_transaction(connection, group) {
        Ok(()) => {
            commits.fetch_add(1, Ordering::Relaxed);
            group.drain(..).for_each(|job| job.answer(Ok(())));
            Ok(())
        }
        Err(StoreError::Failed(reason)) => {
            group.drain(..).for_each(|job| job.answer(Err(StoreError::Failed(reason.clone()))));
            Err(reason)
        }
        Err(error) if group.len() == 1 => {
            group.drain(..).for_each(|job| job.answer(Err(error.clone())));
            Ok(())
        }
        Err(_) => {
            let mut rest = std::mem::take(group).into_iter();
            while let Some(job) = rest.next() {
                let mut alone = vec![job];
                if let Err(reason) = commit_group(connection, &mut alone, commits) {
                    rest.for_each(|job| job.answer(Err(StoreError::Closed)));
                    return Err(reason);
                }
            }
            Ok(())
        }
    }
}

fn in_transaction(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    // The write lock is taken up front: a read that later writes would fail instead of waiting.
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let tx = Tx::new(connection);
    for job in group {
        if let Err(error) = job.run(&tx) {
            roll_back(connection)?;
            return Err(error);
        }
    }
    match connection.prepare_cached("COMMIT")?.execute([]) {
        Ok(_) => Ok(()),
        // A commit that fails may or may not be on disk, and only opening the file again tells.
        Err(error) => Err(StoreError::Failed(format!("commit: {error}"))),
    }
}

fn roll_back(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        // SQLite rolled back by itself, as it does for a full disk.
        return Ok(());
    }
    connection.execute_batch("ROLLBACK").map_err(|error| StoreError::Failed(format!("roll back: {error}")))
}

/// Copies the log into the file while the writer goes on, so that no commit waits for it.
fn checkpoint(connection: &Connection, wake: &std::sync::mpsc::Receiver<()>) {
    while wake.recv().is_ok() {
        fold_log(connection, "PASSIVE");
    }
    fold_log(connection, "TRUNCATE");
}

fn fold_log(connection: &Connection, mode: &str) {
    // An error here loses nothing: the log stays, and the next fold takes it. A failing disk shows at a commit.
    if let Err(error) = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())) {
        tracing::warn!(%error, "Could not fold the write-ahead log into the file. It is tried again.");
    }
}
