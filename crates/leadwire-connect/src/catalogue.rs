//! The error catalogue: what a destination's codes mean, as data that classifies answers and that people can look up.

use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};

use crate::egress::Answer;
use crate::redact;

/// What one code or text of a destination means, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The code as the destination writes it, such as `INVALID_SESSION_ID`, `0x80040220` or `606`.
    pub code: &'static str,
    /// What the engine does.
    pub fault: Fault,
    /// Stable name of the cause, such as `field_unknown`: failures are grouped by it.
    pub cause: &'static str,
    /// What happened, in plain words, without a full stop.
    pub message: &'static str,
    /// What to do about it; empty when it passes by itself.
    pub fix: &'static str,
    /// Pieces of messages that mean the same, as other products print them.
    pub texts: &'static [&'static str],
}

impl Known {
    /// An entry; the words are cause, message and fix.
    pub(crate) const fn new(
        code: &'static str,
        fault: Fault,
        (cause, message, fix): (&'static str, &'static str, &'static str),
        texts: &'static [&'static str],
    ) -> Self {
        Self { code, fault, cause, message, fix, texts }
    }

    /// The entry for a code.
    pub fn find(catalogue: &'static [Known], code: &str) -> Option<&'static Known> {
        catalogue.iter().find(|it| it.code.eq_ignore_ascii_case(code))
    }

    /// What came of a delivery that was answered so.
    pub fn tried(&self, answer: &Answer, known: &[&str]) -> Tried {
        Tried {
            outcome: Outcome::NotDone(self.fault),
            evidence: evidence(
                answer,
                known,
                (self.cause, format!("{} ({})", self.message, self.code), self.fix),
            ),
        }
    }
}

/// What a person reads about an answer: cause, message and fix, and the answer's body without what was sent.
pub(crate) fn evidence(
    answer: &Answer,
    known: &[&str],
    (cause, message, fix): (&str, String, &str),
) -> Evidence {
    Evidence {
        cause: cause.to_owned(),
        message,
        fix: fix.to_owned(),
        http_status: Some(answer.status.as_u16()),
        answer: redact::redact(&answer.body, known.iter().copied()),
        peer: Some(answer.peer),
        timings: answer.timings,
    }
}
