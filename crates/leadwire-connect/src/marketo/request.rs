//! Marketo's calls that write people: from records to the bytes of requests, within its bounds. Pure.

use super::fields::{COMPANY_FIELDS, CONSENT_FIELDS};
use super::session::Call;
use leadwire_core::mapping::{MappedField, Value, Write};
use serde_json::{Map, Number, Value as Json, json};
use std::ops::Range;

/// Most records in a call (Adobe, marketo-integration-best-practices.md).
pub(super) const RECORDS_MAX: usize = 300;
/// Most bytes of a body: "1 MB" is the bound, whichever of the two megabytes it means.
pub(super) const BODY_BYTES_MAX: usize = 1_000_000;

/// Which fields of a record a call writes, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Everything, to make people that are not there (`createOnly`).
    Create,
    /// What is Leadwire's own, to people that are there (`updateOnly`).
    Own,
    /// Everything, whether they are there or not (`createOrUpdate`).
    Whole,
    /// Everything but the company, to people that are there (`updateOnly`).
    Rest,
    /// What is Leadwire's own, with the activity of a programme (`push.json`, always an upsert).
    PushOwn,
    /// Everything, with the activity of a programme.
    PushWhole,
    /// Everything but the company, with the activity of a programme.
    PushRest,
}

/// A programme that touchpoints are pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) status: Option<String>,
    pub(super) source: Option<String>,
    pub(super) reason: Option<String>,
}

/// What every call has in common.
pub(super) struct Shape {
    pub(super) lookup: String,
    pub(super) partition: Option<String>,
    pub(super) program: Option<Program>,
}

impl Shape {
    /// A record as this sort of call writes it.
    pub(super) fn record(&self, key: &str, fields: &[MappedField], sort: Sort) -> String {
        let mut record = Map::new();
        record.insert(self.lookup.clone(), json!(key));
        for field in fields.iter().filter(|it| it.target != self.lookup) {
            let is_meant = match sort {
                Sort::Create | Sort::Whole | Sort::PushWhole => true,
                Sort::Own | Sort::PushOwn => field.write == Write::Always,
                Sort::Rest | Sort::PushRest => !COMPANY_FIELDS.contains(&field.target.as_str()),
            };
            let undoes = CONSENT_FIELDS.contains(&field.target.as_str()) && field.value == Value::Bool(false);
            if is_meant && !undoes {
                record.insert(field.target.clone(), as_json(&field.value));
            }
        }
        Json::Object(record).to_string()
    }

    /// A call with these records.
    pub(super) fn call(&self, sort: Sort, records: &[String]) -> Call {
        let head = self.head(sort);
        let mut body = String::with_capacity(self.body_bytes(&head, records));
        body.push_str(&head);
        body.push_str(&records.join(","));
        body.push_str("]}");
        Call::post(if sort.is_push() { "rest/v1/leads/push.json" } else { "rest/v1/leads.json" }, body)
    }

    /// Which records go together: as few calls as the bounds allow. A record that alone is too large is in none.
    pub(super) fn chunks(&self, sort: Sort, records: &[String]) -> Vec<Range<usize>> {
        let room = BODY_BYTES_MAX - (self.head(sort).len() + 2).min(BODY_BYTES_MAX);
        let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
        let mut close = |range: Range<usize>| {
            if !range.is_empty() {
                chunks.push(range);
            }
        };
        for (at, record) in records.iter().enumerate() {
            let more = record.len() + 1;
            if more > room {
                close(start..at);
                (start, bytes) = (at + 1, 0);
                continue;
            }
            if at - start == RECORDS_MAX || bytes + more > room {
                close(start..at);
                (start, bytes) = (at, 0);
            }
            bytes += more;
        }
        close(start..records.len());
        chunks
    }

    fn body_bytes(&self, head: &str, records: &[String]) -> usize {
        head.len() + records.iter().map(|it| it.len() + 1).sum::<usize>() + 2
    }

    /// A body up to its records.
    fn head(&self, sort: Sort) -> String {
        let mut head = Map::new();
        if let (true, Some(program)) = (sort.is_push(), &self.program) {
            head.insert("programName".to_owned(), json!(program.name));
            let more = [
                ("programStatus", &program.status),
                ("source", &program.source),
                ("reason", &program.reason),
            ];
            for (name, value) in more {
                if let Some(value) = value {
                    head.insert(name.to_owned(), json!(value));
                }
            }
        } else {
            head.insert("action".to_owned(), json!(sort.action()));
        }
        head.insert("lookupField".to_owned(), json!(self.lookup));
        // Only calls that may make people take a partition (Adobe, leads.md).
        if let Some(partition) = self.partition.as_ref().filter(|_| sort.action() != "updateOnly") {
            head.insert("partitionName".to_owned(), json!(partition));
        }
        if !sort.is_push() {
            head.insert("asyncProcessing".to_owned(), json!(false));
        }
        let mut head = Json::Object(head).to_string();
        head.pop();
        head.push_str(",\"input\":[");
        head
    }
}

impl Sort {
    fn action(self) -> &'static str {
        match self {
            Self::Create => "createOnly",
            Self::Own | Self::Rest => "updateOnly",
            Self::Whole | Self::PushOwn | Self::PushWhole | Self::PushRest => "createOrUpdate",
        }
    }

    pub(super) fn is_push(self) -> bool {
        matches!(self, Self::PushOwn | Self::PushWhole | Self::PushRest)
    }
}

/// A value in JSON: numbers and yes or no as such, for a boolean field refuses a text.
pub(crate) fn as_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Bool(it) => json!(it),
        Value::Number(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => json!(whole),
            (Err(_), Ok(it)) => Number::from_f64(it).map_or_else(|| json!(text), Json::Number),
            (Err(_), Err(_)) => json!(text),
        },
    }
}

/// Asks for people by a field.
pub(crate) fn find(field: &str, key: &str) -> Call {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("filterType", field)
        .append_pair("filterValues", key)
        .append_pair("fields", "id")
        .finish();
    Call::get(format!("rest/v1/leads.json?{query}"))
}

/// Deletes a person by id, as a number.
pub(crate) fn delete(id: u64) -> Call {
    Call {
        method: http::Method::DELETE,
        path: "rest/v1/leads.json".to_owned(),
        body: json!({ "input": [{ "id": id }] }).to_string(),
    }
}
