//! `leadwire import` as a process: tables of earlier leads come in once, whatever interrupts it and however often it runs.

use crate::program;
use leadwire_testkit::app::{TestApp, start_endpoint};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tokio::process::Command;

/// Runs the program against this service; gives its exit code and what it printed.
async fn import(app: &TestApp, file: &Path, more: &[&str]) -> (i32, Value) {
    let output = Command::new(program::path())
        .args(["import", "--json", "--quiet", "--to", "contoso.crm-pro", "--url", &app.url("")])
        .args(more)
        .arg(file)
        .env_clear()
        .env("LEADWIRE_KEY", app.key.expose())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(&printed).unwrap_or(Value::Null))
}

fn table(rows: std::ops::Range<usize>) -> String {
    let mut text = "E-mail;Vorname;Created Time\n".to_owned();
    for row in rows {
        writeln!(text, "customer-{row}@example.com;Ada;2024-03-01T10:00:{:02}Z", row % 60).unwrap();
    }
    text
}

/// A table with a row behind it that is not text.
fn broken(table: String) -> Vec<u8> {
    [table.as_bytes(), b"\xff;;\n"].concat()
}

async fn stored(app: &TestApp) -> u64 {
    app.ledger().await["touchpoints"].as_u64().unwrap()
}

#[tokio::test]
async fn an_interrupted_import_goes_on_where_it_was_and_doubles_nothing() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    // The table cannot be read on in its third batch of two hundred.
    std::fs::write(&file, broken(table(0..450))).unwrap();
    let (code, printed) = import(&app, &file, &[]).await;
    assert_eq!((code, &printed["accepted"], stored(&app).await), (1, &json!(400), 400), "{printed}");
    let bookmark = folder.path().join("leads.csv.leadwire-bookmark");
    assert!(bookmark.exists());
    // Mended behind the place where it stopped, it goes on there.
    std::fs::write(&file, table(0..500)).unwrap();
    let (code, printed) = import(&app, &file, &[]).await;
    let told = (&printed["before"], &printed["accepted"], &printed["duplicates"]);
    assert_eq!((code, told), (0, (&json!(400), &json!(100), &json!(0))), "{printed}");
    assert!(!bookmark.exists() && stored(&app).await == 500);
    // Lengthened at its start it is another file, and every lead of it is recognised.
    std::fs::write(
        &file,
        table(0..1) + &table(0..500)[table(0..0).len()..] + &table(500..501)[table(0..0).len()..],
    )
    .unwrap();
    let (code, printed) = import(&app, &file, &[]).await;
    let told = (&printed["accepted"], &printed["duplicates"]);
    assert_eq!((code, told), (0, (&json!(1), &json!(501))), "{printed}");
    assert_eq!(stored(&app).await, 501);
    app.stop().await;
}

#[tokio::test]
async fn a_bookmark_of_another_file_is_no_reason_to_leave_leads_out() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, broken(table(0..250))).unwrap();
    assert_eq!(import(&app, &file, &[]).await.0, 1);
    std::fs::write(&file, table(1000..1300)).unwrap();
    let (code, printed) = import(&app, &file, &["--dry-run"]).await;
    assert_eq!((code, &printed["files"][0]["would_send"]), (0, &json!(300)), "{printed}");
    assert_eq!(stored(&app).await, 200, "a dry run brings nothing");
    let (code, printed) = import(&app, &file, &[]).await;
    assert_eq!((code, &printed["before"], &printed["accepted"]), (0, &json!(0), &json!(300)), "{printed}");
    app.stop().await;
}

#[tokio::test]
async fn imported_leads_are_routed_and_marked_and_nothing_follows_them_up() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let (crm, team) = (start_endpoint(&app.clock, None).await, start_endpoint(&app.clock, None).await);
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let carrier = json!({ "name": "team", "kind": "https", "settings": { "url": team.url() } });
    app.post("/v1/destinations?publisher=contoso", &carrier).await;
    let words = json!({ "en": { "subject": "New", "text": "A lead" } });
    let follow_up =
        json!({ "offer": "*", "step": "initial", "audience": "team", "destination": "team", "words": words });
    app.post("/v1/follow-ups?publisher=contoso", &follow_up).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, "email,action\nada@example.com,INS\nada@example.com,INS\n").unwrap();
    let (code, printed) = import(&app, &file, &[]).await;
    // What stands twice in a file is one action of the customer.
    assert_eq!((code, &printed["accepted"], &printed["duplicates"]), (0, &json!(1), &json!(1)), "{printed}");
    app.wait_until_settled().await;
    assert_eq!((crm.received().len(), team.received().len()), (1, 0));
    let leads = app.get("/v1/leads?publisher=contoso").await;
    let lead = leads["items"][0]["id"].as_str().unwrap();
    let shown = app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await;
    assert_eq!(shown["timeline"][0]["channel"], "file", "{shown}");
    // The customer acts now: that is a step they reached before.
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    assert_eq!((crm.received().len(), team.received().len()), (2, 0));
    let bad = app.call(http::Method::POST, "/v1/leads?import=maybe", Some(&json!({}))).await.expect(400);
    assert_eq!(bad["code"], "bad_import");
    app.stop().await;
}

#[tokio::test]
async fn old_data_of_an_erased_person_is_told_apart_from_what_was_brought_in() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, "email,action\nada@example.com,INS\n").unwrap();
    assert_eq!(import(&app, &file, &[]).await.1["accepted"], 1);
    let wish = json!({ "email": "ada@example.com", "reason": "asked by mail", "by": "Bob" });
    app.post("/v1/erasures?publisher=contoso", &wish).await;
    std::fs::write(&file, "email,action\nada@example.com,PLT\nbob@example.com,PLT\n").unwrap();
    let (code, printed) = import(&app, &file, &[]).await;
    let told = (&printed["accepted"], &printed["erased"], &printed["duplicates"]);
    assert_eq!((code, told), (0, (&json!(1), &json!(1), &json!(0))), "{printed}");
    app.stop().await;
}
