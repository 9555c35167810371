//! The program as a process of its own.

use leadwire_core::secret::Secret;
use leadwire_testkit::engine;
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

/// Runs the program on the store of a data folder, and gives how it ended with what it said.
pub(crate) fn run_on(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    run(folder, words, engine::database(folder))
}

/// As [`run_on`], for what is of files, and for folders without a store.
pub(crate) fn run_on_file(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    run(folder, words, None)
}

fn run(folder: &Path, words: &[&str], database: Option<Secret<String>>) -> (Option<i32>, String) {
    let mut command = Command::new(path());
    command.args(words).arg("--data").arg(folder).env_clear();
    if let Some(database) = database {
        command.env("LEADWIRE_DATABASE", database.expose());
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}
