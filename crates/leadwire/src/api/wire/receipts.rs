//! What became of what was sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of a touchpoint that was accepted.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The touchpoint's id; of the earlier one when this is a duplicate.
    pub id: String,
    /// The lead it belongs to.
    pub lead: String,
    /// Whether the same was accepted before.
    pub duplicate: bool,
    /// Whether it is old data of somebody who was erased: it is counted, and nothing of it is kept or brought anywhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// What became of a body sent to an intake address.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AddressReceipt {
    /// Id of the touchpoint, or of what was kept in quarantine.
    pub id: String,
    /// The lead it belongs to; missing in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Whether the same body came to this address a short while ago.
    pub duplicate: bool,
    /// Whether the body could not be read. It is kept whole, and a person can look at it.
    pub quarantined: bool,
}

/// What a sender is answered: as much as it sent.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LeadsAnswer {
    /// To a JSON object.
    One(Receipt),
    /// To an array or NDJSON.
    Several(Receipts),
}

/// What became of several touchpoints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Receipts {
    /// One for each item, in their order.
    pub results: Vec<ItemResult>,
    /// How many are stored now that were not before.
    pub accepted: usize,
    /// How many were stored before.
    pub duplicates: usize,
    /// How many were refused.
    pub refused: usize,
}

/// What became of one of several touchpoints.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum ItemResult {
    /// It is stored.
    Accepted(Receipt),
    /// It was refused, alone.
    Refused {
        /// Problem details.
        problem: Value,
    },
}
