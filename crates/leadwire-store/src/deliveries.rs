//! Reading deliveries with their attempts, and putting parked or waiting ones back to work.

use crate::engine::{Param, Row, Tx};
use crate::lanes::{LaneKey, in_doubt_until, place_now};
use crate::leads::{StoredTouchpoint, find_touchpoint};
use crate::pages::page;
use crate::postgres::scope::Scope;
use crate::rows::DeliveryState;
use crate::{Store, StoreError};
use leadwire_core::id::{DeliveryId, DestinationNo, FollowUpId, LeadId, PublisherId};
use leadwire_core::time::Timestamp;

/// The duty to bring one touchpoint to one destination, and how it stands.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which touchpoint, and where to.
    pub id: DeliveryId,
    /// Whose it is.
    pub lead: LeadId,
    /// The lead under which the destination knows it, when that was merged while it was under way.
    pub known_as: Option<LeadId>,
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
    /// What is said in place of bringing the lead.
    pub follow_up: Option<FollowUpId>,
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

/// A try of some delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// To which destination.
    pub destination: DestinationNo,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What came of it, by its stable name.
    pub outcome: String,
}

/// The cause of a delivery that a marketplace's rule keeps from the publisher.
pub const WITHHELD: &str = "withheld";

/// Which parked deliveries of a destination.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Only those of this cause.
    pub cause: Option<String>,
    /// Only those parked up to this moment: whoever asks again for the rest does not meet those that came back.
    pub until: Option<Timestamp>,
}

/// Who asks that a delivery be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// The publisher, or nobody in particular.
    Publisher,
    /// The operator, who may release what the marketplace's rules withhold.
    Operator,
}

impl Store {
    /// Lists deliveries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read_of(&filter.publisher.clone(), move |tx| {
            page(tx, &filter)?
                .into_iter()
                .map(|id| find(tx, &filter.publisher, id)?.ok_or_else(|| wrong(id, "is not there")))
                .collect()
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
        self.read_of(&publisher.clone(), move |tx| {
            let Some(delivery) = find(tx, &publisher, id)? else { return Ok(None) };
            let touchpoint = find_touchpoint(tx, &publisher, id.touchpoint)?
                .ok_or_else(|| wrong(id, "has no touchpoint"))?;
            let attempts = tx.query(
                "SELECT number, ended_at, outcome, evidence
                 FROM attempt
                 WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3
                 ORDER BY number",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&id.touchpoint.to_string()),
                    Param::Int(id.destination.get().into()),
                ],
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

    /// Tries of a publisher's newest touchpoints: to which destination, when each ended, and what came of it. As many as
    /// `limit` means that there may be more, which may have ended later than these.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_tries(&self, publisher: PublisherId, limit: usize) -> Result<Vec<Try>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT destination_no, ended_at, outcome
                 FROM attempt
                 WHERE publisher_id = $1
                 ORDER BY touchpoint_id DESC, destination_no DESC, number DESC
                 LIMIT $2",
                &[Param::Text(publisher.as_str()), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))],
                |row| {
                    Ok(Try {
                        destination: row.destination(0)?,
                        ended_at: row.time(1)?,
                        outcome: row.text(2)?.to_owned(),
                    })
                },
            )
        })
        .await
    }

    /// Makes one parked or waiting delivery due now, or one that was held back as long as its customer wanted no contact.
    /// False when it is none of these, or being tried.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_delivery(
        &self,
        publisher: PublisherId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.retry_then(publisher, id, (AskedBy::Publisher, now), |_| {}).await
    }

    /// As [`Store::retry_delivery`], as somebody asks it. `after` runs once it is on disk, whether or not the caller still
    /// waits: whoever hangs up must not leave work lying that no lane knows of. It runs on the writer's thread, so it must
    /// be short.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_then<A>(
        &self,
        publisher: PublisherId,
        id: DeliveryId,
        by: (AskedBy, Timestamp),
        after: A,
    ) -> Result<bool, StoreError>
    where
        A: FnOnce(&bool) + Send + 'static,
    {
        let scope = Scope::of(publisher.as_str());
        let body = move |tx: &Tx<'_>| {
            Ok(has_lane(tx, &publisher, id.destination)? && retry(tx, &publisher, id, by)?)
        };
        self.write_then(scope, body, after).await
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
        let lane = LaneKey { publisher, destination };
        self.retry_group(lane, Parked { cause: None, until: None }, (limit, now), |_| {}).await
    }

    /// Makes up to `limit` of these parked deliveries of a destination due now, oldest first, and says how many. `after` is
    /// that of [`Store::retry_then`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_group<A>(
        &self,
        LaneKey { publisher, destination }: LaneKey,
        which: Parked,
        (limit, now): (usize, Timestamp),
        after: A,
    ) -> Result<usize, StoreError>
    where
        A: FnOnce(&usize) + Send + 'static,
    {
        let scope = Scope::of(publisher.as_str());
        let body = move |tx: &Tx<'_>| {
            if !has_lane(tx, &publisher, destination)? {
                return Ok(0);
            }
            let parked = tx.query(
                "SELECT touchpoint_id
                 FROM delivery
                 WHERE state = 'parked' AND publisher_id = $1 AND destination_no = $2 AND ended_at <= $3
                     AND ($4 = '' OR cause = $4)
                 ORDER BY touchpoint_id
                 LIMIT $5",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Int(destination.get().into()),
                    Param::Int(which.until.map_or(i64::MAX, Timestamp::millis)),
                    Param::Text(which.cause.as_deref().unwrap_or("")),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                |row| row.touchpoint(0),
            )?;
            let (mut retried, by) = (0, (AskedBy::Publisher, now));
            for touchpoint in parked {
                retried += usize::from(retry(tx, &publisher, DeliveryId { touchpoint, destination }, by)?);
            }
            Ok(retried)
        };
        self.write_then(scope, body, after).await
    }

    /// How many deliveries of a publisher are pending: nothing is left to be done when it is zero and no lane is
    /// paused. Counted from an index of pending deliveries, so its cost does not grow with what is done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished(&self, publisher: PublisherId) -> Result<u64, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT COUNT(*) FROM delivery WHERE state = 'pending' AND publisher_id = $1",
                &[Param::Text(publisher.as_str())],
                |row| row.count(0),
            )?;
            Ok(found.unwrap_or(0))
        })
        .await
    }
}

/// Whether a destination is there to be delivered to: one that was removed has nobody who would try.
pub(crate) fn has_lane(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM destination WHERE publisher_id = $1 AND destination_no = $2 AND removed_at = 0",
        &[Param::Text(publisher.as_str()), Param::Int(destination.get().into())],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Makes a parked or waiting delivery due now, one that was held back as long as its customer wanted no contact, or one that
/// was withheld and the operator releases. False when it is none of these, or being tried.
pub(crate) fn retry(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: DeliveryId,
    (by, now): (AskedBy, Timestamp),
) -> Result<bool, StoreError> {
    let touchpoint = id.touchpoint.to_string();
    let key =
        [Param::Text(publisher.as_str()), Param::Text(&touchpoint), Param::Int(id.destination.get().into())];
    let found = tx.find(
        "SELECT d.state, d.claim, d.lead_id,
             CASE WHEN l.do_not_contact = 0 AND d.cause = 'do_not_contact' AND t.action <> 'DNC' THEN 1 ELSE 0 END,
             d.cause, l.do_not_contact,
             CASE WHEN l.erased_by = d.touchpoint_id AND d.attempts = 0 THEN 1 ELSE 0 END, d.attempts
         FROM delivery d
         JOIN touchpoint t ON t.publisher_id = d.publisher_id AND t.touchpoint_id = d.touchpoint_id
         JOIN lead l ON l.publisher_id = d.publisher_id AND l.lead_id = d.lead_id
         WHERE d.publisher_id = $1 AND d.touchpoint_id = $2 AND d.destination_no = $3",
        &key,
        |row| {
            let is_released = by == AskedBy::Operator && row.text(4)? == WITHHELD && row.int(5)? == 0;
            let may_go = row.int(3)? != 0 || is_released;
            Ok((row.delivery_state(0)?, row.int(1)?, row.lead(2)?, may_go, (row.int(6)? != 0, row.int(7)?)))
        },
    )?;
    let again = |lead| place_now(tx, (publisher, id.destination), lead, id.touchpoint, now);
    let (claim, due_at) = match found {
        Some((DeliveryState::Parked, _, lead, ..)) => again(lead)?,
        // Held back because the customer asked not to be contacted, who permitted it since; or withheld, and released.
        Some((DeliveryState::Suppressed, _, lead, true, _)) => again(lead)?,
        // A deletion that was not tried yet may wait for a request on the wire, and so may what is new of the lead.
        Some((DeliveryState::Pending, claim, lead, _, (false, 0))) if claim <= 0 => {
            (claim, in_doubt_until(tx, publisher, id.destination, lead)?.unwrap_or(now).max(now))
        }
        Some((DeliveryState::Pending, claim, _, _, (false, _))) if claim <= 0 => (claim, now),
        Some(_) | None => return Ok(false),
    };
    let changed = tx.execute(
        "UPDATE delivery SET state = 'pending', due_at = $1, claim = $2, ended_at = 0
         WHERE publisher_id = $3 AND touchpoint_id = $4 AND destination_no = $5",
        &[Param::Int(due_at.millis()), Param::Int(claim), key[0], key[1], key[2]],
    )?;
    Ok(changed > 0)
}

fn wrong(id: DeliveryId, what: &str) -> StoreError {
    StoreError::Wrong(format!("{id} {what}"))
}

fn find(tx: &Tx<'_>, publisher: &PublisherId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    tx.find(
        "SELECT touchpoint_id, destination_no, lead_id, state, due_at, claim, attempts, cause, message, fix,
             record, ended_at, follow_up_id, known_as
         FROM delivery
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&id.touchpoint.to_string()),
            Param::Int(id.destination.get().into()),
        ],
        read_delivery,
    )
}

fn read_delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? },
        lead: row.lead(2)?,
        known_as: if row.text(13)?.is_empty() { None } else { Some(row.lead(13)?) },
        state: row.delivery_state(3)?,
        due_at: row.time(4)?,
        // What was erased on the wire keeps its claim until its end is known.
        in_flight: row.delivery_state(3)? == DeliveryState::Pending && row.int(5)? > 0,
        attempts: row.count(6)?,
        cause: row.text(7)?.to_owned(),
        message: row.text(8)?.to_owned(),
        fix: row.text(9)?.to_owned(),
        record: row.text_or_none(10)?,
        ended_at: row.time_or_none(11)?,
        follow_up: row.follow_up_or_none(12)?,
    })
}
