//! What a rotation changes, as functions of what is there: publishers' keys wrapped anew, or secrets sealed anew.

use super::envelope::{Book, Place, SealingKey, Unopened, key_number, unwrap, wrap};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;
use leadwire_store::setup::{Rekeying, SealedSecrets};
use std::collections::{BTreeMap, BTreeSet};

/// What came of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Publishers' keys that were made or wrapped anew.
    pub keys: usize,
    /// Destinations whose secrets were sealed anew.
    pub destinations: usize,
    /// Destinations whose secrets did not open. They stay as they are, and so do the keys they need.
    pub unopened: Vec<UnopenedSecrets>,
}

/// A destination whose secrets do not open, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnopenedSecrets {
    /// Whose.
    pub publisher: PublisherId,
    /// Its number.
    pub destination: DestinationNo,
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub reason: Unopened,
}

impl UnopenedSecrets {
    fn new(it: &SealedSecrets, reason: Unopened) -> Self {
        Self { publisher: it.publisher.clone(), destination: it.destination, name: it.name.clone(), reason }
    }
}

/// Wraps every publisher's key with the current master key, and seals with a publisher's key what the former format
/// sealed with a master key. Afterwards nothing that could be opened needs a former master key.
pub(super) fn rewrap(book: Book<'_>, secrets: &[SealedSecrets], now: Timestamp) -> (Rekeying, Rotated) {
    let (mut rekeying, mut rotated) = (Rekeying::default(), Rotated::default());
    for it in book.keys.iter().filter(|it| it.master_key != book.ring.current().id.as_str()) {
        // One that does not unwrap stays, and is told by the destinations that need it.
        let Ok(key) = unwrap(book.ring, it) else { continue };
        rekeying.keys.push(wrap(book.ring, &key, it.publisher.clone(), it.number, it.created_at));
    }
    let mut sealing: BTreeMap<&PublisherId, SealingKey> = BTreeMap::new();
    for it in secrets {
        match book.open(Place::of(it), &it.secrets) {
            Err(reason) => rotated.unopened.push(UnopenedSecrets::new(it, reason)),
            Ok(_) if key_number(&it.secrets).is_some() => {}
            Ok(opened) => {
                let key = sealing.entry(&it.publisher).or_insert_with(|| book.current(&it.publisher, now));
                rekeying.secrets.push(sealed_anew(it, key, opened.expose()));
            }
        }
    }
    rekeying.keys.extend(sealing.into_values().filter_map(|it| it.made));
    rotated.keys = rekeying.keys.len();
    rotated.destinations = rekeying.secrets.len();
    (rekeying, rotated)
}

/// Makes each publisher a new key, seals all its destinations' secrets with it, and takes away the keys that nothing
/// needs any more. Publishers that have neither a key nor secrets are left alone.
pub(super) fn renew(book: Book<'_>, secrets: &[SealedSecrets], now: Timestamp) -> (Rekeying, Rotated) {
    let (mut rekeying, mut rotated) = (Rekeying::default(), Rotated::default());
    let with_keys = book.keys.iter().map(|it| &it.publisher);
    let mut making: BTreeMap<&PublisherId, SealingKey> = BTreeMap::new();
    for publisher in secrets.iter().map(|it| &it.publisher).chain(with_keys) {
        making.entry(publisher).or_insert_with(|| book.make(publisher, now));
    }
    let mut needed = BTreeSet::new();
    for it in secrets {
        match book.open(Place::of(it), &it.secrets) {
            Ok(opened) => rekeying.secrets.push(sealed_anew(it, &making[&it.publisher], opened.expose())),
            Err(reason) => {
                needed.extend(key_number(&it.secrets).map(|number| (&it.publisher, number)));
                rotated.unopened.push(UnopenedSecrets::new(it, reason));
            }
        }
    }
    let unused = book.keys.iter().filter(|it| !needed.contains(&(&it.publisher, it.number)));
    rekeying.unused = unused.cloned().collect();
    rekeying.keys.extend(making.into_values().filter_map(|it| it.made));
    rotated.keys = rekeying.keys.len();
    rotated.destinations = rekeying.secrets.len();
    (rekeying, rotated)
}

fn sealed_anew(it: &SealedSecrets, key: &SealingKey, text: &str) -> SealedSecrets {
    SealedSecrets { secrets: key.seal(Place::of(it), text), ..it.clone() }
}
