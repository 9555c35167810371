//! The floors of durable intake: the same bytes under the same grouping of commits, and no more.
//!
//! `leadwire bench --limit` measures the product against them in the same run. Nothing else uses them.

use crate::StoreError;
use crate::sqlite::migrate;
use bytes::Bytes;
use leadwire_core::limits;
use rusqlite::Connection;
use std::path::Path;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Row = (u128, Bytes, oneshot::Sender<()>);

/// What the floor writes for each lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Its body under an id that grows, in one table: what cannot be done with less.
    Body,
    /// The rows the product keeps of it and no decision about any: body, lead found by identity, idempotency key,
    /// and a delivery that waits.
    Four,
}

/// A writer thread over a file of its own.
pub struct Floor {
    rows: Option<mpsc::Sender<Row>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Floor {
    /// Makes the file and starts the writer.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(file: &Path, kind: Rows) -> Result<Self, StoreError> {
        let connection = Connection::open(file)?;
        migrate::set_up(&connection)?;
        connection.execute_batch(
            "PRAGMA wal_autocheckpoint = 4000;
             CREATE TABLE body (id BLOB NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT;
             CREATE TABLE lead (id BLOB NOT NULL PRIMARY KEY, identity BLOB NOT NULL UNIQUE, name TEXT NOT NULL)
                 STRICT, WITHOUT ROWID;
             CREATE TABLE seen (key BLOB NOT NULL PRIMARY KEY, id BLOB NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE owed (id BLOB NOT NULL PRIMARY KEY, state TEXT NOT NULL, due_at INTEGER NOT NULL)
                 STRICT, WITHOUT ROWID;
             CREATE INDEX owed_due ON owed (due_at, id) WHERE state = 'pending';",
        )?;
        let (rows, queue) = mpsc::channel(limits::STORE_QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("floor-write".to_owned())
            .spawn(move || write(&connection, kind, queue))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { rows: Some(rows), thread: Some(thread) })
    }

    /// Inserts a row and answers when it is on disk.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn insert(&self, id: u128, body: Bytes) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        let rows = self.rows.as_ref().ok_or(StoreError::Closed)?;
        rows.send((id, body, done)).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.rows = None;
        if let Some(thread) = self.thread.take() {
            // The floor measures; a failure showed as a closed writer.
            thread.join().ok();
        }
    }
}

fn write(connection: &Connection, kind: Rows, mut queue: mpsc::Receiver<Row>) -> Result<(), StoreError> {
    let mut group = Vec::with_capacity(limits::COMMIT_JOBS_MAX);
    while queue.blocking_recv_many(&mut group, limits::COMMIT_JOBS_MAX) > 0 {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (id, body, _) in &group {
            insert(connection, kind, *id, body)?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for (_, _, done) in group.drain(..) {
            // An error means that the caller went away.
            done.send(()).ok();
        }
    }
    Ok(())
}

fn insert(connection: &Connection, kind: Rows, id: u128, body: &Bytes) -> Result<(), StoreError> {
    let key = id.to_be_bytes();
    connection.prepare_cached("INSERT INTO body (id, body) VALUES (?1, ?2)")?.execute((key, &body[..]))?;
    if kind == Rows::Body {
        return Ok(());
    }
    // Identities and keys are hashes: they fall anywhere in their trees, as the product's do.
    let identity = scattered(id);
    let mut lead = connection.prepare_cached("INSERT INTO lead (id, identity, name) VALUES (?1, ?2, ?3)")?;
    lead.execute((key, identity, "Ada Lovelace, Analytical Engines Limited, ada@example.com"))?;
    let mut seen = connection.prepare_cached("INSERT INTO seen (key, id) VALUES (?1, ?2)")?;
    seen.execute((scattered(!id), key))?;
    let mut owed =
        connection.prepare_cached("INSERT INTO owed (id, state, due_at) VALUES (?1, 'pending', ?2)")?;
    owed.execute((key, i64::try_from(id).unwrap_or(0)))?;
    Ok(())
}

/// Spreads numbers that follow each other over all of their range (the finaliser of SplitMix64, twice).
pub(crate) fn scattered(id: u128) -> [u8; 16] {
    let mix = |it: u64| {
        let it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        it ^ (it >> 31)
    };
    let low = u64::try_from(id & u128::from(u64::MAX)).expect("64 bits");
    let high = u64::try_from(id >> 64).expect("64 bits");
    ((u128::from(mix(high ^ mix(low))) << 64) | u128::from(mix(low))).to_be_bytes()
}
