//! Links that open the portal of one publisher once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A link to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPortalLink {
    /// What whoever comes by it may do: `reader` or `member`.
    pub role: String,
    /// How many minutes it works, from 1 to 60; 5 when missing. What it opens lasts as long as any session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// The colour of links and buttons, such as `#3451c6`; made lighter or darker where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
    /// The language of the pages: `en`, `hu` or `tr`; what the browser asks for when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A link that was made.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct PortalLink {
    /// The id, by which the audit log names whoever comes by it.
    pub id: String,
    /// The address, shown this once: it opens the portal for whoever follows it first.
    pub url: String,
    /// When it ends, unless it was used.
    pub ends_at: String,
}
