//! Whose rows a body reads and writes, and the locks that keep others from them meanwhile.

use leadwire_core::id::PublisherId;
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

    /// Those of a publisher or, with none, the operator's own.
    pub(crate) fn of_whom(publisher: Option<&PublisherId>) -> Self {
        Self::of(publisher.map_or("", PublisherId::as_str))
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

    /// As the walls of the schema read it: a name, or several, each between two commas; everybody's rows are asked for
    /// explicitly. The operator's empty name is always between commas, for an empty text names nobody.
    fn setting(&self) -> String {
        let Self::Publishers(all) = self else { return "*".to_owned() };
        match all.first().filter(|it| all.len() == 1 && !it.is_empty()) {
            Some(one) => one.clone(),
            None => all.iter().fold(",".to_owned(), |text, it| text + it + ","),
        }
    }

    /// Those of all these bodies together.
    pub(crate) fn of_all<'a>(scopes: impl Iterator<Item = &'a Self>) -> Self {
        let mut together = BTreeSet::new();
        for scope in scopes {
            match scope {
                Self::Everything => return Self::Everything,
                Self::Publishers(all) => together.extend(all.iter().cloned()),
            }
        }
        Self::Publishers(together)
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

/// What begins a transaction that sees rows of a scope and no others. One text, and so one way to the server and back; a
/// statement rather than a function, since a distributed server hands statements on to its parts.
pub(crate) fn begin(how: &str, scope: &Scope) -> String {
    // Names are of letters, digits, `-` and `_`; should there ever be another one, it stays within the quotes.
    let names = scope.setting().replace('\'', "''");
    format!("BEGIN ISOLATION LEVEL {how}; SET LOCAL leadwire.publishers = '{names}'")
}

/// The locks a transaction takes before anything else.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Locks {
    pub(super) everything: bool,
    /// In ascending order, so that no two transactions wait for each other.
    pub(super) publishers: Vec<i64>,
}

impl Locks {
    pub(super) fn of(scope: &Scope) -> Self {
        let Scope::Publishers(all) = scope else { return Self { everything: true, publishers: Vec::new() } };
        let mut publishers: Vec<i64> = all.iter().map(|it| key_of(it)).collect();
        publishers.sort_unstable();
        publishers.dedup();
        Self { everything: false, publishers }
    }
}

/// The key of the lock that everybody shares, and that a body about everything has alone.
pub(crate) const EVERYTHING: i64 = 5_323;

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
        let locks = Locks::of(&Scope::of_all([&b, &a].into_iter()));
        assert_eq!(locks, Locks::of(&Scope::of_all([&a, &b].into_iter())));
        assert_eq!(locks.publishers.len(), 2);
        assert!(locks.publishers.is_sorted() && !locks.everything);
    }

    #[test]
    fn whoever_says_nothing_waits_for_all() {
        let locks = Locks::of(&Scope::of_all([&Scope::of("contoso"), &Scope::Everything].into_iter()));
        assert_eq!(locks, Locks { everything: true, publishers: Vec::new() });
        assert_eq!(Scope::Everything.and("contoso"), Scope::Everything);
    }

    #[test]
    fn a_transaction_sees_the_rows_it_names_and_everybodys_only_when_it_says_so() {
        let set = |scope: &Scope| begin("X", scope).split_once(" = ").unwrap().1.to_owned();
        assert_eq!(set(&Scope::Everything), "'*'");
        assert_eq!(set(&Scope::of("contoso")), "'contoso'");
        assert_eq!(set(&Scope::of("contoso").and("a-b_1")), "',a-b_1,contoso,'");
        // The operator has the empty name.
        assert_eq!(set(&Scope::of("")), "',,'");
        assert_eq!(set(&Scope::of("").and("contoso")), "',,contoso,'");
        assert_eq!(set(&Scope::of("a','b")), "'a'',''b'");
    }
}
