//! Whose rows a body reads and writes, and the locks that keep others from them meanwhile.

use std::collections::BTreeSet;

/// Whose rows a body may read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everybody's.
    Everything,
    /// Those of these publishers; the empty text is the operator.
    Publishers(BTreeSet<String>),
}

impl Scope {
    pub(crate) fn of(publisher: &str) -> Self {
        Self::Publishers(BTreeSet::from([publisher.to_owned()]))
    }

    /// Those of one more publisher too.
    pub(crate) fn and(self, publisher: &str) -> Self {
        match self {
            Self::Everything => self,
            Self::Publishers(mut all) => {
                all.insert(publisher.to_owned());
                Self::Publishers(all)
            }
        }
    }

    /// Which of several writers takes it: one publisher's bodies never wait for each other's locks on one node.
    pub(super) fn writer(&self, writers: usize) -> usize {
        match self {
            Self::Everything => 0,
            Self::Publishers(all) => {
                let key = all.first().map_or(0, |it| key_of(it).unsigned_abs());
                usize::try_from(key % u64::try_from(writers).unwrap_or(1)).unwrap_or(0)
            }
        }
    }
}

/// The locks a transaction takes before anything else.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Locks {
    pub(super) everything: bool,
    /// In ascending order, so that no two transactions wait for each other.
    pub(super) publishers: Vec<i64>,
}

impl Locks {
    pub(super) fn of<'a>(scopes: impl Iterator<Item = &'a Scope>) -> Self {
        let mut locks = Self::default();
        for scope in scopes {
            match scope {
                Scope::Everything => return Self { everything: true, publishers: Vec::new() },
                Scope::Publishers(all) => locks.publishers.extend(all.iter().map(|it| key_of(it))),
            }
        }
        locks.publishers.sort_unstable();
        locks.publishers.dedup();
        locks
    }
}

/// The key of the lock that everybody shares, and that a body about everything has alone.
pub(super) const EVERYTHING: i64 = 5_323;

/// FNV-1a. Two publishers of one key only wait for each other.
fn key_of(publisher: &str) -> i64 {
    let hash = publisher.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::from_ne_bytes(hash.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_taken_in_one_order_and_once() {
        let (a, b) = (Scope::of("contoso"), Scope::of("fabrikam").and("contoso"));
        let locks = Locks::of([&b, &a].into_iter());
        assert_eq!(locks, Locks::of([&a, &b].into_iter()));
        assert_eq!(locks.publishers.len(), 2);
        assert!(locks.publishers.is_sorted() && !locks.everything);
    }

    #[test]
    fn whoever_says_nothing_waits_for_all() {
        let locks = Locks::of([&Scope::of("contoso"), &Scope::Everything].into_iter());
        assert_eq!(locks, Locks { everything: true, publishers: Vec::new() });
        assert_eq!(Scope::Everything.and("contoso"), Scope::Everything);
    }
}
