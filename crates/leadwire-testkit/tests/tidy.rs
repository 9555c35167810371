//! Holds the project to its architecture and style; each failure says what is wrong and what to do.
//!
//! The rules are functions in `leadwire_testkit::tidy`, each with a test that it can fail. Here are the walk over
//! the project and the tables of who may do what.

#![expect(clippy::unwrap_used, reason = "a test may panic, helpers of a test too")]

use leadwire_testkit::tidy::walls::{MayUse, Wall};
use leadwire_testkit::tidy::{paper, source, sql, walls};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may name whom inside the program. A missing pair is a decision, not an oversight: intake and deliver meet
/// only in the store, and nobody but the start knows everybody.
const MAY_USE: &MayUse = &[
    ("main", &["cli"]),
    ("lib", &[]),
    (
        "cli",
        &[
            "api",
            "app",
            "audit",
            "backups",
            "clock",
            "config",
            "follow_ups",
            "secrets",
            "server_clock",
            "telemetry",
            "vault",
        ],
    ),
    (
        "app",
        &[
            "accounts",
            "api",
            "audit",
            "backups",
            "clock",
            "config",
            "deliver",
            "directory",
            "disk",
            "erasure",
            "feedback",
            "flood",
            "housekeeping",
            "intake",
            "letters",
            "news",
            "nodes",
            "portal",
            "proof",
            "secrets",
            "suggest",
            "replay",
            "report",
            "same_key",
            "telemetry",
            "watch",
        ],
    ),
    ("same_key", &["config", "nodes", "vault"]),
    (
        "api",
        &[
            "access",
            "accounts",
            "app",
            "audit",
            "bodies",
            "clock",
            "directory",
            "erasure",
            "flood",
            "follow_ups",
            "intake",
            "letters",
            "merging",
            "proof",
            "report",
            "secrets",
            "vault",
        ],
    ),
    // It asks the API's endpoints from within, and knows nothing of what is behind them.
    ("portal", &["access", "accounts", "api", "app", "clock", "flood", "secrets"]),
    ("accounts", &["access", "clock", "secrets", "vault"]),
    ("letters", &["accounts", "clock", "directory", "secrets"]),
    ("intake", &["clock", "deliver", "directory", "secrets", "telemetry"]),
    ("merging", &["deliver", "intake"]),
    ("suggest", &["clock", "directory"]),
    ("deliver", &["bodies", "clock", "directory", "follow_ups", "nodes", "telemetry"]),
    ("news", &["clock", "deliver", "directory", "nodes"]),
    ("nodes", &["clock", "server_clock"]),
    ("server_clock", &["clock"]),
    ("directory", &["access", "clock", "follow_ups", "secrets", "vault"]),
    ("proof", &["directory"]),
    ("watch", &["clock", "directory", "disk", "telemetry"]),
    ("audit", &["clock", "directory", "telemetry", "vault"]),
    ("erasure", &["audit", "bodies", "clock", "deliver", "directory"]),
    ("backups", &["audit", "clock", "config", "telemetry"]),
    ("replay", &["bodies", "clock", "deliver", "directory"]),
    ("report", &["bodies", "clock"]),
    ("feedback", &["clock", "directory", "telemetry"]),
    ("disk", &["clock"]),
    ("flood", &["clock", "secrets"]),
    ("housekeeping", &["clock"]),
    ("bodies", &[]),
    ("follow_ups", &["vault"]),
    ("access", &[]),
    ("secrets", &["clock"]),
    ("vault", &["clock", "secrets"]),
    ("telemetry", &[]),
    ("clock", &[]),
    ("config", &[]),
];

/// Packages that few crates may depend on. `deny.toml` holds the same for what comes in through others.
const WALLS: &[Wall] = &[
    Wall { package: "rusqlite", only: &["leadwire-store"], reason: "SQL lives in leadwire-store" },
    Wall {
        package: "rustls-platform-verifier",
        only: &["leadwire-connect", "leadwire-store"],
        reason: "only the client judges certificates, and the way to a database server",
    },
    Wall {
        package: "leadwire-store",
        only: &["leadwire", "leadwire-sim", "leadwire-testkit"],
        reason: "a connector cannot see the database",
    },
    Wall {
        package: "leadwire-connect",
        only: &["leadwire", "leadwire-testkit"],
        reason: "the store knows no CRM",
    },
    Wall { package: "leadwire", only: &["leadwire-testkit"], reason: "nobody depends on the program" },
    Wall { package: "leadwire-sim", only: &[], reason: "it never ships" },
    Wall { package: "leadwire-testkit", only: &[], reason: "it never ships" },
];

/// What the pure crate does without.
const NOT_IN_CORE: &[&str] = &[
    "axum",
    "hyper",
    "hyper-util",
    "leadwire-sandbox",
    "rand",
    "rusqlite",
    "schemars",
    "serde",
    "serde_json",
    "tokio",
    "tracing",
];

/// Files that may sleep: the clock, by which the run loops wait.
const SLEEPERS: &[&str] = &["crates/leadwire/src/clock.rs"];

/// Folders of leadwire-connect that are not connectors.
const NOT_CONNECTORS: &[&str] = &["egress", "entra", "oidc"];

/// Documents and the most lines each may have.
const SHORT: &[(&str, usize)] = &[("ARCHITECTURE.md", 150), ("STYLE.md", 80)];

/// The document that is made from the connectors' descriptors.
const REFERENCE: &str = "docs/destinations.md";

struct Project {
    root: PathBuf,
    /// Every file but those of tools and builds, below the root.
    files: Vec<String>,
}

impl Project {
    fn open() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                if entry.file_type().unwrap().is_dir() {
                    if !matches!(
                        name.as_str(),
                        ".git" | "target" | "node_modules" | "leadwire-data" | "__pycache__"
                    ) {
                        folders.push(entry.path());
                    }
                } else {
                    let path = entry.path();
                    files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        files.sort();
        Self { root, files }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Paths and texts of the files with an ending, below a folder.
    fn texts(&self, folder: &str, ending: &str) -> Vec<(String, String)> {
        let chosen = self.files.iter().filter(|it| it.starts_with(folder) && it.ends_with(ending));
        chosen.map(|it| (it.clone(), self.read(it))).collect()
    }

    /// The Rust files that are compiled into a crate, its tests inside `src` included.
    fn sources(&self) -> Vec<(String, String)> {
        self.texts("crates/", ".rs").into_iter().filter(|(path, _)| path.contains("/src/")).collect()
    }

    fn crates(&self) -> BTreeSet<String> {
        let manifest =
            |it: &String| Some(it.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?.to_owned());
        self.files.iter().filter_map(manifest).collect()
    }
}

#[track_caller]
fn hold(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn every_file_opens_with_its_purpose() {
    hold(Project::open().sources().iter().flat_map(|(path, text)| source::opening_sentence(path, text)));
}

#[test]
fn files_are_short_enough_to_read() {
    hold(Project::open().sources().iter().flat_map(|(path, text)| source::length(path, text)));
}

#[test]
fn names_say_what_is_inside() {
    hold(Project::open().sources().iter().flat_map(|(path, _)| source::meaningful_name(path)));
}

#[test]
fn nothing_is_left_unfinished() {
    hold(
        Project::open().texts("crates/", ".rs").iter().flat_map(|(path, text)| source::finished(path, text)),
    );
}

#[test]
fn nobody_sleeps_but_the_run_loops() {
    let files = Project::open().texts("crates/", ".rs");
    let others = files.iter().filter(|(path, _)| !SLEEPERS.contains(&path.as_str()));
    hold(others.flat_map(|(path, text)| source::no_sleep(path, text)));
}

#[test]
fn no_file_is_dead() {
    let project = Project::open();
    for name in project.crates() {
        let folder = format!("crates/{name}/src/");
        let files: Vec<(String, String)> = project
            .texts(&folder, ".rs")
            .into_iter()
            .map(|(path, text)| (path[folder.len()..].to_owned(), text))
            .collect();
        hold(source::undeclared(&files).into_iter().map(|it| format!("{folder}{it}")));
    }
}

#[test]
fn sql_is_in_the_store_only() {
    let files = Project::open().sources();
    // The rules themselves are tried with bad snippets; the others ask Salesforce in its own language, which looks alike.
    let mine = [
        "crates/leadwire-store/",
        "crates/leadwire-testkit/src/tidy/",
        "crates/leadwire-connect/src/salesforce/",
        "crates/leadwire-sandbox/src/salesforce/",
    ];
    let others = files.iter().filter(|(path, _)| !mine.iter().any(|it| path.starts_with(it)));
    hold(others.flat_map(|(path, text)| sql::no_sql(path, text)));
}

#[test]
fn sql_means_the_same_on_every_engine() {
    let project = Project::open();
    let inline = project.texts("crates/leadwire-store/src/", ".rs");
    hold(inline.iter().flat_map(|(path, text)| sql::dialect(path, text)));
    // A file that names its engine may speak its dialect.
    let both = project.texts("crates/leadwire-store/src/", ".sql");
    let both =
        both.iter().filter(|(path, _)| !path.ends_with(".sqlite.sql") && !path.ends_with(".postgres.sql"));
    hold(both.flat_map(|(path, text)| sql::dialect_of(path, &sql::without_comments(text), true)));
}

#[test]
fn placeholders_appear_in_order() {
    let files = Project::open().texts("crates/leadwire-store/src/", ".rs");
    hold(files.iter().flat_map(|(path, text)| sql::placeholders(path, text)));
}

#[test]
fn the_walls_between_crates_stand() {
    let project = Project::open();
    for name in project.crates() {
        let manifest = project.read(&format!("crates/{name}/Cargo.toml"));
        hold(walls::breached(&name, &walls::dependencies(&manifest, true).unwrap(), WALLS));
    }
}

#[test]
fn the_pure_crate_is_pure() {
    let project = Project::open();
    let manifest = project.read("crates/leadwire-core/Cargo.toml");
    let dependencies = walls::dependencies(&manifest, false).unwrap();
    let found = NOT_IN_CORE.iter().filter(|it| dependencies.contains(**it));
    hold(
        found.map(|it| {
            format!("leadwire-core must not depend on {it}: it does no I/O and has no outside shape")
        }),
    );
    let files = project.texts("crates/leadwire-core/src/", ".rs");
    let code = files.iter().filter(|(path, _)| !source::is_test_file(path));
    hold(code.flat_map(|(path, text)| source::no_outside_shape(path, text)));
}

#[test]
fn there_is_one_http_client() {
    let files = Project::open().sources();
    let others = files.iter().filter(|(path, _)| !path.starts_with("crates/leadwire-connect/"));
    let others = others.filter(|(path, _)| !path.starts_with("crates/leadwire-testkit/"));
    hold(others.flat_map(|(path, text)| source::no_http_client(path, text)));
}

#[test]
fn modules_of_the_program_use_only_whom_they_may() {
    let folder = "crates/leadwire/src/";
    let files = Project::open().texts(folder, ".rs");
    let top = |path: &str| {
        path[folder.len()..].trim_end_matches(".rs").split('/').next().unwrap_or_default().to_owned()
    };
    let modules: BTreeSet<String> = files.iter().map(|(path, _)| top(path)).collect();
    hold(files.iter().filter(|(path, _)| !source::is_test_file(path)).flat_map(|(path, text)| {
        let used = walls::modules_used(&path[folder.len()..], "leadwire", text, &modules);
        walls::trespasses(path, &top(path), &used, MAY_USE)
    }));
}

#[test]
fn every_connector_has_tests_and_golden_requests() {
    let folder = "crates/leadwire-connect/src/";
    let files = Project::open().files;
    let inside: Vec<(&str, &str)> =
        files.iter().filter_map(|it| it.strip_prefix(folder)?.split_once('/')).collect();
    let names: BTreeSet<&str> =
        inside.iter().map(|(name, _)| *name).filter(|it| !NOT_CONNECTORS.contains(it)).collect();
    hold(names.into_iter().flat_map(|name| {
        let entries = inside.iter().filter(|(folder, _)| *folder == name);
        let entries: Vec<String> =
            entries.filter_map(|(_, rest)| rest.split('/').next()).map(str::to_owned).collect();
        walls::connector_folder(name, &entries)
    }));
}

#[test]
fn documents_have_one_title_and_are_short() {
    let project = Project::open();
    hold(project.texts("", ".md").iter().flat_map(|(path, text)| paper::one_title(path, text)));
    hold(
        SHORT.iter().flat_map(|(path, lines_max)| paper::short_enough(path, &project.read(path), *lines_max)),
    );
}

#[test]
fn paths_named_in_documents_exist() {
    let project = Project::open();
    hold(
        project
            .texts("", ".md")
            .iter()
            .flat_map(|(path, text)| paper::missing_paths(path, text, |it| project.root.join(it).exists())),
    );
}

#[test]
fn pictures_of_documents_exist_and_are_small() {
    let project = Project::open();
    let there = project.files.iter().filter(|it| it.starts_with("docs/images/"));
    let there = there.map(|it| (it.clone(), fs::metadata(project.root.join(it)).unwrap().len()));
    hold(paper::pictures(&project.texts("", ".md"), &there.collect::<Vec<_>>()));
}

#[test]
fn every_sample_is_explained() {
    let project = Project::open();
    let samples = project.files.iter().filter_map(|it| it.strip_prefix("samples/"));
    let samples: Vec<String> = samples.filter(|it| *it != "README.md").map(str::to_owned).collect();
    hold(paper::samples_listed(&project.read("samples/README.md"), &samples));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whether the kept text is to be written anew")]
fn the_reference_of_destinations_is_the_one_that_is_kept() {
    let project = Project::open();
    let made = leadwire_testkit::reference::destinations();
    if std::env::var_os("LEADWIRE_WRITE_REFERENCE").is_some() {
        fs::write(project.root.join(REFERENCE), &made).unwrap();
    }
    let kept = fs::read_to_string(project.root.join(REFERENCE)).unwrap_or_default();
    let fix = "LEADWIRE_WRITE_REFERENCE=1 cargo test -p leadwire-testkit --test tidy reference";
    assert!(made == kept, "{REFERENCE} is not what the connectors say; write it anew: {fix}");
}
