//! Feedback in the store: what people and destinations say became of a lead, each word once.

use crate::engine::{Param, Row, Tx};
use crate::{Store, StoreError, members};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::{DestinationNo, FeedbackId, LeadId, PublisherId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// A word about a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// When it became so.
    pub at: Timestamp,
    /// When it was written down.
    pub noted_at: Timestamp,
    /// What became of the lead.
    pub kind: FeedbackKind,
    /// Why, in somebody's words; empty when nobody said.
    pub reason: String,
    /// Who said so: the key that was shown, and the name that was given; empty for a destination.
    pub who: String,
    /// The destination it was read from; none when somebody said it here.
    pub destination: Option<DestinationNo>,
    /// The record it was read from; empty when somebody said it here.
    pub record: String,
}

/// What came of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is written down.
    Made,
    /// It was there.
    Known,
    /// There is no such lead.
    NoLead,
    /// So much was said of the lead that no more is kept.
    Full,
}

impl Store {
    /// Writes a word about a lead down. The same word at the same moment is there once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_feedback(
        &self,
        publisher: PublisherId,
        lead: LeadId,
        feedback: Feedback,
    ) -> Result<Noted, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            if !members::is_there(tx, &publisher, lead)? {
                return Ok(Noted::NoLead);
            }
            add(tx, &publisher, lead, &feedback)
        })
        .await
    }

    /// What was said of a lead and of those that are one with it, newest first, up to `limit`. Each word stays with the lead
    /// it was said of, so leads that are parted have their own again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feedback(
        &self,
        publisher: PublisherId,
        lead: LeadId,
        limit: usize,
    ) -> Result<Vec<Feedback>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let Some(root) = members::root(tx, &publisher, lead)? else { return Ok(Vec::new()) };
            let mut all = Vec::new();
            for lead in members::members(tx, &publisher, root)? {
                all.extend(said_of(tx, &publisher, lead, limit)?);
            }
            all.sort_by_key(|it| std::cmp::Reverse((it.at, it.id)));
            all.truncate(limit);
            Ok(all)
        })
        .await
    }
}

fn said_of(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    limit: usize,
) -> Result<Vec<Feedback>, StoreError> {
    tx.query(
        "SELECT feedback_id, at, noted_at, kind, reason, who, destination_no, record
         FROM feedback
         WHERE publisher_id = $1 AND lead_id = $2
         ORDER BY at DESC, feedback_id DESC
         LIMIT $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ],
        |row| {
            Ok(Feedback {
                id: feedback_id(row, 0)?,
                at: row.time(1)?,
                noted_at: row.time(2)?,
                kind: kind(row, 3)?,
                reason: row.text(4)?.to_owned(),
                who: row.text(5)?.to_owned(),
                destination: Some(row.destination(6)?).filter(|it| it.get() != 0),
                record: row.text(7)?.to_owned(),
            })
        },
    )
}

/// Writes a word down about a lead that is there.
pub(crate) fn add(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    it: &Feedback,
) -> Result<Noted, StoreError> {
    let (publisher, lead) = (Param::Text(publisher.as_str()), lead.to_string());
    let kept: Option<usize> = tx.find(
        "SELECT COUNT(*) FROM feedback WHERE publisher_id = $1 AND lead_id = $2",
        &[publisher, Param::Text(&lead)],
        |row| row.count(0),
    )?;
    if kept.is_some_and(|it| it >= limits::FEEDBACK_PER_LEAD_MAX) {
        return Ok(Noted::Full);
    }
    let made = tx.execute(
        "INSERT INTO feedback (publisher_id, lead_id, feedback_id, at, noted_at, kind, reason, who, destination_no,
             record)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (publisher_id, lead_id, destination_no, at, kind) DO NOTHING",
        &[
            publisher,
            Param::Text(&lead),
            Param::Text(&it.id.to_string()),
            Param::Int(it.at.millis()),
            Param::Int(it.noted_at.millis()),
            Param::Text(it.kind.as_str()),
            Param::Text(&it.reason),
            Param::Text(&it.who),
            Param::Int(it.destination.map_or(0, DestinationNo::get).into()),
            Param::Text(&it.record),
        ],
    )?;
    Ok(if made > 0 { Noted::Made } else { Noted::Known })
}

pub(crate) fn feedback_id(row: &Row<'_>, column: usize) -> Result<FeedbackId, StoreError> {
    FeedbackId::parse(row.text(column)?).map_err(|it| StoreError::Wrong(it.to_string()))
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> Result<FeedbackKind, StoreError> {
    let kind = FeedbackKind::parse(row.text(column)?);
    kind.ok_or_else(|| StoreError::Wrong("no kind of feedback is called so".to_owned()))
}
