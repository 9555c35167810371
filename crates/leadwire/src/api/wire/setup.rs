//! What an installation sells and where that goes: publishers and offers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Where its listing page stands: `draft`, `preview` or `live`.
    pub state: String,
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
