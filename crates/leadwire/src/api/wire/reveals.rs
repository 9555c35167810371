//! Having a lead revealed, and who may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A wish to see one lead's person whole.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct RevealWish {
    /// For what: `contact`, `support`, `correction` or `other`. The audit log keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a publisher's readers, who see people masked, may do about it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// Whether a user of the role `reader` may have one lead after the other revealed, which the audit log tells.
    pub readers_reveal: bool,
}
