//! The short form of `scripts/kill-cycles`: SIGKILL under load, restart, verify; as a process of its own.

use crate::program;
use serde_json::Value;
use std::process::Command;

#[test]
fn nothing_answered_is_lost_or_doubled_by_kills_under_load() {
    // Below target/, which is on a disk; a temporary folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kill_cycles"))
        .args(["--cycles", "5", "--program"])
        .arg(program::path())
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let log = std::fs::read_to_string(folder.path().join("program.log")).unwrap_or_default();
    assert!(output.status.success(), "{told}\n{log}");
    let report: Value =
        serde_json::from_str(str::from_utf8(&output.stdout).unwrap().lines().last().unwrap()).unwrap();
    assert_eq!((&report["cycles"], &report["lost"], &report["doubled"]), (&5.into(), &0.into(), &0.into()));
    assert!(report["acknowledged"].as_u64().unwrap() >= 5, "{report}");
}
