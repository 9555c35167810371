//! The mark that every form carries: which form it is, when it was shown, and which consent text it showed.

use crate::clock::random_bits;
use crate::secrets::short_hash;
use crate::vault::Vault;
use leadwire_core::hex;
use leadwire_core::id::OfferRef;
use leadwire_core::language::Language;
use leadwire_core::listing::{Button, Texts};
use leadwire_core::time::Timestamp;

const PURPOSE: &str = "form";
/// Bytes of the mark that are sent: a forger has 2^64 guesses before him, one request each.
const SENT_BYTES: usize = 16;

/// What a form belongs to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) vault: &'a Vault,
    pub(super) offer: &'a OfferRef,
    pub(super) button: Button,
    pub(super) language: Language,
    pub(super) is_preview: bool,
}

/// A form that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// When, by the wall clock: another node or a later start must understand it.
    pub(super) at: Timestamp,
    /// Tells it from every other form.
    pub(super) id: String,
    /// Tells which consent text it showed.
    pub(super) consent: String,
}

impl Shown {
    /// A new form.
    pub(super) fn new(at: Timestamp, texts: &Texts) -> Self {
        Self { at, id: format!("{:032x}", random_bits()), consent: consent_of(texts) }
    }

    /// Whether this is the consent text that it showed.
    pub(super) fn has_shown(&self, texts: &Texts) -> bool {
        self.consent == consent_of(texts)
    }

    /// The mark, as it stands in the form.
    pub(super) fn write(&self, place: Place<'_>) -> String {
        format!("{}.{}.{}.{}", self.at.millis(), self.id, self.consent, hex::encode(&self.stamp(place)))
    }

    /// Reads a mark; none when this installation did not make it, or made it for another form.
    pub(super) fn read(text: &str, place: Place<'_>) -> Option<Self> {
        let mut parts = text.split('.');
        let at = Timestamp::from_millis(parts.next()?.parse().ok()?);
        let mut part = || parts.next().map(str::to_owned);
        let (shown, mark) = (Self { at, id: part()?, consent: part()? }, part()?);
        let expected = hex::encode(&shown.stamp(place));
        crate::secrets::is_same_hash(expected.as_bytes(), mark.as_bytes()).then_some(shown)
    }

    fn stamp(&self, place: Place<'_>) -> Vec<u8> {
        let offer = place.offer.to_string();
        let parts: [&[u8]; 7] = [
            offer.as_bytes(),
            place.button.as_str().as_bytes(),
            place.language.code().as_bytes(),
            if place.is_preview { b"preview" } else { b"live" },
            &self.at.millis().to_le_bytes(),
            self.id.as_bytes(),
            self.consent.as_bytes(),
        ];
        place.vault.stamp(PURPOSE, &parts)[..SENT_BYTES].to_vec()
    }
}

fn consent_of(texts: &Texts) -> String {
    hex::encode(&short_hash(&[texts.consent_version.as_bytes(), texts.consent.as_bytes()])[..8])
}
