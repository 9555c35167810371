//! In which hours touchpoints of an offer came: what silence is told by. Counted step by step behind intake.

use crate::engine::{Param, Tx};
use crate::rows::Channel;
use crate::{Store, StoreError};
use leadwire_core::id::{OfferId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::silence::hour_of;
use std::collections::{BTreeMap, BTreeSet};

/// What one step of counting has to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalsStep {
    publisher: PublisherId,
    from: TouchpointId,
    to: TouchpointId,
    hours: BTreeSet<(String, String, i64)>,
    /// Whether there may be more behind it.
    pub has_more: bool,
}

/// When touchpoints of an offer came by one channel: hours, in order.
pub type Came = BTreeMap<String, Vec<i64>>;

impl Store {
    /// Looks at the next touchpoints up to `until`; the first time from `first` on. None: there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn arrivals_page(
        &self,
        publisher: PublisherId,
        (first, until): (TouchpointId, TouchpointId),
    ) -> Result<Option<ArrivalsStep>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| page(tx, publisher, first, until)).await
    }

    /// Writes down a step. A crash leaves all of it done or none, and a step that somebody else made changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_arrivals(&self, step: ArrivalsStep) -> Result<(), StoreError> {
        self.write_of(&step.publisher.clone(), move |tx| write(tx, &step)).await
    }

    /// When touchpoints of an offer came, by channel.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn arrivals(&self, publisher: PublisherId, offer: OfferId) -> Result<Came, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let rows = tx.query(
                "SELECT channel, hour FROM arrival WHERE publisher_id = $1 AND offer_id = $2 ORDER BY channel, hour",
                &[Param::Text(publisher.as_str()), Param::Text(offer.as_str())],
                |row| Ok((row.text(0)?.to_owned(), row.int(1)?)),
            )?;
            let mut came = Came::new();
            rows.into_iter().for_each(|(channel, hour)| came.entry(channel).or_default().push(hour));
            Ok(came)
        })
        .await
    }

    /// Forgets the hours before one. Without any there is no commit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_arrivals(&self, publisher: PublisherId, before: i64) -> Result<(), StoreError> {
        let whose = publisher.clone();
        let is_any = self.read_of(&publisher, move |tx| {
            tx.find(
                "SELECT 1 FROM arrival WHERE publisher_id = $1 AND hour < $2 LIMIT 1",
                &[Param::Text(whose.as_str()), Param::Int(before)],
                |row| row.int(0),
            )
        });
        if is_any.await?.is_none() {
            return Ok(());
        }
        self.write_of(&publisher.clone(), move |tx| {
            tx.execute(
                "DELETE FROM arrival WHERE publisher_id = $1 AND hour < $2",
                &[Param::Text(publisher.as_str()), Param::Int(before)],
            )
            .map(|_| ())
        })
        .await
    }
}

fn cursor(tx: &Tx<'_>, publisher: &PublisherId) -> Result<Option<TouchpointId>, StoreError> {
    tx.find(
        "SELECT done_to FROM arrivals_counted WHERE publisher_id = $1",
        &[Param::Text(publisher.as_str())],
        |row| row.touchpoint(0),
    )
}

fn page(
    tx: &Tx<'_>,
    publisher: PublisherId,
    first: TouchpointId,
    until: TouchpointId,
) -> Result<Option<ArrivalsStep>, StoreError> {
    let from = cursor(tx, &publisher)?.unwrap_or(first);
    let page = tx.query(
        "SELECT touchpoint_id, offer_id, channel, test
         FROM touchpoint
         WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
         ORDER BY touchpoint_id
         LIMIT $4",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&from.to_string()),
            Param::Text(&until.to_string()),
            Param::Int(i64::try_from(limits::ARRIVALS_STEP).unwrap_or(i64::MAX)),
        ],
        |row| Ok((row.touchpoint(0)?, row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.int(3)? != 0)),
    )?;
    let Some(last) = page.last() else { return Ok(None) };
    let (to, has_more) = (last.0, page.len() == limits::ARRIVALS_STEP);
    // A file holds what came long ago, and a person is no sender.
    let by_hand = [Channel::File.as_str(), Channel::Person.as_str()];
    let counted = page.into_iter().filter(|it| !it.3 && !it.1.is_empty() && !by_hand.contains(&&*it.2));
    let hours = counted.map(|it| (it.1, it.2, hour_of(it.0.minted_at()))).collect();
    Ok(Some(ArrivalsStep { publisher, from, to, hours, has_more }))
}

fn write(tx: &Tx<'_>, step: &ArrivalsStep) -> Result<(), StoreError> {
    let publisher = Param::Text(step.publisher.as_str());
    if cursor(tx, &step.publisher)?.is_some_and(|it| it != step.from) {
        return Ok(());
    }
    for (offer, channel, hour) in &step.hours {
        tx.execute(
            "INSERT INTO arrival (publisher_id, offer_id, channel, hour)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            &[publisher, Param::Text(offer), Param::Text(channel), Param::Int(*hour)],
        )?;
    }
    tx.execute(
        "INSERT INTO arrivals_counted (publisher_id, done_to)
         VALUES ($1, $2)
         ON CONFLICT (publisher_id) DO UPDATE SET done_to = excluded.done_to",
        &[publisher, Param::Text(&step.to.to_string())],
    )
    .map(|_| ())
}
