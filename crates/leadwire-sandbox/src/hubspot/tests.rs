//! The simulated account refuses what the real one would, in its words.

use super::*;

const TOKEN: &str = "pat-1";

fn account() -> HubSpot {
    HubSpot::new(Options::new(TOKEN))
}

fn call(method: Method, path: &str, body: &Value) -> Call {
    let headers = [("authorization", "Bearer pat-1"), ("content-type", "application/json")];
    Call {
        method,
        path: path.to_owned(),
        query: String::new(),
        headers: headers.into_iter().map(|it| (it.0.parse().unwrap(), it.1.parse().unwrap())).collect(),
        body: body.to_string().into(),
    }
}

fn post(account: &mut HubSpot, path: &str, body: &Value) -> (u16, Value) {
    let reply = account.answer(&call(Method::POST, path, body), 0);
    (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap_or_default())
}

fn input(number: u32, properties: &Value) -> Value {
    json!({ "id": properties["email"], "idProperty": "email", "objectWriteTraceId": format!("t{number}"), "properties": properties })
}

const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

#[test]
fn results_come_in_another_order_and_both_spellings_of_the_version_mean_the_same() {
    let inputs = json!({ "inputs": [input(1, &json!({ "email": "a@x.org" })), input(2, &json!({ "email": "b@x.org" }))] });
    for path in [UPSERT, "/crm/objects/2026-09/contacts/batch/upsert"] {
        let (status, answer) = post(&mut account(), path, &inputs);
        assert_eq!(status, 200);
        let order: Vec<&str> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["objectWriteTraceId"].as_str())
            .collect();
        assert_eq!(order, ["t2", "t1"]);
        assert_eq!(answer["results"][0]["new"], true);
    }
}

#[test]
fn one_bad_input_fails_alone_with_trace_ids_and_takes_the_batch_along_without() {
    let good = json!({ "email": "a@x.org" });
    let bad = json!({ "email": "nobody" });
    let mut traced = account();
    let (status, answer) = post(&mut traced, UPSERT, &json!({ "inputs": [input(1, &good), input(2, &bad)] }));
    assert_eq!((status, traced.records().len()), (207, 1));
    assert_eq!(answer["errors"][0]["context"]["objectWriteTraceId"][0], "t2");
    let mut inputs = [input(1, &good), input(2, &bad)];
    inputs.iter_mut().for_each(|it| drop(it.as_object_mut().unwrap().remove("objectWriteTraceId")));
    let mut untraced = account();
    let (status, _) = post(&mut untraced, UPSERT, &json!({ "inputs": inputs }));
    assert_eq!((status, untraced.records().len()), (400, 0));
}

#[test]
fn what_the_real_account_refuses_is_refused() {
    let one = |properties: Value| {
        post(&mut account(), "/crm/v3/objects/contacts", &json!({ "properties": properties }))
    };
    assert_eq!(one(json!({ "email": "a@x.org", "foo": "1" })).0, 400);
    assert_eq!(one(json!({ "email": 5 })).0, 400);
    assert_eq!(one(json!({ "company": "x" })).0, 400);
    assert_eq!(one(json!({ "email": "a@x.org", "hs_lead_status": "COLD" })).0, 400);
    let twice = json!({ "inputs": [input(1, &json!({ "email": "a@x.org" })), input(2, &json!({ "email": "A@x.org" }))] });
    let (status, answer) = post(&mut account(), UPSERT, &twice);
    assert!(status == 400 && answer["message"].as_str().unwrap().starts_with("Duplicate IDs"), "{answer}");
    let many: Vec<Value> =
        (0..101).map(|it| input(it, &json!({ "email": format!("a{it}@x.org") }))).collect();
    assert_eq!(post(&mut account(), UPSERT, &json!({ "inputs": many })).0, 400);
    let by_name = json!({ "inputs": [{ "id": "Ada", "idProperty": "firstname", "objectWriteTraceId": "t", "properties": { "firstname": "Ada" } }] });
    assert!(post(&mut account(), UPSERT, &by_name).1.to_string().contains("non-unique"));
    let mut other = call(Method::GET, "/crm/v3/objects/contacts", &json!(null));
    other.headers.insert("authorization", "Bearer pat-2".parse().unwrap());
    assert_eq!(account().answer(&other, 0).status, 401);
}

#[test]
fn an_address_is_one_contact_and_a_second_is_told_whose_it_is() {
    let mut account = account();
    let body = json!({ "properties": { "email": "a@x.org" } });
    let (_, made) = post(&mut account, "/crm/v3/objects/contacts", &body);
    let (status, conflict) = post(&mut account, "/crm/v3/objects/contacts", &body);
    let told = format!("Contact already exists. Existing ID: {}", made["id"].as_str().unwrap());
    assert_eq!((status, conflict["message"].as_str().unwrap()), (409, told.as_str()));
}

#[test]
fn a_hundred_calls_fit_in_ten_seconds_and_no_more() {
    let mut account = account();
    let look = call(Method::GET, "/crm/v3/objects/contacts", &json!(null));
    for at in 0..100 {
        assert_eq!(account.answer(&look, at).status, 200);
    }
    let refused = account.answer(&look, 9_999);
    assert_eq!(refused.status, 429);
    assert!(String::from_utf8_lossy(&refused.body).contains("TEN_SECONDLY_ROLLING"));
    assert_eq!(account.answer(&look, 10_000).status, 200);
}
