//! Settings every destination has, whatever its kind: the program reads them, connectors mostly do not.

use crate::descriptor::{Field, FieldShape, Settings, Values};
use leadwire_core::limits::{
    CALLS_KEPT_PERCENT_MAX, CALLS_PER_DAY_MAX, CALLS_PER_MINUTE_MAX, IN_FLIGHT, IN_FLIGHT_MAX, REQUEST_WAIT,
    REQUEST_WAIT_MAX,
};
use leadwire_core::routing::DoNotContact;
use std::time::Duration;

/// Descriptors of these settings.
pub const FIELDS: &[Field] = &[
    Field {
        name: "do_not_contact",
        label: "Customers who do not want to be contacted",
        help: "Hold keeps their leads in Leadwire, but tells of the wish where the lead is known; send passes them on, marked.",
        shape: FieldShape::Choice(&[("hold", "Hold"), ("send", "Send, marked")]),
        required: false,
        default: Some("hold"),
        secret: false,
        only_when: None,
    },
    Field {
        name: "in_flight",
        label: "Requests at a time",
        help: "How many requests may run side by side.",
        shape: FieldShape::Number { min: 1, max: IN_FLIGHT_MAX as i64 },
        required: false,
        default: Some("16"),
        secret: false,
        only_when: None,
    },
    Field {
        name: "timeout_seconds",
        label: "Longest wait, in seconds",
        help: "How long one request may take from start to end.",
        shape: FieldShape::Number { min: 1, max: REQUEST_WAIT_MAX.as_secs() as i64 },
        required: false,
        default: Some("20"),
        secret: false,
        only_when: None,
    },
    Field {
        name: "calls_per_day",
        label: "Calls a day",
        help: "How many calls within any 24 hours the account allows; a smaller number that the service says counts more.",
        shape: FieldShape::Number { min: 1, max: CALLS_PER_DAY_MAX as i64 },
        required: false,
        default: None,
        secret: false,
        only_when: None,
    },
    Field {
        name: "calls_per_minute",
        label: "Calls a minute",
        help: "How many calls within any 60 seconds the account allows.",
        shape: FieldShape::Number { min: 1, max: CALLS_PER_MINUTE_MAX as i64 },
        required: false,
        default: None,
        secret: false,
        only_when: None,
    },
    Field {
        name: "calls_kept_percent",
        label: "Share kept for others, in percent",
        help: "The part of the account's calls that is left to its other users: 20 where a kind has limits of its own, else 0.",
        shape: FieldShape::Number { min: 0, max: CALLS_KEPT_PERCENT_MAX as i64 },
        required: false,
        default: None,
        secret: false,
        only_when: None,
    },
    Field {
        name: "tell",
        label: "Who is told of trouble",
        help: "Name of another destination of yours, of kind https or email, that is told when this one is paused or will be.",
        shape: FieldShape::Text,
        required: false,
        default: None,
        secret: false,
        only_when: None,
    },
];

/// These settings, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationSettings {
    /// Requests in flight at a time: 1 to [`IN_FLIGHT_MAX`].
    pub in_flight: usize,
    /// Longest wait for one request: 1 s to [`REQUEST_WAIT_MAX`].
    pub wait: Duration,
    /// What to do with customers who do not want to be contacted.
    pub do_not_contact: DoNotContact,
    /// Calls that the account allows within any 24 hours.
    pub calls_per_day: Option<u32>,
    /// The same within any minute.
    pub calls_per_minute: Option<u32>,
    /// The share of them that is left to others: 0 to [`CALLS_KEPT_PERCENT_MAX`].
    pub calls_kept_percent: Option<u8>,
    /// Name of the destination through which somebody is told of trouble with this one.
    pub tell: Option<String>,
}

impl DestinationSettings {
    /// Reads settings that passed [`crate::descriptor::check`]; what is missing or wrong has its default.
    pub fn read(settings: &Settings) -> Self {
        let values = Values::new(FIELDS, settings);
        Self {
            in_flight: values
                .number("in_flight")
                .and_then(|it| usize::try_from(it).ok())
                .unwrap_or(IN_FLIGHT),
            wait: values
                .number("timeout_seconds")
                .and_then(|it| u64::try_from(it).ok())
                .map_or(REQUEST_WAIT, Duration::from_secs),
            do_not_contact: match values.text("do_not_contact") {
                Some("send") => DoNotContact::Send,
                _ => DoNotContact::Hold,
            },
            calls_per_day: values.number("calls_per_day").and_then(|it| u32::try_from(it).ok()),
            calls_per_minute: values.number("calls_per_minute").and_then(|it| u32::try_from(it).ok()),
            calls_kept_percent: values.number("calls_kept_percent").and_then(|it| u8::try_from(it).ok()),
            tell: values.text("tell").map(|it| it.trim().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_descriptor_are_those_of_the_limits() {
        let settings = DestinationSettings::read(&Settings::new());
        assert_eq!(settings.in_flight, IN_FLIGHT);
        assert_eq!(settings.wait, REQUEST_WAIT);
        assert_eq!(settings.do_not_contact, DoNotContact::Hold);
    }
}
