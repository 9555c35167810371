//! Reads how much of the day's API calls the org has used, and says when leads should wait.

use super::errors::DAY_HOLD;
use crate::call_budget::DAY;
use http::HeaderMap;
use leadwire_core::budget::Told;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use std::sync::Mutex;

/// The response header (REST API Developer Guide, "Limit Info Header").
const HEADER: &str = "sforce-limit-info";

/// Calls of the last 24 hours, of all integrations together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) used: u64,
    pub(super) allowed: u64,
}

impl Usage {
    /// Reads `api-usage=10018/100000`, which may be followed by the usage of a single app.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let entry = text.split([';', ',']).find_map(|it| it.trim().strip_prefix("api-usage="))?;
        let (used, allowed) = entry.split_once('/')?;
        let allowed = allowed.trim().parse().ok().filter(|it| *it > 0)?;
        Some(Self { used: used.trim().parse().ok()?, allowed })
    }

    /// Whether more than this share is used.
    pub(super) fn is_above(self, percent: u64) -> bool {
        u128::from(self.used) * 100 > u128::from(self.allowed) * u128::from(percent)
    }
}

/// What an answer says of the org's day.
pub(super) fn told(headers: &HeaderMap) -> Vec<Told> {
    let clipped = |it: u64| u32::try_from(it).unwrap_or(u32::MAX);
    let told = |it: Usage| Told { length: DAY, limit: clipped(it.allowed), used: clipped(it.used) };
    Usage::read(headers).map(told).into_iter().collect()
}

/// The latest reading. In memory only: the first answer after a restart brings it back.
pub(super) struct Gauge {
    percent: u64,
    latest: Mutex<Option<(Usage, Timestamp)>>,
}

/// What the gauge says before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Go on.
    Free,
    /// Too much was used when it was last read, and that was just now.
    Held(Usage),
    /// Too much was used when it was last read, long ago: read again before anything is written.
    Stale,
}

impl Gauge {
    pub(super) fn new(percent: u64) -> Self {
        Self { percent, latest: Mutex::new(None) }
    }

    /// Notes what an answer says, and tells whether leads should wait.
    pub(super) fn note(&self, headers: &HeaderMap, now: Timestamp) -> Option<Usage> {
        let usage = Usage::read(headers)?;
        *self.latest() = Some((usage, now));
        usage.is_above(self.percent).then_some(usage)
    }

    pub(super) fn reading(&self, now: Timestamp) -> Reading {
        match *self.latest() {
            Some((usage, at)) if usage.is_above(self.percent) => {
                if now.since(at) < DAY_HOLD {
                    Reading::Held(usage)
                } else {
                    Reading::Stale
                }
            }
            Some(_) | None => Reading::Free,
        }
    }

    /// What becomes of leads while too much is used.
    pub(super) fn hold(&self, usage: Usage) -> Tried {
        Tried {
            outcome: Outcome::NotDone(Fault::HoldLane(Some(DAY_HOLD))),
            evidence: Evidence {
                cause: "api_share_used_up".to_owned(),
                message: format!(
                    "the org has used {} of its {} API calls of the last 24 hours, more than the {} % the settings allow before leads wait",
                    usage.used, usage.allowed, self.percent
                ),
                fix: "find the integration that uses so many (Setup, System Overview), or raise `api_share_percent`"
                    .to_owned(),
                ..Evidence::default()
            },
        }
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Option<(Usage, Timestamp)>> {
        // A reading is written in one piece, so it is whole even after a panic elsewhere.
        self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::time::Duration;

    fn headers(text: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static(text));
        headers
    }

    #[test]
    fn the_header_is_read_in_its_documented_forms() {
        for (text, expected) in [
            ("api-usage=10018/100000", Some((10_018, 100_000))),
            ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", Some((25, 5000))),
            ("per-app-api-usage=17/250(appName=sample); api-usage=25/5000", Some((25, 5000))),
            ("api-usage=1/0", None),
            ("api-usage=one/2", None),
            ("", None),
        ] {
            let read = Usage::read(&headers(text));
            assert_eq!(read, expected.map(|(used, allowed)| Usage { used, allowed }), "{text}");
        }
    }

    #[test]
    fn leads_wait_above_the_share_and_the_reading_grows_old() {
        let gauge = Gauge::new(80);
        let now = Timestamp::from_millis(0);
        assert_eq!(gauge.note(&headers("api-usage=80/100"), now), None);
        assert_eq!(gauge.reading(now), Reading::Free);
        let usage = gauge.note(&headers("api-usage=81/100"), now).unwrap();
        assert_eq!(gauge.reading(now), Reading::Held(usage));
        assert!(gauge.hold(usage).evidence.message.contains("81 of its 100"));
        let later = now.plus(DAY_HOLD + Duration::from_millis(1));
        assert_eq!(gauge.reading(later), Reading::Stale);
        assert_eq!(gauge.note(&headers("api-usage=10/100"), later), None);
        assert_eq!(gauge.reading(later), Reading::Free);
    }
}
