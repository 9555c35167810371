//! A record told row by row: what came, what a row and the field's rule made of it, and why a field has nothing.

use super::{Expression, Mapping, Rules, Subject, Unmappable, Value, Write, source};

/// What becomes of a touchpoint at a destination. Has no `Debug`: it holds personal values.
#[derive(Clone, PartialEq, Eq)]
pub struct Explained {
    /// The rows, in their order.
    pub rows: Vec<ExplainedRow>,
    /// What came and no row reads: its name, its value, and whether a row reads `details`, which repeats it.
    pub unread: Vec<(String, Value, bool)>,
    /// Why no record can be made, if so.
    pub refused: Option<Unmappable>,
}

/// One row.
#[derive(Clone, PartialEq, Eq)]
pub struct ExplainedRow {
    /// The field at the destination.
    pub target: String,
    /// The row's text.
    pub text: String,
    /// When it is written.
    pub write: Write,
    /// The sources that it reads, each with what came.
    pub came: Vec<(String, Option<Value>)>,
    /// What is sent.
    pub sent: Option<Value>,
    /// What was done to the value on the way.
    pub changes: Vec<Change>,
    /// What becomes of the field.
    pub fate: Fate,
}

/// What was done to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing came, and the row says what then.
    Default,
    /// The row's transforms made another value of it.
    Transformed,
    /// It was longer than the field takes.
    Shortened,
    /// It was written as the field takes it: a choice in its spelling, a text without white space around it.
    Fitted,
}

impl Change {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Transformed => "transformed",
            Self::Shortened => "shortened",
            Self::Fitted => "fitted",
        }
    }
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent.
    Sent,
    /// Nothing came for it.
    Empty,
    /// Its value does not fit, and the record is made without it: why, without the value.
    LeftOut(String),
    /// Without it no record can be made.
    Refused,
}

impl Fate {
    /// Stable name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Empty => "empty",
            Self::LeftOut(_) => "left_out",
            Self::Refused => "refused",
        }
    }
}

impl Mapping {
    /// The same as [`Mapping::apply`], told row by row, and going on behind what is refused.
    pub fn explain(&self, subject: &Subject<'_>, rules: &Rules) -> Explained {
        let mut refused = None;
        let mut rows: Vec<ExplainedRow> = Vec::with_capacity(self.rows.len());
        for (target, expression) in &self.rows {
            let (row, why) = explain(target, expression, subject, rules);
            refused = refused.or(why);
            rows.push(row);
        }
        let missing =
            || rules.missing(|target| rows.iter().any(|it| it.target == target && it.sent.is_some()));
        if let Some(why) = refused.clone().or_else(missing) {
            let lacking = rows.iter_mut().filter(|it| it.target == why.target && it.sent.is_none());
            lacking.for_each(|it| it.fate = Fate::Refused);
            refused = Some(why);
        }
        let is_read = |name: &str| {
            let reads = |it: &ExplainedRow| {
                let is_part = |read: &str| read == "customer.name" && is_name(name);
                it.came.iter().any(|(read, _)| read == name || is_part(read))
            };
            rows.iter().any(reads)
        };
        let has_details = rows.iter().any(|it| it.came.iter().any(|(name, _)| name == "details"));
        let unread = source::said(subject).into_iter().filter(|it| !is_read(&it.0));
        Explained {
            unread: unread.map(|(name, value, repeated)| (name, value, repeated && has_details)).collect(),
            rows,
            refused,
        }
    }
}

fn is_name(name: &str) -> bool {
    matches!(name, "customer.first_name" | "customer.last_name")
}

fn explain(
    target: &str,
    expression: &Expression,
    subject: &Subject<'_>,
    rules: &Rules,
) -> (ExplainedRow, Option<Unmappable>) {
    let start = expression.start(subject);
    let made = expression.value(subject);
    let mut changes = Vec::new();
    match (&start, &made) {
        (None, Some(_)) => changes.push(Change::Default),
        (Some(start), Some(made)) if start.as_text() != made.as_text() => changes.push(Change::Transformed),
        _ => {}
    }
    let mut notes = Vec::new();
    let (sent, refused) = match rules.hold(target, made.clone(), &mut notes) {
        Ok(sent) => (sent, None),
        Err(why) => (None, Some(why)),
    };
    let fate = match (&made, &sent) {
        (_, Some(_)) => Fate::Sent,
        (None, None) => Fate::Empty,
        (Some(_), None) => Fate::LeftOut(notes.first().cloned().unwrap_or_default()),
    };
    if let (Some(made), Some(sent)) = (&made, &sent) {
        match notes.is_empty() {
            false => changes.push(Change::Shortened),
            true if made.as_text() != sent.as_text() => changes.push(Change::Fitted),
            true => {}
        }
    }
    let row = ExplainedRow {
        target: target.to_owned(),
        text: expression.text().to_owned(),
        write: expression.write(),
        came: expression.read(subject),
        sent,
        changes,
        fate,
    };
    (row, refused)
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
