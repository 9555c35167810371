//! The only file that knows which database runs: a transaction, its parameters, its rows and its errors.
//!
//! A body sees text SQL with `$1, $2 …` in ascending order of first appearance (SQLite numbers such parameters
//! by appearance, PostgreSQL by their name; in this order both agree, and a debug build checks it).

use crate::StoreError;
use rusqlite::ErrorCode;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value bound to a statement.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// A number: also times, flags and states of counting.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Int(value) => ValueRef::Integer(*value),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// One row of an answer.
pub struct Row<'a>(&'a rusqlite::Row<'a>);

impl Row<'_> {
    /// A number.
    ///
    /// # Errors
    /// When the column holds something else: the file is not one this program wrote.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.0.get_ref(column)?.as_i64().map_err(rusqlite::Error::from)?)
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        Ok(self.0.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        Ok(self.0.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
    }
}

/// An open transaction, or a snapshot for reading.
pub struct Tx<'a> {
    connection: &'a rusqlite::Connection,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(connection: &'a rusqlite::Connection) -> Self {
        Self { connection }
    }

    fn prepare(&self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        debug_assert!(parameters_ascend(sql), "parameters must first appear in ascending order: {sql}");
        #[cfg(test)]
        crate::plan_tests::note(self.connection, sql);
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Rows that were changed through this connection so far.
    pub(crate) fn changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`], whose variants say what the caller can do.
    pub fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.prepare(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(params))?)
    }

    /// Runs a query and maps each row.
    ///
    /// # Errors
    /// [`StoreError`], from the query or from `map`.
    pub fn query<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(map(&Row(row))?);
        }
        Ok(found)
    }

    /// Runs a query that finds one row or none.
    ///
    /// # Errors
    /// [`StoreError`], from the query or from `map`.
    pub fn find<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        match rows.next()? {
            Some(row) => map(&Row(row)).map(Some),
            None => Ok(None),
        }
    }
}

fn parameters_ascend(sql: &str) -> bool {
    let mut seen = 0;
    for piece in sql.split('$').skip(1) {
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse::<u32>() else { return false };
        if number > seen + 1 {
            return false;
        }
        seen = seen.max(number);
    }
    true
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
    use super::*;

    #[test]
    fn the_bundled_sqlite_resets_its_log_safely() {
        // 3.51.3 mends a race between a checkpoint and the new start of the log, which could damage the file.
        assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
    }

    #[test]
    fn parameters_out_of_order_are_noticed() {
        assert!(parameters_ascend("SELECT $1, $2, $1"));
        assert!(!parameters_ascend("SELECT $2, $1"));
        assert!(!parameters_ascend("SELECT $1, $3"));
    }
}
