//! Versions of destinations' mappings: each is kept, so that what came under one can be mapped so again.

use super::{Change, Destination, made_or};
use crate::audit::Deed;
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;

/// A version of a destination's mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingVersion {
    /// 1, 2, 3 …; the greatest is the current one.
    pub number: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it, as the audit log names them; empty for one that was there before versions were kept.
    pub created_by: String,
    /// The rows that differ from the kind's own, as a JSON object.
    pub mapping: String,
}

impl Store {
    /// The newest versions of a destination's mapping, newest first. There are as many as somebody wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mapping_versions(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        limit: usize,
    ) -> Result<Vec<MappingVersion>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT mapping_no, created_at, created_by, mapping FROM mapping_version
                 WHERE publisher_id = $1 AND destination_no = $2
                 ORDER BY mapping_no DESC
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Int(destination.get().into()),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                |row| {
                    Ok(MappingVersion {
                        number: row.count(0)?,
                        created_at: row.time(1)?,
                        created_by: row.text(2)?.to_owned(),
                        mapping: row.text(3)?.to_owned(),
                    })
                },
            )
        })
        .await
    }

    /// Gives a destination other settings in place of the ones it had when the caller looked, and keeps their mapping as a
    /// version; what is sealed stays. `based_on` is the version that the new rows were made from, if the caller says so.
    /// [`Change::Taken`] when somebody changed the settings or the mapping meanwhile: nobody's work is overwritten unseen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_mapping(
        &self,
        had: Destination,
        settings: String,
        based_on: Option<u32>,
    ) -> Result<Change, StoreError> {
        let author = author(had.created_at);
        self.change(Scope::of(had.publisher.as_str()), move |tx| {
            let key = (Param::Text(had.publisher.as_str()), Param::Int(had.number.get().into()));
            let newest = tx.find(
                "SELECT mapping_no, mapping FROM mapping_version
                 WHERE publisher_id = $1 AND destination_no = $2
                 ORDER BY mapping_no DESC
                 LIMIT 1",
                &[key.0, key.1],
                |row| row.count(0),
            )?;
            if based_on.is_some() && based_on != newest {
                return Ok(Change::Taken);
            }
            let updated = tx.execute(
                "UPDATE destination SET settings = $1, settings_no = settings_no + 1
                 WHERE publisher_id = $2 AND destination_no = $3 AND removed_at = 0 AND settings = $4",
                &[Param::Text(&settings), key.0, key.1, Param::Text(&had.settings)],
            )?;
            if updated > 0 {
                keep(tx, key, &settings, &author)?;
            }
            Ok(made_or(updated, Change::Taken))
        })
        .await
    }

    /// The rows of another version than the current one, for those of these touchpoints that are to be mapped by one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pinned_mappings(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        touchpoints: Vec<TouchpointId>,
    ) -> Result<Vec<(TouchpointId, String)>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let mut pinned = Vec::new();
            for touchpoint in &touchpoints {
                let found = tx.find(
                    "SELECT v.mapping
                     FROM delivery_mapping m
                     CROSS JOIN mapping_version v
                     WHERE m.publisher_id = $1 AND m.destination_no = $2 AND m.touchpoint_id = $3
                         AND v.publisher_id = m.publisher_id AND v.destination_no = m.destination_no
                         AND v.mapping_no = m.mapping_no",
                    &[
                        Param::Text(publisher.as_str()),
                        Param::Int(destination.get().into()),
                        Param::Text(&touchpoint.to_string()),
                    ],
                    |row| Ok(row.text(0)?.to_owned()),
                )?;
                pinned.extend(found.map(|it| (*touchpoint, it)));
            }
            Ok(pinned)
        })
        .await
    }
}

/// Who writes a destination's settings now, and when; for [`keep`].
pub(super) fn author(otherwise: Timestamp) -> (String, Timestamp) {
    Deed::author().unwrap_or((String::new(), otherwise))
}

/// Keeps the mapping of these settings as a new version, unless it is that of the newest one.
pub(super) fn keep(
    tx: &Tx<'_>,
    (publisher, destination): (Param<'_>, Param<'_>),
    settings: &str,
    (by, at): &(String, Timestamp),
) -> Result<(), StoreError> {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
    let mapping = settings.get("mapping").filter(|it| it.is_object());
    let mapping = mapping.map_or_else(|| "{}".to_owned(), serde_json::Value::to_string);
    let newest = tx.find(
        "SELECT mapping_no, mapping FROM mapping_version
         WHERE publisher_id = $1 AND destination_no = $2
         ORDER BY mapping_no DESC
         LIMIT 1",
        &[publisher, destination],
        |row| Ok((row.int(0)?, row.text(1)?.to_owned())),
    )?;
    let (number, is_same) = newest.map_or((0, false), |(number, text)| (number, text == mapping));
    if is_same {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO mapping_version (publisher_id, destination_no, mapping_no, created_at, created_by, mapping)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            publisher,
            destination,
            Param::Int(number + 1),
            Param::Int(at.millis()),
            Param::Text(by),
            Param::Text(&mapping),
        ],
    )?;
    Ok(())
}

/// Notes that a destination has deliveries that are mapped by another version; says whether that is new.
pub(crate) fn note_pins(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<bool, StoreError> {
    let noted = tx.execute(
        "UPDATE destination SET pins_mappings = 1
         WHERE publisher_id = $1 AND destination_no = $2 AND pins_mappings = 0",
        &[Param::Text(publisher.as_str()), Param::Int(destination.get().into())],
    )?;
    Ok(noted > 0)
}

/// Whether a destination has this version of its mapping.
pub(crate) fn has_version(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
    number: u32,
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM mapping_version WHERE publisher_id = $1 AND destination_no = $2 AND mapping_no = $3",
        &[Param::Text(publisher.as_str()), Param::Int(destination.get().into()), Param::Int(number.into())],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}
