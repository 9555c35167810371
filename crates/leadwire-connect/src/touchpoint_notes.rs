//! A note in the destination for each touchpoint: which touchpoints get one, and what is said of the delivery when one is refused.
//!
//! The lead is written first, and is delivered whatever becomes of the note. A note that may have been written or may be
//! written later makes the delivery unknown a few times, never failed: the lead is there.

use crate::descriptor::{Field, FieldShape, Values};
use crate::{Payload, redact};
use leadwire_core::language::Language;
use leadwire_core::limits::NOTE_ATTEMPTS_MAX;
use leadwire_core::mapping::{self, Note, NoteLengths, Subject};
use leadwire_core::outcome::{Fault, Outcome, Receipt, Tried};

/// Which touchpoints get a note.
pub(crate) const TOUCHPOINT_NOTES: Field = Field {
    name: "touchpoint_notes",
    label: "A note for each touchpoint",
    help: "Adds to the record what the customer did, when, on which offer and in which words. A lead's first touchpoint is left out by default, for the record itself says it; a record that others made gets it too. One call more for each batch with a note; where notes are refused, leads arrive all the same.",
    shape: FieldShape::Choice(&[
        ("later", "For every touchpoint but a lead's first"),
        ("all", "For every touchpoint"),
        ("none", "None"),
    ]),
    default: Some("later"),
    ..Field::PLAIN
};

/// With what every mark begins: the line of [`mapping::mark`], up to what tells touchpoints apart.
pub(crate) const MARK: &str = "Touchpoint: tp_";

/// The setting, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Later,
    All,
    None,
}

impl Which {
    pub(crate) fn read(values: &Values<'_>) -> Self {
        match values.text(TOUCHPOINT_NOTES.name) {
            Some("all") => Self::All,
            Some("none") => Self::None,
            _ => Self::Later,
        }
    }

    /// Whether this touchpoint gets a note. A lead has the bits of its first touchpoint.
    pub(crate) fn wants(self, payload: &Payload) -> bool {
        // What is said about a lead in place of bringing it is no touchpoint.
        if payload.message.is_some() {
            return false;
        }
        match self {
            Self::All => true,
            Self::Later => payload.lead.bits() != payload.delivery.touchpoint.bits(),
            Self::None => false,
        }
    }
}

/// A note to be written. Has no `Debug`: it holds personal values.
pub(crate) struct Wanted<'a> {
    /// Place in the batch.
    pub(crate) place: usize,
    pub(crate) payload: &'a Payload,
    /// Id of the record it belongs to.
    pub(crate) record: String,
    pub(crate) note: Note,
}

impl Wanted<'_> {
    /// Values that are sent, which an answer may repeat.
    pub(crate) fn known(&self) -> Vec<String> {
        let mut known: Vec<String> = redact::known(&self.payload.touchpoint).map(str::to_owned).collect();
        known.extend([self.note.subject.clone(), self.note.text.clone()]);
        known
    }

    /// Whether an earlier attempt may have written it.
    pub(crate) fn may_be_there(&self) -> bool {
        self.payload.attempt > 1
    }
}

/// What came of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is there: now, or since an earlier attempt.
    Written,
    /// It will not be taken: why, and what to do about it.
    Refused { why: String, fix: String },
    /// Nobody knows, or it will be taken later.
    Open { why: String },
}

impl Told {
    /// By what came of the request that carried it.
    pub(crate) fn of(tried: &Tried) -> Self {
        let why = tried.evidence.message.clone();
        match &tried.outcome {
            Outcome::Done(_) => Self::Written,
            Outcome::Unknown => Self::Open { why },
            Outcome::NotDone(fault) => match fault {
                Fault::RetryNow | Fault::RetryAfter(_) | Fault::HoldLane(_) | Fault::SmallerBatch => {
                    Self::Open { why }
                }
                Fault::RetryThenPause { .. } | Fault::Pause | Fault::Stop | Fault::Park | Fault::Withhold => {
                    Self::Refused { why, fix: tried.evidence.fix.clone() }
                }
            },
        }
    }
}

fn subject(payload: &Payload) -> Subject<'_> {
    Subject {
        touchpoint: &payload.touchpoint,
        publisher: &payload.publisher,
        lead: payload.lead,
        id: payload.delivery.touchpoint,
        received_at: payload.received_at,
        standing: payload.standing,
        language: Language::En,
    }
}

/// The note of a payload.
pub(crate) fn note(payload: &Payload, lengths: NoteLengths) -> Note {
    mapping::note(&subject(payload), lengths)
}

/// By which a payload's note is recognised in the text of one that is there.
pub(crate) fn mark(payload: &Payload) -> String {
    mapping::mark(&subject(payload))
}

/// Whether a text that hangs on a record is a note of Leadwire's.
pub(crate) fn is_ours(text: &str) -> bool {
    text.contains(MARK)
}

/// The cause of a delivery that ended at a record which others made: what the customer did is nowhere in it.
pub(crate) const LINKED: &str = "linked";

/// The notes of a batch whose leads were delivered and whose records are known, oldest first.
pub(crate) fn wanted<'a>(
    which: Which,
    lengths: NoteLengths,
    batch: &'a [Payload],
    tried: &[Tried],
) -> Vec<Wanted<'a>> {
    let mut all: Vec<Wanted<'a>> = Vec::new();
    for (place, (payload, tried)) in batch.iter().zip(tried).enumerate() {
        if let Outcome::Done(Receipt::Confirmed { record }) = &tried.outcome
            && (which.wants(payload) || which == Which::Later && tried.evidence.cause == LINKED)
        {
            all.push(Wanted { place, payload, record: record.clone(), note: note(payload, lengths) });
        }
    }
    all.sort_by_key(|it| it.payload.delivery.touchpoint);
    all
}

/// Says what came of a note where the lead was delivered.
pub(crate) fn tell(tried: &mut Tried, payload: &Payload, told: Told) {
    let said = match told {
        Told::Written => "its note is there".to_owned(),
        Told::Refused { why, fix } if fix.is_empty() => format!("no note was written: {why}"),
        Told::Refused { why, fix } => format!("no note was written: {why}; {fix}"),
        Told::Open { why } if payload.attempt < NOTE_ATTEMPTS_MAX => {
            tried.outcome = Outcome::Unknown;
            "note_open".clone_into(&mut tried.evidence.cause);
            format!("the note is tried again: {why}")
        }
        Told::Open { why } => format!("the note may be missing: {why}"),
    };
    let message = &mut tried.evidence.message;
    message.push_str(if message.is_empty() { "" } else { "; " });
    message.push_str(&said);
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadwire_core::outcome::Evidence;
    use std::time::Duration;

    fn came_to(outcome: Outcome) -> Told {
        Told::of(&Tried { outcome, evidence: Evidence::default() })
    }

    #[test]
    fn a_note_is_known_as_leadwires_own() {
        assert_eq!(MARK, format!("Touchpoint: {}", leadwire_core::id::TouchpointId::PREFIX));
        assert!(is_ours("a\nTouchpoint: tp_1") && !is_ours("Touchpoint: somebody's"));
    }

    #[test]
    fn what_passes_is_open_and_what_needs_somebody_is_refused() {
        let open = Told::Open { why: String::new() };
        let refused = Told::Refused { why: String::new(), fix: String::new() };
        assert_eq!(came_to(Outcome::Done(Receipt::Accepted)), Told::Written);
        assert_eq!(came_to(Outcome::Unknown), open);
        for fault in [Fault::RetryNow, Fault::HoldLane(Some(Duration::from_secs(1))), Fault::SmallerBatch] {
            assert_eq!(came_to(Outcome::NotDone(fault)), open);
        }
        for fault in [Fault::Pause, Fault::Stop, Fault::Park, Fault::RetryThenPause { attempts: 5 }] {
            assert_eq!(came_to(Outcome::NotDone(fault)), refused);
        }
    }
}
