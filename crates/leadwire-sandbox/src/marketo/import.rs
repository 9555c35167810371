//! Bulk Lead Import in the simulated instance: a file is queued, imported after a while, and its failed rows are told with reasons.
//!
//! Adobe, "Bulk Lead Import". Stricter where that is silent: a field that does not exist fails the whole file, and a key that is in it
//! twice fails both rows.

use super::{Marketo, Refused};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};

/// Files are smaller than this (Adobe: less than 10 MB).
pub(super) const FILE_BYTES_MAX: usize = 10_000_000;
/// Imports in the queue, those at work among them.
const QUEUE_MAX: usize = 10;

/// What becomes of imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFate {
    /// They come to their end.
    Complete,
    /// They fail as a whole, before the first row.
    Fail,
    /// They stay in the queue.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Queued,
    Importing,
    Complete,
    Failed,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Importing => "Importing",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
        }
    }
}

/// One import.
pub(super) struct Import {
    id: u64,
    status: Status,
    lookup: String,
    partition: Option<String>,
    queued_at: i64,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    failed: Vec<(usize, String)>,
}

impl Marketo {
    /// The imports that were queued: status, and rows.
    pub fn imports(&self) -> Vec<(&'static str, usize)> {
        self.imports.iter().map(|it| (it.status.name(), it.rows.len())).collect()
    }

    pub(super) fn bulk(&mut self, call: &Call, now: i64) -> Reply {
        if let Err(refused) = self.admit(call, now) {
            return self.refuse(refused);
        }
        self.move_on(now);
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&call.method, segments.as_slice()) {
            (&Method::POST, ["bulk", "v1", "leads.json"]) => {
                let said = self.queue(call, now).map(|it| vec![it]);
                self.say(said)
            }
            (&Method::GET, ["bulk", "v1", "leads", "batch", name]) => {
                let found = self.imported(name.strip_suffix(".json").unwrap_or_default());
                let said = found.map(|at| vec![shown(&self.imports[at])]);
                self.say(said)
            }
            (
                &Method::GET,
                ["bulk", "v1", "leads", "batch", id, file @ ("failures.json" | "warnings.json")],
            ) => match self.imported(id) {
                Ok(at) => told(&self.imports[at], *file == "failures.json"),
                Err(refused) => self.refuse(refused),
            },
            _ => self.refuse(("610", "Requested resource not found".to_owned())),
        }
    }

    fn imported(&self, id: &str) -> Result<usize, Refused> {
        let found = self.imports.iter().position(|it| it.id.to_string() == id);
        found.ok_or_else(|| ("1013", format!("Import '{id}' not found")))
    }

    fn queue(&mut self, call: &Call, now: i64) -> Result<Value, Refused> {
        if !self.options.may_write {
            return Err(("603", "Access denied".to_owned()));
        }
        let parts = parts(call).ok_or_else(|| ("612", "Invalid Content Type".to_owned()))?;
        let field = |name: &str| {
            let part =
                parts.iter().find(|it| it.0 == name).map(|it| String::from_utf8_lossy(&it.1).into_owned());
            part.or_else(|| call.parameter(name))
        };
        if field("format").as_deref() != Some("csv") {
            return Err(("1003", "Invalid data: this simulated instance takes the format csv".to_owned()));
        }
        let file = parts.iter().find(|it| it.0 == "file").map(|it| &it.1[..]);
        let file = file.filter(|it| !it.is_empty()).ok_or_else(|| ("1003", "Empty file".to_owned()))?;
        let lookup = field("lookupField").unwrap_or_else(|| "email".to_owned());
        let partition = field("partitionName");
        self.may_import(&lookup, partition.as_deref())?;
        let waiting = |it: &&Import| matches!(it.status, Status::Queued | Status::Importing);
        if self.imports.iter().filter(waiting).count() >= QUEUE_MAX {
            return Err(("1016", "Too many imports".to_owned()));
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let bad = |_| ("1003", "Invalid data: the file cannot be read".to_owned());
        let header: Vec<String> = reader.headers().map_err(bad)?.iter().map(str::to_owned).collect();
        if let Some(unknown) = header.iter().find(|it| !self.people.has_field(it)) {
            return Err(("1006", format!("Field '{unknown}' not found")));
        }
        if !header.contains(&lookup) {
            return Err(("1003", format!("Invalid data: the file has no column '{lookup}'")));
        }
        let mut rows: Vec<Vec<String>> = Vec::new();
        for record in reader.records() {
            rows.push(record.map_err(bad)?.iter().map(str::to_owned).collect());
        }
        let id = 1000 + self.imports.len() as u64;
        let (status, queued_at, failed) = (Status::Queued, now, Vec::new());
        self.imports.push(Import { id, status, lookup, partition, queued_at, header, rows, failed });
        Ok(json!({ "batchId": id, "importId": id.to_string(), "status": "Queued" }))
    }

    fn move_on(&mut self, now: i64) {
        for at in 0..self.imports.len() {
            let import = &mut self.imports[at];
            let is_waiting = matches!(import.status, Status::Queued | Status::Importing);
            let passed = now - import.queued_at;
            match self.options.import_fate {
                _ if !is_waiting => {}
                ImportFate::Never => {}
                _ if passed < self.options.import_millis => {
                    if passed * 2 >= self.options.import_millis {
                        import.status = Status::Importing;
                    }
                }
                ImportFate::Fail => import.status = Status::Failed,
                ImportFate::Complete => self.work(at, now),
            }
        }
    }

    fn work(&mut self, at: usize, now: i64) {
        let import = &self.imports[at];
        let (lookup, partition) = (import.lookup.clone(), import.partition.clone());
        let records: Vec<Value> = import.rows.iter().map(|row| self.record_of(&import.header, row)).collect();
        let entries = self.import(&lookup, partition, &records, now);
        let import = &mut self.imports[at];
        for (row, entry) in entries.iter().enumerate() {
            if let Some(reason) = entry["reasons"][0]["message"].as_str() {
                import.failed.push((row, reason.to_owned()));
            }
        }
        import.status = Status::Complete;
    }

    /// A row as a record: an empty cell is no value, and text becomes what its field takes.
    fn record_of(&self, header: &[String], row: &[String]) -> Value {
        let mut record = Map::new();
        for (name, text) in header.iter().zip(row).filter(|it| !it.1.is_empty()) {
            let value = match self.people.data_type(name) {
                Some("boolean") => match text.to_lowercase().as_str() {
                    "true" | "yes" | "1" => json!(true),
                    "false" | "no" | "0" => json!(false),
                    _ => json!(text),
                },
                Some("integer") => text.parse::<i64>().map_or_else(|_| json!(text), |it| json!(it)),
                Some("float" | "currency" | "percent") => {
                    text.parse::<f64>().map_or_else(|_| json!(text), |it| json!(it))
                }
                _ => json!(text),
            };
            record.insert(name.clone(), value);
        }
        Value::Object(record)
    }
}

fn shown(import: &Import) -> Value {
    let failed = import.failed.len();
    let done = if import.status == Status::Complete { import.rows.len() - failed } else { 0 };
    let message = match import.status {
        Status::Complete => format!("Import succeeded, {done} records imported ({failed} failed)"),
        Status::Failed => "Import failed".to_owned(),
        Status::Queued | Status::Importing => String::new(),
    };
    json!({
        "batchId": import.id, "importId": import.id.to_string(), "status": import.status.name(),
        "numOfLeadsProcessed": done, "numOfRowsFailed": failed, "numOfRowsWithWarning": 0, "message": message,
    })
}

/// The failed rows with their reasons, or the rows with a warning, of which there are none.
fn told(import: &Import, failures: bool) -> Reply {
    let last = if failures { "Import Failure Reason" } else { "Import Warning Reason" };
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let infallible = "writing to memory does not fail";
    writer.write_record(import.header.iter().map(String::as_str).chain([last])).expect(infallible);
    for (row, reason) in import.failed.iter().filter(|_| failures) {
        let row = import.rows[*row].iter().map(String::as_str);
        writer.write_record(row.chain([reason.as_str()])).expect(infallible);
    }
    Reply::text(200, "text/csv;charset=UTF-8", writer.into_inner().expect(infallible))
}

/// The parts of a form by name (RFC 7578).
fn parts(call: &Call) -> Option<Vec<(String, Vec<u8>)>> {
    if call.media_type() != "multipart/form-data" {
        return None;
    }
    let boundary = call.header("content-type")?.split("boundary=").nth(1)?.trim_matches('"');
    let mark = format!("--{boundary}");
    let body = &call.body[..];
    let mut parts = Vec::new();
    let mut at = find(body, mark.as_bytes())? + mark.len();
    while let Some(rest) = body.get(at..).filter(|it| it.starts_with(b"\r\n")) {
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?.to_owned();
        let content = &rest[head_end + 4..];
        let end = find(content, format!("\r\n{mark}").as_bytes())?;
        parts.push((name, content[..end].to_vec()));
        at += head_end + 4 + end + 2 + mark.len();
    }
    Some(parts)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|it| it == what)
}
