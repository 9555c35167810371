//! Ids read back what they wrote, keep their order, and refuse everything else.

use super::*;
use proptest::prelude::*;

#[test]
fn ids_grow_while_the_clock_goes_back_a_day() {
    let mut mint = Mint::after(0);
    let noon = 1_795_000_000_000;
    let day = 86_400_000;
    let mut last = 0;
    for now in [noon, noon - day, noon - day + 1, noon, noon + day, noon] {
        let id = mint.next(Timestamp::from_millis(now), 7 << 90);
        assert!(id > last, "the id of {now} is not greater than the one before it");
        last = id;
    }
}

#[test]
fn an_id_of_another_kind_is_refused() {
    let id = LeadId::new(42).to_string();
    assert_eq!(TouchpointId::parse(&id), Err(BadId::Prefix("tp_")));
}

#[test]
fn the_offer_is_split_on_the_first_dot_only() {
    let offer =
        OfferRef::parse("docusign.3701c77e-1cfa-4c56-91e6-3ed0b622145.v2").expect("a documented shape");
    assert_eq!(offer.publisher.as_str(), "docusign");
    assert_eq!(offer.offer.as_str(), "3701c77e-1cfa-4c56-91e6-3ed0b622145.v2");
}

proptest! {
    #[test]
    fn text_and_bits_are_the_same_id(bits: u128) {
        let id = TouchpointId::new(bits);
        prop_assert_eq!(TouchpointId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn ids_sort_as_their_texts_do(a: u128, b: u128) {
        prop_assert_eq!(a.cmp(&b), TouchpointId::new(a).to_string().cmp(&TouchpointId::new(b).to_string()));
    }

    #[test]
    fn a_delivery_id_reads_back(bits: u128, number: u32) {
        let id = DeliveryId { touchpoint: TouchpointId::new(bits), destination: DestinationNo::new(number) };
        prop_assert_eq!(DeliveryId::parse(&id.to_string()), Ok(id));
        prop_assert!(!id.to_string().contains('.'));
    }
}
