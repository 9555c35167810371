//! Every table with its columns and its key, as the steps of the schema make them, and the statements that move it.

use super::row::Value;
use crate::StoreError;
use crate::engine::{Param, Row, Tx};
use crate::migrations::{STEPS, known};
use leadwire_core::limits;
use rusqlite::Connection;

/// The table whose rows the schema makes itself.
pub(super) const COUNTS: &str = "meta";
/// The table of the move, which is not moved.
const OWN: &str = "moving";
/// The step of the schema that makes it.
pub(super) const OWN_STEP: i64 = 23;

/// One table.
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<Column>,
    /// Which columns are its primary key, in the key's order.
    key: Vec<usize>,
    sql: Statements,
}

struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// Texts that live as long as the program: it ends with the move.
struct Statements {
    any: &'static str,
    count: &'static str,
    first: &'static str,
    after: &'static str,
    insert_one: &'static str,
    insert_many: &'static str,
}

/// Every table that is moved, by name. Both engines have the same, from the same steps.
pub(super) fn all() -> Result<Vec<Table>, StoreError> {
    at(known())
}

/// Every table that is moved, as the steps up to one of them make it; none, when there is no step.
pub(super) fn at(last: i64) -> Result<Vec<Table>, StoreError> {
    let schema = Connection::open_in_memory()?;
    for (_, step) in STEPS.iter().filter(|it| it.0 <= last) {
        schema.execute_batch(step)?;
    }
    let mut tables = Vec::new();
    let mut names = schema.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if name != OWN {
            tables.push(table(&schema, name)?);
        }
    }
    Ok(tables)
}

fn table(schema: &Connection, name: String) -> Result<Table, StoreError> {
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    let mut found = schema.prepare("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")?;
    let mut rows = found.query([&name])?;
    while let Some(row) = rows.next()? {
        let kind = match row.get::<_, String>(1)?.as_str() {
            "INTEGER" => Kind::Int,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Bytes,
            other => return Err(StoreError::Wrong(format!("{name} has a column of kind {other}"))),
        };
        let place: i64 = row.get(2)?;
        if place > 0 {
            key.push((place, columns.len()));
        }
        columns.push(Column { name: row.get(0)?, kind });
    }
    key.sort_unstable();
    let key: Vec<usize> = key.into_iter().map(|it| it.1).collect();
    let sql = Statements::of(&name, &columns, &key);
    Ok(Table { name, columns, key, sql })
}

impl Statements {
    fn of(name: &str, columns: &[Column], key: &[usize]) -> Self {
        let list = |all: &mut dyn Iterator<Item = &Column>| {
            all.map(|it| format!("\"{}\"", it.name)).collect::<Vec<_>>().join(", ")
        };
        let all = list(&mut columns.iter());
        let key_list = list(&mut key.iter().filter_map(|at| columns.get(*at)));
        let (width, limit) = (columns.len(), key.len() + 1);
        let tuple = |from: usize, count: usize| {
            let numbers: Vec<String> = (from..from + count).map(|it| format!("${it}")).collect();
            format!("({})", numbers.join(", "))
        };
        let rows = |count: usize| {
            let rows: Vec<String> = (0..count).map(|it| tuple(1 + it * width, width)).collect();
            rows.join(", ")
        };
        let kept = |text: String| -> &'static str { text.leak() };
        Self {
            any: kept(format!("SELECT 1 FROM \"{name}\" LIMIT 1")),
            count: kept(format!("SELECT COUNT(*) FROM \"{name}\"")),
            first: kept(format!("SELECT {all} FROM \"{name}\" ORDER BY {key_list} LIMIT $1")),
            after: kept(format!(
                "SELECT {all} FROM \"{name}\" WHERE ({key_list}) > {} ORDER BY {key_list} LIMIT ${limit}",
                tuple(1, key.len())
            )),
            insert_one: kept(format!("INSERT INTO \"{name}\" ({all}) VALUES {}", rows(1))),
            insert_many: kept(format!(
                "INSERT INTO \"{name}\" ({all}) VALUES {}",
                rows(limits::MOVE_TOGETHER)
            )),
        }
    }
}

impl Table {
    pub(super) fn has_rows(&self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        Ok(tx.find(self.sql.any, &[], |_| Ok(()))?.is_some())
    }

    pub(super) fn count(&self, tx: &Tx<'_>) -> Result<u64, StoreError> {
        let count = tx.find(self.sql.count, &[], |row| row.int(0))?;
        Ok(count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
    }

    /// The rows behind a key, in the order of keys; the first ones behind none.
    pub(super) fn page(&self, tx: &Tx<'_>, after: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut params: Vec<Param<'_>> = after.iter().map(Value::bound).collect();
        params.push(Param::Int(i64::try_from(limits::MOVE_ROWS).unwrap_or(i64::MAX)));
        let sql = if after.is_empty() { self.sql.first } else { self.sql.after };
        tx.query(sql, &params, |row| self.read(row))
    }

    fn read(&self, row: &Row<'_>) -> Result<Vec<Value>, StoreError> {
        let read = |(at, column): (usize, &Column)| {
            let value = match column.kind {
                Kind::Int => row.int(at).map(Value::Int),
                Kind::Text => row.text(at).map(|it| Value::Text(it.to_owned())),
                Kind::Bytes => row.bytes(at).map(|it| Value::Bytes(it.to_owned())),
            };
            value.map_err(|error| match error {
                StoreError::Wrong(said) => {
                    StoreError::Wrong(format!("{}.{}: {said}", self.name, column.name))
                }
                other => other,
            })
        };
        self.columns.iter().enumerate().map(read).collect()
    }

    /// The primary key of a row.
    pub(super) fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().filter_map(|at| row.get(*at).cloned()).collect()
    }

    pub(super) fn insert(&self, tx: &Tx<'_>, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let mut groups = rows.chunks_exact(limits::MOVE_TOGETHER);
        for group in &mut groups {
            let params: Vec<Param<'_>> = group.iter().flatten().map(Value::bound).collect();
            tx.execute(self.sql.insert_many, &params)?;
        }
        for one in groups.remainder() {
            let params: Vec<Param<'_>> = one.iter().map(Value::bound).collect();
            tx.execute(self.sql.insert_one, &params)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_key_and_fits_into_one_statement() {
        let tables = all().unwrap();
        assert!(tables.len() > 50, "{}", tables.len());
        for table in &tables {
            assert!(!table.key.is_empty(), "{}", table.name);
            assert!(table.columns.len() * limits::MOVE_TOGETHER < 32_766, "{}", table.name);
        }
        let touchpoint = tables.iter().find(|it| it.name == "touchpoint").unwrap();
        assert_eq!(touchpoint.key, [0, 1]);
        assert!(touchpoint.sql.after.contains("(\"publisher_id\", \"touchpoint_id\") > ($1, $2)"));
        assert!(touchpoint.sql.after.ends_with("LIMIT $3"));
    }

    #[test]
    fn a_step_makes_the_tables_that_are_there_after_it() {
        assert!(at(0).unwrap().is_empty());
        let has = |last: i64, name: &str| at(last).unwrap().iter().any(|it| it.name == name);
        assert!(!has(20, "node") && has(21, "node") && has(1, COUNTS));
        let makes_own = |it: &&(i64, &str)| it.1.contains(&format!("CREATE TABLE {OWN} ("));
        assert_eq!(STEPS.iter().find(makes_own).map(|it| it.0), Some(OWN_STEP));
    }
}
