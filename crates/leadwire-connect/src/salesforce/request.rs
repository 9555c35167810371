//! Makes the requests of a delivery: pure functions from records and settings to method, path, headers and body.

use crate::group::Record;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use leadwire_core::mapping::{Value as Mappable, Write};
use serde_json::{Map, Number, Value, json};
use url::form_urlencoded::byte_serialize;

/// Most records of one call (REST API Developer Guide v62.0, "Upsert Multiple Records with an External ID").
pub(super) const RECORDS_MAX: usize = 200;

/// What requests depend on besides the records.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Such as `v62.0`.
    pub(super) version: String,
    /// The external id field.
    pub(super) key_field: String,
    /// For new leads; leads that are there already are never assigned anew.
    pub(super) assignment: Assignment,
    pub(super) duplicates: Duplicates,
}

/// Which assignment rule runs for a new lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assignment {
    Active,
    None,
    Rule(String),
}

/// What to do when a duplicate rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    Link,
    Force,
    Park,
}

/// Why a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// It is not there yet, or all of it may be written.
    Whole,
    /// It is there, and only Leadwire's own fields are written.
    Owned,
}

fn json(record: &Record, sort: Sort, key_field: &str, is_row: bool) -> Value {
    let mut shape = Map::new();
    if is_row {
        shape.insert("attributes".to_owned(), json!({ "type": "Lead" }));
        shape.insert(key_field.to_owned(), json!(record.key));
    }
    for field in &record.fields {
        // Neither the id nor the key may be in the body (guide, "Upsert a record using an external ID").
        let is_key = field.target.eq_ignore_ascii_case(key_field) || field.target.eq_ignore_ascii_case("id");
        let is_meant = match sort {
            Sort::Whole => true,
            Sort::Owned => field.write == Write::Always,
        };
        if is_meant && !is_key {
            shape.insert(field.target.clone(), plain(&field.value));
        }
    }
    Value::Object(shape)
}

/// A call, without address and token.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self { method: Method::GET, path, headers, body: Vec::new() }
    }

    pub(super) fn with(method: Method, path: String, body: &Value) -> Self {
        let mut call = Self::get(path);
        call.method = method;
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        call.body = body.to_string().into_bytes();
        call
    }
}

impl Shape {
    /// The root of the data calls.
    pub(super) fn root(&self) -> String {
        format!("/services/data/{}", self.version)
    }

    /// Asks which of these leads are there. 200 keys of 31 characters make a query of 8,000 bytes; 16,384 are allowed.
    pub(super) fn look_up<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Call {
        let keys: Vec<String> = keys.map(quoted).collect();
        let field = &self.key_field;
        self.query(&format!("SELECT Id,{field},IsConverted FROM Lead WHERE {field} IN ({})", keys.join(",")))
    }

    pub(super) fn query(&self, soql: &str) -> Call {
        let soql: String = byte_serialize(soql.as_bytes()).collect();
        Call::get(format!("{}/query?q={soql}", self.root()))
    }

    /// Writes up to [`RECORDS_MAX`] records by external id, each on its own.
    pub(super) fn upsert(&self, records: &[&Record], sort: Sort) -> Call {
        let rows: Vec<Value> = records.iter().map(|it| json(it, sort, &self.key_field, true)).collect();
        let path = format!("{}/composite/sobjects/Lead/{}", self.root(), self.key_field);
        let mut call = Call::with(Method::PATCH, path, &json!({ "allOrNone": false, "records": rows }));
        self.put_headers(&mut call.headers, sort);
        call
    }

    /// Writes one record by external id: its answer says what a duplicate rule has found.
    pub(super) fn upsert_one(&self, record: &Record, sort: Sort) -> Call {
        let path = format!("{}/sobjects/Lead/{}/{}", self.root(), self.key_field, record.key);
        let mut call = Call::with(Method::PATCH, path, &json(record, sort, &self.key_field, false));
        self.put_headers(&mut call.headers, sort);
        call
    }

    fn put_headers(&self, headers: &mut HeaderMap, sort: Sort) {
        // Without the header the active rule runs, also for leads that are there, and takes them from their owner.
        let assign = match (sort, &self.assignment) {
            (Sort::Owned, _) | (Sort::Whole, Assignment::None) => "FALSE",
            (Sort::Whole, Assignment::Active) => "TRUE",
            (Sort::Whole, Assignment::Rule(id)) => id,
        };
        let assign =
            HeaderValue::try_from(assign).expect("the id of a rule is checked to be letters and digits");
        headers.insert(HeaderName::from_static("sforce-auto-assign"), assign);
        match self.duplicates {
            Duplicates::Force => {
                let value = HeaderValue::from_static("allowSave=true");
                headers.insert(HeaderName::from_static("sforce-duplicate-rule-header"), value);
            }
            Duplicates::Link | Duplicates::Park => {}
        }
    }
}

/// A string literal of SOQL.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn plain(value: &Mappable) -> Value {
    match value {
        Mappable::Text(text) => json!(text),
        Mappable::Bool(it) => json!(it),
        Mappable::Number(text) => text.parse::<Number>().map_or_else(|_| json!(text), Value::Number),
    }
}
