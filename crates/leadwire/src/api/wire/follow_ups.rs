//! Follow-ups: what is said once a customer's interest in an offer rises to a step.

use crate::follow_ups::GivenByLanguage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A follow-up.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FollowUp {
    /// Its id.
    pub id: String,
    /// The offer it is for, the start of offers' ids with a `*` behind it, or `*` for all of the publisher.
    pub offer: String,
    /// `initial` or `active`: it is sent once, when the customer's interest in an offer rises to this.
    pub step: String,
    /// `customer`: who acted, with consent only; `team`: whom the destination reaches.
    pub audience: String,
    /// Name of the destination it is sent through.
    pub destination: String,
    /// Collected until this minute of the day, `HH:MM` in UTC; missing: sent at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<String>,
    /// The words by language: `en`, `hu`, `tr`. A customer gets those of the form's language, else of the country's,
    /// else the first; the team gets the first.
    pub words: GivenByLanguage,
    /// When it was added.
    pub created_at: String,
}

/// A follow-up to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFollowUp {
    /// The offer it is for, the start of offers' ids with a `*` behind it, or `*` for all of the publisher.
    pub offer: String,
    /// `initial` or `active`.
    pub step: String,
    /// `customer` or `team`.
    pub audience: String,
    /// Name or number of the destination: of a kind that carries messages, and one to which no route leads.
    pub destination: String,
    /// Collect until this minute of the day, `HH:MM` in UTC; for the team only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<String>,
    /// The words by language.
    pub words: GivenByLanguage,
}

/// What to change of a follow-up; what is missing stays. What is owed already is said in the new words.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpChange {
    /// The offer, the start of ids with a `*` behind it, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// `initial` or `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Name or number of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `HH:MM` in UTC; the empty text sends at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<String>,
    /// All words by language, in place of those that were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<GivenByLanguage>,
}

/// A lead to try a follow-up with.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpTrial {
    /// A kept touchpoint's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
    /// A lead in the canonical form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Map<String, Value>>,
}

/// What a follow-up says of a lead. Nothing is sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FollowUpShown {
    /// Whether it would be sent, if the lead reached the step now.
    pub would_be_sent: bool,
    /// Why it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// In which language.
    pub language: String,
    /// One line.
    pub subject: String,
    /// Paragraphs.
    pub text: String,
}
