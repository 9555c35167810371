//! Short forms of `scripts/bulk-kills`, `scripts/io-errors`, `scripts/kill-points`, `scripts/clock-jumps`, `scripts/outage`, `scripts/power-cuts`,
//! `scripts/odd-days` and `scripts/isolation`: all but the last on the real program, that one without a clock to race against.

use crate::program;
use leadwire_sandbox::https_endpoint::Answer;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use tokio::net::TcpSocket;

/// Runs a part of the harness; none when this machine lacks what it needs and the tests were asked to go on.
fn faults(part: &str, count: u32) -> Option<Value> {
    // Below target/, which is on a disk; a temporary folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_faults"))
        .args([part, "--count", &count.to_string(), "--program"])
        .arg(program::path())
        .arg("--folder")
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let said = str::from_utf8(&output.stdout).unwrap();
    let report: Value = said.lines().last().map_or(Value::Null, |it| serde_json::from_str(it).unwrap());
    if let Some(lacks) = report["lacks"].as_str() {
        assert!(
            may_go_on(),
            "{part} cannot run here: {lacks}\nTo leave such parts out: scripts/test --go-on-without"
        );
        // Not by a macro whose words are shown of failed tests only.
        let words = format!("LEFT OUT, as was asked: {part} cannot run here: {lacks}\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return None;
    }
    let log = std::fs::read_to_string(folder.path().join("program.log")).unwrap_or_default();
    assert!(output.status.success(), "{report}\n{told}\n{log}");
    Some(report)
}

#[expect(clippy::disallowed_methods, reason = "scripts/test says so by the environment")]
fn may_go_on() -> bool {
    std::env::var_os("LEADWIRE_GO_ON_WITHOUT").is_some()
}

#[test]
fn nothing_answered_is_lost_when_calls_on_the_data_folder_fail() {
    let Some(report) = faults("io-errors", 6) else { return };
    assert_eq!((&report["leads"]["lost"], &report["leads"]["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["control_lost"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn nothing_answered_is_lost_when_calls_on_the_way_of_a_lead_fail() {
    let Some(report) = faults("io-sweep", 6) else { return };
    assert_eq!((&report["leads"]["lost"], &report["leads"]["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["calls"]["pwrite64"].as_u64().unwrap() > 1, "{report}");
}

#[test]
fn nothing_answered_is_lost_by_kills_at_named_points() {
    let Some(report) = faults("kill-points", 5) else { return };
    assert_eq!((&report["moments"], &report["killed"]), (&json!(5), &json!(5)), "{report}");
    assert_eq!((&report["lost"], &report["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["control_lost"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn nothing_answered_is_lost_when_the_clock_is_set() {
    let Some(report) = faults("clock-jumps", 3) else { return };
    assert_eq!((&report["lost"], &report["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!((&report["clock_set"], &report["control_lost"]), (&json!(6), &json!(1)), "{report}");
}

#[test]
fn a_backlog_that_goes_as_bulk_jobs_arrives_once_whatever_is_killed() {
    let Some(report) = faults("bulk-kills", 1) else { return };
    assert_eq!((&report["missing"], &report["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!(
        (&report["calls_beyond_the_account"], &report["control_missing"]),
        (&json!(0), &json!(1)),
        "{report}"
    );
}

#[test]
fn what_waits_for_a_crm_that_is_down_is_brought_within_its_budget() {
    let Some(report) = faults("outage", 600) else { return };
    assert_eq!((&report["missing"], &report["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!((&report["out_of_order"], &report["answered_429"]), (&json!(0), &json!(0)), "{report}");
}

#[test]
fn nothing_answered_is_lost_when_the_power_goes() {
    let Some(report) = faults("power-cuts", 4) else { return };
    assert_eq!((&report["cuts"], &report["lost"], &report["doubled"]), (&json!(4), &json!(0), &json!(0)));
    assert!(report["acknowledged"].as_u64().unwrap() >= 4, "{report}");
    assert!(report["control_lost"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn nothing_answered_is_lost_by_full_and_read_only_disks_and_pauses() {
    let Some(report) = faults("odd-days", 1) else { return };
    assert_eq!((&report["lost"], &report["doubled"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!((&report["full_rounds"], &report["read_only_refused"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!((&report["pauses"], &report["control_lost"]), (&json!(1), &json!(1)), "{report}");
}

#[tokio::test]
async fn healthy_destinations_get_everything_beside_many_that_refuse_or_hang() {
    const DEAD: usize = 40;
    const HANGING: usize = 8;
    const HEALTHY: usize = 3;
    const LEADS: usize = 20;
    let app = TestApp::start().await;
    app.add_contoso().await;
    // Bound, so that nobody else gets the port, and not listening, so that the kernel refuses.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let closed_url = format!("http://{}/", closed.local_addr().unwrap());
    let (hangs, works) = (start_endpoint(&app.clock, None).await, start_endpoint(&app.clock, None).await);
    hangs.otherwise(Answer::Hang);
    for number in 0..DEAD + HANGING + HEALTHY {
        let url = match number {
            it if it < DEAD => closed_url.clone(),
            it if it < DEAD + HANGING => hangs.url(),
            _ => works.url(),
        };
        app.add_destination(&format!("crm-{number}"), json!({ "url": url })).await;
    }
    for number in 0..LEADS {
        app.send_lead(&format!("ada-{number}@example.com")).await;
    }
    let waited = tokio::time::timeout(PATIENCE, works.wait_for_accepted_distinct(LEADS * HEALTHY)).await;
    waited.unwrap_or_else(|_| panic!("only {} deliveries arrived", works.accepted_distinct()));
    let delivered = |it: &Value, at: usize| it["destinations"][at]["delivered"] == LEADS;
    let is_done = |it: &Value| (DEAD + HANGING..DEAD + HANGING + HEALTHY).all(|at| delivered(it, at));
    let ledger = app.wait_for("/v1/ledger?publisher=contoso", is_done).await;
    for at in 0..DEAD + HANGING {
        assert_eq!(ledger["destinations"][at]["pending"], LEADS, "{at}: {ledger}");
    }
    assert_eq!(ledger["adds_up"], true);
    hangs.otherwise(Answer::status(200));
    hangs.release();
    app.stop().await;
}
