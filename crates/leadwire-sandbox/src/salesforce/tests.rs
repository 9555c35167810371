//! The simulated org refuses what the real one refuses, in its words and shapes.

use super::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

const ROOT: &str = "/services/data/v62.0";

struct Lab {
    org: Salesforce,
    token: String,
    now: i64,
}

impl Lab {
    fn new(options: Options) -> Self {
        let mut org = Salesforce::new(options);
        let form = "grant_type=client_credentials&client_id=3MVG9sandbox&client_secret=sandbox-secret";
        let reply = org.answer(&token_call(form, "acme.my.salesforce.com"), 0);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert!(body.get("expires_in").is_none());
        assert_eq!(body["instance_url"], "http://acme.my.salesforce.com");
        let token = body["access_token"].as_str().unwrap().to_owned();
        Self { org, token, now: 0 }
    }

    fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", &*authorization), ("content-type", "application/json")];
        all.extend(headers);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let call = call(method, &format!("{ROOT}{path}"), query, &all, &body);
        let reply = self.org.answer(&call, self.now);
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    #[track_caller]
    fn check_refused(&mut self, method: &str, path: &str, body: &Value, expected: (u16, &str)) {
        let (status, answer) = self.call(method, path, &[], body);
        assert_eq!((status, answer[0]["errorCode"].as_str().unwrap()), expected, "{answer}");
    }
}

pub(super) fn call(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()));
    Call {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect::<HeaderMap>(),
        body: Bytes::from(body.to_owned()),
    }
}

pub(super) fn token_call(form: &str, host: &str) -> Call {
    let headers = [("host", host), ("content-type", "application/x-www-form-urlencoded")];
    call("POST", "/services/oauth2/token", "", &headers, form)
}

fn rows(rows: &[Value]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|it| {
            let mut row = it.clone();
            row["attributes"] = json!({ "type": "Lead" });
            row
        })
        .collect();
    json!({ "allOrNone": false, "records": rows })
}

#[test]
fn tokens_are_given_by_the_my_domain_host_only_and_for_the_right_secret() {
    let good = "grant_type=client_credentials&client_id=3MVG9sandbox&client_secret=sandbox-secret";
    for (options, form, host, error) in [
        (Options::default(), good, "login.salesforce.com", "invalid_grant"),
        (
            Options::default(),
            "grant_type=client_credentials&client_id=x&client_secret=y",
            "acme",
            "invalid_client_id",
        ),
        (
            Options::default(),
            "grant_type=client_credentials&client_id=3MVG9sandbox",
            "acme",
            "invalid_client",
        ),
        (Options::default(), "grant_type=password", "acme", "unsupported_grant_type"),
        (Options::default(), "client_id=x", "acme", "invalid_request"),
        (Options { has_run_as_user: false, ..Options::default() }, good, "acme", "invalid_grant"),
    ] {
        let reply = Salesforce::new(options).answer(&token_call(form, host), 0);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status.as_u16(), &body["error"]), (400, &json!(error)), "{form} at {host}");
    }
}

#[test]
fn a_call_without_a_good_token_is_refused() {
    let mut lab = Lab::new(Options::default());
    lab.token = "stale".to_owned();
    lab.check_refused("GET", "/sobjects/Lead/describe", &Value::Null, (401, "INVALID_SESSION_ID"));
    let reply = lab.org.answer(&call("GET", &format!("{ROOT}/limits"), "", &[], ""), 0);
    assert!(String::from_utf8_lossy(&reply.body).contains("INVALID_AUTH_HEADER"));
}

#[test]
fn what_the_service_refuses_is_refused() {
    let mut lab = Lab::new(Options::default());
    let ada = json!({ "LastName": "Lovelace", "Company": "Analytical" });
    let with = |name: &str, value: Value| {
        let mut lead = ada.clone();
        lead[name] = value;
        lead
    };
    let refused = [
        (json!({ "FirstName": "Ada" }), "REQUIRED_FIELD_MISSING"),
        (with("LastName", json!(" ")), "REQUIRED_FIELD_MISSING"),
        (with("FirstName", json!("x".repeat(41))), "STRING_TOO_LONG"),
        (with("Email", json!("ada@")), "INVALID_EMAIL_ADDRESS"),
        (with("foo", json!("x")), "INVALID_FIELD"),
        (with("IsConverted", json!(true)), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (with("DoNotCall", json!("yes")), "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        (with("OwnerId", json!("me")), "MALFORMED_ID"),
        (with("OwnerId", json!("00Q5e00000000Ab")), "INVALID_CROSS_REFERENCE_KEY"),
    ];
    for (body, code) in refused {
        lab.check_refused("POST", "/sobjects/Lead", &body, (400, code));
    }
    assert!(lab.org.restrict("LeadSource", &["Web"]));
    let body = with("LeadSource", json!("Else"));
    lab.check_refused("POST", "/sobjects/Lead", &body, (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"));
    let path = "/sobjects/Lead/LeadwireLeadId__c/k";
    lab.check_refused("PATCH", path, &with(KEY_FIELD, json!("k")), (400, "INVALID_FIELD"));
    lab.check_refused("PATCH", "/sobjects/Lead/Nonsense__c/k", &ada, (404, "NOT_FOUND"));
    lab.check_refused("PUT", "/sobjects/Lead/00Q", &ada, (405, "METHOD_NOT_ALLOWED"));
    let old = call(
        "GET",
        "/services/data/v30.0/limits",
        "",
        &[("authorization", &format!("Bearer {}", lab.token))],
        "",
    );
    assert_eq!(lab.org.answer(&old, 0).status.as_u16(), 410);
    let long = call("GET", ROOT, &"x".repeat(17_000), &[], "");
    assert_eq!(lab.org.answer(&long, 0).status.as_u16(), 414);
    assert!(lab.org.records().is_empty());
}

#[test]
fn a_collection_answers_in_order_with_its_own_key_for_codes() {
    let mut lab = Lab::new(Options::default());
    let path = "/composite/sobjects/Lead/LeadwireLeadId__c";
    let row = |key: &str, name: &str| json!({ KEY_FIELD: key, "LastName": name, "Company": "C" });
    let body = rows(&[row("a", "A"), row("b", ""), row("c", "C"), row("C", "again")]);
    let (status, answer) = lab.call("PATCH", path, &[], &body);
    assert_eq!(status, 200);
    let codes: Vec<&Value> = (0..4).map(|it| &answer[it]["errors"][0]["statusCode"]).collect();
    assert_eq!(answer[0]["created"], json!(true));
    assert_eq!(codes[1], "REQUIRED_FIELD_MISSING");
    assert_eq!((codes[2], codes[3]), (&json!("DUPLICATE_VALUE"), &json!("DUPLICATE_VALUE")));
    let (_, answer) = lab.call("PATCH", path, &[], &rows(&[row("A", "B")]));
    assert_eq!(answer[0]["created"], json!(false), "texts compare without regard to case");
    let many: Vec<Value> = (0..201).map(|it| row(&format!("k{it}"), "L")).collect();
    lab.check_refused("PATCH", path, &rows(&many), (400, "EXCEEDED_MAX_TYPES_LIMIT"));
    lab.check_refused("PATCH", path, &json!({ "records": [row("z", "Z")] }), (400, "INVALID_TYPE"));
    assert_eq!(lab.org.records().len(), 1);
}

#[test]
fn a_duplicate_rule_tells_its_finding_only_to_a_single_call() {
    let mut lab = Lab::new(Options { duplicate_rule: DuplicateRule::Alert, ..Options::default() });
    let ada = json!({ "LastName": "L", "Company": "C", "Email": "ada@example.com" });
    let (_, first) = lab.call("POST", "/sobjects/Lead", &[], &ada);
    let (status, answer) = lab.call("PATCH", "/sobjects/Lead/LeadwireLeadId__c/k", &[], &ada);
    assert_eq!(status, 400);
    let found = answer[0].pointer("/duplicateResut/matchResults/0/matchRecords/0/record/Id");
    assert_eq!(found, Some(&first["id"]));
    let mut row = ada.clone();
    row[KEY_FIELD] = json!("k");
    let path = "/composite/sobjects/Lead/LeadwireLeadId__c";
    let (_, answer) = lab.call("PATCH", path, &[], &rows(&[row.clone()]));
    assert_eq!(answer[0]["errors"][0]["statusCode"], "DUPLICATES_DETECTED");
    assert!(!answer.to_string().contains("duplicateResut"));
    let allow = [("sforce-duplicate-rule-header", "allowSave=true")];
    let (_, answer) = lab.call("PATCH", path, &allow, &rows(&[row]));
    assert_eq!(answer[0]["success"], json!(true));
}

#[test]
fn the_days_calls_are_counted_in_a_rolling_window() {
    let mut lab = Lab::new(Options { daily_calls: 2, ..Options::default() });
    for _ in 0..2 {
        assert_eq!(lab.call("GET", "/limits", &[], &Value::Null).0, 200);
    }
    lab.check_refused("GET", "/limits", &Value::Null, (403, "REQUEST_LIMIT_EXCEEDED"));
    lab.now = 25 * HOUR;
    assert_eq!(lab.call("GET", "/limits", &[], &Value::Null).1["DailyApiRequests"]["Remaining"], json!(1));
}

#[test]
fn queries_have_pages_conditions_and_an_order() {
    let mut lab = Lab::new(Options::default());
    for number in 0..450 {
        let lead = json!({ KEY_FIELD: format!("k{number:03}"), "LastName": "O'Brien", "Company": "C" });
        lab.org.add(&lead, number).unwrap();
    }
    let ask = |lab: &mut Lab, soql: &str| {
        let soql: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        lab.call(
            "GET",
            &format!("/query?q={soql}"),
            &[("sforce-query-options", "batchSize=200")],
            &Value::Null,
        )
        .1
    };
    let first = ask(
        &mut lab,
        "SELECT Id, LeadwireLeadId__c FROM Lead WHERE LastName = 'O\\'Brien' ORDER BY LeadwireLeadId__c DESC",
    );
    assert_eq!((&first["totalSize"], &first["done"]), (&json!(450), &json!(false)));
    assert_eq!(first["records"][0]["LeadwireLeadId__c"], "k449");
    let next = first["nextRecordsUrl"].as_str().unwrap().strip_prefix(ROOT).unwrap().to_owned();
    let second = lab.call("GET", &next, &[], &Value::Null).1;
    assert_eq!(second["records"].as_array().unwrap().len(), 200);
    lab.check_refused("GET", &next, &Value::Null, (404, "INVALID_QUERY_LOCATOR"));
    let some = ask(
        &mut lab,
        "SELECT Id FROM Lead WHERE LeadwireLeadId__c IN ('K001','k002','x') AND IsConverted = false LIMIT 5",
    );
    assert_eq!(some["totalSize"], json!(2));
    let since =
        ask(&mut lab, "SELECT SystemModstamp FROM Lead WHERE SystemModstamp >= 1970-01-01T00:00:00.449+0000");
    assert_eq!(since["records"][0]["SystemModstamp"], "1970-01-01T00:00:00.449+0000");
    assert_eq!(since["totalSize"], json!(1));
    for (soql, code) in [
        ("SELECT FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE LastName = 'x", "MALFORMED_QUERY"),
        ("SELECT Nonsense FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
    ] {
        assert_eq!(ask(&mut lab, soql)[0]["errorCode"], code, "{soql}");
    }
}
