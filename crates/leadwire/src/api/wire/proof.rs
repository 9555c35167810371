//! Proof of a destination, previews of what would be sent, and the error catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a destination is to be validated.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct ValidateWish {
    /// Look only: sign in, check permissions and fields, and write no test lead.
    #[serde(default)]
    pub look_only: bool,
}

/// Whether a real lead would arrive, step by step.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// Whether no step failed.
    pub passed: bool,
    /// The steps, in order.
    pub steps: Vec<ProofStep>,
    /// The name by which the test lead is found at the destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether something new was learnt about the destination's fields.
    pub learned: bool,
}

/// One step on the way.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ProofStep {
    /// Stable name.
    pub name: String,
    /// What was looked at.
    pub title: String,
    /// `passed`, `warned`, `failed` or `skipped`.
    pub verdict: String,
    /// What was found.
    pub message: String,
    /// Stable name of the cause, when it went wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What is to be previewed; with neither, a test lead.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct PreviewWish {
    /// The id of a stored touchpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
    /// A lead as `/v1/leads` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Map<String, Value>>,
}

/// What would be sent. Nothing was.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// The requests, in order; credentials are masked.
    pub requests: Vec<PreviewedRequest>,
    /// What happened to values on the way, and what would follow.
    pub notes: Vec<String>,
    /// Why nothing would be sent.
    pub unsent: Vec<Unsent>,
}

/// A request that would be made.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct PreviewedRequest {
    /// Its method.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Its headers, a line each.
    pub headers: Vec<String>,
    /// Its body.
    pub body: String,
}

/// Why a lead would not be sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Unsent {
    /// Stable name of the cause.
    pub cause: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// What would become of the lead.
    pub then: String,
}

/// What a destination's code means.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct KnownError {
    /// The connector.
    pub kind: String,
    /// The code, as the destination writes it.
    pub code: String,
    /// Stable name of the cause.
    pub cause: String,
    /// What it means.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// What Leadwire does.
    pub then: String,
}

/// A proof of a destination that is under way, or the newest that ended.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ProofRun {
    /// `validate`, `look`, `test-lead` or `prepare`.
    pub what: String,
    /// When it began.
    pub begun_at: String,
    /// When it ended; missing while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Whether the destination's settings are the ones that were tried.
    pub current: bool,
    /// The steps so far, or all of them.
    pub proof: Proof,
}
