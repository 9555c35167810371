//! Listing the touchpoints that need a look at the routes: those that none took, and those whose filters had trouble.

use crate::engine::Param;
use crate::leads::{StoredTouchpoint, read_touchpoint};
use crate::{Store, StoreError};
use leadwire_core::id::{OfferId, PublisherId, TouchpointId};

/// Which touchpoints to list.
#[derive(Clone, Debug)]
pub struct TouchpointFilter {
    /// Whose.
    pub publisher: PublisherId,
    /// Why they need a look.
    pub routing: Routing,
    /// Only those of this offer.
    pub offer: Option<OfferId>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<TouchpointId>,
    /// At most so many.
    pub limit: usize,
}

/// How the routing of a touchpoint went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// No route took it.
    Unrouted,
    /// Some filter could not be told of it.
    Troubled,
}

const UNROUTED: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND routed = 0 AND touchpoint_id < $2 AND ($3 = '' OR offer_id = $3)
     ORDER BY touchpoint_id DESC LIMIT $4";
const TROUBLED: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND routing_trouble <> '' AND touchpoint_id < $2 AND ($3 = '' OR offer_id = $3)
     ORDER BY touchpoint_id DESC LIMIT $4";

impl Store {
    /// Lists touchpoints by how their routing went, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touchpoints_by_routing(
        &self,
        filter: TouchpointFilter,
    ) -> Result<Vec<StoredTouchpoint>, StoreError> {
        self.read_of(&filter.publisher.clone(), move |tx| {
            let sql = match filter.routing {
                Routing::Unrouted => UNROUTED,
                Routing::Troubled => TROUBLED,
            };
            tx.query(
                sql,
                &[
                    Param::Text(filter.publisher.as_str()),
                    Param::Text(&filter.before.map_or("tp_~".to_owned(), |it| it.to_string())),
                    Param::Text(filter.offer.as_ref().map_or("", OfferId::as_str)),
                    Param::Int(i64::try_from(filter.limit).unwrap_or(i64::MAX)),
                ],
                read_touchpoint,
            )
        })
        .await
    }
}
