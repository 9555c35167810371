//! Reading deliveries with their attempts, and putting parked or waiting ones back to work.

use crate::engine::{Param, Row};
use crate::leads::{StoredTouchpoint, find_touchpoint};
use crate::rows::DeliveryState;
use crate::{Store, StoreError};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId};
use leadwire_core::time::Timestamp;

/// The duty to bring one touchpoint to one destination, and how it stands.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which touchpoint, and where to.
    pub id: DeliveryId,
    /// Whose it is.
    pub lead: LeadId,
    /// How it stands.
    pub state: DeliveryState,
    /// When it is due, while pending.
    pub due_at: Timestamp,
    /// Whether it is being tried now.
    pub in_flight: bool,
    /// Tries so far, one under way included.
    pub attempts: u32,
    /// Stable name of what went wrong last; empty when nothing did.
    pub cause: String,
    /// The same in words.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The destination's record, when it named one.
    pub record: Option<String>,
    /// When it came to rest.
    pub ended_at: Option<Timestamp>,
}

/// A try that came to an end.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What came of it: `done`, `retry`, `unknown`, `operator`, `stop`, `refused` or `interrupted`.
    pub outcome: String,
    /// Evidence as JSON.
    pub evidence: String,
}

/// Which deliveries to list, or to put back to work.
#[derive(Clone, Debug)]
pub struct DeliveryFilter {
    /// Whose.
    pub publisher: PublisherId,
    /// Only those to this destination.
    pub destination: Option<DestinationNo>,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of this lead.
    pub lead: Option<LeadId>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub limit: usize,
}

const COLUMNS_FROM: &str = "SELECT touchpoint_id, destination_no, lead_id, state, due_at, claim, attempts, cause,
         message, fix, record, ended_at
     FROM delivery
     WHERE publisher_id = $1
         AND (touchpoint_id < $2 OR (touchpoint_id = $2 AND destination_no < $3))
         AND ($4 = 0 OR destination_no = $4)
         AND ($5 = '' OR state = $5)
         AND ($6 = '' OR lead_id = $6)
     ORDER BY touchpoint_id DESC, destination_no DESC
     LIMIT $7";

impl Store {
    /// Lists deliveries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |tx| {
            let before = filter.before.map_or("tp_~".to_owned(), |it| it.touchpoint.to_string());
            let before_no = filter.before.map_or(0, |it| it.destination.get());
            let lead = filter.lead.map(|it| it.to_string()).unwrap_or_default();
            tx.query(
                COLUMNS_FROM,
                &[
                    Param::Text(filter.publisher.as_str()),
                    Param::Text(&before),
                    Param::Int(before_no.into()),
                    Param::Int(filter.destination.map_or(0, DestinationNo::get).into()),
                    Param::Text(filter.state.map_or("", DeliveryState::as_str)),
                    Param::Text(&lead),
                    Param::Int(i64::try_from(filter.limit).unwrap_or(i64::MAX)),
                ],
                read_delivery,
            )
        })
        .await
    }

    /// A delivery with its touchpoint and its attempts, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(
        &self,
        publisher: PublisherId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, StoredTouchpoint, Vec<Attempt>)>, StoreError> {
        self.read(move |tx| {
            let touchpoint_id = id.touchpoint.to_string();
            let key = [
                Param::Text(publisher.as_str()),
                Param::Text(&touchpoint_id),
                Param::Int(id.destination.get().into()),
            ];
            let delivery = tx.find(
                "SELECT touchpoint_id, destination_no, lead_id, state, due_at, claim, attempts, cause, message, fix,
                     record, ended_at
                 FROM delivery
                 WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
                &key,
                read_delivery,
            )?;
            let Some(delivery) = delivery else { return Ok(None) };
            let touchpoint = find_touchpoint(tx, &publisher, id.touchpoint)?
                .ok_or_else(|| StoreError::Wrong(format!("{id} has no touchpoint")))?;
            let attempts = tx.query(
                "SELECT number, ended_at, outcome, evidence
                 FROM attempt
                 WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3
                 ORDER BY number",
                &key,
                |row| {
                    Ok(Attempt {
                        number: row.count(0)?,
                        ended_at: row.time(1)?,
                        outcome: row.text(2)?.to_owned(),
                        evidence: row.text(3)?.to_owned(),
                    })
                },
            )?;
            Ok(Some((delivery, touchpoint, attempts)))
        })
        .await
    }

    /// Makes one parked or waiting delivery due now. False when it is neither, or being tried.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_delivery(
        &self,
        publisher: PublisherId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let changed = tx.execute(
                "UPDATE delivery SET state = 'pending', due_at = $1, ended_at = 0
                 WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4 AND claim = 0
                     AND state IN ('pending', 'parked')",
                &[
                    Param::Int(now.millis()),
                    Param::Text(publisher.as_str()),
                    Param::Text(&id.touchpoint.to_string()),
                    Param::Int(id.destination.get().into()),
                ],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    /// Makes up to `limit` parked deliveries of a destination due now, oldest first, and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_parked(
        &self,
        publisher: PublisherId,
        destination: DestinationNo,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(move |tx| {
            tx.execute(
                "UPDATE delivery SET state = 'pending', due_at = $1, ended_at = 0
                 WHERE publisher_id = $2 AND destination_no = $3 AND touchpoint_id IN (
                     SELECT touchpoint_id
                     FROM delivery
                     WHERE state = 'parked' AND publisher_id = $2 AND destination_no = $3
                     ORDER BY touchpoint_id
                     LIMIT $4)",
                &[
                    Param::Int(now.millis()),
                    Param::Text(publisher.as_str()),
                    Param::Int(destination.get().into()),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
            )
        })
        .await
    }
}

fn read_delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? },
        lead: row.lead(2)?,
        state: row.delivery_state(3)?,
        due_at: row.time(4)?,
        in_flight: row.int(5)? != 0,
        attempts: row.count(6)?,
        cause: row.text(7)?.to_owned(),
        message: row.text(8)?.to_owned(),
        fix: row.text(9)?.to_owned(),
        record: row.text_or_none(10)?,
        ended_at: row.time_or_none(11)?,
    })
}
