//! Writing JSON, compact and valid.

use super::Json;

pub(super) fn value(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(written) => out.push_str(written),
        Json::Text(content) => text(content, out),
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                value(element, out);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (index, (key, entry)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                value(entry, out);
            }
            out.push('}');
        }
    }
}

/// Escapes what RFC 8259 (7) requires and nothing else, copying the stretches between in one piece.
fn text(content: &str, out: &mut String) {
    out.reserve(content.len() + 2);
    out.push('"');
    let mut copied = 0;
    for (index, byte) in content.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&content[copied..index]);
        copied = index + 1;
        out.push('\\');
        match byte {
            b'"' | b'\\' => out.push(char::from(byte)),
            b'\n' => out.push('n'),
            b'\r' => out.push('r'),
            b'\t' => out.push('t'),
            control => {
                out.push_str("u00");
                out.push(hex_digit(control >> 4));
                out.push(hex_digit(control & 15));
            }
        }
    }
    out.push_str(&content[copied..]);
    out.push('"');
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).expect("four bits are one digit")
}
