//! An error as a person reads it: what went wrong, where, and what to do about it.

use super::exit_code::ExitCode;
use serde_json::{Value, json};
use std::fmt;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    exit: ExitCode,
    what: String,
    details: Vec<Detail>,
    fix: String,
}

/// One of several things that are wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Detail {
    /// Where, as an RFC 6901 pointer; empty for the whole input.
    #[serde(default)]
    pub(super) pointer: String,
    /// Stable name of the mistake.
    #[serde(default)]
    pub(super) code: String,
    /// What is wrong.
    #[serde(default)]
    pub(super) message: String,
    /// What to do about it.
    #[serde(default)]
    pub(super) fix: String,
}

impl fmt::Display for Detail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { String::new() } else { format!("{}: ", self.pointer) };
        let fix = if self.fix.is_empty() { String::new() } else { format!(" ({})", self.fix) };
        write!(out, "{place}{}{fix}", self.message)
    }
}

impl Failure {
    /// Puts one together; the texts have no full stop.
    pub(super) fn new(exit: ExitCode, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { exit, what: what.into(), details: Vec::new(), fix: fix.into() }
    }

    /// Reads the problem details (RFC 9457) of an answer. A body that holds none came from something else.
    pub(super) fn of_answer(status: u16, body: &[u8], base: &str) -> Self {
        let exit = ExitCode::of_status(status);
        let problem: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("detail").is_empty() {
            let what = format!("{base} answered with status {status}, and not as Leadwire does");
            return Self::new(
                exit,
                what,
                "check LEADWIRE_URL or --url, and what stands between here and the service",
            );
        }
        let details = details_of(&problem);
        // A single detail says what the problem itself says, and where.
        let what = match details.as_slice() {
            [only] => format!("{}: {}", only.pointer, only.message).trim_start_matches(": ").to_owned(),
            _ => text("detail"),
        };
        let details = if details.len() == 1 { Vec::new() } else { details };
        Self { exit, what, details, fix: text("fix") }
    }

    /// How the program ends.
    pub(super) fn exit(&self) -> ExitCode {
        self.exit
    }

    /// What to do about it; may be empty.
    pub(super) fn fix(&self) -> &str {
        &self.fix
    }

    /// As JSON, for scripts.
    pub(super) fn to_json(&self) -> Value {
        json!({ "exit": self.exit.number(), "error": self.what, "fix": self.fix, "errors": self.details })
    }

    /// As lines of text.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("error: {}\n", self.what);
        for detail in &self.details {
            text.push_str(&format!("  - {detail}\n"));
        }
        // "See `errors`" is of no use to someone who sees them.
        if !self.fix.is_empty() && self.details.is_empty() {
            text.push_str(&format!("  fix: {}\n", self.fix));
        }
        text
    }
}

/// What is wrong, one by one, in problem details.
pub(super) fn details_of(problem: &Value) -> Vec<Detail> {
    problem.get("errors").and_then(|it| serde_json::from_value(it.clone()).ok()).unwrap_or_default()
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &Value) -> Failure {
        Failure::of_answer(status, body.to_string().as_bytes(), "http://127.0.0.1:5323")
    }

    #[test]
    fn a_problem_is_told_with_its_fix() {
        let failure = of(404, &json!({ "detail": "there is nothing here", "fix": "check the ids" }));
        assert_eq!(failure.exit(), ExitCode::NotFound);
        assert_eq!(failure.to_text(), "error: there is nothing here\n  fix: check the ids\n");
    }

    #[test]
    fn a_single_mistake_is_told_with_its_place() {
        let error = json!({ "pointer": "/kind", "code": "x", "message": "there is no such connector", "fix": "use https" });
        let body = json!({ "detail": "there is no such connector", "fix": "use https", "errors": [error] });
        assert_eq!(of(422, &body).to_text(), "error: /kind: there is no such connector\n  fix: use https\n");
    }

    #[test]
    fn several_mistakes_are_told_one_by_one() {
        let error = |pointer: &str| json!({ "pointer": pointer, "message": "is missing", "fix": "give it" });
        let body =
            json!({ "detail": "2 things", "fix": "see `errors`", "errors": [error("/a"), error("/b")] });
        let text = "error: 2 things\n  - /a: is missing (give it)\n  - /b: is missing (give it)\n";
        assert_eq!(of(422, &body).to_text(), text);
    }

    #[test]
    fn an_answer_of_something_else_is_recognised() {
        let failure = Failure::of_answer(502, b"<html>Bad Gateway</html>", "https://leads.example.com");
        assert_eq!(failure.exit(), ExitCode::Unreachable);
        assert!(failure.to_text().contains("not as Leadwire does"), "{}", failure.to_text());
    }
}
