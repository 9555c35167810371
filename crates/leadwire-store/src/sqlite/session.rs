//! A connection to a file, as transaction bodies use it: statements, rows and errors of SQLite.

use crate::StoreError;
use crate::engine::Param;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode};

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Int(value) => ValueRef::Integer(*value),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// One row.
pub(crate) struct Cells<'a>(&'a rusqlite::Row<'a>);

impl Cells<'_> {
    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.0.get_ref(column)?.as_i64().map_err(rusqlite::Error::from)?)
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        Ok(self.0.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        Ok(self.0.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
    }
}

/// A connection with a transaction open on it.
pub(crate) struct Session<'a>(&'a Connection);

impl<'a> Session<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self(connection)
    }

    fn prepare(&self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        #[cfg(test)]
        crate::plan_tests::note(self.0, sql);
        #[cfg(test)]
        crate::lock_tests::note(self.0, sql);
        Ok(self.0.prepare_cached(sql)?)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.0.total_changes()
    }

    pub(crate) fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.prepare(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(params))?)
    }

    /// Shows rows one by one, until told that no more are wanted.
    pub(crate) fn each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut look: impl FnMut(Cells<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            if !look(Cells(row))? {
                break;
            }
        }
        Ok(())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return StoreError::Wrong(error.to_string());
        };
        match code {
            ErrorCode::DiskFull => StoreError::Full,
            // A read is interrupted when it keeps the log from starting anew.
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted => {
                StoreError::Busy
            }
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed => StoreError::Failed(error.to_string()),
            _ => StoreError::Wrong(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bundled_sqlite_resets_its_log_safely() {
        // 3.51.3 mends a race between a checkpoint and the new start of the log, which could damage the file.
        assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
    }
}
