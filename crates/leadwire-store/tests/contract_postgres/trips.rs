//! How often the server is waited for: as often for many touchpoints as for one.

use crate::desk::{Desk, NOON, SECOND, crm, done, idle, of_customer, settled};
use leadwire_core::id::DestinationNo;
use leadwire_store::accept::{Accept, Once};
use leadwire_store::lanes::{LaneToken, Turn};
use std::time::Duration;

/// Accepting a group: begin, locks, version, keys, leads, lanes; keys, leads, touchpoints, deliveries; commit. And what known
/// leads wait for, and are renewed by.
const ACCEPT_MAX: u64 = 14;
/// A turn: begin, locks, gate; ends, those behind them and their doubts, records; claim, lane, doubts, next; commit.
const TURN_MAX: u64 = 13;

/// So many touchpoints from here on, of as many customers, under a key each, offered to a lane.
fn items(from: u128, count: u128, token: LaneToken) -> Vec<Accept> {
    let item = |id: u128| {
        let once = Once { key: id.to_be_bytes(), body: [1; 16], kept: Duration::from_secs(60) };
        let identity = Some((id % 1000).to_be_bytes());
        Accept {
            once: Some(once),
            identity,
            offered: vec![(DestinationNo::new(1), token)],
            ..of_customer(id, 1)
        }
    };
    (from..from + count).map(item).collect()
}

/// How often the server is waited for meanwhile.
async fn trips<T>(desk: &Desk, work: impl Future<Output = T>) -> (u64, T) {
    let before = desk.store.round_trips().unwrap();
    let done = work.await;
    (desk.store.round_trips().unwrap() - before, done)
}

#[tokio::test]
async fn many_touchpoints_cost_as_many_round_trips_as_one() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    // What is prepared once is prepared: new leads, and known ones.
    desk.accept_all(items(1, 1, token)).await;
    desk.accept_all(items(1001, 1, token)).await;
    let (one, _) = trips(&desk, desk.accept_all(items(2, 1, token))).await;
    let (many, _) = trips(&desk, desk.accept_all(items(10, 256, token))).await;
    assert_eq!(one, many, "new leads");
    let (known, _) = trips(&desk, desk.accept_all(items(1010, 256, token))).await;
    assert!(many <= ACCEPT_MAX && known <= ACCEPT_MAX, "{many} for new leads, {known} for known ones");
    assert_eq!(desk.ledger().await.touchpoints, 515);
}

#[tokio::test]
async fn senders_who_come_at_once_share_their_round_trips() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.accept_all(items(1, 1, token)).await;
    let commits = desk.store.commits();
    let version = desk.version().await;
    let mut senders = tokio::task::JoinSet::new();
    for item in items(10, 200, token) {
        let store = desk.store.clone();
        senders.spawn(async move { store.accept(version, [item].into()).await.unwrap().unwrap() });
    }
    let (trips, _) = trips(&desk, senders.join_all()).await;
    let commits = desk.store.commits() - commits;
    assert!(commits < 20, "{commits} commits");
    assert!(trips <= commits * ACCEPT_MAX, "{trips} in {commits} commits");
}

#[tokio::test]
async fn many_tries_are_settled_in_as_many_round_trips_as_one() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    for from in [1_u128, 1001, 2001] {
        let mut items = items(from, 256, token);
        items.iter_mut().for_each(|it| it.offered.clear());
        desk.accept_all(items).await;
    }
    let mut costs = Vec::new();
    let mut now = NOON;
    for room in [1, 256, 1, 256] {
        now += SECOND;
        let claims = desk.claim(token, room, now).await;
        assert_eq!(claims.len(), room);
        let settled = claims.into_iter().map(|it| settled(it, done())).collect();
        let turn = Turn { settled, room: 1, ..idle(now) };
        let (cost, turned) = trips(&desk, desk.store.lane_turn(crm(), token, turn.into())).await;
        let claims = turned.unwrap().unwrap().claims;
        let released = claims.into_iter().map(|it| it.touchpoint).collect();
        desk.turn(token, Turn { released, ..idle(now) }).await;
        costs.push(cost);
    }
    assert_eq!(costs[2], costs[3], "{costs:?}");
    assert!(costs[3] <= TURN_MAX, "{costs:?}");
}
