//! The reader behind [`super::parse`]: one pass, recursive descent with a depth cap, text copied once.

use super::{BadJson, BadJsonKind, Json, pointer_step};
use crate::limits;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Keys of an object that are compared with each other one by one; beyond, a set of keys keeps the time linear.
const KEYS_COMPARED_MAX: usize = 16;

type Read<T> = Result<T, BadJson>;

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn whole(bytes: &[u8]) -> Read<Json> {
    let mut reader = Reader::new(bytes)?;
    let json = reader.value(0)?;
    reader.end()?;
    Ok(json)
}

pub(super) fn elements(bytes: &[u8]) -> Read<Vec<(Json, Range<usize>)>> {
    let mut reader = Reader::new(bytes)?;
    if reader.peek() != Some(b'[') {
        return Err(reader.expected("an array"));
    }
    let mut elements = Vec::new();
    reader.array(0, |json, span| elements.push((json, span)))?;
    reader.end()?;
    Ok(elements)
}

struct Reader<'a> {
    text: &'a str,
    /// Bytes read, counted from the start of the input.
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    /// Checks the encoding once, and goes to the first byte of the value.
    fn new(bytes: &'a [u8]) -> Read<Self> {
        let text =
            std::str::from_utf8(bytes).map_err(|bad| fault(bad.valid_up_to(), BadJsonKind::InvalidUtf8))?;
        let at = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut reader = Self { text, at, values: 0 };
        reader.skip_space();
        match reader.peek() {
            Some(_) => Ok(reader),
            None => Err(fault(reader.at, BadJsonKind::Empty)),
        }
    }

    fn end(&mut self) -> Read<()> {
        self.skip_space();
        match self.peek() {
            Some(_) => Err(fault(self.at, BadJsonKind::Trailing)),
            None => Ok(()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Takes a byte if it is the next.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expected(&self, what: &'static str) -> BadJson {
        fault(self.at, BadJsonKind::Expected(what))
    }

    fn value(&mut self, depth: usize) -> Read<Json> {
        self.values += 1;
        if self.values > limits::JSON_VALUES_MAX {
            return Err(fault(self.at, BadJsonKind::TooMany));
        }
        match self.peek() {
            Some(b'"') => self.string().map(|text| Json::Text(text.into_owned())),
            Some(b'{') => self.object(depth),
            Some(b'[') => {
                let mut elements = Vec::new();
                self.array(depth, |json, _| elements.push(json))?;
                Ok(Json::Array(elements))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &'static str, json: Json) -> Read<Json> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(json)
    }

    /// Goes into an array or object, whose first byte is next.
    fn enter(&mut self, depth: usize) -> Read<usize> {
        if depth >= limits::JSON_DEPTH_MAX {
            return Err(fault(self.at, BadJsonKind::TooDeep));
        }
        self.at += 1;
        self.skip_space();
        Ok(depth + 1)
    }

    fn array(&mut self, depth: usize, mut keep: impl FnMut(Json, Range<usize>)) -> Read<()> {
        let depth = self.enter(depth)?;
        if self.takes(b']') {
            return Ok(());
        }
        for index in 0_usize.. {
            let start = self.at;
            let json = self.value(depth).map_err(|bad| bad.under(&index.to_string()))?;
            keep(json, start..self.at);
            self.skip_space();
            if self.takes(b']') {
                break;
            }
            if !self.takes(b',') {
                return Err(self.expected("`,` or `]`"));
            }
            self.skip_space();
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Read<Json> {
        let depth = self.enter(depth)?;
        // The documented bodies have up to seven keys in an object.
        let mut entries: Vec<(String, Json)> =
            Vec::with_capacity(if self.peek() == Some(b'}') { 0 } else { 8 });
        let mut seen: HashSet<Cow<'a, str>> = HashSet::new();
        if self.takes(b'}') {
            return Ok(Json::Object(entries));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.string()?;
            let duplicate = if entries.len() < KEYS_COMPARED_MAX {
                entries.iter().any(|(other, _)| *other == key)
            } else {
                if entries.len() == KEYS_COMPARED_MAX {
                    seen.extend(entries.iter().map(|(other, _)| Cow::Owned(other.clone())));
                }
                !seen.insert(key.clone())
            };
            if duplicate {
                return Err(fault(key_at, BadJsonKind::DuplicateKey).under(&key));
            }
            self.skip_space();
            if !self.takes(b':') {
                return Err(self.expected("`:`").under(&key));
            }
            self.skip_space();
            let json = self.value(depth).map_err(|bad| bad.under(&key))?;
            entries.push((key.into_owned(), json));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(b'"') => return Err(fault(self.at, BadJsonKind::MissingComma)),
                _ => return Err(self.expected("`,` or `}`")),
            }
            self.skip_space();
        }
        self.at += 1;
        Ok(Json::Object(entries))
    }

    /// Reads by the grammar of RFC 8259 (6), and keeps what was written.
    fn number(&mut self) -> Read<Json> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            if !self.takes(b'-') {
                self.takes(b'+');
            }
            self.digits()?;
        }
        Ok(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// Reads a string whose opening quote is next. Borrows from the input when it holds no escape.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.at += 1;
        let plain = self.plain()?;
        if self.takes(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = String::with_capacity(plain.len() + 32);
        text.push_str(plain);
        while !self.takes(b'"') {
            text.push(self.escape()?);
            text.push_str(self.plain()?);
        }
        Ok(Cow::Owned(text))
    }

    /// The stretch up to the closing quote or the next backslash.
    fn plain(&mut self) -> Read<&'a str> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ');
        self.at += end.unwrap_or(rest.len());
        match self.peek() {
            Some(b'"' | b'\\') => Ok(&rest[..end.unwrap_or(rest.len())]),
            Some(0) => Err(fault(self.at, BadJsonKind::Nul)),
            Some(_) => Err(fault(self.at, BadJsonKind::ControlCharacter)),
            None => Err(self.expected("`\"`")),
        }
    }

    /// Reads an escape, whose backslash is next.
    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let letter = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => return Err(self.expected("an escape of JSON")),
        };
        self.at += 1;
        Ok(letter)
    }

    /// Reads `uXXXX`, and the second half of a pair where the first asks for one.
    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        let first = self.hex()?;
        if first == 0 {
            return Err(fault(start, BadJsonKind::Nul));
        }
        let lone = || fault(start, BadJsonKind::LoneSurrogate);
        if !(0xd800..=0xdbff).contains(&first) {
            return char::from_u32(first).ok_or_else(lone);
        }
        if !(self.takes(b'\\') && self.peek() == Some(b'u')) {
            return Err(lone());
        }
        let second = self.hex()?;
        if !(0xdc00..=0xdfff).contains(&second) {
            return Err(lone());
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(lone)
    }

    /// Reads `u` and four digits.
    fn hex(&mut self) -> Read<u32> {
        self.at += 1;
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(value)
    }
}

fn fault(offset: usize, kind: BadJsonKind) -> BadJson {
    BadJson { offset, pointer: String::new(), kind }
}

impl BadJson {
    /// The same mistake, seen from one level higher. Pointers are put together only once something is wrong.
    fn under(mut self, key: &str) -> Self {
        self.pointer.insert_str(0, &pointer_step(key));
        self
    }
}
