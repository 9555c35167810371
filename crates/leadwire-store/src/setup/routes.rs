//! Routes: which touchpoints go to which destination, in an order.

use super::{Change, StoredRoute, made_or};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
use crate::{Store, StoreError, follow_ups};
use leadwire_core::id::{DestinationNo, PublisherId, RouteId};
use leadwire_core::limits;
use leadwire_core::routing::Offers;

/// What to change of a route; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct RouteChange {
    /// Which offers it takes.
    pub offers: Option<Offers>,
    /// Which touchpoints of them; the empty text is all.
    pub filter: Option<String>,
    /// Where to.
    pub destination: Option<DestinationNo>,
    /// Whether later routes are not looked at.
    pub stop: Option<bool>,
    /// Its place among the publisher's routes, from 1; a greater one than there are is the last.
    pub position: Option<usize>,
}

impl Store {
    /// Adds a route to a destination that exists, as the last; otherwise as [`Store::add_route_at`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_route(&self, it: StoredRoute) -> Result<Change, StoreError> {
        self.add_route_at(it, usize::MAX).await
    }

    /// Adds a route to a destination that exists, at this place from 1. [`Change::Full`] when there are
    /// [`limits::ROUTES_MAX`] already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_route_at(&self, it: StoredRoute, position: usize) -> Result<Change, StoreError> {
        self.change(Scope::of(it.publisher.as_str()), move |tx| {
            let order = in_order(tx, &it.publisher)?;
            if order.len() >= limits::ROUTES_MAX {
                return Ok(Change::Full);
            }
            if !has_destination(tx, &it)? {
                return Ok(Change::Missing);
            }
            if follow_ups::serves(tx, &it.publisher, it.destination)? {
                return Ok(Change::InUse);
            }
            if is_taken(tx, &it)? {
                return Ok(Change::Taken);
            }
            let (offers, id) = (stored(&it.offers), it.id.to_string());
            tx.execute(
                "INSERT INTO route (publisher_id, route_id, offer_id, destination_no, filter, stop, position,
                     created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    Param::Text(it.publisher.as_str()),
                    Param::Text(&id),
                    Param::Text(&offers),
                    Param::Int(it.destination.get().into()),
                    Param::Text(&it.filter),
                    Param::Int(it.stop.into()),
                    Param::Int(i64::MAX),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            renumber(tx, &it.publisher, &placed(order, it.id, position))?;
            Ok(Change::Made)
        })
        .await
    }

    /// Changes a route. What it routed before stays routed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_route(
        &self,
        publisher: PublisherId,
        id: RouteId,
        change: RouteChange,
    ) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let found = tx.find(
                "SELECT publisher_id, route_id, offer_id, destination_no, filter, stop, created_at FROM route
                 WHERE publisher_id = $1 AND route_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
                super::read_route,
            )?;
            let Some(old) = found else { return Ok(Change::Missing) };
            let new = StoredRoute {
                offers: change.offers.clone().unwrap_or(old.offers),
                filter: change.filter.clone().unwrap_or(old.filter),
                destination: change.destination.unwrap_or(old.destination),
                stop: change.stop.unwrap_or(old.stop),
                ..old
            };
            if !has_destination(tx, &new)? {
                return Ok(Change::Missing);
            }
            if follow_ups::serves(tx, &new.publisher, new.destination)? {
                return Ok(Change::InUse);
            }
            if is_taken(tx, &new)? {
                return Ok(Change::Taken);
            }
            let offers = stored(&new.offers);
            tx.execute(
                "UPDATE route SET offer_id = $1, destination_no = $2, filter = $3, stop = $4
                 WHERE publisher_id = $5 AND route_id = $6",
                &[
                    Param::Text(&offers),
                    Param::Int(new.destination.get().into()),
                    Param::Text(&new.filter),
                    Param::Int(new.stop.into()),
                    Param::Text(publisher.as_str()),
                    Param::Text(&id.to_string()),
                ],
            )?;
            if let Some(position) = change.position {
                let order = in_order(tx, &publisher)?;
                renumber(tx, &publisher, &placed(order, id, position))?;
            }
            Ok(Change::Made)
        })
        .await
    }

    /// Puts a publisher's routes into this order. [`Change::Missing`], and nothing is changed, unless these are all of
    /// them, each once: somebody added or removed one meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_routes(
        &self,
        publisher: PublisherId,
        order: Vec<RouteId>,
    ) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let mut known = in_order(tx, &publisher)?;
            let mut given = order.clone();
            known.sort_unstable();
            given.sort_unstable();
            if known != given {
                return Ok(Change::Missing);
            }
            renumber(tx, &publisher, &order)?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a route. What it routed before stays routed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_route(&self, publisher: PublisherId, route: RouteId) -> Result<Change, StoreError> {
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let removed = tx.execute(
                "DELETE FROM route WHERE publisher_id = $1 AND route_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&route.to_string())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }
}

/// How a pattern is written in the store: all offers as the empty text, others as people write them.
fn stored(offers: &Offers) -> String {
    match offers {
        Offers::All => String::new(),
        Offers::One(_) | Offers::StartingWith(_) => offers.to_string(),
    }
}

fn has_destination(tx: &Tx<'_>, it: &StoredRoute) -> Result<bool, StoreError> {
    let known = tx.find(
        "SELECT 1 FROM destination WHERE publisher_id = $1 AND destination_no = $2 AND removed_at = 0",
        &[Param::Text(it.publisher.as_str()), Param::Int(it.destination.get().into())],
        |_| Ok(()),
    )?;
    Ok(known.is_some())
}

/// Whether another route says the same.
fn is_taken(tx: &Tx<'_>, it: &StoredRoute) -> Result<bool, StoreError> {
    let taken = tx.find(
        "SELECT 1 FROM route
         WHERE publisher_id = $1 AND offer_id = $2 AND destination_no = $3 AND filter = $4 AND route_id <> $5",
        &[
            Param::Text(it.publisher.as_str()),
            Param::Text(&stored(&it.offers)),
            Param::Int(it.destination.get().into()),
            Param::Text(&it.filter),
            Param::Text(&it.id.to_string()),
        ],
        |_| Ok(()),
    )?;
    Ok(taken.is_some())
}

fn in_order(tx: &Tx<'_>, publisher: &PublisherId) -> Result<Vec<RouteId>, StoreError> {
    tx.query(
        "SELECT route_id FROM route WHERE publisher_id = $1 ORDER BY position, route_id",
        &[Param::Text(publisher.as_str())],
        |row| RouteId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string())),
    )
}

/// The order with one route at that place, from 1.
fn placed(mut order: Vec<RouteId>, id: RouteId, position: usize) -> Vec<RouteId> {
    order.retain(|it| *it != id);
    order.insert(position.saturating_sub(1).min(order.len()), id);
    order
}

fn renumber(tx: &Tx<'_>, publisher: &PublisherId, order: &[RouteId]) -> Result<(), StoreError> {
    for (position, id) in (1i64..).zip(order) {
        tx.execute(
            "UPDATE route SET position = $1 WHERE publisher_id = $2 AND route_id = $3 AND position <> $1",
            &[Param::Int(position), Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
        )?;
    }
    Ok(())
}
