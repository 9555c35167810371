//! Marks that only this installation can make: forms carry one, so that what comes back is what was shown.

use super::Vault;
use super::ring::MasterKey;
use aws_lc_rs::hmac;

impl Vault {
    /// The mark of these parts, for one purpose. It is made with the current master key and tells nothing of it.
    pub fn stamp(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        of(self.ring().current(), purpose, parts)
    }

    /// Whether a mark is that of these parts, made with any master key at hand. The time it takes tells nothing.
    pub fn is_stamp(&self, purpose: &str, parts: &[&[u8]], mark: &[u8]) -> bool {
        let is_of = |key| crate::secrets::is_same_hash(&of(key, purpose, parts), mark);
        self.ring().all().any(is_of)
    }
}

fn of(key: &MasterKey, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    // A key of its own for each purpose, so that no mark is anything elsewhere.
    let master = hmac::Key::new(hmac::HMAC_SHA256, key.key.bytes());
    let own = hmac::sign(&master, format!("leadwire stamp 1 {purpose}").as_bytes());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()));
    for part in parts {
        // Each with its length, so that no two lists of parts are alike.
        context.update(&u64::try_from(part.len()).expect("a length fits").to_le_bytes());
        context.update(part);
    }
    context.sign().as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, ring::MasterKeys};
    use super::*;

    fn vault() -> Vault {
        Vault::of(Origin::Setting, MasterKeys::random(), None)
    }

    #[test]
    fn a_mark_is_of_its_parts_its_purpose_and_its_installation() {
        let vault = vault();
        let mark = vault.stamp("form", &[b"ab", b"c"]);
        assert!(vault.is_stamp("form", &[b"ab", b"c"], &mark));
        assert!(!vault.is_stamp("form", &[b"a", b"bc"], &mark));
        assert!(!vault.is_stamp("other", &[b"ab", b"c"], &mark));
        assert!(!vault.is_stamp("form", &[b"ab", b"c"], &mark[..31]));
        assert!(!super::tests::vault().is_stamp("form", &[b"ab", b"c"], &mark));
    }

    #[test]
    fn a_mark_of_a_former_master_key_counts_while_that_key_is_at_hand() {
        let before = vault();
        let mark = before.stamp("form", &[b"x"]);
        let after = Vault::of(Origin::Setting, before.ring().with_new().expect("room"), None);
        assert!(after.is_stamp("form", &[b"x"], &mark));
        assert_ne!(after.stamp("form", &[b"x"]), mark);
    }
}
