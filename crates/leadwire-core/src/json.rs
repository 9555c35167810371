//! Strict reading of JSON from outside: no duplicate keys, bounded depth, no NUL, valid UTF-8, numbers kept as written.

mod place;
mod read;
mod write;

pub use place::place;

use crate::limits;
use crate::refusal::Refusal;
use std::fmt;
use std::ops::Range;

/// A JSON value. Numbers are kept as the text they were written in, so no digit is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, in the order received.
    Object(Vec<(String, Json)>),
}

/// Reads one JSON value that fills the whole input.
///
/// Stricter than RFC 8259 where two readers could understand two things: a key occurs once in an object, and text
/// holds no NUL (PostgreSQL cannot store one) and no half of a surrogate pair. Nesting is bounded by
/// [`limits::JSON_DEPTH_MAX`], and the number of values by that of a full batch. A byte order mark at the start is
/// skipped, as RFC 8259 (8.1) allows: .NET writes one by default, and marketplaces run on .NET.
///
/// # Errors
/// When the input is not such a value; see [`BadJsonKind`].
pub fn parse(bytes: &[u8]) -> Result<Json, BadJson> {
    read::whole(bytes)
}

/// Reads a top-level array, and gives each element with the range of bytes it occupies in the input, so that its
/// original bytes can be kept. The range starts and ends at the element itself, without spaces and commas.
///
/// # Errors
/// As [`parse`], and when the input is another value than an array.
pub fn parse_spans(bytes: &[u8]) -> Result<Vec<(Json, Range<usize>)>, BadJson> {
    read::elements(bytes)
}

/// What a body is, told by its first byte that is no white space. Says nothing about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopLevel {
    /// It starts with `{`: one value, or one value per line.
    Object,
    /// It starts with `[`.
    Array,
    /// It starts with something else, or is empty.
    Other,
}

/// Looks at the first byte that is neither white space nor part of a byte order mark.
pub fn top_level(bytes: &[u8]) -> TopLevel {
    let bytes = bytes.strip_prefix(read::BYTE_ORDER_MARK).unwrap_or(bytes);
    match bytes.iter().find(|byte| !read::is_space(**byte)) {
        Some(b'{') => TopLevel::Object,
        Some(b'[') => TopLevel::Array,
        _ => TopLevel::Other,
    }
}

/// Why bytes are not acceptable JSON, and where. Holds no value from the input, only names of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadJson {
    /// Bytes before the place, counted from the start of the input.
    pub offset: usize,
    /// RFC 6901 pointer to the value being read; empty for the whole input. Long keys are cut.
    pub pointer: String,
    /// What is wrong.
    pub kind: BadJsonKind,
}

/// What can be wrong with JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadJsonKind {
    /// There is nothing but white space.
    Empty,
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// The grammar expects something else here; the text says what.
    Expected(&'static str),
    /// A key stands where a comma should: the mistake in the documented test lead.
    MissingComma,
    /// A key occurs twice in one object.
    DuplicateKey,
    /// Arrays and objects are nested deeper than [`limits::JSON_DEPTH_MAX`].
    TooDeep,
    /// There are more values than a full batch has.
    TooMany,
    /// A text holds U+0000, raw or escaped.
    Nul,
    /// A text holds another control character that is not escaped.
    ControlCharacter,
    /// An escape names half of a surrogate pair.
    LoneSurrogate,
    /// Something follows the value.
    Trailing,
}

impl BadJson {
    /// Stable name of the mistake; never translated.
    pub fn code(&self) -> &'static str {
        match self.kind {
            BadJsonKind::Empty => "json_empty",
            BadJsonKind::InvalidUtf8 => "json_invalid_utf8",
            BadJsonKind::Expected(_) | BadJsonKind::MissingComma => "json_syntax",
            BadJsonKind::DuplicateKey => "json_duplicate_key",
            BadJsonKind::TooDeep => "json_too_deep",
            BadJsonKind::TooMany => "json_too_many",
            BadJsonKind::Nul => "json_nul",
            BadJsonKind::ControlCharacter => "json_control_character",
            BadJsonKind::LoneSurrogate => "json_lone_surrogate",
            BadJsonKind::Trailing => "json_trailing",
        }
    }

    fn fix(&self) -> String {
        match self.kind {
            BadJsonKind::Empty => "send a JSON object".into(),
            BadJsonKind::InvalidUtf8 => "encode the body as UTF-8".into(),
            BadJsonKind::Expected(_) | BadJsonKind::MissingComma => "check the JSON at this place".into(),
            BadJsonKind::DuplicateKey => "send each key of an object once".into(),
            BadJsonKind::TooDeep => format!("nest at most {} levels", limits::JSON_DEPTH_MAX),
            BadJsonKind::TooMany => format!("send at most {} values at once", limits::JSON_VALUES_MAX),
            BadJsonKind::Nul => "remove the NUL character".into(),
            BadJsonKind::ControlCharacter => "escape control characters, a line end as \\n".into(),
            BadJsonKind::LoneSurrogate => "write characters beyond U+FFFF as a pair of escapes".into(),
            BadJsonKind::Trailing => "send one JSON value only".into(),
        }
    }
}

impl fmt::Display for BadJson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BadJsonKind::Empty => out.write_str("the body is empty"),
            BadJsonKind::InvalidUtf8 => out.write_str("the body is not UTF-8"),
            BadJsonKind::Expected(what) => write!(out, "expected {what}"),
            BadJsonKind::MissingComma => out.write_str("expected a comma before the next key"),
            BadJsonKind::DuplicateKey => out.write_str("this key occurs twice in its object"),
            BadJsonKind::TooDeep => out.write_str("nested too deep"),
            BadJsonKind::TooMany => out.write_str("too many values"),
            BadJsonKind::Nul => out.write_str("a text holds a NUL character"),
            BadJsonKind::ControlCharacter => out.write_str("a text holds a control character"),
            BadJsonKind::LoneSurrogate => out.write_str("an escape is half of a surrogate pair"),
            BadJsonKind::Trailing => out.write_str("something follows the JSON value"),
        }?;
        write!(out, " (byte {})", self.offset)
    }
}

impl std::error::Error for BadJson {}

impl From<BadJson> for Refusal {
    fn from(bad: BadJson) -> Self {
        Refusal::new(bad.pointer.clone(), bad.code(), bad.to_string(), bad.fix())
    }
}

/// Writes one step of an RFC 6901 pointer: `/` and the escaped key.
pub(crate) fn pointer_step(key: &str) -> String {
    let mut step = String::from("/");
    for letter in key.chars().take(limits::POINTER_KEY_CHARS_MAX) {
        match letter {
            '~' => step.push_str("~0"),
            '/' => step.push_str("~1"),
            other => step.push(other),
        }
    }
    if key.chars().nth(limits::POINTER_KEY_CHARS_MAX).is_some() {
        step.push('…');
    }
    step
}

impl Json {
    /// How large its texts are, in bytes, at any depth: about what it takes when written.
    pub fn bytes(&self) -> usize {
        match self {
            Json::Null | Json::Bool(_) => 4,
            Json::Number(text) | Json::Text(text) => text.len(),
            Json::Array(all) => all.iter().map(Json::bytes).sum(),
            Json::Object(all) => all.iter().map(|(name, value)| name.len() + value.bytes()).sum(),
        }
    }

    /// The value of a key of an object, spelt exactly so.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// The value of `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            Json::Null | Json::Number(_) | Json::Text(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// The value of a number that is a whole one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Json::Number(written) => written.parse().ok(),
            Json::Null | Json::Bool(_) | Json::Text(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(elements) => Some(elements),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => None,
        }
    }

    /// The entries of an object, in the order received.
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(entries) => Some(entries),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Array(_) => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// Levels of arrays and objects, one within the other: 0 for a plain value, 1 for `[]`.
    pub fn depth(&self) -> usize {
        match self {
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => 0,
            Json::Array(elements) => 1 + elements.iter().map(Json::depth).max().unwrap_or(0),
            Json::Object(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
        }
    }

    /// A string value.
    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// A whole number.
    pub fn integer(number: i64) -> Json {
        Json::Number(number.to_string())
    }

    /// An object with these entries. The caller sees to it that no key occurs twice.
    pub fn object<Key: Into<String>>(entries: impl IntoIterator<Item = (Key, Json)>) -> Json {
        Json::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Appends the value as compact JSON. Numbers are written as they were read.
    pub fn write(&self, out: &mut String) {
        write::value(self, out);
    }
}

/// Compact JSON, as [`Json::write`] writes it.
impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        out.write_str(&text)
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
