//! Follow-ups in the set-up: what is said, to whom, at which step, and through which destination.

use super::{Change, made_or};
use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::follow_up::{Audience, DayMinute};
use leadwire_core::id::{DestinationNo, FollowUpId, PublisherId};
use leadwire_core::interest::Interest;
use leadwire_core::limits;
use leadwire_core::routing::Offers;
use leadwire_core::time::Timestamp;

/// A follow-up as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFollowUp {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: FollowUpId,
    /// For which offers.
    pub offers: Offers,
    /// At which step.
    pub step: Interest,
    /// To whom.
    pub audience: Audience,
    /// Through which destination.
    pub destination: DestinationNo,
    /// Collected until this minute of the day; none: sent at once.
    pub digest_at: Option<DayMinute>,
    /// The words by language, as JSON.
    pub words: String,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Store {
    /// Adds a follow-up, or writes the one of this id anew. [`Change::Full`] when there are
    /// [`limits::FOLLOW_UPS_MAX`] already; [`Change::Missing`] when its destination is not there; [`Change::Taken`] when
    /// another one says something to the same audience at the same step of the same offers through the same
    /// destination, or to the customer through any; [`Change::InUse`] when a route leads to its destination.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_follow_up(&self, it: StoredFollowUp) -> Result<Change, StoreError> {
        self.change(Scope::of(it.publisher.as_str()), move |tx| {
            let (publisher, id) = (Param::Text(it.publisher.as_str()), it.id.to_string());
            let others = tx.query(
                "SELECT publisher_id, follow_up_id, offer_id, step, audience, destination_no, digest_at, words,
                     created_at
                 FROM follow_up
                 WHERE publisher_id = $1 AND follow_up_id <> $2",
                &[publisher, Param::Text(&id)],
                read,
            )?;
            if others.len() >= limits::FOLLOW_UPS_MAX {
                return Ok(Change::Full);
            }
            if !crate::deliveries::has_lane(tx, &it.publisher, it.destination)? {
                return Ok(Change::Missing);
            }
            if is_routed(tx, &it)? {
                return Ok(Change::InUse);
            }
            if others.iter().any(|other| says_the_same(other, &it)) {
                return Ok(Change::Taken);
            }
            tx.execute(
                "INSERT INTO follow_up (publisher_id, follow_up_id, offer_id, step, audience, destination_no, digest_at,
                     words, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (publisher_id, follow_up_id) DO UPDATE
                 SET offer_id = excluded.offer_id, step = excluded.step, audience = excluded.audience,
                     destination_no = excluded.destination_no, digest_at = excluded.digest_at, words = excluded.words",
                &[
                    publisher,
                    Param::Text(&id),
                    Param::Text(&it.offers.to_string()),
                    Param::Int(Interest::number(Some(it.step))),
                    Param::Text(it.audience.as_str()),
                    Param::Int(it.destination.get().into()),
                    Param::Int(it.digest_at.map_or(-1, |it| it.get().into())),
                    Param::Text(&it.words),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a follow-up. What it owes and was not sent is suppressed when its time comes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_follow_up(
        &self,
        publisher: PublisherId,
        id: FollowUpId,
    ) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let removed = tx.execute(
                "DELETE FROM follow_up WHERE publisher_id = $1 AND follow_up_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}

/// Whether two follow-ups would be sent for one action, or one of them never.
fn says_the_same(one: &StoredFollowUp, other: &StoredFollowUp) -> bool {
    let is_same_moment = one.offers == other.offers && one.step == other.step;
    let to_customer = one.audience == Audience::Customer && other.audience == Audience::Customer;
    is_same_moment && (to_customer || one.destination == other.destination)
}

fn is_routed(tx: &Tx<'_>, it: &StoredFollowUp) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM route WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(it.publisher.as_str()), Param::Int(it.destination.get().into())],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// All follow-ups, by publisher, in the order in which they were added.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<StoredFollowUp>, StoreError> {
    tx.query(
        "SELECT publisher_id, follow_up_id, offer_id, step, audience, destination_no, digest_at, words, created_at
         FROM follow_up
         ORDER BY publisher_id, follow_up_id",
        &[],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<StoredFollowUp, StoreError> {
    let wrong = |what: &str| StoreError::Wrong(format!("a follow-up has no such {what}"));
    Ok(StoredFollowUp {
        publisher: row.publisher(0)?,
        id: FollowUpId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        offers: Offers::parse(row.text(2)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        step: Interest::from_number(row.int(3)?).ok_or_else(|| wrong("step"))?,
        audience: Audience::parse(row.text(4)?).ok_or_else(|| wrong("audience"))?,
        destination: row.destination(5)?,
        digest_at: match row.int(6)? {
            -1 => None,
            _ => Some(DayMinute::new(row.count(6)?).ok_or_else(|| wrong("minute"))?),
        },
        words: row.text(7)?.to_owned(),
        created_at: row.time(8)?,
    })
}
