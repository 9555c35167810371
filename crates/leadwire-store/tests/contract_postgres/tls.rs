//! How a server is known over TLS, on a cluster of its own with certificates made for it.

use ::postgres::{Client, NoTls};
use leadwire_store::postgres::Address;
use leadwire_store::{Store, StoreError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.distinguished_name.push(DnType::CommonName, name);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = own.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(own, key), pem }
    }

    /// Writes what a node shows, and its key: the query that names both.
    fn show(&self, folder: &Path, user: &str) -> String {
        let mut node = CertificateParams::new(Vec::new()).unwrap();
        node.distinguished_name.push(DnType::CommonName, user);
        node.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = node.signed_by(&key, &self.issuer).unwrap();
        let name =
            certificate.pem().bytes().fold(0_u32, |hash, it| hash.wrapping_mul(31).wrapping_add(it.into()));
        let files = ["pem", "key"].map(|it| folder.join(format!("node-{name}.{it}")));
        std::fs::write(&files[0], certificate.pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        std::fs::set_permissions(&files[1], Permissions::from_mode(0o600)).unwrap();
        format!("sslcert={}&sslkey={}", files[0].display(), files[1].display())
    }

    /// Writes what a server with the name `localhost` shows until a year, and its key.
    fn sign(&self, folder: &Path, last_year: i32) {
        let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        server.distinguished_name.push(DnType::CommonName, "localhost");
        (server.not_before, server.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(last_year, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = server.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    }
}

/// A server with TLS, until dropped.
struct Cluster {
    running: Child,
    /// Where its superuser gets in.
    admin: String,
    port: u16,
}

impl Cluster {
    fn start(certificates: &Path) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres");
        let mut running = Command::new(script)
            .arg("--tls")
            .arg(certificates)
            .args([&port.to_string(), "sh", "-c", "echo \"$LEADWIRE_TEST_POSTGRES\"; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(running.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let admin = address.trim().replace("leadwire@", "postgres@");
        assert!(admin.starts_with("postgres://"), "no server started");
        Self { running, admin, port }
    }

    fn admin(&self, sql: &str) {
        let (admin, sql) = (self.admin.clone(), sql.to_owned());
        std::thread::spawn(move || Client::connect(&admin, NoTls).unwrap().batch_execute(&sql).unwrap())
            .join()
            .unwrap();
    }

    /// Opens the store of a database with what is said of TLS.
    fn open(&self, who: &str, host: &str, rest: &str) -> Result<Store, StoreError> {
        let url = format!("postgres://{who}@{host}:{}/guarded?{rest}", self.port);
        Store::connect(&Address::parse(&url).unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input ends the script, which takes the server away.
        std::mem::drop(self.running.stdin.take());
        self.running.wait().ok();
    }
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[track_caller]
fn refusal(opened: Result<Store, StoreError>, words: &[&str]) {
    let Err(error @ StoreError::Away(_)) = opened else {
        panic!("expected a refusal that may pass, not {:?}", opened.err())
    };
    let said = error.to_string();
    assert!(!said.contains("hunter2") && !said.contains("guarded:"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn a_server_is_known_by_its_name_and_its_authority() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("Authority of the server"));
    authority.sign(folder.path(), 2099);
    let cluster = Cluster::start(folder.path());
    cluster.admin("CREATE ROLE guarded LOGIN PASSWORD 'hunter2'");
    cluster.admin("CREATE DATABASE guarded OWNER guarded");
    let root = format!("sslmode=verify-full&sslrootcert={}", write(&folder, "root.pem", &authority.pem));
    // The sign-in is tied to the connection: whoever stands in between could not pass it on.
    let opened = cluster.open("guarded:hunter2", "localhost", &format!("{root}&channel_binding=require"));
    std::mem::drop(opened.unwrap());

    refusal(cluster.open("guarded:hunter2", "127.0.0.1", &root), &["127.0.0.1", "is not for", "address"]);
    let other = write(&folder, "other.pem", &Authority::new("Another authority").pem);
    let other = format!("sslmode=verify-full&sslrootcert={other}");
    let words = ["authority", "not known", "sslrootcert=FILE"];
    refusal(cluster.open("guarded:hunter2", "localhost", &other), &words);
    // The machine's own authorities do not know it either.
    refusal(cluster.open("guarded:hunter2", "localhost", "sslmode=verify-full"), &words);
    let gone = format!("sslmode=verify-full&sslrootcert={}", folder.path().join("gone.pem").display());
    refusal(cluster.open("guarded:hunter2", "localhost", &gone), &["gone.pem", "sslrootcert"]);
    refusal(cluster.open("guarded:wrong-hunter2", "localhost", &root), &["password authentication failed"]);
}

#[test]
fn a_node_is_known_by_the_certificate_that_it_shows() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("Authority of the server"));
    authority.sign(folder.path(), 2099);
    let nodes = Authority::new("Authority of nodes");
    write(&folder, "clients.pem", &nodes.pem);
    let cluster = Cluster::start(folder.path());
    cluster.admin("CREATE ROLE shown LOGIN");
    cluster.admin("CREATE DATABASE guarded OWNER shown");
    let root = format!("sslmode=verify-full&sslrootcert={}", write(&folder, "root.pem", &authority.pem));
    let open = |shown: &str| cluster.open("shown", "localhost", &format!("{root}&{shown}"));
    let own = nodes.show(folder.path(), "shown");
    std::mem::drop(open(&own).unwrap());

    refusal(open(""), &["valid client certificate"]);
    refusal(open(&nodes.show(folder.path(), "somebody")), &["authentication failed"]);
    let stranger = Authority::new("Another authority").show(folder.path(), "shown");
    refusal(open(&stranger), &["UnknownCA"]);

    let (certificate, key) = own.split_once("&sslkey=").unwrap();
    let other_key = stranger.split_once("&sslkey=").unwrap().1;
    refusal(open(&format!("{certificate}&sslkey={other_key}")), &["do not go together"]);
    std::fs::set_permissions(key, Permissions::from_mode(0o604)).unwrap();
    refusal(open(&own), &["sslkey", "0604", "chmod 600"]);
    std::fs::set_permissions(key, Permissions::from_mode(0o640)).unwrap();
    std::mem::drop(open(&own).unwrap());
    refusal(open(&format!("{certificate}&sslkey={key}.gone")), &["sslkey", ".gone"]);
    refusal(open(&format!("sslcert={key}&sslkey={key}")), &["sslcert", "no certificate"]);
}

#[test]
fn a_certificate_that_has_expired_is_told_as_such() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("Authority of the server"));
    authority.sign(folder.path(), 2021);
    let cluster = Cluster::start(folder.path());
    let root = format!("sslmode=verify-full&sslrootcert={}", write(&folder, "root.pem", &authority.pem));
    refusal(cluster.open("leadwire:hunter2", "localhost", &root), &["localhost", "expired", "renew"]);
}

#[test]
fn a_server_without_tls_is_not_spoken_to() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        // The client may try more than one address of the name.
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 8];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let url = format!("postgres://leadwire:hunter2@127.0.0.1:{port}/leadwire?sslmode=verify-full");
    refusal(Store::connect(&Address::parse(&url).unwrap()), &["no TLS", "ssl = on", "sslmode=disable"]);
    assert_eq!(server.join().unwrap(), b"", "nothing was said in the clear");
}
