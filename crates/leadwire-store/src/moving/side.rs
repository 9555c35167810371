//! The two ends of a move: one is read, the other written, and nobody else works on either meanwhile.

use super::MoveError;
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
    shown: String,
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
    /// Makes what is missing, and brings the schema up to date.
    pub(super) fn open(database: &Database) -> Result<Self, MoveError> {
        let shown = shown(database);
        let end = match database {
            Database::Folder(folder) => {
                let unusable = |error: std::io::Error| StoreError::Folder(folder.clone(), error.to_string());
                std::fs::create_dir_all(folder).map_err(unusable)?;
                let lock = lock(folder)?;
                let file = folder.join(backup::FILE);
                migrate::run(&file)?;
                sync_folder(folder).map_err(unusable)?;
                let connection = Connection::open(&file).map_err(StoreError::from)?;
                migrate::set_up(&connection)?;
                // Nothing folds the log beside this connection.
                connection.pragma_update(None, "wal_autocheckpoint", 1000).map_err(StoreError::from)?;
                End::Folder(connection, lock)
            }
            Database::Server(address) => {
                let session = Session::open(address)?;
                postgres::migrate::run(&session)?;
                take(&session, &shown)?;
                End::Server(Box::new(session))
            }
        };
        Ok(Self { shown, end })
    }

    pub(super) fn shown(&self) -> String {
        self.shown.clone()
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

/// Keeps everybody from writing until the connection ends, if nobody works there.
fn take(session: &Session, shown: &str) -> Result<(), MoveError> {
    // A page of rows, or their count, may take long.
    session.run("SET statement_timeout = 0")?;
    let taken: bool = session.row("SELECT pg_try_advisory_lock($1)", &[&EVERYTHING])?.get(0);
    let alive = readers::in_snapshot(session, &Scope::Everything, |tx| {
        let now = postgres::time(tx)?;
        tx.find(
            "SELECT COUNT(*) FROM node WHERE publisher_id = '' AND alive_until > $1",
            &[crate::engine::Param::Int(now.millis())],
            |row| row.int(0),
        )
    })?;
    if taken && alive == Some(0) { Ok(()) } else { Err(MoveError::InUse(shown.to_owned())) }
}
