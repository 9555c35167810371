//! Destinations: a connector, its settings, its secrets and its lane.

use super::mappings;
use super::secrets::{keys_of, put_key};
use super::{Change, Destination, PublisherKey, Sealing, made_or, raise_version};
use crate::engine::{Param, Tx};
use crate::lanes::LaneKey;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError, notices};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;

impl Store {
    /// Adds a destination without secrets; otherwise as [`Store::add_sealed_destination`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_destination(
        &self,
        it: Destination,
    ) -> Result<Result<DestinationNo, Change>, StoreError> {
        self.add_sealed_destination(it, |_, _| Sealing::nothing()).await
    }

    /// Adds a destination under the publisher's next number, and its lane. The number and secrets given are not used.
    ///
    /// `seal` gets the number and the publisher's keys as they are in this transaction, and may be called again after
    /// a roll-back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_sealed_destination<F>(
        &self,
        it: Destination,
        mut seal: F,
    ) -> Result<Result<DestinationNo, Change>, StoreError>
    where
        F: FnMut(DestinationNo, &[PublisherKey]) -> Sealing + Send + 'static,
    {
        let author = mappings::author(it.created_at);
        self.write_of(&it.publisher.clone(), move |tx| {
            let publisher = Param::Text(it.publisher.as_str());
            let taken = tx.find(
                "SELECT 1 FROM destination WHERE publisher_id = $1 AND name = $2 AND removed_at = 0",
                &[publisher, Param::Text(&it.name)],
                |_| Ok(()),
            )?;
            if taken.is_some() {
                return Ok(Err(Change::Taken));
            }
            let number = tx
                .find(
                    "SELECT COALESCE(MAX(destination_no), 0) + 1 FROM destination WHERE publisher_id = $1",
                    &[publisher],
                    |row| row.int(0),
                )?
                .unwrap_or(1);
            let number = u32::try_from(number).map_err(|_| StoreError::Wrong("too many destinations".into()))?;
            let secrets = sealed(tx, &it, DestinationNo::new(number), &mut seal)?;
            tx.execute(
                "INSERT INTO destination (publisher_id, destination_no, name, kind, settings, secrets, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    publisher,
                    Param::Int(number.into()),
                    Param::Text(&it.name),
                    Param::Text(&it.kind),
                    Param::Text(&it.settings),
                    Param::Bytes(&secrets),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            tx.execute(
                "INSERT INTO lane (publisher_id, destination_no) VALUES ($1, $2)",
                &[publisher, Param::Int(number.into())],
            )?;
            mappings::keep(tx, (publisher, Param::Int(number.into())), &it.settings, &author)?;
            raise_version(tx)?;
            Ok(Ok(DestinationNo::new(number)))
        })
        .await
    }

    /// Gives a destination new settings and secrets; its number, name and kind stay. `seal` is as for
    /// [`Store::add_sealed_destination`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_destination<F>(&self, it: Destination, mut seal: F) -> Result<Change, StoreError>
    where
        F: FnMut(DestinationNo, &[PublisherKey]) -> Sealing + Send + 'static,
    {
        let author = mappings::author(it.created_at);
        self.change(Scope::of(it.publisher.as_str()), move |tx| {
            let secrets = sealed(tx, &it, it.number, &mut seal)?;
            let updated = tx.execute(
                "UPDATE destination SET settings = $1, secrets = $2, settings_no = settings_no + 1
                 WHERE publisher_id = $3 AND destination_no = $4 AND removed_at = 0",
                &[
                    Param::Text(&it.settings),
                    Param::Bytes(&secrets),
                    Param::Text(it.publisher.as_str()),
                    Param::Int(it.number.get().into()),
                ],
            )?;
            if updated > 0 {
                let key = (Param::Text(it.publisher.as_str()), Param::Int(it.number.get().into()));
                mappings::keep(tx, key, &it.settings, &author)?;
            }
            Ok(made_or(updated, Change::Missing))
        })
        .await
    }

    /// Gives a destination other settings in place of the ones it had when the caller looked; what is sealed stays.
    /// [`Change::Missing`] too when somebody changed them meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_settings(&self, had: Destination, settings: String) -> Result<Change, StoreError> {
        self.change(Scope::of(had.publisher.as_str()), move |tx| {
            let updated = tx.execute(
                "UPDATE destination SET settings = $1
                 WHERE publisher_id = $2 AND destination_no = $3 AND removed_at = 0 AND settings = $4",
                &[
                    Param::Text(&settings),
                    Param::Text(had.publisher.as_str()),
                    Param::Int(had.number.get().into()),
                    Param::Text(&had.settings),
                ],
            )?;
            Ok(made_or(updated, Change::Missing))
        })
        .await
    }

    /// Removes a destination, the routes to it and the follow-ups through it, unless deliveries to it are still pending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_destination(
        &self,
        publisher: PublisherId,
        number: DestinationNo,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let lane = LaneKey { publisher: publisher.clone(), destination: number };
            let publisher = Param::Text(publisher.as_str());
            let number = Param::Int(number.get().into());
            let owed = tx
                .find(
                    "SELECT COUNT(*) FROM delivery
                     WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2",
                    &[publisher, number],
                    |row| row.int(0),
                )?
                .unwrap_or(0);
            if owed > 0 {
                return Ok(Change::Owed(owed));
            }
            notices::gone(tx, &lane)?;
            tx.execute(
                "DELETE FROM route WHERE publisher_id = $1 AND destination_no = $2",
                &[publisher, number],
            )?;
            tx.execute(
                "DELETE FROM follow_up WHERE publisher_id = $1 AND destination_no = $2",
                &[publisher, number],
            )?;
            let removed = tx.execute(
                "UPDATE destination SET removed_at = $1, secrets = x''
                 WHERE publisher_id = $2 AND destination_no = $3 AND removed_at = 0",
                &[Param::Int(now.millis()), publisher, number],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}

/// Has a destination's secrets sealed with the keys of this transaction, and keeps the key that was made for it.
fn sealed(
    tx: &Tx<'_>,
    it: &Destination,
    number: DestinationNo,
    seal: &mut impl FnMut(DestinationNo, &[PublisherKey]) -> Sealing,
) -> Result<Vec<u8>, StoreError> {
    let sealing = seal(number, &keys_of(tx, &it.publisher)?);
    if let Some(key) = &sealing.new_key {
        put_key(tx, key)?;
    }
    Ok(sealing.secrets)
}
