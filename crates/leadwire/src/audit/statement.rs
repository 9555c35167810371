//! Making daily statements: what came on a day in UTC and where it went, signed and kept.

use super::{Auditor, PlacesOfDay, StatementOfDay};
use leadwire_core::hex;
use leadwire_core::id::{PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::StoreError;
use leadwire_store::rows::DeliveryState;
use leadwire_store::statements::{Came, Statement};
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Auditor {
    /// Makes the statements that are due: of every day that is over, from the one behind the last statement.
    pub(super) async fn make_statements(&self, now: Timestamp) -> Result<(), StoreError> {
        // A little later than midnight, so that what came last is where it goes.
        let today = beginning(Timestamp::from_millis(
            now.millis() - i64::try_from(limits::STATEMENT_AFTER.as_millis()).unwrap_or(0),
        ));
        for publisher in &self.directory.now().setup.publishers {
            let last = self.store.statements(publisher.id.clone(), None, 1).await?.pop();
            let next = match &last {
                Some(last) => read_day(&last.day).map_or(today, |it| it.plus(DAY)),
                None => beginning(publisher.created_at),
            };
            // After a long stop the oldest of the days that are not told are not told any more.
            let days = i64::try_from((DAY * limits::STATEMENT_DAYS_BACK).as_millis()).unwrap_or(i64::MAX);
            let mut day = next.max(Timestamp::from_millis(today.millis() - days));
            while day < today {
                self.make_statement(&publisher.id, day).await?;
                day = day.plus(DAY);
            }
        }
        Ok(())
    }

    async fn make_statement(&self, publisher: &PublisherId, day: Timestamp) -> Result<(), StoreError> {
        let (store, end) = (&self.store, day.plus(DAY));
        let (mut came, mut after) = (Came::default(), Some(TouchpointId::first_at(day).before()));
        while let Some(at) = after {
            let stretch = (at, TouchpointId::first_at(end).before());
            (came, after) = store.came(publisher.clone(), stretch, came).await?;
        }
        let (quarantined, duplicates_in_all) = store.kept_apart(publisher.clone(), (day, end)).await?;
        let before = store.statements(publisher.clone(), Some(write_day(day)), 1).await?.pop();
        let before: Option<StatementOfDay> = before.and_then(|it| serde_json::from_str(&it.body).ok());
        let head = store.audit(publisher.to_string(), None, 1).await?.pop();
        let made_at = self.clock.steady();
        let said = StatementOfDay {
            publisher: publisher.to_string(),
            day: write_day(day),
            made_at: rfc3339::format(made_at),
            touchpoints: came.by_channel.values().sum(),
            tests: came.tests,
            unrouted: came.unrouted,
            erased: came.erased,
            channels: came.by_channel.iter().map(|it| ((*it.0).to_owned(), *it.1)).collect(),
            destinations: self.places(publisher, &came),
            quarantined,
            // One that was restored from a backup may know fewer than the statement before.
            duplicates: duplicates_in_all.saturating_sub(before.map_or(0, |it| it.duplicates_in_all)),
            duplicates_in_all,
            audit_number: head.as_ref().map_or(0, |it| it.entry.number),
            audit_hash: head.map_or_else(String::new, |it| hex::encode(&it.hash)),
        };
        let mut made = Statement {
            publisher: publisher.to_string(),
            day: write_day(day),
            made_at,
            body: serde_json::to_string(&said).expect("our own words are JSON"),
            mark: Vec::new(),
        };
        made.mark = super::stamp_statement(self.directory.vault(), &made);
        store.keep_statement(made).await
    }

    fn places(&self, publisher: &PublisherId, came: &Came) -> Vec<PlacesOfDay> {
        let setup = self.directory.now();
        let mut places: BTreeMap<u32, PlacesOfDay> = BTreeMap::new();
        for ((destination, state), count) in &came.places {
            let place = places.entry(destination.get()).or_default();
            place.number = destination.get();
            place.accepted += count;
            *match state {
                DeliveryState::Pending => &mut place.pending,
                DeliveryState::Delivered => &mut place.delivered,
                DeliveryState::Parked => &mut place.parked,
                DeliveryState::Suppressed => &mut place.suppressed,
                DeliveryState::Erased => &mut place.erased,
            } += count;
        }
        for it in setup.setup.destinations.iter().filter(|it| it.publisher == *publisher) {
            if let Some(place) = places.get_mut(&it.number.get()) {
                place.name.clone_from(&it.name);
            }
        }
        places.into_values().collect()
    }
}

/// The beginning of a moment's day in UTC.
pub(super) fn beginning(at: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_millis()).expect("a day of milliseconds");
    Timestamp::from_millis(at.millis().div_euclid(day) * day)
}

/// A day as it is written: `2026-11-20`.
pub(super) fn write_day(day: Timestamp) -> String {
    rfc3339::format(day).chars().take(10).collect()
}

/// Reads a day.
pub fn read_day(text: &str) -> Option<Timestamp> {
    (text.len() == 10).then(|| rfc3339::parse(&format!("{text}T00:00:00Z"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc_and_reads_back() {
        let at = rfc3339::parse("2026-11-20T23:59:59.999Z").expect("a moment");
        assert_eq!(write_day(beginning(at)), "2026-11-20");
        assert_eq!(read_day("2026-11-20"), Some(beginning(at)));
        assert_eq!(write_day(beginning(at.plus(Duration::from_millis(1)))), "2026-11-21");
        assert_eq!(read_day("2026-11-2"), None);
    }
}
