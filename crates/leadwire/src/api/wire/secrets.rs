//! How the keys stand that guard secrets, and their rotation. No key and no secret has a shape here.

use super::moment;
use crate::vault::{self, Origin, Standing};
use leadwire_core::limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the keys stand that guard destinations' secrets.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Secrets {
    /// Where the master keys come from: `file` or `setting`.
    pub origin: String,
    /// The master keys at hand, the current one first, and behind them those that are needed and missing.
    pub master_keys: Vec<MasterKey>,
    /// Publishers' keys.
    pub publisher_keys: usize,
    /// When the oldest publisher's current key was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_publisher_key: Option<String>,
    /// Destinations that have secrets.
    pub destinations: usize,
    /// Those of them that an earlier Leadwire sealed directly with a master key; a rotation seals them anew.
    pub former_format: usize,
    /// How many of them have secrets that do not open.
    pub unopened_count: usize,
    /// Those of them whose secrets do not open, the first ones when they are many.
    pub unopened: Vec<UnopenedSecrets>,
}

impl Secrets {
    /// How the keys stand, as it is shown.
    pub(crate) fn of(it: Standing, origin: &Origin) -> Self {
        let here = it.here.into_iter().enumerate().map(|(at, (id, publisher_keys))| MasterKey {
            id: id.to_string(),
            state: if at == 0 { "current" } else { "former" }.to_owned(),
            publisher_keys,
        });
        let missing = it.missing.into_iter().map(|(id, publisher_keys)| MasterKey {
            id,
            state: "missing".to_owned(),
            publisher_keys,
        });
        let origin = match origin {
            Origin::File(_) => "file",
            Origin::Setting => "setting",
        };
        Self {
            origin: origin.to_owned(),
            master_keys: here.chain(missing).collect(),
            publisher_keys: it.publisher_keys,
            oldest_publisher_key: it.oldest.map(moment),
            destinations: it.sealed,
            former_format: it.former_format,
            unopened_count: it.unopened.len(),
            unopened: UnopenedSecrets::first_of(it.unopened),
        }
    }
}

/// A master key, told by its id.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct MasterKey {
    /// The first 8 bytes of SHA-256 of the key, in hexadecimal.
    pub id: String,
    /// `current`, `former` or `missing`.
    pub state: String,
    /// Publishers' keys that it wraps.
    pub publisher_keys: usize,
}

/// A destination whose secrets do not open.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct UnopenedSecrets {
    /// Whose.
    pub publisher: String,
    /// Its name.
    pub destination: String,
    /// Why, and what to do.
    pub reason: String,
}

impl UnopenedSecrets {
    /// As many as go on a page.
    pub(crate) fn first_of(all: Vec<vault::UnopenedSecrets>) -> Vec<Self> {
        let first = all.into_iter().take(limits::PAGE_ROWS_MAX);
        let shape = |it: vault::UnopenedSecrets| Self {
            publisher: it.publisher.to_string(),
            destination: it.name,
            reason: it.reason.to_string(),
        };
        first.map(shape).collect()
    }
}

/// Which key is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RotatedKey {
    /// The master key.
    Master,
    /// Publishers' keys.
    Publisher,
}

/// A rotation to make.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretsRotation {
    /// Which key is to be changed.
    pub key: RotatedKey,
    /// Whose, of a publisher's key; missing: everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
}

/// What came of a rotation.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SecretsRotated {
    /// Publishers' keys that were made or wrapped anew.
    pub publisher_keys: usize,
    /// Destinations whose secrets were sealed anew.
    pub destinations: usize,
    /// How many destinations' secrets did not open. They and what they need stay as they are.
    pub unopened_count: usize,
    /// Those destinations, the first ones when they are many.
    pub unopened: Vec<UnopenedSecrets>,
}
