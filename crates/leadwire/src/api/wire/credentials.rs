//! What lets somebody in: intake addresses and API keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An intake address.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct IntakeAddress {
    /// Its id.
    pub id: String,
    /// The offer that everything sent to it belongs to.
    pub offer: String,
    /// The last four characters of its token.
    pub tail: String,
    /// When it was made.
    pub created_at: String,
    /// The whole address, shown this once: who has it can send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An intake address to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIntakeAddress {
    /// The offer that everything sent to it belongs to.
    pub offer: String,
}

/// An API key.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// `operator`, `publisher`, `member`, `sender` or `reader`.
    pub role: String,
    /// Whose it is; missing: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Its last four characters.
    pub tail: String,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The key itself, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An API key to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    pub title: String,
    /// `operator`, `publisher`, `member`, `sender` or `reader`.
    pub role: String,
    /// Days until it ends; missing: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}
