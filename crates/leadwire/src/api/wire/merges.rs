//! Leads that are one, leads that may be, and the rules by which touchpoints fold.

use super::{Lead, LeadDetail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which lead is to be one with this one, and why. One of `into`, `from` and `with` is given.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct MergeWish {
    /// The other lead stands for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// This lead stands for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The older of the two stands for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Why.
    pub reason: String,
    /// Who decided; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A lead that was taken out of another one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Unmerged {
    /// The lead it was part of.
    pub out_of: String,
    /// Deliveries of its touchpoints since the merge that are brought anew, to its own record.
    pub brought_anew: usize,
    /// The lead.
    pub lead: LeadDetail,
}

/// A lead of several that are one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Which lead.
    pub lead: String,
    /// The lead it was merged into; missing for the one that stands for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What spoke for it: `person`, or what the two were suggested for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The fields that rule looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The decision by which it was; see `standing.decisions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The customer as its own touchpoints say.
    pub customer: Map<String, Value>,
    /// How many touchpoints are its own.
    pub touchpoints: u32,
    /// Records that destinations made of it. Leadwire does not merge them there.
    pub records: Vec<Record>,
}

/// A record of a lead at a destination.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the destination.
    pub destination: String,
    /// The record, when the destination named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// Two leads that may be one customer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// Its id.
    pub id: String,
    /// What they have in common: `email_alike`, `same_phone`, `name_and_company` or `name_and_mailbox`.
    pub rules: Vec<String>,
    /// The fields these rules look at.
    pub fields: Vec<String>,
    /// When it was found.
    pub at: String,
    /// What became of it: `open`, `dismissed` or `merged`.
    pub state: String,
    /// The leads that stand for the two, the older first; one when they are one, none for those that are gone.
    pub leads: Vec<Lead>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// Why two leads are two.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissWish {
    /// Why.
    pub reason: String,
    /// Who decided; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The rules by which touchpoints of one customer fold into one lead.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityRules {
    /// Which, in their order: the first whose fields a touchpoint has counts. Of `email`, `phone_and_name` and `phone`.
    pub rules: Vec<String>,
    /// Within what touchpoints fold: `publisher` or `offer`.
    #[serde(default = "publisher")]
    pub scope: String,
    /// Addresses that several people share, such as `info@reseller.example`, or `@reseller.example` for all of a domain:
    /// they identify nobody.
    #[serde(default)]
    pub shared_mailboxes: Vec<String>,
    /// Whether the publisher has its own; else these are the delivered ones.
    #[serde(default)]
    pub own: bool,
}

fn publisher() -> String {
    "publisher".to_owned()
}
