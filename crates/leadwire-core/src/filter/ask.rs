//! Asking a filter about a touchpoint: one walk over its tree, with a bound on the bytes looked at.

use super::Trouble;
use super::node::{Comparison, Constant, Group, Node, TextTest};
use super::variables::{Read, Subject, VARIABLES};
use crate::json::Json;
use crate::limits;
use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

/// Whether a touchpoint fulfils it.
pub(super) fn ask(node: &Node, touchpoint: &Subject<'_>) -> Result<bool, Trouble> {
    Asker::new(touchpoint).truth(node)
}

/// The smallest part that is false where all of it must be true.
pub(super) fn false_part<'a>(node: &'a Node, touchpoint: &Subject<'_>) -> &'a Node {
    let mut at = node;
    while let Node::And(left, right) = at {
        at = if ask(left, touchpoint) == Ok(false) { left } else { right };
    }
    at
}

enum Value<'a> {
    Null,
    Flag(bool),
    Whole(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Constants(&'a [Constant]),
    Array(&'a [Json]),
    Fields(&'a [(String, Json)]),
}

impl Value<'_> {
    fn name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Flag(_) => "true or false",
            Value::Whole(_) | Value::Real(_) => "a number",
            Value::Text(_) => "a text",
            Value::Constants(_) | Value::Array(_) => "a list",
            Value::Fields(_) => "a group of fields",
        }
    }
}

struct Asker<'a> {
    touchpoint: &'a Subject<'a>,
    /// Looks at a byte that are left.
    left: Cell<usize>,
}

impl<'a> Asker<'a> {
    fn new(touchpoint: &'a Subject<'a>) -> Self {
        Self { touchpoint, left: Cell::new(limits::FILTER_COST_MAX) }
    }

    fn pay(&self, node: &Node, bytes: usize) -> Result<(), Trouble> {
        match self.left.get().checked_sub(bytes + 1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(trouble(node, "the texts it looks through are too long")),
        }
    }

    fn truth(&self, node: &'a Node) -> Result<bool, Trouble> {
        match node {
            Node::And(left, right) => self.joined(left, right, false),
            Node::Or(left, right) => self.joined(left, right, true),
            Node::Not(inner) => self.truth(inner).map(|it| !it),
            Node::If(parts) => {
                if self.truth(&parts[0])? {
                    self.truth(&parts[1])
                } else {
                    self.truth(&parts[2])
                }
            }
            Node::Has(inner) => Ok(self.has(inner)),
            Node::Compare(how, left, right) => {
                let (one, other) = (self.value(left)?, self.value(right)?);
                self.compared(node, *how, &one, &other)
            }
            Node::In(one, many) => {
                let (one, many) = (self.value(one)?, self.value(many)?);
                self.is_in(node, &one, &many)
            }
            Node::Text(test, text, sought) => {
                let (whole, piece) = (self.text(text)?, self.text(sought)?);
                self.pay(node, whole.len() + piece.len())?;
                Ok(match test {
                    TextTest::Contains => whole.contains(&*piece),
                    TextTest::StartsWith => whole.starts_with(&*piece),
                    TextTest::EndsWith => whole.ends_with(&*piece),
                })
            }
            Node::Matches(text, pattern) => {
                let whole = self.text(text)?;
                // A step of the pattern's machine costs more than a look at a byte.
                self.pay(node, whole.len().saturating_mul(4))?;
                Ok(pattern.is_match(&whole))
            }
            Node::Constant(_) | Node::Named(_) | Node::Entry(..) | Node::Size(_) | Node::Lower(_) => {
                match self.value(node)? {
                    Value::Flag(it) => Ok(it),
                    other => Err(is_not(node, &other, "true or false")),
                }
            }
        }
    }

    /// `&&` and `||` as CEL has them: one side that decides makes up for trouble on the other.
    fn joined(&self, left: &'a Node, right: &'a Node, decides: bool) -> Result<bool, Trouble> {
        match self.truth(left) {
            Ok(it) if it == decides => Ok(decides),
            Ok(_) => self.truth(right),
            Err(trouble) => match self.truth(right) {
                Ok(it) if it == decides => Ok(decides),
                Ok(_) | Err(_) => Err(trouble),
            },
        }
    }

    fn has(&self, node: &Node) -> bool {
        match node {
            Node::Named(place) => match VARIABLES[*place].read {
                Read::Text(read) => !read(self.touchpoint).is_empty(),
                Read::Flag(read) => read(self.touchpoint),
            },
            Node::Entry(group, path) => self.entry(*group, path).is_ok_and(|it| !it.is_null()),
            _ => false,
        }
    }

    fn value(&self, node: &'a Node) -> Result<Value<'a>, Trouble> {
        self.pay(node, 0)?;
        Ok(match node {
            Node::Constant(it) => of_constant(it),
            Node::Named(place) => match VARIABLES[*place].read {
                Read::Text(read) => Value::Text(read(self.touchpoint)),
                Read::Flag(read) => Value::Flag(read(self.touchpoint)),
            },
            Node::Entry(group, path) if path.is_empty() => Value::Fields(self.fields(*group)),
            Node::Entry(group, path) => {
                self.entry(*group, path).map(of_json).map_err(|why| trouble(node, why))?
            }
            Node::Size(inner) => {
                let count = match self.value(inner)? {
                    Value::Text(it) => {
                        self.pay(node, it.len())?;
                        it.chars().count()
                    }
                    Value::Constants(it) => it.len(),
                    Value::Array(it) => it.len(),
                    Value::Fields(it) => it.len(),
                    other @ (Value::Null | Value::Flag(_) | Value::Whole(_) | Value::Real(_)) => {
                        return Err(is_not(node, &other, "a text or a list"));
                    }
                };
                Value::Whole(i64::try_from(count).unwrap_or(i64::MAX))
            }
            Node::Lower(inner) => {
                let text = self.text(inner)?;
                self.pay(node, text.len())?;
                if text.bytes().any(|it| it.is_ascii_uppercase()) {
                    Value::Text(text.to_ascii_lowercase().into())
                } else {
                    Value::Text(text)
                }
            }
            Node::If(parts) => {
                return if self.truth(&parts[0])? { self.value(&parts[1]) } else { self.value(&parts[2]) };
            }
            Node::Has(_)
            | Node::Not(_)
            | Node::And(..)
            | Node::Or(..)
            | Node::Compare(..)
            | Node::In(..)
            | Node::Text(..)
            | Node::Matches(..) => Value::Flag(self.truth(node)?),
        })
    }

    fn text(&self, node: &'a Node) -> Result<Cow<'a, str>, Trouble> {
        match self.value(node)? {
            Value::Text(it) => Ok(it),
            other => Err(is_not(node, &other, "a text")),
        }
    }

    fn fields(&self, group: Group) -> &'a [(String, Json)] {
        match group {
            Group::Campaign => &self.touchpoint.campaign,
            Group::Custom => &self.touchpoint.custom,
        }
    }

    fn entry(&self, group: Group, path: &[String]) -> Result<&'a Json, &'static str> {
        let mut fields = self.fields(group);
        let mut found: Option<&'a Json> = None;
        for key in path {
            if let Some(json) = found {
                let Json::Object(inner) = json else { return Err("it has no fields") };
                fields = inner;
            }
            let entry = fields.iter().find(|it| it.0 == *key);
            found = Some(&entry.ok_or("it is missing; ask `has(…)` first where it may be")?.1);
        }
        found.ok_or("it is a group of fields")
    }

    fn compared(
        &self,
        node: &Node,
        how: Comparison,
        one: &Value<'_>,
        other: &Value<'_>,
    ) -> Result<bool, Trouble> {
        let is_ordered = !matches!(how, Comparison::Equal | Comparison::Unequal);
        let order = match (one, other) {
            (Value::Text(a), Value::Text(b)) => {
                self.pay(node, a.len().min(b.len()))?;
                Some(a.cmp(b))
            }
            (Value::Whole(_) | Value::Real(_), Value::Whole(_) | Value::Real(_)) => ordered(one, other),
            (Value::Flag(a), Value::Flag(b)) if !is_ordered => Some(a.cmp(b)),
            (Value::Null, Value::Null) if !is_ordered => Some(Ordering::Equal),
            (Value::Constants(_) | Value::Array(_) | Value::Fields(_), _)
            | (_, Value::Constants(_) | Value::Array(_) | Value::Fields(_)) => {
                return Err(trouble(node, "lists and groups of fields are not compared"));
            }
            // Of different kinds: unequal, as in CEL, and neither is before the other.
            _ if is_ordered => {
                return Err(trouble(node, format!("{} is compared with {}", one.name(), other.name())));
            }
            _ => None,
        };
        Ok(match how {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::Unequal => order != Some(Ordering::Equal),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        })
    }

    fn is_in(&self, node: &Node, one: &Value<'_>, many: &Value<'_>) -> Result<bool, Trouble> {
        match many {
            Value::Constants(items) => {
                for item in *items {
                    if self.compared(node, Comparison::Equal, one, &of_constant(item))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Array(items) => {
                for item in *items {
                    let item = of_json(item);
                    let is_plain = !matches!(item, Value::Array(_) | Value::Fields(_));
                    if is_plain && self.compared(node, Comparison::Equal, one, &item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Fields(fields) => match one {
                Value::Text(key) => Ok(fields.iter().any(|it| it.0 == **key)),
                other => Err(is_not(node, other, "the name of a field")),
            },
            other => Err(is_not(node, other, "a list")),
        }
    }
}

fn ordered(one: &Value<'_>, other: &Value<'_>) -> Option<Ordering> {
    match (one, other) {
        (Value::Whole(a), Value::Whole(b)) => Some(a.cmp(b)),
        (Value::Whole(a), Value::Real(b)) => (*a as f64).partial_cmp(b),
        (Value::Real(a), Value::Whole(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b),
        _ => None,
    }
}

fn of_constant(it: &Constant) -> Value<'_> {
    match it {
        Constant::Null => Value::Null,
        Constant::Flag(it) => Value::Flag(*it),
        Constant::Whole(it) => Value::Whole(*it),
        Constant::Real(it) => Value::Real(*it),
        Constant::Text(it) => Value::Text(it.as_str().into()),
        Constant::List(it) => Value::Constants(it),
    }
}

fn of_json(it: &Json) -> Value<'_> {
    match it {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::Flag(*it),
        Json::Number(written) => match written.parse() {
            Ok(whole) => Value::Whole(whole),
            Err(_) => Value::Real(written.parse().unwrap_or(f64::NAN)),
        },
        Json::Text(it) => Value::Text(it.as_str().into()),
        Json::Array(it) => Value::Array(it),
        Json::Object(it) => Value::Fields(it),
    }
}

fn trouble(node: &Node, why: impl Into<String>) -> Trouble {
    Trouble { part: node.to_string(), why: why.into() }
}

fn is_not(node: &Node, value: &Value<'_>, wanted: &str) -> Trouble {
    trouble(node, format!("it is {}, and {wanted} is needed here", value.name()))
}
