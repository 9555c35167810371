//! Replays: what no route took is brought once, what is there is not brought again, and a step is made once.

use crate::desk::{Desk, NOON, at, contoso, number, of_customer, touchpoint};
use leadwire_core::id::{DestinationNo, ReplayId, RouteId};
use leadwire_core::lane::Next;
use leadwire_core::outcome::Receipt;
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::accept::Accept;
use leadwire_store::replays::{Done, Mode, Replay, ReplayState, ReplayStep, Replayed, Selection, Stepped};
use leadwire_store::rows::DeliveryState;
use leadwire_store::setup::{Change, RouteChange, StoredRoute};
use leadwire_store::unrouted::{Routing, TouchpointFilter};
use std::sync::Arc;

fn replay(id: u128, destination: Option<u32>) -> Replay {
    Replay {
        publisher: contoso(),
        id: ReplayId::new(id),
        created_at: at(NOON),
        destination: destination.map(number),
        offers: Offers::All,
        range: (touchpoint(1), touchpoint(100)),
        force: false,
        selection: Selection::default(),
        mode: Mode::Real,
        mapping: None,
        total: None,
        state: ReplayState::Running,
        done_to: touchpoint(0),
        done: Done::default(),
        ended_at: None,
    }
}

fn unrouted(id: u128, customer: u8) -> Accept {
    Accept { routed: Vec::new(), ..of_customer(id, customer) }
}

/// Makes one step that sends everything on the next page to a destination.
async fn step(desk: &Desk, replay: &Replay, to: DestinationNo, size: usize) -> Stepped {
    let page = desk.store.replay_page(replay.clone(), size).await.unwrap();
    let last = page.last().filter(|_| page.len() == size).map(|it| it.id);
    let items = page.iter().map(|it| Replayed {
        touchpoint: it.id,
        lead: it.lead,
        is_do_not_contact: it.action == "DNC",
        routed: vec![Routed { destination: to, suppressed: None }],
    });
    let step = ReplayStep {
        replay: replay.clone(),
        items: items.collect(),
        passed_by: Vec::new(),
        to: last,
        now: at(NOON),
    };
    desk.store.replay_step(desk.version().await, step).await.unwrap()
}

async fn stored(desk: &Desk, id: u128) -> Replay {
    desk.store.replay(contoso(), ReplayId::new(id)).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_no_route_took_is_brought_once_and_every_account_adds_up() {
    let desk = Desk::new().await;
    for id in 1..=5 {
        desk.accept(unrouted(id, 1)).await;
    }
    assert_eq!(desk.store.add_replay(replay(1, None)).await.unwrap(), Change::Made);
    while stored(&desk, 1).await.state == ReplayState::Running {
        step(&desk, &stored(&desk, 1).await, number(1), 2).await;
    }
    let done = stored(&desk, 1).await;
    assert_eq!((done.done.seen, done.done.added, done.ended_at), (5, 5, Some(at(NOON))));
    let ledger = desk.store.ledger(contoso()).await.unwrap();
    assert!(ledger.adds_up() && ledger.unrouted == 0, "{ledger:?}");
    // Again: nothing is unrouted any more, and to the destination itself everything is on its way.
    desk.store.add_replay(replay(2, Some(1))).await.unwrap();
    step(&desk, &stored(&desk, 2).await, number(1), 100).await;
    let again = stored(&desk, 2).await.done;
    assert_eq!((again.seen, again.added, again.again), (5, 0, 0));
    // One of a lead at a time, oldest first.
    let token = desk.take(NOON).await;
    let claims = desk.claim(token, 9, NOON).await;
    assert_eq!(claims.iter().map(|it| it.touchpoint.bits()).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_step_is_made_once_and_only_under_the_set_up_it_was_decided_for() {
    let desk = Desk::new().await;
    desk.accept(unrouted(1, 1)).await;
    desk.store.add_replay(replay(1, None)).await.unwrap();
    let seen = stored(&desk, 1).await;
    let stale = ReplayStep {
        replay: seen.clone(),
        items: Vec::new(),
        passed_by: Vec::new(),
        to: None,
        now: at(NOON),
    };
    assert_eq!(desk.store.replay_step(0, stale).await.unwrap(), Stepped::SetupChanged);
    assert!(matches!(step(&desk, &seen, number(1), 1).await, Stepped::Made(_)));
    assert_eq!(step(&desk, &seen, number(1), 1).await, Stepped::NotHere);
    assert!(desk.store.stop_replay(contoso(), ReplayId::new(1), at(NOON)).await.unwrap());
    assert!(!desk.store.stop_replay(contoso(), ReplayId::new(1), at(NOON)).await.unwrap());
    assert_eq!(step(&desk, &stored(&desk, 1).await, number(1), 1).await, Stepped::NotHere);
}

#[tokio::test]
async fn what_is_delivered_is_sent_again_only_when_forced_and_what_is_parked_always() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(of_customer(2, 2)).await;
    let token = desk.take(NOON).await;
    for claim in desk.claim(token, 9, NOON).await {
        let next =
            if claim.touchpoint == touchpoint(1) { Next::Deliver(Receipt::Accepted) } else { Next::Park };
        desk.settle(token, claim, next, NOON).await;
    }
    desk.store.add_replay(replay(1, Some(1))).await.unwrap();
    step(&desk, &stored(&desk, 1).await, number(1), 9).await;
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Delivered);
    assert_eq!(desk.delivery(2).await.state, DeliveryState::Pending);
    desk.store.add_replay(Replay { force: true, ..replay(2, Some(1)) }).await.unwrap();
    step(&desk, &stored(&desk, 2).await, number(1), 9).await;
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Pending);
    let claims = desk.claim(token, 9, NOON).await;
    assert_eq!(claims.iter().map(|it| it.number).collect::<Vec<_>>(), [2, 2], "attempts are counted on");
    assert!(desk.store.ledger(contoso()).await.unwrap().adds_up());
}

#[tokio::test]
async fn a_customer_who_must_not_be_contacted_since_is_held_back() {
    let desk = Desk::new().await;
    desk.accept(unrouted(1, 1)).await;
    let dnc = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    let held = vec![Routed { destination: number(1), suppressed: Some("do_not_contact") }];
    desk.accept(Accept { parsed: dnc, routed: held, ..of_customer(2, 1) }).await;
    desk.store.add_replay(replay(1, None)).await.unwrap();
    step(&desk, &stored(&desk, 1).await, number(1), 9).await;
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Suppressed);
    assert_eq!(stored(&desk, 1).await.done.held, 1);
}

#[tokio::test]
async fn replays_have_a_bound_and_need_a_destination_that_is_there() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.add_replay(replay(9, Some(7))).await.unwrap(), Change::Missing);
    for id in 1..=4 {
        assert_eq!(desk.store.add_replay(replay(id, None)).await.unwrap(), Change::Made);
    }
    assert_eq!(desk.store.add_replay(replay(5, None)).await.unwrap(), Change::Full);
    assert_eq!(desk.store.running_replays().await.unwrap().len(), 4);
    let desk = desk.reopened();
    assert_eq!(desk.store.replays(contoso(), None, 2).await.unwrap()[0].id, ReplayId::new(4));
    assert_eq!(desk.store.replays(contoso(), Some(ReplayId::new(2)), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn touchpoints_that_need_a_look_are_listed_newest_first() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(unrouted(2, 1)).await;
    desk.accept(Accept { routing_trouble: "route 1: it is missing".to_owned(), ..of_customer(3, 1) }).await;
    desk.accept(unrouted(4, 1)).await;
    let list = async |routing, before: Option<u128>| {
        let before = before.map(touchpoint);
        let filter = TouchpointFilter { publisher: contoso(), routing, offer: None, before, limit: 9 };
        let found = desk.store.touchpoints_by_routing(filter).await.unwrap();
        found.iter().map(|it| it.id.bits()).collect::<Vec<_>>()
    };
    assert_eq!(list(Routing::Unrouted, None).await, [4, 2]);
    assert_eq!(list(Routing::Unrouted, Some(4)).await, [2]);
    assert_eq!(list(Routing::Troubled, None).await, [3]);
}

fn route(id: u128, filter: &str) -> StoredRoute {
    StoredRoute {
        publisher: contoso(),
        id: RouteId::new(id),
        offers: Offers::parse("crm-*").unwrap(),
        filter: filter.to_owned(),
        destination: number(1),
        stop: false,
        created_at: at(NOON),
    }
}

#[tokio::test]
async fn routes_keep_the_order_people_gave_them() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for (id, filter) in [(1, ""), (2, "test"), (3, "preview")] {
        assert_eq!(store.add_route(route(id, filter)).await.unwrap(), Change::Made);
    }
    assert_eq!(store.add_route_at(route(4, "!test"), 2).await.unwrap(), Change::Made);
    assert_eq!(store.add_route(route(5, "test")).await.unwrap(), Change::Taken);
    let order =
        async || store.setup().await.unwrap().routes.iter().map(|it| it.id.bits()).collect::<Vec<_>>();
    assert_eq!(order().await, [1, 4, 2, 3]);
    let change = |change| store.change_route(contoso(), RouteId::new(3), change);
    let first = RouteChange { position: Some(1), stop: Some(true), ..RouteChange::default() };
    assert_eq!(change(first).await.unwrap(), Change::Made);
    assert_eq!(order().await, [3, 1, 4, 2]);
    let taken = RouteChange { filter: Some(String::new()), ..RouteChange::default() };
    assert_eq!(change(taken).await.unwrap(), Change::Taken);
    let nowhere = RouteChange { destination: Some(number(9)), ..RouteChange::default() };
    assert_eq!(change(nowhere).await.unwrap(), Change::Missing);
    let ids = |all: &[u128]| all.iter().map(|it| RouteId::new(*it)).collect::<Vec<_>>();
    assert_eq!(store.order_routes(contoso(), ids(&[1, 2, 3])).await.unwrap(), Change::Missing);
    assert_eq!(store.order_routes(contoso(), ids(&[4, 3, 2, 1])).await.unwrap(), Change::Made);
    assert_eq!(order().await, [4, 3, 2, 1]);
    let found = &store.setup().await.unwrap().routes[1];
    assert_eq!(
        (found.stop, found.filter.as_str(), found.offers.to_string().as_str()),
        (true, "preview", "crm-*")
    );
}
