//! A body that could not be read: what is in it, what is wrong with it, and what is read in its place.

use super::ledger::QuarantinedRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A body that could not be read, with its text and what is wrong with it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct QuarantinedBody {
    /// What is known of it.
    #[serde(flatten)]
    pub row: QuarantinedRow,
    /// What is wrong with it, as it is read now; nothing when it can be read by now, when it became a touchpoint, and when
    /// its bytes are gone.
    pub mistakes: Vec<BodyMistake>,
    /// Its beginning as text, up to 12,000 bytes; missing when its bytes are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether there is more of it than that text.
    pub cut: bool,
    /// Whether bytes of it are no text; the sign U+FFFD stands for them.
    pub garbled: bool,
    /// The lead that its touchpoint belongs to, once it became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Whether another body was read in its place.
    pub repaired: bool,
}

/// One thing that is wrong with a body.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct BodyMistake {
    /// Why it cannot be read: a stable name.
    pub code: String,
    /// Where in it, as a JSON pointer.
    pub pointer: String,
    /// In words.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The place in the text, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<BodyPlace>,
}

/// A place in a body.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct BodyPlace {
    /// Its line; the first is 1.
    pub line: usize,
    /// Its sign in that line; the first is 1.
    pub column: usize,
    /// The signs before it.
    pub before: String,
    /// What stands there; empty when the body ends there.
    pub there: String,
    /// The signs behind it.
    pub behind: String,
}

/// How a body in quarantine is read.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineReading {
    /// What is read in its place, with what was wrong put right; missing: the body as it came. What came is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The content type by which it is read, such as `application/json`; missing: the one it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}
