//! Deliveries with their attempts.

use super::TouchpointRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A delivery.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Its id; what the destination sees as `webhook-id`.
    pub id: String,
    /// The touchpoint it brings.
    pub touchpoint: String,
    /// The lead that belongs to.
    pub lead: String,
    /// Name of the destination.
    pub destination: String,
    /// `pending`, `delivered`, `parked`, `suppressed` or `erased`.
    pub state: String,
    /// Whether it is being tried now.
    pub in_flight: bool,
    /// When it is due, while pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// Attempts so far, one under way included.
    pub attempts: u32,
    /// Stable name of what went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The destination's record, when it named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// When it came to rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The follow-up it brings in place of the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<String>,
}

/// A delivery with its touchpoint and its attempts.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: Delivery,
    /// What it brings.
    pub content: TouchpointRow,
    /// Its attempts that came to an end, oldest first.
    pub attempts: Vec<Attempt>,
}

/// An attempt that came to an end.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it ended.
    pub ended_at: String,
    /// What came of it.
    pub outcome: String,
    /// What a person reads about it.
    pub evidence: Value,
}

/// How many deliveries were put back to work.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// How many.
    pub retried: usize,
    /// For parked ones: those parked up to this moment were meant. Asking again with it brings the next of them, and not
    /// those that came back meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// For parked ones, when there are more than one answer holds: the replay that puts the rest back to work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

/// How many parked deliveries were given up.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// How many.
    pub dropped: usize,
    /// Whether there are more: asking again drops the next of them.
    pub more: bool,
    /// Deletions of erased people that stay parked, once nothing else is: retry them.
    #[serde(default)]
    pub deletions: u64,
}

/// Deliveries that are parked at one destination for one cause.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FailureGroup {
    /// Name of the destination.
    pub destination: String,
    /// Stable name of the cause.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// When the first of those that still wait was parked.
    pub first_at: String,
    /// When the last one was.
    pub last_at: String,
    /// One of them, the oldest.
    pub sample: String,
    /// What happened to it.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}
