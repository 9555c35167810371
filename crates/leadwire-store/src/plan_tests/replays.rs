//! The statements of replays with a selection, of mapping versions, of what is given up, and of the quarantine read anew.

use crate::quarantine::Waiting;
use crate::replays::{Mode, Only, Replay, Selection};
use crate::setup::Change;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId, QuarantineId, ReplayId, TouchpointId};
use leadwire_core::time::Timestamp;

/// As [`super::HOT`].
pub(super) const HOT: &[(&str, &[&str])] = &[
    (
        "SELECT t.touchpoint_id, t.lead_id, t.received_at, t.channel, t.offer_id, t.source, t.action, t.test, t.routed, t.body, t.interest, t.interest_rule, t.routing_trouble FROM delivery d…",
        &[
            "SEARCH d USING COVERING INDEX delivery_parked (publisher_id=? AND destination_no=? AND touchpoint_id>? AND touchpoint_id<?)",
            "SEARCH t USING INDEX sqlite_autoindex_touchpoint_1 (publisher_id=? AND touchpoint_id=?)",
        ],
    ),
    (
        "SELECT v.mapping FROM delivery_mapping m…",
        &[
            "SEARCH m USING PRIMARY KEY (publisher_id=? AND destination_no=? AND touchpoint_id=?)",
            "SEARCH v USING PRIMARY KEY (publisher_id=? AND destination_no=? AND mapping_no=?)",
        ],
    ),
    (
        "SELECT publisher_id, quarantine_id, received_at, offer_id, content_type, code, pointer, message, body, body_sha256…",
        &[
            "SEARCH quarantine USING INDEX quarantine_waiting (publisher_id=? AND quarantine_id>? AND quarantine_id<?)",
        ],
    ),
    (
        "UPDATE quarantine SET body = $1, body_sha256 = $1, pointer = '', message = 'erased' WHERE publisher_id = $2 AND touchpoint_id = $3…",
        &["SEARCH quarantine USING INDEX quarantine_became (publisher_id=? AND touchpoint_id=?)"],
    ),
];

/// Calls every method on a way that reaches every statement; `like` is a replay that is over.
pub(super) async fn run(
    store: &Store,
    (publisher, number): (&PublisherId, DestinationNo),
    like: Replay,
) -> Result<(), StoreError> {
    let now = Timestamp::from_millis(0);
    for (id, only) in [(11, None), (12, Some(Only::Parked))] {
        let selection = Selection { only, cause: "x".to_owned(), ..Selection::default() };
        let mode = if only.is_none() { Mode::DryRun } else { Mode::Real };
        let replay = Replay {
            id: ReplayId::new(id),
            destination: Some(number),
            selection,
            mode,
            mapping: Some(1),
            ..like.clone()
        };
        store.replay_total(replay.clone()).await?;
        assert!(store.add_replay_once(replay.clone()).await?.is_ok());
        store.replay_page(replay.clone(), 9).await?;
        store.replay_twin(replay).await?;
        store.replay_tallies(publisher.clone(), ReplayId::new(id)).await?;
        store.pause_replay(publisher.clone(), ReplayId::new(id), now).await?;
        store.resume_replay(publisher.clone(), ReplayId::new(id)).await?;
        store.stop_replay(publisher.clone(), ReplayId::new(id), now).await?;
    }
    store.replay_total(Replay { destination: None, selection: Selection::default(), ..like.clone() }).await?;
    let unknown = Replay { id: ReplayId::new(13), destination: Some(number), mapping: Some(99), ..like };
    assert_eq!(store.add_replay(unknown).await?, Change::Missing);
    store.mapping_versions(publisher.clone(), number, 9).await?;
    store.pinned_mappings(publisher.clone(), number, vec![TouchpointId::new(1)]).await?;
    store.drop_group(publisher.clone(), number, "x".to_owned(), (9, now)).await?;
    let range = (QuarantineId::new(0), QuarantineId::new(9));
    let waiting = Waiting { publisher: publisher.clone(), offer: None, range };
    let page = store.quarantine_page(waiting, 9).await?;
    for item in page {
        store.twin_of_quarantined(item.clone(), std::time::Duration::from_secs(1)).await?;
        store.pass_over_quarantined(publisher.clone(), item.id, TouchpointId::new(1)).await?;
        store.kept_body(publisher.clone(), item.id).await?;
        store.explain_quarantined(item).await?;
    }
    store.note_backup(now).await
}
