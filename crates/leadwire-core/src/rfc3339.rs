//! Points in time as RFC 3339 text, such as `2026-11-20T10:00:00Z`.

use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z: RFC 3339 writes years 0000 to 9999 only.
const FIRST_MS: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const LAST_MS: i64 = 253_402_300_799_999;

/// Reads a date and time with an offset. Digits below a millisecond are dropped.
///
/// A space or a lower-case letter in the place of `T` and `Z` is read too (RFC 3339, 5.6). Second 60 counts as the
/// last millisecond of its minute, because milliseconds since 1970 have no leap seconds. `None` when the text
/// has another shape, names a day that does not exist, or lies outside the years 0000 to 9999 UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let mut rest = Digits { rest: bytes };
    let year = rest.number(4)?;
    rest.one_of(b"-")?;
    let month = rest.number(2)?;
    rest.one_of(b"-")?;
    let day = rest.number(2)?;
    rest.one_of(b"Tt ")?;
    let hour = rest.number(2)?;
    rest.one_of(b":")?;
    let minute = rest.number(2)?;
    rest.one_of(b":")?;
    let second = rest.number(2)?;
    let fraction = if rest.one_of(b".").is_some() { rest.milliseconds()? } else { 0 };
    let offset = rest.offset_minutes()?;
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !rest.rest.is_empty() || !in_range || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (second, fraction) = if second == 60 { (59, 999) } else { (second, fraction) };
    let of_day = ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
    let millis = days_from_civil(year, month, day) * DAY_MS + of_day;
    (FIRST_MS..=LAST_MS).contains(&millis).then_some(Timestamp::from_millis(millis))
}

/// Writes a moment in UTC, with milliseconds only when there are any.
///
/// A moment outside the years 0000 to 9999 is written as the nearest one inside: the format has no more digits.
pub fn format(moment: Timestamp) -> String {
    let millis = moment.millis().clamp(FIRST_MS, LAST_MS);
    let (year, month, day) = civil_from_days(millis.div_euclid(DAY_MS));
    let of_day = millis.rem_euclid(DAY_MS);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let date_time = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    match of_day % 1000 {
        0 => format!("{date_time}Z"),
        fraction => format!("{date_time}.{fraction:03}Z"),
    }
}

/// What is left of the text.
struct Digits<'a> {
    rest: &'a [u8],
}

impl Digits<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        if !allowed.contains(first) {
            return None;
        }
        self.rest = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").map(|digit| i64::from(digit - b'0'))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |sum, _| Some(sum * 10 + self.digit()?))
    }

    fn milliseconds(&mut self) -> Option<i64> {
        let mut value = self.digit()? * 100;
        let mut place = 10;
        while let Some(digit) = self.digit() {
            value += digit * place;
            place /= 10;
        }
        Some(value)
    }

    fn offset_minutes(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.number(2)?;
        self.one_of(b":")?;
        let minutes = self.number(2)?;
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, by the algorithm of Howard Hinnant ("chrono-Compatible Low-Level Date Algorithms"):
/// the year starts in March, so that the leap day is its last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day of a day counted from 1970-01-01: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, millis: Option<i64>) {
        assert_eq!(parse(text).map(Timestamp::millis), millis, "{text}");
    }

    #[test]
    fn offsets_and_fractions_are_applied() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-20T10:00:00Z", Some(1_795_168_800_000));
        check("2026-11-20T11:00:00+01:00", Some(1_795_168_800_000));
        check("2026-11-20t04:30:00.5-05:30", Some(1_795_168_800_500));
        check("2026-11-20 10:00:00.1234567z", Some(1_795_168_800_123));
        check("1969-12-31T23:59:59.999Z", Some(-1));
    }

    #[test]
    fn a_leap_second_is_the_last_millisecond_of_its_minute() {
        check("2016-12-31T23:59:60Z", parse("2016-12-31T23:59:59.999Z").map(Timestamp::millis));
        check("2016-12-31T23:59:61Z", None);
    }

    #[test]
    fn only_days_that_exist_are_read() {
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000));
        for bad in [
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T10:00:00",
            "2026-11-20T10:00:00.Z",
            "2026-11-20T10:00:00+0100",
            "2026-11-20T10:00:00Z ",
            "2026-11-20",
            "0000-01-01T00:00:00+00:01",
            "",
            "２026-11-20T10:00:00Z",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in FIRST_MS..=LAST_MS) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(parse(&format(moment)), Some(moment));
        }

        #[test]
        fn any_moment_has_a_text(millis: i64) {
            prop_assert!(parse(&format(Timestamp::from_millis(millis))).is_some());
        }

        #[test]
        fn no_text_is_too_strange_to_refuse(text: String) {
            let _moment = parse(&text);
        }
    }
}
