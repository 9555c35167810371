//! The bare floor of durable intake: the same bytes under the same grouping of commits, in one table and no more.
//!
//! `leadwire bench --limit` measures the product against it in the same run. Nothing else uses it.

use crate::{StoreError, migrate};
use bytes::Bytes;
use leadwire_core::limits;
use rusqlite::Connection;
use std::path::Path;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Row = (u128, Bytes, oneshot::Sender<()>);

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
    pub fn start(file: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(file)?;
        migrate::set_up(&connection)?;
        connection.execute_batch(
            "PRAGMA wal_autocheckpoint = 4000;
             CREATE TABLE floor (id BLOB NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT;",
        )?;
        let (rows, queue) = mpsc::channel(limits::WRITER_QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("floor-write".to_owned())
            .spawn(move || write(&connection, queue))
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

fn write(connection: &Connection, mut queue: mpsc::Receiver<Row>) -> Result<(), StoreError> {
    let mut group = Vec::with_capacity(limits::COMMIT_JOBS_MAX);
    while queue.blocking_recv_many(&mut group, limits::COMMIT_JOBS_MAX) > 0 {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (id, body, _) in &group {
            let mut insert = connection.prepare_cached("INSERT INTO floor (id, body) VALUES (?1, ?2)")?;
            insert.execute((id.to_be_bytes(), &body[..]))?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for (_, _, done) in group.drain(..) {
            // An error means that the caller went away.
            done.send(()).ok();
        }
    }
    Ok(())
}
