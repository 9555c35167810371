//! Entries of the audit log by who did something, by what was done, and by when, newest first.

use super::{Kept, read_kept};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// Which entries of a chain are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditWish {
    /// Whose chain; empty: the operator's.
    pub publisher: String,
    /// Only those of this key or user, or of `service`.
    pub who: Option<String>,
    /// Only those of this action.
    pub action: Option<String>,
    /// Only those from this moment on.
    pub from: Option<Timestamp>,
    /// Only those before this moment.
    pub to: Option<Timestamp>,
    /// Only those with a smaller number.
    pub before: Option<u64>,
}

impl Store {
    /// Entries of a chain, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_found(&self, wish: AuditWish, limit: usize) -> Result<Vec<Kept>, StoreError> {
        self.read_in(Scope::of(&wish.publisher), move |tx| find(tx, &wish, limit)).await
    }
}

const WHOLE: Scanned = Scanned { first: 0, behind: i64::MAX };

/// A stretch of numbers.
#[derive(Clone, Copy)]
struct Scanned {
    first: i64,
    behind: i64,
}

fn find(tx: &Tx<'_>, wish: &AuditWish, limit: usize) -> Result<Vec<Kept>, StoreError> {
    let scanned = stretch(tx, wish)?;
    let (who, action) = (wish.who.as_deref().unwrap_or_default(), wish.action.as_deref().unwrap_or_default());
    let times = (wish.from.map_or(i64::MIN, Timestamp::millis), wish.to.map_or(i64::MAX, Timestamp::millis));
    let before = wish.before.and_then(|it| i64::try_from(it).ok()).unwrap_or(i64::MAX);
    let rest = [
        Param::Int(scanned.first),
        Param::Int(scanned.behind.min(before)),
        Param::Int(times.0),
        Param::Int(times.1),
        Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
    ];
    let publisher = Param::Text(&wish.publisher);
    match (who.is_empty(), action.is_empty()) {
        // The index alone finds the entries, and only those that are shown are read.
        (false, _) => tx.query(
            "SELECT publisher_id, number, at, who, role, action, subject, detail, previous, hash
             FROM audit
             WHERE publisher_id = $1 AND number IN (
                 SELECT number
                 FROM audit
                 WHERE publisher_id = $1 AND who = $2 AND ($3 = '' OR action = $3) AND number >= $4
                     AND number < $5 AND at >= $6 AND at < $7
                 ORDER BY number DESC
                 LIMIT $8)
             ORDER BY number DESC",
            &[&[publisher, Param::Text(who), Param::Text(action)][..], &rest].concat(),
            read_kept,
        ),
        (true, false) => tx.query(
            "SELECT publisher_id, number, at, who, role, action, subject, detail, previous, hash
             FROM audit
             WHERE publisher_id = $1 AND number IN (
                 SELECT number
                 FROM audit
                 WHERE publisher_id = $1 AND action = $2 AND number >= $3 AND number < $4 AND at >= $5 AND at < $6
                 ORDER BY number DESC
                 LIMIT $7)
             ORDER BY number DESC",
            &[&[publisher, Param::Text(action)][..], &rest].concat(),
            read_kept,
        ),
        (true, true) => tx.query(
            "SELECT publisher_id, number, at, who, role, action, subject, detail, previous, hash
             FROM audit
             WHERE publisher_id = $1 AND number >= $2 AND number < $3 AND at >= $4 AND at < $5
             ORDER BY number DESC
             LIMIT $6",
            &[&[publisher][..], &rest].concat(),
            read_kept,
        ),
    }
}

/// The numbers among which entries of the wanted time can be. An entry says when it was asked for and gets its number when it is
/// done, so that the two may be a little out of step: whoever was asked for by that much too early or too late says that all
/// before or behind it is. The time itself is compared as well.
fn stretch(tx: &Tx<'_>, wish: &AuditWish) -> Result<Scanned, StoreError> {
    let slack = i64::try_from(limits::AUDIT_OUT_OF_STEP_MAX.as_millis()).unwrap_or(i64::MAX);
    let mut found = WHOLE;
    if let Some(from) = wish.from {
        let too_early = tx.find(
            "SELECT number FROM audit WHERE publisher_id = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT 1",
            &[Param::Text(&wish.publisher), Param::Int(from.millis().saturating_sub(slack))],
            |row| row.int(0),
        )?;
        found.first = too_early.map_or(0, |it| it.saturating_add(1));
    }
    if let Some(to) = wish.to {
        let too_late = tx.find(
            "SELECT number FROM audit WHERE publisher_id = $1 AND at >= $2 ORDER BY at, number LIMIT 1",
            &[Param::Text(&wish.publisher), Param::Int(to.millis().saturating_add(slack))],
            |row| row.int(0),
        )?;
        found.behind = too_late.unwrap_or(i64::MAX);
    }
    Ok(found)
}
