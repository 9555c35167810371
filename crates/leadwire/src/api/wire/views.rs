//! Saved views: names for what somebody looks for on a page of the portal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A view that whoever asks has saved.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SavedView {
    /// The page: `deliveries`, `reports` or `audit`.
    pub page: String,
    /// What it is called.
    pub name: String,
    /// What is looked for, as in the page's address: `state=parked&destination=crm`.
    pub query: String,
    /// When it was saved.
    pub created_at: String,
}

/// A view to save, in place of the one of this name.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSavedView {
    /// The page: `deliveries`, `reports` or `audit`.
    pub page: String,
    /// What it is called.
    pub name: String,
    /// What is looked for, as in the page's address; it may name states, destinations, days and the like, and no person.
    pub query: String,
}
