//! The audit log, its checkpoints, and daily statements.

pub use crate::audit::{PlacesOfDay, StatementOfDay};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody changed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Whose chain it is in; empty: the operator's.
    pub publisher: String,
    /// Its number in the chain.
    pub number: u64,
    /// When it was asked for.
    pub at: String,
    /// Who: the id of a key, or `service`.
    pub who: String,
    /// What that key might do.
    pub role: String,
    /// What was done.
    pub action: String,
    /// To what: ids and names.
    pub subject: String,
    /// Which fields were given, without their values.
    pub detail: String,
    /// The hash of the entry before, in hexadecimal.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// How far a chain was signed. Kept elsewhere, it shows later that nothing before it was changed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AuditCheckpoint {
    /// Whose chain; empty: the operator's.
    pub publisher: String,
    /// The last entry that it covers.
    pub number: u64,
    /// When it was made.
    pub at: String,
    /// The hash of that entry, in hexadecimal.
    pub hash: String,
    /// The mark of the installation, in hexadecimal.
    pub mark: String,
}

impl AuditCheckpoint {
    /// The same on a line, as the look at the store takes it beside others of its kind.
    pub(crate) fn line(&self) -> String {
        let whose = if self.publisher.is_empty() { Self::OPERATOR } else { &self.publisher };
        format!("{whose} {} {} {} {}", self.number, self.at, self.hash, self.mark)
    }

    /// How the operator's chain is called on such a line.
    pub(crate) const OPERATOR: &str = "(operator)";
}

/// A daily statement with its mark.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// What it says.
    pub statement: StatementOfDay,
    /// The same as it was signed, to the byte.
    pub text: String,
    /// The mark of the installation, in hexadecimal.
    pub mark: String,
    /// Whether this installation made the mark, for this text.
    pub is_ours: bool,
}
