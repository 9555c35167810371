//! How reading from a destination what became of leads stands, as people read it.

use super::output::fields;
use crate::api::wire;

pub(super) fn text(it: &wire::FeedbackReading) -> String {
    let state = match (it.possible, it.on, it.failures) {
        (false, ..) => "this kind of system cannot tell",
        (true, false, _) => "off; switch it on with the setting read_feedback=on",
        (true, true, 0) => "on",
        (true, true, _) => "on, and it fails",
    };
    let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let failures = count(it.failures.into());
    let unknown = match it.unknown {
        0 => String::new(),
        number => format!("{number}; say what they mean with the setting feedback_states"),
    };
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    fields(&[
        ("reading", state),
        ("read", it.read_at.as_deref().unwrap_or("not yet")),
        ("next", &text(&it.due_at)),
        ("failures", &failures),
        ("why", &text(&it.message)),
        ("what to do", &text(&it.fix)),
        ("looked at", &count(it.seen)),
        ("new words", &count(it.noted)),
        ("unknown statuses", &unknown),
        ("of no lead of ours", &count(it.unmatched)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_is_told_what_to_do() {
        let mut it = wire::FeedbackReading {
            possible: true,
            on: false,
            read_at: None,
            due_at: None,
            failures: 0,
            cause: None,
            message: None,
            fix: None,
            seen: 9,
            noted: 2,
            unknown: 3,
            unmatched: 0,
        };
        assert!(text(&it).contains("read_feedback=on"));
        (it.on, it.failures) = (true, 4);
        let shown = text(&it);
        assert!(shown.contains("it fails") && shown.contains("3; say what they mean"), "{shown}");
    }
}
