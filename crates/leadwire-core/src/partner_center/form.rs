//! Reading `application/x-www-form-urlencoded` bodies, as the documented test lead of Web-to-Lead is one.

use crate::json::{Json, pointer_step};
use crate::refusal::Refusal;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Reads the fields into an object of texts, in the order received.
///
/// A key may occur again with the same value (the documented test lead sends `encoding` twice); with another value
/// it is refused, because two readers would take two different ones.
pub(super) fn read(bytes: &[u8]) -> Result<Json, Vec<Refusal>> {
    let mut entries: Vec<(String, Json)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut refusals = Vec::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.trim_ascii().is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (key, value) = equals.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
        let key = match decode(key, "") {
            Ok(key) => key,
            Err(refusal) => {
                refusals.push(refusal);
                continue;
            }
        };
        let pointer = pointer_step(&key);
        match decode(value, &pointer).map(Json::Text) {
            Err(refusal) => refusals.push(refusal),
            Ok(value) => match places.entry(key) {
                Entry::Vacant(place) => {
                    entries.push((place.key().clone(), value));
                    place.insert(entries.len() - 1);
                }
                Entry::Occupied(place) if entries[*place.get()].1 == value => {}
                Entry::Occupied(_) => refusals.push(Refusal::new(
                    pointer,
                    "form_repeated_key",
                    "this key occurs twice with different values",
                    "send each key once",
                )),
            },
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    if entries.is_empty() {
        return Err(vec![Refusal::new("", "form_empty", "the body is empty", "send the fields of a lead")]);
    }
    Ok(Json::Object(entries))
}

/// Undoes `+` and `%XX`.
fn decode(bytes: &[u8], pointer: &str) -> Result<String, Refusal> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.trim_ascii();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => decoded.push(b' '),
            b'%' => {
                let (byte, after) = after
                    .split_at_checked(2)
                    .and_then(|(digits, after)| Some((hex(digits)?, after)))
                    .ok_or_else(|| {
                        refusal(pointer, "form_bad_escape", "`%` without two hexadecimal digits")
                    })?;
                decoded.push(byte);
                rest = after;
            }
            other => decoded.push(*other),
        }
    }
    if decoded.contains(&0) {
        return Err(refusal(pointer, "form_nul", "a text holds a NUL character"));
    }
    String::from_utf8(decoded).map_err(|_| refusal(pointer, "form_invalid_utf8", "the text is not UTF-8"))
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

fn refusal(pointer: &str, code: &'static str, message: &str) -> Refusal {
    Refusal::new(pointer, code, message, "encode the form as UTF-8 with percent escapes")
}
