//! The simulated Marketo instance, driven by a client library that nobody here wrote.

use leadwire_sandbox::marketo::{Marketo, Options};
use leadwire_sandbox::service;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::test]
async fn an_independent_client_works_with_the_simulated_instance() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { import_millis: 0, ..Options::new("s3cr3t") };
    let client_id = options.client_id.clone();
    let serving = service::Options::new(Arc::new(|| 1_795_168_800_000));
    let sandbox = service::start(listener, Box::new(Marketo::new(options)), serving).unwrap();
    let input = json!({ "url": sandbox.url(), "client_id": client_id, "client_secret": "s3cr3t" });
    let seen = ask(Language::Python, "marketo.py", &input).await;
    let skipped = |code: &str, message: &str| json!({ "status": "skipped", "reasons": [{ "code": code, "message": message }] });
    assert_eq!(seen["stranger"]["text"], "Bad client credentials");
    assert_eq!(seen["expires_in"], 3600);
    assert_eq!(seen["searchable"], json!([["id"], ["email"]]));
    assert_eq!(seen["email"][0]["dataType"], "email");
    let made = json!([{ "id": 100, "status": "created" }, skipped("1006", "Field 'colour' not found")]);
    assert_eq!(seen["made"], made);
    assert_eq!(seen["again"], json!([skipped("1005", "Lead already exists")]));
    assert_eq!(seen["updated"], json!([{ "id": 100, "status": "updated" }]));
    assert_eq!(seen["pushed"], seen["updated"]);
    assert_eq!(seen["nowhere"]["code"], "1013");
    assert_eq!(seen["submitted"], json!([{ "id": 101, "status": "created" }]));
    assert_eq!(seen["form_fields"][0], "Email");
    let found = json!([
        { "id": 100, "email": "ada@example.com", "title": "Countess", "lastName": null },
        { "id": 101, "email": "grace@example.com", "title": null, "lastName": "Hopper" },
    ]);
    assert_eq!(seen["found"], found, "both pages");
    assert_eq!(seen["by_id"][0]["email"], "ada@example.com");
    assert_eq!(seen["many"]["code"], "1011");
    assert_eq!(seen["partitions"], json!(["Default"]));
    assert_eq!(seen["imported"][0]["status"], "Queued");
    let state = &seen["import_state"][0];
    assert_eq!((&state["status"], &state["numOfLeadsProcessed"]), (&json!("Complete"), &json!(1)), "{state}");
    assert_eq!(state["numOfRowsFailed"], 1);
    let failures = seen["import_failures"].as_str().unwrap();
    assert!(
        failures.contains("Import Failure Reason") && failures.contains("nobody@example.com"),
        "{failures}"
    );
    assert!(!failures.contains("alan@example.com"), "{failures}");
    assert_eq!(seen["import_warnings"].as_str().unwrap().trim().lines().count(), 1);
    assert_eq!(seen["alan"][0]["firstName"], "Alan \"M\" Turing");
    assert_eq!(seen["unknown_import"]["code"], "1013");
    assert!(seen["usage"].as_u64().is_some_and(|it| it > 10), "{seen}");
    assert_eq!(seen["deleted"][0], json!({ "id": 100, "status": "deleted" }));
    assert_eq!(seen["deleted"][1]["status"], "skipped");
    assert_eq!(seen["after"], Value::Array(Vec::new()));
}
