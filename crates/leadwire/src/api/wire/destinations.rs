//! Destinations, and the connectors they can be made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A destination.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// Its number within the publisher.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its connector.
    pub kind: String,
    /// Its settings; secrets are shown as `***`, secret URLs by their host.
    pub settings: Map<String, Value>,
    /// `open` or `paused`.
    pub state: String,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Why nobody can be told of trouble through it, while that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telling: Option<TellingTrouble>,
    /// What may be called there, and what is to be expected; none: the destination has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The backlog that is under way in one file; none: everything goes by batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_job: Option<BulkJob>,
    /// When it last proved itself by a whole validation; none: never, or the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<ProvedAt>,
    /// When it last took a test lead that stayed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_lead: Option<ProvedAt>,
    /// When the first of its credentials ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ends_at: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// A signing secret that Leadwire made, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// Why a destination is paused. Its leads wait; none is lost.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Since when.
    pub since: String,
    /// When one lead is tried to see whether it works again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_at: Option<String>,
}

/// When a destination proved itself.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ProvedAt {
    /// When.
    pub at: String,
    /// Whether its settings are those with which it did.
    pub current: bool,
}

/// What came of a destination's tries, by hour, of the newest tries of the publisher.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Tries {
    /// The hours, oldest first; those without tries too.
    pub hours: Vec<TriesOfHour>,
    /// Whether all tries of these hours are counted. Where a publisher has very many, or the tries are of leads that came long
    /// ago, those of its newest touchpoints are.
    pub complete: bool,
}

/// What came of tries within an hour.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TriesOfHour {
    /// When the hour begins.
    pub at: String,
    /// Leads that arrived.
    pub delivered: u64,
    /// Tries after which the lead is tried again.
    pub again: u64,
    /// Tries after which a person is needed.
    pub failed: u64,
}

/// What a destination's account allows of calls, and what is to be expected.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// What destinations share that call the same account.
    pub account: String,
    /// Each of them holds.
    pub windows: Vec<BudgetWindow>,
    /// Deliveries that wait, as far as they are counted.
    pub waiting: u64,
    /// Whether there may be more than are counted: `drained_at` is then not the moment, but one before which it is not.
    #[serde(default)]
    pub waiting_more: bool,
    /// When those that wait now will have been sent, as far as calls go; none when none wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drained_at: Option<String>,
    /// When the calls run out if they go on as in the last hour; none when they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts_until: Option<String>,
}

/// A backlog that was handed over as one job.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct BulkJob {
    /// `gathering`: nothing of it was sent yet; `sending`: it is being handed over; `running`: the destination works it off.
    pub state: String,
    /// What the destination calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Deliveries that are in it.
    pub deliveries: u64,
    /// When it was begun.
    pub begun_at: String,
    /// How often the destination was asked how far it is.
    pub looks: u32,
    /// When it is asked next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<String>,
}

/// Calls within a length of time.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct BudgetWindow {
    /// The length.
    pub seconds: u64,
    /// Calls that everybody together may make within it; none: the service has not said it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The share of them that is kept for others.
    pub kept_percent: u8,
    /// Calls of Leadwire that count now, with those that are reserved.
    pub used: u32,
    /// Calls of others, as the service said last.
    pub used_by_others: u32,
    /// Calls that Leadwire may make now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
}

/// A destination to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDestination {
    /// Its name, unique within the publisher.
    pub name: String,
    /// Its connector; see `/v1/connectors`.
    pub kind: String,
    /// The connector's settings.
    pub settings: Map<String, Value>,
}

/// Settings to change; others stay. `null` takes a setting away.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationChange {
    /// The settings to change.
    pub settings: Map<String, Value>,
}

/// A connector, as data.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Connector {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for.
    pub summary: String,
    /// Its settings.
    pub fields: Vec<Value>,
    /// Rows of the mapping unless settings say otherwise: what each field of the destination is made from.
    pub mapping: BTreeMap<String, String>,
    /// What an administrator does first, in order.
    pub steps: Vec<String>,
    /// Settings that work, as an example.
    pub example: Value,
}

/// Why nobody can be told of trouble through a destination.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TellingTrouble {
    /// Since when.
    pub since: String,
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
}
