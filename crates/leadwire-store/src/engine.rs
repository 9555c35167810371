//! The one face of both engines: a transaction, its parameters, its rows. What differs is in `sqlite/` and `postgres/`.
//!
//! A body sees text SQL with `$1, $2 …` in ascending order of first appearance (SQLite numbers such parameters
//! by appearance, PostgreSQL by their name; in this order both agree, and a debug build checks it).

use crate::StoreError;
pub(crate) use crate::postgres::ahead::Lasts;
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

    /// Runs a write for each row of parameters and says how many rows that changed: on a server at once. No two rows of
    /// parameters may be about one row of a table, or about what another changes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn execute_each(&self, sql: &'static str, rows: &[Vec<Param<'_>>]) -> Result<usize, StoreError> {
        match &self.session {
            _ if rows.is_empty() => Ok(0),
            Session::Sqlite(_) => rows.iter().map(|it| self.execute(sql, it)).sum(),
            Session::Postgres(session) => session.execute_each(sql, rows),
        }
    }

    /// Runs a query, or a write that returns something, for each row of parameters, and maps what it gives together with the
    /// place of that row: on a server at once. What holds for [`Tx::execute_each`] holds here.
    ///
    /// # Errors
    /// [`StoreError`], from the query or from `map`.
    pub fn query_each<T>(
        &self,
        sql: &'static str,
        rows: &[Vec<Param<'_>>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<(usize, T)>, StoreError> {
        let mut found = Vec::new();
        match &self.session {
            _ if rows.is_empty() => {}
            Session::Sqlite(_) => {
                for (place, params) in rows.iter().enumerate() {
                    found.extend(self.query(sql, params, &mut map)?.into_iter().map(|it| (place, it)));
                }
            }
            Session::Postgres(session) => session.query_each(sql, rows, |place, cells| {
                found.push((place, map(&Row(Cells::Postgres(cells)))?));
                Ok(())
            })?,
        }
        Ok(found)
    }

    /// Runs a write of which nobody wants to know how many rows it changed: on a server later, before anything else is asked
    /// or committed, at once with others of the same text. No two of them may be about one row of a table, unless
    /// something was asked between them.
    ///
    /// # Errors
    /// [`StoreError`], which may be that of another body of the same commit; each is then run alone.
    pub(crate) fn put_off(&self, sql: &'static str, params: &[Param<'_>]) -> Result<(), StoreError> {
        debug_assert!(parameters_ascend(sql), "parameters must first appear in ascending order: {sql}");
        match &self.session {
            Session::Sqlite(session) => session.execute(sql, params).map(|_| ()),
            Session::Postgres(session) => {
                session.put_off(sql, params);
                Ok(())
            }
        }
    }

    /// Whether what bodies will ask is asked ahead for all of a commit.
    pub(crate) fn foresees(&self) -> bool {
        matches!(self.session, Session::Postgres(_))
    }

    /// Notes what `asks` would ask, which finds nothing meanwhile.
    pub(crate) fn foresee<T>(&self, lasts: Lasts, asks: impl FnOnce(&Self) -> T) -> Option<T> {
        match &self.session {
            Session::Sqlite(_) => None,
            Session::Postgres(session) => Some(session.foresee(lasts, || asks(self))),
        }
    }

    /// Has `asks` see what was asked ahead, which stays to be seen.
    pub(crate) fn peek<T>(&self, asks: impl FnOnce(&Self) -> T) -> Option<T> {
        match &self.session {
            Session::Sqlite(_) => None,
            Session::Postgres(session) => Some(session.peek(|| asks(self))),
        }
    }

    /// Has a line told to all nodes as part of the commit.
    pub(crate) fn tell_line(&self, line: String) {
        if let Session::Postgres(session) = &self.session {
            session.tell(line);
        }
    }

    /// Writes what was put off, and forgets what was asked ahead: others may be written of next.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        match &self.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(session) => {
                session.ahead_is_over();
                session.catch_up()
            }
        }
    }

    /// Forgets what was asked ahead: something is about to change it that nobody asked for.
    pub(crate) fn forget_ahead(&self) {
        if let Session::Postgres(session) = &self.session {
            session.ahead_is_over();
        }
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
