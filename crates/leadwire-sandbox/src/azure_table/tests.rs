//! The simulated account refuses what the real one would, in its words, and keeps nothing of what it refused.

use super::*;
use http::header::{HeaderName, HeaderValue};

/// 2026-11-20T21:03:04Z.
const NOW: i64 = 1_795_208_584_000;
const UNTIL: &str = "2027-01-01T00:00:00Z";

fn account() -> AzureTable {
    let mut account = AzureTable::new(Options::new("s"));
    let sas = account.account_sas("rwdlacu", UNTIL);
    assert_eq!(post(&mut account, "/leadwiresandbox/Tables", &sas, &json!({ "TableName": "Leads" })).0, 201);
    account
}

fn call(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let mut all = vec![
        ("x-ms-version", "2019-02-02"),
        ("accept", "application/json;odata=minimalmetadata"),
        ("host", "127.0.0.1:7000"),
    ];
    if !body.is_empty() && !headers.iter().any(|it| it.0 == "content-type") {
        all.push(("content-type", "application/json"));
    }
    all.extend_from_slice(headers);
    Call {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: all
            .into_iter()
            .map(|it| (it.0.parse::<HeaderName>().unwrap(), it.1.parse::<HeaderValue>().unwrap()))
            .collect(),
        body: body.to_owned().into(),
    }
}

fn answer(account: &mut AzureTable, call: &Call) -> (u16, String, String) {
    let reply = account.answer(call, NOW);
    let code = reply.headers.get("x-ms-error-code").map_or("", |it| it.to_str().unwrap()).to_owned();
    (reply.status.as_u16(), code, String::from_utf8(reply.body.to_vec()).unwrap())
}

fn post(account: &mut AzureTable, path: &str, sas: &str, body: &Value) -> (u16, String, String) {
    answer(account, &call("POST", path, sas, &[], &body.to_string()))
}

fn insert(account: &mut AzureTable, more: &Value) -> (u16, String) {
    let sas = account.account_sas("rwdlacu", UNTIL);
    let mut body = json!({ "PartitionKey": "p", "RowKey": "r" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, code, _) = post(account, "/leadwiresandbox/Leads", &sas, &body);
    (status, code)
}

#[test]
fn rows_are_held_to_the_data_model() {
    let long = |len: usize| "x".repeat(len);
    let many: serde_json::Map<String, Value> = (0..253).map(|it| (format!("P{it}"), json!(1))).collect();
    let large: serde_json::Map<String, Value> =
        (0..17).map(|it| (format!("P{it}"), json!(long(32_768)))).collect();
    for (more, code) in [
        (json!({ "RowKey": "a/b" }), "OutOfRangeInput"),
        (json!({ "RowKey": "a\\b" }), "OutOfRangeInput"),
        (json!({ "PartitionKey": "a#b" }), "OutOfRangeInput"),
        (json!({ "PartitionKey": "a?b" }), "OutOfRangeInput"),
        (json!({ "PartitionKey": "a\u{7}b" }), "OutOfRangeInput"),
        (json!({ "PartitionKey": "a\u{85}b" }), "OutOfRangeInput"),
        (json!({ "RowKey": long(513) }), "KeyValueTooLarge"),
        (json!({ "RowKey": 5 }), "PropertiesNeedValue"),
        (json!({ "RowKey": null }), "PropertiesNeedValue"),
        (json!({ "First-Name": "x" }), "PropertyNameInvalid"),
        (json!({ "1st": "x" }), "PropertyNameInvalid"),
        (json!({ "": "x" }), "PropertyNameInvalid"),
        (json!({ long(256): "x" }), "PropertyNameTooLong"),
        (json!({ "A": long(32_769) }), "PropertyValueTooLarge"),
        (json!({ "A": { "b": 1 } }), "InvalidInput"),
        (json!({ "A": [1] }), "InvalidInput"),
        (json!({ "A": 2_147_483_648_i64 }), "InvalidInput"),
        (json!({ "A": "x", "A@odata.type": "Edm.Int64" }), "InvalidInput"),
        (json!({ "A": 5, "A@odata.type": "Edm.Int64" }), "InvalidInput"),
        (json!({ "A": "2026-13-01T00:00:00Z", "A@odata.type": "Edm.DateTime" }), "InvalidInput"),
        (json!({ "A": "1600-01-01T00:00:00Z", "A@odata.type": "Edm.DateTime" }), "InvalidInput"),
        (json!({ "A": "not-a-guid", "A@odata.type": "Edm.Guid" }), "InvalidInput"),
        (json!({ "A": "@@", "A@odata.type": "Edm.Binary" }), "InvalidInput"),
        (json!({ "A": "x", "A@odata.type": "Edm.Colour" }), "InvalidValueType"),
        (Value::Object(many), "TooManyProperties"),
        (Value::Object(large), "EntityTooLarge"),
    ] {
        let mut account = account();
        assert_eq!(
            insert(&mut account, &more),
            (400, code.to_owned()),
            "{}",
            &more.to_string()[..40.min(more.to_string().len())]
        );
        assert!(account.records().is_empty());
    }
    let mut account = account();
    let fits = json!({
        "A": long(32_768), "B": null, "C": "9223372036854775807", "C@odata.type": "Edm.Int64",
        "D": "2026-01-02T03:04:05.0000001Z", "D@odata.type": "Edm.DateTime", "E": 0.5, "F": "NaN", "F@odata.type": "Edm.Double",
    });
    assert_eq!(insert(&mut account, &fits).0, 201);
    assert_eq!(account.records()[0]["fields"].get("B"), None);
    assert_eq!(insert(&mut account, &json!({})), (409, "EntityAlreadyExists".to_owned()));
}

#[test]
fn tables_have_names_in_either_case_and_leave_slowly() {
    let mut account = account();
    let sas = account.account_sas("rwdlacu", UNTIL);
    let make = |account: &mut AzureTable, name: &str, now: i64| {
        let body = json!({ "TableName": name }).to_string();
        let reply = account.answer(&call("POST", "/leadwiresandbox/Tables", &sas, &[], &body), now);
        (
            reply.status.as_u16(),
            reply.headers.get("x-ms-error-code").map(|it| it.to_str().unwrap().to_owned()),
        )
    };
    for name in ["ab", "1abc", "a-b-c", "tables"] {
        assert_eq!(make(&mut account, name, NOW), (400, Some("InvalidResourceName".to_owned())), "{name}");
    }
    assert_eq!(make(&mut account, "LEADS", NOW), (409, Some("TableAlreadyExists".to_owned())));
    account.delete_table("leads", NOW);
    assert_eq!(make(&mut account, "Leads", NOW + 39_999), (409, Some("TableBeingDeleted".to_owned())));
    assert_eq!(insert(&mut account, &json!({})), (404, "TableNotFound".to_owned()));
    assert_eq!(make(&mut account, "Leads", NOW + 40_001).0, 201);
}

#[test]
fn a_key_that_is_encoded_twice_is_another_key() {
    let mut account = account();
    let sas = account.account_sas("rwdlacu", UNTIL);
    let path = "/leadwiresandbox/Leads(PartitionKey='p',RowKey='o%27%27brien%20%C3%A9%2B1')";
    let put = call("PUT", path, &sas, &[], "{}");
    assert_eq!(answer(&mut account, &put).0, 204);
    assert_eq!(account.records()[0]["row"], "o'brien é+1");
    let read = |account: &mut AzureTable, row: &str| {
        let path = format!("/leadwiresandbox/Leads(PartitionKey='p',RowKey='{row}')");
        answer(account, &call("GET", &path, &sas, &[], "")).0
    };
    assert_eq!(read(&mut account, "o%27%27brien%20%C3%A9+1"), 200);
    assert_eq!(read(&mut account, "o%2527%2527brien%20%C3%A9%2B1"), 404);
    assert_eq!(read(&mut account, "o%27brien"), 400);
}

fn transaction(operations: &[(&str, &str, String)], line: &str) -> Call {
    let mut body = String::from("--b\nContent-Type: multipart/mixed; boundary=c\n\n");
    for (method, path, content) in operations {
        body.push_str(&format!(
            "--c\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n{method} http://h/leadwiresandbox/{path} HTTP/1.1\n\
             Content-Type: application/json\n\n{content}\n"
        ));
    }
    body.push_str("--c--\n--b--\n");
    let kind = ("content-type", "multipart/mixed; boundary=b");
    call("POST", "/leadwiresandbox/$batch", "", &[kind], &body.replace('\n', line))
}

fn row(partition: &str, row: &str) -> String {
    json!({ "PartitionKey": partition, "RowKey": row }).to_string()
}

fn perform(account: &mut AzureTable, mut call: Call) -> (u16, String) {
    call.query = account.account_sas("rwdlacu", UNTIL);
    let (status, _, body) = answer(account, &call);
    (status, body)
}

#[test]
fn a_transaction_is_done_whole_or_not_at_all_and_names_the_culprit() {
    let mut account = account();
    let add = |it: &str| ("POST", "Leads", row("p", it));
    let (status, body) = perform(&mut account, transaction(&[add("1"), add("2")], "\r\n"));
    assert_eq!((status, body.matches("HTTP/1.1 204").count(), account.records().len()), (202, 2, 2));
    let merge =
        |it: &str, body: &str| ("MERGE", format!("Leads(PartitionKey='p',RowKey='{it}')"), body.to_owned());
    let (_, path, content) = merge("1", r#"{"A":1}"#);
    let before = account.records();
    for (operations, expected) in [
        (vec![add("3"), add("2"), add("4")], "1:The specified entity already exists."),
        (vec![("MERGE", path.as_str(), content.clone()), add("2")], "1:The specified entity already exists."),
        (
            vec![add("3"), ("POST", "Leads", row("q", "4"))],
            "1:All commands in a batch must operate on same entity group.",
        ),
        (vec![add("3"), add("3")], "1:The batch request contains multiple changes with same row key."),
        (vec![add("3"), ("POST", "Other", row("p", "4"))], "1:All commands in a batch"),
        (vec![add("3"), ("POST", "Leads", row("p", "a/b"))], "1:One of the request inputs is out of range."),
        (vec![("POST", "Other", row("p", "4"))], "0:The table specified does not exist."),
    ] {
        let (status, body) = perform(&mut account, transaction(&operations, "\r\n"));
        assert_eq!((status, body.matches("HTTP/1.1").count()), (202, 1), "{body}");
        assert!(body.contains(&format!("\"value\":\"{expected}")), "{expected}: {body}");
        assert_eq!(account.records(), before, "{expected}");
    }
    let many: Vec<String> = (0..101).map(|it| row("p", &format!("m{it}"))).collect();
    let many: Vec<_> = many.into_iter().map(|it| ("POST", "Leads", it)).collect();
    assert!(perform(&mut account, transaction(&many, "\r\n")).1.contains("exceeds the maximum 100 changes"));
    // Line ends are CR and LF, and a body is not longer than 4 MiB.
    assert_eq!(perform(&mut account, transaction(&[add("5")], "\n")).0, 400);
    let mut large = transaction(&[add("5")], "\r\n");
    large.body = vec![b' '; 4 * 1024 * 1024 + 1].into();
    assert_eq!(perform(&mut account, large).0, 413);
    assert_eq!(account.records(), before);
}

#[test]
fn marks_tell_changes_apart() {
    let mut account = account();
    let sas = account.account_sas("rwdlacu", UNTIL);
    let path = "/leadwiresandbox/Leads(PartitionKey='p',RowKey='r')";
    let change = |account: &mut AzureTable, method: &str, mark: Option<&str>, body: &str| {
        let headers: Vec<(&str, &str)> = mark.iter().map(|it| ("if-match", *it)).collect();
        let reply = account.answer(&call(method, path, &sas, &headers, body), NOW);
        let mark = reply.headers.get("etag").map_or("", |it| it.to_str().unwrap()).to_owned();
        (reply.status.as_u16(), mark)
    };
    assert_eq!(change(&mut account, "PATCH", Some("*"), "{}").0, 404);
    let (status, first) =
        change(&mut account, "PATCH", None, r#"{"A":1,"B":"9","B@odata.type":"Edm.Int64"}"#);
    assert!(status == 204 && first.starts_with("W/\"datetime'2026-11-20T21%3A03%3A04."), "{first}");
    let (_, second) = change(&mut account, "PATCH", Some(&first), r#"{"B":"x"}"#);
    assert_ne!(first, second);
    assert_eq!(change(&mut account, "PATCH", Some(&first), "{}").0, 412);
    assert_eq!(account.records()[0]["fields"], json!({ "A": 1, "B": "x" }));
    assert_eq!(change(&mut account, "PUT", None, r#"{"C":1}"#).0, 204);
    assert_eq!(account.records()[0]["fields"], json!({ "C": 1 }));
    assert_eq!(change(&mut account, "DELETE", None, "").0, 400);
    assert_eq!(change(&mut account, "DELETE", Some("*"), "").0, 204);
    assert!(account.records().is_empty());
}

#[test]
fn signatures_permit_what_they_say_and_no_longer_than_they_say() {
    let mut account = account();
    let wide = account.account_sas("rwdlacu", UNTIL);
    let body = row("p", "r");
    let code = |account: &mut AzureTable, method: &str, path: &str, query: &str, body: &str| {
        answer(account, &call(method, path, query, &[], body)).1
    };
    let leads = "/leadwiresandbox/Leads";
    for (sas, expected) in [
        (account.table_sas("Leads", "a", UNTIL), ""),
        (account.table_sas("leads", "r", UNTIL), "AuthorizationPermissionMismatch"),
        (account.table_sas("Others", "a", UNTIL), "AuthorizationFailure"),
        (account.account_sas("r", UNTIL), "AuthorizationPermissionMismatch"),
        (account.account_sas("a", "2026-11-20T21:03:04Z"), "AuthenticationFailed"),
        (wide.replace("sp=rwdlacu", "sp=rwdlacux"), "AuthenticationFailed"),
        (String::new(), "NoAuthenticationInformation"),
    ] {
        let seen = code(&mut account, "POST", leads, &sas, &body);
        assert_eq!(seen, expected, "{sas}");
        account.delete_row("Leads", "p", "r");
    }
    let add = account.table_sas("Leads", "a", UNTIL);
    let one = format!("{leads}(PartitionKey='p',RowKey='r')");
    assert_eq!(code(&mut account, "PATCH", &one, &add, "{}"), "AuthorizationPermissionMismatch");
    assert_eq!(code(&mut account, "GET", &one, &add, ""), "AuthorizationPermissionMismatch");
    let tables = "/leadwiresandbox/Tables";
    assert_eq!(code(&mut account, "POST", tables, &add, r#"{"TableName":"More"}"#), "AuthorizationFailure");
    let mut batch = transaction(&[("POST", "Leads", body.clone())], "\r\n");
    batch.query = add;
    assert_eq!(answer(&mut account, &batch).1, "AuthorizationFailure");
    let without_version = Call { headers: http::HeaderMap::new(), ..call("GET", tables, &wide, &[], "") };
    assert_eq!(answer(&mut account, &without_version).1, "InvalidHeaderValue");
    let atom = call("GET", tables, &wide, &[], "");
    let mut atom = Call { ..atom };
    atom.headers.insert("accept", "application/atom+xml".parse().unwrap());
    assert_eq!(answer(&mut account, &atom).1, "AtomFormatNotSupported");
}

#[test]
fn queries_are_filtered_and_come_in_pages() {
    let mut account = account();
    let sas = account.account_sas("rwdlacu", UNTIL);
    for at in 0..1005 {
        let row = json!({ "PartitionKey": "p", "RowKey": format!("r{at:04}"), "N": at, "Even": at % 2 == 0 });
        assert_eq!(post(&mut account, "/leadwiresandbox/Leads", &sas, &row).0, 201);
    }
    let ask = |account: &mut AzureTable, filter: &str, more: &str| {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let query = format!("$filter={filter}{more}&{sas}");
        let reply = account.answer(&call("GET", "/leadwiresandbox/Leads()", &query, &[], ""), NOW);
        let next =
            reply.headers.get("x-ms-continuation-nextrowkey").map(|it| it.to_str().unwrap().to_owned());
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        (json["value"].as_array().map(Vec::len), next)
    };
    assert_eq!(ask(&mut account, "", ""), (Some(1000), Some("r1000".to_owned())));
    assert_eq!(ask(&mut account, "", "&NextPartitionKey=p&NextRowKey=r1000"), (Some(5), None));
    assert_eq!(
        ask(&mut account, "PartitionKey eq 'p' and RowKey ge 'r0010' and RowKey le 'r0019'", ""),
        (Some(10), None)
    );
    assert_eq!(ask(&mut account, "(N lt 10 or N ge 1000) and not (Even eq true)", ""), (Some(7), None));
    assert_eq!(ask(&mut account, "Missing eq 'x' or N eq 5L", ""), (Some(1), None));
    assert_eq!(ask(&mut account, "", "&$top=3").0, Some(3));
    let sixteen = vec!["N eq 1"; 16].join(" or ");
    for bad in ["N is 5", "N eq", "(N eq 1", "N eq 'x", "N eq 1 1", &sixteen] {
        assert_eq!(ask(&mut account, bad, ""), (None, None), "{bad}");
    }
    assert_eq!(ask(&mut account, "", "&$top=1001").0, None);
}
