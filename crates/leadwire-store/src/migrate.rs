//! Bringing a file's schema up to date: numbered steps, each in one transaction with its number.

use crate::StoreError;
use leadwire_core::limits;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Every step with its number, in order. A step that has shipped is never changed.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_first.sqlite.sql")),
    (2, include_str!("migrations/0002_publisher_keys.sqlite.sql")),
    (3, include_str!("migrations/0003_notices.sqlite.sql")),
    (4, include_str!("migrations/0004_standing.sqlite.sql")),
    (5, include_str!("migrations/0005_listings.sqlite.sql")),
    (6, include_str!("migrations/0006_routing.sqlite.sql")),
    (7, include_str!("migrations/0007_merges.sqlite.sql")),
    (8, include_str!("migrations/0008_erasure.sqlite.sql")),
    (9, include_str!("migrations/0009_feedback.sqlite.sql")),
    (10, include_str!("migrations/0010_follow_ups.sqlite.sql")),
    (11, include_str!("migrations/0011_withhold.sqlite.sql")),
    (12, include_str!("migrations/0012_audit.sqlite.sql")),
    (13, include_str!("migrations/0013_failures.sqlite.sql")),
    (14, include_str!("migrations/0014_erasure_plans.sqlite.sql")),
    (15, include_str!("migrations/0015_replays.sqlite.sql")),
    (16, include_str!("migrations/0016_told.sqlite.sql")),
    (17, include_str!("migrations/0017_breaker.sqlite.sql")),
    (18, include_str!("migrations/0018_budgets.sqlite.sql")),
    (19, include_str!("migrations/0019_bulk.sqlite.sql")),
];

/// Opens or makes the file and applies the steps it lacks.
pub(crate) fn run(file: &Path) -> Result<(), StoreError> {
    let mut connection = Connection::open(file)?;
    set_up(&connection)?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known() {
        return Err(StoreError::Newer { found, known: known() });
    }
    for (number, step) in STEPS {
        if *number <= found {
            continue;
        }
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

/// The number of the last step that this program knows.
pub(crate) fn known() -> i64 {
    STEPS.last().map_or(0, |it| it.0)
}

/// What every connection that writes is set to.
///
/// `synchronous=FULL` syncs the log at each commit: with `NORMAL` a power cut loses acknowledged rows.
/// Checkpoints are made beside the writer (see `checkpoint.rs`); a log that grew past 64 MiB is cut when it starts
/// anew. What is deleted is overwritten with zeros, or an erased person would stay in the file's free space.
pub(crate) fn set_up(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Failed(format!(
            "the file system of the data folder allows no write-ahead log (got `{mode}`); use a local disk"
        )));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -65536;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;",
    )?;
    #[cfg(feature = "defect-normal-sync")]
    defect::flush_less(connection)?;
    connection.busy_timeout(limits::DB_HELD_WAIT)?;
    prepare_once(connection)
}

/// Keeps statements prepared, whatever is bound to them. Without this SQLite plans a statement anew for each new
/// value when a partial index might serve it, which took half of the writer's time.
pub(crate) fn prepare_once(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// A seeded defect that must never ship: `scripts/power-cuts --defect` shows by it that a commit without a flush would be
/// caught.
#[cfg(feature = "defect-normal-sync")]
mod defect {
    use super::StoreError;

    pub(super) fn flush_less(connection: &rusqlite::Connection) -> Result<(), StoreError> {
        tracing::error!("This build does not flush its commits, and loses leads. It is for tests only.");
        Ok(connection.execute_batch("PRAGMA synchronous = NORMAL")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touchpoints_of_before_keep_how_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leadwire.db");
        let connection = Connection::open(&file).unwrap();
        for (_, step) in &STEPS[..3] {
            connection.execute_batch(step).unwrap();
        }
        let columns = "publisher_id, touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, \
                       body, body_sha256";
        for channel in ["api", "form", "partner_center"] {
            let row = format!(
                "'contoso', 'tp_{channel}', 'lead_1', 1, '{channel}', 'crm', '', '', 0, 0, x'01', x'02'"
            );
            connection.execute(&format!("INSERT INTO touchpoint ({columns}) VALUES ({row})"), []).unwrap();
        }
        connection.pragma_update(None, "user_version", 3).unwrap();
        drop(connection);
        run(&file).unwrap();
        let connection = Connection::open(&file).unwrap();
        let mut rows = connection.prepare("SELECT touchpoint_id, channel, body FROM touchpoint").unwrap();
        let kept: Vec<(String, String, Vec<u8>)> = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kept.len(), 3);
        assert!(kept.iter().all(|(id, channel, body)| *id == format!("tp_{channel}") && body == &[1]));
    }
}
