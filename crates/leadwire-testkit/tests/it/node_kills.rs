//! The short form of `scripts/nodes`: three nodes under load on a database server of their own, each kind of fault once.

use crate::program;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn three_nodes_lose_and_double_nothing_whatever_happens_to_them_and_their_server() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let output = Command::new(scripts.join("postgres"))
        .arg(env!("CARGO_BIN_EXE_faults"))
        .args(["nodes", "--count", "6", "--program"])
        .arg(program::path())
        .arg("--folder")
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{said}");
    let report: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(report["faults"].as_object().unwrap().len(), 6, "{report}");
    for figure in ["lost", "doubled", "stuck", "not_arrived", "arrived_unsent"] {
        assert_eq!(report[figure], 0, "{report}");
    }
    assert_eq!(report["control_lost"], 1);
}
