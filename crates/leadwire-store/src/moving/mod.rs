//! Moving a store to the other engine: table by table in steps, gone on with after any end, and compared when it is over.
//!
//! A step is a transaction in the target that holds the rows and how far they go. When all came over, each table is read
//! again on both sides; only when they have the same rows does a service start on the target.

mod row;
mod side;
mod tables;

use crate::engine::{Param, Tx};
use crate::{Database, Store, StoreError, postgres};
use leadwire_core::audit::Hash;
use leadwire_core::limits;
use row::Value;
use side::{Source, Target};
use tables::Table;

/// What a store is that has none of its own.
const OPERATOR: Param<'static> = Param::Text("");

/// How far a move has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done.
    pub stage: Stage,
    /// The table in hand.
    pub table: &'a str,
    /// Rows done at this stage, of all tables.
    pub done: u64,
    /// Rows there are.
    pub total: u64,
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// They come over.
    Copying,
    /// Both sides are read again and compared.
    Comparing,
}

/// What came over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whether an earlier move was gone on with.
    pub went_on: bool,
    /// Each table, its rows, and the hash over them that both sides have.
    pub tables: Vec<(String, u64, Hash)>,
}

/// A table that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub table: String,
    /// Rows in the source and in the target.
    pub rows: (u64, u64),
}

/// Why a store did not come over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MoveError {
    /// An engine failed. What came over stays, and the move can be gone on with.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is there, or not of this version.
    #[error("in {0} is no store, or an older Leadwire wrote it last")]
    NoSource(String),
    /// The source came over from elsewhere by half.
    #[error("{0} is itself half of a store that was not moved to the end")]
    HalfSource(String),
    /// A service works on one of them.
    #[error("a Leadwire works on {0}")]
    InUse(String),
    /// The target holds something else.
    #[error("{0} holds a store already")]
    NotEmpty(String),
    /// The target holds half of another one.
    #[error("{target} holds half of a store that came from {from}")]
    OtherSource {
        /// The target.
        target: String,
        /// Where the half came from.
        from: String,
    },
    /// Not everything is the same on both sides; no service starts on the target.
    #[error("{} tables differ", .0.len())]
    Differs(Vec<Difference>),
    /// Whoever watched wanted it to end. It can be gone on with.
    #[error("it was ended before its end")]
    Ended,
}

/// Whether to go on.
pub type GoOn = std::ops::ControlFlow<()>;

impl Store {
    /// Moves everything that is in one place to another, which must be empty or hold half of the same move. Nobody may work
    /// on either; the source is not changed.
    ///
    /// Blocks. A crash at any moment leaves a target that no service starts on, and the same call goes on with it.
    ///
    /// # Errors
    /// [`MoveError`], whose variants say what is in the way.
    pub fn move_all(
        from: &Database,
        to: &Database,
        watch: &mut (dyn FnMut(Progress<'_>) -> GoOn + Send),
    ) -> Result<Moved, MoveError> {
        // A connection to a server cannot be used within a runtime. What is in the way comes out as a value.
        let done = postgres::beside(|| Ok(between(from, to, watch)));
        done?
    }
}

/// Refuses a store that came over by half.
pub(crate) fn refuse_half(tx: &Tx<'_>) -> Result<(), StoreError> {
    match origin(tx)? {
        None => Ok(()),
        Some(from) => Err(StoreError::HalfMoved { from }),
    }
}

/// Where a half of a store came from; none: it is whole.
fn origin(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.find("SELECT place FROM moving WHERE publisher_id = $1 AND part = ''", &[OPERATOR], |row| {
        Ok(String::from_utf8_lossy(row.bytes(0)?).into_owned())
    })
}

fn between(
    from: &Database,
    to: &Database,
    watch: &mut (dyn FnMut(Progress<'_>) -> GoOn + Send),
) -> Result<Moved, MoveError> {
    let tables = tables::all()?;
    let source = Source::open(from)?;
    if source.read(&origin)?.is_some() {
        return Err(MoveError::HalfSource(source.shown()));
    }
    let (target, went_on) = Target::open(to, &source.shown())?;
    if !went_on {
        begin(&source, &target)?;
    }
    let mut total = 0;
    for table in &tables {
        total += source.read(&|tx| table.count(tx))?;
    }
    let mut watched = Watched { watch, stage: Stage::Copying, done: 0, total };
    for table in &tables {
        copy(&source, &target, table, &mut watched)?;
    }
    (watched.stage, watched.done) = (Stage::Comparing, 0);
    let mut moved = Moved { went_on, tables: Vec::new() };
    let mut differences = Vec::new();
    for table in &tables {
        let here = sum_of(table, |after| source.read(&|tx| table.page(tx, after)), &mut watched)?;
        let mut nobody = |_: Progress<'_>| GoOn::Continue(());
        let mut unwatched = Watched { watch: &mut nobody, stage: Stage::Comparing, done: 0, total };
        let there = sum_of(table, |after| target.read(&|tx| table.page(tx, after)), &mut unwatched)?;
        if here == there {
            moved.tables.push((table.name.clone(), here.0, here.1));
        } else {
            differences.push(Difference { table: table.name.clone(), rows: (here.0, there.0) });
        }
    }
    if !differences.is_empty() {
        return Err(MoveError::Differs(differences));
    }
    target.write(&|tx| {
        // Nobody works on the lanes any more. Who held them stays known: what was under way is waited for as ever.
        tx.execute("UPDATE lane SET leased_until = 0", &[])?;
        tx.execute("DELETE FROM moving WHERE publisher_id = $1", &[OPERATOR])
    })?;
    Ok(moved)
}

/// Makes the target this move's.
fn begin(source: &Source, target: &Target) -> Result<(), MoveError> {
    target.write(&|tx| {
        // The schema begins with a row in it, in whose place that of the source comes.
        tx.execute("DELETE FROM meta", &[])?;
        note(tx, "", source.shown().as_bytes(), (0, false))
    })?;
    Ok(())
}

/// Brings the rows of a table over that did not come before.
fn copy(source: &Source, target: &Target, table: &Table, watched: &mut Watched<'_>) -> Result<(), MoveError> {
    let (mut after, mut count, is_over) = target.read(&|tx| reached(tx, &table.name))?;
    watched.tell(&table.name, count)?;
    if is_over {
        return Ok(());
    }
    loop {
        let rows = source.read(&|tx| table.page(tx, &after))?;
        let is_over = rows.len() < limits::MOVE_ROWS;
        let added = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        count += added;
        if let Some(last) = rows.last() {
            after = table.key_of(last);
        }
        target.write(&|tx| {
            table.insert(tx, &rows)?;
            note(tx, &table.name, &row::write(&after), (count, is_over))
        })?;
        watched.tell(&table.name, added)?;
        if is_over {
            return Ok(());
        }
    }
}

/// How far a table came over: the key of its last row, how many, and whether there are no more.
fn reached(tx: &Tx<'_>, part: &str) -> Result<(Vec<Value>, u64, bool), StoreError> {
    let found = tx.find(
        "SELECT place, count, is_over FROM moving WHERE publisher_id = $1 AND part = $2",
        &[OPERATOR, Param::Text(part)],
        |row| Ok((row::read(row.bytes(0)?)?, u64::try_from(row.int(1)?).unwrap_or(0), row.int(2)? == 1)),
    )?;
    Ok(found.unwrap_or_default())
}

fn note(tx: &Tx<'_>, part: &str, place: &[u8], (count, is_over): (u64, bool)) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO moving (publisher_id, part, place, count, is_over) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (publisher_id, part)
         DO UPDATE SET place = excluded.place, count = excluded.count, is_over = excluded.is_over",
        &[
            OPERATOR,
            Param::Text(part),
            Param::Bytes(place),
            Param::Int(i64::try_from(count).unwrap_or(i64::MAX)),
            Param::Int(is_over.into()),
        ],
    )?;
    Ok(())
}

/// How many rows a table has, and the hash over them in the order of their keys.
fn sum_of(
    table: &Table,
    page: impl Fn(&[Value]) -> Result<Vec<Vec<Value>>, StoreError>,
    watched: &mut Watched<'_>,
) -> Result<(u64, Hash), MoveError> {
    let (mut after, mut count, mut sum) = (Vec::new(), 0, row::BEFORE_ALL);
    loop {
        let rows = page(&after)?;
        for it in &rows {
            sum = row::link(&sum, it);
        }
        let added = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        count += added;
        watched.tell(&table.name, added)?;
        match rows.last().filter(|_| rows.len() == limits::MOVE_ROWS) {
            Some(last) => after = table.key_of(last),
            None => return Ok((count, sum)),
        }
    }
}

/// Whoever looks on, and what was told so far.
struct Watched<'a> {
    watch: &'a mut (dyn FnMut(Progress<'_>) -> GoOn + Send),
    stage: Stage,
    done: u64,
    total: u64,
}

impl Watched<'_> {
    fn tell(&mut self, table: &str, added: u64) -> Result<(), MoveError> {
        self.done += added;
        let progress = Progress { stage: self.stage, table, done: self.done, total: self.total };
        match (self.watch)(progress) {
            GoOn::Continue(()) => Ok(()),
            GoOn::Break(()) => Err(MoveError::Ended),
        }
    }
}
