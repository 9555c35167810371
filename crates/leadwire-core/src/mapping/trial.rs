//! What another mapping would make of leads that came: counted, field by field, with a few of them as examples.

use super::{Explained, Value};
use crate::id::TouchpointId;
use crate::limits::BACK_TEST_EXAMPLES_MAX;

/// How one field differs between two mappings of the same touchpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It has a value now, and had none.
    Filled,
    /// It has none any more.
    Emptied,
    /// It has another one.
    Other,
}

impl Difference {
    /// Between what was sent and what would be; none when that is the same.
    pub fn between(before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        match (before, after) {
            (None, Some(_)) => Some(Self::Filled),
            (Some(_), None) => Some(Self::Emptied),
            (Some(before), Some(after)) if before != after => Some(Self::Other),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }
}

/// A value before and after. Has no `Debug`: it holds personal values.
#[derive(Clone, PartialEq, Eq)]
pub struct Example {
    /// Of which touchpoint.
    pub touchpoint: TouchpointId,
    /// What the present mapping sends.
    pub before: Option<Value>,
    /// What the other one would.
    pub after: Option<Value>,
}

/// What becomes of one field.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldTally {
    /// The field at the destination.
    pub target: String,
    /// Touchpoints for which it has a value that it had not.
    pub filled: u32,
    /// Touchpoints for which it has none any more.
    pub emptied: u32,
    /// Touchpoints for which it has another one.
    pub other: u32,
    /// The first of them, at most [`BACK_TEST_EXAMPLES_MAX`].
    pub examples: Vec<Example>,
}

/// What becomes of many touchpoints.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Touchpoints that were looked at.
    pub looked_at: u32,
    /// Those whose record differs.
    pub differing: u32,
    /// Those that would wait for a person, and do not now.
    pub newly_refused: Vec<(TouchpointId, String)>,
    /// Those that would not any more.
    pub no_longer_refused: u32,
    /// The fields that differ for any, in the order in which that was found.
    pub fields: Vec<FieldTally>,
}

impl Tally {
    /// Adds a touchpoint.
    pub fn add(&mut self, touchpoint: TouchpointId, before: &Explained, after: &Explained) {
        self.looked_at += 1;
        match (&before.refused, &after.refused) {
            (None, Some(why)) => self.newly_refused.push((touchpoint, why.message.clone())),
            (Some(_), None) => self.no_longer_refused += 1,
            (None, None) | (Some(_), Some(_)) => {}
        }
        let was_refused = before.refused.is_some() != after.refused.is_some();
        let mut differs = was_refused;
        for target in targets(before, after) {
            let (had, has) = (before.sent(target), after.sent(target));
            let Some(difference) = Difference::between(had, has) else { continue };
            differs = true;
            let field = self.field(target);
            match difference {
                Difference::Filled => field.filled += 1,
                Difference::Emptied => field.emptied += 1,
                Difference::Other => field.other += 1,
            }
            if field.examples.len() < BACK_TEST_EXAMPLES_MAX {
                field.examples.push(Example { touchpoint, before: had.cloned(), after: has.cloned() });
            }
        }
        self.differing += u32::from(differs);
    }

    fn field(&mut self, target: &str) -> &mut FieldTally {
        let place = self.fields.iter().position(|it| it.target == target).unwrap_or_else(|| {
            let (target, examples) = (target.to_owned(), Vec::new());
            self.fields.push(FieldTally { target, filled: 0, emptied: 0, other: 0, examples });
            self.fields.len() - 1
        });
        &mut self.fields[place]
    }
}

/// The targets of both, each once: those of the first, then what only the second has.
pub fn targets<'a>(before: &'a Explained, after: &'a Explained) -> Vec<&'a str> {
    let first: Vec<&str> = before.rows.iter().map(|it| it.target.as_str()).collect();
    let second = after.rows.iter().map(|it| it.target.as_str()).filter(|it| !first.contains(it));
    first.iter().copied().chain(second).collect()
}

impl Explained {
    /// What is sent for a target.
    pub fn sent(&self, target: &str) -> Option<&Value> {
        self.rows.iter().find(|it| it.target == target)?.sent.as_ref()
    }
}

/// A row of two versions that differs between them: target, text in the first, text in the second.
pub type RowDifference = (String, Option<String>, Option<String>);

/// The rows that differ between two versions, each given as a kind's own rows and what differs from them.
pub fn difference(
    own: &[(&str, &str)],
    before: &[(String, Option<String>)],
    after: &[(String, Option<String>)],
) -> Vec<RowDifference> {
    let text = |rows: &[(String, Option<String>)], target: &str| match rows.iter().find(|it| it.0 == target) {
        Some((_, text)) => text.clone(),
        None => own.iter().find(|it| it.0 == target).map(|it| it.1.to_owned()),
    };
    let mut names: Vec<&str> = own.iter().map(|it| it.0).collect();
    for (name, _) in before.iter().chain(after) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let all = names.into_iter().map(|it| (it.to_owned(), text(before, it), text(after, it)));
    all.filter(|it| it.1 != it.2).collect()
}
