//! People who sign in to the portal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who signs in to the portal.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The id.
    pub id: String,
    /// The e-mail address by which they sign in; empty while the first of all has not said theirs.
    pub email: String,
    /// Their name.
    pub name: String,
    /// `operator`, `publisher`, `member` or `reader`.
    pub role: String,
    /// Whose they are; missing: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Whether they have chosen a password.
    pub can_sign_in: bool,
    /// Whether a code of their phone is asked for after the password.
    pub second_factor: bool,
    /// When they were added.
    pub created_at: String,
    /// When they last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<String>,
    /// The link by which they choose a password, shown this once: who has it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When the link ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_ends_at: Option<String>,
}

/// A user to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The e-mail address by which they sign in; nobody else may have it.
    pub email: String,
    /// Their name; the e-mail address when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `operator`, `publisher`, `member` or `reader`.
    pub role: String,
}
