//! Daily statements: what came on a day and where it went, counted once and kept.

use crate::engine::{Param, Row, Tx};
use crate::postgres::scope::Scope;
use crate::rows::{Channel, DeliveryState};
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId, QuarantineId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::BTreeMap;

/// A statement as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub publisher: String,
    /// The day in UTC, as `2026-11-20`.
    pub day: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it says, as JSON.
    pub body: String,
    /// The mark of the installation.
    pub mark: Vec<u8>,
}

/// What came in a stretch of time, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Touchpoints by the name of their channel.
    pub by_channel: BTreeMap<&'static str, u64>,
    /// Of these, tests and previews.
    pub tests: u64,
    /// Of these, those that no route took.
    pub unrouted: u64,
    /// Of these, those whose person was erased since.
    pub erased: u64,
    /// Their deliveries by destination and state.
    pub places: BTreeMap<(DestinationNo, DeliveryState), u64>,
}

impl Store {
    /// Adds the next touchpoints of a stretch to what came, those behind `after` and up to `last`. The last one of them is
    /// given while there may be more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn came(
        &self,
        publisher: PublisherId,
        (after, last): (TouchpointId, TouchpointId),
        mut so_far: Came,
    ) -> Result<(Came, Option<TouchpointId>), StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let next = add(tx, &publisher, (after, last), &mut so_far)?;
            Ok((so_far, next))
        })
        .await
    }

    /// Bodies that came in a stretch of time and could not be read, and repetitions recognised so far, in all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_apart(
        &self,
        publisher: PublisherId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(u64, u64), StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let publisher = Param::Text(publisher.as_str());
            let [from, to] =
                [from, to].map(|it| QuarantineId::new(TouchpointId::first_at(it).bits()).to_string());
            let quarantined = tx.find(
                "SELECT COUNT(*) FROM quarantine
                 WHERE publisher_id = $1 AND quarantine_id >= $2 AND quarantine_id < $3",
                &[publisher, Param::Text(&from), Param::Text(&to)],
                |row| row.count(0),
            )?;
            let duplicates = tx.find(
                "SELECT value FROM counter WHERE publisher_id = $1 AND name = 'duplicates'",
                &[publisher],
                |row| row.count(0),
            )?;
            Ok((quarantined.unwrap_or(0), duplicates.unwrap_or(0)))
        })
        .await
    }

    /// Keeps a statement. A day has one, and the first one stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_statement(&self, it: Statement) -> Result<(), StoreError> {
        self.write_in(Scope::of(&it.publisher), move |tx| {
            tx.execute(
                "INSERT INTO statement (publisher_id, day, made_at, body, mark) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
                &[
                    Param::Text(&it.publisher),
                    Param::Text(&it.day),
                    Param::Int(it.made_at.millis()),
                    Param::Text(&it.body),
                    Param::Bytes(&it.mark),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// A publisher's statements, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn statements(
        &self,
        publisher: PublisherId,
        before: Option<String>,
        limit: usize,
    ) -> Result<Vec<Statement>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT publisher_id, day, made_at, body, mark
                 FROM statement
                 WHERE publisher_id = $1 AND day < $2
                 ORDER BY day DESC
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(before.as_deref().unwrap_or("~")),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read_statement,
            )
        })
        .await
    }
}

/// The next statements of a publisher, oldest first.
pub(crate) fn after(
    tx: &Tx<'_>,
    publisher: &str,
    day: &str,
    limit: usize,
) -> Result<Vec<Statement>, StoreError> {
    tx.query(
        "SELECT publisher_id, day, made_at, body, mark
         FROM statement
         WHERE publisher_id = $1 AND day > $2
         ORDER BY day
         LIMIT $3",
        &[Param::Text(publisher), Param::Text(day), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))],
        read_statement,
    )
}

fn add(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (after, last): (TouchpointId, TouchpointId),
    so_far: &mut Came,
) -> Result<Option<TouchpointId>, StoreError> {
    let (publisher, after, last) = (Param::Text(publisher.as_str()), after.to_string(), last.to_string());
    let found = tx.query(
        "SELECT touchpoint_id, channel, test, routed, erased_at
         FROM touchpoint
         WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
         ORDER BY touchpoint_id
         LIMIT $4",
        &[
            publisher,
            Param::Text(&after),
            Param::Text(&last),
            Param::Int(i64::try_from(limits::REPORT_STEP).unwrap_or(i64::MAX)),
        ],
        |row| {
            let channel = Channel::parse(row.text(1)?)?;
            Ok((row.touchpoint(0)?, channel, row.int(2)? != 0, row.int(3)? != 0, row.int(4)? != 0))
        },
    )?;
    for (_, channel, is_test, is_routed, is_erased) in &found {
        *so_far.by_channel.entry(channel.as_str()).or_default() += 1;
        so_far.tests += u64::from(*is_test);
        so_far.unrouted += u64::from(!is_routed);
        so_far.erased += u64::from(*is_erased);
    }
    let Some((end, ..)) = found.last() else { return Ok(None) };
    for (destination, state, count) in tx.query(
        "SELECT destination_no, state, COUNT(*)
         FROM delivery
         WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
         GROUP BY destination_no, state",
        &[publisher, Param::Text(&after), Param::Text(&end.to_string())],
        |row| Ok((row.destination(0)?, row.delivery_state(1)?, row.count::<u64>(2)?)),
    )? {
        *so_far.places.entry((destination, state)).or_default() += count;
    }
    Ok((found.len() == limits::REPORT_STEP).then_some(*end))
}

fn read_statement(row: &Row<'_>) -> Result<Statement, StoreError> {
    Ok(Statement {
        publisher: row.text(0)?.to_owned(),
        day: row.text(1)?.to_owned(),
        made_at: row.time(2)?,
        body: row.text(3)?.to_owned(),
        mark: row.bytes(4)?.to_owned(),
    })
}
