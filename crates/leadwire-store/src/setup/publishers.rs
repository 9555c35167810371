//! Publishers and what they list.

use super::{Change, Offer, Publisher, made_or};
use crate::engine::Param;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{OfferId, PublisherId};
use leadwire_core::time::Timestamp;

impl Store {
    /// Adds a publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_publisher(&self, it: Publisher) -> Result<Change, StoreError> {
        self.change(Scope::of(it.id.as_str()), move |tx| {
            let added = tx.execute(
                "INSERT INTO publisher (publisher_id, title, created_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                &[Param::Text(it.id.as_str()), Param::Text(&it.title), Param::Int(it.created_at.millis())],
            )?;
            Ok(made_or(added, Change::Taken))
        })
        .await
    }

    /// Adds an offer, or gives it a new title.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_offer(&self, it: Offer) -> Result<Change, StoreError> {
        self.change(Scope::of(it.publisher.as_str()), move |tx| {
            tx.execute(
                "INSERT INTO offer (publisher_id, offer_id, title, created_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (publisher_id, offer_id) DO UPDATE SET title = excluded.title",
                &[
                    Param::Text(it.publisher.as_str()),
                    Param::Text(it.id.as_str()),
                    Param::Text(&it.title),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes an offer with its listing, its routes and its intake addresses. What was received for it stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_offer(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let publisher = Param::Text(publisher.as_str());
            let offer = Param::Text(offer.as_str());
            let removed = tx.execute(
                "DELETE FROM offer WHERE publisher_id = $1 AND offer_id = $2",
                &[publisher, offer],
            )?;
            if removed == 0 {
                return Ok(Change::Missing);
            }
            tx.execute("DELETE FROM route WHERE publisher_id = $1 AND offer_id = $2", &[publisher, offer])?;
            tx.execute("DELETE FROM listing WHERE publisher_id = $1 AND offer_id = $2", &[publisher, offer])?;
            tx.execute(
                "UPDATE intake_token SET revoked_at = $1
                 WHERE publisher_id = $2 AND offer_id = $3 AND revoked_at = 0",
                &[Param::Int(now.millis()), publisher, offer],
            )?;
            Ok(Change::Made)
        })
        .await
    }
}
