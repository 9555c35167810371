//! What is known of a destination without a lead, and how it is doing with the leads it has.

use super::{Said, Whose, say};
use crate::engine::{Param, Row, Tx};
use crate::lanes::LaneKey;
use crate::{Store, StoreError};
use leadwire_core::id::TouchpointId;
use leadwire_core::limits;
use leadwire_core::notice::{Failures, NoticeKind, ParkedTold};
use leadwire_core::time::Timestamp;

/// What is known of a destination without a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Which destination.
    pub lane: LaneKey,
    /// Whether it is not paused.
    pub is_open: bool,
    /// When a lead last arrived there; 1970 when none ever did.
    pub delivered_at: Timestamp,
    /// When it was last looked at; when it was added, if it never was.
    pub checked_at: Timestamp,
    /// Whether that look failed.
    pub is_failing: bool,
    /// The end of a credential that was warned of, and with how many days left.
    pub warned: Option<(Timestamp, u32)>,
    /// What was told of its parked deliveries.
    pub parked: ParkedTold,
}

/// How a destination is doing with the leads it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Which destination.
    pub lane: LaneKey,
    /// The tries since a lead last arrived, of the deliveries that are tried next.
    pub failures: Failures,
    /// Cause, message and fix of one of them.
    pub why: [String; 3],
    /// When a lead last arrived there, as of the same moment as the rest.
    pub delivered_at: Timestamp,
    /// Whether anything waits there.
    pub has_pending: bool,
    /// Parked deliveries, counted up to a bound.
    pub parked: u64,
    /// Since when it is told to be failing.
    pub failing_since: Option<Timestamp>,
}

impl Store {
    /// What is known of every destination that was not removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn watched(&self) -> Result<Vec<Watched>, StoreError> {
        self.read(|tx| {
            tx.query(
                "SELECT d.publisher_id, d.destination_no, l.delivered_at, COALESCE(w.checked_at, d.created_at),
                     COALESCE(w.is_failing, 0), COALESCE(w.warned_of, 0), COALESCE(w.warned_days, -1),
                     CASE WHEN l.state = 'open' THEN 1 ELSE 0 END, COALESCE(w.parked_mark, 0),
                     COALESCE(w.parked_seen, 0), COALESCE(w.parked_seen_at, 0)
                 FROM destination d
                 JOIN lane l ON l.publisher_id = d.publisher_id AND l.destination_no = d.destination_no
                 LEFT JOIN watch w ON w.publisher_id = d.publisher_id AND w.destination_no = d.destination_no
                 WHERE d.removed_at = 0
                 ORDER BY d.publisher_id, d.destination_no",
                &[],
                |row| {
                    let warned_of = row.time_or_none(5)?;
                    let days = u32::try_from(row.int(6)?).ok();
                    Ok(Watched {
                        lane: LaneKey { publisher: row.publisher(0)?, destination: row.destination(1)? },
                        is_open: row.int(7)? != 0,
                        delivered_at: row.time(2)?,
                        checked_at: row.time(3)?,
                        is_failing: row.int(4)? != 0,
                        warned: warned_of.zip(days),
                        parked: ParkedTold { mark: row.count(8)?, seen: row.count(9)?, seen_at: row.time(10)? },
                    })
                },
            )
        })
        .await
    }

    /// Writes down what was found of a destination, and what is to be said of it, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_watch(
        &self,
        found: Watched,
        said: Vec<Said>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_of(&found.lane.publisher.clone(), move |tx| {
            let (warned_of, warned_days) = found.warned.map_or((0, -1), |it| (it.0.millis(), i64::from(it.1)));
            tx.execute(
                "INSERT INTO watch (publisher_id, destination_no, checked_at, is_failing, warned_of, warned_days)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET checked_at = excluded.checked_at,
                     is_failing = excluded.is_failing, warned_of = excluded.warned_of,
                     warned_days = excluded.warned_days",
                &[
                    Param::Text(found.lane.publisher.as_str()),
                    Param::Int(found.lane.destination.get().into()),
                    Param::Int(found.checked_at.millis()),
                    Param::Int(found.is_failing.into()),
                    Param::Int(warned_of),
                    Param::Int(warned_days),
                ],
            )?;
            said.iter().try_for_each(|it| say(tx, &(&found.lane).into(), it, now))
        })
        .await
    }

    /// Writes down what is known of a destination's parked deliveries, and what is to be said of them, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_parked(
        &self,
        known: Watched,
        said: Option<Said>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_of(&known.lane.publisher.clone(), move |tx| {
            let small = |it: u64| Param::Int(i64::try_from(it).unwrap_or(i64::MAX));
            // What else is known of it stays; of a destination that was never looked at that is when it was added.
            tx.execute(
                "INSERT INTO watch (publisher_id, destination_no, checked_at, parked_mark, parked_seen, parked_seen_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET parked_mark = excluded.parked_mark,
                     parked_seen = excluded.parked_seen, parked_seen_at = excluded.parked_seen_at",
                &[
                    Param::Text(known.lane.publisher.as_str()),
                    Param::Int(known.lane.destination.get().into()),
                    Param::Int(known.checked_at.millis()),
                    small(known.parked.mark),
                    small(known.parked.seen),
                    Param::Int(known.parked.seen_at.millis()),
                ],
            )?;
            said.iter().try_for_each(|it| say(tx, &(&known.lane).into(), it, now))
        })
        .await
    }

    /// How some destinations are doing, in the order asked. Costs the same however many leads wait there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pulses(&self, watched: Vec<Watched>, now: Timestamp) -> Result<Vec<Pulse>, StoreError> {
        self.read(move |tx| watched.iter().map(|it| pulse(tx, it, now)).collect()).await
    }

    /// How many deliveries wait at a destination, counted up to a bound.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, lane: LaneKey) -> Result<u64, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| waiting(tx, &lane)).await
    }
}

/// How many deliveries wait at a destination, counted up to [`limits::WAITING_COUNTED_MAX`].
pub(crate) fn waiting(tx: &Tx<'_>, lane: &LaneKey) -> Result<u64, StoreError> {
    let found = tx.find(
        "SELECT COUNT(*) FROM (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2
             LIMIT $3) AS waiting",
        &[
            Param::Text(lane.publisher.as_str()),
            Param::Int(lane.destination.get().into()),
            bound(limits::WAITING_COUNTED_MAX),
        ],
        |row| row.count(0),
    )?;
    Ok(found.unwrap_or(0))
}

/// A delivery that failed and is tried again: cause, message and fix.
type Failed = (TouchpointId, [String; 3]);

/// Some deliveries that failed and wait for their next try; others that have no cause may be among them.
fn failed(tx: &Tx<'_>, lane: &LaneKey, now: Timestamp) -> Result<Vec<Failed>, StoreError> {
    let (publisher, destination) = Whose::params_of(lane);
    // What failed is due later, or under way again. What never failed and is due later, such as a collected message, has no
    // cause.
    let look = Param::Int(i64::try_from(limits::FAILING_LOOK).unwrap_or(i64::MAX));
    let evidence = |row: &Row<'_>| {
        let texts = [row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.text(3)?.to_owned()];
        Ok((row.touchpoint(0)?, texts))
    };
    let mut failed = tx.query(
        "SELECT touchpoint_id, cause, message, fix
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0 AND due_at > $3
         ORDER BY due_at, touchpoint_id
         LIMIT $4",
        &[publisher, destination, Param::Int(now.millis()), look],
        evidence,
    )?;
    failed.extend(tx.query(
        "SELECT touchpoint_id, cause, message, fix
         FROM delivery
         WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim > 0
         ORDER BY claim, due_at, touchpoint_id
         LIMIT $3",
        &[publisher, destination, look],
        evidence,
    )?);
    Ok(failed)
}

/// The tries of these since a lead last arrived, and the evidence of one.
fn tries(tx: &Tx<'_>, watched: &Watched, failed: Vec<Failed>) -> Result<(Failures, [String; 3]), StoreError> {
    let (publisher, destination) = Whose::params_of(&watched.lane);
    let mut failures = Failures::default();
    let mut why = <[String; 3]>::default();
    for (touchpoint, evidence) in failed.into_iter().filter(|it| !it.1[0].is_empty()) {
        let (tries, since) = tx
            .find(
                "SELECT COUNT(*), COALESCE(MIN(ended_at), 0)
                 FROM attempt
                 WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND ended_at > $4",
                &[
                    publisher,
                    Param::Text(&touchpoint.to_string()),
                    destination,
                    Param::Int(watched.delivered_at.millis()),
                ],
                |row| Ok((row.count::<u64>(0)?, row.time_or_none(1)?)),
            )?
            .unwrap_or_default();
        failures.tries += tries;
        failures.since = match (failures.since, since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if tries > 0 {
            why = evidence;
        }
    }
    Ok((failures, why))
}

fn pulse(tx: &Tx<'_>, watched: &Watched, now: Timestamp) -> Result<Pulse, StoreError> {
    let lane = &watched.lane;
    let (publisher, destination) = Whose::params_of(lane);
    let (failures, why) = tries(tx, watched, failed(tx, lane, now)?)?;
    let delivered_at = tx.find(
        "SELECT delivered_at FROM lane WHERE publisher_id = $1 AND destination_no = $2",
        &[publisher, destination],
        |row| row.time(0),
    )?;
    let has_pending = tx.find(
        "SELECT 1 FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 LIMIT 1",
        &[publisher, destination],
        |row| row.int(0),
    )?;
    let parked = tx.find(
        "SELECT COUNT(*) FROM (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'parked' AND publisher_id = $1 AND destination_no = $2
             LIMIT $3) AS parked",
        &[publisher, destination, bound(limits::PARKED_COUNTED_MAX)],
        |row| row.count(0),
    )?;
    let failing_since = tx.find(
        "SELECT at
         FROM notice
         WHERE publisher_id = $1 AND destination_no = $2 AND about = '' AND kind = $3 AND lasts = 1",
        &[publisher, destination, Param::Text(NoticeKind::Failing.as_str())],
        |row| row.time(0),
    )?;
    Ok(Pulse {
        lane: lane.clone(),
        failures,
        why,
        delivered_at: delivered_at.unwrap_or(watched.delivered_at),
        has_pending: has_pending.is_some(),
        parked: parked.unwrap_or(0),
        failing_since,
    })
}

fn bound(most: u64) -> Param<'static> {
    Param::Int(i64::try_from(most).unwrap_or(i64::MAX))
}
