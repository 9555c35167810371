//! Makes the requests of a delivery: pure functions from records and settings to method, path, headers and body.

use super::fields::TARGETS;
use crate::group::Record;
use crate::multipart::{self, Writer};
use aws_lc_rs::digest::{SHA256, digest};
use http::Method;
use leadwire_core::mapping::{Kind, Value as Mappable, Write};
use serde_json::{Map, Number, Value, json};

/// Most requests of one `$batch`. A thousand are allowed; a hundred take about as long as one request may.
pub(super) const RECORDS_MAX: usize = 100;
/// Most bytes of a `$batch`. The service takes 128 MB; this is what a line of a few megabits brings up in time.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What requests depend on besides the records.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Such as `/api/data/v9.2`.
    pub(super) root: String,
    pub(super) key: Key,
    pub(super) duplicates: Duplicates,
}

/// What a lead is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The id of the row, a GUID.
    LeadId,
    /// The column of an alternate key.
    Column(String),
}

/// What to do when a duplicate detection rule finds the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    Create,
    Park,
    Deliver,
}

/// What a request does about a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Looks whether it is there, and open.
    Look,
    /// Makes it, if it is not there.
    Create,
    /// Changes it, if it is there: only Leadwire's own fields.
    Own,
    /// Changes it, if it is there: all mapped fields.
    Whole,
}

fn json(record: &Record, act: Act, key: &Key) -> Value {
    let mut shape = Map::new();
    for field in &record.fields {
        let is_meant = match act {
            Act::Look => false,
            Act::Create | Act::Whole => true,
            Act::Own => field.write == Write::Always,
        };
        // What the address says must not be said again (use-alternate-key-reference-record).
        let is_key = match key {
            Key::LeadId => field.target == "leadid",
            Key::Column(column) => field.target == *column || field.target == "leadid",
        };
        if is_meant && !is_key {
            shape.insert(field.target.clone(), plain(&field.target, &field.value));
        }
    }
    Value::Object(shape)
}

/// A request, without host, token and what every request has.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// Reads. Caches in between must not answer (compose-http-requests-handle-errors).
    pub(super) fn get(path: String) -> Self {
        let headers = vec![("If-None-Match", "null".to_owned())];
        Self { method: Method::GET, path, headers, body: Vec::new() }
    }

    /// Writes.
    pub(super) fn with(method: Method, path: String, body: &Value) -> Self {
        let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
        Self { method, path, headers, body: body.to_string().into_bytes() }
    }

    fn inner(&self) -> Vec<u8> {
        let mut headers: Vec<(&str, &str)> = vec![("Accept", "application/json")];
        headers.extend(self.headers.iter().map(|it| (it.0, &*it.1)));
        multipart::http_request(self.method.as_str(), &self.path, &headers, &self.body)
    }
}

impl Shape {
    /// The address of a lead: its keys hold nothing that needs to be escaped.
    pub(super) fn address(&self, key: &str) -> String {
        match &self.key {
            Key::LeadId => format!("{}/leads({key})", self.root),
            Key::Column(column) => format!("{}/leads({column}='{key}')", self.root),
        }
    }

    /// One request about a lead.
    pub(super) fn call(&self, record: &Record, act: Act) -> Call {
        let mut path = self.address(&record.key);
        if act == Act::Look {
            path.push_str("?$select=leadid,statecode");
            return Call::get(path);
        }
        let is_returned = self.key != Key::LeadId;
        if is_returned {
            // Else the answer names the alternate key, and not the row.
            path.push_str("?$select=leadid");
        }
        let mut call = Call::with(Method::PATCH, path, &json(record, act, &self.key));
        let condition = if act == Act::Create { "If-None-Match" } else { "If-Match" };
        call.headers.push((condition, "*".to_owned()));
        if is_returned {
            call.headers.push(("Prefer", "return=representation".to_owned()));
        }
        if act == Act::Create && self.duplicates != Duplicates::Create {
            call.headers.push(("MSCRM.SuppressDuplicateDetection", "false".to_owned()));
        }
        call
    }

    /// Several requests as one, each on its own. A single one goes as it is.
    pub(super) fn batch(&self, calls: &[Call]) -> Call {
        if let [one] = calls {
            return one.clone();
        }
        let inner: Vec<Vec<u8>> = calls.iter().map(Call::inner).collect();
        let hash = digest(&SHA256, &inner.concat());
        let name = leadwire_core::hex::encode(&hash.as_ref()[..16]);
        let mut writer = Writer::new(&format!("batch_{name}"));
        let headers = vec![
            ("Content-Type", writer.content_type()),
            // Else the first lead that is refused ends the batch.
            ("Prefer", "odata.continue-on-error".to_owned()),
        ];
        inner.iter().for_each(|it| writer.request(it));
        let path = format!("{}/$batch", self.root);
        Call { method: Method::POST, path, headers, body: writer.finish() }
    }
}

/// How many of the first calls one batch carries: at least one.
pub(super) fn batch_len(calls: &[Call]) -> usize {
    let mut bytes = 0;
    let fits = |it: &&Call| {
        bytes += it.body.len() + it.path.len() + 512;
        bytes <= BATCH_BYTES_MAX
    };
    calls.iter().take(RECORDS_MAX).take_while(fits).count().max(1)
}

/// The value in JSON. Choices come as texts, and are numbers here.
fn plain(target: &str, value: &Mappable) -> Value {
    let is_number = || TARGETS.iter().any(|it| it.name == target && it.kind == Kind::Number);
    match value {
        Mappable::Bool(it) => json!(it),
        Mappable::Text(text) if !is_number() => json!(text),
        Mappable::Text(text) | Mappable::Number(text) => {
            text.trim().parse::<Number>().map_or_else(|_| json!(text), Value::Number)
        }
    }
}
