//! The one face of both engines: a transaction, its parameters, its rows. What differs is in `sqlite/` and `postgres/`.
//!
//! A body sees text SQL with `$1, $2 …` in ascending order of first appearance (SQLite numbers such parameters
//! by appearance, PostgreSQL by their name; in this order both agree, and a debug build checks it).

use crate::StoreError;
use crate::{postgres, sqlite};

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

/// One row of an answer.
pub struct Row<'a>(Cells<'a>);

enum Cells<'a> {
    Sqlite(sqlite::session::Cells<'a>),
    Postgres(postgres::session::Cells<'a>),
}

impl Row<'_> {
    /// A number.
    ///
    /// # Errors
    /// When the column holds something else: the file is not one this program wrote.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        match &self.0 {
            Cells::Sqlite(cells) => cells.int(column),
            Cells::Postgres(cells) => cells.int(column),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match &self.0 {
            Cells::Sqlite(cells) => cells.text(column),
            Cells::Postgres(cells) => cells.text(column),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match &self.0 {
            Cells::Sqlite(cells) => cells.bytes(column),
            Cells::Postgres(cells) => cells.bytes(column),
        }
    }
}

/// An open transaction, or a snapshot for reading.
pub struct Tx<'a> {
    session: Session<'a>,
}

enum Session<'a> {
    Sqlite(sqlite::session::Session<'a>),
    Postgres(&'a postgres::session::Session),
}

impl<'a> Tx<'a> {
    pub(crate) fn of_file(connection: &'a rusqlite::Connection) -> Self {
        Self { session: Session::Sqlite(sqlite::session::Session::new(connection)) }
    }

    pub(crate) fn of_server(session: &'a postgres::session::Session) -> Self {
        Self { session: Session::Postgres(session) }
    }

    /// Rows that were changed through this connection so far.
    pub(crate) fn changes(&self) -> u64 {
        match &self.session {
            Session::Sqlite(session) => session.changes(),
            Session::Postgres(session) => session.changes(),
        }
    }

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`], whose variants say what the caller can do.
    pub fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        debug_assert!(parameters_ascend(sql), "parameters must first appear in ascending order: {sql}");
        match &self.session {
            Session::Sqlite(session) => session.execute(sql, params),
            Session::Postgres(session) => session.execute(sql, params),
        }
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
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(map(row)?);
            Ok(true)
        })?;
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
        let (mut map, mut found) = (Some(map), None);
        self.each(sql, params, |row| {
            if let Some(map) = map.take() {
                found = Some(map(row)?);
            }
            Ok(false)
        })?;
        Ok(found)
    }

    /// Shows rows one by one, until told that no more are wanted.
    fn each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut look: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        debug_assert!(parameters_ascend(sql), "parameters must first appear in ascending order: {sql}");
        match &self.session {
            Session::Sqlite(session) => session.each(sql, params, |cells| look(&Row(Cells::Sqlite(cells)))),
            Session::Postgres(session) => {
                session.each(sql, params, |cells| look(&Row(Cells::Postgres(cells))))
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_order_are_noticed() {
        assert!(parameters_ascend("SELECT $1, $2, $1"));
        assert!(!parameters_ascend("SELECT $2, $1"));
        assert!(!parameters_ascend("SELECT $1, $3"));
    }
}
