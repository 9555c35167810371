//! Which engine the whole program is tested on: a file, or a database of its own on the server of the test run.

use leadwire_core::secret::Secret;
use leadwire_store::postgres::Address;
use leadwire_store::{Store, StoreError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The address of the database that belongs to a folder; none: the rows are in a file in it.
///
/// `LEADWIRE_TEST_ENGINE=postgres` asks for the server of `LEADWIRE_TEST_POSTGRES`, which `scripts/postgres` starts.
///
/// # Panics
/// When it is asked for and not there.
#[expect(clippy::disallowed_methods, reason = "what a test run is asked for stands in the environment")]
pub fn database(folder: &Path) -> Option<Secret<String>> {
    match std::env::var("LEADWIRE_TEST_ENGINE").as_deref() {
        Err(_) | Ok("sqlite") => return None,
        Ok("postgres") => {}
        Ok(other) => panic!("LEADWIRE_TEST_ENGINE is {other}: it may be `sqlite` or `postgres`"),
    }
    Some(on_server(folder))
}

/// The address of the database that belongs to a folder, whatever engine the test run is for.
///
/// # Panics
/// When there is no server.
#[expect(clippy::disallowed_methods, reason = "what a test run is asked for stands in the environment")]
pub fn on_server(folder: &Path) -> Secret<String> {
    let server = std::env::var("LEADWIRE_TEST_POSTGRES")
        .expect("LEADWIRE_TEST_POSTGRES names no server: run scripts/test, which starts one");
    let name = folder.file_name().expect("a folder of its own").to_string_lossy().to_lowercase();
    let name = format!("it{}", name.replace(|it: char| !it.is_ascii_alphanumeric(), "_"));
    let url = url(&server, &name);
    let mut made = MADE.lock().expect("a list of folders");
    if !made.iter().any(|it| it.0 == folder) {
        // What other tests are done with goes, or hundreds of databases would be there at the end.
        made.retain(|(folder, name)| folder.exists() || run("dropdb", &server, &["--force", name]).is_err());
        run("createdb", &server, &["--template", template(&server), &name]).expect("a new database");
        made.push((folder.to_owned(), name));
    }
    Secret::new(url)
}

/// A database with the schema in it, of which the others are copies.
fn template(server: &str) -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = format!("it_template_{}", std::process::id());
        run("createdb", server, &[&name]).expect("a new database");
        drop(Store::connect(&address(&url(server, &name))).expect("a new database takes the schema"));
        name
    })
}

/// Folders whose databases are there, and their names.
static MADE: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

fn run(program: &str, server: &str, words: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).arg(format!("--maintenance-db={server}")).args(words).output();
    let ran = ran.expect("createdb and dropdb, of the package postgresql-client");
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}

fn address(url: &str) -> Address {
    Address::parse(url).expect("an address")
}

fn url(server: &str, database: &str) -> String {
    server.replace("/postgres", &format!("/{database}"))
}

/// The address of a database with nothing in it.
///
/// # Panics
/// When there is no server.
pub fn empty_on_server(folder: &Path) -> Secret<String> {
    let address = on_server(folder);
    let name = address.expose().rsplit_once('/').expect("an address").1.to_owned();
    let server = address.expose().replace(&format!("/{name}"), "/postgres");
    run("dropdb", &server, &["--force", &name]).expect("it is there");
    run("createdb", &server, &[&name]).expect("a new database");
    address
}

/// Opens the store at an address, which makes it.
///
/// # Errors
/// As [`Store::connect`].
///
/// # Panics
/// When the thread beside the runtime does.
pub async fn open(at: &Secret<String>) -> Result<Store, StoreError> {
    let address = address(at.expose());
    tokio::task::spawn_blocking(move || Store::connect(&address)).await.expect("it does not panic")
}
