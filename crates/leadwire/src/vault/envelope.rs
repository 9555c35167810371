//! What is sealed with what: publishers' keys with a master key, destinations' secrets with their publisher's key.
//!
//! Every sealed text is bound to its place, so that a copy of it opens nowhere else, and names the key it needs.

use super::key::{KEY_BYTES, Key, SEAL_BYTES};
use super::ring::{MasterKeyId, MasterKeys};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use leadwire_store::setup::{PublisherKey, SealedSecrets, Sealing};
use zeroize::Zeroizing;

/// How sealed secrets begin: a mark that no nonce of the former format starts with (once in 2^56), and the version.
const SECRETS_HEAD: &[u8] = b"lwseal\x02";
/// How a wrapped key begins: the version.
const WRAPPED_HEAD: &[u8] = b"\x01";
/// The publisher key's number behind the head, in bytes.
const NUMBER_BYTES: usize = 4;

/// Why something sealed does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// The master key around the publisher's key is not at hand.
    #[error(
        "master key {0} is not here: put it back into the key file (or into `master_key`) and start again, \
         or enter the destination's secrets anew"
    )]
    MasterKeyMissing(String),
    /// The publisher's key is not in the store.
    #[error("key {0} of the publisher is missing in the store: restore the store, or enter the secrets anew")]
    PublisherKeyMissing(u32),
    /// It was sealed by an earlier Leadwire, directly with a master key that is not at hand.
    #[error(
        "none of the master keys here opens it: put the key file back that it was sealed with and start again, or \
         enter the destination's secrets anew"
    )]
    NoKeyFits,
    /// The keys are at hand, and it is not what was sealed for this place.
    #[error("what is sealed was changed, or belongs elsewhere: restore the store, or enter the secrets anew")]
    Changed,
}

/// Opened secrets. They never print themselves, and their bytes are wiped when they are dropped.
pub type Opened = Secret<Zeroizing<String>>;

/// Where a destination's secrets are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) publisher: &'a PublisherId,
    pub(super) destination: DestinationNo,
    /// Its name, by which the former format told places apart.
    pub(super) name: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(it: &'a SealedSecrets) -> Self {
        Self { publisher: &it.publisher, destination: it.destination, name: &it.name }
    }
}

/// Master keys and publishers' keys as of one moment, with which secrets are opened and sealed.
#[derive(Clone, Copy)]
pub(super) struct Book<'a> {
    pub(super) ring: &'a MasterKeys,
    /// By publisher and number, as the store gives them.
    pub(super) keys: &'a [PublisherKey],
}

impl<'a> Book<'a> {
    /// Opens a destination's secrets.
    pub(super) fn open(self, place: Place<'_>, sealed: &[u8]) -> Result<Opened, Unopened> {
        let Some((number, rest)) = split_head(sealed) else {
            return self.open_former(place, sealed);
        };
        let key = self.keys_of(place.publisher).iter().find(|it| it.number == number);
        let key = unwrap(self.ring, key.ok_or(Unopened::PublisherKeyMissing(number))?)?;
        as_text(key.open(&secrets_place(place, &head(number)), rest).ok_or(Unopened::Changed)?)
    }

    /// Before there were publishers' keys, secrets were sealed directly with the master key.
    fn open_former(self, place: Place<'_>, sealed: &[u8]) -> Result<Opened, Unopened> {
        let place = former_place(place);
        let opened = self.ring.all().find_map(|it| it.key.open(&place, sealed));
        as_text(opened.ok_or(Unopened::NoKeyFits)?)
    }

    /// A publisher's keys, the current one last.
    pub(super) fn keys_of(self, publisher: &PublisherId) -> &'a [PublisherKey] {
        let from = self.keys.partition_point(|it| it.publisher < *publisher);
        let until = self.keys.partition_point(|it| it.publisher <= *publisher);
        &self.keys[from..until]
    }

    /// A publisher's current key, to seal with.
    ///
    /// One is made when there is none, or when its master key is not at hand: that one must not keep anybody from
    /// entering secrets anew.
    pub(super) fn current(self, publisher: &PublisherId, now: Timestamp) -> SealingKey {
        let newest = self.keys_of(publisher).last();
        if let Some(newest) = newest
            && let Ok(key) = unwrap(self.ring, newest)
        {
            return SealingKey { number: newest.number, key, made: None };
        }
        self.make(publisher, now)
    }

    /// A new key for a publisher, under its next number.
    pub(super) fn make(self, publisher: &PublisherId, now: Timestamp) -> SealingKey {
        let number = self.keys_of(publisher).last().map_or(0, |it| it.number) + 1;
        let key = Key::random();
        let made = wrap(self.ring, &key, publisher.clone(), number, now);
        SealingKey { number, key, made: Some(made) }
    }
}

/// A publisher's key, ready to seal with.
pub(super) struct SealingKey {
    number: u32,
    key: Key,
    /// As it goes into the store, when it is not there yet.
    pub(super) made: Option<PublisherKey>,
}

impl SealingKey {
    pub(super) fn seal(&self, place: Place<'_>, text: &str) -> Vec<u8> {
        let mut sealed = head(self.number);
        sealed.extend_from_slice(&self.key.seal(&secrets_place(place, &sealed), text.as_bytes()));
        sealed
    }
}

/// Seals a destination's secrets with its publisher's current key.
pub(super) fn seal(book: Book<'_>, place: Place<'_>, text: &str, now: Timestamp) -> Sealing {
    let key = book.current(place.publisher, now);
    Sealing { secrets: key.seal(place, text), new_key: key.made }
}

/// The number of the publisher's key that sealed this; none when it is of the former format.
pub(super) fn key_number(sealed: &[u8]) -> Option<u32> {
    split_head(sealed).map(|it| it.0)
}

/// Wraps a publisher's key with the current master key.
pub(super) fn wrap(
    ring: &MasterKeys,
    key: &Key,
    publisher: PublisherId,
    number: u32,
    created_at: Timestamp,
) -> PublisherKey {
    let master = ring.current();
    let mut wrapped = WRAPPED_HEAD.to_vec();
    let place = key_place(&publisher, number, &master.id);
    wrapped.extend_from_slice(&master.key.seal(&place, key.bytes()));
    PublisherKey { publisher, number, master_key: master.id.to_string(), wrapped, created_at }
}

/// Unwraps a publisher's key.
pub(super) fn unwrap(ring: &MasterKeys, it: &PublisherKey) -> Result<Key, Unopened> {
    let master =
        ring.find(&it.master_key).ok_or_else(|| Unopened::MasterKeyMissing(it.master_key.clone()))?;
    let sealed = it.wrapped.strip_prefix(WRAPPED_HEAD).filter(|it| it.len() == KEY_BYTES + SEAL_BYTES);
    let place = key_place(&it.publisher, it.number, &master.id);
    let opened = sealed.and_then(|sealed| master.key.open(&place, sealed));
    opened.and_then(|it| Key::from_bytes(it.as_slice())).ok_or(Unopened::Changed)
}

fn head(number: u32) -> Vec<u8> {
    [SECRETS_HEAD, &number.to_be_bytes()].concat()
}

fn split_head(sealed: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = sealed.strip_prefix(SECRETS_HEAD)?.split_at_checked(NUMBER_BYTES)?;
    Some((u32::from_be_bytes(number.try_into().ok()?), rest))
}

fn secrets_place(it: Place<'_>, head: &[u8]) -> Vec<u8> {
    let row = it.destination.get().to_be_bytes();
    place(&[head, it.publisher.as_str().as_bytes(), b"destination", b"secrets", &row])
}

fn key_place(publisher: &PublisherId, number: u32, master: &MasterKeyId) -> Vec<u8> {
    let row = number.to_be_bytes();
    let master = master.as_str().as_bytes();
    place(&[WRAPPED_HEAD, publisher.as_str().as_bytes(), b"publisher_key", b"wrapped", &row, master])
}

pub(super) fn former_place(it: Place<'_>) -> Vec<u8> {
    format!("destination/{}/{}", it.publisher, it.name).into_bytes()
}

/// Parts one after another, each with its length, so that no two lists of parts are alike.
pub(super) fn place(parts: &[&[u8]]) -> Vec<u8> {
    let mut place = Vec::new();
    for part in parts {
        place.extend_from_slice(&u64::try_from(part.len()).expect("a length fits").to_be_bytes());
        place.extend_from_slice(part);
    }
    place
}

fn as_text(mut opened: Zeroizing<Vec<u8>>) -> Result<Opened, Unopened> {
    match String::from_utf8(std::mem::take(&mut *opened)) {
        Ok(text) => Ok(Secret::new(Zeroizing::new(text))),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Unopened::Changed)
        }
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
