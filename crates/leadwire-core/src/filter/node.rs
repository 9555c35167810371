//! A filter as a tree, and how it is written again.

use super::variables::VARIABLES;
use regex::Regex;
use std::fmt::{self, Write as _};

/// A part of a filter.
#[derive(Clone)]
pub(super) enum Node {
    Constant(Constant),
    /// A variable, by its place in [`VARIABLES`].
    Named(usize),
    /// A field that senders name: `custom.a.b`. With an empty path all of them.
    Entry(Group, Vec<String>),
    Has(Box<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    Compare(Comparison, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    /// A question about a text: the text, and what is sought in it.
    Text(TextTest, Box<Node>, Box<Node>),
    Matches(Box<Node>, Regex),
    Size(Box<Node>),
    Lower(Box<Node>),
}

/// A value that stands in a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Null,
    Flag(bool),
    Whole(i64),
    Real(f64),
    Text(String),
    List(Vec<Constant>),
}

/// Whose fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Campaign,
    Custom,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A question about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

impl Group {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Group::Campaign => "campaign",
            Group::Custom => "custom",
        }
    }
}

impl Comparison {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

impl TextTest {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            TextTest::Contains => "contains",
            TextTest::StartsWith => "startsWith",
            TextTest::EndsWith => "endsWith",
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Node {
    /// How strongly its operator binds; what binds less is written in brackets within it.
    fn strength(&self) -> u8 {
        match self {
            Node::If(_) => 0,
            Node::Or(..) => 1,
            Node::And(..) => 2,
            Node::Compare(..) | Node::In(..) => 3,
            Node::Not(_) => 4,
            Node::Constant(_)
            | Node::Named(_)
            | Node::Entry(..)
            | Node::Has(_)
            | Node::Text(..)
            | Node::Matches(..)
            | Node::Size(_)
            | Node::Lower(_) => 5,
        }
    }

    fn within(&self, strength: u8, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strength() < strength { write!(out, "({self})") } else { write!(out, "{self}") }
    }
}

/// Writes the part as CEL, in one way whatever the spaces and brackets were.
impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Constant(it) => write!(out, "{it}"),
            Node::Named(place) => out.write_str(VARIABLES[*place].name),
            Node::Entry(group, path) => {
                out.write_str(group.as_str())?;
                path.iter().try_for_each(|key| {
                    let is_name = key.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
                        && key.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
                    if is_name { write!(out, ".{key}") } else { write!(out, "[{}]", Quoted(key)) }
                })
            }
            Node::Has(inner) => write!(out, "has({inner})"),
            Node::Not(inner) => {
                out.write_str("!")?;
                inner.within(4, out)
            }
            Node::And(left, right) => {
                left.within(2, out)?;
                out.write_str(" && ")?;
                right.within(2, out)
            }
            Node::Or(left, right) => {
                left.within(1, out)?;
                out.write_str(" || ")?;
                right.within(1, out)
            }
            Node::If(parts) => {
                parts[0].within(1, out)?;
                out.write_str(" ? ")?;
                parts[1].within(1, out)?;
                out.write_str(" : ")?;
                parts[2].within(0, out)
            }
            Node::Compare(how, left, right) => {
                left.within(4, out)?;
                write!(out, " {} ", how.as_str())?;
                right.within(4, out)
            }
            Node::In(one, many) => {
                one.within(4, out)?;
                out.write_str(" in ")?;
                many.within(4, out)
            }
            Node::Text(test, text, sought) => {
                text.within(5, out)?;
                write!(out, ".{}({sought})", test.as_str())
            }
            Node::Matches(text, pattern) => {
                text.within(5, out)?;
                write!(out, ".matches({})", Quoted(pattern.as_str()))
            }
            Node::Size(inner) => write!(out, "size({inner})"),
            Node::Lower(inner) => {
                inner.within(5, out)?;
                out.write_str(".lowerAscii()")
            }
        }
    }
}

impl fmt::Display for Constant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Constant::Null => out.write_str("null"),
            Constant::Flag(it) => write!(out, "{it}"),
            Constant::Whole(it) => write!(out, "{it}"),
            Constant::Real(it) => write!(out, "{it:?}"),
            Constant::Text(it) => write!(out, "{}", Quoted(it)),
            Constant::List(items) => {
                out.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(out, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                out.write_str("]")
            }
        }
    }
}

/// A text in quotes, as CEL reads it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('\'')?;
        for letter in self.0.chars() {
            match letter {
                '\'' => out.write_str("\\'")?,
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                other => out.write_char(other)?,
            }
        }
        out.write_char('\'')
    }
}
