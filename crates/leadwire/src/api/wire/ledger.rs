//! The ledger, and what is kept outside it in quarantine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was accepted, and where all of it is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Touchpoints stored.
    pub touchpoints: u64,
    /// Of these, the ones that some route took.
    pub routed: u64,
    /// Of these, the ones that no route took.
    pub unrouted: u64,
    /// Of these, the tests and previews, behind which no customer stands.
    #[serde(default)]
    pub tests: u64,
    /// Of these, the ones whose person was erased: nothing but their count is left.
    #[serde(default)]
    pub erased: u64,
    /// Repetitions that were recognised.
    pub duplicates: u64,
    /// Bodies that could not be read.
    pub quarantined: u64,
    /// Each destination's account.
    pub destinations: Vec<Account>,
    /// Whether all of it adds up.
    pub adds_up: bool,
    /// When it was counted, if that was not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<String>,
    /// Whether it is being counted: nothing is in it yet, and it is there for whoever asks again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counting: bool,
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
    /// Attempts made, those under way included.
    pub attempts: u64,
}

/// A body that could not be read.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct QuarantinedRow {
    /// Its id.
    pub id: String,
    /// When it came.
    pub received_at: String,
    /// The offer of the address it came to, `publisher.offer`.
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
    /// The touchpoint it became, once it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
}

/// What came of reading bodies in quarantine anew.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct QuarantineRetried {
    /// Bodies that were read.
    pub looked: usize,
    /// Those that are touchpoints now.
    pub accepted: usize,
    /// Those that were accepted before.
    pub duplicates: usize,
    /// Those of somebody who was erased: counted, and that is all.
    pub erased: usize,
    /// Those that still cannot be read; the list says why.
    pub unreadable: usize,
    /// The last of them, when there are more behind it: the `cursor` to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
