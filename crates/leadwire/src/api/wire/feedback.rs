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
