//! Pages of deliveries: which ids a list shows, found through the index that fits what is asked for.

use crate::deliveries::DeliveryFilter;
use crate::engine::{Param, Row, Tx};
use crate::rows::DeliveryState;
use crate::{StoreError, members};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId};

/// The next page of deliveries, newest first.
///
/// With a lead the cost grows with the lead's touchpoints; with a state that is soon left, or seldom, with
/// the deliveries in it at most. Any other list walks from the newest and stops at the end of its page.
pub(crate) fn page(tx: &Tx<'_>, filter: &DeliveryFilter) -> Result<Vec<DeliveryId>, StoreError> {
    if let Some(lead) = filter.lead {
        return of_lead(tx, filter, lead);
    }
    let sql = match filter.state {
        Some(DeliveryState::Pending) => PENDING,
        Some(DeliveryState::Parked) => PARKED,
        Some(DeliveryState::Suppressed) => SUPPRESSED,
        Some(DeliveryState::Erased) => ERASED,
        Some(DeliveryState::Delivered) => return walk(tx, filter, DELIVERED),
        None => return walk(tx, filter, ANY),
    };
    let destinations = match filter.destination {
        Some(destination) => vec![destination],
        None => tx.query(
            "SELECT destination_no FROM destination WHERE publisher_id = $1",
            &[Param::Text(filter.publisher.as_str())],
            |row| row.destination(0),
        )?,
    };
    // Each destination's newest come off its own stretch of the index; the newest of all are among them.
    let mut ids = Vec::new();
    for destination in destinations {
        ids.extend(of_destination(tx, filter, sql, destination)?);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(filter.limit);
    Ok(ids)
}

// Sorted apart from being found, or SQLite walks the whole table in the order that is asked for.
const PENDING: &str = "WITH owed AS MATERIALIZED (
        SELECT touchpoint_id, destination_no
        FROM delivery
        WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2)
    SELECT touchpoint_id, destination_no
    FROM owed
    WHERE touchpoint_id <= $3
    ORDER BY touchpoint_id DESC
    LIMIT $4";
const PARKED: &str = "SELECT touchpoint_id, destination_no
    FROM delivery
    WHERE state = 'parked' AND publisher_id = $1 AND destination_no = $2 AND touchpoint_id <= $3
    ORDER BY touchpoint_id DESC
    LIMIT $4";
const SUPPRESSED: &str = "SELECT touchpoint_id, destination_no
    FROM delivery
    WHERE state IN ('suppressed', 'erased') AND state = 'suppressed' AND publisher_id = $1
        AND destination_no = $2 AND touchpoint_id <= $3
    ORDER BY touchpoint_id DESC
    LIMIT $4";
const ERASED: &str = "SELECT touchpoint_id, destination_no
    FROM delivery
    WHERE state IN ('suppressed', 'erased') AND state = 'erased' AND publisher_id = $1
        AND destination_no = $2 AND touchpoint_id <= $3
    ORDER BY touchpoint_id DESC
    LIMIT $4";

fn of_destination(
    tx: &Tx<'_>,
    filter: &DeliveryFilter,
    sql: &'static str,
    destination: DestinationNo,
) -> Result<Vec<DeliveryId>, StoreError> {
    let before = filter.before.map_or(LAST.to_owned(), |it| it.touchpoint.to_string());
    let page = tx.query(
        sql,
        &[
            Param::Text(filter.publisher.as_str()),
            Param::Int(destination.get().into()),
            Param::Text(&before),
            // One more, for the last of the page before may be among them.
            Param::Int(limit(filter).saturating_add(1)),
        ],
        read_id,
    )?;
    let mut page: Vec<DeliveryId> =
        page.into_iter().filter(|id| filter.before.is_none_or(|before| *id < before)).collect();
    page.truncate(filter.limit);
    Ok(page)
}

/// Of a lead and all that are one with it: each gives its newest, and the newest of all are among them.
fn of_lead(tx: &Tx<'_>, filter: &DeliveryFilter, lead: LeadId) -> Result<Vec<DeliveryId>, StoreError> {
    let Some(root) = members::root(tx, &filter.publisher, lead)? else { return Ok(Vec::new()) };
    let mut ids = Vec::new();
    for home in members::members(tx, &filter.publisher, root)? {
        ids.extend(of_home(tx, filter, home)?);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(filter.limit);
    Ok(ids)
}

fn of_home(tx: &Tx<'_>, filter: &DeliveryFilter, lead: LeadId) -> Result<Vec<DeliveryId>, StoreError> {
    let (before, before_no) = before(filter);
    tx.query(
        "WITH act AS MATERIALIZED (
             SELECT publisher_id, touchpoint_id
             FROM touchpoint
             WHERE publisher_id = $1 AND lead_id = $2 AND touchpoint_id <= $3)
         SELECT d.touchpoint_id, d.destination_no
         FROM act
         JOIN delivery d ON d.publisher_id = act.publisher_id AND d.touchpoint_id = act.touchpoint_id
         WHERE (d.touchpoint_id < $3 OR d.destination_no < $4)
             AND ($5 = 0 OR d.destination_no = $5)
             AND ($6 = '' OR d.state = $6)
         ORDER BY d.touchpoint_id DESC, d.destination_no DESC
         LIMIT $7",
        &[
            Param::Text(filter.publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Text(&before),
            Param::Int(before_no),
            Param::Int(filter.destination.map_or(0, DestinationNo::get).into()),
            Param::Text(filter.state.map_or("", DeliveryState::as_str)),
            Param::Int(limit(filter)),
        ],
        read_id,
    )
}

const ANY: &str = "SELECT touchpoint_id, destination_no
    FROM delivery
    WHERE publisher_id = $1 AND touchpoint_id <= $2 AND (touchpoint_id < $2 OR destination_no < $3)
        AND ($4 = 0 OR destination_no = $4)
    ORDER BY touchpoint_id DESC, destination_no DESC
    LIMIT $5";
const DELIVERED: &str = "SELECT touchpoint_id, destination_no
    FROM delivery
    WHERE publisher_id = $1 AND touchpoint_id <= $2 AND (touchpoint_id < $2 OR destination_no < $3)
        AND ($4 = 0 OR destination_no = $4) AND state = 'delivered'
    ORDER BY touchpoint_id DESC, destination_no DESC
    LIMIT $5";

fn walk(tx: &Tx<'_>, filter: &DeliveryFilter, sql: &'static str) -> Result<Vec<DeliveryId>, StoreError> {
    let (before, before_no) = before(filter);
    tx.query(
        sql,
        &[
            Param::Text(filter.publisher.as_str()),
            Param::Text(&before),
            Param::Int(before_no),
            Param::Int(filter.destination.map_or(0, DestinationNo::get).into()),
            Param::Int(limit(filter)),
        ],
        read_id,
    )
}

/// Sorts after every touchpoint id.
const LAST: &str = "tp_~";

fn before(filter: &DeliveryFilter) -> (String, i64) {
    filter.before.map_or((LAST.to_owned(), 0), |it| (it.touchpoint.to_string(), it.destination.get().into()))
}

fn limit(filter: &DeliveryFilter) -> i64 {
    i64::try_from(filter.limit).unwrap_or(i64::MAX)
}

fn read_id(row: &Row<'_>) -> Result<DeliveryId, StoreError> {
    Ok(DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? })
}
