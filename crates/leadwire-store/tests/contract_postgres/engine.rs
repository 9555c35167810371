//! The engine these facts are checked on: a database of its own for each folder, on the server of the test run.

use ::postgres::{Client, NoTls};
use leadwire_store::postgres::Address;
use leadwire_store::{Database, Store, StoreError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// Where the store of a folder is.
pub(crate) fn database(folder: &Path) -> Database {
    Database::Server(address(&name_of(folder)))
}

/// Every value of every table, as bytes.
pub(crate) async fn all_values(folder: &Path, _: &Store) -> Vec<u8> {
    bytes_of(folder)
}

/// Opens the store of a folder: its database has the folder's name.
pub(crate) fn open(folder: &Path) -> Result<Store, StoreError> {
    let folder = folder.to_owned();
    // The client of this engine has a runtime of its own, which cannot be used within another.
    std::thread::spawn(move || {
        let name = name_of(&folder);
        let template = template();
        let mut made = MADE.lock().unwrap();
        if !made.contains(&folder) {
            // What other facts are done with goes, or hundreds of databases would be there at the end.
            made.retain(|it| it.exists() || admin().batch_execute(&drop(it)).is_err());
            admin().batch_execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).unwrap();
            made.push(folder);
        }
        std::mem::drop(made);
        Store::connect(&address(&name))
    })
    .join()
    .unwrap()
}

/// Lets rows be damaged against the rules that stand in the schema.
pub(crate) async fn forget_rules(folder: &Path, _: &Store) {
    let name = name_of(folder);
    std::thread::spawn(move || {
        let mut client = Client::connect(&url(&name), NoTls).unwrap();
        let rules = "SELECT conrelid::regclass::text, conname::text FROM pg_constraint
                     WHERE contype = 'c' AND connamespace = 'public'::regnamespace";
        for row in client.query(rules, &[]).unwrap() {
            let (table, rule): (String, String) = (row.get(0), row.get(1));
            client.batch_execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {rule}")).unwrap();
        }
    })
    .join()
    .unwrap();
}

/// Everything that the engine gives of a store that is closed. What is on the pages besides is vacuumed by the server.
pub(crate) fn bytes_of(folder: &Path) -> Vec<u8> {
    let name = name_of(folder);
    std::thread::spawn(move || {
        let mut client = Client::connect(&url(&name), NoTls).unwrap();
        client.batch_execute("SET leadwire.publishers = '*'").unwrap();
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let tables: Vec<String> = client.query(tables, &[]).unwrap().iter().map(|row| row.get(0)).collect();
        assert!(tables.len() > 10, "{tables:?}");
        let mut all = Vec::new();
        for table in tables {
            let copy = format!("COPY \"{table}\" TO STDOUT (FORMAT binary)");
            client.copy_out(copy.as_str()).unwrap().read_to_end(&mut all).unwrap();
        }
        all
    })
    .join()
    .unwrap()
}

/// Folders whose databases are there.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn drop(folder: &Path) -> String {
    format!("DROP DATABASE \"{}\" WITH (FORCE)", name_of(folder))
}

fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_string_lossy();
    format!("desk{}", name.to_lowercase().replace(|it: char| !it.is_ascii_alphanumeric(), "_"))
}

/// A database with the schema in it, of which the others are copies.
fn template() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = format!("template_{}", std::process::id());
        admin().batch_execute(&format!("CREATE DATABASE \"{name}\"")).unwrap();
        std::mem::drop(Store::connect(&address(&name)).unwrap());
        name
    })
}

fn admin() -> Client {
    Client::connect(&url("postgres"), NoTls).unwrap()
}

fn address(database: &str) -> Address {
    Address::parse(&url(database)).unwrap()
}

/// The server's address with another database.
#[expect(clippy::disallowed_methods, reason = "what a test run is asked for stands in the environment")]
fn url(database: &str) -> String {
    let server = std::env::var("LEADWIRE_TEST_POSTGRES")
        .expect("LEADWIRE_TEST_POSTGRES names no server: run scripts/test, which starts one");
    server.replace("/postgres", &format!("/{database}"))
}

/// A place where a store may be made: a database with nothing in it.
pub(crate) fn empty(folder: &Path) -> Database {
    let (name, folder) = (name_of(folder), folder.to_owned());
    std::thread::spawn(move || {
        admin().batch_execute(&format!("CREATE DATABASE \"{name}\"")).unwrap();
        MADE.lock().unwrap().push(folder);
        Database::Server(address(&name))
    })
    .join()
    .unwrap()
}

/// Changes a file behind the store's back.
pub(crate) fn change_file(file: &Path, sql: &str) {
    let changed = rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap();
    assert_eq!(changed, 1);
}

/// What the server answers whoever is connected as the service is: the number in the last row.
pub(crate) fn ask(folder: &Path, sql: &str) -> Result<i64, String> {
    let mut client = Client::connect(&url(&name_of(folder)), NoTls).unwrap();
    let answers = client.simple_query(sql).map_err(|error| match error.as_db_error() {
        Some(told) => told.message().to_owned(),
        None => error.to_string(),
    })?;
    let last = answers.iter().rev().find_map(|it| match it {
        ::postgres::SimpleQueryMessage::Row(row) => row.get(0).map(|it| it.parse().unwrap()),
        _ => None,
    });
    Ok(last.unwrap())
}

/// Where the store of a folder is, for programs that come with the server.
pub(crate) fn url_of(folder: &Path) -> String {
    url(&name_of(folder))
}

/// What the server was asked in the database of a folder: each statement, how often, the rows it gave or changed, and the blocks
/// that were looked at for it.
pub(crate) fn statements(folder: &Path) -> Vec<(String, i64, i64, i64)> {
    let name = name_of(folder);
    std::thread::spawn(move || {
        let asked = "SELECT query, SUM(calls)::bigint, SUM(rows)::bigint, SUM(shared_blks_hit + shared_blks_read)::bigint
                     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
                     WHERE d.datname = $1 AND calls > 0 AND ltrim(query) ~ '^(SELECT|INSERT|UPDATE|DELETE|WITH)'
                     GROUP BY query";
        let rows = admin().query(asked, &[&name]).expect("scripts/postgres has the server keep statistics");
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    })
    .join()
    .unwrap()
}

/// How many histories are tried, of as many as a property asks for: each has a database of its own, which takes the server seconds,
/// and the bodies are those that the file was tried with.
pub(crate) fn cases(wanted: u32) -> u32 {
    wanted / 4
}

/// How the server goes about a statement, whatever it is given: the nodes of its plan, from the outermost.
pub(crate) fn plan(folder: &Path, statement: &str) -> Vec<String> {
    let (name, statement) = (name_of(folder), statement.to_owned());
    std::thread::spawn(move || {
        let mut client = Client::connect(&url(&name), NoTls).unwrap();
        let settings = "SET leadwire.publishers = '*'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
                        SET enable_hashjoin = off; SET enable_mergejoin = off; PREPARE asked AS";
        client.batch_execute(&format!("{settings} {statement}")).unwrap();
        let width = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'";
        let width: i32 = client.query_one(width, &[]).unwrap().get(0);
        let nothing = vec!["NULL"; usize::try_from(width).unwrap()].join(", ");
        let answers = client.simple_query(&format!("EXPLAIN (COSTS off) EXECUTE asked({nothing})")).unwrap();
        let lines = answers.iter().filter_map(|it| match it {
            ::postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        lines.collect()
    })
    .join()
    .unwrap()
}

/// Has the server tidy up and count the tables of a folder's database, as it does by itself.
pub(crate) fn count(folder: &Path) {
    let name = name_of(folder);
    let counted = std::thread::spawn(move || {
        Client::connect(&url(&name), NoTls).unwrap().batch_execute("VACUUM ANALYZE")
    });
    counted.join().unwrap().unwrap();
}

/// Somebody who has asked something in the database of a folder, and stays connected until this is dropped.
pub(crate) struct Held {
    let_go: std::sync::mpsc::Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(crate) fn hold(folder: &Path, sql: &'static str) -> Held {
    let name = name_of(folder);
    let (let_go, wait) = std::sync::mpsc::channel::<()>();
    let (tell, is_asked) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut client = Client::connect(&url(&name), NoTls).unwrap();
        client.batch_execute(sql).unwrap();
        tell.send(()).unwrap();
        // It ends by the sender's end.
        wait.recv().ok();
    });
    is_asked.recv().unwrap();
    Held { let_go, thread: Some(thread) }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go.send(()).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
