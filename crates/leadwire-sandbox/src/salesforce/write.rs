//! Writing leads in the simulated org: alone and in collections.

use super::org::{Manner, no_such_column};
use super::rest::{not_allowed, not_found, object};
use super::{Assign, Problem, Salesforce};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Most records of one collection.
const RECORDS_MAX: usize = 200;

impl Salesforce {
    /// The headers that say how a write is to be treated.
    fn manner(&self, call: &Call, now: i64) -> Manner {
        let is_off = call.header("sforce-auto-assign").is_some_and(|it| it.eq_ignore_ascii_case("false"));
        let assign = if self.options.has_assignment_rule && !is_off { Assign::Rule } else { Assign::Keep };
        let duplicate = call.header("sforce-duplicate-rule-header").unwrap_or_default();
        let allow_save =
            duplicate.split(';').any(|it| it.replace(' ', "").eq_ignore_ascii_case("allowsave=true"));
        Manner { assign, allow_save, now }
    }

    pub(super) fn create(&mut self, call: &Call, now: i64) -> Reply {
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let manner = self.manner(call, now);
        match self.leads.create(&body, &self.schema, self.options.duplicate_rule, &manner) {
            Ok(id) => Reply::json(201, &json!({ "id": id, "success": true, "errors": [] })),
            Err(problem) => problem.reply(400),
        }
    }

    pub(super) fn update(&mut self, call: &Call, id: &str, now: i64) -> Reply {
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let manner = self.manner(call, now);
        match self.leads.update(id, &body, &self.schema, self.options.duplicate_rule, &manner) {
            Ok(()) => Reply::empty(204),
            Err(problem) if matches!(problem.code, "NOT_FOUND" | "ENTITY_IS_DELETED") => problem.reply(404),
            Err(problem) => problem.reply(400),
        }
    }

    pub(super) fn upsert_one(&mut self, call: &Call, field: &str, value: &str, now: i64) -> Reply {
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        let is_key = |it: &&String| it.eq_ignore_ascii_case(field) || it.eq_ignore_ascii_case("id");
        if let Some(name) = body.keys().find(is_key) {
            let message = format!("The {name} field should not be specified in the sobject data.");
            return Problem::new("INVALID_FIELD", message).of_field(name).reply(400);
        }
        let manner = self.manner(call, now);
        match self.by_key(field, value) {
            Err(reply) => *reply,
            Ok(found) => match self.upsert(&body, found.as_deref(), (field, value), &manner) {
                Ok((id, created)) => Reply::json(
                    if created { 201 } else { 200 },
                    &json!({ "id": id, "success": true, "errors": [], "created": created }),
                ),
                Err(problem) => problem.reply(400),
            },
        }
    }

    fn upsert(
        &mut self,
        body: &Map<String, Value>,
        found: Option<&str>,
        (field, value): (&str, &str),
        manner: &Manner,
    ) -> Result<(String, bool), Problem> {
        let rule = self.rule();
        match found {
            Some(id) => {
                self.leads.update(id, body, &self.schema, rule, manner)?;
                Ok((id.to_owned(), false))
            }
            None => {
                let mut whole = body.clone();
                whole.insert(field.to_owned(), json!(value));
                Ok((self.leads.create(&whole, &self.schema, rule, manner)?, true))
            }
        }
    }

    /// `POST /composite/sobjects` and `PATCH /composite/sobjects/Lead/{field}`.
    pub(super) fn collection(&mut self, call: &Call, rest: &[&str], now: i64) -> Reply {
        let manner = self.manner(call, now);
        self.collection_with(call, rest, &manner, |_| true)
    }

    /// A collection in which only every so many-th record is refused for a lock; the others are applied.
    pub(super) fn half(&mut self, call: &Call, every: usize, now: i64) -> Option<Reply> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["services", "data", _, "composite", "sobjects", rest @ ..] = &segments[..] else { return None };
        // What is not signed in gets its usual answer.
        call.bearer().filter(|it| self.tokens.is_good(it))?;
        let manner = self.manner(call, now);
        Some(self.collection_with(call, rest, &manner, |at| at % every != every - 1))
    }

    fn collection_with(
        &mut self,
        call: &Call,
        rest: &[&str],
        manner: &Manner,
        is_applied: impl Fn(usize) -> bool,
    ) -> Reply {
        let key_field = match (&call.method, rest) {
            (&Method::POST, []) => None,
            (&Method::PATCH, ["Lead", field]) => Some(*field),
            (_, [] | [_, _]) => return not_allowed(call),
            _ => return not_found(),
        };
        let body = match object(call) {
            Ok(body) => body,
            Err(reply) => return *reply,
        };
        if key_field.is_none() && super::tasks::are_tasks(&body) {
            return self.create_tasks(&body, is_applied);
        }
        let records = match self.rows(&body, key_field) {
            Ok(records) => records,
            Err(reply) => return *reply,
        };
        let is_all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
        if is_all_or_none {
            let message = "this simulated org writes each record on its own: send allOrNone false";
            return Problem::new("INVALID_INPUT", message).reply(400);
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        let key_of = |row: &Map<String, Value>| {
            let found = row.iter().find(|it| key_field.is_some_and(|key| it.0.eq_ignore_ascii_case(key)));
            found.and_then(|it| it.1.as_str()).map(str::to_owned)
        };
        for key in records.iter().filter_map(key_of) {
            *counts.entry(key.to_lowercase()).or_default() += 1;
        }
        let mut entries = Vec::with_capacity(records.len());
        for (at, row) in records.iter().enumerate() {
            let key = key_of(row);
            let is_repeated = key.as_ref().is_some_and(|it| counts[&it.to_lowercase()] > 1);
            let said = if !is_applied(at) {
                let message = "unable to obtain exclusive access to this record or 1 records";
                Err(Problem::new("UNABLE_TO_LOCK_ROW", message))
            } else if is_repeated {
                let message = format!("Duplicate external id specified: {}", key.unwrap_or_default());
                Err(Problem::new("DUPLICATE_VALUE", message))
            } else {
                self.row(row, key_field.zip(key.as_deref()), manner)
            };
            entries.push(match said {
                Ok((id, Some(created))) => {
                    json!({ "id": id, "success": true, "errors": [], "created": created })
                }
                Ok((id, None)) => json!({ "id": id, "success": true, "errors": [] }),
                Err(problem) => problem.entry(),
            });
        }
        Reply::json(200, &Value::Array(entries))
    }

    fn row(
        &mut self,
        row: &Map<String, Value>,
        key: Option<(&str, &str)>,
        manner: &Manner,
    ) -> Result<(String, Option<bool>), Problem> {
        let mut row = row.clone();
        row.remove("attributes");
        match key {
            None => Ok((self.leads.create(&row, &self.schema, self.options.duplicate_rule, manner)?, None)),
            Some((field, value)) => {
                row.retain(|name, _| !name.eq_ignore_ascii_case(field));
                let found = self.leads.find(field, value).map(|it| it.id.clone());
                let (id, created) = self.upsert(&row, found.as_deref(), (field, value), manner)?;
                Ok((id, Some(created)))
            }
        }
    }

    /// The records of a collection, or why the whole call is refused.
    fn rows(
        &self,
        body: &Map<String, Value>,
        key_field: Option<&str>,
    ) -> Result<Vec<Map<String, Value>>, Box<Reply>> {
        let refuse = |code, message: String| Problem::new(code, message).refusal(400);
        if let Some(field) = key_field {
            self.by_key(field, "")?;
        }
        let Some(rows) = body.get("records").and_then(Value::as_array) else {
            return refuse("JSON_PARSER_ERROR", "The records attribute is missing".to_owned());
        };
        if rows.is_empty() || rows.len() > RECORDS_MAX {
            return refuse(
                "EXCEEDED_MAX_TYPES_LIMIT",
                format!("record count is {}; allowed are 1 to {RECORDS_MAX}", rows.len()),
            );
        }
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(row) = row.as_object() else {
                return refuse("JSON_PARSER_ERROR", "A record is not an object".to_owned());
            };
            if row.get("attributes").and_then(|it| it.get("type")?.as_str()) != Some("Lead") {
                return refuse("INVALID_TYPE", "attributes.type must be Lead".to_owned());
            }
            if row.keys().any(|it| it.eq_ignore_ascii_case("id")) {
                return refuse("INVALID_FIELD", "cannot specify Id in an insert or upsert call".to_owned());
            }
            let unknown = row.keys().find(|it| *it != "attributes" && self.schema.get(it).is_none());
            if let Some(name) = unknown {
                return no_such_column(name).refusal(400);
            }
            let has_key = key_field.is_none_or(|key| {
                row.iter().any(|it| {
                    it.0.eq_ignore_ascii_case(key) && it.1.as_str().is_some_and(|it| !it.is_empty())
                })
            });
            if !has_key {
                return refuse(
                    "MISSING_ARGUMENT",
                    format!("{} not specified", key_field.unwrap_or_default()),
                );
            }
            out.push(row.clone());
        }
        Ok(out)
    }
}
