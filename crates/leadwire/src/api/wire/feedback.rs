//! What became of a lead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A word about a lead.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFeedback {
    /// What became of it: `qualified`, `disqualified`, `converted` or `lost`.
    pub outcome: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it became so, not later than now; now, when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who says so; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What became of a lead, and who said so.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LeadFeedback {
    /// What counts, the newest word: `qualified`, `disqualified`, `converted` or `lost`; missing when nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// All that was said, newest first.
    pub said: Vec<Feedback>,
}

/// A word about a lead.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Feedback {
    /// Its id.
    pub id: String,
    /// What became of the lead.
    pub outcome: String,
    /// When it became so.
    pub at: String,
    /// When it was written down.
    pub noted_at: String,
    /// Why, in somebody's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the word is from: `api`, or `crm` when it was read from a destination.
    pub source: String,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Which destination said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// In which record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// How reading from a destination what became of leads stands.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FeedbackReading {
    /// Whether this kind of system can tell at all.
    pub possible: bool,
    /// Whether the settings switch it on.
    pub on: bool,
    /// When all there was had been read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<String>,
    /// When it is read next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Stable name of the cause of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Records looked at; those at the edge of two readings are looked at twice.
    pub seen: u64,
    /// Words about leads that were new.
    pub noted: u64,
    /// Records in a status that nobody explained: see the setting `feedback_states`.
    pub unknown: u64,
    /// Records of no lead that was brought there.
    pub unmatched: u64,
}
