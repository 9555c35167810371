//! Whoever is erased by an address is erased under whatever rules their leads came, and nobody else is.

use crate::desk::{Desk, NOON, at, contoso, of_customer, said, touchpoint};
use crate::merges::{merge, unmerge};
use leadwire_core::erasure::{form_of_address, identities_of_address};
use leadwire_core::id::{ErasureId, LeadId};
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::erasures::{Address, Asked, Crm, Wish};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One address in spellings that identity holds for one, then others that look like it.
const ADA: [&str; 4] = [
    "ada@b\u{fc}cher.example",
    " <ADA@B\u{dc}CHER.example>",
    "mailto:Ada@xn--bcher-kva.example",
    "ada@bu\u{308}cher.example",
];
const OTHERS: [&str; 3] = ["ada+crm@b\u{fc}cher.example", "ada@bucher.example", "no address"];
/// Touchpoints of the history that stand before the look at the leads and may be stored after it.
const LATE: u128 = 1000;

#[derive(Clone, Debug)]
enum Step {
    /// A customer acts, by whatever rule that is one lead; late ones have their id from before.
    Acts {
        customer: u8,
        address: usize,
        is_late: bool,
    },
    Merges {
        from: usize,
        into: usize,
    },
    Parts {
        which: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..7u8, 0..9usize, any::<bool>())
            .prop_map(|(customer, address, is_late)| Step::Acts { customer, address, is_late }),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(from, into)| Step::Merges { from, into }),
        1 => any::<usize>().prop_map(|which| Step::Parts { which }),
    ]
}

/// Where a history stands: the leads there are, and the next ids.
#[derive(Default)]
struct World {
    leads: BTreeSet<LeadId>,
    late: u128,
    last: u128,
}

impl World {
    async fn step(&mut self, desk: &Desk, step: &Step) {
        let pick = |it: usize| self.leads.iter().nth(it % self.leads.len().max(1)).copied();
        match step {
            Step::Acts { customer, address, is_late } => {
                let counter = if *is_late { &mut self.late } else { &mut self.last };
                *counter += 10;
                let id = if *is_late { LATE + *counter } else { 2 * LATE + *counter };
                let spelled = ADA.iter().chain(&OTHERS).nth(*address).unwrap_or(&"");
                let item = Accept { parsed: said(spelled, ""), ..of_customer(id, *customer) };
                let Accepted::Stored { lead } = desk.accept(item).await else { panic!("it is new") };
                self.leads.insert(lead);
            }
            Step::Merges { from, into } => {
                let (Some(from), Some(into)) = (pick(*from), pick(*into)) else { return };
                self.last += 10;
                merge(desk, from, into, 2 * LATE + self.last, false).await;
            }
            Step::Parts { which } => {
                let Some(lead) = pick(*which) else { return };
                self.last += 10;
                unmerge(desk, lead, 2 * LATE + self.last, false).await;
            }
        }
    }
}

/// Looks through all leads, as whoever asks for an erasure does before it begins.
async fn look(desk: &Desk) -> Address {
    let form = form_of_address(ADA[0]).unwrap();
    let (seen, next) = desk.store.leads_of_address(contoso(), form.clone(), None).await.unwrap();
    assert!(next.is_none());
    Address { form, seen: seen.into_iter().collect(), since: touchpoint(LATE) }
}

/// The stored addresses of each lead, and by themselves those of the leads that are one.
async fn stored(desk: &Desk) -> BTreeMap<LeadId, Vec<String>> {
    let sql = "SELECT l.lead_id, l.email FROM lead l WHERE l.erased_at = 0
         UNION ALL SELECT m.lead_id, m.email FROM member m
         UNION ALL SELECT l.lead_id, r.email FROM lead l JOIN lead r ON r.lead_id = l.merged_into
         UNION ALL SELECT m.root_id, o.email FROM member m JOIN lead o ON o.lead_id = m.lead_id
         UNION ALL SELECT o.lead_id, m.email FROM member m JOIN member o ON o.root_id = m.root_id
         UNION ALL SELECT m.lead_id, o.email FROM member m JOIN member p ON p.root_id = m.root_id
             JOIN lead o ON o.lead_id = p.lead_id";
    let rows = desk.store.read(move |tx| {
        tx.query(sql, &[], |row| Ok((LeadId::parse(row.text(0)?).unwrap(), row.text(1)?.to_owned())))
    });
    let mut stored: BTreeMap<LeadId, Vec<String>> = BTreeMap::new();
    for (lead, address) in rows.await.unwrap() {
        stored.entry(lead).or_default().push(address);
    }
    stored
}

fn is_ada(address: &str) -> bool {
    ADA.contains(&address)
}

async fn check(before: &[Step], after: &[Step]) {
    let (desk, mut world) = (Desk::new().await, World::default());
    for step in before {
        world.step(&desk, step).await;
    }
    let address = look(&desk).await;
    for step in after {
        world.step(&desk, step).await;
    }
    let asked = stored(&desk).await;
    let wish = Wish {
        publisher: contoso(),
        id: ErasureId::new(1),
        asked_at: at(NOON),
        crm: Crm::Delete,
        who: String::new(),
        reason: String::new(),
        leads: Vec::new(),
        found_by: identities_of_address(ADA[0]),
        address: Some(address),
        identities: Vec::new(),
        words: BTreeSet::new(),
        ids: (0..100).map(|it| touchpoint(9 * LATE + it)).collect(),
        salt: [1; 16],
    };
    let Asked::Begun(begun) = desk.store.erase(wish, |_| {}).await.unwrap() else {
        panic!("an address is enough")
    };
    let left = stored(&desk).await;
    assert!(left.values().flatten().all(|it| !is_ada(it)), "{left:?}");
    for (lead, addresses) in &asked {
        let has = addresses.iter().any(|it| is_ada(it));
        assert_eq!(begun.leads.contains(lead), has, "{lead} has {addresses:?}");
    }
    desk.ledger().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::engine::cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_lead_with_the_address_survives_and_no_other_is_erased(
        before in prop::collection::vec(step(), 0..12),
        after in prop::collection::vec(step(), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&before, &after));
    }
}
