//! What offers show to the world: the listing that is worked on, the one that everybody sees, and the way between.
//!
//! None of this has anything to do with where touchpoints go, so it does not raise the version of the set-up.

use super::Change;
use crate::engine::{Param, Row, Tx};
use crate::{Store, StoreError};
use leadwire_core::id::{OfferId, PublisherId};
use leadwire_core::listing::OfferState;
use leadwire_core::time::Timestamp;

/// What is kept of an offer's listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredListing {
    /// Where its page stands.
    pub state: OfferState,
    /// What is worked on, as text of the caller's; empty when nothing was written yet.
    pub content: String,
    /// What everybody sees; empty unless it is live.
    pub live_content: String,
    /// SHA-256 of the preview's token; empty when there is no preview.
    pub preview_hash: Vec<u8>,
    /// When any of this last changed.
    pub changed_at: Timestamp,
    /// When it last went live.
    pub live_at: Option<Timestamp>,
}

impl Store {
    /// What is kept of an offer's listing; as new when nothing is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn listing(&self, publisher: PublisherId, offer: OfferId) -> Result<StoredListing, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT state, content, live_content, preview_hash, changed_at, live_at
                 FROM listing
                 WHERE publisher_id = $1 AND offer_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(offer.as_str())],
                read_listing,
            )?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    /// The states of a publisher's offers, but for those that nothing was written of, which are drafts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn offer_states(
        &self,
        publisher: PublisherId,
    ) -> Result<Vec<(OfferId, OfferState)>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT offer_id, state FROM listing WHERE publisher_id = $1 ORDER BY offer_id",
                &[Param::Text(publisher.as_str())],
                |row| Ok((super::offer(row, 0)?, state(row, 1)?)),
            )
        })
        .await
    }

    /// Writes what is worked on. What everybody sees stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_listing(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        content: String,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.of_offer(publisher, offer, move |tx, publisher, offer| {
            tx.execute(
                "INSERT INTO listing (publisher_id, offer_id, content, changed_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (publisher_id, offer_id) DO UPDATE SET content = excluded.content,
                     changed_at = excluded.changed_at",
                &[publisher, offer, Param::Text(&content), Param::Int(now.millis())],
            )
        })
        .await
    }

    /// Opens the preview under a token with this hash; one before it counts no more. What is live stays live.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn preview_listing(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.of_offer(publisher, offer, move |tx, publisher, offer| {
            tx.execute(
                "UPDATE listing SET preview_hash = $1, changed_at = $2,
                     state = CASE WHEN state = 'draft' THEN 'preview' ELSE state END
                 WHERE publisher_id = $3 AND offer_id = $4",
                &[Param::Bytes(&hash), Param::Int(now.millis()), publisher, offer],
            )
        })
        .await
    }

    /// Shows everybody this content, if it is still what is worked on: what was judged is what goes live.
    /// [`Change::Missing`] when somebody changed it meanwhile, or took the preview back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bring_listing_live(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        content: String,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.of_offer(publisher, offer, move |tx, publisher, offer| {
            tx.execute(
                "UPDATE listing SET state = 'live', live_content = content, changed_at = $1, live_at = $1
                 WHERE publisher_id = $2 AND offer_id = $3 AND content = $4 AND state <> 'draft'",
                &[Param::Int(now.millis()), publisher, offer, Param::Text(&content)],
            )
        })
        .await
    }

    /// Shows the listing to nobody any more; what was worked on stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw_listing(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.of_offer(publisher, offer, move |tx, publisher, offer| {
            tx.execute(
                "UPDATE listing SET state = 'draft', live_content = '', preview_hash = x'', changed_at = $1
                 WHERE publisher_id = $2 AND offer_id = $3",
                &[Param::Int(now.millis()), publisher, offer],
            )
        })
        .await
    }

    /// Does something to the listing of an offer that exists.
    async fn of_offer<F>(&self, publisher: PublisherId, offer: OfferId, body: F) -> Result<Change, StoreError>
    where
        F: Fn(&Tx<'_>, Param<'_>, Param<'_>) -> Result<usize, StoreError> + Send + 'static,
    {
        self.write_of(&publisher.clone(), move |tx| {
            let (publisher, offer) = (Param::Text(publisher.as_str()), Param::Text(offer.as_str()));
            let known = tx.find(
                "SELECT 1 FROM offer WHERE publisher_id = $1 AND offer_id = $2",
                &[publisher, offer],
                |_| Ok(()),
            )?;
            match known {
                None => Ok(Change::Missing),
                Some(()) => Ok(super::made_or(body(tx, publisher, offer)?, Change::Missing)),
            }
        })
        .await
    }
}

fn state(row: &Row<'_>, column: usize) -> Result<OfferState, StoreError> {
    OfferState::parse(row.text(column)?)
        .ok_or_else(|| StoreError::Wrong("no state of an offer is called so".to_owned()))
}

fn read_listing(row: &Row<'_>) -> Result<StoredListing, StoreError> {
    Ok(StoredListing {
        state: state(row, 0)?,
        content: row.text(1)?.to_owned(),
        live_content: row.text(2)?.to_owned(),
        preview_hash: row.bytes(3)?.to_owned(),
        changed_at: row.time(4)?,
        live_at: row.time_or_none(5)?,
    })
}
