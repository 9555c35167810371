//! What a filter says of touchpoints, what is refused and where, and that CEL's own evaluator agrees.

use super::*;
use crate::id::OfferRef;
use crate::json::Json;
use crate::limits;
use crate::touchpoint::{Consent, Source};
use proptest::prelude::*;

fn ada() -> Touchpoint {
    let mut it = Touchpoint {
        source: Source::AzureMarketplace,
        action: crate::touchpoint::Action::Installation,
        offer: Some(OfferRef::parse("contoso.crm-pro").expect("an offer")),
        consent: Some(Consent { shared: true, text_version: None, at: None }),
        ..Touchpoint::default()
    };
    it.customer.email = Some("Ada@Example.com".to_owned());
    it.customer.country = Some("Magyarország".to_owned());
    it.campaign = vec![("utm_source".to_owned(), Json::text("newsletter"))];
    it.custom = vec![
        ("seats".to_owned(), Json::Number("25".to_owned())),
        ("rate".to_owned(), Json::Number("2.5".to_owned())),
        ("a name".to_owned(), Json::text("x")),
        ("tags".to_owned(), Json::Array(vec![Json::text("hot"), Json::integer(7)])),
        ("deep".to_owned(), Json::object([("er", Json::Bool(true))])),
        ("nothing".to_owned(), Json::Null),
    ];
    it
}

#[track_caller]
fn check(filter: &str, expected: bool) {
    let filter = Filter::parse(filter).unwrap_or_else(|it| panic!("{filter}: {it}; {}", it.fix));
    assert_eq!(filter.takes(&ada()), Ok(expected), "{filter:?}");
}

#[track_caller]
fn check_refused(filter: &str, code: &str, at: Option<usize>) {
    let bad = Filter::parse(filter).expect_err("must be refused");
    assert_eq!((bad.code, bad.at), (code, at), "{filter}: {bad}");
    assert!(!bad.fix.is_empty());
}

#[track_caller]
fn check_troubled(filter: &str, part: &str) {
    let trouble = Filter::parse(filter).expect("a filter").takes(&ada()).expect_err("cannot be told");
    assert_eq!(trouble.part, part, "{trouble}");
}

#[test]
fn fields_are_compared_with_texts_numbers_and_lists() {
    check("source == 'AzureMarketplace' && action == \"INS\"", true);
    check("offer == 'contoso.crm-pro'", true);
    check("customer.country_code in ['HU', 'TR']", true);
    check("customer.email_domain == 'example.com'", true);
    check("customer.email.lowerAscii().endsWith('@example.com')", true);
    check("customer.email.matches('^[A-Z]da@')", true);
    check("custom.seats >= 25 && custom.seats < 25.5 && custom.rate == 2.5", true);
    check("custom.seats > -1", true);
    check("custom['a name'] == 'x'", true);
    check("'hot' in custom.tags && 7 in custom.tags && !('cold' in custom.tags)", true);
    check("'seats' in custom && !('seats' in campaign)", true);
    check("custom.deep.er", true);
    check("custom.nothing == null", true);
    check("size(custom.tags) == 2 && size(customer.title) == 0", true);
    check("campaign.utm_source.startsWith('news') ? custom.seats > 20 : test", true);
    check("test || preview || do_not_contact", false);
    check("consent.shared", true);
    check("custom.seats == 'many'", false);
}

#[test]
fn what_was_not_sent_is_empty_and_has_tells_it() {
    check("customer.title == ''", true);
    check("has(customer.title) || !has(customer.email)", false);
    check("has(custom.seats) && !has(custom.size) && !has(custom.nothing)", true);
    check("!has(consent.text_version)", true);
}

#[test]
fn trouble_counts_only_where_it_decides() {
    check_troubled("custom.size > 5", "custom.size");
    check_troubled("custom.size > 5 || test", "custom.size");
    check_troubled("custom.rate.contains('x')", "custom.rate");
    check_troubled("custom.tags == 'hot'", "custom.tags == 'hot'");
    check_troubled("custom['a name'] > 5", "custom['a name'] > 5");
    check_troubled("!custom.rate", "custom.rate");
    check("custom.size > 5 || action == 'INS'", true);
    check("custom.size > 5 && action == 'PLT'", false);
}

#[test]
fn the_part_that_is_false_is_named() {
    let filter = Filter::parse("action=='INS' && (customer.country_code=='TR' || test) && source != ''");
    let part = filter.expect("a filter").false_part(&ada());
    assert_eq!(part, "customer.country_code == 'TR' || test");
}

#[test]
fn mistakes_are_named_with_their_place() {
    check_refused("", "filter_empty", None);
    check_refused("customer.contry == 'HU'", "filter_unknown_variable", Some(1));
    check_refused("test && kind == 'x'", "filter_unknown_variable", Some(9));
    check_refused("test && customer == 'x'", "filter_unknown_variable", Some(9));
    check_refused("test == 'yes'", "filter_wrong_type", Some(10));
    check_refused("test && customer.email", "filter_wrong_type", Some(9));
    check_refused("test && custom", "filter_wrong_type", Some(9));
    check_refused("customer.email > 5", "filter_wrong_type", Some(18));
    check_refused("action in ['INS', 5] && action in [5]", "filter_wrong_type", Some(1));
    check_refused("custom.tags.exists(it, it == 'hot')", "filter_loop", Some(13));
    check_refused("[1, 2].map(x, x * 2) == [2, 4]", "filter_loop", Some(8));
    check_refused("custom.seats + 1 > 5", "filter_arithmetic", Some(14));
    check_refused("action.upper() == 'INS'", "filter_unknown_function", Some(8));
    check_refused("customer.email.matches('(')", "filter_pattern", Some(16));
    check_refused("customer.email.matches('(a{1000}){1000}')", "filter_pattern", Some(16));
    check_refused("customer.email.matches(notes)", "filter_pattern", Some(16));
    check_refused("{'a': 1} == custom", "filter_map", Some(1));
    check_refused("action in [source]", "filter_list", Some(12));
    check_refused("custom[test] == 1", "filter_index", Some(7));
    assert_eq!(Filter::parse("test &&").expect_err("half").code, "filter_syntax");
    assert_eq!(Filter::parse("test & test").expect_err("a sign").code, "filter_syntax");
    assert_eq!(Filter::parse("a = 'b'").expect_err("a sign").code, "filter_syntax");
}

#[test]
fn length_depth_and_size_have_bounds() {
    let text = format!("action == '{}'", "x".repeat(limits::FILTER_BYTES_MAX));
    assert_eq!(Filter::parse(&text).expect_err("long").code, "filter_too_long");
    let text = format!("{}test{}", "(".repeat(1000), ")".repeat(1000));
    assert_eq!(Filter::parse(&text).expect_err("deep").code, "filter_too_deep");
    for sign in ["!", "-", "a ? ", "a.", "["] {
        let text = format!("{}test", sign.repeat(limits::FILTER_BYTES_MAX / sign.len() - 4));
        Filter::parse(&text).expect_err("bounded");
    }
    let text = vec!["test"; 300].join("||");
    assert_eq!(Filter::parse(&text).expect_err("large").code, "filter_too_large");
    Filter::parse(&vec!["test"; 100].join(" || ")).expect("a hundred are few");
}

#[test]
fn the_input_that_took_a_gigabyte_is_refused_at_once() {
    // cel-rust issue 306: 125 bytes that made the parser of 0.14 try every way to mend them.
    let text = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[".repeat(4);
    Filter::parse(&text).expect_err("no filter");
    let text = "a?b:".repeat(31);
    Filter::parse(&text).expect_err("no filter");
}

#[test]
fn the_cost_of_asking_has_a_bound() {
    let mut long = ada();
    long.notes = Some("x".repeat(limits::NOTES_BYTES_MAX));
    let part = "notes.contains('y')";
    let filter = Filter::parse(&vec![part; 50].join(" || ")).expect("a filter");
    assert!(filter.takes(&long).is_err());
    assert_eq!(Filter::parse(part).expect("a filter").takes(&long), Ok(false));
}

#[test]
fn what_is_printed_holds_no_value() {
    let trouble = Filter::parse("customer.email == 'x' || custom['a name'] > 5").expect("a filter");
    let shown = trouble.takes(&ada()).expect_err("cannot be told").to_string();
    assert!(!shown.contains("Ada"), "{shown}");
}

/// Filters over fields that are there, in what CEL has in common with them.
fn common() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "source",
        "action",
        "customer.email",
        "customer.title",
        "campaign.utm_source",
    ]);
    let word = prop::sample::select(vec!["''", "'INS'", "'Ada@Example.com'", "'newsletter'", "'a'"]);
    let number = prop::sample::select(vec!["custom.seats", "custom.rate", "size(action)", "25", "2.5", "-3"]);
    let sign = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (text.clone(), sign.clone(), word.clone()).prop_map(|(a, how, b)| format!("{a} {how} {b}")),
        (number.clone(), sign, number).prop_map(|(a, how, b)| format!("{a} {how} {b}")),
        (text.clone(), prop::collection::vec(word.clone(), 0..3))
            .prop_map(|(a, all)| format!("{a} in [{}]", all.join(", "))),
        (text, prop::sample::select(vec!["contains", "startsWith", "endsWith"]), word)
            .prop_map(|(a, test, b)| format!("{a}.{test}({b})")),
        prop::sample::select(vec![
            "test",
            "true",
            "custom.missing == 1",
            "custom.deep.er",
            "'seats' in custom"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

/// The same touchpoint for CEL's own evaluator.
fn context() -> cel::Context<'static, 'static> {
    use std::collections::HashMap;
    let it = ada();
    let mut context = cel::Context::default();
    context.add_variable_from_value("source", it.source.as_str().to_owned());
    context.add_variable_from_value("action", it.action.as_str().to_owned());
    context.add_variable_from_value("test", it.test);
    let customer = [("email", it.customer.email.unwrap_or_default()), ("title", String::new())];
    context.add_variable_from_value("customer", HashMap::from(customer));
    context.add_variable_from_value("campaign", HashMap::from([("utm_source", "newsletter".to_owned())]));
    let deep = HashMap::from([("er", cel::Value::from(true))]);
    let custom: HashMap<&str, cel::Value> = HashMap::from([
        ("seats", cel::Value::from(25i64)),
        ("rate", cel::Value::from(2.5f64)),
        ("deep", cel::Value::from(deep)),
    ]);
    context.add_variable_from_value("custom", custom);
    context
}

proptest! {
    #[test]
    fn cels_own_evaluator_agrees(text in common()) {
        let Ok(filter) = Filter::parse(&text) else { return Ok(()) };
        let theirs = cel::Program::compile(&text).expect("it was read before").execute(&context());
        let ours = filter.takes(&ada());
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(cel::Value::from(ours), theirs, "{}", text),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{text}: {ours:?}, CEL says {theirs:?}"),
        }
    }

    #[test]
    fn a_filter_that_is_written_again_is_the_same(text in common()) {
        let Ok(filter) = Filter::parse(&text) else { return Ok(()) };
        let again = Filter::parse(&filter.node.to_string()).expect("what was read can be read again");
        prop_assert_eq!(&again.node.to_string(), &filter.node.to_string());
        prop_assert_eq!(again.takes(&ada()).ok(), filter.takes(&ada()).ok());
    }

    #[test]
    fn no_text_brings_it_down(text in "[a-z!?:.&|(){}\\[\\]'\"=<>+*/ 0-9-]{0,60}") {
        if let Ok(filter) = Filter::parse(&text) {
            drop(filter.takes(&ada()));
        }
    }
}
