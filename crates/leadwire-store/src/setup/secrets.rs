//! Keys of publishers and what is sealed with them. The store keeps both and can open neither.

use super::raise_version;
use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;

/// A key that seals the secrets of a publisher's destinations, wrapped by a master key from outside the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherKey {
    /// Whose.
    pub publisher: PublisherId,
    /// Its number within the publisher, from 1; the greatest is the current one.
    pub number: u32,
    /// Which master key wraps it.
    pub master_key: String,
    /// The key, wrapped by the program.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A destination's secrets, sealed for the place they are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// The sealed secrets; empty when there are none.
    pub secrets: Vec<u8>,
    /// A key that was made for it.
    pub new_key: Option<PublisherKey>,
}

impl Sealing {
    /// No secrets.
    pub fn nothing() -> Self {
        Self { secrets: Vec::new(), new_key: None }
    }
}

/// A destination's sealed secrets, and where they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecrets {
    /// Whose.
    pub publisher: PublisherId,
    /// Of which destination.
    pub destination: DestinationNo,
    /// The destination's name.
    pub name: String,
    /// The sealed secrets; never empty.
    pub secrets: Vec<u8>,
}

/// What a rotation puts in the place of what was.
#[derive(Clone, Debug, Default)]
pub struct Rekeying {
    /// Keys that are new, or wrapped anew.
    pub keys: Vec<PublisherKey>,
    /// Secrets that are sealed anew.
    pub secrets: Vec<SealedSecrets>,
    /// Keys that nothing uses any more.
    pub unused: Vec<PublisherKey>,
}

impl Rekeying {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.secrets.is_empty() && self.unused.is_empty()
    }
}

impl Store {
    /// Shows one publisher's keys and sealed secrets, or everybody's, to `plan`, and puts in place what it says; one
    /// transaction. Whoever seals meanwhile does so before or after it, never with a key that is gone.
    ///
    /// `plan` may be called again after a roll-back. A crash leaves everything as before or as planned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rekey<T, F>(&self, publisher: Option<PublisherId>, mut plan: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&[PublisherKey], &[SealedSecrets]) -> (Rekeying, T) + Send + 'static,
    {
        let scope = publisher.as_ref().map_or(Scope::Everything, |it| Scope::of(it.as_str()));
        self.write_in(scope, move |tx| {
            let (keys, secrets) = match &publisher {
                Some(publisher) => (keys_of(tx, publisher)?, secrets_of(tx, publisher)?),
                None => (all_keys(tx)?, all_secrets(tx)?),
            };
            let (rekeying, told) = plan(&keys, &secrets);
            if !rekeying.is_empty() {
                put_in_place(tx, &rekeying)?;
                raise_version(tx)?;
            }
            Ok(told)
        })
        .await
    }
}

fn put_in_place(tx: &Tx<'_>, rekeying: &Rekeying) -> Result<(), StoreError> {
    for key in &rekeying.keys {
        put_key(tx, key)?;
    }
    for it in &rekeying.secrets {
        tx.execute(
            "UPDATE destination SET secrets = $1
             WHERE publisher_id = $2 AND destination_no = $3 AND removed_at = 0",
            &[
                Param::Bytes(&it.secrets),
                Param::Text(it.publisher.as_str()),
                Param::Int(it.destination.get().into()),
            ],
        )?;
    }
    for key in &rekeying.unused {
        tx.execute(
            "DELETE FROM publisher_key WHERE publisher_id = $1 AND number = $2",
            &[Param::Text(key.publisher.as_str()), Param::Int(key.number.into())],
        )?;
    }
    Ok(())
}

pub(super) fn put_key(tx: &Tx<'_>, it: &PublisherKey) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO publisher_key (publisher_id, number, master_key_id, wrapped, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (publisher_id, number)
         DO UPDATE SET master_key_id = excluded.master_key_id, wrapped = excluded.wrapped",
        &[
            Param::Text(it.publisher.as_str()),
            Param::Int(it.number.into()),
            Param::Text(&it.master_key),
            Param::Bytes(&it.wrapped),
            Param::Int(it.created_at.millis()),
        ],
    )?;
    Ok(())
}

pub(super) fn keys_of(tx: &Tx<'_>, publisher: &PublisherId) -> Result<Vec<PublisherKey>, StoreError> {
    tx.query(
        "SELECT publisher_id, number, master_key_id, wrapped, created_at FROM publisher_key
         WHERE publisher_id = $1
         ORDER BY number",
        &[Param::Text(publisher.as_str())],
        read_key,
    )
}

pub(super) fn all_keys(tx: &Tx<'_>) -> Result<Vec<PublisherKey>, StoreError> {
    tx.query(
        "SELECT publisher_id, number, master_key_id, wrapped, created_at FROM publisher_key
         ORDER BY publisher_id, number",
        &[],
        read_key,
    )
}

fn secrets_of(tx: &Tx<'_>, publisher: &PublisherId) -> Result<Vec<SealedSecrets>, StoreError> {
    tx.query(
        "SELECT publisher_id, destination_no, name, secrets FROM destination
         WHERE publisher_id = $1 AND removed_at = 0 AND LENGTH(secrets) > 0
         ORDER BY destination_no",
        &[Param::Text(publisher.as_str())],
        read_secrets,
    )
}

fn all_secrets(tx: &Tx<'_>) -> Result<Vec<SealedSecrets>, StoreError> {
    tx.query(
        "SELECT publisher_id, destination_no, name, secrets FROM destination
         WHERE removed_at = 0 AND LENGTH(secrets) > 0
         ORDER BY publisher_id, destination_no",
        &[],
        read_secrets,
    )
}

fn read_key(row: &Row<'_>) -> Result<PublisherKey, StoreError> {
    let number = u32::try_from(row.int(1)?);
    Ok(PublisherKey {
        publisher: row.publisher(0)?,
        number: number.map_err(|_| StoreError::Wrong("a key's number is out of range".to_owned()))?,
        master_key: row.text(2)?.to_owned(),
        wrapped: row.bytes(3)?.to_owned(),
        created_at: row.time(4)?,
    })
}

fn read_secrets(row: &Row<'_>) -> Result<SealedSecrets, StoreError> {
    Ok(SealedSecrets {
        publisher: row.publisher(0)?,
        destination: row.destination(1)?,
        name: row.text(2)?.to_owned(),
        secrets: row.bytes(3)?.to_owned(),
    })
}
