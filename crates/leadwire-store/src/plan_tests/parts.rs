//! What `plan_tests.rs` calls to reach every statement, part by part.

use super::{accept, at, feedback};
use crate::accept::Accept;
use crate::deliveries::DeliveryFilter;
use crate::lanes::{LaneKey, LaneToken, Settled, Turn};
use crate::leads::{Act, LeadFilter};
use crate::replays::{Done, Mode, Replay, ReplayState, ReplayStep, Replayed, Selection, Stepped};
use crate::rows::DeliveryState;
use crate::setup::proofs::{Proved, ToldProof};
use crate::setup::{Change, Offer, RouteChange, StoredFollowUp, StoredRoute};
use crate::unrouted::{Routing, TouchpointFilter};
use crate::{Store, StoreError};
use leadwire_core::budget::{Asked, Budget, Cost, Window};
use leadwire_core::follow_up::Audience;
use leadwire_core::id::{
    ActId, DeliveryId, DestinationNo, FollowUpId, LeadId, OfferId, PublisherId, QuarantineId, ReplayId,
    RouteId, TouchpointId,
};
use leadwire_core::interest::{Interest, Pattern};
use leadwire_core::lane::{Gate, Next};
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use leadwire_core::routing::{Offers, Routed};
use leadwire_core::touchpoint::{Action, Touchpoint};
use std::sync::Arc;

/// Adds a route to a destination, changes and moves it.
pub(super) async fn route_there(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let route = StoredRoute {
        publisher: publisher.clone(),
        id: RouteId::new(1),
        offers: Offers::All,
        filter: String::new(),
        destination: number,
        stop: false,
        created_at: at(0),
    };
    follow(store, &route).await?;
    store.add_route(route).await?;
    let moved = RouteChange { position: Some(1), ..RouteChange::default() };
    assert_eq!(store.change_route(publisher.clone(), RouteId::new(1), moved).await?, Change::Made);
    assert_eq!(store.order_routes(publisher.clone(), vec![RouteId::new(1)]).await?, Change::Made);
    Ok(())
}

/// Adds and removes a follow-up, through the destination a route is to lead to.
pub(super) async fn follow(store: &Store, route: &StoredRoute) -> Result<(), StoreError> {
    let follow_up = StoredFollowUp {
        publisher: route.publisher.clone(),
        id: FollowUpId::new(1),
        offers: Offers::All,
        step: Interest::Initial,
        audience: Audience::Team,
        destination: route.destination,
        digest_at: None,
        words: String::new(),
        created_at: at(0),
    };
    assert_eq!(store.put_follow_up(follow_up).await?, Change::Made);
    assert_eq!(store.add_route(route.clone()).await?, Change::InUse);
    assert_eq!(store.remove_follow_up(route.publisher.clone(), FollowUpId::new(1)).await?, Change::Made);
    Ok(())
}

pub(super) async fn replay(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let version = store.setup().await?.version;
    for (id, destination) in [(1, None), (2, Some(number))] {
        let replay = Replay {
            publisher: publisher.clone(),
            id: ReplayId::new(id),
            created_at: at(0),
            asked_by: "key_1".to_owned(),
            destination,
            offers: Offers::All,
            range: (TouchpointId::new(0), TouchpointId::new(9)),
            force: true,
            selection: Selection::default(),
            mode: Mode::Real,
            mapping: None,
            total: None,
            state: ReplayState::Running,
            done_to: TouchpointId::new(0),
            done: Done::default(),
            ended_at: None,
        };
        assert_eq!(store.add_replay(replay.clone()).await?, Change::Made);
        let page = store.replay_page(replay.clone(), 9).await?;
        let item = |it: crate::leads::StoredTouchpoint| Replayed {
            touchpoint: it.id,
            lead: it.lead,
            is_do_not_contact: false,
            routed: vec![Routed { destination: number, suppressed: None }],
        };
        let items = page.into_iter().map(item).collect();
        let step = ReplayStep { replay, items, passed_by: vec!["filter"], to: None, now: at(0) };
        assert!(matches!(store.replay_step(version, step).await?, Stepped::Made(_)));
    }
    store.running_replays().await?;
    store.replays(publisher.clone(), None, 9).await?;
    store.stop_replay(publisher.clone(), ReplayId::new(1), at(0)).await?;
    Ok(())
}

/// What people decide about a lead, and what follows of a customer's wish not to be contacted.
pub(super) async fn decide(store: &Store, publisher: &PublisherId, version: i64) -> Result<(), StoreError> {
    let lead = LeadId::new(5);
    let act = Act {
        id: ActId::new(5),
        at: at(0),
        kind: String::new(),
        value: String::new(),
        reason: String::new(),
        who: String::new(),
        rule: String::new(),
    };
    assert!(store.set_interest(publisher.clone(), lead, Interest::Initial, act).await?);
    store.acts(publisher.clone(), lead, 9).await?;
    let parsed = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    let refused = Accept { parsed, of_lead: Some(lead), ..accept(8, false) };
    assert!(store.accept(version, [refused].into()).await?.is_some());
    let pattern = Pattern::parse("*", "INS");
    store.put_interest_rule(pattern.clone(), Interest::Active).await?;
    store.reset_interest_rules(Some(pattern)).await?;
    store.reset_interest_rules(None).await?;
    Ok(())
}

pub(super) async fn list_and_prove(
    store: &Store,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<(), StoreError> {
    let (whose, crm) = (|| publisher.clone(), OfferId::parse("crm").unwrap());
    let offer = Offer { publisher: whose(), id: crm.clone(), title: String::new(), created_at: at(0) };
    store.put_offer(offer).await?;
    let content = || "{}".to_owned();
    assert_eq!(store.put_listing(whose(), crm.clone(), content(), at(1)).await?, Change::Made);
    assert_eq!(store.preview_listing(whose(), crm.clone(), [0; 32], at(2)).await?, Change::Made);
    assert_eq!(store.bring_listing_live(whose(), crm.clone(), content(), at(3)).await?, Change::Made);
    store.listing(whose(), crm.clone()).await?;
    store.offer_states(whose()).await?;
    store.withdraw_listing(whose(), crm.clone(), at(4)).await?;
    let lane = LaneKey { publisher: whose(), destination };
    store.note_proof(lane.clone(), 1, Proved::TestLead, at(5)).await?;
    store.proofs(whose()).await?;
    let (what, told) = ("look".to_owned(), "{}".to_owned());
    let told = ToldProof { what, settings_no: 1, told, begun_at: at(5), ended_at: at(6) };
    store.keep_proof(lane.clone(), told).await?;
    assert!(store.told_proof(lane).await?.is_some());
    store.remove_offer(whose(), crm, at(6)).await?;
    Ok(())
}

/// A lane with a budget that is used up, and looks whether anything waits.
async fn reserve(store: &Store, lane: &LaneKey, token: LaneToken) -> Result<(), StoreError> {
    let length = std::time::Duration::from_secs(60);
    let window = Window { calls: Some(1), length, kept_percent: 0, is_set: false };
    let cost = Cost { fixed: 1, each: 0, spare: 0 };
    let budget = Arc::new(Budget { account: "acme".to_owned(), windows: vec![window], cost });
    store.spend_calls(lane.publisher.clone(), Arc::clone(&budget), (1, Vec::new()), at(9_000_000)).await?;
    store.budget_counts(lane.clone(), Arc::clone(&budget)).await?;
    let (back, told) = (Vec::new(), Vec::new());
    let asked = Asked { budget, back, told, queued: 0, batch_max: 9, batches: 1 };
    let turn = Turn {
        settled: Vec::new(),
        released: Vec::new(),
        gate: None,
        room: 9,
        held: 0,
        fold: 9,
        calls: Some(asked),
        now: at(9_000_000),
    };
    let granted = store.lane_turn(lane.clone(), token, Arc::new(turn)).await?.unwrap().calls;
    assert_eq!(granted.unwrap().calls, 0);
    Ok(())
}

pub(super) async fn work_and_read(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let lane = LaneKey { publisher: publisher.clone(), destination: number };
    let token = store.take_lane(lane.clone(), "local".into(), at(9_000_000)).await?.unwrap();
    let mut turn = Turn {
        settled: Vec::new(),
        released: Vec::new(),
        gate: Some(Gate::Open),
        room: 9,
        held: 0,
        fold: 9,
        calls: None,
        now: at(9_000_000),
    };
    let claims = store.lane_turn(lane.clone(), token, Arc::new(turn.clone())).await?.unwrap().claims;
    assert_eq!(claims.iter().map(|it| it.rides).collect::<Vec<_>>(), [false, true, true]);
    reserve(store, &lane, token).await?;
    turn.released = claims.iter().map(|it| it.touchpoint).collect();
    store.lane_turn(lane.clone(), token, Arc::new(turn.clone())).await?;
    let tried = Tried { outcome: Outcome::Done(Receipt::Accepted), evidence: Evidence::default() };
    turn.released = Vec::new();
    turn.settled = vec![Settled { touchpoint: claims[0].touchpoint, number: 1, tried, next: Next::Park }];
    store.lane_turn(lane.clone(), token, Arc::new(turn)).await?;
    // The clock was set back meanwhile.
    store.take_lane(lane.clone(), "local".into(), at(5_000_000)).await?.unwrap();
    store.gate(lane).await?;
    let id = DeliveryId { touchpoint: claims[0].touchpoint, destination: number };
    store.delivery(publisher.clone(), id).await?;
    let states = DeliveryState::ALL.into_iter().map(Some).chain([None]);
    for (state, lead) in states.flat_map(|it| [(it, None), (it, Some(LeadId::new(5)))]) {
        let filter = DeliveryFilter {
            publisher: publisher.clone(),
            destination: None,
            state,
            lead,
            before: None,
            limit: 10,
        };
        store.deliveries(filter).await?;
    }
    store.newest_tries(publisher.clone(), 9).await?;
    store.failures(publisher.clone(), 9).await?;
    assert_eq!(store.retry_parked(publisher.clone(), number, 9, at(0)).await?, 1);
    store.retry_delivery(publisher.clone(), id, at(0)).await?;
    store.unfinished(publisher.clone()).await?;
    store.leads(LeadFilter { publisher: publisher.clone(), before: None, email: None, limit: 9 }).await?;
    store.lead(publisher.clone(), LeadId::new(5), 9).await?;
    store.touchpoints(publisher.clone(), vec![TouchpointId::new(5)]).await?;
    store.ledger(publisher.clone()).await?;
    store.last_touchpoint().await?;
    store.quarantined(publisher.clone(), None, 9).await?;
    store.quarantined_body(publisher.clone(), QuarantineId::new(1)).await?;
    for routing in [Routing::Unrouted, Routing::Troubled] {
        let filter =
            TouchpointFilter { publisher: publisher.clone(), routing, offer: None, before: None, limit: 9 };
        store.touchpoints_by_routing(filter).await?;
    }
    feedback::run(store, publisher, number).await?;
    replay(store, publisher, number).await
}
