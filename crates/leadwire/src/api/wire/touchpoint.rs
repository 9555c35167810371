//! The canonical form of a touchpoint, as a schema only: `leadwire-core` reads it, and keeps fields that are not here.

use leadwire_core::limits::{ENTRIES_MAX, FIELD_BYTES_MAX, NOTES_BYTES_MAX};
use schemars::JsonSchema;
use serde_json::{Map, Value};

/// What a sender sends; as NDJSON, a touchpoint on each line.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Touchpoints {
    /// One.
    One(Box<Touchpoint>),
    /// Several; each is accepted or refused alone.
    Several(Vec<Touchpoint>),
}

/// A customer action. Every field may be missing; `null` and blank text count as missing, and fields that are not
/// known are kept in `custom`.
#[derive(JsonSchema)]
pub struct Touchpoint {
    /// Where the customer acted: `AzureMarketplace`, `AzurePortal`, `TestDrive`, `SPZA` (AppSource), or any other name.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub source: Option<String>,
    /// What the customer did: `INS`, `PLT`, `DNC`, `Create`, `StartTestDrive`, or any other code.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub action: Option<String>,
    /// Source and action in one text, `Source-Action|Offer`, as marketplaces write it.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub lead_source: Option<String>,
    /// Which offer, as `publisher.offer`; without it, the key must belong to a publisher.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub offer: Option<String>,
    /// The offer's name for people.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub offer_title: Option<String>,
    /// When the customer acted, in RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<String>,
    /// Who acted.
    pub customer: Option<Customer>,
    /// The customer's own words.
    #[schemars(length(max = NOTES_BYTES_MAX))]
    pub notes: Option<String>,
    /// Parameters of the campaign.
    #[schemars(extend("maxProperties" = ENTRIES_MAX))]
    pub campaign: Option<Map<String, Value>>,
    /// What the customer agreed to.
    pub consent: Option<Consent>,
    /// Further fields.
    #[schemars(extend("maxProperties" = ENTRIES_MAX))]
    pub custom: Option<Map<String, Value>>,
    /// From the preview of an offer that is not live.
    pub preview: Option<bool>,
    /// A test of the connection, not a customer.
    pub test: Option<bool>,
}

/// Who acted, in whatever spelling the sender has.
#[derive(JsonSchema)]
pub struct Customer {
    /// Given name.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub first_name: Option<String>,
    /// Family name.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub last_name: Option<String>,
    /// E-mail address.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub email: Option<String>,
    /// Telephone number.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub phone: Option<String>,
    /// Country.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub country: Option<String>,
    /// Organisation.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub company: Option<String>,
    /// Job title.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub title: Option<String>,
}

/// What a customer agreed to.
#[derive(JsonSchema)]
pub struct Consent {
    /// Whether the customer agreed to be contacted.
    pub shared: bool,
    /// Which text the customer saw.
    #[schemars(length(max = FIELD_BYTES_MAX))]
    pub text_version: Option<String>,
    /// When, in RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub at: Option<String>,
}
