//! Laws of erasing a person: what is old stays out, what is new comes in, and whoever may know is told.

use super::*;
use crate::id::TouchpointId;
use proptest::prelude::*;

const SALT: &[u8] = b"0123456789abcdef";
const BODY: [u8; 32] = [7; 32];

fn ada(occurred_at: Option<i64>) -> Touchpoint {
    let text = |it: &str| Some(it.to_owned());
    let customer = Customer {
        first_name: text("Ada"),
        last_name: text("Lovelace"),
        email: text("Ada@Example.com"),
        phone: text("+36201234567"),
        ..Customer::default()
    };
    Touchpoint { customer, occurred_at: occurred_at.map(Timestamp::from_millis), ..Touchpoint::default() }
}

/// The answer that a store gives which holds the tombstones of [`ada`], erased at this moment.
fn is_kept_out(touchpoint: &Touchpoint, body: &[u8; 32], age: Age, erased_at: i64) -> bool {
    let mut tombstones: Vec<[u8; 16]> =
        identities(&ada(None)).iter().map(|it| tombstone_key(SALT, Kind::Identity, it)).collect();
    tombstones.push(tombstone_key(SALT, Kind::Body, &BODY));
    questions(SALT, touchpoint, body, age)
        .iter()
        .any(|it| tombstones.contains(&it.key) && it.acted_at < Timestamp::from_millis(erased_at))
}

#[test]
fn what_says_nothing_of_when_it_was_is_kept_out_only_as_the_same_import() {
    assert!(is_kept_out(&ada(None), &BODY, Age::Unknown, 1000));
    assert!(!is_kept_out(&ada(None), &BODY, Age::Present, 1000), "a page's form is sent now");
    assert!(!is_kept_out(&ada(None), &[8; 32], Age::Unknown, 1000), "it was never seen before");
    assert!(
        is_kept_out(&ada(None), &[8; 32], Age::Past, 1000),
        "a file of earlier times, whatever its bytes"
    );
}

#[test]
fn a_colleague_with_the_same_number_is_somebody_else() {
    let mut bob = ada(Some(1));
    bob.customer.email = None;
    assert!(is_kept_out(&bob, &BODY, Age::Unknown, 1000), "the same number and name, without the address");
    bob.customer.first_name = Some("Bob".to_owned());
    assert!(!is_kept_out(&bob, &BODY, Age::Unknown, 1000));
}

#[test]
fn a_tombstone_key_is_stored_so_it_never_changes() {
    let hex = |key: [u8; 16]| key.map(|byte| format!("{byte:02x}")).concat();
    // Checked with `printf 'leadwire-tombstone-1\nsalt\nidentity\nada' | sha256sum`.
    assert_eq!(hex(tombstone_key(b"salt", Kind::Identity, b"ada")), "7e3a54965d8b3995e1f739ab551f4c16");
    assert_ne!(
        tombstone_key(b"salt", Kind::Identity, b"ada"),
        tombstone_key(b"other", Kind::Identity, b"ada")
    );
    assert_ne!(tombstone_key(b"salt", Kind::Identity, b"ada"), tombstone_key(b"salt", Kind::Body, b"ada"));
}

#[test]
fn a_body_is_known_by_address_or_number_however_it_is_written() {
    let words = words(&ada(None).customer);
    for body in [
        "{\"mail\": \"ADA@EXAMPLE.COM\", broken",
        "email=ada%40example.com&x",
        "call +36 (20) 123-4567 now",
        "phone=%2B36201234567",
    ] {
        assert!(holds(body.as_bytes(), &words), "{body}");
    }
    for body in ["", "bob@example.com", "ada@example", "+36 20 123 4568"] {
        assert!(!holds(body.as_bytes(), &words), "{body}");
    }
    assert!(!holds(b"anything", &words_of("a@b", "12")));
}

fn words_of(email: &str, phone: &str) -> BTreeSet<String> {
    let customer =
        Customer { email: Some(email.to_owned()), phone: Some(phone.to_owned()), ..Customer::default() };
    words(&customer)
}

#[test]
fn an_address_finds_the_customer_the_test_and_the_preview() {
    let found = identities_of_address(" ADA@example.com ");
    assert_eq!(found.len(), 3);
    assert!(found.contains(&identities(&ada(None))[0]));
    assert!(identities_of_address("no address").is_empty());
}

#[test]
fn a_clock_that_jumped_ahead_costs_nobody() {
    let at = |days: i64| Timestamp::from_millis(days * 86_400_000);
    assert_eq!(kept_since(None, 30), None, "the first round after a start");
    assert_eq!(kept_since(Some(at(20_000)), 30), Some(at(19_970)), "by the round before, whatever it is now");
    assert_eq!(kept_since(Some(at(20_000)), 0), None, "kept for ever");
    assert_eq!(kept_since(Some(at(10)), 30), None);
}

proptest! {
    #[test]
    fn what_was_done_before_the_erasure_stays_out_and_what_was_done_after_comes_in(
        acted in 1i64..2000, erased in 1i64..2000, age in prop_oneof![Just(Age::Present), Just(Age::Unknown), Just(Age::Past)], body in any::<[u8; 32]>(),
    ) {
        prop_assert_eq!(is_kept_out(&ada(Some(acted)), &body, age, erased), acted < erased);
    }

    #[test]
    fn whoever_may_know_is_told_once_and_nobody_else(
        past in proptest::collection::vec((0u128..5, 1u32..4, any::<bool>(), any::<bool>()), 0..12),
        uncertain in proptest::collection::vec(1u32..4, 0..3),
    ) {
        let past: Vec<Past> = past.into_iter().map(|(touchpoint, destination, may_be_there, is_waiting)| Past {
            is_follow_up: false,
            touchpoint: TouchpointId::new(touchpoint),
            destination: DestinationNo::new(destination),
            may_be_there,
            is_waiting,
        }).collect();
        let uncertain: Vec<DestinationNo> = uncertain.into_iter().map(DestinationNo::new).collect();
        let told = told(&past, &uncertain);
        for number in (1..4).map(DestinationNo::new) {
            let may_know = past.iter().any(|it| it.destination == number && it.may_be_there);
            prop_assert_eq!(told.iter().filter(|it| it.0 == number).count(), usize::from(may_know));
        }
        for (number, waits) in told {
            prop_assert_eq!(waits, uncertain.contains(&number));
        }
    }
}

proptest! {
    #[test]
    fn one_address_is_what_identity_holds_for_one(one in "\\PC{0,3}[a-cA-C.]{1,3}@[a-bA-B]{1,2}\\.example", other in "\\PC{0,3}[a-cA-C.]{1,3}@[a-bA-B]{1,2}\\.example") {
        let key = |it: &str| identities_of_address(it);
        for (one, other) in [(&one, &other), (&one, &format!(" <{}>", one.to_ascii_uppercase()))] {
            let is_same = !key(one).is_empty() && key(one) == key(other);
            let is_found = form_of_address(one).is_some_and(|it| is_address(other, &it));
            prop_assert_eq!(is_found, is_same);
        }
    }
}
