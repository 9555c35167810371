//! Tests of reports against a model that keeps everything and counts it afterwards.

use super::*;
use crate::feedback::Word;
use crate::id::FeedbackId;
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[derive(Clone, Debug)]
struct Came {
    key: usize,
    received_at: i64,
    places: Vec<Place>,
    lead: Option<NewLead>,
}

fn fate() -> impl Strategy<Value = Fate> {
    proptest::collection::vec((0i64..9, 0usize..4), 0..3).prop_map(|words| {
        Fate::of((0u128..).zip(words).map(|(id, (moment, kind))| Word {
            at: at(moment),
            id: FeedbackId::new(id),
            kind: FeedbackKind::ALL[kind],
        }))
    })
}

fn came() -> impl Strategy<Value = Came> {
    let place = prop_oneof![
        (0i64..5_000_000).prop_map(|it| Place::Delivered(at(it))),
        Just(Place::Waiting),
        Just(Place::Parked),
        Just(Place::HeldBack),
        Just(Place::Suppressed),
        Just(Place::Erased),
    ];
    let lead = (any::<bool>(), fate()).prop_map(|(is_delivered, fate)| NewLead { is_delivered, fate });
    (0usize..4, 0i64..1_000_000, proptest::collection::vec(place, 0..4), proptest::option::of(lead))
        .prop_map(|(key, received_at, places, lead)| Came { key, received_at, places, lead })
}

proptest! {
    #[test]
    fn a_report_counts_as_somebody_with_a_list_would(all in proptest::collection::vec(came(), 0..60)) {
        let mut report = Report::default();
        for it in &all {
            let seen = Seen { received_at: at(it.received_at), places: &it.places, lead: it.lead };
            report.add(&format!("k{}", it.key), &seen);
            report.add_to_total(&seen);
        }
        for (key, counts) in report.rows() {
            let own: Vec<&Came> = all.iter().filter(|it| format!("k{}", it.key) == key).collect();
            let leads: Vec<NewLead> = own.iter().filter_map(|it| it.lead).collect();
            let places = || own.iter().flat_map(|it| &it.places);
            let is = |kind| leads.iter().filter(|it| it.fate.now.is_some_and(|it| it.kind == kind)).count() as u64;
            prop_assert_eq!(counts.touchpoints, own.len() as u64);
            prop_assert_eq!(counts.leads, leads.len() as u64);
            prop_assert_eq!(counts.leads + counts.folded, counts.touchpoints);
            prop_assert_eq!(counts.leads_delivered, leads.iter().filter(|it| it.is_delivered).count() as u64);
            prop_assert_eq!(counts.converted, is(FeedbackKind::Converted));
            prop_assert_eq!(counts.disqualified, is(FeedbackKind::Disqualified));
            prop_assert_eq!(counts.lost, is(FeedbackKind::Lost));
            prop_assert_eq!(counts.qualified, leads.iter().filter(|it| it.fate.is_qualified()).count() as u64);
            prop_assert!(counts.converted <= counts.qualified && counts.qualified <= counts.leads);
            let sum = counts.delivered + counts.waiting + counts.parked + counts.suppressed + counts.erased;
            prop_assert_eq!(sum, places().count() as u64);
            prop_assert_eq!(counts.held_back, places().filter(|it| **it == Place::HeldBack).count() as u64);
            let arrived = own.iter().filter(|it| it.places.iter().any(|it| matches!(it, Place::Delivered(_))));
            prop_assert_eq!(counts.took.count(), arrived.count() as u64);
        }
        let rows: u64 = report.rows().iter().map(|it| it.1.touchpoints).sum();
        prop_assert_eq!(rows, report.total().touchpoints);
    }

    #[test]
    fn a_percentile_is_never_short_and_at_most_a_32nd_long(mut all in proptest::collection::vec(0u64..90_000_000_000, 1..80), percent in 1u32..=100) {
        let mut times = Times::default();
        all.iter().for_each(|it| times.add(Duration::from_millis(*it)));
        all.sort_unstable();
        let exact = all[(all.len() * percent as usize).div_ceil(100).max(1) - 1];
        let told = u64::try_from(times.percentile(percent).unwrap().as_millis()).unwrap();
        prop_assert!(exact <= told && told - exact <= exact / 32, "{exact} was told as {told}");
    }
}

#[test]
fn the_extremes_have_classes_too() {
    for took in [Duration::ZERO, Duration::from_millis(63), Duration::from_millis(64), Duration::MAX] {
        let mut times = Times::default();
        times.add(took);
        assert!(times.percentile(50).unwrap() >= took.min(Duration::from_millis(1 << 62)));
    }
    assert_eq!(Times::default().percentile(50), None);
}

#[test]
fn names_that_senders_make_up_do_not_make_rows_without_end() {
    let mut report = Report::default();
    let seen = Seen { received_at: at(0), places: &[], lead: None };
    for number in 0..REPORT_ROWS_MAX + 7 {
        report.add(&format!("campaign {number}"), &seen);
    }
    report.add(&"é".repeat(REPORT_KEY_BYTES_MAX), &seen);
    assert_eq!(report.rows().len(), REPORT_ROWS_MAX);
    assert_eq!(report.other().map(|it| it.touchpoints), Some(8));
}
