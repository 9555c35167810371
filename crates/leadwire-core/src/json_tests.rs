//! Laws of reading and writing JSON, and what is refused.

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
    let refusal = Refusal::from(parse(b"{\"email\":\"ada@example.com\",}").expect_err("a comma too many"));
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
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "1", "-", "0.5", "e9", "true", "null", " ",
        "\\u", "d83d", "\\", "é", "\0", "\n", "\u{feff}",
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
