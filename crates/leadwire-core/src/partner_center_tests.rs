//! What Partner Center posts is read: every documented spelling, and what cannot be read is told.

use super::*;
use crate::touchpoint::Customer;
use proptest::prelude::*;

#[track_caller]
fn read(body: &str) -> Touchpoint {
    parse_bytes(body.as_bytes()).unwrap_or_else(|refusals| panic!("{body}: {refusals:?}"))
}

/// Checks codes and pointers of the refusals of a body.
#[track_caller]
fn check_refused(body: &str, expected: &[(&str, &str)]) {
    let refusals = parse_bytes(body.as_bytes()).expect_err("must be refused");
    let found: Vec<_> = refusals.iter().map(|refusal| (refusal.code, refusal.pointer.as_str())).collect();
    assert_eq!(found, expected, "{}", &body[..body.len().min(200)]);
}

#[track_caller]
fn check_custom(body: &str, expected: &str) {
    assert_eq!(Json::Object(read(body).custom).to_string(), expected, "{body}");
}

fn customer(fields: [&str; 7]) -> Customer {
    let mut customer = Customer::default();
    for (name, content) in crate::touchpoint::collect::CUSTOMER_FIELDS.into_iter().zip(fields) {
        *customer_field(&mut customer, name).expect("a field") = text::non_blank(content).map(str::to_owned);
    }
    customer
}

fn john() -> Customer {
    customer(["John", "Smith", "jsmith@microsoft.com", "1234567890", "US", "Microsoft", "CTO"])
}

fn test_customer() -> Customer {
    let name = "MSFT_TEST_636573304831318844";
    customer([name, name, "MSFT_TEST_636573304831318844@test.com", "1234567890", "US", name, name])
}

const SAMPLE: &str = r#"{"UserDetails":{"FirstName":"Some","LastName":"One","Email":"someone@contoso.com",
        "Phone":"16175555555","Country":"USA","Company":"Contoso","Title":"Esquire"},"LeadSource":"AzureMarketplace",
        "ActionCode":"INS","OfferTitle":"Test Microsoft","Description":"Test run through Power Automate"}"#;

#[test]
fn the_documented_sample_is_read_in_any_case_of_keys() {
    let expected = Touchpoint {
        source: Source::AzureMarketplace,
        action: Action::Installation,
        offer_title: Some("Test Microsoft".into()),
        customer: customer([
            "Some",
            "One",
            "someone@contoso.com",
            "16175555555",
            "USA",
            "Contoso",
            "Esquire",
        ]),
        notes: Some("Test run through Power Automate".into()),
        ..Touchpoint::default()
    };
    assert_eq!(read(SAMPLE), expected);
    assert_eq!(
        read(&SAMPLE.replace("UserDetails", "userDetails").replace("FirstName", "firstname")),
        expected
    );
    assert_eq!(read(&format!("\u{feff}{SAMPLE}\r\n")), expected);
}

#[test]
fn the_documented_test_lead_is_read_though_it_lacks_a_comma() {
    let body = r#"{
    "UserDetails": {
      "FirstName": "MSFT_TEST_636573304831318844",
      "LastName": "MSFT_TEST_636573304831318844",
      "Email": "MSFT_TEST_636573304831318844@test.com",
      "Phone": "1234567890",
      "Country": "US",
      "Company": "MSFT_TEST_636573304831318844",
      "Title": "MSFT_TEST_636573304831318844"
    },
    "LeadSource": "AzureMarketplace",
    "ActionCode": "INS",
    "OfferTitle": "Contoso Test"
    "Description": "MSFT_TEST_636573304831318844"
}"#;
    let expected = Touchpoint {
        source: Source::AzureMarketplace,
        action: Action::Installation,
        offer_title: Some("Contoso Test".into()),
        customer: test_customer(),
        notes: Some("MSFT_TEST_636573304831318844".into()),
        test: true,
        ..Touchpoint::default()
    };
    assert_eq!(read(body), expected);
    assert_eq!(read(&body.replace("UserDetails", "userDetails")), expected);
    assert_eq!(read(&body.replace("Test\"\n", "Test\",\n")), expected);
}

#[test]
fn no_other_mistake_is_mended() {
    check_refused(r#"{"a":"b" "c":"d" "e":"f"}"#, &[("json_syntax", "")]);
    check_refused(r#"{"a":1 "c":"d"}"#, &[("json_syntax", "")]);
    check_refused(r#"{"UserDetails":{"Email":"x"}"#, &[("json_syntax", "")]);
    check_refused(r#"{"a":"b" "a":"d"}"#, &[("json_syntax", "")]);
    check_refused(r#"{"a":"b","a":"d"}"#, &[("json_duplicate_key", "/a")]);
    check_refused("", &[("json_empty", "")]);
    check_refused("hello", &[("json_syntax", "")]);
    check_refused("[]", &[("wrong_type", "")]);
    check_refused("null", &[("wrong_type", "")]);
}

#[test]
fn the_documented_form_is_read() {
    let body = "company=MSFT_TEST_636573304831318844&country=US&description=MSFT_TEST_636573304831318844\
            &email=MSFT_TEST_636573304831318844%40test.com&encoding=UTF-8&encoding=UTF-8\
            &first_name=MSFT_TEST_636573304831318844&last_name=MSFT_TEST_636573304831318844\
            &lead_source=MSFT_TEST_636573304831318844-MSFT_TEST_636573304831318844%7CContoso+Test\
            &oid=00Do0000000ZHog&phone=1234567890&title=MSFT_TEST_636573304831318844";
    let touchpoint = read(body);
    assert_eq!(touchpoint.customer, test_customer());
    assert_eq!(touchpoint.source.as_str(), "MSFT_TEST_636573304831318844");
    assert_eq!(touchpoint.action.as_str(), "MSFT_TEST_636573304831318844");
    assert_eq!(touchpoint.offer_title.as_deref(), Some("Contoso Test"));
    assert_eq!(
        Json::Object(touchpoint.custom).to_string(),
        r#"{"encoding":"UTF-8","oid":"00Do0000000ZHog"}"#
    );
    assert!(touchpoint.test);
}

#[test]
fn a_form_is_decoded_strictly() {
    let name = |body: &str| read(body).customer.first_name;
    assert_eq!(name("first_name=%C5%90r%C3%BClt+Ad%61&").as_deref(), Some("Őrült Ada"));
    assert_eq!(name("first_name=a%3Db=c&last_name").as_deref(), Some("a=b=c"));
    check_refused("first_name=%ff", &[("form_invalid_utf8", "/first_name")]);
    check_refused("first_name=%4", &[("form_bad_escape", "/first_name")]);
    check_refused(
        "first_name=%+1&email=%zz",
        &[("form_bad_escape", "/first_name"), ("form_bad_escape", "/email")],
    );
    check_refused("%=x", &[("form_bad_escape", "")]);
    check_refused("phone=%00", &[("form_nul", "/phone")]);
    check_refused("encoding=UTF-8&encoding=ISO-8859-9", &[("form_repeated_key", "/encoding")]);
    let empty = parse_form(b" & ").expect_err("nothing is there");
    assert_eq!(empty[0].code, "form_empty");
}

#[test]
fn a_row_of_the_azure_table_is_read_with_its_packed_customer() {
    let touchpoint = read(
        r#"{"PartitionKey":"p","RowKey":"r","Timestamp":"2018-03-22T15:50:01.1234567Z","ActionCode":"Create",
            "CreatedTime":"2018-03-22T15:48:00Z","Description":"Campaigns: spring","OfferDisplayName":"CRM Pro",
            "CustomerInfo":"{\"FirstName\":\"John\",\"LastName\":\"Smith\",\"Email\":\"jsmith@microsoft.com\",\"Phone\":\"1234567890\",\"Country\":\"US\",\"Company\":\"Microsoft\",\"Title\":\"CTO\"}",
            "LeadSource":"AzurePortal-Create|contoso.crm-pro"}"#,
    );
    assert_eq!(touchpoint.customer, john());
    assert_eq!((touchpoint.source, touchpoint.action), (Source::AzurePortal, Action::Create));
    assert_eq!(touchpoint.offer.map(|offer| offer.to_string()).as_deref(), Some("contoso.crm-pro"));
    assert_eq!(touchpoint.offer_title.as_deref(), Some("CRM Pro"));
    assert_eq!(touchpoint.occurred_at, rfc3339::parse("2018-03-22T15:48:00Z"));
    assert_eq!(touchpoint.campaign, [("campaigns".to_owned(), Json::text("spring"))]);
    assert_eq!(touchpoint.notes, None);
    let custom: Vec<_> = touchpoint.custom.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(custom, ["PartitionKey", "RowKey", "Timestamp"]);
}

#[test]
fn the_customer_is_found_in_every_place() {
    let fields = r#""FirstName":"John","LastName":"Smith","Email":"jsmith@microsoft.com","Phone":"1234567890","Country":"US","Company":"Microsoft","Title":"CTO""#;
    for body in [
        format!("{{\"UserDetails\":{{{fields}}}}}"),
        format!("{{\"CustomerInfo\":{{{fields}}}}}"),
        format!("{{\"customer_info\":{}}}", Json::text(format!("{{{fields}}}"))),
        format!("{{{fields}}}"),
    ] {
        assert_eq!(read(&body), Touchpoint { customer: john(), ..Touchpoint::default() }, "{body}");
    }
    assert_eq!(read("{}"), Touchpoint::default());
    assert_eq!(read(r#"{"UserDetails":null,"CustomerInfo":" "}"#), Touchpoint::default());
}

#[test]
fn the_customers_object_goes_before_fields_at_the_top() {
    let body = r#"{"Email":"b@x.y","Phone":"1","UserDetails":{"Email":"a@x.y","phone":"1","Age":7}}"#;
    assert_eq!(read(body).customer.email.as_deref(), Some("a@x.y"));
    check_custom(body, r#"{"customer.Age":7,"Email":"b@x.y"}"#);
    assert_eq!(
        read(r#"{"UserDetails":{"Email":" "},"Email":"b@x.y"}"#).customer.email.as_deref(),
        Some("b@x.y")
    );
}

#[test]
fn blank_is_missing_and_numbers_are_text() {
    let body = r#"{"UserDetails":{"FirstName":"","LastName":" \t","Email":null,"Phone":16175555555,"Company":true},
            "Description":" ","ActionCode":null,"OfferTitle":"  CRM "}"#;
    let expected = Touchpoint {
        customer: customer(["", "", "", "16175555555", "", "true", ""]),
        offer_title: Some("CRM".into()),
        ..Touchpoint::default()
    };
    assert_eq!(read(body), expected);
    for description in ["Campaigns: ", "campaigns:", " "] {
        let touchpoint = read(&Json::object([("Description", Json::text(description))]).to_string());
        assert_eq!(touchpoint, Touchpoint::default());
    }
}

#[test]
fn what_is_not_understood_is_kept() {
    check_custom(
        r#"{"SubscriptionId":"s","x":{"y":[1.50]},"UserDetails":{"Email":{"home":"a@b.c"}},"Title":["CTO"],"z":null}"#,
        r#"{"customer.Email":{"home":"a@b.c"},"SubscriptionId":"s","x":{"y":[1.50]},"Title":["CTO"],"z":null}"#,
    );
    check_custom(
        r#"{"CustomerInfo":"{not json","UserDetails":[1]}"#,
        r#"{"CustomerInfo":"{not json","UserDetails":[1]}"#,
    );
    check_custom(
        r#"{"CreatedTime":"22.03.2018 15:48","ActionCode":{}}"#,
        r#"{"ActionCode":{},"CreatedTime":"22.03.2018 15:48"}"#,
    );
    check_custom(
        r#"{"OfferTitle":"A","OfferDisplayName":"B","offer_title":"A"}"#,
        r#"{"OfferDisplayName":"B"}"#,
    );
    check_custom(r#"{"LeadSource":"SFDC-dup-IN|Listing"}"#, r#"{"lead_source_duplicate":true}"#);
}

#[track_caller]
fn check_action(lead_source: &str, code: &str, expected: (&str, &str), custom: &str) {
    let body = Json::object([("LeadSource", Json::text(lead_source)), ("ActionCode", Json::text(code))]);
    let touchpoint = read(&body.to_string());
    assert_eq!((touchpoint.source.as_str(), touchpoint.action.as_str()), expected, "{body}");
    assert_eq!(Json::Object(touchpoint.custom).to_string(), custom, "{body}");
}

#[test]
fn the_action_code_goes_before_the_action_in_the_lead_source() {
    check_action("AzureMarketplace", "INS", ("AzureMarketplace", "INS"), "{}");
    check_action("AzurePortal-Create|a.b", "create", ("AzurePortal", "Create"), "{}");
    check_action("AzurePortal-Create|a.b", "", ("AzurePortal", "Create"), "{}");
    check_action("SPZA-INS|a.b", "PLT", ("SPZA", "PLT"), r#"{"LeadSource":"SPZA-INS|a.b"}"#);
    check_action("SPZA-INS|a.b", "NEW", ("SPZA", "INS"), r#"{"ActionCode":"NEW"}"#);
    check_action("AzureMarketplace", "TRIAL", ("AzureMarketplace", "TRIAL"), "{}");
    check_action("AzureMarketplace-TRIAL|a.b", "Trial", ("AzureMarketplace", "Trial"), "{}");
    check_action("", "DNC", ("", "DNC"), "{}");
}

#[test]
fn the_offer_part_is_an_id_or_a_name() {
    let offer = |part: &str| {
        let body = Json::object([("LeadSource", Json::text(format!("SPZA-INS|{part}")))]);
        let touchpoint = read(&body.to_string());
        (touchpoint.offer.map(|offer| offer.to_string()), touchpoint.offer_title)
    };
    for id in ["checkpoint.check-point-r77-10sg-byol", "bitnami.openedxcypress", "docusign.3701c77e-1cfa.x"] {
        assert_eq!(offer(id), (Some(id.to_owned()), None));
    }
    for name in ["Contoso CRM 2.0", "Contoso", "Acme.io", "a.", ".b"] {
        assert_eq!(offer(name), (None, Some(name.to_owned())));
    }
}

#[test]
fn the_test_marker_is_found_in_each_documented_field() {
    for field in ["FirstName", "LastName", "Company", "Email", "Description", "LeadSource", "ActionCode"] {
        let body = Json::object([(field, Json::text("msft_test_1"))]).to_string();
        assert!(read(&body).test, "{field}");
    }
    assert!(!read(SAMPLE).test);
    assert!(!read(r#"{"Phone":"MSFT_TEST_1","Company":"Not MSFT_TEST"}"#).test);
}

#[test]
fn long_texts_and_too_many_fields_are_refused_together() {
    let long = "ő".repeat(limits::FIELD_BYTES_MAX / 2 + 1);
    let notes = "n".repeat(limits::NOTES_BYTES_MAX + 1);
    let body = Json::object([
        ("UserDetails", Json::object([("Email", Json::text(&long)), ("a/b", Json::text("x"))])),
        ("LeadSource", Json::text(&long)),
        ("Description", Json::text(notes)),
    ]);
    let expected =
        [("too_long", "/UserDetails/Email"), ("too_long", "/LeadSource"), ("too_long", "/Description")];
    check_refused(&body.to_string(), &expected);
    let many =
        |count: usize| Json::object((0..count).map(|number| (format!("k{number}"), Json::Null))).to_string();
    assert_eq!(read(&many(limits::ENTRIES_MAX)).custom.len(), limits::ENTRIES_MAX);
    check_refused(&many(10_000), &[("too_many_entries", "/custom")]);
}

#[test]
fn a_value_too_deep_to_be_read_back_from_custom_is_refused() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let kept = limits::JSON_DEPTH_MAX - 2;
    let touchpoint = read(&format!("{{\"x\":{}}}", nested(kept)));
    let written = touchpoint.canonical_json().to_string();
    let json = json::parse(written.as_bytes()).expect("the store reads what it wrote");
    assert_eq!(Touchpoint::parse(&json), Ok(touchpoint));
    check_refused(&format!("{{\"x\":{}}}", nested(kept + 1)), &[("json_too_deep", "/custom/x")]);
    let packed = Json::text(format!("{{\"x\":{}}}", nested(kept + 1)));
    check_refused(&format!("{{\"CustomerInfo\":{packed}}}"), &[("json_too_deep", "/custom/customer.x")]);
}

#[test]
fn a_name_that_grows_too_long_to_be_read_back_is_refused() {
    let name = "n".repeat(limits::FIELD_BYTES_MAX);
    assert_eq!(read(&format!("{{\"{name}\":1}}")).custom.len(), 1);
    let refusals = parse_bytes(format!("{{\"UserDetails\":{{\"{name}\":1}}}}").as_bytes());
    assert_eq!(refusals.expect_err("`customer.` is added")[0].code, "too_long");
}

proptest! {
    #[test]
    fn what_was_read_has_a_canonical_form_that_reads_the_same(
        keys in prop::collection::btree_set("FirstName|email|Email|LeadSource|ActionCode|Description|x|Timestamp", 0..6),
        texts in prop::collection::vec("(SPZA|SFDC)-[A-Z]{2,3}\\|[a-z.]{0,4}|MSFT_TEST_1|Campaigns: x|\\PC{0,12}|[A|\\t\u{200b} -]{0,7}", 6),
    ) {
        let body = Json::object(keys.into_iter().zip(texts.iter().map(Json::text)));
        let touchpoint = parse(&body).expect("short texts are taken");
        prop_assert_eq!(Touchpoint::parse(&touchpoint.canonical_json()), Ok(touchpoint));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes: Vec<u8>) {
        let _touchpoint = parse_bytes(&bytes);
        let _touchpoint = parse_form(&bytes);
    }

    #[test]
    fn a_form_says_the_same_as_json(first in "[a-zA-Ző &=%+]{0,9}", phone in "[0-9+ ]{0,9}") {
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let form = format!("first_name={}&phone={}", escaped(&first), phone.replace('+', "%2b").replace(' ', "+"));
        let json = Json::object([("FirstName", Json::text(first)), ("Phone", Json::text(phone))]);
        prop_assert_eq!(parse_form(form.as_bytes()), parse(&json));
    }
}
