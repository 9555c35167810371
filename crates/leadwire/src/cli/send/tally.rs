//! What became of what was sent: counts, and each refusal with its line.

use crate::cli::failure::{Detail, details_of};
use crate::cli::output::harmless;
use serde_json::{Value, json};

/// Most refusals that are kept; all are counted.
const KEPT_MAX: usize = 1000;
/// Most refusals that are shown to a person.
const SHOWN_MAX: usize = 20;

/// The counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Tally {
    /// Brought in by an earlier run that was interrupted, and not sent again.
    pub(in crate::cli) before: u64,
    /// Stored now.
    pub(in crate::cli) accepted: u64,
    /// Stored before.
    pub(in crate::cli) duplicates: u64,
    /// Old data of people who were erased: counted by the service, and not kept.
    pub(in crate::cli) erased: u64,
    /// Kept whole, although they could not be read.
    pub(in crate::cli) quarantined: u64,
    /// Refused.
    pub(in crate::cli) refused: u64,
    refusals: Vec<Refused>,
}

#[derive(Debug, PartialEq, Eq)]
struct Refused {
    file: String,
    line: u64,
    details: Vec<Detail>,
}

impl Tally {
    /// Counts a lead that was refused.
    pub(in crate::cli) fn refuse(&mut self, file: &str, line: u64, details: Vec<Detail>) {
        self.refused += 1;
        if self.refusals.len() < KEPT_MAX {
            self.refusals.push(Refused { file: file.to_owned(), line, details });
        }
    }

    /// Counts a lead that was refused, from the problem details (RFC 9457) about it.
    pub(in crate::cli) fn refuse_problem(&mut self, file: &str, line: u64, problem: &Value) {
        let mut details = details_of(problem);
        if details.is_empty() {
            let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            details.push(Detail {
                pointer: String::new(),
                code: text("code"),
                message: text("detail"),
                fix: text("fix"),
            });
        }
        self.refuse(file, line, details);
    }

    /// How many leads this is about.
    pub(in crate::cli) fn total(&self) -> u64 {
        self.accepted + self.duplicates + self.erased + self.quarantined + self.refused
    }

    /// The counts, in a line.
    pub(in crate::cli) fn line(&self) -> String {
        let mut words = vec![
            format!("{} accepted", self.accepted),
            format!("{} duplicate", self.duplicates),
            format!("{} refused", self.refused),
        ];
        if self.quarantined > 0 {
            words.push(format!("{} in quarantine", self.quarantined));
        }
        if self.erased > 0 {
            words.push(format!("{} of erased people, not kept", self.erased));
        }
        words.join(", ")
    }

    /// Every refusal that is shown, a line each.
    pub(in crate::cli) fn refusals(&self) -> String {
        let mut text = String::new();
        for refused in self.refusals.iter().take(SHOWN_MAX) {
            for detail in &refused.details {
                text.push_str(&format!(
                    "  {}:{}: {}\n",
                    refused.file,
                    refused.line,
                    harmless(&detail.to_string())
                ));
            }
        }
        let shown = self.refusals.len().min(SHOWN_MAX) as u64;
        if self.refused > shown {
            text.push_str(&format!("  … and {} more; --json lists up to {KEPT_MAX}\n", self.refused - shown));
        }
        text
    }

    /// The counts and refusals, for programs.
    pub(in crate::cli) fn to_json(&self) -> Value {
        let refusals: Vec<Value> = self
            .refusals
            .iter()
            .map(|it| json!({ "file": it.file, "line": it.line, "errors": it.details }))
            .collect();
        json!({
            "before": self.before,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "erased": self.erased,
            "quarantined": self.quarantined,
            "refused": self.refused,
            "refusals": refusals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_file_line_place_and_fix() {
        let mut tally = Tally { accepted: 2, ..Tally::default() };
        let error = json!({ "pointer": "/occurred_at", "code": "bad_time", "message": "is no time", "fix": "use RFC 3339" });
        tally.refuse_problem("a.csv", 7, &json!({ "detail": "x", "errors": [error] }));
        tally.refuse_problem(
            "a.csv",
            9,
            &json!({ "code": "forbidden", "detail": "not allowed", "fix": "use another key" }),
        );
        let text =
            "  a.csv:7: /occurred_at: is no time (use RFC 3339)\n  a.csv:9: not allowed (use another key)\n";
        assert_eq!(
            (tally.refusals(), tally.line()),
            (text.to_owned(), "2 accepted, 0 duplicate, 2 refused".to_owned())
        );
        assert_eq!(tally.to_json()["refusals"][0]["errors"][0]["code"], "bad_time");
    }

    #[test]
    fn many_refusals_are_counted_and_few_are_shown() {
        let mut tally = Tally::default();
        for line in 1..=5000 {
            tally.refuse(
                "a",
                line,
                vec![Detail {
                    pointer: String::new(),
                    code: "x".into(),
                    message: "m".into(),
                    fix: String::new(),
                }],
            );
        }
        assert_eq!(
            (tally.refused, tally.refusals.len(), tally.refusals().lines().count()),
            (5000, KEPT_MAX, SHOWN_MAX + 1)
        );
        assert!(tally.refusals().contains("and 4980 more"));
    }
}
