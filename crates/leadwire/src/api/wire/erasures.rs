//! Erasing people: the wish, and its receipt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A wish to erase the person behind a lead.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseWish {
    /// Why. It is kept in the receipt: name no person in it.
    pub reason: String,
    /// Who asked for it; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `delete`, when missing: systems that can are told to delete their records. `keep`: the records stay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<String>,
}

/// A wish to erase whoever has an address.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// The address. Nobody needs to have it: then its old data is kept out from now on.
    pub email: String,
    /// Why. It is kept in the receipt: name no person in it.
    pub reason: String,
    /// Who asked for it; the API key is written down in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `delete`, when missing: systems that can are told to delete their records. `keep`: the records stay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<String>,
}

/// The receipt of an erasure. Names no person.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Erasure {
    /// Its id.
    pub id: String,
    /// `wiping` while something is left here, `waiting` while a destination has not answered, then `done`.
    pub state: String,
    /// When it was asked for.
    pub asked_at: String,
    /// `person`, or `retention` when its time was over.
    pub kind: String,
    /// `delete` or `keep`.
    pub crm: String,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
    /// What was wiped here, in rows.
    pub wiped: Wiped,
    /// When nothing was left here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wiped_at: Option<String>,
    /// What became of it at each destination that may have known the person.
    pub destinations: Vec<ErasedThere>,
}

/// Rows that were wiped.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Wiped {
    /// Leads.
    pub leads: u64,
    /// Touchpoints.
    pub touchpoints: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
    /// Decisions of people about the leads.
    pub decisions: u64,
    /// Bodies in quarantine.
    pub quarantined: u64,
    /// Idempotency keys.
    pub idempotency_keys: u64,
}

/// What became of an erasure at a destination.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ErasedThere {
    /// The destination's name.
    pub destination: String,
    /// Its connector.
    pub kind: String,
    /// The lead.
    pub lead: String,
    /// The delivery that brings it.
    pub delivery: String,
    /// `waiting`; `deleted`; `nothing_there`; `asked`, when the receiver deletes by itself; `by_hand`, when a person must;
    /// `kept`, as was wished; `refused`, when it waits for a person.
    pub state: String,
    /// What happened, in words.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub fix: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it came to rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// For how long a publisher keeps people.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days after the last touchpoint; 0: for ever.
    pub days: u32,
}
