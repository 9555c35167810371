//! Notices: what somebody was told of trouble, who is told, and what they do not want to hear for a while.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was to be told.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Its number among those about the same destination.
    pub number: u32,
    /// `paused`, `resumed`, `failing`, `delivering`, `check_failed`, `check_passed`, `ends_soon`, `parked`, `silent`, `heard`,
    /// `disk_low`, `disk_full`, `disk_fine`, `job_failed` or `job_passed`.
    pub kind: String,
    /// Name of the destination it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Which offer, job or part it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// When it happened.
    pub at: String,
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// When somebody was told last; `not_yet`, `nobody` when nobody is named, `over` when it was over before anybody was told,
    /// or `muted`.
    pub told: String,
    /// How often somebody was told.
    pub times_told: u32,
    /// Whether the trouble lasts.
    pub lasts: bool,
    /// When the trouble ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// Through what somebody is told.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NoticeReceiver {
    /// Name of the destination; for the operator with its publisher before it: `house/ops`.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// When a message last got through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<String>,
    /// Since when none gets through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<String>,
    /// Stable name of why not.
    pub cause: String,
    /// Why not.
    pub message: String,
}

/// Who is to be told.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNoticeReceivers {
    /// Names of destinations that carry notices, in the order in which they are tried; the operator writes `house/ops`.
    pub receivers: Vec<String>,
}

/// Whom to send a test.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeTest {
    /// The receiver; all of them when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
}

/// What came of a test.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NoticeTold {
    /// The receiver.
    pub receiver: String,
    /// Whether it took the test.
    pub told: bool,
    /// Stable name of why not.
    pub cause: String,
    /// Why not.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// What is not told for a while.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NoticeMute {
    /// Name of the destination; of anything when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Kind of notice; any when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Until when.
    pub until: String,
}

/// What is not to be told for a while.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNoticeMute {
    /// Name of the destination; of anything when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Kind of notice; any when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// For how many seconds, from 1 to 2592000, which is 30 days.
    pub for_seconds: u64,
}
