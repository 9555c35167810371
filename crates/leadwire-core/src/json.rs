//! Strict reading of JSON from outside: no duplicate keys, bounded depth, no NUL, valid UTF-8, numbers kept as written.

mod read;
mod write;

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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;

    #[track_caller]
    fn check_refused(input: impl AsRef<[u8]>, code: &str, offset: usize, pointer: &str) {
        let bad = parse(input.as_ref()).expect_err("must be refused");
        assert_eq!((bad.code(), bad.offset, bad.pointer.as_str()), (code, offset, pointer), "{bad}");
    }

    #[track_caller]
    fn check_read(input: &str, written: &str) {
        let json = parse(input.as_bytes()).unwrap_or_else(|bad| panic!("{input}: {bad}"));
        assert_eq!(json.to_string(), written);
    }

    #[test]
    fn values_are_written_as_they_were_read() {
        check_read(" null ", "null");
        check_read("\u{feff}{}", "{}");
        check_read("[ ]", "[]");
        check_read(
            "[1, -0, 0.10, 1E+400, 12345678901234567890123]",
            "[1,-0,0.10,1E+400,12345678901234567890123]",
        );
        check_read(r#"{"a" : [true , false], "b":{"c":null}}"#, r#"{"a":[true,false],"b":{"c":null}}"#);
        check_read(r#""\u00e9\/\ud83d\ude00\n\u0001\"\\""#, "\"é/😀\\n\\u0001\\\"\\\\\"");
        check_read("\"plain ő\"", "\"plain ő\"");
        check_read(r#"{"":1,"A":2,"a":3}"#, r#"{"":1,"A":2,"a":3}"#);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        check_refused("", "json_empty", 0, "");
        check_refused(" \n", "json_empty", 2, "");
        check_refused(b"{\"a\":\"\xff\"}", "json_invalid_utf8", 6, "");
        check_refused("{\"a\":1} x", "json_trailing", 8, "");
        check_refused("{\"a\":1,\"b\":{\"c\":tru}}", "json_syntax", 16, "/b/c");
        check_refused("[0,[1,]]", "json_syntax", 6, "/1/1");
        check_refused("{\"a\":1,}", "json_syntax", 7, "");
        check_refused("{\"a\" 1}", "json_syntax", 5, "/a");
        check_refused("{a:1}", "json_syntax", 1, "");
        check_refused("[1", "json_syntax", 2, "");
        check_refused("{\"a\":\"b\" \"c\":1}", "json_syntax", 9, "");
        check_refused("\"abc", "json_syntax", 4, "");
        check_refused(r#"{"a":1,"b":2,"\u0061":3}"#, "json_duplicate_key", 13, "/a");
        check_refused(r#"{"x":{"a/b~":1,"a/b~":2}}"#, "json_duplicate_key", 15, "/x/a~1b~0");
        check_refused("{\"a\":\"x\0\"}", "json_nul", 7, "/a");
        check_refused(r#"{"a":"x\u0000"}"#, "json_nul", 7, "/a");
        check_refused(r#"{"a\u0000":1}"#, "json_nul", 3, "");
        check_refused("[\"a\nb\"]", "json_control_character", 3, "/0");
        for half in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\n""#, r#""\ud83d\ud83d""#] {
            check_refused(half, "json_lone_surrogate", 1, "");
        }
        for number in ["01", "-", "1.", ".5", "1e", "+1", "0x1", "1e+", "NaN", "Infinity", "-a"] {
            let bad = parse(number.as_bytes()).expect_err("must be refused");
            assert!(["json_syntax", "json_trailing"].contains(&bad.code()), "{number}: {bad}");
        }
        for escape in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, r#""\u+123""#, "\"\\"] {
            let bad = parse(escape.as_bytes()).expect_err("must be refused");
            assert_eq!(bad.code(), "json_syntax", "{escape}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let deepest = parse(nested(limits::JSON_DEPTH_MAX).as_bytes()).expect("as deep as allowed");
        assert_eq!(deepest.depth(), limits::JSON_DEPTH_MAX);
        let pointer = "/0".repeat(limits::JSON_DEPTH_MAX);
        check_refused(nested(limits::JSON_DEPTH_MAX + 1), "json_too_deep", limits::JSON_DEPTH_MAX, &pointer);
        assert_eq!(parse("[".repeat(1 << 20).as_bytes()).expect_err("too deep").code(), "json_too_deep");
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let input = format!("[0{}]", ",0".repeat(limits::JSON_VALUES_MAX));
        assert_eq!(parse(input.as_bytes()).expect_err("too many").code(), "json_too_many");
    }

    #[test]
    fn an_object_with_very_many_keys_is_read_and_its_duplicate_found() {
        let mut input = String::from("{\"\\u0078\":0");
        for number in 0..100_000 {
            write!(input, ",\"key {number}\":0").expect("a string takes everything");
        }
        assert!(parse(format!("{input}}}").as_bytes()).is_ok());
        check_refused(format!("{input},\"x\":0}}"), "json_duplicate_key", input.len() + 1, "/x");
        check_refused(format!("{input},\"key 77\":0}}"), "json_duplicate_key", input.len() + 1, "/key 77");
    }

    #[test]
    fn a_long_key_is_cut_in_the_pointer() {
        let bad = parse(format!("{{\"{}\":x}}", "ő".repeat(5000)).as_bytes()).expect_err("x is no value");
        assert_eq!(bad.pointer, format!("/{}…", "ő".repeat(limits::POINTER_KEY_CHARS_MAX)));
    }

    #[test]
    fn a_refusal_repeats_no_value() {
        let refusal =
            Refusal::from(parse(b"{\"email\":\"ada@example.com\",}").expect_err("a comma too many"));
        assert_eq!(refusal.code, "json_syntax");
        assert!(!format!("{refusal:?}").contains("ada@"));
    }

    #[test]
    fn elements_come_with_their_bytes() {
        let input = b"\xef\xbb\xbf [ {\"a\" : 1} ,2,\"x, ]\"\n]\n";
        let spans = parse_spans(input).expect("an array");
        let texts: Vec<_> = spans.iter().map(|(_, span)| &input[span.clone()]).collect();
        assert_eq!(texts, [&b"{\"a\" : 1}"[..], b"2", b"\"x, ]\""]);
        assert_eq!(parse_spans(b"[]"), Ok(vec![]));
        assert_eq!(parse_spans(b"{}").expect_err("no array").code(), "json_syntax");
        assert_eq!(parse_spans(b"[1]]").expect_err("more").code(), "json_trailing");
        assert_eq!(parse_spans(b"[{\"a\":[x]}]").expect_err("no value").pointer, "/0/a/0");
    }

    #[test]
    fn the_first_byte_tells_the_top_level() {
        assert_eq!(top_level(b" \r\n\t{"), TopLevel::Object);
        assert_eq!(top_level(b"\xef\xbb\xbf["), TopLevel::Array);
        assert_eq!(top_level(b"a=b"), TopLevel::Other);
        assert_eq!(top_level(b""), TopLevel::Other);
    }

    #[test]
    fn keys_are_found_exactly_as_spelt() {
        let json = parse(br#"{"UserDetails":1,"userdetails":2}"#).expect("valid");
        assert_eq!(json.get("userdetails"), Some(&Json::integer(2)));
        assert_eq!(json.get("Userdetails"), None);
        assert_eq!(Json::Null.get("a"), None);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let number =
            prop_oneof![any::<i64>().prop_map(|it| it.to_string()), "-?(0|[1-9][0-9]{0,6})\\.[0-9]{1,6}"];
        let text = "\\PC*|[\\x01-\\x7f]{0,8}";
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            number.prop_map(Json::Number),
            text.prop_map(Json::Text),
        ];
        leaf.prop_recursive(5, 64, 20, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Json::Array),
                prop::collection::btree_map(text, inner, 0..24).prop_map(Json::object),
            ]
        })
    }

    /// Bytes that are often nearly JSON.
    fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
        let token = prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "1", "-", "0.5", "e9", "true", "null",
            " ", "\\u", "d83d", "\\", "é", "\0", "\n", "\u{feff}",
        ]);
        prop_oneof![
            any::<Vec<u8>>(),
            prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat().into_bytes()),
            (any_json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(json, place, byte)| {
                let mut bytes = json.to_string().into_bytes();
                let place = place.index(bytes.len());
                bytes[place] = byte;
                bytes
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_here_and_elsewhere(json in any_json()) {
            let written = json.to_string();
            prop_assert_eq!(parse(written.as_bytes()), Ok(json));
            let theirs: serde_json::Value = serde_json::from_str(&written).expect("another reader takes it");
            let ours = parse(theirs.to_string().as_bytes()).expect("we take what another writer writes");
            let again: serde_json::Value = serde_json::from_str(&ours.to_string()).expect("and back");
            prop_assert_eq!(again, theirs);
        }

        #[test]
        fn what_is_accepted_another_reader_accepts_with_the_same_value(bytes in nearly_json()) {
            if let Ok(json) = parse(&bytes) {
                let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                // A raw value is checked by grammar only; as a value it may have a number beyond their range.
                let raw: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(without_mark);
                prop_assert!(raw.is_ok(), "another reader refuses it: {:?}", raw);
                let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
                prop_assert_eq!(value(json.to_string().as_bytes()), value(without_mark));
            }
        }

        #[test]
        fn spans_hold_the_elements(elements in prop::collection::vec(any_json(), 0..6)) {
            let input = Json::Array(elements.clone()).to_string().replace(",", ", ");
            let Ok(spans) = parse_spans(input.as_bytes()) else { panic!("{input}") };
            prop_assert_eq!(spans.len(), elements.len());
            for (json, span) in spans {
                prop_assert_eq!(parse(&input.as_bytes()[span]), Ok(json));
            }
        }
    }
}
