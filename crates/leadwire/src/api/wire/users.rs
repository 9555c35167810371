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
    /// Whether they have chosen a password, or have an account at a provider.
    pub can_sign_in: bool,
    /// The issuer of the account at a provider by which they sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_account: Option<String>,
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
    /// The newest letter with a link that was to be sent to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<UserLetter>,
}

/// Everybody who signs in.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Users {
    /// They, by e-mail address.
    pub items: Vec<User>,
    /// Whether links can be sent to them by e-mail: an e-mail destination is named for alerts, their publisher's or the operator's.
    pub can_mail: bool,
}

/// A letter to somebody who signs in, with the link by which they choose a password.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct UserLetter {
    /// `invitation`, or `password` when they forgot theirs.
    pub kind: String,
    /// `waiting`, `sent` once a mail server took it, or `failed`.
    pub state: String,
    /// When it was asked for.
    pub asked_at: String,
    /// When it was sent, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Stable name of why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How a letter is to be written.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct LetterWish {
    /// `en`, `hu` or `tr`, for somebody who has not chosen a language of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
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
    /// Whether the link by which they choose a password is sent to them by e-mail, and not shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mail: bool,
    /// The language of that letter: `en`, `hu` or `tr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}
