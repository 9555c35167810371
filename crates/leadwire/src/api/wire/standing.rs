//! How leads stand: interest, consent, and what people decide about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of the table of interest.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct InterestRule {
    /// Where the customer acted, or `*` for anywhere.
    pub source: String,
    /// What the customer did, or `*` for anything.
    pub action: String,
    /// How interested that shows the customer to be: `initial` or `active`.
    pub interest: String,
    /// Whether the operator made it; else it is one of those delivered.
    pub own: bool,
}

/// Leads that are kept from publishers.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithholdRule {
    /// Where the customer acted, or `*` for anywhere.
    #[serde(default = "anywhere")]
    pub source: String,
    /// The domain of the customer's address, with all below it, such as `.edu`.
    pub domain: String,
}

fn anywhere() -> String {
    "*".to_owned()
}

/// A row to add or to change.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInterestRule {
    /// Where the customer acted, or `*` for anywhere.
    pub source: String,
    /// What the customer did, or `*` for anything.
    pub action: String,
    /// `initial` or `active`.
    pub interest: String,
}

/// What a person decides about a lead's interest.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterestWish {
    /// `initial` or `active`.
    pub interest: String,
    /// Why.
    pub reason: String,
    /// Who decided; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What a person decides about a lead.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Why.
    pub reason: String,
    /// Who decided; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A customer's consent, as told to a person.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// How the customer gave it.
    pub reason: String,
    /// Which text the customer agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// Who was told; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a lead stands, and who says so.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Why the interest is what it is; missing when nothing shows any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest: Option<InterestWhy>,
    /// When the customer last asked not to be contacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Said>,
    /// When the customer last permitted contact in so many words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted: Option<Said>,
    /// The consent that counts, the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentRecord>,
    /// What people decided, newest first.
    pub decisions: Vec<Act>,
}

/// Why the interest is what it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct InterestWhy {
    /// In words.
    pub why: String,
    /// The first touchpoint that shows so much; missing when a person set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
    /// The row of the table by which it does, `source/action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A moment, and the touchpoint that says so.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// When.
    pub at: String,
    /// By which touchpoint.
    pub touchpoint: String,
}

/// A consent on record.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ConsentRecord {
    /// Whether the customer agreed.
    pub shared: bool,
    /// Which text the customer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// When: as said, and not later than it came.
    pub at: String,
    /// Where it was given: the source of the touchpoint.
    pub source: String,
    /// By which touchpoint.
    pub touchpoint: String,
}

/// A decision of a person.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// Its id.
    pub id: String,
    /// When.
    pub at: String,
    /// About what: `interest`, `merge` or `unmerge`.
    pub kind: String,
    /// What it was set to, or which lead went into or out of which.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub who: String,
    /// What spoke for a merge: `person`, or what the leads were suggested for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
