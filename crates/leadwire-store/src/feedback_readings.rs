//! How far feedback was read from each destination: what a page says is written down in the transaction that marks it read.

use crate::engine::{Param, Row, Tx};
use crate::feedback::{Feedback, Noted, add, kind};
use crate::lanes::LaneKey;
use crate::notices::{Said, say};
use crate::{Store, StoreError, members};
use leadwire_core::feedback::{FeedbackKind, is_news};
use leadwire_core::id::{DestinationNo, FeedbackId, LeadId, PublisherId};
use leadwire_core::time::Timestamp;

/// How reading from a destination stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackReading {
    /// Which destination.
    pub lane: LaneKey,
    /// How far was read, in the destination's own terms.
    pub position: String,
    /// When it is to be read next.
    pub due_at: Timestamp,
    /// When all there was had been read; none: never yet.
    pub read_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Stable name of the cause of the last one; empty when there is none.
    pub cause: String,
    /// What it was.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// What was read so far.
    pub counts: ReadCounts,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Records looked at, some of them more than once.
    pub seen: u64,
    /// Words that were new, and are written down.
    pub noted: u64,
    /// Records in a status that nobody explained.
    pub unknown: u64,
    /// Records of no lead that was brought there.
    pub unmatched: u64,
}

/// Whose lead a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This lead's.
    Lead(LeadId),
    /// The lead with this identity, if the record is one that it was brought to.
    Customer([u8; 16]),
    /// Nobody's that can be told.
    Nobody,
}

/// A word that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadWord {
    /// The id it gets when it is news.
    pub id: FeedbackId,
    /// Whose lead it is about.
    pub whose: Whose,
    /// The record it was read from.
    pub record: String,
    /// When the record was last changed.
    pub at: Timestamp,
    /// What became of the lead.
    pub kind: FeedbackKind,
    /// In the destination's words.
    pub reason: String,
}

/// A page that was read.
#[derive(Clone, Debug)]
pub struct ReadStep {
    /// From which destination.
    pub lane: LaneKey,
    /// How far was read before.
    pub before: String,
    /// How far is read with it.
    pub position: String,
    /// What it says, oldest first.
    pub words: Vec<ReadWord>,
    /// Records in it.
    pub seen: u64,
    /// Of these, those in a status that nobody explained.
    pub unknown: u64,
    /// Whether it was the last for now.
    pub is_end: bool,
    /// When to go on.
    pub due_at: Timestamp,
    /// What is to be said of it, such as that it works again.
    pub said: Option<Said>,
    /// Now.
    pub now: Timestamp,
}

/// Why nothing was read.
#[derive(Clone, Debug)]
pub struct ReadFailure {
    /// From which destination.
    pub lane: LaneKey,
    /// Cause, message and fix.
    pub why: [String; 3],
    /// When to try again.
    pub due_at: Timestamp,
    /// What is to be said of it.
    pub said: Option<Said>,
    /// Now.
    pub now: Timestamp,
}

impl Store {
    /// How reading from a destination stands; none: it was never begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feedback_reading(&self, lane: LaneKey) -> Result<Option<FeedbackReading>, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| find(tx, &lane)).await
    }

    /// Begins reading from a destination, unless it was begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_feedback_reading(
        &self,
        lane: LaneKey,
        position: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            tx.execute(
                "INSERT INTO feedback_reading (publisher_id, destination_no, position, due_at)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (publisher_id, destination_no) DO NOTHING",
                &[
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    Param::Text(&position),
                    Param::Int(now.millis()),
                ],
            )
            .map(|_| ())
        })
        .await
    }

    /// Writes a page down: its words, and that it was read, in one transaction. None: another was here before, and the
    /// page is to be asked for again. A crash leaves all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_feedback_page(&self, step: ReadStep) -> Result<Option<ReadCounts>, StoreError> {
        self.write_of(&step.lane.publisher.clone(), move |tx| {
            if find(tx, &step.lane)?.is_none_or(|it| it.position != step.before) {
                return Ok(None);
            }
            let mut counts = ReadCounts { seen: step.seen, unknown: step.unknown, ..ReadCounts::default() };
            for word in &step.words {
                match note(tx, &step, word)? {
                    Noted::Made => counts.noted += 1,
                    Noted::NoLead => counts.unmatched += 1,
                    Noted::Known | Noted::Full => {}
                }
            }
            mark(tx, &step, counts)?;
            step.said.iter().try_for_each(|it| say(tx, &(&step.lane).into(), it, step.now))?;
            Ok(Some(counts))
        })
        .await
    }

    /// Writes down that nothing could be read, and why.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_feedback_failure(&self, failure: ReadFailure) -> Result<(), StoreError> {
        self.write_of(&failure.lane.publisher.clone(), move |tx| {
            let [cause, message, fix] = &failure.why;
            tx.execute(
                "UPDATE feedback_reading SET failures = failures + 1, cause = $1, message = $2, fix = $3, due_at = $4
                 WHERE publisher_id = $5 AND destination_no = $6",
                &[
                    Param::Text(cause),
                    Param::Text(message),
                    Param::Text(fix),
                    Param::Int(failure.due_at.millis()),
                    Param::Text(failure.lane.publisher.as_str()),
                    Param::Int(failure.lane.destination.get().into()),
                ],
            )?;
            failure.said.iter().try_for_each(|it| say(tx, &(&failure.lane).into(), it, failure.now))
        })
        .await
    }
}

fn find(tx: &Tx<'_>, lane: &LaneKey) -> Result<Option<FeedbackReading>, StoreError> {
    tx.find(
        "SELECT publisher_id, destination_no, position, due_at, read_at, failures, cause, message, fix, seen, noted,
             unknown, unmatched
         FROM feedback_reading
         WHERE publisher_id = $1 AND destination_no = $2",
        &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
        read_reading,
    )
}

fn read_reading(row: &Row<'_>) -> Result<FeedbackReading, StoreError> {
    Ok(FeedbackReading {
        lane: LaneKey { publisher: row.publisher(0)?, destination: row.destination(1)? },
        position: row.text(2)?.to_owned(),
        due_at: row.time(3)?,
        read_at: row.time_or_none(4)?,
        failures: row.count(5)?,
        cause: row.text(6)?.to_owned(),
        message: row.text(7)?.to_owned(),
        fix: row.text(8)?.to_owned(),
        counts: ReadCounts {
            seen: row.count(9)?,
            noted: row.count(10)?,
            unknown: row.count(11)?,
            unmatched: row.count(12)?,
        },
    })
}

fn note(tx: &Tx<'_>, step: &ReadStep, word: &ReadWord) -> Result<Noted, StoreError> {
    let publisher = &step.lane.publisher;
    let Some(lead) = lead_of(tx, &step.lane, word)? else { return Ok(Noted::NoLead) };
    let newest = tx.find(
        "SELECT at, kind
         FROM feedback
         WHERE publisher_id = $1 AND lead_id = $2 AND destination_no = $3
         ORDER BY at DESC, kind DESC
         LIMIT 1",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Int(step.lane.destination.get().into()),
        ],
        |row| Ok((row.time(0)?, kind(row, 1)?)),
    )?;
    // A destination's clock may be ahead; what became so cannot have become so later than now.
    let at = word.at.min(step.now);
    if !is_news(newest, at, word.kind) {
        return Ok(Noted::Known);
    }
    let feedback = Feedback {
        id: word.id,
        at,
        noted_at: step.now,
        kind: word.kind,
        reason: word.reason.clone(),
        who: String::new(),
        destination: Some(step.lane.destination),
        record: word.record.clone(),
    };
    add(tx, publisher, lead, &feedback)
}

fn lead_of(tx: &Tx<'_>, lane: &LaneKey, word: &ReadWord) -> Result<Option<LeadId>, StoreError> {
    let publisher = &lane.publisher;
    match word.whose {
        Whose::Nobody => Ok(None),
        Whose::Lead(lead) => Ok(members::is_there(tx, publisher, lead)?.then_some(lead)),
        Whose::Customer(identity) => {
            let found = tx.find(
                "SELECT lead_id, created_at FROM lead WHERE publisher_id = $1 AND identity = $2 AND identity <> x''",
                &[Param::Text(publisher.as_str()), Param::Bytes(&identity)],
                |row| Ok((row.lead(0)?, row.time(1)?)),
            )?;
            // What became of the person before the lead began is not what became of the lead.
            let Some((lead, _)) = found.filter(|it| it.1 <= word.at) else { return Ok(None) };
            Ok(was_brought_to(tx, publisher, (lead, lane.destination), &word.record)?.then_some(lead))
        }
    }
}

/// Whether the record is one that the lead was brought to: somebody else's record of the same person says nothing of what
/// became of this lead. Costs the touchpoints of the lead.
fn was_brought_to(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (lead, destination): (LeadId, DestinationNo),
    record: &str,
) -> Result<bool, StoreError> {
    let records = tx.query(
        "SELECT DISTINCT d.record
         FROM touchpoint t
         CROSS JOIN delivery d
         WHERE t.publisher_id = $1 AND t.lead_id = $2 AND d.publisher_id = t.publisher_id
             AND d.touchpoint_id = t.touchpoint_id AND d.destination_no = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Int(destination.get().into()),
        ],
        |row| Ok(row.text(0)?.eq_ignore_ascii_case(record)),
    )?;
    Ok(records.into_iter().any(|it| it))
}

fn mark(tx: &Tx<'_>, step: &ReadStep, counts: ReadCounts) -> Result<(), StoreError> {
    let count = |it: u64| Param::Int(i64::try_from(it).unwrap_or(i64::MAX));
    tx.execute(
        "UPDATE feedback_reading SET position = $1, due_at = $2, failures = 0, cause = '', message = '', fix = '',
             seen = seen + $3, noted = noted + $4, unknown = unknown + $5, unmatched = unmatched + $6,
             read_at = CASE WHEN $7 = 0 THEN read_at ELSE $7 END
         WHERE publisher_id = $8 AND destination_no = $9",
        &[
            Param::Text(&step.position),
            Param::Int(step.due_at.millis()),
            count(counts.seen),
            count(counts.noted),
            count(counts.unknown),
            count(counts.unmatched),
            Param::Int(if step.is_end { step.now.millis() } else { 0 }),
            Param::Text(step.lane.publisher.as_str()),
            Param::Int(step.lane.destination.get().into()),
        ],
    )?;
    Ok(())
}
