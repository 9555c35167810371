//! A row in the parts that a form asks for, and put together again. Nothing is lost on the way: the law is a property test.

use super::Write;
use super::expression::read_default;

/// A row as somebody types it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Where the value comes from: the row's start, up to the first `|`.
    pub from: String,
    /// The transforms behind it, but for what is said by the other parts.
    pub steps: String,
    /// The value when there is none; empty: then the field has none.
    pub otherwise: String,
    /// When the field is written.
    pub write: Write,
}

impl Parts {
    /// Takes a row apart. A text that is no row comes back as it is, in parts, for whoever mends it.
    pub fn of(text: &str) -> Self {
        let mut pieces = pieces(text);
        let from = pieces.remove(0).to_owned();
        let mut write = Write::Once;
        pieces.retain(|it| match *it {
            "always" => {
                write = Write::Always;
                false
            }
            "once" => {
                write = Write::Once;
                false
            }
            _ => true,
        });
        // A default that others follow is a step as these are.
        let otherwise = pieces.last().and_then(|it| read_default(it)).filter(|it| is_plain(it));
        if otherwise.is_some() {
            pieces.pop();
        }
        Self { from, steps: pieces.join(" | "), otherwise: otherwise.unwrap_or_default(), write }
    }

    /// The row. Empty when nothing is said: the field is left out.
    pub fn text(&self) -> String {
        let (from, steps) = (self.from.trim(), self.steps.trim());
        if from.is_empty() && steps.is_empty() && self.otherwise.is_empty() {
            return String::new();
        }
        let mut text = from.to_owned();
        if !steps.is_empty() {
            text.push_str(" | ");
            text.push_str(steps.trim_start_matches('|').trim_start());
        }
        if !self.otherwise.is_empty() {
            text.push_str(" | default('");
            text.push_str(&self.otherwise.replace('\'', "''"));
            text.push_str("')");
        }
        if self.write == Write::Always {
            text.push_str(" | always");
        }
        text
    }
}

/// Whether a form can show a text in one line and bring it back as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// What stands between the `|` of a row, quotes not looked into; at least one.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut begin, mut quote) = (Vec::new(), 0, None);
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (None, '|') => {
                pieces.push(text[begin..at].trim());
                begin = at + 1;
            }
            (None, '\'' | '"') => quote = Some(sign),
            // A doubled quote closes and opens again.
            (Some(open), sign) if open == sign => quote = None,
            _ => {}
        }
    }
    pieces.push(text[begin..].trim());
    pieces
}
