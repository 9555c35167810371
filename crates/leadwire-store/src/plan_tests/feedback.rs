//! The statements about what became of leads, and of reports.

use crate::feedback::{Feedback, Noted};
use crate::feedback_readings::{ReadFailure, ReadStep, ReadWord, Whose};
use crate::lanes::LaneKey;
use crate::reports::{Bodies, ReportRange};
use crate::{Store, StoreError};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::{DestinationNo, FeedbackId, LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;

/// As [`super::HOT`].
pub(super) const HOT: &[(&str, &[&str])] = &[
    (
        "…FROM touchpoint WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3 ORDER BY touchpoint_id LIMIT $4",
        &[
            "SEARCH touchpoint USING INDEX sqlite_autoindex_touchpoint_1 (publisher_id=? AND touchpoint_id>? AND touchpoint_id<?)",
        ],
    ),
    (
        "SELECT touchpoint_id, destination_no, state, cause, ended_at FROM delivery…",
        &["SEARCH delivery USING PRIMARY KEY (publisher_id=? AND touchpoint_id>? AND touchpoint_id<?)"],
    ),
    (
        "SELECT DISTINCT t.lead_id, d.destination_no…",
        &[
            "SEARCH t USING COVERING INDEX touchpoint_of_lead (publisher_id=? AND lead_id>? AND lead_id<?)",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND touchpoint_id=?)",
            "USE TEMP B-TREE FOR DISTINCT",
        ],
    ),
    (
        "SELECT lead_id, feedback_id, at, kind FROM feedback…",
        &["SEARCH feedback USING COVERING INDEX feedback_once (publisher_id=? AND lead_id>? AND lead_id<?)"],
    ),
    (
        "SELECT at, kind FROM feedback…",
        &[
            "SEARCH feedback USING COVERING INDEX feedback_once (publisher_id=? AND lead_id=? AND destination_no=?)",
        ],
    ),
    (
        "SELECT DISTINCT d.record…",
        &[
            "SEARCH t USING COVERING INDEX touchpoint_of_lead (publisher_id=? AND lead_id=?)",
            "SEARCH d USING PRIMARY KEY (publisher_id=? AND touchpoint_id=? AND destination_no=?)",
            "USE TEMP B-TREE FOR DISTINCT",
        ],
    ),
    (
        "SELECT feedback_id, at, noted_at…",
        &["SEARCH feedback USING PRIMARY KEY (publisher_id=? AND lead_id=?)", "USE TEMP B-TREE FOR ORDER BY"],
    ),
];

/// Calls what feedback and reports call.
pub(super) async fn run(
    store: &Store,
    publisher: &PublisherId,
    destination: DestinationNo,
) -> Result<(), StoreError> {
    let (lead, at) = (LeadId::new(5), Timestamp::from_millis(1));
    let feedback = Feedback {
        id: FeedbackId::new(1),
        at,
        noted_at: at,
        kind: FeedbackKind::Qualified,
        reason: String::new(),
        who: String::new(),
        destination: Some(destination),
        record: String::new(),
    };
    assert_eq!(store.add_feedback(publisher.clone(), lead, feedback).await?, Noted::Made);
    assert_eq!(store.feedback(publisher.clone(), lead, 9).await?.len(), 1);
    for bodies in [Bodies::Read, Bodies::Left] {
        let (after, last) = (TouchpointId::new(0), TouchpointId::new(9));
        let range = ReportRange { publisher: publisher.clone(), after, last, bodies, limit: 9 };
        assert!(!store.report_page(range).await?.touchpoints.is_empty());
    }
    let lane = || LaneKey { publisher: publisher.clone(), destination };
    store.begin_feedback_reading(lane(), String::new(), at).await?;
    let word = |whose| ReadWord {
        id: FeedbackId::new(2),
        whose,
        record: String::new(),
        // After the lead began.
        at: Timestamp::from_millis(2_000_000),
        kind: FeedbackKind::Lost,
        reason: String::new(),
    };
    let step = ReadStep {
        lane: lane(),
        before: String::new(),
        position: String::new(),
        words: vec![word(Whose::Lead(lead)), word(Whose::Customer([7; 16])), word(Whose::Nobody)],
        seen: 1,
        unknown: 0,
        is_end: true,
        due_at: at,
        said: None,
        now: at,
    };
    assert!(store.note_feedback_page(step).await?.is_some());
    let why = [String::new(), String::new(), String::new()];
    store.note_feedback_failure(ReadFailure { lane: lane(), why, due_at: at, said: None, now: at }).await?;
    Ok(())
}
