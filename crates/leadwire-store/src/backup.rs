//! Copying a store while it runs, and bringing a copy back without bringing back who was erased since.

mod held;

pub use held::Held;

use crate::engine::{Param, Tx};
use crate::erasures::list::{self, Applied, ErasedOf};
use crate::folder::{lock_folder, sync_folder};
use crate::migrations;
use crate::sqlite::checkpoint::keep_log_on_close;
use crate::sqlite::migrate;
use crate::sqlite::reader;
use crate::{Database, Store, StoreError};
use leadwire_core::id::TouchpointId;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The name of the database in a data folder.
pub(crate) const FILE: &str = "leadwire.db";

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Its length.
    pub bytes: u64,
    /// The number of its schema.
    pub schema: i64,
    /// Publishers.
    pub publishers: u64,
    /// Leads, erased ones included.
    pub leads: u64,
    /// Touchpoints.
    pub touchpoints: u64,
    /// Deliveries.
    pub deliveries: u64,
}

/// What a restore did.
#[derive(Clone, Copy, Debug)]
pub struct Restored {
    /// What the store holds.
    pub contents: Contents,
    /// What was erased again.
    pub applied: Applied,
    /// What waits for a decision.
    pub held: Held,
}

impl Store {
    /// Writes down when the newest scheduled backup was made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_backup(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES ('backup_at', $1)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[Param::Int(at.millis())],
            )?;
            Ok(())
        })
        .await
    }

    /// Copies the store in a folder into a new file, as of one moment; a service may run on it meanwhile. The copy is
    /// read back whole before it gets its name, so a file of that name is a good one.
    ///
    /// Blocks. The service's log grows until it is done.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when the file is there already or cannot be written, or an error of the store.
    pub fn back_up(folder: &Path, file: &Path) -> Result<Contents, StoreError> {
        let source = folder.join(FILE);
        if !source.exists() {
            return Err(StoreError::Folder(folder.to_owned(), "there is no store in it".to_owned()));
        }
        let unusable = |error: std::io::Error| StoreError::Folder(file.to_owned(), error.to_string());
        if file.exists() {
            return Err(StoreError::Folder(
                file.to_owned(),
                "it is there already; name another file".to_owned(),
            ));
        }
        let part = beside(file, "part");
        remove(&part).map_err(unusable)?;
        // Nobody else may read it: it holds everything.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(unusable)?;
        let copied = copy(&source, &part).and_then(|()| contents(&part));
        let contents = match copied {
            Ok(contents) => contents,
            Err(error) => {
                // The error that led here says more than one of the cleaning.
                remove(&part).ok();
                return Err(error);
            }
        };
        take_name(&part, file).map_err(unusable)?;
        sync_folder(folder_of(file)).map_err(unusable)?;
        Ok(contents)
    }

    /// The list of erasures of a store; a service may run on it. None: there is no store, or it is of a
    /// Leadwire that could not erase.
    ///
    /// # Errors
    /// An error of the file.
    pub fn erasures_in(database: &Database) -> Result<Option<Vec<ErasedOf>>, StoreError> {
        // On a server there never was a schema that could not erase.
        let Database::Folder(folder) = database else {
            return database.look(|looking| looking.at(list::read));
        };
        let file = folder.join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        reader::look(&file, |tx| {
            let schema = tx.find("PRAGMA user_version", &[], |row| row.int(0))?;
            if schema < Some(ERASES_SINCE) { Ok(None) } else { list::read(tx).map(Some) }
        })
    }

    /// Brings a copy back into a folder that nobody uses, in place of the store in it, if there is one. Who is erased by
    /// one of the lists is erased in the copy before it takes the place, and what cannot be repeated safely is held.
    ///
    /// Blocks. A crash leaves the old store in its place or the new one, never a mix; and never one in which somebody is
    /// back.
    ///
    /// # Errors
    /// [`StoreError::Held`] while a service runs on the folder, [`StoreError::Newer`], or an error of a file.
    pub fn restore(
        file: &Path,
        folder: &Path,
        (lists, unkeyed): (&[Vec<ErasedOf>], &[&str]),
        mint: &mut dyn FnMut() -> TouchpointId,
        now: Timestamp,
    ) -> Result<Restored, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Folder(folder.to_owned(), error.to_string());
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let _lock = lock_folder(folder)?;
        let (place, new) = (folder.join(FILE), folder.join("leadwire.restored.db"));
        contents(file)?;
        for old in with_log(&new) {
            remove(&old).map_err(unusable)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(unusable)?;
        std::fs::copy(file, &new).map_err(unusable)?;
        migrate::run(&new)?;
        let applied = forget(&new, lists, mint, now)?;
        let held = hold(&new, unkeyed, now)?;
        let contents = contents(&new)?;
        fold_away(&place);
        put_in_place(&new, &place).map_err(unusable)?;
        Ok(Restored { contents, applied, held })
    }
}

/// The schema that brought erasures.
const ERASES_SINCE: i64 = 8;

fn copy(source: &Path, to: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(limits::DB_HELD_WAIT)?;
    keep_log_on_close(&connection)?;
    let to = to.to_str().ok_or_else(|| {
        StoreError::Folder(to.to_owned(), "its name is not UTF-8; choose another".to_owned())
    })?;
    // Written anew from the rows, so it holds no trace of what was deleted.
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Looks whether a file is a whole store, and says what it holds.
fn contents(file: &Path) -> Result<Contents, StoreError> {
    let damaged = |why: String| StoreError::Failed(format!("{} is no good copy: {why}", file.display()));
    let bytes = std::fs::metadata(file).map_err(|it| StoreError::Folder(file.to_owned(), it.to_string()))?;
    let found = reader::look(file, |tx| {
        let checked =
            tx.query("PRAGMA integrity_check(1)", &[], |row| Ok(row.text(0)?.to_owned()))?.join("; ");
        if checked != "ok" {
            return Err(StoreError::Failed(checked));
        }
        let schema = tx.find("PRAGMA user_version", &[], |row| row.int(0))?.unwrap_or(0);
        if schema > migrations::known() {
            return Err(StoreError::Newer { found: schema, known: migrations::known() });
        }
        let count = |sql: &'static str| -> Result<u64, StoreError> {
            Ok(tx.find(sql, &[], |row| row.count(0))?.unwrap_or(0))
        };
        Ok(Contents {
            bytes: bytes.len(),
            schema,
            publishers: count("SELECT COUNT(*) FROM publisher")?,
            leads: count("SELECT COUNT(*) FROM lead")?,
            touchpoints: count("SELECT COUNT(*) FROM touchpoint")?,
            deliveries: count("SELECT COUNT(*) FROM delivery")?,
        })
    });
    found.map_err(|error| match error {
        StoreError::Failed(why) | StoreError::Wrong(why) => damaged(why),
        other => other,
    })
}

/// Erases in a store that nobody has open who is erased by one of the lists, and leaves it as one file.
fn forget(
    file: &Path,
    lists: &[Vec<ErasedOf>],
    mint: &mut dyn FnMut() -> TouchpointId,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let mut connection = Connection::open(file)?;
    migrate::set_up(&connection)?;
    let mut all = Applied::default();
    for list in lists {
        let mut run = |body: &mut dyn FnMut(&Tx<'_>) -> Result<(), StoreError>| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            body(&Tx::of_file(&transaction))?;
            Ok(transaction.commit()?)
        };
        let applied = list::apply(&mut run, list, mint, now)?;
        all.erasures += applied.erasures;
        all.leads += applied.leads;
        all.quarantined += applied.quarantined;
    }
    as_one_file(&connection)?;
    Ok(all)
}

/// Holds in a store that nobody has open what cannot be repeated safely, and leaves it as one file.
fn hold(file: &Path, unkeyed: &[&str], now: Timestamp) -> Result<Held, StoreError> {
    let mut connection = Connection::open(file)?;
    migrate::set_up(&connection)?;
    let mut run = |body: &mut dyn FnMut(&Tx<'_>) -> Result<(), StoreError>| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        body(&Tx::of_file(&transaction))?;
        Ok(transaction.commit()?)
    };
    let held = held::hold(&mut run, unkeyed, now)?;
    as_one_file(&connection)?;
    Ok(held)
}

fn as_one_file(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(())
}

/// Gives a good copy its name. A link refuses a file that came to be there meanwhile, which a rename would replace; disks
/// that know no links, such as shares of a network, get a rename all the same.
fn take_name(part: &Path, file: &Path) -> std::io::Result<()> {
    use std::io::ErrorKind::{PermissionDenied, Unsupported};
    match std::fs::hard_link(part, file) {
        Ok(()) => remove(part),
        Err(error) if matches!(error.kind(), PermissionDenied | Unsupported) && !file.exists() => {
            std::fs::rename(part, file)
        }
        Err(error) => Err(error),
    }
}

/// Folds a store's log into it, so that it is whole without. One that is damaged stays as it is: it is replaced.
fn fold_away(place: &Path) {
    if place.exists()
        && let Ok(connection) = Connection::open(place)
        && let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    {
        tracing::warn!(%error, "The log of the store that is replaced could not be folded into it.");
    }
}

/// Puts a store in the place of another. The old one stays beside it until the new one is there.
fn put_in_place(new: &Path, place: &Path) -> std::io::Result<()> {
    let folder = folder_of(place);
    std::fs::File::open(new)?.sync_all()?;
    let old = folder.join("leadwire.replaced.db");
    for it in with_log(&old) {
        remove(&it)?;
    }
    // A log belongs to its database, and would be folded into whichever it finds: it goes first.
    for (log, aside) in with_log(place).into_iter().zip(with_log(&old)).skip(1) {
        if log.exists() {
            std::fs::rename(log, aside)?;
        }
    }
    if place.exists() {
        std::fs::hard_link(place, &old)?;
    }
    sync_folder(folder)?;
    std::fs::rename(new, place)?;
    sync_folder(folder)?;
    for it in with_log(&old) {
        remove(&it)?;
    }
    sync_folder(folder)
}

fn with_log(file: &Path) -> [PathBuf; 3] {
    let with = |more: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(more);
        PathBuf::from(name)
    };
    [file.to_owned(), with("-wal"), with("-shm")]
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
