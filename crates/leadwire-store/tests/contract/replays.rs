//! Replays: what no route took is brought once, what is there is not brought again, and a step is made once.

use crate::desk::{Desk, NOON, at, contoso, number, of_customer, touchpoint};
use leadwire_core::id::{DestinationNo, OfferId, QuarantineId, ReplayId, RouteId};
use leadwire_core::lane::Next;
use leadwire_core::outcome::Receipt;
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::accept::Accept;
use leadwire_store::failures::GivenUp;
use leadwire_store::quarantine::{Quarantine, Waiting};
use leadwire_store::replays::{
    Done, Mode, Only, Replay, ReplayState, ReplayStep, Replayed, Selection, Stepped,
};
use leadwire_store::rows::DeliveryState;
use leadwire_store::setup::{Change, Destination, PublisherKey, RouteChange, Sealing, StoredRoute};
use leadwire_store::unrouted::{Routing, TouchpointFilter};
use std::sync::Arc;

pub(crate) fn replay(id: u128, destination: Option<u32>) -> Replay {
    Replay {
        publisher: contoso(),
        id: ReplayId::new(id),
        created_at: at(NOON),
        asked_by: "key_1".to_owned(),
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

/// Makes every step of a replay, two touchpoints at a time.
pub(crate) async fn run(desk: &Desk, id: u128, to: DestinationNo) -> Done {
    while stored(desk, id).await.state == ReplayState::Running {
        step(desk, &stored(desk, id).await, to, 2).await;
    }
    stored(desk, id).await.done
}

async fn tallies(desk: &Desk, id: u128) -> Vec<(String, String, u64)> {
    let all = desk.store.replay_tallies(contoso(), ReplayId::new(id)).await.unwrap();
    all.into_iter().map(|it| (it.what, it.why, it.count)).collect()
}

/// Three customers: one delivered, one parked for `http_422`, one that was never routed.
pub(crate) async fn mixed() -> Desk {
    let desk = Desk::new().await;
    for id in 1..=2 {
        desk.accept(of_customer(id, u8::try_from(id).unwrap())).await;
    }
    let token = desk.take(NOON).await;
    for claim in desk.claim(token, 9, NOON).await {
        let next =
            if claim.touchpoint == touchpoint(1) { Next::Deliver(Receipt::Accepted) } else { Next::Park };
        desk.settle(token, claim, next, NOON).await;
    }
    desk.accept(unrouted(3, 3)).await;
    desk
}

#[tokio::test]
async fn a_dry_run_counts_what_the_replay_then_does_and_changes_no_delivery() {
    for force in [false, true] {
        let desk = mixed().await;
        let dry = Replay { force, mode: Mode::DryRun, ..replay(1, Some(1)) };
        desk.store.add_replay(dry).await.unwrap();
        let would = run(&desk, 1, number(1)).await;
        assert_eq!(desk.delivery(1).await.state, DeliveryState::Delivered);
        assert_eq!(desk.delivery(2).await.state, DeliveryState::Parked);
        assert_eq!(desk.ledger().await.unrouted, 1);
        desk.store.add_replay(Replay { force, ..replay(2, Some(1)) }).await.unwrap();
        assert_eq!(run(&desk, 2, number(1)).await, would);
        assert_eq!(tallies(&desk, 1).await, tallies(&desk, 2).await);
        assert_eq!((would.looked, would.added, would.again), (3, 1, if force { 2 } else { 1 }));
        assert_eq!(desk.delivery(2).await.state, DeliveryState::Pending);
        assert!(desk.ledger().await.adds_up());
    }
}

#[tokio::test]
async fn a_pause_lasts_over_a_restart_and_the_replay_goes_on_where_it_was() {
    let desk = Desk::new().await;
    for id in 1..=5 {
        desk.accept(unrouted(id, 1)).await;
    }
    let id = ReplayId::new(1);
    desk.store.add_replay(replay(1, None)).await.unwrap();
    let seen = stored(&desk, 1).await;
    step(&desk, &seen, number(1), 2).await;
    assert!(desk.store.pause_replay(contoso(), id, at(NOON)).await.unwrap());
    assert!(!desk.store.pause_replay(contoso(), id, at(NOON)).await.unwrap());
    let desk = desk.reopened();
    let paused = stored(&desk, 1).await;
    assert_eq!((paused.state, paused.done_to, paused.done.added), (ReplayState::Paused, touchpoint(2), 2));
    assert!(desk.store.running_replays().await.unwrap().is_empty());
    assert_eq!(
        step(&desk, &paused, number(1), 2).await,
        Stepped::NotHere,
        "a step decided before is not made"
    );
    assert!(desk.store.resume_replay(contoso(), id).await.unwrap());
    assert_eq!(run(&desk, 1, number(1)).await.added, 5);
}

#[tokio::test]
async fn a_group_of_parked_deliveries_goes_back_to_work_whatever_routes_say_and_asking_twice_is_once() {
    let desk = mixed().await;
    let cause = desk.delivery(2).await.cause;
    let group =
        |cause: &str| Selection { only: Some(Only::Parked), cause: cause.to_owned(), ..Selection::default() };
    let other = Replay { selection: group("another"), ..replay(1, Some(1)) };
    assert_eq!(desk.store.replay_total(other.clone()).await.unwrap(), Some(0));
    desk.store.add_replay_once(other).await.unwrap().unwrap();
    assert_eq!(run(&desk, 1, number(1)).await.looked, 0);
    let same = Replay { selection: group(&cause), ..replay(2, Some(1)) };
    assert_eq!(desk.store.replay_total(same.clone()).await.unwrap(), Some(1));
    let made = desk.store.add_replay_once(same.clone()).await.unwrap().unwrap();
    let twice = desk.store.add_replay_once(Replay { id: ReplayId::new(3), ..same }).await.unwrap().unwrap();
    assert_eq!((made.id, twice.id), (ReplayId::new(2), ReplayId::new(2)));
    let done = run(&desk, 2, number(1)).await;
    assert_eq!((done.looked, done.again), (1, 1));
    assert_eq!(desk.delivery(2).await.state, DeliveryState::Pending);
}

#[tokio::test]
async fn the_same_up_to_the_same_moment_is_one_replay_while_it_runs() {
    let desk = mixed().await;
    let add = async |it: Replay| desk.store.add_replay_once(it).await.unwrap().unwrap().id.bits();
    let sent_again = |id| Replay { force: true, ..replay(id, Some(1)) };
    assert_eq!(add(sent_again(1)).await, 1);
    assert_eq!(add(sent_again(2)).await, 1, "whoever presses twice means one");
    assert_eq!(add(Replay { force: false, ..sent_again(3) }).await, 3);
    assert_eq!(add(Replay { range: (touchpoint(1), touchpoint(99)), ..sent_again(4) }).await, 4);
    assert_eq!(stored(&desk, 1).await.asked_by, "key_1");
    run(&desk, 1, number(1)).await;
    assert_eq!(add(sent_again(5)).await, 5, "what was sent may be sent once more");
}

#[tokio::test]
async fn each_mapping_that_was_written_is_a_version_and_a_replay_pins_what_it_sends() {
    let desk = mixed().await;
    let store = &desk.store;
    let rows = |text: &str| format!(r#"{{"url":"https://a","mapping":{{"Title":"{text}"}}}}"#);
    for settings in [rows("customer.title"), rows("customer.title"), rows("notes"), "{}".to_owned()] {
        let it = Destination { number: number(1), settings, ..crate::desk::destination("crm") };
        let sealing = |_: DestinationNo, _: &[PublisherKey]| Sealing::nothing();
        assert_eq!(store.update_destination(it, sealing).await.unwrap(), Change::Made);
    }
    assert_eq!(
        store.mapping_versions(contoso(), number(1), 2).await.unwrap().len(),
        2,
        "as many as are wanted"
    );
    let versions = store.mapping_versions(contoso(), number(1), 9).await.unwrap();
    let shown: Vec<(u32, &str)> = versions.iter().map(|it| (it.number, it.mapping.as_str())).collect();
    let (title, notes) = (r#"{"Title":"customer.title"}"#, r#"{"Title":"notes"}"#);
    assert_eq!(shown, [(4, "{}"), (3, notes), (2, title), (1, "{}")]);
    let had = store.setup().await.unwrap().destinations.remove(0);
    let change = async |had: &Destination, based_on| {
        store.change_mapping(had.clone(), rows("customer.title"), based_on).await.unwrap()
    };
    assert_eq!(change(&had, Some(3)).await, Change::Taken, "somebody wrote another version meanwhile");
    let old = Destination { settings: rows("notes"), ..had.clone() };
    assert_eq!(change(&old, None).await, Change::Taken, "somebody changed the settings meanwhile");
    assert_eq!(store.mapping_versions(contoso(), number(1), 9).await.unwrap().len(), 4);
    assert_eq!(change(&had, Some(4)).await, Change::Made);
    let now = store.setup().await.unwrap().destinations.remove(0);
    assert_eq!((now.settings, now.settings_no), (rows("customer.title"), had.settings_no + 1));
    let versions = store.mapping_versions(contoso(), number(1), 1).await.unwrap();
    assert_eq!((versions[0].number, versions[0].mapping.as_str()), (5, title));
    let missing = Replay { mapping: Some(9), ..replay(1, Some(1)) };
    assert_eq!(store.add_replay(missing).await.unwrap(), Change::Missing);
    let old = Replay { mapping: Some(2), force: true, ..replay(2, Some(1)) };
    assert_eq!(store.add_replay(old).await.unwrap(), Change::Made);
    assert!(store.setup().await.unwrap().destinations[0].pins_mappings);
    run(&desk, 2, number(1)).await;
    let pinned = async || {
        let wanted = vec![touchpoint(1), touchpoint(2), touchpoint(3)];
        store.pinned_mappings(contoso(), number(1), wanted).await.unwrap()
    };
    assert_eq!(pinned().await.len(), 3);
    assert!(pinned().await.iter().all(|it| it.1 == title));
    // Sent again by a replay that names none, it is mapped as everything else.
    let token = desk.take(NOON).await;
    for claim in desk.claim(token, 9, NOON).await {
        desk.settle(token, claim, Next::Deliver(Receipt::Accepted), NOON).await;
    }
    store.add_replay(Replay { force: true, ..replay(3, Some(1)) }).await.unwrap();
    run(&desk, 3, number(1)).await;
    assert_eq!(pinned().await, []);
}

#[tokio::test]
async fn what_is_given_up_is_suppressed_and_stays_counted() {
    let desk = mixed().await;
    let cause = desk.delivery(2).await.cause;
    let drop = |cause: &str| desk.store.drop_group(contoso(), number(1), cause.to_owned(), (9, at(NOON)));
    assert_eq!(drop("another").await.unwrap().dropped, 0);
    assert_eq!(drop(&cause).await.unwrap(), GivenUp { dropped: 1, deletions: 0 });
    let dropped = desk.delivery(2).await;
    assert_eq!((dropped.state, dropped.cause.as_str()), (DeliveryState::Suppressed, "dropped"));
    assert!(desk.ledger().await.adds_up());
    assert_eq!(desk.verify().await.violations(), 0);
}

fn waiting(offer: Option<&str>) -> Waiting {
    let range = (QuarantineId::new(0), QuarantineId::new(99));
    Waiting { publisher: contoso(), offer: offer.map(|it| OfferId::parse(it).unwrap()), range }
}

#[tokio::test]
async fn a_body_that_became_a_touchpoint_waits_no_more() {
    let desk = Desk::new().await;
    for id in 1..=3 {
        let item = Quarantine {
            publisher: contoso(),
            id: QuarantineId::new(id),
            received_at: at(NOON),
            offer: OfferId::parse(if id == 3 { "erp" } else { "crm" }).unwrap(),
            content_type: "application/json".to_owned(),
            code: "bad_json".to_owned(),
            pointer: String::new(),
            message: "it is cut".to_owned(),
            body: "{".into(),
            body_sha256: [1; 32],
        };
        desk.store.quarantine(item).await.unwrap();
    }
    let ids = async |offer| {
        let page = desk.store.quarantine_page(waiting(offer), 9).await.unwrap();
        page.into_iter().map(|it| it.id.bits()).collect::<Vec<_>>()
    };
    assert_eq!((ids(None).await, ids(Some("crm")).await), (vec![1, 2, 3], vec![1, 2]));
    let release = |id| desk.store.pass_over_quarantined(contoso(), QuarantineId::new(id), touchpoint(9));
    assert!(release(1).await.unwrap() && !release(1).await.unwrap());
    assert_eq!(ids(None).await, [2, 3]);
    let second = desk.store.quarantine_page(waiting(None), 1).await.unwrap().remove(0);
    desk.store.explain_quarantined(Quarantine { code: "too_deep".to_owned(), ..second }).await.unwrap();
    let listed = desk.store.quarantined(contoso(), None, 9).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|it| (it.code.as_str(), it.touchpoint.is_some())).collect();
    assert_eq!(shown, [("bad_json", false), ("too_deep", false), ("bad_json", true)]);
    let ledger = desk.store.ledger(contoso()).await.unwrap();
    assert_eq!((ledger.quarantined, ledger.duplicates), (2, 1));
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
