//! From our fields to those of a destination: rows of a source, named transforms and a target, all of them bounded.
//!
//! A row is text, such as `customer.company | default('-')`. There are no loops, no variables and no code, so every
//! row ends, and a person can read what it does. What comes out is held to the target's rules before it is sent.

mod explain;
mod expression;
mod note;
pub mod parts;
mod rule;
mod source;
mod transform;
pub mod trial;

pub use explain::{Change, Explained, ExplainedRow, Fate};
pub use expression::{BadExpression, Expression};
pub use note::{Note, NoteLengths, mark, note};
pub use rule::{Kind, Length, Rule, Rules, Target};
pub use source::SOURCES;
pub use transform::TRANSFORMS;

use crate::id::{LeadId, PublisherId, TouchpointId};
use crate::language::Language;
use crate::limits::MAPPING_ROWS_MAX;
use crate::standing::Seen;
use crate::time::Timestamp;
use crate::touchpoint::{Action, Touchpoint};

/// A touchpoint with its ids: what sources read.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What the customer did.
    pub touchpoint: &'a Touchpoint,
    /// Whose customer.
    pub publisher: &'a PublisherId,
    /// The lead it was folded into.
    pub lead: LeadId,
    /// Its id.
    pub id: TouchpointId,
    /// When Leadwire accepted it.
    pub received_at: Timestamp,
    /// How the lead stands.
    pub standing: Seen,
    /// The language of what is written: it decides the order of a name, and what a capital is. Records of a CRM are
    /// written in English.
    pub language: Language,
}

impl Subject<'_> {
    /// Whether the customer must not be contacted: by this touchpoint, or by any other of the lead.
    pub fn do_not_contact(&self) -> bool {
        self.standing.do_not_contact || self.touchpoint.action == Action::DoNotContact
    }
}

/// A value on its way to a destination. Has no `Debug`: it may be personal.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// Yes or no.
    Bool(bool),
}

impl Value {
    /// The value as text.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }
}

/// When a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// When the record is made. Afterwards it belongs to the people who work there.
    Once,
    /// With every touchpoint: the field is Leadwire's own.
    Always,
}

/// One field of the record to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct MappedField {
    /// Its name at the destination.
    pub target: String,
    /// Its value, held to the target's rule.
    pub value: Value,
    /// When it is written.
    pub write: Write,
}

/// A touchpoint as a destination's record. Has no `Debug`: it holds personal values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The fields, in the order of the rows; each target at most once.
    pub fields: Vec<MappedField>,
    /// What had to be changed to fit, for people; names targets, never values.
    pub notes: Vec<String>,
}

impl Mapped {
    /// The value of a target.
    pub fn get(&self, target: &str) -> Option<&Value> {
        self.fields.iter().find(|it| it.target == target).map(|it| &it.value)
    }

    /// The fields that may be written to a record that is already there.
    pub fn owned(&self) -> impl Iterator<Item = &MappedField> {
        self.fields.iter().filter(|it| it.write == Write::Always)
    }
}

/// Why a touchpoint cannot become a record of this destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmappable {
    /// The target that must have a value.
    pub target: String,
    /// Stable name: `field_missing` or `field_invalid`.
    pub cause: &'static str,
    /// What is wrong, without the value and without a full stop.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its target.
    pub target: String,
    /// What is wrong with it.
    pub why: BadExpression,
}

/// A destination's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    rows: Vec<(String, Expression)>,
}

impl Mapping {
    /// The default rows of a connector with a publisher's changes: a row for a target takes the place of the default
    /// one, a new target comes behind them, and none takes the target away.
    ///
    /// # Errors
    /// Every row that cannot be read, and one for the first row beyond [`MAPPING_ROWS_MAX`].
    pub fn compose<'a>(
        defaults: &[(&str, &str)],
        changes: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, Vec<BadRow>> {
        let mut rows: Vec<(&str, Option<&str>)> = defaults.iter().map(|it| (it.0, Some(it.1))).collect();
        for (target, text) in changes {
            match rows.iter_mut().find(|it| it.0 == target) {
                Some(row) => row.1 = text,
                None => rows.push((target, text)),
            }
        }
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (target, text) in rows {
            let Some(text) = text else { continue };
            let parsed = if good.len() < MAPPING_ROWS_MAX {
                Expression::parse(text)
            } else {
                Err(BadExpression::too_many_rows())
            };
            match parsed {
                Ok(expression) => good.push((target.to_owned(), expression)),
                Err(why) => bad.push(BadRow { target: target.to_owned(), why }),
            }
        }
        if bad.is_empty() { Ok(Self { rows: good }) } else { Err(bad) }
    }

    /// Target and expression of every row, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Expression)> {
        self.rows.iter().map(|(target, expression)| (&**target, expression))
    }

    /// Makes the record. A value that does not fit its target is shortened or left out with a note.
    ///
    /// # Errors
    /// When a target that must have a value has none that fits.
    pub fn apply(&self, subject: &Subject<'_>, rules: &Rules) -> Result<Mapped, Unmappable> {
        let mut mapped = Mapped::default();
        for (target, expression) in &self.rows {
            let value = expression.value(subject);
            if let Some(value) = rules.hold(target, value, &mut mapped.notes)? {
                mapped.fields.push(MappedField { target: target.clone(), value, write: expression.write() });
            }
        }
        rules.none_missing(&mapped)?;
        Ok(mapped)
    }
}

#[cfg(test)]
#[path = "mapping/tests.rs"]
mod tests;
