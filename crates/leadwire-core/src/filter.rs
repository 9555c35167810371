//! A route's condition on touchpoints: an expression in the Common Expression Language, checked once, then cheap to ask.
//!
//! The `cel` crate reads the language. What a filter may be is less than CEL: no comprehensions, no arithmetic, no
//! functions but those of [`FUNCTIONS`]. It is asked here and not by the crate, which knows no bound of its cost
//! (cel-rust issue 56), cannot say which part of a filter was false, and makes values of its own for each touchpoint.

mod ask;
pub mod build;
mod check;
mod node;
mod read;
#[cfg(test)]
mod tests;
mod variables;

use crate::touchpoint::Touchpoint;
use node::Node;
use std::fmt;

pub use check::FUNCTIONS;
pub use variables::{Subject, VARIABLES, Variable};

/// A condition that was read and checked. It cannot loop, and asking it costs no more than
/// [`crate::limits::FILTER_COST_MAX`] looks at a byte.
#[derive(Clone, PartialEq)]
pub struct Filter {
    text: Box<str>,
    node: Node,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFilter {
    /// Stable name of the mistake; never translated.
    pub code: &'static str,
    /// Where in the text, in characters from 1, when one place can be named.
    pub at: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for BadFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.at.map_or(Ok(()), |at| write!(out, " (character {at})"))
    }
}

impl std::error::Error for BadFilter {}

/// Why a filter could not be told of one touchpoint. Holds no value of the touchpoint, only names and the filter's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The part of the filter that could not be told.
    pub part: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` cannot be told: {}", self.part, self.why)
    }
}

impl Filter {
    /// Reads and checks a filter: its length, depth and size, every variable, every function, and that types that are
    /// known fit together.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to do.
    pub fn parse(text: &str) -> Result<Self, BadFilter> {
        let text = text.trim();
        let node = read::read(text)?;
        check::check(text, &node)?;
        Ok(Self { text: text.into(), node })
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a touchpoint fulfils it.
    ///
    /// # Errors
    /// When that cannot be told: a field of `custom` or `campaign` that is missing or of another type, or text so long
    /// that looking through it costs too much.
    pub fn takes(&self, touchpoint: &Touchpoint) -> Result<bool, Trouble> {
        self.takes_subject(&Subject::new(touchpoint))
    }

    /// As [`Filter::takes`], of a touchpoint that other filters are asked about too.
    ///
    /// # Errors
    /// As there.
    pub fn takes_subject(&self, subject: &Subject<'_>) -> Result<bool, Trouble> {
        ask::ask(&self.node, subject)
    }

    /// The part that makes it false for a touchpoint that does not fulfil it.
    pub fn false_part(&self, touchpoint: &Touchpoint) -> String {
        ask::false_part(&self.node, &Subject::new(touchpoint)).to_string()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Filter({})", self.text)
    }
}
