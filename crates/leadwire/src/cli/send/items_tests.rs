//! What becomes of files.

use super::*;

fn read_all(name: &str, text: &[u8], to: Option<&str>) -> anyhow::Result<Vec<Item>> {
    let to = to.map(|it| OfferRef::parse(it).expect("an offer"));
    read(io::Cursor::new(text.to_vec()), name, Format::Auto, to)?.collect()
}

#[track_caller]
fn check(name: &str, text: &str, to: Option<&str>, expected: &[(u64, &str)]) {
    let items = read_all(name, text.as_bytes(), to).expect("a file that can be read");
    let found: Vec<(u64, String)> = items
        .into_iter()
        .map(|it| (it.line, String::from_utf8(it.body.expect("a good lead")).expect("UTF-8")))
        .collect();
    let expected: Vec<(u64, String)> =
        expected.iter().map(|(line, body)| (*line, (*body).to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_array_gives_each_element_on_one_line_with_its_own_line_number() {
    let text = "\u{feff}[\n  {\n \"a\": 1.10\n},\n\n {\"b\":[\r\n]}]";
    check("x.json", text, None, &[(2, "{  \"a\": 1.10 }"), (6, "{\"b\":[  ]}")]);
}

#[test]
fn lines_are_kept_as_they_are_and_blank_ones_are_skipped() {
    check(
        "x.ndjson",
        "{\"a\":1}\r\n\n not json \n{\"b\":2}",
        None,
        &[(1, "{\"a\":1}"), (3, "not json"), (4, "{\"b\":2}")],
    );
}

#[test]
fn an_offer_is_filled_in_only_where_none_is_named() {
    let text = "{\"notes\":\"x\",\"custom\":{\"n\":12345678901234567890}}\n{\"offer\":\"a.b\"}\n{\"offer\":null}\n[1]\n";
    let expected = [
        (1, "{\"notes\":\"x\",\"custom\":{\"n\":12345678901234567890},\"offer\":\"c.d\"}"),
        (2, "{\"offer\":\"a.b\"}"),
        (3, "{\"offer\":\"c.d\"}"),
        (4, "[1]"),
    ];
    check("x.ndjson", text, Some("c.d"), &expected);
}

#[test]
fn a_table_becomes_canonical_leads_with_the_lines_they_start_on() {
    let text = "Email;Description\nada@example.com;\"two\nlines\"\nemmy@example.com;\n";
    let customer = |email: &str| format!("\"customer\":{{\"email\":\"{email}\"}}");
    let first = format!(
        "{{\"offer\":\"c.d\",{},\"notes\":\"two\\nlines\",\"preview\":false,\"test\":false}}",
        customer("ada@example.com")
    );
    let second =
        format!("{{\"offer\":\"c.d\",{},\"preview\":false,\"test\":false}}", customer("emmy@example.com"));
    check("x.csv", text, Some("c.d"), &[(2, &first), (4, &second)]);
}

#[test]
fn a_bad_row_is_told_alone() {
    let items = read_all("x.csv", b"email,occurred_at\na@x.y,yesterday\nb@x.y,\n", None).expect("a table");
    let details = items[0].body.as_ref().expect_err("a bad time");
    assert_eq!((items[0].line, details[0].pointer.as_str()), (2, "/occurred_at"));
    assert!(items[1].body.is_ok());
}

#[test]
fn what_is_too_large_is_refused_and_the_rest_is_read() {
    let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", "x".repeat(3 * TOUCHPOINT_BYTES_MAX));
    let items = read_all("x.ndjson", text.as_bytes(), None).expect("lines");
    assert_eq!(items[0].body.as_ref().expect_err("too large")[0].code, "too_large");
    assert_eq!((items[1].line, items[1].body.as_deref()), (2, Ok(b"{\"b\":1}".as_slice())));
}

#[test]
fn a_quote_that_is_not_closed_does_not_fill_the_memory() {
    let text = format!("email\n\"{}", "x\n".repeat(8 * ROW_BYTES_MAX));
    let error = read_all("x.csv", text.as_bytes(), None).expect_err("no end").to_string();
    assert!(error.contains("quote"), "{error}");
}

#[test]
fn a_file_that_is_not_what_it_seems_is_told_by_its_place() {
    let told = |name: &str, text: &[u8]| read_all(name, text, None).expect_err("a bad file").to_string();
    assert_eq!(told("x.json", b"{\n\"secret\"}"), "x.json is not JSON, at line 2 column 9");
    assert_eq!(told("x.csv", b"name\nKov\xe1cs\n"), "x.csv is not UTF-8, at or after line 2");
    assert_eq!(told("x.csv", b""), "x.csv is empty");
}

#[test]
fn a_format_is_told_by_the_name_or_by_the_beginning() {
    let table: &[(&str, &str, Format)] = &[
        ("a.JSON", "email\n", Format::Json),
        ("a.jsonl", "[", Format::Ndjson),
        ("a.csv", "{", Format::Csv),
        ("-", " [{}]", Format::Json),
        ("-", "{\"a\":1}\n{\"a\":2}\n", Format::Ndjson),
        ("-", "\n{\"a\":1}", Format::Ndjson),
        ("-", "{\n\"a\":1}", Format::Json),
        ("-", "email,phone\n", Format::Csv),
    ];
    for (name, start, expected) in table {
        assert_eq!(tell(Format::Auto, name, start.as_bytes()), *expected, "{name} {start}");
    }
    assert_eq!(tell(Format::Csv, "a.json", b"{"), Format::Csv);
}

#[test]
fn the_separator_is_the_one_the_headers_use() {
    assert_eq!(separator(b"a,b;c,d\n;;;;"), b',');
    assert_eq!(separator(b"\"a,b,c\";d\n"), b';');
    assert_eq!(separator(b"a\tb"), b'\t');
    assert_eq!(separator(b"email"), b',');
}
