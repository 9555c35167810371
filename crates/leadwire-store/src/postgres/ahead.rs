//! What a connection does for all bodies of a commit at once: what they will ask is asked ahead, and what they write
//! without looking at the answer is put off, each as one statement for all of them.
//!
//! Bodies stay as they are: one after another, each seeing what the ones before it wrote. Whatever was put off is
//! written before anything else is asked. An answer that was got ahead is given once, so that the second who asks sees
//! what the first made of it, and none is given any more once a body wrote in another way.

use super::many;
use super::session::{Cells, Session};
use crate::StoreError;
use crate::engine::Param;
use leadwire_core::limits;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// A parameter that is kept.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Kept {
    Int(i64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
}

impl Kept {
    fn of(param: &Param<'_>) -> Self {
        match param {
            Param::Int(it) => Self::Int(*it),
            Param::Text(it) => Self::Text((*it).into()),
            Param::Bytes(it) => Self::Bytes((*it).into()),
        }
    }

    fn param(&self) -> Param<'_> {
        match self {
            Self::Int(it) => Param::Int(*it),
            Self::Text(it) => Param::Text(it),
            Self::Bytes(it) => Param::Bytes(it),
        }
    }
}

/// How often an answer that was got ahead is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// Once: what is put off may change it.
    Once,
    /// Until something is written in another way than by putting it off.
    Long,
}

/// What a question does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It is answered.
    Asks,
    /// It is noted and not answered.
    Foresees(Lasts),
    /// It is answered by what was got ahead, which stays there.
    Peeks,
}

/// A row of parameters.
type Params = Vec<Kept>;
type Question = (&'static str, Params);
type Answer = (Arc<Vec<Row>>, Lasts);
/// The same text with several rows of parameters.
type Many<T> = (&'static str, Vec<T>);

/// What was got ahead and what was put off on one connection.
pub(crate) struct Ahead {
    mode: Cell<Mode>,
    /// In the order in which they were noted.
    noted: RefCell<Vec<(Question, Lasts)>>,
    known: RefCell<HashMap<Question, Answer>>,
    /// For each text, in the order in which they were put off first.
    put_off: RefCell<Vec<Many<Params>>>,
    prepared: RefCell<HashMap<&'static str, Statement>>,
    /// What all nodes are told as part of the commit, in order, each once.
    told: RefCell<BTreeSet<String>>,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self {
            mode: Cell::new(Mode::Asks),
            noted: RefCell::default(),
            known: RefCell::default(),
            put_off: RefCell::default(),
            prepared: RefCell::default(),
            told: RefCell::default(),
        }
    }

    /// Forgets everything: the transaction is over.
    pub(super) fn clear(&self) {
        self.mode.set(Mode::Asks);
        self.noted.borrow_mut().clear();
        self.put_off.borrow_mut().clear();
        self.told.borrow_mut().clear();
        self.forget();
    }

    /// Forgets the answers that were got ahead.
    pub(super) fn forget(&self) {
        self.known.borrow_mut().clear();
    }

    /// The answer that was got ahead; none: the server is to be asked.
    pub(super) fn answer(&self, sql: &'static str, params: &[Param<'_>]) -> Option<Arc<Vec<Row>>> {
        if self.mode.get() == Mode::Asks && self.known.borrow().is_empty() {
            return None;
        }
        let question = (sql, params.iter().map(Kept::of).collect::<Vec<_>>());
        match self.mode.get() {
            Mode::Foresees(lasts) => {
                self.noted.borrow_mut().push((question, lasts));
                Some(Arc::default())
            }
            Mode::Peeks => {
                Some(self.known.borrow().get(&question).map(|it| Arc::clone(&it.0)).unwrap_or_default())
            }
            Mode::Asks => {
                let mut known = self.known.borrow_mut();
                let (rows, lasts) = known.get(&question).map(|it| (Arc::clone(&it.0), it.1))?;
                if lasts == Lasts::Once {
                    known.remove(&question);
                }
                Some(rows)
            }
        }
    }
}

impl Session {
    /// Runs `asks` for what it would ask, and notes that instead of answering.
    pub(crate) fn foresee<T>(&self, lasts: Lasts, asks: impl FnOnce() -> T) -> T {
        self.in_mode(Mode::Foresees(lasts), asks)
    }

    /// Runs `asks` with the answers that were got ahead, and none where none was, and leaves them where they are.
    pub(crate) fn peek<T>(&self, asks: impl FnOnce() -> T) -> T {
        self.in_mode(Mode::Peeks, asks)
    }

    fn in_mode<T>(&self, mode: Mode, asks: impl FnOnce() -> T) -> T {
        self.ahead.mode.set(mode);
        // A panic ends the transaction, and with it the mode.
        let done = asks();
        self.ahead.mode.set(Mode::Asks);
        done
    }

    /// Forgets the answers that were got ahead.
    pub(crate) fn ahead_is_over(&self) {
        self.ahead.forget();
    }

    /// Asks what was noted, each text once for all.
    pub(crate) fn look_ahead(&self) -> Result<(), StoreError> {
        let mut texts: Vec<Many<(Params, Lasts)>> = Vec::new();
        for ((sql, params), lasts) in self.ahead.noted.take() {
            match texts.iter_mut().find(|it| std::ptr::eq(it.0, sql)) {
                Some(found) => found.1.push((params, lasts)),
                None => texts.push((sql, vec![(params, lasts)])),
            }
        }
        for (sql, mut asked) in texts {
            let mut seen = HashSet::new();
            asked.retain(|it| seen.insert(it.0.clone()));
            let rows: Vec<Vec<Param<'_>>> =
                asked.iter().map(|it| it.0.iter().map(Kept::param).collect()).collect();
            self.catch_up()?;
            let mut found: Vec<Vec<Row>> = asked.iter().map(|_| Vec::new()).collect();
            self.rows_of_each(sql, &rows, |place, row| found[place].push(row))?;
            let mut known = self.ahead.known.borrow_mut();
            for ((params, lasts), rows) in asked.into_iter().zip(found) {
                known.insert((sql, params), (Arc::new(rows), lasts));
            }
        }
        Ok(())
    }

    /// Runs a write before anything else is asked, and before the commit, together with others of the same text. No two of
    /// them may be about one row, unless something was asked between them.
    pub(crate) fn put_off(&self, sql: &'static str, params: &[Param<'_>]) {
        let row = params.iter().map(Kept::of).collect();
        self.count_changes(1);
        let mut put_off = self.ahead.put_off.borrow_mut();
        match put_off.iter_mut().find(|it| std::ptr::eq(it.0, sql)) {
            Some(found) => found.1.push(row),
            None => put_off.push((sql, vec![row])),
        }
    }

    /// Has a line told to all nodes as part of the commit.
    pub(crate) fn tell(&self, line: String) {
        self.ahead.told.borrow_mut().insert(line);
    }

    /// What all nodes are told as part of the commit.
    pub(super) fn told(&self) -> BTreeSet<String> {
        self.ahead.told.take()
    }

    /// Writes what was put off.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        for (sql, rows) in self.ahead.put_off.take() {
            let rows: Vec<Vec<Param<'_>>> =
                rows.iter().map(|it| it.iter().map(Kept::param).collect()).collect();
            self.run_for_each(sql, &rows)?;
        }
        Ok(())
    }

    /// Runs a write for each row of parameters and says how many rows that changed.
    pub(crate) fn execute_each(
        &self,
        sql: &'static str,
        rows: &[Vec<Param<'_>>],
    ) -> Result<usize, StoreError> {
        self.catch_up()?;
        self.ahead.forget();
        let changed = self.run_for_each(sql, rows)?;
        self.count_changes(changed);
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs a query, or a write that returns something, for each row of parameters, and shows what it gives with the place
    /// of that row.
    pub(crate) fn query_each(
        &self,
        sql: &'static str,
        rows: &[Vec<Param<'_>>],
        mut look: impl FnMut(usize, Cells<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.catch_up()?;
        let mut found = Vec::new();
        self.rows_of_each(sql, rows, |place, row| found.push((place, row)))?;
        if sql.contains("RETURNING") {
            self.ahead.forget();
            self.count_changes(u64::try_from(found.len()).unwrap_or(u64::MAX));
        }
        found.iter().try_for_each(|(place, row)| look(*place, Cells::behind_place(row)))
    }

    fn run_for_each(&self, sql: &'static str, rows: &[Vec<Param<'_>>]) -> Result<u64, StoreError> {
        let mut changed = 0;
        for rows in rows.chunks(limits::SERVER_STATEMENT_ROWS_MAX) {
            let statement = self.prepare_many(sql, rows)?;
            let columns = many::columns(rows);
            changed += self.ask(|it| it.execute(&statement, &bound(&columns)))?;
        }
        Ok(changed)
    }

    fn rows_of_each(
        &self,
        sql: &'static str,
        rows: &[Vec<Param<'_>>],
        mut take: impl FnMut(usize, Row),
    ) -> Result<(), StoreError> {
        for (chunk, rows) in rows.chunks(limits::SERVER_STATEMENT_ROWS_MAX).enumerate() {
            let statement = self.prepare_many(sql, rows)?;
            let columns = many::columns(rows);
            for row in self.ask(|it| it.query(&statement, &bound(&columns)))? {
                let place: i64 = row.get(0);
                let place = usize::try_from(place - 1).unwrap_or(0);
                take(chunk * limits::SERVER_STATEMENT_ROWS_MAX + place, row);
            }
        }
        Ok(())
    }

    fn prepare_many(&self, sql: &'static str, rows: &[Vec<Param<'_>>]) -> Result<Statement, StoreError> {
        if let Some(known) = self.ahead.prepared.borrow().get(sql) {
            return Ok(known.clone());
        }
        let params = rows.first().map_or(&[][..], |it| it);
        let (text, kinds) = (many::statement(sql, params)?, many::kinds(params));
        let statement = self.ask(|it| it.prepare_typed(&text, &kinds))?;
        self.ahead.prepared.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }
}

fn bound<'a>(columns: &'a [Vec<Param<'a>>]) -> Vec<&'a (dyn ToSql + Sync)> {
    columns.iter().map(|it| it as &(dyn ToSql + Sync)).collect()
}
