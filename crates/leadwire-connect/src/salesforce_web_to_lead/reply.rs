//! Reads an answer: the status, and the one header that says whether the form could be processed.
//!
//! The body is a page for browsers and is never read. Header and values: gravityplus/Gravity-Forms-Salesforce,
//! `trunk/inc/web-to-lead.php` and its test. That it is missing from a good answer is not ruled out, so 200 without
//! it is taken as accepted: to repeat it would make every lead twice.

use super::errors::ERRORS;
use crate::catalogue::Known;
use crate::egress::Answer;
use crate::redact;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};

const HEADER: &str = "is-processed";

/// What becomes of a lead of which nobody knows whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterUnknown {
    Repeat,
    Park,
}

/// What came of the lead.
pub(super) fn read(answer: &Answer, known: &[&str], after_unknown: AfterUnknown) -> Tried {
    let status = answer.status.as_u16();
    let header = answer.headers.get(HEADER).map(|it| String::from_utf8_lossy(it.as_bytes()).to_lowercase());
    let header = header.as_deref().map(str::trim);
    let tried = match (status, header) {
        (_, Some(text)) if text.contains("exception") => refused("Exception", answer, known),
        (200..=399, Some(text)) if text.starts_with("false") => refused("Is-Processed: false", answer, known),
        (200..=399, Some(text)) if text.starts_with("true") => {
            accepted(answer, "", "Salesforce accepted the lead; whether it made one, it does not say")
        }
        (200..=299, _) => accepted(
            answer,
            "accepted_without_word",
            "Salesforce reported no error; whether it made a lead, it does not say",
        ),
        (429, _) => refused("too_many", answer, known),
        (413, _) => refused("too_large", answer, known),
        // The form names no return address, so an answer that leads elsewhere is about the address itself.
        (300..=399, _) => refused("redirect", answer, known),
        (400..=499, _) if status != 408 => refused("refused", answer, known),
        _ => Tried {
            outcome: Outcome::Unknown,
            evidence: evidence(
                answer,
                &format!("http_{status}"),
                format!("Salesforce answered {status}, and the lead may or may not have been taken"),
            ),
        },
    };
    settle(tried, after_unknown)
}

/// An unknown outcome, as the settings want it.
pub(super) fn settle(mut tried: Tried, after_unknown: AfterUnknown) -> Tried {
    if tried.outcome == Outcome::Unknown {
        match after_unknown {
            AfterUnknown::Repeat => {
                tried.evidence.message.push_str("; it is sent again, which may make a second lead");
            }
            AfterUnknown::Park => {
                tried.outcome = Outcome::NotDone(Fault::Park);
                tried.evidence.message.push_str("; the settings say that a person looks");
                "look for the lead in Salesforce; when it is not there, retry it"
                    .clone_into(&mut tried.evidence.fix);
            }
        }
    }
    tried
}

fn accepted(answer: &Answer, cause: &str, message: &str) -> Tried {
    Tried { outcome: Outcome::Done(Receipt::Accepted), evidence: evidence(answer, cause, message.to_owned()) }
}

fn refused(code: &str, answer: &Answer, known: &[&str]) -> Tried {
    let entry = Known::find(ERRORS, code).expect("the catalogue has the code");
    let message = format!("{} (HTTP {})", entry.message, answer.status.as_u16());
    let evidence = Evidence {
        fix: entry.fix.to_owned(),
        answer: redact::redact(&answer.body, known.iter().copied()),
        ..evidence(answer, entry.cause, message)
    };
    Tried { outcome: Outcome::NotDone(entry.fault), evidence }
}

fn evidence(answer: &Answer, cause: &str, message: String) -> Evidence {
    Evidence {
        cause: cause.to_owned(),
        message,
        fix: String::new(),
        http_status: Some(answer.status.as_u16()),
        answer: String::new(),
        peer: Some(answer.peer),
        timings: answer.timings,
    }
}
