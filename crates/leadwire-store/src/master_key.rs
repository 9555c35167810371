//! Which master key the nodes of one database use: a node that brought another would stop destinations that they can send
//! to, and seal secrets that they cannot open.

use crate::engine::{Param, Tx};
use crate::{Database, Store, StoreError};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The row of `meta` that holds the first 8 bytes of the key's SHA-256, as a number.
const NAME: &str = "master_key";

/// Whether a node may use the master keys that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It may.
    Agreed,
    /// It may not: nodes that are alive use another.
    Others {
        /// The id of theirs.
        use_key: String,
    },
    /// It has none, and what is stored is guarded by these, told by their ids.
    Missing {
        /// Their ids; at least one.
        keys: BTreeSet<String>,
    },
}

impl Store {
    /// Settles which master key is used: that of the nodes that are alive, else the first of the asking node's own, by
    /// their ids. A node without any may make one where nothing is guarded yet.
    ///
    /// The node must have said that it is alive, so that of two that start at once the later one sees the earlier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agree_on_master_key(
        &self,
        node: Arc<str>,
        now: Timestamp,
        own: Vec<String>,
    ) -> Result<Agreement, StoreError> {
        // About everybody: it asks whose keys there are.
        self.write(move |tx| agree(tx, &node, now, &own)).await
    }

    /// The id of the master key that the nodes of a database use; none when none was used yet, or there is no store.
    ///
    /// Blocks; it is for examinations.
    ///
    /// # Errors
    /// An error of the database.
    pub fn master_key_of(database: &Database) -> Result<Option<String>, StoreError> {
        Ok(database.look(|looking| looking.at(used))?.flatten())
    }
}

fn agree(tx: &Tx<'_>, node: &str, now: Timestamp, own: &[String]) -> Result<Agreement, StoreError> {
    let others = tx.find(
        "SELECT COUNT(*) FROM node WHERE publisher_id = '' AND node_id <> $1 AND alive_until > $2",
        &[Param::Text(node), Param::Int(now.millis())],
        |row| row.int(0),
    )?;
    let theirs = used(tx)?.filter(|_| others > Some(0));
    let Some(first) = own.first() else {
        let mut keys = guards(tx)?;
        keys.extend(theirs);
        return Ok(if keys.is_empty() { Agreement::Agreed } else { Agreement::Missing { keys } });
    };
    match theirs.filter(|it| !own.contains(it)) {
        Some(use_key) => Ok(Agreement::Others { use_key }),
        None => {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[Param::Text(NAME), Param::Int(number(first)?)],
            )?;
            Ok(Agreement::Agreed)
        }
    }
}

/// The id of the key that was used last.
fn used(tx: &Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.find("SELECT value FROM meta WHERE name = $1", &[Param::Text(NAME)], |row| {
        Ok(format!("{:016x}", row.int(0)?.cast_unsigned()))
    })
}

/// The ids of the keys that publishers' keys are wrapped by.
fn guards(tx: &Tx<'_>) -> Result<BTreeSet<String>, StoreError> {
    let keys =
        tx.query("SELECT DISTINCT master_key_id FROM publisher_key", &[], |row| Ok(row.text(0)?.to_owned()))?;
    Ok(keys.into_iter().collect())
}

fn number(id: &str) -> Result<i64, StoreError> {
    let number = u64::from_str_radix(id, 16).map(u64::cast_signed);
    number.map_err(|_| StoreError::Wrong("the id of a master key is not 8 bytes in hexadecimal".to_owned()))
}
