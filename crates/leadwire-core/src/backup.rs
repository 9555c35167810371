//! Which backups there are by the names of their files, when the next one is due, and which are too old to keep.

use crate::rfc3339;
use crate::time::Timestamp;
use std::time::Duration;

const BEFORE: &str = "leadwire-";
const BEHIND: &str = ".backup";

/// The name of the file of a backup that is made at a moment, such as `leadwire-2026-11-20T100000Z.backup`. Names sort as
/// their moments do; no colon, which some disks refuse.
pub fn file_name(at: Timestamp) -> String {
    let second = Timestamp::from_millis(at.millis().div_euclid(1000) * 1000);
    format!("{BEFORE}{}{BEHIND}", rfc3339::format(second).replace(':', ""))
}

/// When the backup of this name was made; none: the file is something else, and nothing is to be done with it.
pub fn made_at(name: &str) -> Option<Timestamp> {
    let moment = name.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?;
    let (day, time) = moment.split_once('T')?;
    let [hour, minute, rest] = [time.get(0..2)?, time.get(2..4)?, time.get(4..)?];
    let at = rfc3339::parse(&format!("{day}T{hour}:{minute}:{rest}"))?;
    (file_name(at) == name).then_some(at)
}

/// Whether this is what a backup that never ended left behind.
pub fn is_left_over(name: &str) -> bool {
    name.strip_suffix(".part").is_some_and(|it| made_at(it).is_some())
}

/// How long to wait for the next backup: not at all when the newest one is older than `every`. One of the future, from a clock
/// that was wrong, counts for nothing.
pub fn wait(made: &[Timestamp], every: Duration, now: Timestamp) -> Duration {
    let newest = made.iter().filter(|it| **it <= now).max();
    newest.map_or(Duration::ZERO, |it| it.plus(every).since(now))
}

/// Those to remove once `newest` was made and found good: all but the `keep` last ones, and never that one.
pub fn surplus(made: &[Timestamp], newest: Timestamp, keep: usize) -> Vec<Timestamp> {
    let mut others: Vec<Timestamp> = made.iter().copied().filter(|it| *it != newest).collect();
    others.sort_unstable();
    let stay = keep.max(1) - 1;
    others.truncate(others.len().saturating_sub(stay));
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn only_names_that_a_backup_has_are_taken_for_one() {
        assert_eq!(file_name(at(1_763_632_800)), "leadwire-2025-11-20T100000Z.backup");
        for other in ["leadwire.backup", "leadwire-2025-11-20T10:00:00Z.backup", "leadwire-x.backup", "a"] {
            assert_eq!(made_at(other), None, "{other}");
        }
        assert!(is_left_over("leadwire-2025-11-20T100000Z.backup.part"));
        assert!(!is_left_over("mine.part") && !is_left_over("leadwire-2025-11-20T100000Z.backup"));
    }

    proptest! {
        #[test]
        fn a_name_says_when_its_backup_was_made(seconds in 0..4_000_000_000_i64) {
            prop_assert_eq!(made_at(&file_name(at(seconds))), Some(at(seconds)));
        }

        #[test]
        fn the_one_just_made_stays_and_no_more_go_than_must(
            made in proptest::collection::btree_set(0..1000_i64, 1..9), keep in 1..9_usize, which in 0..9_usize,
        ) {
            let made: Vec<Timestamp> = made.into_iter().map(at).collect();
            let newest = made[which % made.len()];
            let gone = surplus(&made, newest, keep);
            prop_assert!(!gone.contains(&newest));
            prop_assert_eq!(made.len() - gone.len(), made.len().min(keep));
            let stay = made.iter().filter(|it| !gone.contains(it) && **it != newest);
            prop_assert!(stay.min().is_none_or(|oldest| gone.iter().all(|it| it < oldest)));
        }

        #[test]
        fn a_backup_is_never_sooner_than_due_nor_later(made in 0..1000_i64, every in 1..1000_u64, now in 0..2000_i64) {
            let waits = wait(&[at(made)], Duration::from_secs(every), at(now)).as_secs() as i64;
            let expected = if made > now { 0 } else { (made + every as i64 - now).max(0) };
            prop_assert_eq!(waits, expected);
        }
    }
}
