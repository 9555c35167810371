//! What holds of silence, whatever came before it.

use super::*;
use proptest::prelude::*;

/// A Monday, 00:00 in UTC.
const MONDAY: i64 = 2966 * WEEK_HOURS + 96;

/// Office hours, Monday to Friday, for some weeks.
fn office(weeks: i64) -> Vec<i64> {
    let of_week = (0..5).flat_map(|day| (9..17).map(move |hour| day * 24 + hour));
    let of_week: Vec<i64> = of_week.collect();
    (0..weeks).flat_map(|week| of_week.iter().map(move |it| MONDAY + week * WEEK_HOURS + it)).collect()
}

fn is_silent(hours: &[i64], hour: i64) -> bool {
    Usual::learn(hours).is_some_and(|it| it.silence(beginning(hour)).is_some())
}

#[test]
fn the_week_of_these_tests_begins_on_a_monday() {
    // 1970-01-01 was a Thursday.
    assert_eq!((MONDAY / 24 + 3) % 7, 0);
}

#[test]
fn a_weekend_that_was_always_silent_is_not_told_and_a_monday_without_leads_is() {
    let hours = office(4);
    let weekend_ends = MONDAY + 4 * WEEK_HOURS;
    for hour in weekend_ends - 60..=weekend_ends + 9 {
        assert!(!is_silent(&hours, hour), "{}", hour - weekend_ends);
    }
    assert!(!is_silent(&hours, weekend_ends + 12));
    assert!(is_silent(&hours, weekend_ends + 17), "the whole Monday went by");
}

#[test]
fn too_short_a_past_says_nothing() {
    assert_eq!(Usual::learn(&[]), None);
    assert_eq!(Usual::learn(&office(1)), None);
    let few: Vec<i64> = (0..10).map(|it| MONDAY + it * WEEK_HOURS).collect();
    assert_eq!(Usual::learn(&few), None);
}

#[test]
fn one_breakdown_does_not_make_the_next_one_usual() {
    let mut hours = office(3);
    hours.extend(office(4).iter().map(|it| it + 5 * WEEK_HOURS));
    let end = hours.last().unwrap() + 1;
    assert!((end..end + 2 * WEEK_HOURS).any(|it| is_silent(&hours, it)), "two weeks were silent once");
}

fn history() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::btree_set(0..6 * WEEK_HOURS, 20..400)
        .prop_map(|all| all.into_iter().map(|it| MONDAY + it).collect())
}

proptest! {
    #[test]
    fn hours_that_were_always_silent_never_count(hours in history(), wait in 0..3 * WEEK_HOURS) {
        let last = *hours.last().unwrap();
        let ever: std::collections::BTreeSet<usize> = hours.iter().map(|it| place(*it)).collect();
        let waited = last + 1..last + 1 + wait;
        if waited.clone().all(|it| !ever.contains(&place(it))) {
            prop_assert!(!is_silent(&hours, waited.end));
        }
    }

    #[test]
    fn once_silent_it_stays_so_until_something_comes(hours in history(), first in 1..400i64, more in 0..400i64) {
        let last = *hours.last().unwrap();
        if is_silent(&hours, last + first) {
            prop_assert!(is_silent(&hours, last + first + more));
        }
    }

    #[test]
    fn what_just_came_is_not_silent(hours in history()) {
        let last = *hours.last().unwrap();
        prop_assert!(!is_silent(&hours, last));
        prop_assert!(!is_silent(&hours, last + 1));
    }

    #[test]
    fn a_steady_feed_is_told_when_it_breaks_down_and_not_after_one_gap_that_was_missed(gap in 1..24i64) {
        let hours: Vec<i64> = (0..6 * WEEK_HOURS / gap).map(|it| MONDAY + it * gap).collect();
        let last = *hours.last().unwrap();
        prop_assert!(!is_silent(&hours, last + 2 * gap));
        // However its gaps fall into the week, so many missing in a row are more than chance.
        prop_assert!(is_silent(&hours, last + 40 * gap + WEEK_HOURS));
    }
}
