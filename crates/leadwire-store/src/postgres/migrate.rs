//! Bringing a server's schema up to date: the same numbered steps, each in one transaction with its number.

use super::dialect;
use super::scope::{self, Scope};
use super::session::Session;
use crate::StoreError;
use crate::migrations::{STEPS, known};

const WALLS: &str = include_str!("walls.postgres.sql");
const COUNTS: &str = include_str!("counts.postgres.sql");

/// Whether the walls between publishers hold for the user that is connected. They do for the owner of the tables, and for no
/// superuser.
pub(crate) fn is_walled(session: &Session) -> Result<bool, StoreError> {
    let row = session
        .row("SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user", &[])?;
    Ok(row.get(0))
}

/// Applies the steps that the database lacks. Nodes that start at the same time wait for each other.
///
/// A crash in the middle leaves the schema at one of the steps.
pub(crate) fn run(session: &Session) -> Result<(), StoreError> {
    // A step may write every row anew, or wait for another node that does.
    session.take_time()?;
    loop {
        // A step may change everybody's rows.
        session.run(&scope::begin("READ COMMITTED", &Scope::Everything))?;
        let done = step(session);
        match done {
            Ok(_) => session.run("COMMIT")?,
            Err(_) => session.run("ROLLBACK")?,
        }
        if done? {
            return Ok(());
        }
    }
}

/// The number of the last step that was applied; 0 when there is no schema.
pub(crate) fn found(session: &Session) -> Result<i64, StoreError> {
    let is_there: bool = session.row("SELECT to_regclass('schema_step') IS NOT NULL", &[])?.get(0);
    if !is_there {
        return Ok(0);
    }
    Ok(session.row("SELECT COALESCE(MAX(number), 0) FROM schema_step", &[])?.get(0))
}

/// Applies the next step. True: there is none.
fn step(session: &Session) -> Result<bool, StoreError> {
    session.run(
        "SELECT pg_advisory_xact_lock(5323000000);
         CREATE TABLE IF NOT EXISTS schema_step (number BIGINT NOT NULL PRIMARY KEY);",
    )?;
    let found = found(session)?;
    if found > known() {
        return Err(StoreError::Newer { found, known: known() });
    }
    let Some((number, text)) = STEPS.iter().find(|it| it.0 > found) else {
        // Last, for a step may have made a table, or made one anew.
        session.run(WALLS)?;
        session.run(COUNTS)?;
        return Ok(true);
    };
    session.run(&dialect::schema(text))?;
    session.row("INSERT INTO schema_step (number) VALUES ($1) RETURNING number", &[number])?;
    Ok(false)
}
