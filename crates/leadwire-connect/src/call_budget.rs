//! What each kind of system allows of calls, and the headers in which some say how much of that is used.

use crate::destination_settings::DestinationSettings;
use aws_lc_rs::digest;
use http::HeaderMap;
use leadwire_core::budget::{Budget, Cost, Told, Window};
use leadwire_core::id::DestinationNo;
use std::time::Duration;
use url::Url;

/// Length of a day's window.
pub const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);
/// The share of an account's calls that is left to its other users unless settings say otherwise, in percent: whatever else
/// uses the account must go on while leads are brought.
pub const KEPT_PERCENT: u8 = 20;

/// Reads what a service says of its limits.
pub type ReadTold = fn(&HeaderMap) -> Vec<Told>;

/// What a connector knows of the calls its system allows.
#[derive(Clone, Debug)]
pub struct CallBudget {
    /// What destinations of the same account share, such as its host; none: each destination counts alone.
    pub account: Option<String>,
    /// What is allowed; none of them: the system names no limit.
    pub windows: Vec<Window>,
    /// Of a batch.
    pub cost: Cost,
    /// How answers are read.
    pub told: ReadTold,
}

impl Default for CallBudget {
    /// No limits, and up to two calls for each delivery beside those for a token.
    fn default() -> Self {
        let cost = Cost { fixed: 2, each: 2, spare: 0 };
        Self { account: None, windows: Vec::new(), cost, told: |_| Vec::new() }
    }
}

/// A window that others use too.
pub(crate) fn shared(calls: Option<u32>, length: Duration) -> Window {
    Window { calls, length, kept_percent: KEPT_PERCENT, is_set: false }
}

/// An account that is known by where it is.
pub(crate) fn account_at(kind: &str, url: &Url) -> Option<String> {
    let port = url.port().map(|it| format!(":{it}")).unwrap_or_default();
    Some(format!("{kind}:{}{port}", url.host_str()?))
}

/// An account that is known by its key alone: a hash of it, which tells nothing of a key that nobody can guess.
pub(crate) fn account_of(kind: &str, key: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, key);
    format!("{kind}:{}", leadwire_core::hex::encode(&hash.as_ref()[..8]))
}

/// The budget of a destination: what its connector knows, and what its settings say. None: its calls are not counted.
pub fn budget(own: CallBudget, settings: &DestinationSettings, number: DestinationNo) -> Option<Budget> {
    let mut windows = own.windows;
    for (calls, length) in [(settings.calls_per_minute, MINUTE), (settings.calls_per_day, DAY)] {
        let Some(calls) = calls else { continue };
        let known = windows.iter().position(|it| it.length == length).map(|it| windows.remove(it));
        // Who enters a number for an account of their own means all of it.
        let kept_percent = known.map_or(0, |it| it.kept_percent);
        windows.push(Window { calls: Some(calls), length, kept_percent, is_set: true });
    }
    if windows.is_empty() {
        return None;
    }
    windows.sort_by_key(|it| it.length);
    if let Some(percent) = settings.calls_kept_percent {
        windows.iter_mut().for_each(|it| it.kept_percent = percent);
    }
    let account = own.account.unwrap_or_else(|| format!("destination:{number}"));
    Some(Budget { account, windows, cost: own.cost })
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A limit and what is left of it, in two headers.
pub(crate) fn told(headers: &HeaderMap, length: Duration, (limit, left): (&str, &str)) -> Option<Told> {
    let limit = number(headers, limit).filter(|it| *it > 0)?;
    Some(Told { length, limit, used: limit.saturating_sub(number(headers, left)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Settings;
    use serde_json::json;

    fn settings(value: serde_json::Value) -> DestinationSettings {
        let settings: Settings = serde_json::from_value(value).unwrap();
        DestinationSettings::read(&settings)
    }

    #[test]
    fn a_destination_without_a_limit_has_no_budget() {
        let none = budget(CallBudget::default(), &settings(json!({})), DestinationNo::new(1));
        assert_eq!(none, None);
        let percent = json!({ "calls_kept_percent": 50 });
        assert_eq!(budget(CallBudget::default(), &settings(percent), DestinationNo::new(1)), None);
    }

    #[test]
    fn a_number_of_the_settings_takes_the_place_of_the_kinds() {
        let own = || CallBudget {
            account: Some("marketo:example".to_owned()),
            windows: vec![shared(Some(100), Duration::from_secs(20)), shared(Some(50_000), DAY)],
            ..CallBudget::default()
        };
        let of = |value| budget(own(), &settings(value), DestinationNo::new(1)).unwrap();
        let plain = of(json!({}));
        assert_eq!((plain.account.as_str(), plain.windows.len()), ("marketo:example", 2));
        let set = of(json!({ "calls_per_day": 10_000, "calls_per_minute": 30 }));
        let seen: Vec<_> = set.windows.iter().map(|it| (it.calls, it.kept_percent, it.is_set)).collect();
        assert_eq!(seen, [(Some(100), 20, false), (Some(30), 0, true), (Some(10_000), 20, true)]);
        let kept = of(json!({ "calls_kept_percent": 0 }));
        assert!(kept.windows.iter().all(|it| it.kept_percent == 0));
        let alone =
            budget(CallBudget::default(), &settings(json!({ "calls_per_day": 9 })), DestinationNo::new(4));
        assert_eq!(alone.unwrap().account, "destination:4");
    }

    #[test]
    fn an_account_known_by_its_key_does_not_tell_it() {
        let account = account_of("hubspot", b"pat-na1-secret");
        assert!(account.starts_with("hubspot:") && account.len() == 8 + 16 && !account.contains("secret"));
        assert_ne!(account, account_of("hubspot", b"pat-na1-other"));
    }

    #[test]
    fn a_limit_is_read_only_when_it_makes_sense() {
        let read = |limit: &'static str, left: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("limit", http::HeaderValue::from_static(limit));
            headers.insert("left", http::HeaderValue::from_static(left));
            told(&headers, DAY, ("limit", "left")).map(|it| (it.limit, it.used))
        };
        assert_eq!(read("100", "30"), Some((100, 70)));
        assert_eq!(read("100", "300"), Some((100, 0)));
        assert_eq!((read("0", "0"), read("x", "1"), read("5", "-1")), (None, None, None));
    }
}
