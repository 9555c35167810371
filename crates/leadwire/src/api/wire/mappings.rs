//! Mappings as they are, what they make of a lead, and what another one would.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A version of a destination's mapping.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct MappingVersion {
    /// 1, 2, 3 …
    pub number: u32,
    /// Whether leads are mapped by it now.
    pub current: bool,
    /// When it was written.
    pub created_at: String,
    /// The key or the user who wrote it; missing for one that was there before versions were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The name of that user, where it is one who is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The rows that differ from the kind's own: field, and what it is made from; `null` for one that is left out.
    pub mapping: BTreeMap<String, Option<String>>,
}

/// A destination's mapping as it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct MappingNow {
    /// Its version.
    pub version: u32,
    /// The rows: those of the kind in its order, then the publisher's own.
    pub rows: Vec<MappingRow>,
    /// Fields that the destination is known to have and no row writes.
    pub others: Vec<MappingRow>,
}

/// What a field of a destination is made from.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct MappingRow {
    /// Its name at the destination.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// The row; missing when the field is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// The kind's own row, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// `text`, `email`, `number`, `bool` or `moment`; missing when nothing is known of the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Longest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters_max: Option<usize>,
    /// Longest text, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<usize>,
    /// The only values it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether no record can be made without it.
    pub required: bool,
}

/// A mapping to write.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMapping {
    /// The rows that differ from the kind's own: field, and what it is made from; `null` leaves the field out.
    pub mapping: Map<String, Value>,
    /// The version that they were made from: it is refused when somebody wrote another one meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub based_on: Option<u32>,
}

/// A row that differs between two versions.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct RowDifference {
    /// The field.
    pub field: String,
    /// Its row in the first version; missing when it is left out there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its row in the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What became of each field of a delivery on the way.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct DeliveryFields {
    /// The version of the mapping that it was worked out with: that of its last attempt, or the one it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Whether that is the destination's present one.
    pub current: bool,
    /// The rows.
    pub rows: Vec<FieldRow>,
    /// What came and no row reads.
    pub unread: Vec<Unread>,
    /// Why no record can be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotMade>,
    /// What is sent, where the format is fixed and there are no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why there is nothing to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A field of a record, and where its value comes from.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FieldRow {
    /// The field.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// The row of the mapping.
    pub row: String,
    /// `once`, when the record is made, or `always`.
    pub write: String,
    /// What the row reads, with what came.
    pub came: Vec<CameField>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// What was done to the value: `default`, `transformed`, `shortened`, `fitted`.
    pub changes: Vec<String>,
    /// `sent`, `empty`, `left_out` or `refused`.
    pub fate: String,
    /// Why it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A source of a row.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct CameField {
    /// Its name, such as `customer.company`.
    pub name: String,
    /// What came; missing when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What came and goes nowhere by itself.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// Its name, such as `custom.seats`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether `details` repeats it, which a row reads.
    pub in_details: bool,
}

/// Why no record can be made.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NotMade {
    /// The field that lacks a value.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// A mapping to try, and on what.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct MappingTry {
    /// The rows that differ from the kind's own; the present mapping when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Map<String, Value>>,
    /// The id of a lead, a touchpoint or a delivery; a test lead when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// What the present mapping and another make of one touchpoint. Nothing was sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct MappingTried {
    /// The touchpoint; missing for a test lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
    /// Its lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Each field of either.
    pub rows: Vec<TriedRow>,
    /// Why the present mapping makes no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_now: Option<NotMade>,
    /// Why the other makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_then: Option<NotMade>,
}

/// A field under two mappings.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TriedRow {
    /// Under the present one; missing when no row writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<FieldRow>,
    /// Under the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<FieldRow>,
    /// `filled`, `emptied` or `other`; missing when the same is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// A mapping to try on the newest leads.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackTestWish {
    /// The rows that differ from the kind's own.
    pub mapping: Map<String, Value>,
}

/// What another mapping would have made of the newest touchpoints. Nothing was sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct BackTest {
    /// How many were looked at.
    pub looked_at: u32,
    /// Of how many the record differs.
    pub differing: u32,
    /// Those that would wait for a person, and do not now: the touchpoint, and why.
    pub newly_refused: Vec<CameField>,
    /// How many would not wait for a person any more.
    pub no_longer_refused: u32,
    /// The fields that differ.
    pub fields: Vec<FieldTally>,
}

/// How a field differs over many touchpoints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FieldTally {
    /// The field.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// For how many it has a value that it had not.
    pub filled: u32,
    /// For how many it has none any more.
    pub emptied: u32,
    /// For how many it has another one.
    pub other: u32,
    /// Some of them.
    pub examples: Vec<DifferentValue>,
}

/// A value under two mappings.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct DifferentValue {
    /// Of which touchpoint.
    pub touchpoint: String,
    /// Under the present mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Under the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
}
