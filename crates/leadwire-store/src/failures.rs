//! What is parked, in groups: a person mends a cause, not a delivery.

use crate::engine::{Param, Row, Tx};
use crate::{Store, StoreError};
use leadwire_core::id::{DeliveryId, DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;

/// Deliveries that are parked at one destination for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// Where.
    pub destination: DestinationNo,
    /// Stable name of the cause.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// When the first of those that still wait was parked.
    pub first_at: Timestamp,
    /// When the last one was.
    pub last_at: Timestamp,
    /// One of them, the oldest.
    pub sample: DeliveryId,
    /// What happened to it, in words.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// What came of giving up a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Deliveries that were given up.
    pub dropped: usize,
    /// Deletions of erased people that stay, counted once nothing else is left of the group.
    pub deletions: u64,
}

/// The cause of a delivery that a person gave up.
pub const DROPPED: &str = "dropped";

impl Store {
    /// What is parked, in groups, the largest first, up to `limit` groups. Costs grow with what is parked and with nothing
    /// else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failures(
        &self,
        publisher: PublisherId,
        limit: usize,
    ) -> Result<Vec<FailureGroup>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let groups = tx.query(
                "SELECT destination_no, cause, COUNT(*), MIN(ended_at), MAX(ended_at), MIN(touchpoint_id)
                 FROM delivery
                 WHERE state = 'parked' AND publisher_id = $1
                 GROUP BY destination_no, cause",
                &[Param::Text(publisher.as_str())],
                read,
            )?;
            let mut groups: Vec<FailureGroup> = groups;
            groups.sort_by(|one, other| {
                (other.count, one.destination, &one.cause).cmp(&(one.count, other.destination, &other.cause))
            });
            groups.truncate(limit);
            groups.into_iter().map(|it| with_words(tx, &publisher, it)).collect()
        })
        .await
    }

    /// Gives up to `limit` deliveries up that are parked at a destination for a cause, oldest first, and says how many: they
    /// are suppressed, with the reason that a person said so. Deletions of erased people stay: they are owed to a person who is
    /// not asked, and what finds the records is kept until they are over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_group(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        cause: String,
        (limit, now): (usize, Timestamp),
    ) -> Result<GivenUp, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let key = (Param::Text(publisher.as_str()), Param::Int(destination.get().into()));
            let parked = tx.query(
                "SELECT d.touchpoint_id
                 FROM delivery d
                 WHERE d.state = 'parked' AND d.publisher_id = $1 AND d.destination_no = $2 AND d.cause = $3
                     AND NOT EXISTS (
                         SELECT 1 FROM erased_lead e
                         WHERE e.publisher_id = d.publisher_id AND e.touchpoint_id = d.touchpoint_id)
                 ORDER BY d.touchpoint_id
                 LIMIT $4",
                &[
                    key.0,
                    key.1,
                    Param::Text(&cause),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                |row| row.touchpoint(0),
            )?;
            for touchpoint in &parked {
                tx.execute(
                    "UPDATE delivery SET state = 'suppressed', cause = $1, message = '', fix = '', ended_at = $2
                     WHERE publisher_id = $3 AND touchpoint_id = $4 AND destination_no = $5 AND state = 'parked'",
                    &[
                        Param::Text(DROPPED),
                        Param::Int(now.millis()),
                        key.0,
                        Param::Text(&touchpoint.to_string()),
                        key.1,
                    ],
                )?;
            }
            let deletions = if parked.len() < limit { deletions(tx, key, &cause)? } else { 0 };
            Ok(GivenUp { dropped: parked.len(), deletions })
        })
        .await
    }
}

/// Deletions of erased people that are parked for a cause.
fn deletions(tx: &Tx<'_>, key: (Param<'_>, Param<'_>), cause: &str) -> Result<u64, StoreError> {
    let counted = tx.find(
        "SELECT COUNT(*)
         FROM delivery d
         WHERE d.state = 'parked' AND d.publisher_id = $1 AND d.destination_no = $2 AND d.cause = $3 AND EXISTS (
             SELECT 1 FROM erased_lead e
             WHERE e.publisher_id = d.publisher_id AND e.touchpoint_id = d.touchpoint_id)",
        &[key.0, key.1, Param::Text(cause)],
        |row| row.count(0),
    )?;
    Ok(counted.unwrap_or(0))
}

fn read(row: &Row<'_>) -> Result<FailureGroup, StoreError> {
    let destination = row.destination(0)?;
    Ok(FailureGroup {
        destination,
        cause: row.text(1)?.to_owned(),
        count: row.count(2)?,
        first_at: row.time(3)?,
        last_at: row.time(4)?,
        sample: DeliveryId { touchpoint: row.touchpoint(5)?, destination },
        message: String::new(),
        fix: String::new(),
    })
}

fn with_words(tx: &Tx<'_>, publisher: &PublisherId, group: FailureGroup) -> Result<FailureGroup, StoreError> {
    let words = tx.find(
        "SELECT message, fix FROM delivery WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&group.sample.touchpoint.to_string()),
            Param::Int(group.destination.get().into()),
        ],
        |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())),
    )?;
    let (message, fix) = words.unwrap_or_default();
    Ok(FailureGroup { message, fix, ..group })
}
