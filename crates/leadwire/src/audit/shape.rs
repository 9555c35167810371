//! What a statement says, as it is kept and given out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came on a day in UTC, and where it was when the statement was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementOfDay {
    /// Whose.
    pub publisher: String,
    /// The day in UTC.
    pub day: String,
    /// When the statement was made.
    pub made_at: String,
    /// Touchpoints that came on the day.
    pub touchpoints: u64,
    /// Of these, tests and previews.
    pub tests: u64,
    /// Of these, those that no route took.
    pub unrouted: u64,
    /// Of these, those whose person was erased since.
    pub erased: u64,
    /// Of all, how many came by which channel.
    pub channels: BTreeMap<String, u64>,
    /// Where they were.
    pub destinations: Vec<PlacesOfDay>,
    /// Bodies that came on the day and could not be read.
    pub quarantined: u64,
    /// Repetitions recognised since the statement before.
    pub duplicates: u64,
    /// Repetitions recognised in all.
    pub duplicates_in_all: u64,
    /// Entries of the publisher's audit log.
    pub audit_number: u64,
    /// The hash of the newest of them, in hexadecimal.
    pub audit_hash: String,
}

/// Where a day's touchpoints were at one destination: accepted = pending + delivered + parked + suppressed + erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacesOfDay {
    /// The destination's number.
    pub number: u32,
    /// Its name; empty when it was removed before the statement was made.
    pub name: String,
    /// Brought there, by routes and follow-ups.
    pub accepted: u64,
    /// Owed.
    pub pending: u64,
    /// Delivered.
    pub delivered: u64,
    /// Waiting for a person.
    pub parked: u64,
    /// Must not be sent.
    pub suppressed: u64,
    /// Erased with their person.
    pub erased: u64,
}
