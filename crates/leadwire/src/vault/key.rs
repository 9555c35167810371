//! One key: what it seals opens again only with it and in the same place. Its bytes are wiped when it is dropped.

use crate::clock::fill_random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use leadwire_core::secret::Secret;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes that sealing adds: the nonce in front and the tag behind.
pub(super) const SEAL_BYTES: usize = NONCE_LEN + 16;

/// A key of AES-256-GCM.
///
/// Nonces are random. At 2^32 texts under one key two of them may meet (NIST SP 800-38D, 8.3), which is far beyond
/// what a publisher's destinations or an installation's publishers come to.
#[derive(Clone)]
pub(super) struct Key(Secret<Zeroizing<[u8; KEY_BYTES]>>);

impl Key {
    pub(super) fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill_random(&mut *bytes);
        Self(Secret::new(bytes))
    }

    /// Reads the bytes of a key; none when there are more or fewer.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut own = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        own.copy_from_slice(bytes);
        Some(Self(Secret::new(own)))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.expose()
    }

    /// Seals a text for a place: nonce, sealed text, tag.
    pub(super) fn seal(&self, place: &[u8], text: &[u8]) -> Vec<u8> {
        // Room for the tag up front: growing would leave a copy of the text behind.
        let mut sealed = Vec::with_capacity(text.len() + SEAL_BYTES);
        sealed.extend_from_slice(text);
        let nonce = self
            .cipher()
            .seal_in_place_append_tag(Aad::from(place), &mut sealed)
            .expect("sealing a short text cannot fail");
        sealed.splice(..0, nonce.as_ref().iter().copied());
        sealed
    }

    /// Opens what was sealed with this key for this place; none for everything else.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let length = self.cipher().open_in_place(nonce, Aad::from(place), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }

    fn cipher(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes()).expect("a key has the right length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_seals_opens_with_it_unchanged_and_in_its_place() {
        let key = Key::random();
        let sealed = key.seal(b"here", b"hunter2");
        assert_eq!(sealed.len(), 7 + SEAL_BYTES);
        assert_eq!(key.open(b"here", &sealed).expect("opens").as_slice(), b"hunter2");
        assert!(key.open(b"there", &sealed).is_none());
        assert!(Key::random().open(b"here", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(b"here", &changed).is_none(), "byte {at}");
            assert!(key.open(b"here", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        let key = Key::random();
        assert_ne!(key.seal(b"here", b"hunter2"), key.seal(b"here", b"hunter2"));
    }

    #[test]
    fn a_key_has_exactly_its_length() {
        assert!(Key::from_bytes(&[7; KEY_BYTES]).is_some());
        assert!(Key::from_bytes(&[7; KEY_BYTES - 1]).is_none() && Key::from_bytes(&[7; 33]).is_none());
    }
}
