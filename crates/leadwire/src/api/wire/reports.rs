//! Reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came in a stretch of time, what it became, and how long that took.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// What the rows' keys are: `offer`, `source`, `action`, `campaign` or `destination`.
    pub by: String,
    /// From this moment.
    pub from: String,
    /// Up to, not including, this one.
    pub to: String,
    /// The rows, most touchpoints first.
    pub rows: Vec<ReportRow>,
    /// All together. By destination it is not the sum of the rows, for a touchpoint may go to several or to none.
    pub total: ReportRow,
    /// When it was counted, if that was not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<String>,
    /// Whether it is being counted: nothing is in it yet, and it is there for whoever asks again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counting: bool,
}

/// A row of a report. Tests and previews, and what people decided, never count.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ReportRow {
    /// What it is about; empty when the touchpoints do not say, and in the sum of all.
    pub key: String,
    /// Whether these are the keys for which there were too many rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
    /// Touchpoints that came.
    pub touchpoints: u64,
    /// Of these, the ones that joined a lead that was there.
    pub folded: u64,
    /// Of these, the ones with which a lead began. A lead counts here only, whatever came of it later.
    pub leads: u64,
    /// Of the leads, those that arrived.
    pub leads_delivered: u64,
    /// Of the leads, those that sales took up, converted ones included, and lost ones that had been.
    pub qualified: u64,
    /// Of the leads, those that became business.
    pub converted: u64,
    /// Of the leads, those that sales does not take up.
    pub disqualified: u64,
    /// Of the leads, those that did not become business.
    pub lost: u64,
    /// Where the touchpoints' deliveries are.
    pub deliveries: ReportDeliveries,
    /// How long it took from when a touchpoint came until the first destination had it.
    pub seconds_to_crm: ReportTimes,
}

/// Where deliveries are.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ReportDeliveries {
    /// The destination has them.
    pub delivered: u64,
    /// Owed.
    pub waiting: u64,
    /// Wait for a person.
    pub parked: u64,
    /// Must not be sent.
    pub suppressed: u64,
    /// Of these, held back since the customer must not be contacted.
    pub do_not_contact: u64,
    /// Their person was erased.
    pub erased: u64,
}

/// How long something took, in seconds.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ReportTimes {
    /// Of how many.
    pub count: u64,
    /// Half of them took no longer; never less than the exact value, and at most a 32nd more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// 95 of 100 took no longer; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
}
