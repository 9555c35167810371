//! What the program itself writes: no value of a customer and no secret, at the most talkative; and a stop that works
//! when nobody reads it.

use crate::program;
use leadwire::clock::{Clock, MachineClock};
use leadwire_connect::CONNECTORS;
use leadwire_connect::descriptor::FieldShape;
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::service::Fault;
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_testkit::app::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;

const EMAIL: &str = "canary-pii@example.com";
const PHONE: &str = "+36209998877";
const NAME: &str = "Canaryson";
const SECRET: &str = "canary-secret-token";

/// The real program, as a process of its own.
struct Program {
    child: Option<Child>,
    address: String,
    metrics: String,
    key: String,
    /// What it said at its start, the administrator's key included, and what it says later.
    welcome: String,
    output: BufReader<ChildStdout>,
}

/// A test that fails leaves nothing behind.
impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // An error means that it ended by itself.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Program {
    fn start(folder: &Path, log: Stdio) -> Self {
        let mut child = Command::new(program::path())
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log", "debug"])
            .args(["--allow-http", "--allow-net", "127.0.0.0/8", "--data", "data"])
            .env_clear()
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut welcome = String::new();
        while !welcome.contains("Keep it.") {
            assert_ne!(output.read_line(&mut welcome).unwrap(), 0, "it did not start: {welcome}");
        }
        let word = |start: &str, end: char| {
            let at = welcome.find(start).unwrap() + start.len();
            welcome[at..].split(end).next().unwrap().trim().to_owned()
        };
        let address = word("API       http://", '/');
        let metrics = word("metrics   http://", '/');
        let local: Value =
            serde_json::from_slice(&std::fs::read(folder.join("data/local.json")).unwrap()).unwrap();
        let key = local["key"].as_str().unwrap().to_owned();
        Self { child: Some(child), address, metrics, key, welcome, output }
    }

    /// Sends a request and gives back the whole answer.
    fn call(&self, request: &str, headers: &str, body: &str) -> String {
        let head = format!("Host: here\r\nConnection: close\r\nContent-Length: {}\r\n{headers}", body.len());
        exchange(&self.address, &format!("{request} HTTP/1.1\r\n{head}\r\n{body}"))
    }

    /// Posts with the operator's key; the answer must be a success.
    fn post(&self, path: &str, body: &Value) -> Value {
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.key);
        let answer = self.call(&format!("POST {path}"), &headers, &body.to_string());
        assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Gets with the operator's key; the answer must be a success.
    fn get(&self, path: &str) -> Value {
        let answer =
            self.call(&format!("GET {path}"), &format!("Authorization: Bearer {}\r\n", self.key), "");
        assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Asks it to stop, waits for that, and gives back all it wrote.
    fn stop(mut self) -> Output {
        let child = self.child.take().unwrap();
        // By the system call: a small machine has no `kill` program.
        let id = Pid::from_child(&child);
        kill_process(id, Signal::TERM).unwrap();
        let (told, ended) = mpsc::channel();
        thread::spawn(move || told.send(child.wait_with_output()));
        let Ok(output) = ended.recv_timeout(PATIENCE) else {
            kill_process(id, Signal::KILL).unwrap();
            panic!("it does not stop");
        };
        let mut output = output.unwrap();
        self.output.read_to_end(&mut output.stdout).unwrap();
        output
    }
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A receiver that refuses the first request, and repeats in its answer everything it was sent.
fn start_tattler() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{SECRET}", listener.local_addr().unwrap());
    let (told, refused) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = vec![0; 64 * 1024];
        let length = stream.read(&mut got).unwrap();
        let answer = String::from_utf8_lossy(&got[..length]).into_owned();
        let head = format!(
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\nX-Seen: {SECRET}\r\n\r\n",
            answer.len()
        );
        stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
        told.send(()).unwrap();
    });
    (url, refused)
}

/// Whatever is wrong with a request, the answer repeats no value.
fn answers_to_bad_requests(program: &Program, intake: &str, sender: &str) -> Vec<String> {
    let keys = |key: &str| format!("Authorization: Bearer {key}\r\nContent-Type: application/json\r\n");
    let operator = keys(&program.key);
    let in_quotes = format!("\"{EMAIL} {PHONE} {NAME} {SECRET}\"");
    let bad_settings =
        json!({ "name": "b", "kind": "https", "settings": { "url": 1, "token": SECRET, "auth": EMAIL } });
    let bad_url =
        json!({ "name": "b", "kind": "https", "settings": { "url": format!("ftp://u:{SECRET}@{NAME}/") } });
    vec![
        program.call("POST /v1/leads", &operator, &in_quotes),
        program.call("POST /v1/leads", &operator, &format!("[{in_quotes}, {{\"customer\": {in_quotes}}}]")),
        program.call(
            "POST /v1/leads",
            &operator,
            &format!("{{\"occurred_at\": {in_quotes}, \"offer\": {in_quotes}}}"),
        ),
        program.call("POST /v1/leads", &operator, &format!("{{\"notes\": {in_quotes}")),
        program.call("POST /v1/leads", &keys(SECRET), &in_quotes),
        program.call("POST /v1/leads", &keys(sender), &format!("{{\"offer\": \"{NAME}.x\"}}").to_lowercase()),
        program.call(&format!("POST /in/{intake}"), "Content-Type: application/json\r\n", &in_quotes),
        program.call(&format!("POST /in/{intake}"), "Content-Type: application/json\r\n", ""),
        program.call(&format!("POST /in/{SECRET}"), "", &in_quotes),
        program.call(
            &format!("POST /v1/publishers?x={SECRET}"),
            &operator,
            &format!("{{\"id\": {in_quotes}}}"),
        ),
        program.call("POST /v1/destinations?publisher=contoso", &operator, &bad_settings.to_string()),
        program.call("POST /v1/destinations?publisher=contoso", &operator, &bad_url.to_string()),
        program.call(
            "POST /v1/keys?publisher=contoso",
            &operator,
            &format!("{{\"title\": 1, \"role\": {in_quotes}}}"),
        ),
        program.call(&format!("GET /v1/leads?publisher=contoso&limit={EMAIL}"), &operator, ""),
        program.call(
            &format!("GET /v1/deliveries?publisher=contoso&state={SECRET}&lead={NAME}"),
            &operator,
            "",
        ),
        program.call(&format!("GET /v1/leads/{EMAIL}?publisher={SECRET}"), &operator, ""),
        program.call(&format!("GET /v1/destinations/{SECRET}?publisher=contoso"), &operator, ""),
        exchange(&program.metrics, "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"),
    ]
}

#[test]
fn nothing_that_is_written_holds_a_value_or_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let program = Program::start(folder.path(), File::create(&log).unwrap().into());
    let (url, refused) = start_tattler();
    program.post("/v1/publishers", &json!({ "id": "contoso" }));
    program.post("/v1/offers?publisher=contoso", &json!({ "id": "crm-pro" }));
    let settings = json!({ "url": url, "auth": "bearer", "token": SECRET });
    let new = json!({ "name": "crm", "kind": "https", "settings": settings });
    let signing = program.post("/v1/destinations?publisher=contoso", &new)["signing_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    program.post("/v1/routes?publisher=contoso", &json!({ "offer": "*", "destination": "crm" }));
    let made = program.post("/v1/intake-addresses?publisher=contoso", &json!({ "offer": "crm-pro" }));
    let intake = made["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let made = program.post("/v1/keys?publisher=contoso", &json!({ "title": "t", "role": "sender" }));
    let sender = made["key"].as_str().unwrap().to_owned();

    let customer = json!({ "first_name": NAME, "email": EMAIL, "phone": PHONE });
    program.post("/v1/leads", &json!({ "offer": "contoso.crm-pro", "customer": customer, "notes": EMAIL }));
    refused.recv_timeout(PATIENCE).unwrap();

    let mut answers = answers_to_bad_requests(&program, &intake, &sender);
    let key_file = folder.path().join("data/secret.key");
    let former = std::fs::read_to_string(&key_file).unwrap();
    for key in ["publisher", "master"] {
        answers.push(program.post("/v1/secrets/rotate", &json!({ "key": key })).to_string());
    }
    let master = std::fs::read_to_string(&key_file).unwrap();
    assert_ne!(master, former);
    let (local, welcome) = (program.key.clone(), program.welcome.clone());
    let shown_once = welcome.lines().map(str::trim).find(|it| it.starts_with("lw_live_")).unwrap();
    let output = program.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(output.status.success(), "{:?}: {log}", output.status);
    assert!(
        log.contains("is paused") && log.contains("DEBUG"),
        "it logged too little to prove anything: {log}"
    );

    let canaries = [EMAIL, PHONE, NAME, SECRET, &signing, &intake, &sender, &local, shown_once];
    let canaries =
        canaries.into_iter().chain([former.trim(), master.trim()]).map(str::to_lowercase).collect::<Vec<_>>();
    let later = String::from_utf8(output.stdout).unwrap();
    for text in answers.iter().chain([&log, &later]).map(|it| it.to_lowercase()) {
        for canary in &canaries {
            assert!(!text.contains(canary), "{canary} stands in {text}");
        }
    }
}

/// A simulated service of this kind, by the machine's clock.
async fn stage(kind: &str) -> Stage {
    let clock = MachineClock::start();
    let now = move || clock.wall().millis();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Stage::start(kind, listener, Options { now: Arc::new(now), secret: [0xc5; 32], keep: Keep::IdHashes })
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kind_of_destination_lets_a_value_or_a_secret_into_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let program = Program::start(folder.path(), File::create(&log).unwrap().into());
    program.post("/v1/publishers", &json!({ "id": "contoso" }));
    program.post("/v1/offers?publisher=contoso", &json!({ "id": "crm-pro" }));
    let mut canaries = vec![EMAIL.to_owned(), PHONE.to_owned(), NAME.to_owned()];
    let mut stages = Vec::new();
    for kind in CONNECTORS {
        let stage = stage(kind.name).await;
        stage.strike(1, &Fault::Failing);
        // Of a URL that is a secret, the host is shown; of a connection string, each part may be one.
        for field in kind.fields().filter(|it| it.secret && it.shape != FieldShape::Url) {
            let parts = stage.settings[field.name].as_str().into_iter().flat_map(|it| it.split([';', '&']));
            let parts = parts.map(|it| it.split_once('=').map_or(it, |it| it.1)).filter(|it| it.len() >= 16);
            canaries.extend(parts.filter(|it| !it.starts_with("http")).map(str::to_owned));
        }
        let new =
            json!({ "name": kind.name.replace('_', "-"), "kind": kind.name, "settings": stage.settings });
        program.post("/v1/destinations?publisher=contoso", &new);
        let route = json!({ "offer": "*", "destination": kind.name.replace('_', "-") });
        program.post("/v1/routes?publisher=contoso", &route);
        stages.push(stage);
    }
    let customer =
        json!({ "first_name": NAME, "last_name": NAME, "company": NAME, "email": EMAIL, "phone": PHONE });
    program.post("/v1/leads", &json!({ "offer": "contoso.crm-pro", "customer": customer, "notes": EMAIL }));
    let clock = MachineClock::start();
    let give_up_at = clock.steady().plus(PATIENCE);
    let deliveries = loop {
        let page = program.get("/v1/deliveries?publisher=contoso");
        let tried = |it: &Value| it["attempts"].as_u64() > Some(0) && it["in_flight"] == false;
        if page["items"].as_array().is_some_and(|it| it.len() == CONNECTORS.len() && it.iter().all(tried)) {
            break page;
        }
        assert!(clock.steady() < give_up_at, "{page}");
    };
    let mut shown = vec![deliveries.to_string()];
    for kind in CONNECTORS {
        let path = format!("/v1/destinations/{}/validate?publisher=contoso", kind.name.replace('_', "-"));
        shown.push(program.post(&path, &json!({})).to_string());
        shown.push(program.get(&path.replace("/validate", "")).to_string());
    }
    let output = program.stop();
    shown.push(std::fs::read_to_string(log).unwrap());
    shown.push(String::from_utf8(output.stdout).unwrap());
    for text in shown.iter().map(|it| it.to_lowercase()) {
        for canary in &canaries {
            assert!(!text.contains(&canary.to_lowercase()), "{canary} stands in {text}");
        }
    }
    for stage in stages {
        stage.stop().await;
    }
}

#[test]
fn a_service_whose_log_nobody_reads_any_more_still_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), Stdio::piped());
    drop(program.child.as_mut().unwrap().stderr.take());
    let output = program.stop();
    assert!(output.status.success(), "{:?}", output.status);
}
