//! The shapes of the API, as JSON and as schemas. Types of the domain never are; they convert here.

use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A page of a list.
#[derive(Serialize, JsonSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the page behind this one; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A list that is never long.
#[derive(Serialize, JsonSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
}

/// A moment as RFC 3339 text.
pub(crate) fn moment(at: Timestamp) -> String {
    rfc3339::format(at)
}

/// What became of a touchpoint that was accepted.
#[derive(Serialize, JsonSchema)]
pub struct Receipt {
    /// The touchpoint's id; of the earlier one when this is a duplicate.
    pub id: String,
    /// The lead it belongs to.
    pub lead: String,
    /// Whether the same was accepted before.
    pub duplicate: bool,
}

/// What became of a body sent to an intake address.
#[derive(Serialize, JsonSchema)]
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

/// What became of several touchpoints.
#[derive(Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
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

/// A publisher.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Publisher {
    /// Its name on the marketplace.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// When it was added.
    pub created_at: String,
}

/// A publisher to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPublisher {
    /// Its name on the marketplace.
    pub id: String,
    /// Its name for people; the id when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// An offer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// Its full id, `publisher.offer`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// When it was added.
    pub created_at: String,
}

/// An offer to add or to rename.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOffer {
    /// Its id within the publisher, or `publisher.offer`.
    pub id: String,
    /// Its name for people; the id when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A destination.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// Its number within the publisher.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its connector.
    pub kind: String,
    /// Its settings; secrets are shown as `***`.
    pub settings: Map<String, Value>,
    /// `open` or `paused`.
    pub state: String,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When it was added.
    pub created_at: String,
    /// A signing secret that Leadwire made, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// Why a destination is paused. Its leads wait; none is lost.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Stable name of the cause.
    pub cause: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Since when.
    pub since: String,
    /// When one lead is tried to see whether it works again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_at: Option<String>,
}

/// A destination to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDestination {
    /// Its name, unique within the publisher.
    pub name: String,
    /// Its connector; see `/v1/connectors`.
    pub kind: String,
    /// The connector's settings.
    pub settings: Map<String, Value>,
}

/// Settings to change; others stay. `null` takes a setting away.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationChange {
    /// The settings to change.
    pub settings: Map<String, Value>,
}

/// A route.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Its id.
    pub id: String,
    /// The offer it takes, or `*` for all of the publisher.
    pub offer: String,
    /// Name of the destination it leads to.
    pub destination: String,
    /// When it was added.
    pub created_at: String,
}

/// A route to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoute {
    /// The offer it takes, or `*` for all of the publisher.
    pub offer: String,
    /// Name or number of the destination it leads to.
    pub destination: String,
}

/// An intake address.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct IntakeAddress {
    /// Its id.
    pub id: String,
    /// The offer that everything sent to it belongs to.
    pub offer: String,
    /// The last four characters of its token.
    pub tail: String,
    /// When it was made.
    pub created_at: String,
    /// The whole address, shown this once: who has it can send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An intake address to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIntakeAddress {
    /// The offer that everything sent to it belongs to.
    pub offer: String,
}

/// An API key.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// `operator`, `publisher`, `sender` or `reader`.
    pub role: String,
    /// Whose it is; missing: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Its last four characters.
    pub tail: String,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The key itself, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An API key to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    pub title: String,
    /// `operator`, `publisher`, `sender` or `reader`.
    pub role: String,
    /// Days until it ends; missing: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
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
    /// How many touchpoints were folded into it.
    pub touchpoints: u32,
    /// When the customer first came.
    pub created_at: String,
    /// When the customer last came.
    pub updated_at: String,
}

/// A lead with its timeline.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LeadDetail {
    /// The lead.
    #[serde(flatten)]
    pub lead: Lead,
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
    /// Whether any route took it.
    pub routed: bool,
    /// Its content in the canonical form; missing when it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

/// A delivery.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Its id; what the destination sees as `webhook-id`.
    pub id: String,
    /// The touchpoint it brings.
    pub touchpoint: String,
    /// The lead that belongs to.
    pub lead: String,
    /// Name of the destination.
    pub destination: String,
    /// `pending`, `delivered`, `parked`, `suppressed` or `erased`.
    pub state: String,
    /// Whether it is being tried now.
    pub in_flight: bool,
    /// When it is due, while pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// Stable name of what went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The destination's record, when it named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// When it came to rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// A delivery with its touchpoint and its tries.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What it brings.
    pub content: TouchpointRow,
    /// Its tries, oldest first.
    pub tries: Vec<Try>,
}

/// A try that came to an end.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Try {
    /// Its number, from 1.
    pub number: u32,
    /// When it ended.
    pub ended_at: String,
    /// What came of it.
    pub outcome: String,
    /// What a person reads about it.
    pub evidence: Value,
}

/// How many deliveries were put back to work.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// How many.
    pub retried: usize,
}

/// A body that could not be read.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct QuarantinedRow {
    /// Its id.
    pub id: String,
    /// When it came.
    pub received_at: String,
    /// The offer of the address it came to.
    pub offer: String,
    /// The content type it claimed.
    pub content_type: String,
    /// Why it cannot be read.
    pub code: String,
    /// Where in it.
    pub pointer: String,
    /// In words.
    pub message: String,
    /// Its length in bytes.
    pub body_bytes: u64,
}

/// What was accepted, and where all of it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Touchpoints stored.
    pub touchpoints: u64,
    /// Of these, the ones that some route took.
    pub routed: u64,
    /// Of these, the ones that no route took.
    pub unrouted: u64,
    /// Repetitions that were recognised.
    pub duplicates: u64,
    /// Bodies that could not be read.
    pub quarantined: u64,
    /// Each destination's account.
    pub destinations: Vec<Account>,
    /// Whether all of it adds up.
    pub adds_up: bool,
}

/// A destination's account: accepted = pending + delivered + parked + suppressed + erased.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its connector.
    pub kind: String,
    /// Touchpoints routed to it.
    pub accepted: u64,
    /// Owed.
    pub pending: u64,
    /// Delivered.
    pub delivered: u64,
    /// Waiting for a person.
    pub parked: u64,
    /// Must not be sent.
    pub suppressed: u64,
    /// Erased with their person.
    pub erased: u64,
    /// Tries made.
    pub attempts: u64,
}

/// A connector, as data.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Connector {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for.
    pub summary: String,
    /// Its settings.
    pub fields: Vec<Value>,
    /// Settings that work, as an example.
    pub example: Value,
}

/// Whether the service is ready for work.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether it is.
    pub ready: bool,
    /// Each check by name.
    pub checks: Map<String, Value>,
}
