//! What an installation sells and where that goes: publishers, offers and routes.

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
