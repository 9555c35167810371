//! Where in a JSON text a mistake is: for whoever has to mend it.

use super::read::{BYTE_ORDER_MARK, is_space};
use super::{Json, parse, pointer_step};
use std::ops::Range;

/// The bytes that a pointer of a refusal means: the value it names; in a text that is no JSON, the byte at which reading ended.
/// None when the pointer names nothing in it, or the whole text.
pub fn place(bytes: &[u8], pointer: &str) -> Option<Range<usize>> {
    if let Err(bad) = parse(bytes) {
        let end = (bad.offset + 1).min(bytes.len());
        return (bad.pointer == pointer).then_some(bad.offset.min(end)..end);
    }
    if pointer.is_empty() {
        return None;
    }
    let start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut at = behind_space(bytes, start);
    // A step is written as refusals write it, so that one with a key that was cut is found as well.
    for step in pointer.split('/').skip(1) {
        at = member(bytes, at, step)?;
    }
    Some(at..behind_value(bytes, at))
}

/// Where the value of a member begins. The text is JSON, which was looked at before.
fn member(bytes: &[u8], at: usize, step: &str) -> Option<usize> {
    let (is_object, is_array) = (bytes.get(at) == Some(&b'{'), bytes.get(at) == Some(&b'['));
    if !is_object && !is_array {
        return None;
    }
    let mut at = behind_space(bytes, at + 1);
    for index in 0_usize.. {
        if matches!(bytes.get(at), None | Some(b'}' | b']')) {
            return None;
        }
        let is_meant = if is_object {
            let end = behind_value(bytes, at);
            let Ok(Json::Text(key)) = parse(&bytes[at..end]) else { return None };
            // Behind the key and its colon.
            at = behind_space(bytes, behind_space(bytes, end) + 1);
            pointer_step(&key).strip_prefix('/') == Some(step)
        } else {
            index.to_string() == step
        };
        if is_meant {
            return Some(at);
        }
        at = behind_space(bytes, behind_value(bytes, at));
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at = behind_space(bytes, at + 1);
    }
    None
}

fn behind_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|it| is_space(**it)).count()
}

/// The end of the value that begins here.
fn behind_value(bytes: &[u8], from: usize) -> usize {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match (is_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (true, b'"') => is_text = false,
            (true, _) => {}
            (false, b'"') => is_text = true,
            (false, b'{' | b'[') => depth += 1,
            // Behind a number or a word.
            (false, b'}' | b']') if depth == 0 => return at,
            (false, b'}' | b']') => depth -= 1,
            (false, b',') if depth == 0 => return at,
            (false, it) if depth == 0 && is_space(*it) => return at,
            (false, _) => {}
        }
        let has_ended = depth == 0 && !is_text && matches!(byte, b'"' | b'}' | b']');
        if has_ended {
            return at + 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, pointer: &str, expected: Option<&str>) {
        let found = place(text.as_bytes(), pointer).map(|it| &text[it]);
        assert_eq!(found, expected, "{text} {pointer}");
    }

    #[test]
    fn a_pointer_leads_to_the_value_it_names() {
        let text = r#" {"a": 1, "b c": {"d/e": "x,\"}", "f": [true, {"g": null} ]}} "#;
        check(text, "/a", Some("1"));
        check(text, "/b c/d~1e", Some(r#""x,\"}""#));
        check(text, "/b c/f/0", Some("true"));
        check(text, "/b c/f/1", Some(r#"{"g": null}"#));
        check(text, "/b c/f/1/g", Some("null"));
        check(text, "/b c/f/2", None);
        check(text, "/a/b", None);
        check(text, "", None);
        check(&format!("\u{feff}{}", r#"{"é\u0041": "ő"}"#), "/éA", Some(r#""ő""#));
    }

    #[test]
    fn in_what_is_no_json_it_is_where_reading_ended() {
        check(r#"{"a": oops}"#, "/a", Some("o"));
        check(r#"{"a": "b""#, "", Some(""));
        check("", "", Some(""));
        check(r#"{"a": oops}"#, "/b", None);
    }

    /// Every value with its pointer, as a reader would tell of it.
    fn pointers(json: &Json, own: &str, into: &mut Vec<(String, Json)>) {
        into.push((own.to_owned(), json.clone()));
        let entries = json.as_object().unwrap_or_default().iter();
        entries.for_each(|(key, it)| pointers(it, &format!("{own}{}", pointer_step(key)), into));
        let elements = json.as_array().unwrap_or_default().iter().enumerate();
        elements.for_each(|(at, it)| pointers(it, &format!("{own}/{at}"), into));
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(Json::integer),
            "[^\0]{0,12}".prop_map(Json::text),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                prop::collection::btree_map("[^\0]{0,8}", inner, 0..5).prop_map(Json::object),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_found_at_its_own_pointer(json in any_json()) {
            let mut text = String::new();
            json.write(&mut text);
            let mut all = Vec::new();
            pointers(&json, "", &mut all);
            for (pointer, value) in all.into_iter().skip(1) {
                let found = place(text.as_bytes(), &pointer).expect("it is there");
                prop_assert_eq!(parse(&text.as_bytes()[found]).unwrap(), value);
            }
        }

        #[test]
        fn any_bytes_and_any_pointer_have_a_place_within_them_or_none(
            bytes in prop::collection::vec(any::<u8>(), 0..60), pointer in "(/[a-z~01]{0,3}){0,3}",
        ) {
            if let Some(found) = place(&bytes, &pointer) {
                prop_assert!(found.start <= found.end && found.end <= bytes.len());
            }
        }
    }
}
