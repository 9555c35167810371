//! What holds of when somebody is told, and when not.

use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn every_kind_has_a_name_of_its_own_and_good_news_ends_something() {
    for kind in NoticeKind::ALL {
        assert_eq!(NoticeKind::parse(kind.as_str()), Some(kind));
        assert!(!kind.is_good() || !kind.ends().is_empty(), "{kind:?}");
        assert!(!(kind.is_good() && kind.lasts()), "{kind:?}");
        assert!(!kind.ends().contains(&kind), "{kind:?}");
    }
    assert!(NoticeKind::Paused.lasts() && !NoticeKind::Parked.lasts() && !NoticeKind::EndsSoon.lasts());
}

#[test]
fn a_lasting_trouble_is_told_again_after_an_hour_then_six_then_daily() {
    let hours: Vec<u64> = (1..=5).map(|it| again_after(it).as_secs() / 3600).collect();
    assert_eq!(hours, [1, 6, 24, 24, 24]);
}

#[test]
fn a_few_failures_in_a_moment_are_no_news_and_five_minutes_of_them_are() {
    let failures = |tries| Failures { tries, since: Some(START) };
    assert!(!is_failing(Failures::default(), START));
    assert!(!is_failing(failures(1000), START), "a burst that fails together is one failure");
    assert!(is_failing(failures(limits::FAILING_TRIES), START.plus(limits::FAILING_SHORTEST)));
    assert!(!is_failing(failures(2), START.plus(MINUTE)));
    assert!(is_failing(failures(2), START.plus(limits::FAILING_FOR)));
    assert!(
        !is_failing(failures(1), START.plus(limits::FAILING_FOR * 9)),
        "one try is not tried again and again"
    );
}

#[test]
fn parked_leads_are_told_at_one_ten_a_hundred_and_when_they_rise() {
    let mut told = ParkedTold::default();
    let mut heard = Vec::new();
    for (minute, count) in [(0, 1), (1, 5), (2, 9), (3, 10), (4, 12), (5, 400), (6, 450), (7, 510), (8, 520)]
    {
        let (known, news) = parked(told, count, START.plus(MINUTE * minute));
        told = known;
        heard.extend(news);
    }
    let expected =
        [ParkedNews::Passed(1), ParkedNews::Passed(10), ParkedNews::Passed(100), ParkedNews::Rose(110)];
    assert_eq!(heard, expected);
    let (emptied, news) = parked(told, 0, START.plus(MINUTE * 9));
    assert_eq!((emptied.mark, news), (0, None));
    assert_eq!(parked(emptied, 1, START.plus(MINUTE * 10)).1, Some(ParkedNews::Passed(1)));
}

#[test]
fn a_disk_that_hovers_at_a_mark_is_not_told_again_and_again() {
    let (reserve, warning) = (100, 100 * limits::DISK_WARNING_RESERVES);
    assert_eq!(disk_level(DiskLevel::Fine, warning - 1, reserve), DiskLevel::Low);
    assert_eq!(disk_level(DiskLevel::Low, warning, reserve), DiskLevel::Low);
    assert_eq!(disk_level(DiskLevel::Low, warning * 5 / 4, reserve), DiskLevel::Fine);
    assert_eq!(disk_level(DiskLevel::Low, reserve - 1, reserve), DiskLevel::Full);
    assert_eq!(disk_level(DiskLevel::Full, reserve + 1, reserve), DiskLevel::Full);
    assert_eq!(disk_level(DiskLevel::Full, reserve * 2, reserve), DiskLevel::Low);
}

proptest! {
    #[test]
    fn never_more_messages_than_allowed_in_any_hour(gaps in proptest::collection::vec(0u64..1_800_000, 1..200)) {
        let (mut now, mut sent) = (START, Vec::<Timestamp>::new());
        for gap in gaps {
            now = now.plus(Duration::from_millis(gap));
            if next_message_at(&sent, now) <= now {
                sent.insert(0, now);
            }
        }
        for window in sent.windows(limits::NOTICE_MESSAGES_PER_HOUR + 1) {
            prop_assert!(window[0].since(window[limits::NOTICE_MESSAGES_PER_HOUR]) >= limits::NOTICE_HOUR);
        }
    }

    #[test]
    fn what_is_held_back_is_told_within_the_hour(gaps in proptest::collection::vec(0u64..600_000, 0..20)) {
        let mut sent = Vec::new();
        let mut now = START;
        for gap in gaps {
            now = now.plus(Duration::from_millis(gap));
            sent.insert(0, now);
        }
        prop_assert!(next_message_at(&sent, now).since(now) <= limits::NOTICE_HOUR);
    }

    #[test]
    fn a_mark_is_told_once_while_parked_leads_only_grow(steps in proptest::collection::vec(0u64..50, 1..200)) {
        let (mut told, mut count, mut marks) = (ParkedTold::default(), 0, Vec::new());
        for (at, step) in steps.into_iter().enumerate() {
            count += step;
            let (known, news) = parked(told, count, START.plus(MINUTE * u32::try_from(at).unwrap()));
            told = known;
            if let Some(ParkedNews::Passed(mark)) = news {
                marks.push(mark);
            }
        }
        prop_assert!(marks.windows(2).all(|it| it[0] < it[1]), "{marks:?}");
        prop_assert_eq!(marks.last().copied().unwrap_or(0), mark(count));
    }

    #[test]
    fn a_disk_is_full_whenever_leads_are_turned_away(free in 0u64..100_000, before in 0usize..3) {
        let before = [DiskLevel::Fine, DiskLevel::Low, DiskLevel::Full][before];
        let level = disk_level(before, free, 1000);
        prop_assert!(free >= 1000 || level == DiskLevel::Full);
        prop_assert_eq!(disk_level(level, free, 1000), level, "a second look at the same space says the same");
    }
}
