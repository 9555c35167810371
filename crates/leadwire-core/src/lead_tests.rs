//! Tests of the fold: every order gives the same lead, and leads that are one are what their touchpoints come to together.

use super::*;
use crate::interest::Interest;
use crate::standing::Shown;
use proptest::prelude::*;

/// A touchpoint as far as its lead is concerned: everything but the fields nobody asks about here.
#[derive(Clone, Debug)]
struct Act {
    said: Said,
    received_at: Timestamp,
    customer: Option<Customer>,
}

fn word(act: &Act) -> Word<'_> {
    Word { received_at: act.received_at, customer: act.customer.as_ref(), said: act.said.clone() }
}

fn fold<'a>(acts: impl IntoIterator<Item = &'a Act>) -> Option<Fold> {
    let mut acts = acts.into_iter();
    let mut fold = Fold::of(&word(acts.next()?));
    acts.for_each(|it| fold.take(&word(it)));
    Some(fold)
}

fn customer(texts: &[String]) -> Customer {
    let at = |at: usize| Some(texts[at].clone()).filter(|it| !it.is_empty());
    Customer {
        first_name: at(0),
        last_name: at(1),
        email: at(2),
        phone: at(3),
        country: at(4),
        company: at(5),
        title: at(6),
    }
}

prop_compose! {
    fn act()(
        texts in proptest::collection::vec("[ab]{0,1}", FIELDS),
        is_person in proptest::bool::weighted(0.2),
        interest in prop_oneof![Just(None), Just(Some(Interest::Initial)), Just(Some(Interest::Active))],
        moments in proptest::collection::vec(proptest::option::of(0..5i64), 3),
        received_at in 0..9i64,
    ) -> Act {
        let at = |at: usize| moments[at].map(Timestamp::from_millis);
        let shown = interest.map(|interest| Shown { interest, rule: "*/*".into() });
        let said = Said {
            by: TouchpointId::new(0),
            shown,
            refused: at(0),
            permitted: at(1),
            consent: at(2),
        };
        Act {
            said,
            received_at: Timestamp::from_millis(received_at),
            customer: (!is_person).then(|| customer(&texts)),
        }
    }
}

/// Touchpoints with ids of their own, even ones, so that acts have room between them.
fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec(act(), 1..most).prop_map(|mut acts| {
        for (act, id) in acts.iter_mut().zip(1u128..) {
            act.said.by = TouchpointId::new(2 * id);
        }
        acts
    })
}

fn shuffled<T: Clone>(all: &[T], seed: u64) -> Vec<T> {
    let mut keyed: Vec<(u64, T)> = all
        .iter()
        .zip(1u64..)
        .map(|(it, at)| ((seed ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17), it.clone()))
        .collect();
    keyed.sort_by_key(|it| it.0);
    keyed.into_iter().map(|it| it.1).collect()
}

proptest! {
    #[test]
    fn the_order_of_touchpoints_does_not_change_the_lead(acts in acts(10), seed: u64) {
        let (in_order, any_order) = (fold(&acts).unwrap(), fold(&shuffled(&acts, seed)).unwrap());
        prop_assert!(in_order == any_order);
        // Each field, found in another way: the newest that is not empty.
        for at in 0..FIELDS {
            let newest = acts.iter().rev().filter_map(|it| it.customer.as_ref()).map(|it| values(it)[at]);
            prop_assert_eq!(&in_order.values[at], newest.clone().find(|it| !it.is_empty()).unwrap_or(""));
        }
    }

    #[test]
    fn leads_that_are_one_are_what_their_touchpoints_come_to_together(
        acts in acts(12),
        homes in proptest::collection::vec(0..3usize, 12),
        sets in proptest::collection::btree_map(0..13u128, (0..3usize, any::<bool>()), 0..4),
        turn in any::<bool>(),
        seed: u64,
    ) {
        let own = |home: usize| -> Vec<&Act> {
            acts.iter().zip(&homes).filter(|it| *it.1 == home).map(|it| it.0).collect()
        };
        let mut whole = fold(&acts).unwrap();
        let mut parts: Vec<(usize, Fold)> =
            (0..3).filter_map(|home| Some((home, fold(own(home))?))).collect();
        let mut sets: Vec<_> = sets.into_iter().collect();
        if turn {
            sets.reverse();
        }
        for (at, (home, is_active)) in sets {
            // Between two touchpoints, or before all.
            let set = ActId::new(2 * at + 1);
            let interest = if is_active { Interest::Active } else { Interest::Initial };
            let all: Vec<Said> = acts.iter().map(|it| it.said.clone()).collect();
            let Some((_, part)) = parts.iter_mut().find(|it| it.0 == home) else { continue };
            let own: Vec<Said> = own(home).into_iter().map(|it| it.said.clone()).collect();
            part.standing.set_interest(set, interest, &own);
            whole.standing.set_interest(set, interest, &all);
        }
        let set = last_set(&parts.iter().map(|it| it.1.clone()).collect::<Vec<_>>());
        let mut since = Vec::new();
        for (home, part) in &parts {
            if set.is_some_and(|set| part.standing.lacks(set)) {
                let newer = |it: &&Act| it.said.by.bits() > set.unwrap().bits();
                since.extend(own(*home).into_iter().filter(newer).map(|it| it.said.clone()));
            }
        }
        let parts: Vec<Fold> = shuffled(&parts, seed).into_iter().map(|it| it.1).collect();
        let joined = Fold::join(&parts, &since).unwrap();
        prop_assert_eq!(&joined.standing, &whole.standing);
        prop_assert!(joined == whole);
    }

    #[test]
    fn who_said_what_is_read_back(acts in acts(10)) {
        let fold = fold(&acts).unwrap();
        for first in [acts[0].said.by, TouchpointId::new(1)] {
            let text = fold.said_by.write(first);
            let is_there = fold.values.each_ref().map(|it| !it.is_empty());
            prop_assert_eq!(SaidBy::read(&text, first, is_there), Ok(fold.said_by));
        }
    }
}

#[test]
fn who_said_what_is_short_when_one_touchpoint_said_it_all() {
    let first = TouchpointId::new(1);
    let mut by = SaidBy::default();
    let all = customer(&["a", "", "b", "", "", "", ""].map(str::to_owned));
    assert_eq!(by.take(first, &all), values(&all));
    assert_eq!(by.write(first), "");
    by.take(TouchpointId::new(2), &all);
    assert_eq!(by.write(first), TouchpointId::new(2).to_string());
    // One that is stored late says only what nobody said.
    let late = customer(&["x", "y", "", "", "", "", ""].map(str::to_owned));
    assert_eq!(by.take(TouchpointId::new(0), &late), ["", "y", "", "", "", "", ""]);
    assert_eq!(by.write(first).split(',').count(), FIELDS);
    assert!(SaidBy::read("tp_x", first, [true; FIELDS]).is_err());
}
