//! Whether the parts of a filter fit together, as far as that is known before a touchpoint comes.

use super::BadFilter;
use super::node::{Constant, Node};
use super::read::place;
use super::variables::{Read, VARIABLES};

/// What a filter can call.
pub const FUNCTIONS: &[&str] = &[
    "has(customer.email)",
    "customer.email.contains('@')",
    "startsWith('…')",
    "endsWith('…')",
    "matches('…')",
    "lowerAscii()",
    "size(notes)",
];

/// What a part gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Flag,
    Number,
    Text,
    List,
    Map,
    /// A field of a sender's own, which may be anything.
    Any,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Flag => "true or false",
            Kind::Number => "a number",
            Kind::Text => "a text",
            Kind::List => "a list",
            Kind::Map => "a group of fields",
            Kind::Any => "anything",
        }
    }

    fn may_be(self, wanted: Kind) -> bool {
        self == wanted || self == Kind::Any
    }
}

/// Checks a filter as a whole.
pub(super) fn check(text: &str, node: &Node) -> Result<(), BadFilter> {
    Checker { text }.want(node, &[Kind::Flag])
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn want(&self, node: &Node, wanted: &[Kind]) -> Result<(), BadFilter> {
        let kind = self.kind(node)?;
        if wanted.iter().any(|it| kind.may_be(*it)) {
            return Ok(());
        }
        let names: Vec<&str> = wanted.iter().map(|it| it.name()).collect();
        Err(self.wrong(node, kind, &names.join(" or ")))
    }

    fn wrong(&self, node: &Node, kind: Kind, wanted: &str) -> BadFilter {
        BadFilter {
            code: "filter_wrong_type",
            at: place(self.text, &leftmost(node)),
            message: format!("`{node}` is {}, and {wanted} is needed here", kind.name()),
            fix:
                "compare texts with texts in quotes, numbers with numbers; true and false stand by themselves"
                    .to_owned(),
        }
    }

    fn kind(&self, node: &Node) -> Result<Kind, BadFilter> {
        Ok(match node {
            Node::Constant(it) => of_constant(it),
            Node::Named(place) => match VARIABLES[*place].read {
                Read::Text(_) => Kind::Text,
                Read::Flag(_) => Kind::Flag,
            },
            Node::Entry(_, path) if path.is_empty() => Kind::Map,
            Node::Entry(..) => Kind::Any,
            // Read from a name only.
            Node::Has(_) => Kind::Flag,
            Node::Not(inner) => {
                self.want(inner, &[Kind::Flag])?;
                Kind::Flag
            }
            Node::And(left, right) | Node::Or(left, right) => {
                self.want(left, &[Kind::Flag])?;
                self.want(right, &[Kind::Flag])?;
                Kind::Flag
            }
            Node::If(parts) => {
                self.want(&parts[0], &[Kind::Flag])?;
                let (yes, no) = (self.kind(&parts[1])?, self.kind(&parts[2])?);
                if yes == no { yes } else { Kind::Any }
            }
            Node::Compare(how, left, right) => {
                let ordered = !matches!(how.as_str(), "==" | "!=");
                let one = [Kind::Text, Kind::Number, Kind::Flag, Kind::Null];
                let wanted = if ordered { &one[..2] } else { &one[..] };
                self.want(left, wanted)?;
                let kind = self.kind(left)?;
                if kind == Kind::Any || (kind == Kind::Null && !ordered) {
                    self.want(right, wanted)?;
                } else if !ordered && self.kind(right)? == Kind::Null && kind == Kind::Null {
                    return Ok(Kind::Flag);
                } else {
                    self.want(right, &[kind])?;
                }
                Kind::Flag
            }
            Node::In(one, many) => {
                self.want(many, &[Kind::List, Kind::Map])?;
                match (self.kind(many)?, &**many) {
                    (Kind::Map, _) => self.want(one, &[Kind::Text])?,
                    (_, Node::Constant(Constant::List(items))) => {
                        let kinds: Vec<Kind> = items.iter().map(of_constant).collect();
                        if !kinds.is_empty() {
                            self.want(one, &kinds)?;
                        }
                    }
                    _ => self.want(one, &[Kind::Text, Kind::Number, Kind::Flag, Kind::Null])?,
                }
                Kind::Flag
            }
            Node::Text(_, text, sought) => {
                self.want(text, &[Kind::Text])?;
                self.want(sought, &[Kind::Text])?;
                Kind::Flag
            }
            Node::Matches(text, _) => {
                self.want(text, &[Kind::Text])?;
                Kind::Flag
            }
            Node::Size(inner) => {
                self.want(inner, &[Kind::Text, Kind::List, Kind::Map])?;
                Kind::Number
            }
            Node::Lower(inner) => {
                self.want(inner, &[Kind::Text])?;
                Kind::Text
            }
        })
    }
}

fn of_constant(it: &Constant) -> Kind {
    match it {
        Constant::Null => Kind::Null,
        Constant::Flag(_) => Kind::Flag,
        Constant::Whole(_) | Constant::Real(_) => Kind::Number,
        Constant::Text(_) => Kind::Text,
        Constant::List(_) => Kind::List,
    }
}

/// What stands first in a part, as it is written.
fn leftmost(node: &Node) -> String {
    match node {
        Node::Constant(Constant::Text(text)) => text.clone(),
        Node::Constant(_)
        | Node::Named(_)
        | Node::Entry(..)
        | Node::Has(_)
        | Node::Not(_)
        | Node::Size(_) => node.to_string(),
        Node::And(inner, _)
        | Node::Or(inner, _)
        | Node::Compare(_, inner, _)
        | Node::In(inner, _)
        | Node::Text(_, inner, _)
        | Node::Matches(inner, _)
        | Node::Lower(inner) => leftmost(inner),
        Node::If(parts) => leftmost(&parts[0]),
    }
}
