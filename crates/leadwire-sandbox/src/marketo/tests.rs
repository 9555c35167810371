//! The simulated instance refuses what the real one would, in its words.

use super::*;

const HOUR: i64 = 3_600_000;
/// 2026-11-20T10:00:00Z.
const NOW: i64 = 1_795_168_800_000;

fn bare(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Call {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.iter().map(|it| (it.0.parse().unwrap(), it.1.parse().unwrap())).collect(),
        body: body.to_owned().into(),
    }
}

fn identity(instance: &mut Marketo, secret: &str, now: i64) -> (u16, Value) {
    let id = instance.options.client_id.clone();
    let path =
        format!("/identity/oauth/token?grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let reply = instance.answer(&bare(Method::GET, &path, &[], ""), now);
    (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
}

fn instance(options: Options) -> (Marketo, String) {
    let mut instance = Marketo::new(options);
    let token = identity(&mut instance, "s", NOW).1["access_token"].as_str().unwrap().to_owned();
    (instance, token)
}

fn plain() -> (Marketo, String) {
    instance(Options::new("s"))
}

fn call(method: Method, path: &str, token: &str, body: &Value) -> Call {
    let bearer = format!("Bearer {token}");
    bare(method, path, &[("authorization", &bearer), ("content-type", "application/json")], &body.to_string())
}

fn post((instance, token): &mut (Marketo, String), path: &str, body: &Value) -> Value {
    let reply = instance.answer(&call(Method::POST, path, token, body), NOW);
    assert_eq!(reply.status, 200, "business errors come with success");
    serde_json::from_slice(&reply.body).unwrap()
}

const LEADS: &str = "/rest/v1/leads.json";
const SUBMIT: &str = "/rest/v1/leads/submitForm.json";

fn code(answer: &Value) -> &str {
    let whole = answer["errors"][0]["code"].as_str();
    whole.or_else(|| answer["result"][0]["reasons"][0]["code"].as_str()).unwrap_or("none")
}

fn sync(order: Value) -> Value {
    post(&mut plain(), LEADS, &order)
}

#[test]
fn a_token_is_the_same_until_it_ends_and_then_is_told_from_one_that_never_was() {
    let (mut instance, token) = plain();
    let look = |instance: &mut Marketo, token: &str, now| {
        let call = call(Method::GET, "/rest/v1/leads/describe2.json", token, &json!(null));
        let reply = instance.answer(&call, now);
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        code(&answer).to_owned()
    };
    let (status, again) = identity(&mut instance, "s", NOW + HOUR - 500);
    assert_eq!((status, &again["access_token"], &again["expires_in"]), (200, &json!(token), &json!(0)));
    assert_eq!(look(&mut instance, &token, NOW + HOUR - 1), "none");
    assert_eq!(look(&mut instance, &token, NOW + HOUR), "602");
    assert_eq!(look(&mut instance, "never", NOW), "601");
    let (_, next) = identity(&mut instance, "s", NOW + HOUR);
    assert!(next["access_token"] != json!(token) && next["expires_in"] == 3600);
    let (status, bad) = identity(&mut instance, "wrong", NOW);
    assert_eq!((status, &bad["error"]), (401, &json!("invalid_client")));
    let in_query = bare(Method::GET, &format!("{LEADS}?access_token={token}"), &[], "");
    let answer: Value = serde_json::from_slice(&instance.answer(&in_query, NOW).body).unwrap();
    assert_eq!(code(&answer), "600", "the query is no place for a token any more");
}

#[test]
fn actions_do_what_they_are_called() {
    let mut both = plain();
    let mut act = |action: &str, email: &str| {
        let answer = post(
            &mut both,
            LEADS,
            &json!({ "action": action, "input": [{ "email": email, "firstName": action }] }),
        );
        let one = &answer["result"][0];
        one["reasons"][0]["code"].as_str().or_else(|| one["status"].as_str()).unwrap().to_owned()
    };
    assert_eq!(act("updateOnly", "a@x.org"), "1004");
    assert_eq!(act("createOnly", "a@x.org"), "created");
    assert_eq!(act("createOnly", "A@X.org"), "1005");
    assert_eq!(act("updateOnly", "a@x.org"), "updated");
    assert_eq!(act("createOrUpdate", "a@x.org"), "updated");
    assert_eq!(act("createDuplicate", "a@x.org"), "created");
    assert_eq!(act("createOrUpdate", "a@x.org"), "1007");
    let records = both.0.records();
    assert_eq!((records.len(), &records[0]["fields"]["firstName"]), (2, &json!("createOrUpdate")));
}

#[test]
fn what_the_real_instance_refuses_of_a_record_is_refused() {
    for (record, expected) in [
        (json!({ "email": "a@x.org", "foo": 1 }), "1006"),
        (json!({ "email": "a@x.org", "unsubscribed": "yes" }), "1001"),
        (json!({ "email": "a@x.org", "leadScore": "5" }), "1001"),
        (json!({ "email": "a@x.org", "leadScore": 1.5 }), "1001"),
        (json!({ "email": "a@x.org", "title": 5 }), "1001"),
        (json!({ "email": "a@x.org", "title": "x".repeat(256) }), "1003"),
        (json!({ "email": "a@x.org", "createdAt": "2026-11-20" }), "1003"),
        (json!({ "email": "ádám@x.org" }), "1003"),
        (json!({ "email": "nobody" }), "1003"),
        (json!({ "email": null }), "1002"),
        (json!({ "firstName": "Ada" }), "1002"),
        (json!(5), "1003"),
        (json!({ "email": "a@x.org", "title": null }), "none"),
    ] {
        let answer = sync(json!({ "input": [record] }));
        assert_eq!((code(&answer), &answer["success"]), (expected, &json!(true)), "{answer}");
    }
    let twice = json!({ "input": [{ "email": "a@x.org" }, { "email": "A@x.org" }, { "email": "b@x.org" }] });
    let answer = sync(twice);
    assert_eq!((code(&answer), &answer["result"][2]["status"]), ("1036", &json!("created")));
}

#[test]
fn what_the_real_instance_refuses_of_a_call_is_refused() {
    let one = json!([{ "email": "a@x.org" }]);
    for (order, expected) in [
        (json!({ "action": "upsert", "input": one }), "1003"),
        (json!({ "lookupField": "title", "input": one }), "1011"),
        (json!({ "lookupField": "id", "input": one }), "1011"),
        (json!({ "partitionName": "Nowhere", "input": one }), "1008"),
        (json!({ "action": "updateOnly", "partitionName": "Default", "input": one }), "1003"),
        (json!({ "input": [] }), "701"),
        (json!({}), "701"),
        (json!([]), "609"),
    ] {
        let answer = sync(order.clone());
        assert_eq!((code(&answer), &answer["success"]), (expected, &json!(false)), "{order}");
    }
    let (mut it, token) = plain();
    let mut answer = |call: &Call| {
        let reply = it.answer(call, NOW);
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        (reply.status.as_u16(), code(&json).to_owned())
    };
    let many: Vec<Value> = (0..301).map(|it| json!({ "email": format!("a{it}@x.org") })).collect();
    assert_eq!(answer(&call(Method::POST, LEADS, &token, &json!({ "input": many }))).0, 413);
    let large = json!({ "input": [{ "email": "a@x.org", "title": "x".repeat(1_048_576) }] });
    assert_eq!(answer(&call(Method::POST, LEADS, &token, &large)).0, 413);
    let long = format!("{LEADS}?filterType=email&filterValues={}", "a".repeat(8 * 1024));
    assert_eq!(answer(&call(Method::GET, &long, &token, &json!(null))).0, 414);
    for (method, path, expected) in [
        (Method::PUT, LEADS, "605"),
        (Method::GET, SUBMIT, "605"),
        (Method::GET, "/rest/v1//leads.json", "610"),
        (Method::GET, "/rest/v1/nothing.json", "610"),
        (Method::GET, "/rest/v1/leads.json?filterType=title&filterValues=x", "1011"),
        (Method::GET, "/rest/v1/leads.json", "1003"),
        (Method::GET, "/rest/v1/lead/7.json", "1004"),
    ] {
        assert_eq!(answer(&call(method, path, &token, &json!(null))), (200, expected.to_owned()), "{path}");
    }
    let mut text = call(Method::POST, LEADS, &token, &json!({ "input": one }));
    text.headers.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(answer(&text), (200, "612".to_owned()));
}

#[test]
fn a_role_that_may_only_read_reads() {
    let mut both = instance(Options { may_write: false, ..Options::new("s") });
    assert_eq!(code(&post(&mut both, LEADS, &json!({ "input": [{ "email": "a@x.org" }] }))), "603");
    let look = call(Method::GET, "/rest/v1/leads/describe2.json", &both.1, &json!(null));
    let answer: Value = serde_json::from_slice(&both.0.answer(&look, NOW).body).unwrap();
    assert_eq!(answer["result"][0]["searchableFields"], json!([["id"], ["email"]]));
}

#[test]
fn partitions_are_asked_for_and_kept_apart() {
    let partitions = vec!["Default".to_owned(), "Europe".to_owned()];
    let mut both = instance(Options { partitions, ..Options::new("s") });
    let mut order = json!({ "input": [{ "email": "a@x.org" }] });
    assert_eq!(code(&post(&mut both, LEADS, &order)), "1009");
    order["partitionName"] = json!("Europe");
    assert_eq!(post(&mut both, LEADS, &order)["result"][0]["status"], "created");
    order["partitionName"] = json!("Default");
    assert_eq!(code(&post(&mut both, LEADS, &order)), "1010");
}

#[test]
fn a_company_is_changed_as_the_options_say() {
    let order = json!({ "input": [{ "email": "a@x.org", "company": "X" }] });
    for (company_updates, expected) in [(CompanyUpdates::Refused, "1021"), (CompanyUpdates::Ignored, "none")]
    {
        let mut both = instance(Options { company_updates, ..Options::new("s") });
        assert_eq!(code(&post(&mut both, LEADS, &order)), "none", "it may be made with one");
        assert_eq!(code(&post(&mut both, LEADS, &order)), expected);
    }
}

#[test]
fn two_upserts_of_a_new_key_race_where_that_is_switched_on() {
    for (race_millis, count) in [(0, 1), (1000, 2)] {
        let mut both = instance(Options { race_millis, ..Options::new("s") });
        let order = json!({ "input": [{ "email": "a@x.org" }] });
        post(&mut both, LEADS, &order);
        post(&mut both, LEADS, &order);
        assert_eq!(both.0.records().len(), count);
    }
}

#[test]
fn limits_are_those_of_the_documents() {
    let look = |both: &mut (Marketo, String), now| {
        let call = call(Method::GET, "/rest/v1/leads/partitions.json", &both.1, &json!(null));
        let answer: Value = serde_json::from_slice(&both.0.answer(&call, now).body).unwrap();
        code(&answer).to_owned()
    };
    let mut rate = plain();
    for at in 0..100 {
        assert_eq!(look(&mut rate, NOW + at), "none");
    }
    assert_eq!(look(&mut rate, NOW + 19_999), "606");
    assert_eq!(look(&mut rate, NOW + 20_000), "none");
    let mut daily = instance(Options { daily_max: Some(1), ..Options::new("s") });
    assert_eq!(look(&mut daily, NOW), "none");
    assert_eq!(look(&mut daily, NOW + HOUR / 2), "607");
    let midnight = NOW + 20 * HOUR;
    daily.1 = identity(&mut daily.0, "s", midnight - 1).1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(look(&mut daily, midnight - 1), "607");
    assert_eq!(look(&mut daily, midnight), "none");
    let mut crowd = instance(Options { call_millis: 500, ..Options::new("s") });
    for _ in 0..10 {
        assert_eq!(look(&mut crowd, NOW), "none");
    }
    assert_eq!(look(&mut crowd, NOW + 499), "615");
    assert_eq!(look(&mut crowd, NOW + 500), "none");
}

#[test]
fn a_submission_is_one_and_all_of_it_is_on_the_form() {
    let submit = |body: &Value| post(&mut plain(), SUBMIT, body);
    let of = |fields: Value| json!({ "formId": 1179, "input": [{ "leadFormFields": fields }] });
    assert_eq!(submit(&of(json!({ "email": "a@x.org", "title": "CTO" })))["result"][0]["status"], "created");
    assert_eq!(code(&submit(&of(json!({ "email": "a@x.org", "title": null })))), "1003");
    assert_eq!(code(&submit(&of(json!({ "email": "a@x.org", "city": "X" })))), "1006");
    assert_eq!(code(&submit(&of(json!({ "title": "CTO" })))), "1002");
    assert_eq!(code(&submit(&json!({ "formId": 5, "input": [] }))), "1013");
    let one = json!({ "leadFormFields": { "email": "a@x.org" } });
    assert_eq!(code(&submit(&json!({ "formId": 1179, "input": [one, one] }))), "1003");
    let mut bad_ip = json!({ "formId": 1179, "input": [one] });
    bad_ip["input"][0]["visitorData"] = json!({ "leadClientIpAddress": "::1" });
    assert_eq!(code(&submit(&bad_ip)), "1003");
    let mut both = plain();
    both.0.add_person(&json!({ "email": "a@x.org" }), 1);
    both.0.add_person(&json!({ "email": "a@x.org" }), 2);
    let answer = post(&mut both, SUBMIT, &of(json!({ "email": "a@x.org" })));
    assert_eq!(answer["result"][0], json!({ "id": 101, "status": "updated" }), "of several the latest");
}

#[test]
fn a_classic_post_takes_the_names_of_the_form_and_thirty_a_minute() {
    let (mut it, _) = plain();
    let mut post = |path: &str, body: &str, now| {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        it.answer(&bare(Method::POST, path, &kind, body), now).status.as_u16()
    };
    let save = "/index.php/leadCapture/save2";
    let good = "munchkinId=123-PQR-789&formid=1179&formVid=1179&Email=a%40x.org&FirstName=Ada";
    assert_eq!(post(save, good, NOW), 200);
    assert_eq!(post("/index.php/leadCapture/save", good, NOW), 302);
    assert_eq!(post(save, "munchkinId=123-PQR-789&formid=5&Email=a%40x.org", NOW), 400);
    assert_eq!(post(save, "munchkinId=123-PQR-789&formid=1179&email=a%40x.org", NOW), 400);
    for _ in 4..30 {
        assert_eq!(post(save, good, NOW), 200);
    }
    assert_eq!(post(save, good, NOW + 59_999), 429);
    assert_eq!(post(save, good, NOW + 60_000), 200);
    assert_eq!(it.records().len(), 1);
}
