//! Reads `Retry-After` in both of its forms (RFC 9110, 10.2.3).

use http::header::{HeaderMap, RETRY_AFTER};
use leadwire_core::limits::{RETRY_AFTER_LONGEST, RETRY_SHORTEST};
use leadwire_core::time::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

/// How long the destination asks to wait, brought between [`RETRY_SHORTEST`] and [`RETRY_AFTER_LONGEST`]; none when it
/// does not say or is not understood.
pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    parse(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        // Only a number too large for 64 bits fails, and it means a very long time.
        text.parse().map_or(RETRY_AFTER_LONGEST, Duration::from_secs)
    } else {
        let moment = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Timestamp::from_millis(i64::try_from(moment.as_millis()).ok()?).since(now)
    };
    Some(wait.clamp(RETRY_SHORTEST, RETRY_AFTER_LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1994-11-06 08:49:37 UTC, the moment of RFC 9110's examples.
    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    #[test]
    fn both_forms_are_read_and_bounded() {
        let day = 24 * 3600;
        for (text, seconds) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("0", Some(1)),
            ("86400", Some(day)),
            ("86401", Some(day)),
            ("99999999999999999999999999", Some(day)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(1)),
            ("Sun, 06 Nov 1988 08:49:37 GMT", Some(1)),
            ("Mon, 06 Nov 1995 08:49:37 GMT", Some(day)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("120, 240", None),
        ] {
            assert_eq!(parse(text, NOW), seconds.map(Duration::from_secs), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_bounded_wait_or_none(text in ".*", now: i64) {
            if let Some(wait) = parse(&text, Timestamp::from_millis(now)) {
                prop_assert!(wait >= RETRY_SHORTEST && wait <= RETRY_AFTER_LONGEST);
            }
        }

        #[test]
        fn any_date_gives_a_bounded_wait_or_none(text in "(Sun|Mon), [0-9]{2} (Nov|Feb) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", now: i64) {
            if let Some(wait) = parse(&text, Timestamp::from_millis(now)) {
                prop_assert!(wait >= RETRY_SHORTEST && wait <= RETRY_AFTER_LONGEST);
            }
        }
    }
}
