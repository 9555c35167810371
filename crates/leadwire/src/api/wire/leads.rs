//! Leads with their timelines.

use super::{Delivery, LeadFeedback, Member, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A page of leads, or those that somebody looked for.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Leads {
    /// The leads, newest first.
    pub items: Vec<Lead>,
    /// Cursor of the page behind this one; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether there may be more than these of what was looked for with `find`: more words say who is meant. Missing when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// A lead.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Lead {
    /// Its id.
    pub id: String,
    /// The customer, as last said; fields never said are missing.
    pub customer: Map<String, Value>,
    /// Whether it is a test of the connection.
    pub test: bool,
    /// How interested the customer is: `initial` or `active`; missing when nothing shows any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest: Option<String>,
    /// Whether the customer must not be contacted.
    #[serde(default)]
    pub do_not_contact: bool,
    /// How many touchpoints were folded into it.
    pub touchpoints: u32,
    /// How many other leads were merged into it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub members: u32,
    /// When the customer first came.
    pub created_at: String,
    /// When the customer last came.
    pub updated_at: String,
}

/// A lead with its timeline.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LeadDetail {
    /// The lead.
    pub lead: Lead,
    /// When the lead that was asked for is part of another one: that one, which is what is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The leads that are this one, itself included; none when it stands alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// When the person was erased; nothing is left but counts. Missing when they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<String>,
    /// How it stands, and who says so.
    pub standing: Standing,
    /// What became of it.
    pub feedback: LeadFeedback,
    /// What the touchpoints of the timeline said of each field, when they said more than one thing.
    pub history: Vec<FieldHistory>,
    /// Its touchpoints, oldest first.
    pub timeline: Vec<TouchpointRow>,
    /// Their deliveries, newest first.
    pub deliveries: Vec<Delivery>,
}

/// A touchpoint in a timeline.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TouchpointRow {
    /// Its id.
    pub id: String,
    /// The lead it folded into, which may be part of another one.
    pub lead: String,
    /// When it came.
    pub received_at: String,
    /// How it came.
    pub channel: String,
    /// Its offer, `publisher.offer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Where the customer acted.
    pub source: String,
    /// What the customer did.
    pub action: String,
    /// Whether it is a test.
    pub test: bool,
    /// Why it belongs to this lead; missing when its content cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<Folded>,
    /// What it shows of the customer's interest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest: Option<String>,
    /// The row of the table of interest by which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest_rule: Option<String>,
    /// Whether any route took it.
    pub routed: bool,
    /// Which filters could not be told of it when it came, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_trouble: Option<String>,
    /// Its content in the canonical form; missing when it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

/// Why a touchpoint belongs to its lead.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Folded {
    /// The rule: `email`, `phone_and_name`, `phone`, `person`, who named the lead, or `alone`.
    pub rule: String,
    /// The fields the rule looked at.
    pub fields: Vec<String>,
    /// `offer` when only touchpoints of one offer fold; missing when all of the publisher's do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What they come to, hashed: touchpoints that fold by one rule have it in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What was said of one field over time.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FieldHistory {
    /// The field.
    pub field: String,
    /// Its values, newest first; the first one counts.
    pub values: Vec<SaidValue>,
}

/// A value, and who said it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SaidValue {
    /// The value, as said.
    pub value: String,
    /// The touchpoint that said it first since another was said.
    pub touchpoint: String,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
