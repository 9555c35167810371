//! The audit log: who changed what, written in the transaction of the change, each entry bound to all before it.

mod deed;
mod search;

pub(crate) use deed::current;
pub use deed::{Deed, telling};
pub use search::AuditWish;

use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::audit::{BEFORE_ALL, Entry, Hash, link};
use leadwire_core::time::Timestamp;

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What was done.
    pub entry: Entry,
    /// The hash of the entry before.
    pub previous: Hash,
    /// Its own.
    pub hash: Hash,
}

/// How far a chain was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain; empty: the operator's.
    pub publisher: String,
    /// The last entry that it covers.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The hash of that entry.
    pub hash: Hash,
    /// The mark of the installation.
    pub mark: Vec<u8>,
}

impl Store {
    /// Entries of a chain, newest first; the empty text is the operator's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(
        &self,
        publisher: String,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        self.audit_found(AuditWish { publisher, before, ..AuditWish::default() }, limit).await
    }

    /// The newest checkpoint of a chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_checkpoint(&self, publisher: String) -> Result<Option<Checkpoint>, StoreError> {
        self.read_in(Scope::of(&publisher), move |tx| {
            tx.find(
                "SELECT publisher_id, number, at, hash, mark
                 FROM audit_checkpoint
                 WHERE publisher_id = $1
                 ORDER BY number DESC
                 LIMIT 1",
                &[Param::Text(&publisher)],
                read_checkpoint,
            )
        })
        .await
    }

    /// Signs a chain up to its newest entry and gives the checkpoint; `sign` makes the mark, on the writer's thread. The last
    /// one again when nothing was added since, and none when the chain is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_audit<F>(
        &self,
        publisher: String,
        now: Timestamp,
        mut sign: F,
    ) -> Result<Option<Checkpoint>, StoreError>
    where
        F: FnMut(&Checkpoint) -> Vec<u8> + Send + 'static,
    {
        self.write_in(Scope::of(&publisher), move |tx| {
            let Some((number, hash)) = head(tx, &publisher)? else { return Ok(None) };
            let signed = i64::try_from(number).unwrap_or(i64::MAX);
            if let Some(known) = checkpoints_between(tx, &publisher, signed - 1, signed)?.pop() {
                return Ok(Some(known));
            }
            let mut made =
                Checkpoint { publisher: publisher.clone(), number, at: now, hash, mark: Vec::new() };
            made.mark = sign(&made);
            tx.execute(
                "INSERT INTO audit_checkpoint (publisher_id, number, at, hash, mark) VALUES ($1, $2, $3, $4, $5)",
                &[
                    Param::Text(&publisher),
                    Param::Int(signed),
                    Param::Int(now.millis()),
                    Param::Bytes(&made.hash),
                    Param::Bytes(&made.mark),
                ],
            )?;
            Ok(Some(made))
        })
        .await
    }
}

/// The newest entry of a chain: its number and its hash.
fn head(tx: &Tx<'_>, publisher: &str) -> Result<Option<(u64, Hash)>, StoreError> {
    tx.find(
        "SELECT number, hash FROM audit WHERE publisher_id = $1 ORDER BY number DESC LIMIT 1",
        &[Param::Text(publisher)],
        |row| Ok((row.count(0)?, hash(row, 1)?)),
    )
}

/// Writes an entry behind the newest one of its chain.
pub(crate) fn append(tx: &Tx<'_>, mut entry: Entry) -> Result<(), StoreError> {
    let (number, previous) = head(tx, &entry.publisher)?.unwrap_or((0, BEFORE_ALL));
    entry.number = number + 1;
    let hash = link(&previous, &entry);
    tx.execute(
        "INSERT INTO audit (publisher_id, number, at, who, role, action, subject, detail, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            Param::Text(&entry.publisher),
            Param::Int(i64::try_from(entry.number).unwrap_or(i64::MAX)),
            Param::Int(entry.at.millis()),
            Param::Text(&entry.who),
            Param::Text(&entry.role),
            Param::Text(&entry.action),
            Param::Text(&entry.subject),
            Param::Text(&entry.detail),
            Param::Bytes(&previous),
            Param::Bytes(&hash),
        ],
    )?;
    Ok(())
}

/// The next entries of a chain, oldest first.
pub(crate) fn entries_after(
    tx: &Tx<'_>,
    publisher: &str,
    number: i64,
    limit: usize,
) -> Result<Vec<Kept>, StoreError> {
    tx.query(
        "SELECT publisher_id, number, at, who, role, action, subject, detail, previous, hash
         FROM audit
         WHERE publisher_id = $1 AND number > $2
         ORDER BY number
         LIMIT $3",
        &[Param::Text(publisher), Param::Int(number), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))],
        read_kept,
    )
}

/// Checkpoints of entries behind one number and up to another.
pub(crate) fn checkpoints_between(
    tx: &Tx<'_>,
    publisher: &str,
    after: i64,
    last: i64,
) -> Result<Vec<Checkpoint>, StoreError> {
    tx.query(
        "SELECT publisher_id, number, at, hash, mark
         FROM audit_checkpoint
         WHERE publisher_id = $1 AND number > $2 AND number <= $3
         ORDER BY number",
        &[Param::Text(publisher), Param::Int(after), Param::Int(last)],
        read_checkpoint,
    )
}

fn read_checkpoint(row: &Row<'_>) -> Result<Checkpoint, StoreError> {
    Ok(Checkpoint {
        publisher: row.text(0)?.to_owned(),
        number: row.count(1)?,
        at: row.time(2)?,
        hash: hash(row, 3)?,
        mark: row.bytes(4)?.to_owned(),
    })
}

fn read_kept(row: &Row<'_>) -> Result<Kept, StoreError> {
    Ok(Kept {
        entry: Entry {
            publisher: row.text(0)?.to_owned(),
            number: row.count(1)?,
            at: row.time(2)?,
            who: row.text(3)?.to_owned(),
            role: row.text(4)?.to_owned(),
            action: row.text(5)?.to_owned(),
            subject: row.text(6)?.to_owned(),
            detail: row.text(7)?.to_owned(),
        },
        previous: hash(row, 8)?,
        hash: hash(row, 9)?,
    })
}

/// A hash; one of another length, which nobody wrote, is like none that can be.
fn hash(row: &Row<'_>, column: usize) -> Result<Hash, StoreError> {
    Ok(row.bytes(column)?.try_into().unwrap_or([0xff; 32]))
}
