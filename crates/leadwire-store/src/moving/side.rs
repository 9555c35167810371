//! The two ends of a move: one is read, the other written, and nobody else works on either meanwhile.

use super::{MoveError, tables};
use crate::database::Looking;
use crate::engine::Tx;
use crate::folder::{FolderLock, lock_folder, sync_folder};
use crate::postgres::scope::{self, EVERYTHING, Scope};
use crate::postgres::session::Session;
use crate::postgres::{self, readers};
use crate::sqlite::{migrate, reader};
use crate::{Database, StoreError, backup, migrations};
use rusqlite::Connection;
use std::path::Path;

/// Something to be read in a snapshot.
type Read<'a, T> = &'a dyn Fn(&Tx<'_>) -> Result<T, StoreError>;

/// Where everything comes from.
pub(super) struct Source {
    shown: String,
    end: End<reader::Looking>,
}

/// Where everything goes.
pub(super) struct Target {
    end: End<Connection>,
}

/// One end, which is this process's as long as it lives.
enum End<T> {
    Folder(T, #[expect(dead_code, reason = "held until the end of the move")] FolderLock),
    Server(Box<Session>),
}

impl Source {
    pub(super) fn open(database: &Database) -> Result<Self, MoveError> {
        let shown = shown(database);
        let none = || MoveError::NoSource(shown.clone());
        let (end, schema) = match database {
            Database::Folder(folder) => {
                let file = folder.join(backup::FILE);
                if !file.exists() {
                    return Err(none());
                }
                let lock = lock(folder)?;
                let looking = reader::Looking::open(&file)?;
                let schema = looking.at(|tx| tx.find("PRAGMA user_version", &[], |row| row.int(0)))?;
                (End::Folder(looking, lock), schema.unwrap_or(0))
            }
            Database::Server(address) => {
                let session = Session::open(address)?;
                let schema = postgres::migrate::found(&session)?;
                (End::Server(Box::new(session)), schema)
            }
        };
        if schema > migrations::known() {
            return Err(StoreError::Newer { found: schema, known: migrations::known() }.into());
        }
        if schema < migrations::known() {
            return Err(none());
        }
        if let End::Server(session) = &end {
            take(session, &shown)?;
        }
        Ok(Self { shown, end })
    }

    /// Where it is, as the target remembers it.
    pub(super) fn shown(&self) -> String {
        self.shown.clone()
    }

    pub(super) fn read<T>(&self, body: Read<'_, T>) -> Result<T, StoreError> {
        match &self.end {
            End::Folder(looking, _) => looking.at(body),
            End::Server(session) => Looking::Server(session).at(body),
        }
    }
}

impl Target {
    /// Takes it for a move from a place, makes what is missing, brings the schema up to date, and says whether the same move
    /// was begun before.
    ///
    /// What is refused is not changed: its schema may be that of an older release which works on it.
    pub(super) fn open(database: &Database, from: &str) -> Result<(Self, bool), MoveError> {
        let shown = shown(database);
        let (end, went_on) = match database {
            Database::Folder(folder) => {
                let unusable = |error: std::io::Error| StoreError::Folder(folder.clone(), error.to_string());
                std::fs::create_dir_all(folder).map_err(unusable)?;
                let lock = lock(folder)?;
                let file = folder.join(backup::FILE);
                let mut went_on = false;
                if file.exists() {
                    let looking = Looking::File(reader::Looking::open(&file)?);
                    let schema = looking.at(|tx| tx.find("PRAGMA user_version", &[], |row| row.int(0)))?;
                    let found = Found { looking, schema: schema.unwrap_or(0), shown };
                    went_on = found.is_half_from(from)?;
                }
                migrate::run(&file)?;
                sync_folder(folder).map_err(unusable)?;
                let connection = Connection::open(&file).map_err(StoreError::from)?;
                migrate::set_up(&connection)?;
                // Nothing folds the log beside this connection.
                connection.pragma_update(None, "wal_autocheckpoint", 1000).map_err(StoreError::from)?;
                (End::Folder(connection, lock), went_on)
            }
            Database::Server(address) => {
                let session = Session::open(address)?;
                take(&session, &shown)?;
                let schema = postgres::migrate::found(&session)?;
                let found = Found { looking: Looking::Server(&session), schema, shown };
                let went_on = found.is_half_from(from)?;
                postgres::migrate::run(&session)?;
                (End::Server(Box::new(session)), went_on)
            }
        };
        Ok((Self { end }, went_on))
    }

    pub(super) fn read<T>(&self, body: Read<'_, T>) -> Result<T, StoreError> {
        match &self.end {
            End::Folder(connection, _) => reader::in_snapshot(connection, body),
            End::Server(session) => readers::in_snapshot(session, &Scope::Everything, body),
        }
    }

    /// Runs a body in a transaction of its own, which is on disk when this is over.
    pub(super) fn write<T>(&self, body: Read<'_, T>) -> Result<T, StoreError> {
        match &self.end {
            End::Folder(connection, _) => {
                let tx = connection.unchecked_transaction()?;
                let done = body(&Tx::of_file(&tx))?;
                tx.commit()?;
                Ok(done)
            }
            End::Server(session) => {
                session.run(&scope::begin("READ COMMITTED", &Scope::Everything))?;
                match body(&Tx::of_server(session)) {
                    Ok(done) => {
                        session.run("COMMIT")?;
                        Ok(done)
                    }
                    Err(error) => {
                        // It ends with the connection in any case.
                        session.run("ROLLBACK").ok();
                        Err(error)
                    }
                }
            }
        }
    }
}

fn shown(database: &Database) -> String {
    match database {
        Database::Folder(folder) => {
            std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display().to_string()
        }
        Database::Server(address) => address.shown(),
    }
}

fn lock(folder: &Path) -> Result<FolderLock, MoveError> {
    lock_folder(folder).map_err(|error| match error {
        StoreError::Held(folder) => MoveError::InUse(folder.display().to_string()),
        other => other.into(),
    })
}

/// A target as it was found.
struct Found<'a> {
    looking: Looking<'a>,
    /// The last step that was applied; 0: none.
    schema: i64,
    shown: String,
}

impl Found<'_> {
    /// Whether half of a store from this place is there; an error when anything else is. An older schema with nothing in it
    /// is nothing: a first start may have ended between its steps.
    fn is_half_from(&self, from: &str) -> Result<bool, MoveError> {
        if self.schema > migrations::known() {
            return Err(StoreError::Newer { found: self.schema, known: migrations::known() }.into());
        }
        if self.schema >= tables::OWN_STEP {
            match self.looking.at(super::origin)? {
                Some(before) if before == from => return Ok(true),
                Some(before) => {
                    return Err(MoveError::OtherSource { target: self.shown.clone(), from: before });
                }
                None => {}
            }
        }
        for table in tables::at(self.schema)?.iter().filter(|it| it.name != tables::COUNTS) {
            if self.looking.at(|tx| table.has_rows(tx))? {
                return Err(MoveError::NotEmpty(self.shown.clone()));
            }
        }
        Ok(false)
    }
}

/// Keeps everybody from writing until the connection ends, if nobody works there. Nobody does where no table of nodes is.
fn take(session: &Session, shown: &str) -> Result<(), MoveError> {
    // A page of rows, or their count, may take long.
    session.take_time()?;
    let row =
        session.row("SELECT pg_try_advisory_lock($1), to_regclass('node') IS NOT NULL", &[&EVERYTHING])?;
    let (taken, has_nodes): (bool, bool) = (row.get(0), row.get(1));
    if taken && (!has_nodes || is_left(session)?) { Ok(()) } else { Err(MoveError::InUse(shown.to_owned())) }
}

/// Whether no node is alive.
fn is_left(session: &Session) -> Result<bool, StoreError> {
    let alive = readers::in_snapshot(session, &Scope::Everything, |tx| {
        let now = postgres::time(tx)?;
        tx.find(
            "SELECT COUNT(*) FROM node WHERE publisher_id = '' AND alive_until > $1",
            &[crate::engine::Param::Int(now.millis())],
            |row| row.int(0),
        )
    })?;
    Ok(alive == Some(0))
}
