//! The zone in which somebody reads and writes times: that of their browser, or UTC.
//!
//! What the API takes and gives is always UTC; days and hours are turned where a page shows or reads them.

use super::entry;
use axum::http::HeaderMap;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use leadwire_core::limits;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;

/// The cookie in which the script says where the browser is.
const ZONE_COOKIE: &str = "leadwire_zone";

/// A zone of the IANA database, which the program carries.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// A zone by its name, such as `Europe/Budapest`; none for what is no name of one.
    pub(super) fn find(name: &str) -> Option<Self> {
        let is_plain = name.len() <= limits::ZONE_BYTES_MAX
            && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'/' | b'_' | b'-' | b'+'));
        let rules = Some(name).filter(|_| is_plain).and_then(|it| TimeZone::get(it).ok())?;
        Some(Self { name: rules.iana_name()?.to_owned(), rules })
    }

    /// Where a browser says it is, if it is not at UTC.
    pub(super) fn of_browser(headers: &HeaderMap) -> Option<Self> {
        let found = entry::cookie(headers, ZONE_COOKIE).and_then(Self::find);
        found.filter(|it| !matches!(it.name.as_str(), "UTC" | "Etc/UTC"))
    }

    /// As people write it.
    pub(super) fn title(&self) -> String {
        self.name.replace('_', " ")
    }

    /// Its city, where there is little room.
    pub(super) fn city(&self) -> String {
        let title = self.title();
        title.rsplit('/').next().unwrap_or(&title).to_owned()
    }

    /// What a clock on the wall shows at a moment; none outside of the years 0 to 9999.
    pub(super) fn at(&self, moment: Timestamp) -> Option<DateTime> {
        let moment = jiff::Timestamp::from_millisecond(moment.millis()).ok()?;
        Some(self.rules.to_datetime(moment)).filter(|it| it.year() >= 0)
    }

    /// The day of a moment, as a form writes it; empty where there is none.
    pub(super) fn day(&self, moment: Timestamp) -> String {
        self.at(moment).map(|it| it.date().to_string()).unwrap_or_default()
    }

    /// A moment as a form writes it, to the minute; empty where there is none.
    pub(super) fn minute(&self, moment: Timestamp) -> String {
        self.at(moment).map(|it| it.strftime("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
    }

    /// The beginning of a day that a form names, for the API; anything else as it is, for the API to refuse. A day in UTC the API
    /// reads by itself.
    pub(super) fn begin_of(&self, day: &str) -> String {
        if self.rules == TimeZone::UTC {
            return day.to_owned();
        }
        self.told(day_of(day).map(|it| it.at(0, 0, 0, 0)), day)
    }

    /// The end of a day that a form names, in the same way.
    pub(super) fn end_of(&self, day: &str) -> String {
        let next = day_of(day).and_then(|it| it.tomorrow().ok());
        self.told(next.map(|it| it.at(0, 0, 0, 0)), day)
    }

    /// A moment that a form names by day and minute, or second, in the same way.
    pub(super) fn moment(&self, typed: &str) -> String {
        let is_one = matches!(typed.len(), 16 | 19) && typed.as_bytes()[10] == b'T';
        self.told(Some(typed).filter(|_| is_one).and_then(|it| it.parse().ok()), typed)
    }

    /// What clocks skip in spring is taken for the time after it, and what they show twice in autumn for the first.
    fn told(&self, wall: Option<DateTime>, typed: &str) -> String {
        let moment = wall.and_then(|it| self.rules.to_timestamp(it).ok());
        let moment = moment.map(|it| rfc3339::format(Timestamp::from_millis(it.as_millisecond())));
        moment.unwrap_or_else(|| typed.to_owned())
    }
}

/// A day as forms write it, and no other way that a library knows.
fn day_of(text: &str) -> Option<Date> {
    let is_one = text.len() == 10
        && text.bytes().enumerate().all(|(at, it)| match at {
            4 | 7 => it == b'-',
            _ => it.is_ascii_digit(),
        });
    Some(text).filter(|_| is_one).and_then(|it| it.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budapest() -> Zone {
        Zone::find("Europe/Budapest").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        rfc3339::parse(text).unwrap()
    }

    #[test]
    fn a_moment_is_told_as_the_clock_on_the_wall_shows_it() {
        assert_eq!(budapest().minute(at("2026-07-01T22:30:00Z")), "2026-07-02T00:30", "summer");
        assert_eq!(budapest().minute(at("2026-01-01T22:30:00Z")), "2026-01-01T23:30", "winter");
        assert_eq!(Zone::utc().minute(at("2026-01-01T22:30:59Z")), "2026-01-01T22:30");
        assert_eq!(budapest().day(at("2026-12-31T23:00:00Z")), "2027-01-01");
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_of_its_zone_however_long_it_is() {
        let all = |day: &str| [budapest().begin_of(day), budapest().end_of(day)];
        assert_eq!(all("2026-11-20"), ["2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"]);
        assert_eq!(all("2026-03-29"), ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"], "of 23 hours");
        assert_eq!(all("2026-10-25"), ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"], "of 25 hours");
        let cairo = Zone::find("Africa/Cairo").unwrap();
        assert_eq!(cairo.begin_of("2026-04-24"), "2026-04-23T22:00:00Z", "a midnight that is skipped");
    }

    #[test]
    fn a_moment_that_a_form_names_is_one_of_its_zone() {
        assert_eq!(budapest().moment("2026-11-20T10:00"), "2026-11-20T09:00:00Z");
        assert_eq!(budapest().moment("2026-11-20T10:00:30"), "2026-11-20T09:00:30Z");
        assert_eq!(budapest().moment("2026-03-29T02:30"), "2026-03-29T01:30:00Z", "skipped");
        assert_eq!(budapest().moment("2026-10-25T02:30"), "2026-10-25T00:30:00Z", "there twice");
        assert_eq!(Zone::utc().moment("2026-11-20T10:00"), "2026-11-20T10:00:00Z");
    }

    #[test]
    fn what_is_no_day_or_moment_stays_as_it_is() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "20261120",
            "2026-11-20T10:00:00Z",
            "９９９９-11-20",
            "9999-12-31",
        ] {
            let (begin, end) = (budapest().begin_of(text), budapest().end_of(text));
            assert!(end == text && (begin == text || text == "9999-12-31"), "{text}: {begin} {end}");
            assert_eq!(budapest().moment(text), text);
        }
        assert_eq!(budapest().moment("2026-11-20 10:00"), "2026-11-20 10:00");
    }

    #[test]
    fn only_names_of_zones_are_found() {
        for wrong in ["", "Mars/Olympus", "../../etc/passwd", "Europe/Budapest\n", &"A".repeat(1000)] {
            assert!(Zone::find(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Zone::find("europe/budapest").unwrap().name, "Europe/Budapest");
        let far = Zone::find("America/Argentina/Buenos_Aires").unwrap();
        assert_eq!(
            (far.title(), far.city()),
            ("America/Argentina/Buenos Aires".to_owned(), "Buenos Aires".to_owned())
        );
    }
}
