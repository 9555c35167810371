//! The simulated environment refuses what the real one refuses, in its words and shapes.

use super::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

const ROOT: &str = "/api/data/v9.2";
const ID: &str = "b490cf3b-105f-8c70-a3c7-ab40985dadfa";

struct Lab {
    environment: Dynamics,
    token: String,
    now: i64,
}

/// Status, headers and body of a reply.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Value,
    text: String,
}

impl Seen {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }
}

fn call(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
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

impl Lab {
    fn new(options: Options) -> Self {
        let mut environment = Dynamics::new(options);
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret=s&scope=https%3A%2F%2Facme%2F.default",
            environment.options.entra.client_id
        );
        let path = format!("/{}/oauth2/v2.0/token", environment.options.entra.tenant);
        let headers = [("host", "acme"), ("content-type", "application/x-www-form-urlencoded")];
        let reply = environment.answer(&call("POST", &path, &headers, &form), 0);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        Self { environment, token, now: 0 }
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", &*authorization), ("host", "acme")];
        if !headers.iter().any(|it| it.0 == "content-type") {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let reply = self.environment.answer(&call(method, &format!("{ROOT}{path}"), &all, body), self.now);
        let body = serde_json::from_slice(&reply.body).unwrap_or_default();
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        Seen { status: reply.status.as_u16(), headers: reply.headers, body, text }
    }

    fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Seen {
        self.ask(method, path, headers, &body.to_string())
    }

    #[track_caller]
    fn check_refused(&mut self, method: &str, path: &str, body: &Value, expected: (u16, &str)) {
        let seen = self.write(method, path, &[], body);
        assert_eq!(seen.code(), expected, "{}", seen.text);
    }

    fn batch(&mut self, prefer: &str, parts: &[String]) -> Seen {
        let mut body = String::new();
        for part in parts {
            body.push_str(
                "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n",
            );
            body.push_str(part);
            body.push_str("\r\n");
        }
        body.push_str("--b--\r\n");
        self.ask(
            "POST",
            "/$batch",
            &[("content-type", "multipart/mixed;boundary=b"), ("prefer", prefer)],
            &body,
        )
    }
}

fn lab() -> Lab {
    Lab::new(Options::new("s"))
}

fn part(method: &str, path: &str, body: &Value) -> String {
    format!("{method} {ROOT}{path} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}")
}

fn statuses(seen: &Seen) -> Vec<u16> {
    let lines = seen.text.split("\r\n").filter_map(|it| it.strip_prefix("HTTP/1.1 "));
    lines.map(|it| it[..3].parse().unwrap()).collect()
}

#[test]
fn a_call_needs_a_token_of_the_environment_a_user_a_role_and_a_privilege() {
    let mut lab = lab();
    let mut stranger = Lab { token: "x".to_owned(), environment: Dynamics::new(Options::new("s")), now: 0 };
    let seen = stranger.ask("GET", "/WhoAmI", &[], "");
    assert_eq!(seen.status, 401);
    let told = seen.headers["www-authenticate"].to_str().unwrap();
    assert!(
        told.starts_with("Bearer authorization_uri=https://login.microsoftonline.com/aaaabbbb-"),
        "{told}"
    );
    assert_eq!(lab.ask("GET", "/WhoAmI", &[], "").body["UserId"], USER);
    lab.now = 3_599_000;
    assert_eq!(lab.ask("GET", "/WhoAmI", &[], "").status, 401, "a token ends");
    lab.now = 0;
    let other = call(
        "GET",
        "/api/data/v9.2/WhoAmI",
        &[("host", "other"), ("authorization", &format!("Bearer {}", lab.token))],
        "",
    );
    assert_eq!(lab.environment.answer(&other, 0).status.as_u16(), 401, "a token is for one environment");
    assert_eq!(lab.ask("POST", "/WhoAmI", &[], "").code(), (404, ""));
    lab.environment.change(|it| it.privileges = vec!["prvReadLead"]);
    let lead = json!({ "subject": "S" });
    lab.check_refused("POST", "/leads", &lead, (403, "0x80040220"));
    lab.check_refused("DELETE", &format!("/leads({ID})"), &lead, (403, "0x80040220"));
    lab.environment.change(|it| it.has_role = false);
    lab.check_refused("POST", "/leads", &lead, (403, "0x80042f09"));
    lab.environment.change(|it| it.has_app_user = false);
    lab.check_refused("POST", "/leads", &lead, (403, "0x80072560"));
    assert!(lab.environment.records().is_empty());
}

#[test]
fn the_four_cases_of_an_upsert() {
    let mut lab = lab();
    let path = format!("/leads({ID})");
    let body = json!({ "subject": "S", "lastname": "L" });
    assert_eq!(lab.write("PATCH", &path, &[("if-match", "*")], &body).code(), (404, "0x80040217"));
    let made = lab.write("PATCH", &path, &[("if-none-match", "*")], &body);
    assert_eq!(made.status, 204);
    assert_eq!(made.headers["odata-entityid"], format!("http://acme{ROOT}{path}"));
    assert_eq!(lab.write("PATCH", &path, &[("if-none-match", "*")], &body).code(), (412, "0x80040237"));
    assert_eq!(lab.write("PATCH", &path, &[("if-match", "*")], &json!({ "jobtitle": "CTO" })).status, 204);
    assert_eq!(lab.write("PATCH", &path, &[], &json!({ "sic": "1" })).status, 204);
    assert_eq!(lab.write("PATCH", &path, &[("if-match", "W/\"1\"")], &body).code(), (412, "0x80060882"));
    let prefer = [("prefer", "return=representation")];
    let shown = lab.write("PATCH", &format!("{path}?$select=sic"), &prefer, &json!({ "sic": "2" }));
    assert_eq!((shown.status, &shown.body["leadid"], &shown.body["sic"]), (200, &json!(ID), &json!("2")));
    assert_eq!(shown.body.get("subject"), None);
    assert_eq!(
        lab.write("POST", "/leads", &[], &json!({ "leadid": ID, "subject": "S" })).code(),
        (412, "0x80040237")
    );
    assert_eq!(lab.ask("DELETE", &path, &[], "").status, 204);
    assert_eq!(lab.ask("GET", &path, &[], "").code(), (404, "0x80040217"));
}

#[test]
fn what_the_service_refuses_is_refused() {
    let mut lab = lab();
    let lead = |name: &str, value: Value| {
        let mut lead = json!({ "subject": "S" });
        lead[name] = value;
        lead
    };
    for (body, expected) in [
        (lead("Subject", json!("S")), (400, "0x0")),
        (lead("subject", json!("x".repeat(301))), (400, "0x80044331")),
        // 150 characters of two UTF-16 units each fit; 151 do not.
        (lead("subject", json!("🦊".repeat(151))), (400, "0x80044331")),
        (lead("mobilephone", json!("+36 20 123 4567 ext. 1")), (400, "0x80044331")),
        (lead("leadsourcecode", json!(11)), (400, "0x8004431a")),
        (lead("leadsourcecode", json!("8")), (400, "0x80048d19")),
        (lead("donotemail", json!("true")), (400, "0x80048d19")),
        (lead("numberofemployees", json!(1_000_001)), (400, "0x8004431a")),
        (lead("estimatedclosedate", json!("20.11.2026")), (400, "0x80048d19")),
        (lead("fullname", json!("Ada")), (400, "0x80040203")),
        (lead("statecode", json!(1)), (400, "0x80040203")),
        (lead("leadid", json!("lead_1")), (400, "0x80048d19")),
        (lead("ownerid", json!(USER)), (400, "0x80048d19")),
        (lead("owner@odata.bind", json!(format!("/teams({TEAM})"))), (400, "0x80048d19")),
        (lead("ownerid@odata.bind", json!(format!("/team({TEAM})"))), (404, "0x8006088a")),
        (lead("ownerid@odata.bind", json!(format!("/teams({ID})"))), (404, "0x80040217")),
    ] {
        lab.check_refused("POST", "/leads", &body, expected);
    }
    assert_eq!(lab.write("POST", "/leads", &[], &lead("subject", json!("🦊".repeat(150)))).status, 204);
    let bound = lead("campaignid@odata.bind", json!(format!("/campaigns({CAMPAIGN})")));
    assert_eq!(lab.write("POST", "/leads", &[], &bound).status, 204);
    lab.check_refused("POST", "/Leads", &json!({}), (404, "0x8006088a"));
    lab.check_refused("PUT", &format!("/leads({ID})"), &json!({}), (405, ""));
    assert_eq!(lab.ask("POST", "/leads", &[("content-type", "text/plain")], "{}").status, 415);
    assert_eq!(lab.ask("POST", "/leads", &[], "{").code(), (400, "0x80048d19"));
    assert_eq!(lab.ask("GET", "/leads?$select=Statecode", &[], "").code(), (400, "0x80060888"));
    assert_eq!(lab.environment.records().len(), 2);
}

#[test]
fn a_qualified_lead_is_read_only_until_it_is_opened_again() {
    let mut lab = lab();
    let path = format!("/leads({ID})");
    lab.write("PATCH", &path, &[], &json!({ "subject": "S" }));
    assert!(lab.environment.set_state(ID, 1));
    lab.check_refused("PATCH", &path, &json!({ "subject": "T" }), (400, "0x8004022e"));
    let look = lab.ask("GET", &format!("{path}?$select=statecode,statuscode"), &[], "");
    assert_eq!((&look.body["statecode"], &look.body["statuscode"]), (&json!(1), &json!(3)));
    let open = json!({ "statecode": 0, "statuscode": 1 });
    assert_eq!(lab.write("PATCH", &path, &[], &open).status, 204);
    assert_eq!(lab.write("PATCH", &path, &[], &json!({ "subject": "T" })).status, 204);
}

#[test]
fn a_duplicate_rule_is_asked_only_by_those_who_want_it() {
    for status in [412, 500] {
        let options = Options { has_duplicate_rule: true, duplicate_status: status, ..Options::new("s") };
        let mut lab = Lab::new(options);
        let ada = json!({ "subject": "S", "emailaddress1": "ada@example.com" });
        let asks = [("mscrm.suppressduplicatedetection", "false")];
        assert_eq!(lab.write("POST", "/leads", &asks, &ada).status, 204);
        assert_eq!(lab.write("POST", "/leads", &asks, &ada).code(), (status, "0x80040333"));
        assert_eq!(lab.write("POST", "/leads", &[], &ada).status, 204);
    }
}

#[test]
fn an_alternate_key_is_usable_when_its_index_is_built() {
    let mut lab = lab();
    let label = json!({ "@odata.type": "Microsoft.Dynamics.CRM.Label", "LocalizedLabels": [] });
    let column = json!({ "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "hx_ExternalId",
        "MaxLength": 100, "DisplayName": label });
    let key = json!({ "SchemaName": "hx_ExternalIdKey", "KeyAttributes": ["hx_externalid"] });
    let table = "/EntityDefinitions(LogicalName='lead')";
    assert_eq!(lab.write("POST", &format!("{table}/Keys"), &[], &key).status, 404);
    assert_eq!(lab.write("POST", &format!("{table}/Attributes"), &[], &column).status, 204);
    lab.check_refused("POST", &format!("{table}/Attributes"), &column, (400, "0x80044363"));
    assert_eq!(lab.write("POST", &format!("{table}/Keys"), &[], &key).status, 204);
    let path = "/leads(hx_externalid='aws-7f3c')";
    let state = |lab: &mut Lab| {
        let seen = lab.ask("GET", &format!("{table}/Keys(LogicalName='hx_externalidkey')"), &[], "");
        seen.body["EntityKeyIndexStatus"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&mut lab), "Pending");
    lab.check_refused("PATCH", path, &json!({ "subject": "S" }), (400, "0x0"));
    lab.now = 15_000;
    assert_eq!(state(&mut lab), "Active");
    let made = lab.write("PATCH", path, &[("if-none-match", "*")], &json!({ "subject": "S" }));
    assert_eq!(made.headers["odata-entityid"], format!("http://acme{ROOT}{path}"), "the key, not the id");
    assert_eq!(lab.write("PATCH", path, &[("if-none-match", "*")], &json!({})).code(), (412, "0x80040237"));
    let mut taken = json!({ "subject": "S" });
    taken["hx_externalid"] = json!("AWS-7F3C");
    lab.check_refused("POST", "/leads", &taken, (412, "0x80060892"));
    lab.check_refused("PATCH", "/leads(hx_externalid='a%2Fb')", &json!({}), (400, "0x0"));
    assert_eq!(lab.ask("GET", "/leads(hx_externalid='other')", &[], "").code(), (404, "0x80060891"));
    lab.environment.change(|it| it.privileges.retain(|it| *it != "prvCustomize"));
    lab.check_refused("POST", &format!("{table}/Keys"), &key, (403, "0x80040220"));
}

#[test]
fn a_batch_goes_on_only_when_asked_and_each_request_stands_alone() {
    let mut lab = lab();
    let good = |name: &str| part("POST", "/leads", &json!({ "subject": name }));
    let bad = part("POST", "/leads", &json!({ "subject": "x".repeat(301) }));
    let parts = [good("A"), bad.clone(), good("B")];
    let stopped = lab.batch("", &parts);
    assert_eq!((stopped.status, statuses(&stopped)), (400, vec![204, 400]));
    assert_eq!(lab.environment.records().len(), 1);
    let all = lab.batch("odata.continue-on-error", &parts);
    assert_eq!((all.status, statuses(&all)), (200, vec![204, 400, 204]));
    assert!(all.text.contains("req_id: "));
    assert_eq!(lab.environment.records().len(), 3);
    let many: Vec<String> = (0..1001).map(|_| good("C")).collect();
    assert_eq!(lab.batch("odata.continue-on-error", &many).status, 400);
    let nested = part("POST", "/$batch", &json!({}));
    assert_eq!(lab.batch("", &[nested]).code(), (400, "0x80048d19"));
    assert_eq!(lab.environment.records().len(), 3);
}

#[test]
fn a_change_set_is_all_or_nothing() {
    let mut lab = lab();
    let set = |name: &str| {
        let one = |id: u8, name: &str| {
            let request = part("POST", "/leads", &json!({ "subject": name }));
            format!(
                "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n{request}\r\n"
            )
        };
        let head = "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n";
        format!("{head}{}{}--c--\r\n\r\n--b--\r\n", one(1, "A"), one(2, name))
    };
    let headers = [("content-type", "multipart/mixed;boundary=b")];
    let both = lab.ask("POST", "/$batch", &headers, &set("B"));
    assert_eq!((both.status, statuses(&both)), (200, vec![204, 204]));
    assert!(both.text.contains("Content-ID: 2\r\n"));
    let none = lab.ask("POST", "/$batch", &headers, &set(&"x".repeat(301)));
    assert_eq!((none.status, statuses(&none)), (400, vec![400]));
    assert_eq!(lab.environment.records().len(), 2);
}

#[test]
fn a_batch_with_other_line_ends_is_not_readable() {
    let mut lab = lab();
    let good = part("POST", "/leads", &json!({ "subject": "A" }));
    let whole = format!(
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{good}\r\n--b--\r\n"
    );
    let headers = [("content-type", "multipart/mixed;boundary=b")];
    let last_is_open = whole.trim_end().to_owned();
    for body in [whole.replace("\r\n", "\n"), last_is_open, whole.replace("--b--", "--b"), String::new()] {
        let seen = lab.ask("POST", "/$batch", &headers, &body);
        assert_eq!(seen.code(), (400, "0x80048d19"), "{body}");
        assert!(seen.text.contains("Stream was not readable"));
    }
    assert_eq!(lab.ask("POST", "/$batch", &headers, &whole).status, 200);
    assert_eq!(lab.ask("POST", "/$batch", &[], &whole).status, 415);
}

#[test]
fn many_at_once_are_all_or_nothing() {
    let mut lab = lab();
    let path = "/leads/Microsoft.Dynamics.CRM.CreateMultiple";
    let target = |name: &str| json!({ "@odata.type": "Microsoft.Dynamics.CRM.lead", "subject": name });
    let good = lab.write("POST", path, &[], &json!({ "Targets": [target("A"), target("B")] }));
    assert_eq!(good.body["Ids"].as_array().unwrap().len(), 2);
    let bad = json!({ "Targets": [target("C"), target(&"x".repeat(301))] });
    lab.check_refused("POST", path, &bad, (400, "0x80044331"));
    assert_eq!(lab.environment.records().len(), 2);
}

#[test]
fn service_protection_counts_the_requests_within_batches() {
    let mut lab = Lab::new(Options { requests_max: Some(3), ..Options::new("s") });
    let parts = [(); 5].map(|()| part("POST", "/leads", &json!({ "subject": "A" })));
    let seen = lab.batch("odata.continue-on-error", &parts);
    assert_eq!(statuses(&seen), [204, 204, 204, 429, 429]);
    assert!(seen.text.contains("0x80072322") && seen.text.contains("retry-after: 301"));
    lab.now = 200_000;
    let refused = lab.ask("GET", "/WhoAmI", &[], "");
    assert_eq!(
        (refused.code(), &refused.headers["retry-after"]),
        ((429, "0x80072322"), &HeaderValue::from(101))
    );
    lab.now = 300_000;
    assert_eq!(lab.ask("GET", "/WhoAmI", &[], "").status, 200);
}

#[test]
fn leads_are_listed_since_a_moment() {
    let mut lab = lab();
    for number in 0..3 {
        lab.now = number * 1000;
        lab.write("POST", "/leads", &[], &json!({ "subject": number.to_string() }));
    }
    let seen =
        lab.ask("GET", "/leads?$select=subject&$filter=modifiedon%20ge%201970-01-01T00:00:01Z", &[], "");
    let subjects: Vec<&str> =
        seen.body["value"].as_array().unwrap().iter().map(|it| it["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["1", "2"]);
}
