//! Laws of budgets: what is allowed is never exceeded in any stretch of time, and nothing is lost for ever.

use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_millis(1_795_168_800_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const COST: Cost = Cost { fixed: 2, each: 0, spare: 0 };

fn window(calls: u32, length: Duration, kept_percent: u8) -> Window {
    Window { calls: Some(calls), length, kept_percent, is_set: false }
}

fn budget(windows: Vec<Window>) -> Budget {
    Budget { account: "acme".to_owned(), windows, cost: COST }
}

/// What happens next in a history.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    /// Reserves calls, and makes some of them so much later.
    Reserve {
        calls: u32,
        made: u32,
        after: u64,
    },
    /// Reserves calls and dies: some of them were made, nobody tells of any.
    Die {
        calls: u32,
        made: u32,
        after: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = 0..=limits::CALLS_HELD.as_millis() as u64;
    let calls = || (0u32..40, 0u32..40);
    prop::collection::vec(
        prop_oneof![
            (1u64..30_000).prop_map(Step::Pass),
            (1u64..100_000_000).prop_map(Step::Pass),
            (calls(), after.clone()).prop_map(|((calls, made), after)| Step::Reserve { calls, made, after }),
            (calls(), after).prop_map(|((calls, made), after)| Step::Die { calls, made, after }),
        ],
        1..60,
    )
}

/// Keeps the books over a history, and gives the moments of all calls that were made.
fn play(budget: &Budget, steps: &[Step]) -> Vec<Timestamp> {
    let mut now = START;
    let mut counts = Vec::new();
    let mut made_at = Vec::new();
    let mut open: Vec<(Timestamp, Back)> = Vec::new();
    for step in steps {
        if let Step::Pass(millis) = step {
            now = now.plus(Duration::from_millis(*millis));
        }
        let mut book = Book::open(budget, counts, now);
        let (ended, going): (Vec<_>, Vec<_>) = open.into_iter().partition(|it| it.0 <= now);
        open = going;
        book.settle(&ended.iter().map(|it| it.1).collect::<Vec<_>>(), now);
        if let Step::Reserve { calls, made, after } | Step::Die { calls, made, after } = step {
            let granted = book.free(now).min(*calls);
            let until = book.reserve(granted, now);
            let sent = granted.min(*made);
            let at = now.plus(Duration::from_millis(*after));
            assert!(at <= until);
            made_at.extend((0..sent).map(|_| at));
            if let Step::Reserve { .. } = step {
                open.push((at, Back { until, sent, unused: granted - sent }));
            }
        }
        counts = book.counts().to_vec();
    }
    made_at.sort();
    made_at
}

proptest! {
    #[test]
    fn no_stretch_of_a_windows_length_has_more_calls_than_are_allowed(
        steps in steps(), calls in 1u32..200, kept in 0u8..60, seconds in 1u64..600
    ) {
        let windows = vec![window(calls, Duration::from_secs(seconds), kept), window(calls * 4, DAY, 20)];
        let budget = budget(windows);
        let made_at = play(&budget, &steps);
        for window in &budget.windows {
            let allowed = usize::try_from(window.allowed(window.calls.unwrap())).unwrap();
            for (place, from) in made_at.iter().enumerate() {
                let within = made_at[place..].iter().take_while(|it| it.since(*from) < window.length).count();
                prop_assert!(within <= allowed, "{within} calls in {:?}, of {allowed}", window.length);
            }
        }
    }

    #[test]
    fn everything_is_free_again_a_window_after_the_last_reservation(steps in steps(), calls in 1u32..200) {
        let budget = budget(vec![window(calls, DAY, 0)]);
        let mut book = Book::open(&budget, Vec::new(), START);
        for step in &steps {
            if let Step::Reserve { calls, .. } | Step::Die { calls, .. } = step {
                book.reserve(book.free(START).min(*calls), START);
            }
        }
        let end = book.free_at(u32::MAX, START);
        prop_assert!(end <= START.plus(limits::CALLS_HELD + DAY + DAY / 24 + Duration::from_millis(1)));
        let later = Book::open(&budget, book.counts().to_vec(), end);
        prop_assert_eq!(later.free(end), calls);
    }

    #[test]
    fn what_was_reserved_and_not_made_is_given_back(
        calls in 1u32..100, made in 0u32..100, after in 0u64..150_000
    ) {
        let budget = budget(vec![window(100, DAY, 0), window(100, Duration::from_secs(20), 0)]);
        let mut book = Book::open(&budget, Vec::new(), START);
        let until = book.reserve(calls, START);
        let (sent, now) = (made.min(calls), START.plus(Duration::from_millis(after)));
        let mut book = Book::open(&budget, book.counts().to_vec(), now);
        book.settle(&[Back { until, sent, unused: calls - sent }], now);
        prop_assert_eq!(book.free(now), 100 - sent);
    }

    #[test]
    fn the_moment_that_is_foretold_is_the_first_at_which_there_is_enough(steps in steps(), wanted in 1u32..100) {
        let budget = budget(vec![window(100, Duration::from_secs(20), 0), window(300, DAY, 0)]);
        let mut book = Book::open(&budget, Vec::new(), START);
        let mut now = START;
        for step in &steps {
            match step {
                Step::Pass(millis) => now = now.plus(Duration::from_millis(*millis)),
                Step::Reserve { calls, .. } | Step::Die { calls, .. } => {
                    let free = Book::open(&budget, book.counts().to_vec(), now).free(now);
                    book.spend(free.min(*calls), now);
                }
            }
            book = Book::open(&budget, book.counts().to_vec(), now);
        }
        let at = book.free_at(wanted, now);
        let free = |at| Book::open(&budget, book.counts().to_vec(), at).free(at);
        prop_assert!(free(at) >= wanted);
        if at > now {
            prop_assert!(free(at.minus(Duration::from_millis(1))) < wanted);
        }
    }
}

#[test]
fn a_reservation_past_its_window_is_worth_nothing() {
    let budget = budget(vec![window(10, Duration::from_secs(20), 0)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    let until = book.reserve(10, START);
    let late = until.plus(Duration::from_secs(22));
    let mut book = Book::open(&budget, book.counts().to_vec(), late);
    assert_eq!(book.free(late), 10);
    book.settle(&[Back { until, sent: 3, unused: 7 }], late);
    assert_eq!(book.free(late), 10);
    assert!(book.counts()[0].spent.is_empty());
}

#[test]
fn what_is_told_replaces_the_guess_and_counts_everybody() {
    let budget = budget(vec![Window { calls: None, length: DAY, kept_percent: 20, is_set: false }]);
    let mut book = Book::open(&budget, Vec::new(), START);
    assert_eq!(book.free(START), u32::MAX, "nothing is known yet");
    book.spend(30, START);
    book.hear(&[Told { length: DAY, limit: 1000, used: 530 }], START);
    assert_eq!(book.free(START), 800 - 530);
    // What we use from here on is counted by ourselves until the service says more.
    book.reserve(100, START);
    assert_eq!(book.free(START), 170);
    book.hear(&[Told { length: DAY, limit: 1000, used: 530 }], START);
    assert_eq!(book.free(START), 170, "the same again changes nothing");
    book.hear(&[Told { length: Duration::from_secs(10), limit: 1, used: 1 }], START);
    assert_eq!(book.free(START), 170, "it has no such window");
}

#[test]
fn the_number_of_a_person_is_not_raised_by_the_service() {
    let windows = vec![Window { calls: Some(100), length: DAY, kept_percent: 0, is_set: true }];
    let budget = budget(windows);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.hear(&[Told { length: DAY, limit: 100_000, used: 0 }], START);
    assert_eq!(book.most(), 100);
    book.hear(&[Told { length: DAY, limit: 50, used: 0 }], START);
    assert_eq!(book.most(), 50);
}

#[test]
fn what_others_used_is_looked_at_again_with_one_batch_at_a_time() {
    let budget = budget(vec![Window { calls: None, length: DAY, kept_percent: 20, is_set: false }]);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.hear(&[Told { length: DAY, limit: 100, used: 95 }], START);
    assert_eq!(book.free_for(2, START), 0);
    let again = START.plus(limits::TOLD_AGAIN);
    assert_eq!(book.free_at(2, START), again);
    assert_eq!(book.free_for(2, again), 2);
    assert_eq!(book.free_for(2, again), 0, "one look at a time");
    book.hear(&[Told { length: DAY, limit: 100, used: 10 }], again);
    assert_eq!(book.free_for(2, again), 70);
}

#[test]
fn who_is_out_of_calls_asks_again_once_those_of_others_may_have_gone_back() {
    let budget = budget(vec![window(10, DAY, 0)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.reserve(10, START);
    assert_eq!(book.ask_at(1, START), START.plus(limits::CALLS_HELD), "they may go back");
    let later = START.plus(DAY / 12);
    let book = Book::open(&budget, book.counts().to_vec(), later);
    assert_eq!(book.ask_at(1, later), book.free_at(1, later), "nobody tells of them any more");
}

#[test]
fn a_turn_that_waited_for_the_store_does_not_shorten_what_others_reserved_meanwhile() {
    let told = |used| [Told { length: DAY, limit: 100, used }];
    let budget = budget(vec![window(10, Duration::from_secs(10), 0), window(100, DAY, 0)]);
    let later = START.plus(Duration::from_secs(600));
    let mut book = Book::open(&budget, Vec::new(), later);
    book.reserve(7, later);
    book.hear(&told(50), later);
    let before = book.counts().to_vec();
    let mut late = Book::open(&budget, before.clone(), START);
    late.hear(&told(10), START);
    assert_eq!(late.counts(), before);
    assert_eq!((late.free(START), Book::open(&budget, before, later).free(later)), (3, 3));
}

#[test]
fn what_others_used_in_a_short_window_is_waited_for_no_longer_than_that_window() {
    let budget = budget(vec![window(100, Duration::from_secs(10), 20)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.spend(76, START);
    book.hear(&[Told { length: Duration::from_secs(10), limit: 100, used: 79 }], START);
    assert!(book.free(START) < 4);
    let at = book.free_at(4, START);
    assert_eq!(at, START.plus(Duration::from_secs(10)));
    assert!(book.free(at) >= 4);
}

#[test]
fn a_clock_that_was_set_back_does_not_lock_a_budget() {
    let budget = budget(vec![window(10, DAY, 0)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.reserve(10, START);
    let back = START.minus(DAY * 300);
    let book = Book::open(&budget, book.counts().to_vec(), back);
    assert_eq!(book.free(back), 0);
    assert!(book.free_at(10, back) <= back.plus(DAY + DAY / 12));
}

#[test]
fn a_fuller_batch_is_waited_for_as_long_as_the_most_urgent_lead_may_wait() {
    let until = |ages: &[u64]| {
        let due: Vec<Timestamp> = ages.iter().map(|it| START.minus(Duration::from_secs(*it))).collect();
        fill_until(&due, 10, START).map(|it| it.since(START).as_secs())
    };
    let urgent = limits::URGENT_HEAD_START.as_secs();
    assert_eq!(until(&[0]), Some(3600));
    assert_eq!(until(&[600, urgent]), Some(300));
    assert_eq!(until(&[urgent + 10]), Some(290));
    assert_eq!(until(&[urgent + 300]), None);
    assert_eq!(until(&[0; 10]), None, "it is full");
    assert_eq!(until(&[]), None);
}

#[test]
fn calls_are_scarce_when_a_quarter_of_a_long_window_is_left() {
    let budget = budget(vec![window(100, Duration::from_secs(20), 0), window(1000, DAY, 0)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    book.spend(100, START);
    assert!(!is_scarce(&book, START), "a short one fills again");
    book.spend(650, START);
    assert!(!is_scarce(&book, START));
    book.spend(1, START);
    assert!(is_scarce(&book, START));
}

#[test]
fn a_backlog_takes_as_long_as_its_calls_do() {
    let hour = Duration::from_secs(3600);
    let budget = budget(vec![window(100, DAY, 20)]);
    let at = |waiting, counts: &[Count]| forecast(&budget, counts.to_vec(), (waiting, 10), START).drained_at;
    assert_eq!(at(0, &[]), None);
    assert_eq!(at(400, &[]), Some(START), "80 calls are free now");
    let after = at(401, &[]).unwrap();
    assert_eq!(after, START.plus(DAY));
    let mut book = Book::open(&budget, Vec::new(), START.minus(hour * 6));
    book.spend(80, START.minus(hour * 6));
    let after = at(10, book.counts()).unwrap().since(START);
    assert!(after > hour * 18 && after <= hour * 19, "{after:?}");
}

#[test]
fn a_budget_lasts_as_long_as_the_last_hour_says() {
    let budget = budget(vec![window(1000, DAY, 0)]);
    let mut book = Book::open(&budget, Vec::new(), START);
    assert_eq!(forecast(&budget, book.counts().to_vec(), (0, 1), START).lasts_until, None);
    book.spend(500, START);
    let lasts = forecast(&budget, book.counts().to_vec(), (0, 1), START).lasts_until.unwrap();
    assert_eq!(lasts.since(START).as_secs(), 3600);
}

#[test]
fn no_more_is_wanted_than_there_are_batches_for() {
    let asked = |batches| Asked {
        budget: Arc::new(Budget { cost: Cost { fixed: 3, each: 1, spare: 2 }, ..budget(Vec::new()) }),
        back: Vec::new(),
        told: Vec::new(),
        queued: 0,
        batch_max: 10,
        batches,
    };
    assert_eq!(asked(4).wanted(0), 0);
    assert_eq!(asked(4).wanted(2), 3 + 2 + 2);
    assert_eq!(asked(4).wanted(12), 15 + 7);
    assert_eq!(asked(1).wanted(12), 15);
    assert_eq!(asked(0).wanted(12), 0);
    assert_eq!((asked(4).wanted_alone(3), asked(2).wanted_alone(3)), (120, 80));
}
