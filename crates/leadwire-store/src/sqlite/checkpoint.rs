//! Keeping the write-ahead log short: it is folded into the file beside the writer, and by the writer when that
//! is not enough.
//!
//! A log starts anew only when all of it is in the file and no reader looks at a part of it. Beside a writer that
//! never rests the first never happens, so past a bound the writer folds the log itself, between two commits. A
//! reader that holds a snapshot prevents the second, so past a far greater bound reads are cut off.

use crate::StoreError;
use crate::failure::Failure;
use leadwire_core::limits;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// Lengths of the log at which something is done about it, in pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogBounds {
    /// The side thread folds what it can, and again after as many more: each fold flushes the file too, and a flush
    /// beside every commit would double the wait of each.
    pub(crate) beside: u32,
    /// The writer folds all of it, and again after as many more.
    pub(crate) between: u32,
    /// Reads that began before are cut off, so that the log can start anew.
    pub(crate) cut_off: u32,
}

impl LogBounds {
    /// 16 MiB, 64 MiB and 1 GiB: a pause between commits is short, and only a read of minutes is cut off.
    pub(crate) const USUAL: LogBounds = LogBounds {
        beside: limits::WAL_PAGES_MAX,
        between: limits::WAL_PAGES_MAX * 4,
        cut_off: limits::WAL_PAGES_MAX * 64,
    };
}

thread_local! {
    /// Pages in the log after the last commit of this thread, as SQLite reports them.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

fn note_log_pages(_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}

/// Ends reads that began before it was raised.
#[derive(Clone, Debug, Default)]
pub(crate) struct CutOff(Arc<AtomicU64>);

impl CutOff {
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was raised; a read that saw another number at its start must end.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks for the log to be emptied, and its bytes to be given back, at the next occasion.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmptyLog(Arc<AtomicBool>);

impl EmptyLog {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Leaves the log alone when a connection closes: after a failure nothing may be flushed a second time.
pub(crate) fn keep_log_on_close(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// The writer's part: looks at the log after each commit.
pub(crate) struct Log {
    bounds: LogBounds,
    wake_at: u32,
    fold_at: u32,
    folding: Arc<Mutex<()>>,
    wake_side: mpsc::SyncSender<()>,
    cut_off: CutOff,
    empty_log: EmptyLog,
}

impl Log {
    /// Starts looking at the log of `connection`, and gives what the side thread needs.
    pub(crate) fn watch(
        connection: &mut Connection,
        bounds: LogBounds,
        cut_off: CutOff,
        empty_log: EmptyLog,
    ) -> Result<(Self, Beside), StoreError> {
        connection.wal_hook(Some(note_log_pages))?;
        let folding = Arc::new(Mutex::new(()));
        let (wake_side, wake) = mpsc::sync_channel(1);
        let beside = Beside { folding: Arc::clone(&folding), wake, empty_log: empty_log.clone() };
        let (wake_at, fold_at) = (bounds.beside, bounds.between);
        Ok((Self { bounds, wake_at, fold_at, folding, wake_side, cut_off, empty_log }, beside))
    }

    /// Does what the length of the log asks for. Called on the writer's thread, between two commits.
    pub(crate) fn after_commit(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let pages = LOG_PAGES.get();
        if self.empty_log.0.load(Ordering::Relaxed) {
            // An error means that a wake-up is waiting already.
            self.wake_side.try_send(()).ok();
        }
        if pages < self.bounds.between {
            self.fold_at = self.bounds.between;
        }
        if pages < self.bounds.beside {
            // The log started anew.
            self.wake_at = self.bounds.beside;
        }
        if pages < self.fold_at {
            if pages >= self.wake_at {
                self.wake_at = pages.saturating_add(self.bounds.beside);
                // An error means that a wake-up is waiting already.
                self.wake_side.try_send(()).ok();
            }
            return Ok(());
        }
        // Waits for the side thread: SQLite refuses a second fold instead of queueing it.
        let turn = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        connection.busy_timeout(limits::WAL_READERS_WAIT)?;
        let mut folded = fold(connection, "RESTART")?;
        if !folded && pages >= self.bounds.cut_off {
            tracing::warn!(
                pages,
                "A long read kept the write-ahead log from starting anew. Reads are cut off."
            );
            self.cut_off.raise();
            folded = fold(connection, "RESTART")?;
        }
        connection.busy_timeout(limits::DB_HELD_WAIT)?;
        drop(turn);
        self.fold_at = if folded { self.bounds.between } else { pages.saturating_add(self.bounds.between) };
        Ok(())
    }
}

/// The side thread's part.
pub(crate) struct Beside {
    folding: Arc<Mutex<()>>,
    wake: mpsc::Receiver<()>,
    empty_log: EmptyLog,
}

impl Beside {
    /// Copies the log into the file while the writer goes on, so that no commit waits for it; at the end all of
    /// it. A store that failed is left as it is.
    pub(crate) fn run(&self, connection: &Connection, failure: &Failure) {
        while self.wake.recv().is_ok() {
            if self.empty_log.0.swap(false, Ordering::Relaxed) {
                if !self.fold(connection, "TRUNCATE", failure) {
                    // Somebody reads an older state: the next commit asks again.
                    self.empty_log.ask();
                }
            } else {
                self.fold(connection, "PASSIVE", failure);
            }
        }
        self.fold(connection, "TRUNCATE", failure);
    }

    /// Says whether all of the log was folded.
    fn fold(&self, connection: &Connection, mode: &str, failure: &Failure) -> bool {
        let _turn = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.has_happened() {
            return false;
        }
        fold(connection, mode).unwrap_or_else(|error| {
            failure.tell(&format!("fold the log: {error}"));
            false
        })
    }
}

/// Folds the log and says whether all of it was. An error is one that ends the store: pages may be half written,
/// which only a new start puts right.
fn fold(connection: &Connection, mode: &str) -> Result<bool, StoreError> {
    let folded =
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(0));
    match folded.map_err(StoreError::from) {
        Ok(busy) => Ok(busy == 0),
        // Nothing is lost: the log stays, and the next fold takes it.
        Err(error @ (StoreError::Full | StoreError::Busy)) => {
            tracing::warn!(%error, "Could not fold the write-ahead log into the file. It is tried again.");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
