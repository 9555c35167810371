//! Erasing a person: who is to be told, what of them may come back, and by which words they are found again.
//!
//! What is left of a person are tombstones: salted hashes, from which nothing can be read back.

use crate::email::Email;
use crate::id::DestinationNo;
use crate::identity;
use crate::phone::Phone;
use crate::standing::Past;
use crate::time::Timestamp;
use crate::touchpoint::{Customer, Touchpoint};
use aws_lc_rs::digest;
use std::collections::BTreeSet;

/// The source of the touchpoint that tells destinations of an erasure.
pub const SOURCE: &str = "Leadwire";
/// Its action.
pub const ACTION: &str = "Erase";

/// Cause of an erasure that is done: the system deleted what it held.
pub const DELETED: &str = "erased";
/// Cause of an erasure that is done: the system holds nothing of the person.
pub const NOTHING_THERE: &str = "nothing_there";
/// Cause of an erasure that is done: the receiver was told, and deletes by itself.
pub const TOLD: &str = "erasure_told";
/// Cause of an erasure that no call can do: a person deletes the record.
pub const CANNOT: &str = "cannot_erase";
/// Cause where whoever asked wanted the record to stay.
pub const KEPT: &str = "kept_there";

/// Whether a cause says that a destination's part of an erasure is over.
pub fn is_over(cause: &str) -> bool {
    [DELETED, NOTHING_THERE, TOLD, CANNOT].contains(&cause)
}

/// A hash by which something of an erased person is recognised, and nothing read back: the salt is the publisher's own.
/// Stable for ever: it is stored.
pub fn tombstone_key(salt: &[u8], kind: Kind, bytes: &[u8]) -> [u8; 16] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"leadwire-tombstone-1\n");
    context.update(salt);
    context.update(match kind {
        Kind::Identity => b"\nidentity\n",
        Kind::Body => b"\nbody____\n",
    });
    context.update(bytes);
    *context.finish().as_ref().first_chunk().expect("a hash has 32 bytes")
}

/// What a tombstone is a hash of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identity's key.
    Identity,
    /// A body's hash.
    Body,
}

/// Asks whether a tombstone with this key was set after a moment: then a touchpoint is of an erased person, and old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The tombstone's key.
    pub key: [u8; 16],
    /// When the customer acted; the beginning of time when nobody says.
    pub acted_at: Timestamp,
}

/// What to ask the tombstones of a touchpoint on its way in. One answer of yes keeps it out.
///
/// People may come back: what they did after the erasure is a new lead. So a touchpoint that says when the customer acted
/// is kept out when that was before. One that does not say is kept out only when the same bytes were erased, and only
/// where `may_be_import`: what a page or a marketplace brings happens now.
pub fn questions(salt: &[u8], touchpoint: &Touchpoint, body_sha256: &[u8; 32], age: Age) -> Vec<Question> {
    let long_ago = Timestamp::from_millis(0);
    let by_identity = |acted_at| {
        let question = |it: [u8; 16]| Question { key: tombstone_key(salt, Kind::Identity, &it), acted_at };
        identities(touchpoint).into_iter().map(question).collect()
    };
    match (touchpoint.occurred_at, age) {
        (Some(acted_at), _) => by_identity(acted_at),
        (None, Age::Past) => by_identity(long_ago),
        (None, Age::Unknown) => {
            vec![Question { key: tombstone_key(salt, Kind::Body, body_sha256), acted_at: long_ago }]
        }
        (None, Age::Present) => Vec::new(),
    }
}

/// How old an action is that does not say it, by the way it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The customer acts now.
    Present,
    /// It may come from a file of earlier times.
    Unknown,
    /// It comes from such a file.
    Past,
}

/// Every key by which this touchpoint's customer is told from others: by address, and by number and name. A number
/// alone is none of them, for people of one company share it.
pub fn identities(touchpoint: &Touchpoint) -> Vec<[u8; 16]> {
    let mut without_address = Touchpoint {
        customer: touchpoint.customer.clone(),
        test: touchpoint.test,
        preview: touchpoint.preview,
        ..Touchpoint::default()
    };
    let first = identity::of(&without_address).key();
    without_address.customer.email = None;
    let second = identity::of(&without_address).key();
    let mut keys: Vec<_> = first.into_iter().chain(second).collect();
    keys.dedup();
    keys
}

/// The keys of the leads that an address may have: as a customer, as a test, and as a preview. Empty: this is no address.
pub fn identities_of_address(address: &str) -> Vec<[u8; 16]> {
    let of = |test, preview| {
        let customer = Customer { email: Some(address.to_owned()), ..Customer::default() };
        identity::of(&Touchpoint { customer, test, preview, ..Touchpoint::default() }).key()
    };
    [(false, false), (true, false), (false, true)].into_iter().filter_map(|it| of(it.0, it.1)).collect()
}

/// The form of an address by which [`is_address`] compares. None: this is no address.
pub fn form_of_address(address: &str) -> Option<String> {
    Email::parse(address).ok().map(|it| it.identity_form())
}

/// Whether a text is the address of this form, however it is written: all that identity holds for one.
pub fn is_address(text: &str, form: &str) -> bool {
    // Most are not, and reading the domain is what costs.
    text.contains('@') && form_of_address(text).is_some_and(|it| it == form)
}

/// Words by which a body that nobody could read is known to be about this customer: addresses in lower case, and
/// numbers as digits.
pub fn words(customer: &Customer) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    if let Some(email) = customer.email.as_deref() {
        let parsed = Email::parse(email).ok();
        words.extend(parsed.iter().map(|it| it.as_str().to_lowercase()));
        words.extend(parsed.iter().map(|_| email.trim().to_lowercase()));
    }
    if let Some(phone) = customer.phone.as_deref() {
        let parsed = Phone::parse(phone, customer.country.as_deref());
        words.extend(parsed.map(|it| it.e164().trim_start_matches('+').to_owned()));
        words.insert(phone.chars().filter(char::is_ascii_digit).collect());
    }
    words.retain(|it| it.len() >= WORD_BYTES_MIN);
    words
}

/// Shorter ones are in too many bodies that are about others.
const WORD_BYTES_MIN: usize = 7;

/// Whether a body holds one of the words, however it is written: in either case, form-encoded, or with signs between
/// the digits.
pub fn holds(body: &[u8], words: &BTreeSet<String>) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase().replace("%40", "@").replace("%2b", "+");
    let digits: String = text.chars().filter(|it| !" -./()+\u{a0}".contains(*it)).collect();
    words.iter().any(|word| {
        let is_number = word.bytes().all(|it| it.is_ascii_digit());
        if is_number { digits.contains(word.as_str()) } else { text.contains(word.as_str()) }
    })
}

/// Which destinations must delete: those that may know the lead. And which of them may still have a request of it on
/// the wire, so that the deletion comes after it.
pub fn told(past: &[Past], uncertain: &[DestinationNo]) -> Vec<(DestinationNo, bool)> {
    let told: BTreeSet<DestinationNo> =
        past.iter().filter(|it| it.may_be_there).map(|it| it.destination).collect();
    told.into_iter().map(|it| (it, uncertain.contains(&it))).collect()
}

/// Who was last heard of before this moment is not kept any longer. None: everybody is.
///
/// It goes by the clock at the round before: one that jumped ahead is put right before it costs anybody, and the first
/// round after a start costs nobody.
pub fn kept_since(round_before: Option<Timestamp>, days: u32) -> Option<Timestamp> {
    let kept = i64::from(days) * DAY_MILLIS;
    let since = round_before?.millis().checked_sub(kept)?;
    (days > 0 && since > 0).then(|| Timestamp::from_millis(since))
}

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

#[cfg(test)]
#[path = "erasure_tests.rs"]
mod tests;
