//! What is accepted together comes to the same as if it had come one by one.

use crate::desk::{Desk, NOON, SECOND, at, done, idle, number, of_customer, settled};
use leadwire_core::routing::Routed;
use leadwire_store::accept::{Accept, Accepted, Once};
use leadwire_store::lanes::{LaneToken, Turn};
use leadwire_store::ledger::Ledger;
use proptest::prelude::*;
use std::time::Duration;

/// A touchpoint as a few choices: which of few customers, none for a lead of its own; which of few keys and bodies; to one
/// destination or two; whether a lane has room for it.
type Choice = (Option<u8>, Option<(u8, u8)>, bool, bool);

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let key = proptest::option::weighted(0.6, (0..6_u8, 0..2_u8));
    let choice = (proptest::option::weighted(0.8, 0..4_u8), key, any::<bool>(), any::<bool>());
    proptest::collection::vec(choice, 1..24)
}

fn item(id: usize, choice: &Choice, token: LaneToken) -> Accept {
    let (customer, key, to_both, is_offered) = *choice;
    let id = u128::try_from(id).unwrap() + 1;
    let mut routed = vec![Routed { destination: number(1), suppressed: None }];
    if to_both {
        routed.push(Routed { destination: number(2), suppressed: None });
    }
    let kept = Duration::from_secs(60);
    Accept {
        identity: customer.map(|it| [it + 1; 16]),
        once: key.map(|(key, body)| Once { key: [key; 16], body: [body; 16], kept }),
        routed,
        offered: if is_offered { vec![(number(1), token)] } else { Vec::new() },
        received_at: at(NOON),
        ..of_customer(id, 1)
    }
}

/// What there is to see at the end: the ledger, and each delivery to the first destination.
async fn seen(desk: &Desk, count: usize) -> (Ledger, Vec<String>) {
    let mut deliveries = Vec::new();
    for id in 1..=u128::try_from(count).unwrap() {
        let found =
            desk.store.delivery(crate::desk::contoso(), crate::desk::delivery_id(id, 1)).await.unwrap();
        deliveries.push(format!("{:?}", found.map(|it| it.0)));
    }
    (desk.ledger().await, deliveries)
}

async fn run(choices: &[Choice], sizes: &[usize]) -> (Vec<Accepted>, Ledger, Vec<String>) {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    let items: Vec<Accept> = choices.iter().enumerate().map(|(id, it)| item(id, it, token)).collect();
    let (mut accepted, mut rest) = (Vec::new(), &items[..]);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*size).min(rest.len()));
        accepted.extend(desk.accept_all(now.to_vec()).await);
        rest = later;
    }
    // All that can be claimed is settled together, so that what waits behind it is freed.
    for step in 1..4 {
        let now = NOON + step * SECOND;
        let claims = desk.claim(token, 100, now).await;
        let settled = claims.into_iter().map(|it| settled(it, done())).collect();
        desk.turn(token, Turn { settled, ..idle(now) }).await.unwrap();
    }
    let (ledger, deliveries) = seen(&desk, choices.len()).await;
    (accepted, ledger, deliveries)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_together_is_as_if_it_came_one_by_one(
        choices in choices(),
        sizes in proptest::collection::vec(1..12_usize, 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (alone, together) = runtime.block_on(async { (run(&choices, &[1]).await, run(&choices, &sizes).await) });
        prop_assert_eq!(alone, together);
    }
}
