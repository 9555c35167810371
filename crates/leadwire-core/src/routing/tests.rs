//! What routing decides, what it says of it, and that both agree.

use super::*;
use crate::id::OfferRef;
use crate::json::Json;
use proptest::prelude::*;

fn touchpoint(offer: Option<&str>, action: Action) -> Touchpoint {
    Touchpoint {
        offer: offer.map(|it| OfferRef::parse(it).expect("an offer")),
        action,
        ..Touchpoint::default()
    }
}

fn to(offers: &str, number: u32) -> Route {
    Route {
        id: RouteId::new(number.into()),
        offers: Offers::parse(offers).expect("offers"),
        when: When::Always,
        destination: DestinationNo::new(number),
        stop: false,
        do_not_contact: DoNotContact::Hold,
    }
}

fn only(filter: &str, route: Route) -> Route {
    Route { when: When::If(Arc::new(Filter::parse(filter).expect("a filter"))), ..route }
}

fn numbers(decision: &Decision) -> Vec<u32> {
    decision.routed.iter().map(|it| it.destination.get()).collect()
}

#[test]
fn a_touchpoint_goes_to_every_destination_whose_route_takes_its_offer_once() {
    let again = Route { destination: DestinationNo::new(1), ..to("*", 4) };
    let routes = [to("crm", 1), to("*", 2), again, to("other", 3)];
    let touchpoint = touchpoint(Some("contoso.crm"), Action::Installation);
    assert_eq!(numbers(&route(&touchpoint, &routes)), [1, 2]);
    assert_eq!(explain(&touchpoint, &routes)[2], Verdict::TakenBy(RouteId::new(1)));
    assert_eq!(explain(&touchpoint, &routes)[3], Verdict::OtherOffer);
}

#[test]
fn a_touchpoint_without_an_offer_matches_only_routes_for_all() {
    let routes = [to("crm", 1), to("crm*", 2), to("*", 3)];
    assert_eq!(numbers(&route(&touchpoint(None, Action::Installation), &routes)), [3]);
}

#[test]
fn a_start_takes_every_offer_that_starts_so() {
    let routes = [to("crm-*", 1), to("crm-pro", 2), to("erp*", 3)];
    assert_eq!(numbers(&route(&touchpoint(Some("contoso.crm-pro"), Action::Installation), &routes)), [1, 2]);
    assert_eq!(Offers::parse(" CRM-* ").expect("offers").to_string(), "crm-*");
    assert!(Offers::parse("*-pro").is_err() && Offers::parse("a*b").is_err() && Offers::parse("").is_err());
}

#[test]
fn do_not_contact_is_held_back_unless_the_destination_takes_it_marked() {
    let sends = Route { do_not_contact: DoNotContact::Send, ..to("*", 2) };
    let routes = [to("*", 1), sends];
    let touchpoint = touchpoint(None, Action::DoNotContact);
    let got = route(&touchpoint, &routes).routed;
    assert_eq!((got[0].suppressed, got[1].suppressed), (Some("do_not_contact"), None));
    assert_eq!(explain(&touchpoint, &routes), [Verdict::Holds, Verdict::Takes]);
}

#[test]
fn a_route_that_stops_lets_later_ones_look_at_nothing_it_took() {
    let stops = Route { stop: true, ..only("action == 'INS'", to("*", 1)) };
    let routes = [stops, to("*", 2)];
    let taken = touchpoint(None, Action::Installation);
    assert_eq!(numbers(&route(&taken, &routes)), [1]);
    assert_eq!(explain(&taken, &routes)[1], Verdict::StoppedBy(RouteId::new(1)));
    assert_eq!(numbers(&route(&touchpoint(None, Action::Create), &routes)), [2]);
}

#[test]
fn a_filter_that_cannot_be_told_takes_nothing_stops_nothing_and_is_noted() {
    let troubled = Route { stop: true, ..only("custom.size > 5", to("*", 1)) };
    let unreadable = Route { when: When::Unreadable("too new".into()), ..to("*", 3) };
    let routes = [troubled, to("*", 2), unreadable];
    let touchpoint = touchpoint(None, Action::Installation);
    let decision = route(&touchpoint, &routes);
    assert_eq!(numbers(&decision), [2]);
    assert!(decision.trouble.contains("`custom.size` cannot be told: it is missing"), "{}", decision.trouble);
    assert!(decision.trouble.contains("too new"), "{}", decision.trouble);
    assert!(matches!(explain(&touchpoint, &routes)[0], Verdict::Troubled(_)));
}

#[test]
fn notes_of_trouble_have_a_bound() {
    let routes: Vec<Route> = (1..100).map(|it| only("custom['größe'] > 5", to("*", it))).collect();
    let trouble = route(&Touchpoint::default(), &routes).trouble;
    assert!(trouble.len() <= limits::ROUTING_TROUBLE_BYTES_MAX && trouble.ends_with('…'), "{trouble}");
}

fn any_route() -> impl Strategy<Value = Route> {
    let offers = prop::sample::select(vec!["*", "crm", "crm-*", "c*", "other"]);
    let filter = prop::sample::select(vec![
        "",
        "true",
        "false",
        "test",
        "action == 'INS'",
        "custom.size > 5",
        "has(custom.size) && custom.size > 5",
    ]);
    (offers, filter, 1u32..4, any::<bool>(), any::<bool>(), 1u128..1000).prop_map(
        |(offers, filter, destination, stop, sends, id)| {
            let do_not_contact = if sends { DoNotContact::Send } else { DoNotContact::Hold };
            let route = Route { id: RouteId::new(id), stop, do_not_contact, ..to(offers, destination) };
            if filter.is_empty() { route } else { only(filter, route) }
        },
    )
}

proptest! {
    #[test]
    fn what_is_explained_is_what_is_decided(
        routes in prop::collection::vec(any_route(), 0..8),
        offer in prop::sample::select(vec![None, Some("contoso.crm"), Some("contoso.crm-pro"), Some("contoso.other")]),
        action in prop::sample::select(vec![Action::Installation, Action::DoNotContact]),
        size in prop::option::of(0u8..10),
        test: bool,
    ) {
        let mut touchpoint = touchpoint(offer, action);
        touchpoint.test = test;
        touchpoint.custom.extend(size.map(|it| ("size".to_owned(), Json::integer(it.into()))));
        let decision = route(&touchpoint, &routes);
        let verdicts = explain(&touchpoint, &routes);
        prop_assert_eq!(verdicts.len(), routes.len());
        let share = |(route, verdict): (&Route, &Verdict)| match verdict {
            Verdict::Takes => Some(Routed { destination: route.destination, suppressed: None }),
            Verdict::Holds => Some(Routed { destination: route.destination, suppressed: Some("do_not_contact") }),
            Verdict::TakenBy(_)
            | Verdict::OtherOffer
            | Verdict::FilterFalse(_)
            | Verdict::Troubled(_)
            | Verdict::StoppedBy(_) => None,
        };
        let explained: Vec<Routed> = routes.iter().zip(&verdicts).filter_map(share).collect();
        prop_assert_eq!(explained, decision.routed);
        let troubled = verdicts.iter().any(|it| matches!(it, Verdict::Troubled(_)));
        prop_assert_eq!(troubled, !decision.trouble.is_empty());
    }
}
