//! The master keys at hand: the current one, which wraps, and former ones, which still unwrap during a rotation.

use super::key::{KEY_BYTES, Key};
use crate::secrets::sha256;
use anyhow::{Context, bail};
use std::fmt;
use zeroize::Zeroizing;

/// Most master keys at a time: the current one, the one before it, and room for rotations that were not finished.
const MASTER_KEYS_MAX: usize = 8;

/// Tells master keys apart without telling anything of them: the first 8 bytes of SHA-256 of the key, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MasterKeyId(String);

impl MasterKeyId {
    fn of(key: &Key) -> Self {
        Self(hex(&sha256(key.bytes())[..8]).to_string())
    }

    /// As it stands in the store and is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: MasterKeyId,
    pub(super) key: Key,
}

impl MasterKey {
    fn new(key: Key) -> Self {
        Self { id: MasterKeyId::of(&key), key }
    }
}

/// The master keys at hand, the current one first; at least one, none twice.
#[derive(Clone)]
pub struct MasterKeys(Vec<MasterKey>);

impl MasterKeys {
    pub(super) fn random() -> Self {
        Self(vec![MasterKey::new(Key::random())])
    }

    /// Reads keys of 64 hexadecimal digits, the current one first, with commas, spaces or new lines between them.
    ///
    /// # Errors
    /// No key, one too many, or a word that is not a key; the error repeats nothing of it.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut keys = Self(Vec::new());
        for word in text.split([',', ' ', '\n', '\r', '\t']).filter(|it| !it.is_empty()) {
            keys.add_former(MasterKey::new(read_key(word)?));
        }
        match keys.0.len() {
            0 => bail!("there is no key; expected 64 hexadecimal digits"),
            1..=MASTER_KEYS_MAX => Ok(keys),
            many => bail!("there are {many} keys; at most {MASTER_KEYS_MAX} can be told"),
        }
    }

    /// As [`MasterKeys::parse`] reads them, a line for each.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        // Room for all up front: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * (2 * KEY_BYTES + 1)));
        for it in &self.0 {
            text.push_str(&hex(it.key.bytes()));
            text.push('\n');
        }
        text
    }

    /// The key that wraps.
    pub(super) fn current(&self) -> &MasterKey {
        self.0.first().expect("a ring is made with a key, and the current one is never taken away")
    }

    pub(super) fn find(&self, id: &str) -> Option<&MasterKey> {
        self.all().find(|it| it.id.as_str() == id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &MasterKey> {
        self.0.iter()
    }

    /// Their ids, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &MasterKeyId> {
        self.all().map(|it| &it.id)
    }

    pub(super) fn has_former(&self) -> bool {
        self.0.len() > 1
    }

    /// The same with a new key in front.
    pub(super) fn with_new(&self) -> anyhow::Result<Self> {
        if self.0.len() >= MASTER_KEYS_MAX {
            bail!("{MASTER_KEYS_MAX} master keys are in use already; earlier rotations did not finish");
        }
        let mut keys = Self::random();
        keys.0.extend(self.0.iter().cloned());
        Ok(keys)
    }

    /// The same with others behind its own.
    pub(super) fn followed_by(mut self, others: &Self) -> Self {
        others.all().for_each(|it| self.add_former(it.clone()));
        self
    }

    /// The current key, and those former ones that something still needs.
    pub(super) fn without_former(&self, is_needed: impl Fn(&MasterKeyId) -> bool) -> Self {
        let kept = self.0.iter().enumerate().filter(|(at, it)| *at == 0 || is_needed(&it.id));
        Self(kept.map(|(_, it)| it.clone()).collect())
    }

    fn add_former(&mut self, key: MasterKey) {
        if self.0.iter().all(|it| it.id != key.id) {
            self.0.push(key);
        }
    }
}

fn read_key(word: &str) -> anyhow::Result<Key> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    if leadwire_core::hex::decode_into(word, &mut *bytes).is_none() {
        bail!("expected {} hexadecimal digits for each key", 2 * KEY_BYTES);
    }
    Key::from_bytes(&*bytes).context("a key has the wrong length")
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    leadwire_core::hex::encode_into(bytes, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(keys: &MasterKeys) -> Vec<String> {
        keys.ids().map(ToString::to_string).collect()
    }

    #[test]
    fn keys_are_read_back_as_they_were_written_and_in_order() {
        let keys = MasterKeys::random().with_new().expect("room");
        let read = MasterKeys::parse(&keys.to_text()).expect("keys");
        assert_eq!(ids(&read), ids(&keys));
        assert_eq!(read.current().key.bytes(), keys.current().key.bytes());
    }

    #[test]
    fn a_key_that_is_told_twice_counts_once() {
        let (one, two) = ("07".repeat(32), "08".repeat(32));
        let keys = MasterKeys::parse(&format!("{one}, {two},{one}\n")).expect("keys");
        assert_eq!(keys.ids().count(), 2);
    }

    #[test]
    fn the_id_of_a_key_is_the_start_of_its_hash() {
        // `printf '%064d' 0 | xxd -r -p | sha256sum`
        let keys = MasterKeys::parse(&"00".repeat(32)).expect("a key");
        assert_eq!(ids(&keys), ["66687aadf862bd77"]);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let long = "07".repeat(33);
        let odd = format!("+{}", "7".repeat(63));
        for text in ["", " \n", "hunter2", &long, &odd, &format!("{}, hunter2", "07".repeat(32))] {
            let Err(error) = MasterKeys::parse(text) else { panic!("it was taken") };
            assert!(!format!("{error:#}").contains("hunter2") && error.to_string().contains("64"), "{error}");
        }
    }

    #[test]
    fn rotations_that_never_finish_come_to_an_end() {
        let mut keys = MasterKeys::random();
        for _ in 1..MASTER_KEYS_MAX {
            keys = keys.with_new().expect("room");
        }
        assert!(keys.with_new().is_err());
        assert!(MasterKeys::parse(&keys.to_text()).is_ok());
    }

    #[test]
    fn only_former_keys_that_nothing_needs_are_dropped() {
        let keys = MasterKeys::random().with_new().and_then(|it| it.with_new()).expect("room");
        let all = ids(&keys);
        let kept = keys.without_former(|id| id.as_str() == all[2]);
        assert_eq!(ids(&kept), [all[0].clone(), all[2].clone()]);
    }
}
