//! Routes: which touchpoints go to which destination.

use super::{Change, StoredRoute, made_or};
use crate::engine::Param;
use crate::{Store, StoreError};
use leadwire_core::id::{OfferId, PublisherId, RouteId};

impl Store {
    /// Adds a route to a destination that exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_route(&self, it: StoredRoute) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let publisher = Param::Text(it.publisher.as_str());
            let number = Param::Int(it.destination.get().into());
            let offer = Param::Text(it.offer.as_ref().map_or("", OfferId::as_str));
            let known = tx.find(
                "SELECT 1 FROM destination
                 WHERE publisher_id = $1 AND destination_no = $2 AND removed_at = 0",
                &[publisher, number],
                |_| Ok(()),
            )?;
            if known.is_none() {
                return Ok(Change::Missing);
            }
            let taken = tx.find(
                "SELECT 1 FROM route WHERE publisher_id = $1 AND offer_id = $2 AND destination_no = $3",
                &[publisher, offer, number],
                |_| Ok(()),
            )?;
            if taken.is_some() {
                return Ok(Change::Taken);
            }
            tx.execute(
                "INSERT INTO route (publisher_id, route_id, offer_id, destination_no, created_at)
                 VALUES ($1, $2, $3, $4, $5)",
                &[
                    publisher,
                    Param::Text(&it.id.to_string()),
                    offer,
                    number,
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a route. What it routed before stays routed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_route(&self, publisher: PublisherId, route: RouteId) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let removed = tx.execute(
                "DELETE FROM route WHERE publisher_id = $1 AND route_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&route.to_string())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}
