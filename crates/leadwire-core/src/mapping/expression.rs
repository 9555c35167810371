//! A row's text: `source | transform(arguments) | …`, read once and then only evaluated.

use super::source::{self, Source};
use super::transform::{self, Transform};
use super::{Subject, Value, Write};
use crate::limits::{MAPPING_ARGUMENTS_MAX, MAPPING_ROW_BYTES_MAX, MAPPING_ROWS_MAX, MAPPING_TRANSFORMS_MAX};

/// Why a row's text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadExpression {
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl BadExpression {
    pub(super) fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { message: message.into(), fix: fix.into() }
    }

    pub(super) fn too_many_rows() -> Self {
        Self::new(format!("there are more than {MAPPING_ROWS_MAX} rows"), "take rows away that nobody needs")
    }
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    sources: Sources,
    transforms: Vec<Transform>,
    write: Write,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sources {
    One(Source),
    /// The first of them that has a value.
    First(Vec<Source>),
    /// Those that have a value, with a separator between.
    Join(String, Vec<Source>),
}

impl Expression {
    /// Reads a row's text.
    ///
    /// # Errors
    /// When it is longer than [`MAPPING_ROW_BYTES_MAX`], names a source or transform that there is not, or gives a
    /// transform arguments it does not take.
    pub fn parse(text: &str) -> Result<Self, BadExpression> {
        if text.len() > MAPPING_ROW_BYTES_MAX {
            return Err(BadExpression::new(
                "the row is too long",
                format!("use at most {MAPPING_ROW_BYTES_MAX} bytes"),
            ));
        }
        let mut reader = Reader { rest: text };
        let sources = reader.sources()?;
        let mut transforms = Vec::new();
        let mut write = Write::Once;
        while reader.takes('|') {
            let (name, arguments) = reader.call()?;
            match &*name {
                "always" | "once" if !arguments.is_empty() => {
                    return Err(BadExpression::new(format!("`{name}` takes no arguments"), "leave them out"));
                }
                "always" => write = Write::Always,
                "once" => write = Write::Once,
                _ => transforms.push(transform::find(&name, &arguments)?),
            }
            if transforms.len() > MAPPING_TRANSFORMS_MAX {
                return Err(BadExpression::new(
                    format!("the row has more than {MAPPING_TRANSFORMS_MAX} transforms"),
                    "leave some out",
                ));
            }
        }
        if !reader.rest.trim().is_empty() {
            return Err(reader.unexpected("`|` and a transform, or the end"));
        }
        Ok(Self { text: text.trim().to_owned(), sources, transforms, write })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When the target is written.
    pub fn write(&self) -> Write {
        self.write
    }

    /// The value for a touchpoint; none when its sources are empty and no transform gives one.
    pub fn value(&self, subject: &Subject<'_>) -> Option<Value> {
        self.transforms.iter().fold(self.start(subject), |value, it| it.apply(value, subject))
    }

    /// The sources that it reads by a name, each with what it has for a touchpoint.
    pub(super) fn read(&self, subject: &Subject<'_>) -> Vec<(String, Option<Value>)> {
        let all = match &self.sources {
            Sources::One(source) => std::slice::from_ref(source),
            Sources::First(sources) | Sources::Join(_, sources) => sources,
        };
        all.iter().filter_map(|it| Some((it.name()?, it.value(subject)))).collect()
    }

    /// The value before the first transform.
    pub(super) fn start(&self, subject: &Subject<'_>) -> Option<Value> {
        match &self.sources {
            Sources::One(source) => source.value(subject),
            Sources::First(sources) => sources.iter().find_map(|it| it.value(subject)),
            Sources::Join(separator, sources) => {
                let values: Vec<Value> = sources.iter().filter_map(|it| it.value(subject)).collect();
                let texts: Vec<&str> = values.iter().map(Value::as_text).collect();
                (!texts.is_empty()).then(|| Value::Text(transform::capped(texts.join(separator))))
            }
        }
    }
}

/// What `default('x')` says, when that is all that a part of a row says.
pub(super) fn read_default(part: &str) -> Option<String> {
    let mut reader = Reader { rest: part };
    match reader.call().ok()? {
        (name, arguments) if name == "default" && reader.rest.trim().is_empty() => {
            match <[Argument; 1]>::try_from(arguments).ok()? {
                [Argument::Text(text)] => Some(text),
                [Argument::Number(_)] => None,
            }
        }
        _ => None,
    }
}

/// An argument of a transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Text(String),
    Number(usize),
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn sources(&mut self) -> Result<Sources, BadExpression> {
        if self.is_at_text() {
            return Ok(Sources::One(Source::Constant(self.quoted()?)));
        }
        let name = self.name()?;
        if !self.takes('(') {
            return Ok(Sources::One(source::find(&name)?));
        }
        let separator = match &*name {
            "join" => {
                let separator = self.quoted()?;
                self.expect(',')?;
                Some(separator)
            }
            "first" => None,
            _ => {
                return Err(BadExpression::new(
                    format!("`{name}` does not combine sources"),
                    "use `first(a, b)` or `join(' ', a, b)`, or put a transform behind `|`",
                ));
            }
        };
        let mut sources = Vec::new();
        loop {
            sources.push(if self.is_at_text() {
                Source::Constant(self.quoted()?)
            } else {
                let name = self.name()?;
                source::find(&name)?
            });
            if sources.len() > MAPPING_ARGUMENTS_MAX {
                return Err(too_many_arguments(&name));
            }
            if !self.takes(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(match separator {
            Some(separator) => Sources::Join(separator, sources),
            None => Sources::First(sources),
        })
    }

    fn call(&mut self) -> Result<(String, Vec<Argument>), BadExpression> {
        let name = self.name()?;
        let mut arguments = Vec::new();
        if self.takes('(') && !self.takes(')') {
            loop {
                arguments.push(if self.is_at_text() {
                    Argument::Text(self.quoted()?)
                } else {
                    Argument::Number(self.number()?)
                });
                if arguments.len() > MAPPING_ARGUMENTS_MAX {
                    return Err(too_many_arguments(&name));
                }
                if !self.takes(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        Ok((name, arguments))
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn takes(&mut self, sign: char) -> bool {
        let is_there = self.peek() == Some(sign);
        if is_there {
            self.rest = &self.rest[sign.len_utf8()..];
        }
        is_there
    }

    fn expect(&mut self, sign: char) -> Result<(), BadExpression> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn name(&mut self) -> Result<String, BadExpression> {
        self.peek();
        let is_name = |it: char| it.is_alphanumeric() || "_.-".contains(it);
        let end = self.rest.find(|it| !is_name(it)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.unexpected("a name"));
        }
        let (name, rest) = self.rest.split_at(end);
        let name = name.to_owned();
        self.rest = rest;
        Ok(name)
    }

    fn number(&mut self) -> Result<usize, BadExpression> {
        self.peek();
        let end = self.rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = self.rest[..end].parse().map_err(|_| self.unexpected("a number, or a text in '…'"))?;
        self.rest = &self.rest[end..];
        Ok(number)
    }

    fn is_at_text(&mut self) -> bool {
        matches!(self.peek(), Some('\'' | '"'))
    }

    /// A text in single or double quotes, as a shell leaves one of them free; the quote itself is doubled inside, as in
    /// SQL and OData.
    fn quoted(&mut self) -> Result<String, BadExpression> {
        let quote = match self.peek() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.unexpected("a text in '…'")),
        };
        self.rest = &self.rest[1..];
        let mut text = String::new();
        loop {
            let Some(end) = self.rest.find(quote) else {
                return Err(BadExpression::new(
                    format!("a text has no closing `{quote}`"),
                    format!("close it; a `{quote}` inside is doubled"),
                ));
            };
            text.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            if !self.rest.starts_with(quote) {
                return Ok(text);
            }
            text.push(quote);
            self.rest = &self.rest[1..];
        }
    }

    fn unexpected(&self, expected: &str) -> BadExpression {
        let found: String = self.rest.trim_start().chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        BadExpression::new(
            format!("expected {expected}, found {found}"),
            "write a row as `customer.company | default('-') | truncate(40)`",
        )
    }
}

fn too_many_arguments(name: &str) -> BadExpression {
    BadExpression::new(format!("`{name}` has more than {MAPPING_ARGUMENTS_MAX} arguments"), "leave some out")
}
