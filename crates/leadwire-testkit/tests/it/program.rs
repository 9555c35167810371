//! The program as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program is: beside the folder of the tests' own program.
pub(crate) fn path() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("leadwire");
    assert!(
        program.exists(),
        "{} is missing: run scripts/test, which builds it, or `cargo build -p leadwire` before this test",
        program.display()
    );
    program
}

/// Runs the program on a data folder, and gives how it ended with what it said.
pub(crate) fn run_on(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(path()).args(words).arg("--data").arg(folder).env_clear().output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}
