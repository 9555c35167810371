//! A connection to a server, as transaction bodies use it: statements, rows and errors of PostgreSQL.

use super::address::Address;
use super::ahead::Ahead;
use super::client::Client;
use super::dialect;
use crate::StoreError;
use crate::engine::Param;
use bytes::BytesMut;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row, Statement};

type Wrong = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Param::Int(value) => value.to_sql(kind, out),
            // The one character that a text cannot hold there.
            Param::Text(value) if value.contains('\0') => value.replace('\0', "\u{fffd}").to_sql(kind, out),
            Param::Text(value) => value.to_sql(kind, out),
            Param::Bytes(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

fn kind_of(param: &Param<'_>) -> Type {
    match param {
        Param::Int(_) => Type::INT8,
        Param::Text(_) => Type::TEXT,
        Param::Bytes(_) => Type::BYTEA,
    }
}

/// One row, and how many columns stand before its own.
pub(crate) struct Cells<'a>(&'a Row, usize);

impl<'a> Cells<'a> {
    /// Of a row that says first which row of parameters it is of.
    pub(super) fn behind_place(row: &'a Row) -> Self {
        Self(row, 1)
    }
}

impl Cells<'_> {
    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        let column = column + self.1;
        let kind = self.0.columns().get(column).map(|it| it.type_().clone());
        let found = match kind {
            // A literal or a comparison is not made wide by anything.
            Some(Type::INT4) => self.0.try_get::<_, i32>(column).map(i64::from),
            Some(Type::BOOL) => self.0.try_get::<_, bool>(column).map(i64::from),
            _ => self.0.try_get(column),
        };
        found.map_err(|error| unread(column, &error))
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        let column = column + self.1;
        self.0.try_get(column).map_err(|error| unread(column, &error))
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        let column = column + self.1;
        self.0.try_get(column).map_err(|error| unread(column, &error))
    }
}

fn unread(column: usize, error: &Error) -> StoreError {
    StoreError::Wrong(format!("column {column}: {error}"))
}

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: RefCell<Client>,
    prepared: RefCell<HashMap<&'static str, Statement>>,
    changes: Cell<u64>,
    /// Whether a statement failed since it was last asked: the server then answers a commit with a roll-back, and no
    /// error.
    has_failed: Cell<bool>,
    /// What is asked ahead and put off.
    pub(super) ahead: Ahead,
    /// How often the server was waited for.
    trips: Cell<u64>,
}

impl Session {
    /// Connects, and sets what every connection of the program is set to.
    pub(crate) fn open(address: &Address) -> Result<Self, StoreError> {
        let client = address.connect()?;
        let session = Self {
            client: RefCell::new(client),
            prepared: RefCell::default(),
            changes: Cell::new(0),
            has_failed: Cell::new(false),
            ahead: Ahead::new(),
            trips: Cell::new(0),
        };
        session.run(SET_UP)?;
        Ok(session)
    }

    /// Lets statements take as long as they take: work on whole tables, which nobody else waits for.
    pub(crate) fn take_time(&self) -> Result<(), StoreError> {
        self.client.borrow_mut().wait_for_ever();
        self.run("SET statement_timeout = 0")
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.get()
    }

    pub(super) fn count_changes(&self, more: u64) {
        self.changes.set(self.changes.get() + more);
    }

    /// How often the server was waited for so far.
    pub(crate) fn trips(&self) -> u64 {
        self.trips.get()
    }

    /// Whether a statement failed since the last call.
    pub(crate) fn take_failed(&self) -> bool {
        self.has_failed.replace(false)
    }

    /// Runs statements that take nothing and give nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.ask(|it| it.batch_execute(sql))
    }

    /// Waits for the server once; it is the server itself that ends statements, and one that hangs is given up.
    pub(super) fn ask<T>(
        &self,
        it: impl FnOnce(&mut Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.trips.set(self.trips.get() + 1);
        let ran = it(&mut self.client.borrow_mut());
        self.seen(ran)
    }

    pub(crate) fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        self.catch_up()?;
        self.ahead.forget();
        let statement = self.prepare(sql, params)?;
        let changed = self.ask(|it| it.execute(&statement, &bind(params)))?;
        self.count_changes(changed);
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Shows rows one by one, until told that no more are wanted. All of them are fetched first.
    pub(crate) fn each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut look: impl FnMut(Cells<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(rows) = self.ahead.answer(sql, params) {
            for row in rows.iter() {
                if !look(Cells::behind_place(row))? {
                    break;
                }
            }
            return Ok(());
        }
        self.catch_up()?;
        let statement = self.prepare(sql, params)?;
        let rows = self.ask(|it| it.query(&statement, &bind(params)))?;
        if sql.contains("RETURNING") {
            self.ahead.forget();
            self.count_changes(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
        for row in &rows {
            if !look(Cells(row, 0))? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a query of the engine itself and gives its first row.
    pub(crate) fn row(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, StoreError> {
        self.ask(|it| it.query_one(sql, params))
    }

    /// Prepares a statement once. The types are said, or the server would guess a narrow one from its neighbours.
    fn prepare(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Statement, StoreError> {
        if let Some(known) = self.prepared.borrow().get(sql) {
            return Ok(known.clone());
        }
        let kinds: Vec<Type> = params.iter().map(kind_of).collect();
        let statement = self.ask(|it| it.prepare_typed(&dialect::statement(sql), &kinds))?;
        self.prepared.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    fn seen<T>(&self, ran: Result<T, StoreError>) -> Result<T, StoreError> {
        self.has_failed.set(self.has_failed.get() || ran.is_err());
        ran
    }
}

/// Every commit is flushed, on standbys too where the server has such, whatever the server's own default is; nothing
/// hangs for ever; and a node that stands still in the middle of a transaction loses it, with its locks.
const SET_UP: &str = "\
    SET client_min_messages = 'warning';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '10s';
    SET standard_conforming_strings = 'on';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');";

fn bind<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|it| it as &(dyn ToSql + Sync)).collect()
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return match error.is_closed() || is_of_the_wire(&error) {
                true => StoreError::Away(told_in_full(&error)),
                false => StoreError::Wrong(told_in_full(&error)),
            };
        };
        // The message names columns and rules; details, which may hold values, are left out.
        let said = format!("{} (SQLSTATE {})", told.message(), told.code().code());
        match told.code() {
            &SqlState::DISK_FULL => StoreError::Full,
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::LOCK_NOT_AVAILABLE
            | &SqlState::QUERY_CANCELED => StoreError::Busy,
            code if AWAY.iter().any(|it| code.code().starts_with(it)) => StoreError::Away(said),
            _ => StoreError::Wrong(said),
        }
    }
}

/// Beginnings of codes of a server that cannot serve now: connection exceptions, wrong sign-in, too few resources, a
/// server that stops or starts, one that only reads since it is a standby now, trouble of the system below it.
const AWAY: &[&str] = &["08", "28", "53", "57P", "25006", "25P03", "3D", "58"];

fn is_of_the_wire(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|it| it.is::<std::io::Error>())
}

fn told_in_full(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
