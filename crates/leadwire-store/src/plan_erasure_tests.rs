//! Runs every statement of erasure, retention and the list of erasures, for their plans to be looked at.

use crate::accept::Accept;
use crate::erasures::{Address, Asked, Crm, Wish, list};
use crate::lanes::{LaneKey, Turn};
use crate::plan_tests::accept;
use crate::{Store, StoreError};
use leadwire_core::erasure::Question;
use leadwire_core::id::{DestinationNo, ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// As `HOT` of `plan_tests.rs`.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "WITH heard AS…",
        &[
            "MATERIALIZE heard",
            "SEARCH touchpoint USING INDEX sqlite_autoindex_touchpoint_1 (publisher_id=? AND touchpoint_id>?)",
            "SCAN heard",
            "SEARCH l USING PRIMARY KEY (publisher_id=? AND lead_id=?)",
            "SEARCH m USING PRIMARY KEY (publisher_id=? AND root_id=? AND lead_id=?) LEFT-JOIN",
        ],
    ),
    (
        "…SELECT t.touchpoint_id FROM lead l CROSS JOIN erased_lead own",
        &[
            "MATERIALIZE gone",
            "SEARCH l USING PRIMARY KEY (publisher_id=? AND lead_id=?)",
            "SEARCH own USING PRIMARY KEY (publisher_id=? AND touchpoint_id=?)",
            "SEARCH e USING COVERING INDEX erased_lead_of_erasure (publisher_id=? AND erasure_id=?)",
            "SEARCH t USING COVERING INDEX touchpoint_of_lead (publisher_id=? AND lead_id=?)",
            "SCAN gone",
            "SEARCH a USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
        ],
    ),
    (
        "SELECT quarantine_id FROM quarantine WHERE publisher_id = $1 AND quarantine_id < $2…",
        &["SEARCH quarantine USING INDEX quarantine_held (publisher_id=? AND quarantine_id<?)"],
    ),
    (
        "SELECT quarantine_id FROM quarantine WHERE publisher_id = $1 AND LENGTH(body) = 0",
        &["SEARCH quarantine USING INDEX quarantine_wiped (publisher_id=?)"],
    ),
    (
        "SELECT lead_id, touchpoint_id, wiped_to FROM erased_lead…",
        &[
            "SEARCH erased_lead USING COVERING INDEX erased_lead_of_erasure (publisher_id=? AND erasure_id=? AND is_wiped=?)",
        ],
    ),
    ("SELECT lead_id, email FROM lead…", &["SEARCH lead USING PRIMARY KEY (publisher_id=? AND lead_id>?)"]),
    (
        "SELECT lead_id, email FROM member…",
        &["SEARCH member USING PRIMARY KEY (publisher_id=? AND root_id>? AND root_id<?)"],
    ),
];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn wish(publisher: &PublisherId, id: u128, crm: Crm) -> Wish {
    Wish {
        publisher: publisher.clone(),
        id: ErasureId::new(id),
        asked_at: at(9_000_000),
        crm,
        who: String::new(),
        reason: String::new(),
        leads: Vec::new(),
        found_by: vec![[1; 16]],
        address: Some(Address {
            form: "ada@example.com".to_owned(),
            seen: vec![LeadId::new(7)],
            since: TouchpointId::new(0),
        }),
        identities: Vec::new(),
        words: ["word".to_owned()].into(),
        ids: vec![TouchpointId::new(id)],
        salt: [1; 16],
    }
}

/// Erases by an identity that nobody has, and a lead that is there; keeps one touchpoint out; and lists it all.
pub(crate) async fn erase(store: &Store, publisher: &PublisherId) -> Result<(), StoreError> {
    let whose = || publisher.clone();
    let lead = LeadId::new(5);
    store.old_leads(whose(), at(1), None, 9).await?;
    store.retire(Wish { leads: vec![lead], ..wish(publisher, 69, Crm::Keep) }, at(1)).await?;
    store.retire_quarantine(whose(), at(1), 9).await?;
    for (id, leads) in [(70, Vec::new()), (71, vec![lead])] {
        let wish = Wish { leads, ..wish(publisher, id, Crm::Delete) };
        assert!(matches!(store.erase(wish, |_| {}).await?, Asked::Begun(_)));
        store.wiping().await?;
        while store.wipe_step(whose(), ErasureId::new(id), at(9_000_000)).await? {}
    }
    end_late(store, publisher).await?;
    store.erasures(whose(), None, 9).await?;
    store.erasure(whose(), ErasureId::new(71)).await?;
    store.erasure_needs(whose(), TouchpointId::new(71)).await?;
    store.erased_at(whose(), lead).await?;
    store.leads_of_identities(whose(), vec![[1; 16]]).await?;
    store.leads_of_address(whose(), "ada@example.com".to_owned(), None).await?;
    store.set_retention(whose(), 30).await?;
    let key =
        leadwire_core::erasure::tombstone_key(&[1; 16], leadwire_core::erasure::Kind::Identity, &[1; 16]);
    let questions = vec![Question { key, acted_at: at(0) }];
    let version = store.setup().await?.version;
    assert!(store.accept(version, [Accept { questions, ..accept(72, true) }].into()).await?.is_some());
    store.read(list::read).await?;
    Ok(())
}

/// A try ends whose delivery was erased meanwhile.
async fn end_late(store: &Store, publisher: &PublisherId) -> Result<(), StoreError> {
    let version = store.setup().await?.version;
    let lead = LeadId::new(80);
    assert!(
        store
            .accept(version, [Accept { identity: Some([8; 16]), ..accept(80, true) }].into())
            .await?
            .is_some()
    );
    let lane = LaneKey { publisher: publisher.clone(), destination: DestinationNo::new(1) };
    let now = at(9_000_000);
    let token = store.take_lane(lane.clone(), "local".into(), now).await?.expect("nobody has it");
    let mut turn = Turn {
        settled: Vec::new(),
        released: Vec::new(),
        gate: None,
        room: 99,
        held: 0,
        fold: 1,
        calls: None,
        now,
    };
    let turned = store.lane_turn(lane.clone(), token, Arc::new(turn.clone())).await?.expect("it is held");
    let wish =
        Wish { leads: vec![lead], ids: vec![TouchpointId::new(81)], ..wish(publisher, 81, Crm::Delete) };
    let wish = Wish { found_by: Vec::new(), address: None, ..wish };
    assert!(matches!(store.erase(wish, |_| {}).await?, Asked::Begun(_)));
    turn.released = turned.claims.iter().map(|it| it.touchpoint).collect();
    assert!(turn.released.contains(&TouchpointId::new(80)));
    store.lane_turn(lane, token, Arc::new(turn)).await?;
    Ok(())
}
