//! The audit log's chain: an entry is bound to all before it by a hash, so that none can be changed or taken out unnoticed.

use crate::time::Timestamp;
use aws_lc_rs::digest;

/// What somebody changed. It holds ids and names of the set-up, and never a secret or a personal value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose chain it is in; the empty text is the operator's.
    pub publisher: String,
    /// Its number in that chain, from 1 and without a gap.
    pub number: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who: the id of a key, or `service` when nobody asked.
    pub who: String,
    /// What that key might do; empty for the service.
    pub role: String,
    /// What was done, as a stable name such as `destination.update`.
    pub action: String,
    /// To what: ids and names, separated by spaces.
    pub subject: String,
    /// Which fields were given, separated by spaces; never their values.
    pub detail: String,
}

/// A SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first entry of a chain.
pub const BEFORE_ALL: Hash = [0; 32];

/// The hash of an entry behind another one. Each part goes in with its length, so that no two entries read alike.
pub fn link(previous: &Hash, entry: &Entry) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"leadwire-audit-1\n");
    context.update(previous);
    context.update(&entry.number.to_le_bytes());
    context.update(&entry.at.millis().to_le_bytes());
    let texts = [&entry.publisher, &entry.who, &entry.role, &entry.action, &entry.subject, &entry.detail];
    for text in texts {
        context.update(&u64::try_from(text.len()).expect("a length fits").to_le_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// SHA-256 of a body as it was received, by which it is looked at again.
pub fn sha256(body: &[u8]) -> Hash {
    digest::digest(&digest::SHA256, body).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            publisher: "contoso".to_owned(),
            number: 1,
            at: Timestamp::from_millis(5),
            who: "key_1".to_owned(),
            role: "operator".to_owned(),
            action: "offer.add".to_owned(),
            subject: "crm".to_owned(),
            detail: "title".to_owned(),
        }
    }

    #[test]
    fn every_part_of_an_entry_and_all_before_it_are_in_its_hash() {
        let own = link(&BEFORE_ALL, &entry());
        let changed = [
            Entry { publisher: "fabrikam".to_owned(), ..entry() },
            Entry { number: 2, ..entry() },
            Entry { at: Timestamp::from_millis(6), ..entry() },
            Entry { who: "key_2".to_owned(), ..entry() },
            Entry { role: "reader".to_owned(), ..entry() },
            Entry { action: "offer.remove".to_owned(), ..entry() },
            Entry { subject: "erp".to_owned(), ..entry() },
            Entry { detail: String::new(), ..entry() },
        ];
        for it in changed {
            assert_ne!(link(&BEFORE_ALL, &it), own, "{it:?}");
        }
        assert_ne!(link(&own, &entry()), own);
    }

    proptest! {
        #[test]
        fn text_that_moves_from_one_part_to_the_next_is_noticed(text in "[a-z]{1,12}", at in 0usize..12) {
            let (left, right) = text.split_at(at.min(text.len()));
            let whole = Entry { subject: text.clone(), detail: String::new(), ..entry() };
            let split = Entry { subject: left.to_owned(), detail: right.to_owned(), ..entry() };
            let is_same = whole == split;
            prop_assert_eq!(link(&BEFORE_ALL, &whole) == link(&BEFORE_ALL, &split), is_same);
        }
    }
}
