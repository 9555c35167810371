//! What a database server can do at most of this work: plain inserts and claims of many rows, without any decision.
//!
//! `leadwire bench nodes` measures the product against it in the same run. Nothing else uses it.

use super::address::Address;
use super::beside;
use super::client::Client;
use crate::StoreError;
use leadwire_core::limits;

/// A database of its own on a server, for one measurement.
pub struct Scratch {
    server: Address,
    name: String,
}

impl Scratch {
    /// Makes a database. Its name may hold letters, digits and underscores only.
    ///
    /// # Errors
    /// When the server cannot be reached, or the user may not make databases.
    pub fn make(server: &Address, name: &str) -> Result<Self, StoreError> {
        let is_plain = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        if !is_plain {
            return Err(StoreError::Wrong(
                "a name of a database of letters, digits and underscores".to_owned(),
            ));
        }
        let text = format!("CREATE DATABASE {name}");
        beside(|| server.connect()?.batch_execute(&text))?;
        Ok(Self { server: server.clone(), name: name.to_owned() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // An error means that the server is gone; the name says what is left there.
        beside(|| self.server.connect()?.batch_execute(&text)).ok();
    }
}

/// The tables of the floor in a database.
pub struct ServerFloor {
    address: Address,
}

impl ServerFloor {
    /// Makes the tables.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn make(address: &Address) -> Result<Self, StoreError> {
        beside(|| address.connect()?.batch_execute(TABLES))?;
        Ok(Self { address: address.clone() })
    }

    /// Inserts the four rows of so many leads, in commits of as many as the product takes in one, over as many
    /// connections as one node writes by.
    ///
    /// # Errors
    /// An error of the database.
    pub fn insert(&self, leads: i64) -> Result<(), StoreError> {
        self.on_each_connection(|client, number, connections| {
            let mut first = number * COMMIT;
            while first < leads {
                insert(client, first, COMMIT.min(leads - first))?;
                first += COMMIT * connections;
            }
            Ok(())
        })
    }

    /// Claims all that is owed and marks it as done, in two commits for each claim of this size.
    ///
    /// # Errors
    /// An error of the database.
    pub fn claim_and_mark(&self, size: i64) -> Result<(), StoreError> {
        self.on_each_connection(|client, _, _| {
            let claim = client.prepare_typed(CLAIM, &[])?;
            let mark = client.prepare_typed(MARK, &[])?;
            loop {
                let claimed = client.query(&claim, &[&size])?;
                if claimed.is_empty() {
                    return Ok(());
                }
                let ids: Vec<&[u8]> = claimed.iter().map(|it| it.get(0)).collect();
                client.execute(&mark, &[&ids])?;
            }
        })
    }

    fn on_each_connection(
        &self,
        work: impl Fn(&mut Client, i64, i64) -> Result<(), StoreError> + Sync,
    ) -> Result<(), StoreError> {
        let connections = i64::try_from(limits::SERVER_WRITERS).unwrap_or(1);
        std::thread::scope(|scope| {
            let run = |number| {
                let work = &work;
                scope.spawn(move || work(&mut self.address.connect()?, number, connections))
            };
            let threads: Vec<_> = (0..connections).map(run).collect();
            threads.into_iter().try_for_each(|it| {
                it.join().unwrap_or_else(|_| Err(StoreError::Wrong("a floor panicked".to_owned())))
            })
        })
    }
}

/// Leads in one commit.
const COMMIT: i64 = 256;
/// Of a body, in bytes: as in the load.
const BODY_BYTES: usize = 632;

const TABLES: &str = "
    CREATE TABLE body (id BYTEA NOT NULL PRIMARY KEY, body BYTEA NOT NULL);
    CREATE TABLE lead (id BYTEA NOT NULL PRIMARY KEY, identity BYTEA NOT NULL UNIQUE, name TEXT NOT NULL);
    CREATE TABLE seen (key BYTEA NOT NULL PRIMARY KEY, id BYTEA NOT NULL);
    CREATE TABLE owed (id BYTEA NOT NULL PRIMARY KEY, state TEXT NOT NULL, due_at BIGINT NOT NULL);
    CREATE INDEX owed_due ON owed (due_at, id) WHERE state = 'pending';";

const CLAIM: &str = "UPDATE owed SET state = 'claimed' FROM (
         SELECT id AS due FROM owed WHERE state = 'pending' ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED) AS found
     WHERE owed.id = found.due RETURNING owed.id";
const MARK: &str =
    "UPDATE owed SET state = 'done' FROM unnest($1::bytea[]) AS claimed WHERE owed.id = claimed";

fn insert(client: &mut Client, first: i64, count: i64) -> Result<(), StoreError> {
    let ids: Vec<Vec<u8>> = (first..first + count).map(|it| i128::from(it).to_be_bytes().to_vec()).collect();
    // Identities and keys are hashes: they fall anywhere in their trees, as the product's do.
    let spread = |it: i64| crate::floor::scattered(u128::from(it.unsigned_abs())).to_vec();
    let identities: Vec<Vec<u8>> = (first..first + count).map(spread).collect();
    let keys: Vec<Vec<u8>> = (first..first + count).map(|it| spread(it + (1 << 40))).collect();
    let bodies = vec![vec![b'x'; BODY_BYTES]; ids.len()];
    let due: Vec<i64> = (first..first + count).collect();
    // An error ends the connection, and what was not committed with it.
    let tx = client;
    tx.batch_execute("BEGIN")?;
    tx.execute(
        "INSERT INTO body (id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])",
        &[&ids, &bodies],
    )?;
    tx.execute(
        "INSERT INTO lead (id, identity, name)
         SELECT id, identity, 'Ada Lovelace, Analytical Engines Limited, ada@example.com'
         FROM unnest($1::bytea[], $2::bytea[]) AS it(id, identity)",
        &[&ids, &identities],
    )?;
    tx.execute("INSERT INTO seen (key, id) SELECT * FROM unnest($1::bytea[], $2::bytea[])", &[&keys, &ids])?;
    tx.execute(
        "INSERT INTO owed (id, state, due_at)
         SELECT id, 'pending', due_at FROM unnest($1::bytea[], $2::bigint[]) AS it(id, due_at)",
        &[&ids, &due],
    )?;
    tx.batch_execute("COMMIT")
}
