//! `leadwire migrate` with the whole program: what was pending is delivered from the other engine, and a move that was killed
//! goes on.

use crate::program;
use http::Method;
use leadwire_core::secret::Secret;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::engine;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const PAUSE: &str = "/v1/destinations/crm/pause?publisher=contoso";
const RESUME: &str = "/v1/destinations/crm/resume?publisher=contoso";

/// An address in a file, as a person would write it.
fn file_of(folder: &Path, address: &Secret<String>) -> String {
    let file = folder.join("address.txt");
    std::fs::write(&file, address.expose()).unwrap();
    format!("@{}", file.display())
}

fn migrate(from: &str, to: &str) -> Command {
    let mut command = Command::new(program::path());
    command.args(["migrate", "--from", from, "--to", to]).env_clear();
    command
}

#[track_caller]
fn went_well(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

async fn on_file(folder: Arc<TempDir>, clock: &Arc<TestClock>) -> TestApp {
    TestApp::start_in(folder, Arc::clone(clock), |it| it.database = None).await
}

/// A table that nobody writes to, until dropped.
struct Held {
    holder: Child,
    database: String,
}

/// Keeps everybody from writing to a table; it can be read.
fn hold_table(at: &Secret<String>, table: &str) -> Held {
    let holder = Command::new("psql")
        .args(["--quiet", "--tuples-only", "--no-align", at.expose()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut holder = holder.unwrap();
    let words = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT 'held';\n");
    holder.stdin.as_mut().unwrap().write_all(words.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "held");
    Held { holder, database: at.expose().clone() }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever died while it waited is still waiting, as far as the server knows.
        let end = "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'leadwire'";
        let ended = Command::new("psql").args([&self.database, "-c", end]).stdout(Stdio::null()).status();
        assert!(ended.is_ok_and(|it| it.success()), "the dead cannot be ended");
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

#[tokio::test]
async fn what_was_pending_is_delivered_from_the_other_engine_and_back_again() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let app = on_file(Arc::clone(&folder), &clock).await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&clock, None).await;
    let settings = json!({ "url": endpoint.url(), "auth": "bearer", "token": "hunter2" });
    app.add_destination("crm", settings).await;
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    app.call(Method::POST, PAUSE, None).await.expect(200);
    app.send_lead("grace@example.com").await;
    app.stop().await;

    let server = tempfile::tempdir().unwrap();
    let address = engine::empty_on_server(server.path());
    let (here, there) = (folder.path().display().to_string(), file_of(server.path(), &address));
    let told = went_well(&migrate(&here, &there).arg("--json").output().unwrap());
    let count = |table: &str| {
        let all = told["tables"].as_array().unwrap();
        all.iter().find(|it| it["table"] == table).unwrap()["rows"].clone()
    };
    assert_eq!((count("touchpoint"), count("delivery")), (json!(2), json!(2)), "{told}");

    let database = address.clone();
    let app =
        TestApp::start_in(Arc::clone(&folder), Arc::clone(&clock), |it| it.database = Some(database)).await;
    assert_eq!(endpoint.accepted(), 1);
    app.call(Method::POST, RESUME, None).await.expect(200);
    app.wait_until_settled().await;
    assert_eq!(endpoint.accepted(), 2, "with the credentials that `secret.key` opens");
    app.call(Method::POST, PAUSE, None).await.expect(200);
    app.send_lead("alan@example.com").await;
    // What was accepted on one engine is known as a repetition on the other; the audit log goes on as one chain.
    app.stop().await;

    let last = Arc::new(tempfile::tempdir().unwrap());
    let back = last.path().display().to_string();
    went_well(&migrate(&there, &back).output().unwrap());
    std::fs::copy(folder.path().join("secret.key"), last.path().join("secret.key")).unwrap();
    let app = on_file(last, &clock).await;
    app.call(Method::POST, RESUME, None).await.expect(200);
    let ledger = app.wait_until_settled().await;
    assert_eq!((endpoint.accepted(), &ledger["touchpoints"]), (3, &json!(3)), "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn a_move_that_is_killed_in_the_middle_goes_on_and_no_service_starts_before() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let app = on_file(Arc::clone(&folder), &clock).await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    app.stop().await;
    let server = tempfile::tempdir().unwrap();
    let address = engine::empty_on_server(server.path());
    let (here, there) = (folder.path().display().to_string(), file_of(server.path(), &address));
    // Its schema, so that a table is there to stand in the way.
    drop(engine::open(&address).await.unwrap());

    // The move comes as far as this table, and no further.
    let barrier = hold_table(&address, "touchpoint");
    let mut running = migrate(&here, &there).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let said = lines.map(Result::unwrap).find(|it| it.contains("copying touchpoint"));
    assert!(said.is_some(), "it ended before");
    running.kill().unwrap();
    running.wait().unwrap();
    drop(barrier);

    let half = engine::open(&address).await.err().unwrap().to_string();
    assert!(half.contains("leadwire migrate") && half.contains(&here), "{half}");
    let told = went_well(&migrate(&here, &there).arg("--json").output().unwrap());
    assert_eq!(told["went_on"], true, "{told}");
    let app = TestApp::start_in(folder, clock, |it| it.database = Some(address)).await;
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["touchpoints"], 1);
    app.stop().await;
}

#[tokio::test]
async fn a_store_that_a_service_works_on_is_not_moved() {
    let (folder, clock) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(TestClock::default()));
    let address = engine::on_server(folder.path());
    let database = address.clone();
    let app = TestApp::start_in(Arc::clone(&folder), clock, |it| it.database = Some(database)).await;
    let target = tempfile::tempdir().unwrap();
    let from = file_of(target.path(), &address);
    let refused = migrate(&from, &target.path().join("new").display().to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("works on") && said.contains("stop"), "{said}");
    app.stop().await;
}
