//! The engine these facts are checked on: a file in a folder.

use leadwire_store::{Database, Store, StoreError};
use std::path::Path;

/// Opens the store of a folder.
pub(crate) fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder)
}

/// Where the store of a folder is.
pub(crate) fn database(folder: &Path) -> Database {
    Database::Folder(folder.to_owned())
}

/// Everything that the engine keeps of a store that is closed.
pub(crate) fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    all
}

/// Every value of every table, as bytes.
pub(crate) async fn all_values(_: &Path, store: &Store) -> Vec<u8> {
    let columns =
        "SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'";
    let columns = store
        .read(move |tx| tx.query(columns, &[], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))));
    let mut all = Vec::new();
    for (table, column) in columns.await.unwrap() {
        // A test's statement, made once for each column.
        let sql: &'static str = format!("SELECT CAST({column} AS BLOB) FROM {table}").leak();
        let values = store.read(move |tx| tx.query(sql, &[], |row| Ok(row.bytes(0)?.to_owned())));
        for value in values.await.unwrap() {
            all.extend(value);
            all.push(b'\n');
        }
    }
    all
}

/// Lets rows be damaged against the rules that stand in the schema.
pub(crate) async fn forget_rules(_: &Path, store: &Store) {
    store.write(|tx| tx.query("PRAGMA ignore_check_constraints = ON", &[], |_| Ok(()))).await.unwrap();
}

/// A place where a store may be made.
pub(crate) fn empty(folder: &Path) -> Database {
    Database::Folder(folder.join("empty"))
}

/// Changes a file behind the store's back.
pub(crate) fn change_file(file: &Path, sql: &str) {
    let changed = rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap();
    assert_eq!(changed, 1);
}

/// How many histories are tried, of as many as a property asks for.
pub(crate) fn cases(wanted: u32) -> u32 {
    wanted
}
