//! A simulated HubSpot: contacts with properties that are checked, batches with partial success, and rate limits.
//!
//! Follows HubSpot's contacts guide, error handling and usage guidelines. Stricter where those are silent: results come
//! in another order than asked, and a batch without trace ids succeeds whole or not at all.

mod batch;
mod contacts;
mod notes;
mod search;
#[cfg(test)]
mod tests;

use crate::service::{Became, Call, Fault, Reply, Service};
use contacts::Contacts;
use http::Method;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Calls an app may make in ten seconds (HubSpot, usage guidelines, Free and Starter).
const BURST_MAX: usize = 100;
/// Length of that window, in milliseconds.
const BURST_WINDOW: i64 = 10_000;

/// How the account is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one key that is good.
    pub token: String,
    /// Calls in ten seconds; none: no limit.
    pub burst_max: Option<usize>,
    /// Calls in a day; none: no limit.
    pub daily_max: Option<u64>,
    /// Whether the key may read and write notes.
    pub may_write_notes: bool,
    /// Refuses every call with a note that has this word, as a whole.
    pub refused_note: Option<String>,
}

impl Options {
    /// A free account with this key.
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            burst_max: Some(BURST_MAX),
            daily_max: Some(250_000),
            may_write_notes: true,
            refused_note: None,
        }
    }
}

/// The account.
pub struct HubSpot {
    options: Options,
    contacts: Contacts,
    notes: notes::Notes,
    burst: VecDeque<i64>,
    day: (i64, u64),
    correlation: u64,
}

impl HubSpot {
    /// An account without contacts.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            contacts: Contacts::default(),
            notes: notes::Notes::default(),
            burst: VecDeque::new(),
            day: (0, 0),
            correlation: 0,
        }
    }

    /// Adds a property of the account's own; with `unique` values contacts can be known by it.
    pub fn add_property(&mut self, name: &str, unique: bool) {
        self.contacts.add_property(name, unique);
    }

    /// Changes how the account is set up, as an administrator does.
    pub fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
    }

    fn limited(&mut self, now: i64) -> Option<Reply> {
        while self.burst.front().is_some_and(|it| *it <= now - BURST_WINDOW) {
            self.burst.pop_front();
        }
        let day = now.div_euclid(24 * 3600 * 1000);
        if self.day.0 != day {
            self.day = (day, 0);
        }
        if self.options.burst_max.is_some_and(|max| self.burst.len() >= max) {
            return Some(self.too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"));
        }
        if self.options.daily_max.is_some_and(|max| self.day.1 >= max) {
            return Some(self.too_many("DAILY", "daily"));
        }
        self.burst.push_back(now);
        self.day.1 += 1;
        None
    }

    fn too_many(&mut self, policy: &str, name: &str) -> Reply {
        let body = json!({
            "status": "error",
            "message": format!("You have reached your {name} limit."),
            "errorType": "RATE_LIMIT",
            "correlationId": self.correlation(),
            "policyName": policy,
            "category": "RATE_LIMITS",
        });
        Reply::json(429, &body)
    }

    fn correlation(&mut self) -> String {
        self.correlation += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.correlation)
    }

    fn error(&mut self, status: u16, category: &str, message: &str) -> Reply {
        let body = json!({
            "status": "error",
            "message": message,
            "correlationId": self.correlation(),
            "category": category,
        });
        Reply::json(status, &body)
    }

    /// The rate headers of every answer but a search.
    fn with_rates(&self, reply: Reply) -> Reply {
        let reply = match self.options.daily_max {
            Some(max) => reply
                .header("x-hubspot-ratelimit-daily", &max.to_string())
                .header("x-hubspot-ratelimit-daily-remaining", &max.saturating_sub(self.day.1).to_string()),
            None => reply,
        };
        let Some(max) = self.options.burst_max else { return reply };
        let left = max.saturating_sub(self.burst.len());
        reply
            .header("x-hubspot-ratelimit-max", &max.to_string())
            .header("x-hubspot-ratelimit-remaining", &left.to_string())
            .header("x-hubspot-ratelimit-interval-milliseconds", &BURST_WINDOW.to_string())
    }

    fn route(&mut self, call: &Call, now: i64) -> Reply {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(reply) = self.route_notes(call, &segments) {
            return reply;
        }
        // `crm/v3/objects/contacts/…` and `crm/objects/2026-09/contacts/…` mean the same.
        let (noun, rest) = match segments.as_slice() {
            ["crm", version, noun, "contacts", rest @ ..] if version.starts_with('v') => (*noun, rest),
            ["crm", noun, version, "contacts", rest @ ..] if version.starts_with("20") => (*noun, rest),
            _ => return self.error(404, "OBJECT_NOT_FOUND", "resource not found"),
        };
        match (&call.method, noun, rest) {
            (&Method::GET, "properties", []) => Reply::json(200, &self.contacts.properties()),
            (&Method::GET, "properties", [name]) => match self.contacts.property(name) {
                Some(property) => Reply::json(200, &property),
                None => self.error(404, "OBJECT_NOT_FOUND", "resource not found"),
            },
            (&Method::GET, "objects", []) => Reply::json(200, &self.contacts.first(10)),
            (&Method::POST, "objects", []) => self.create_one(call, now),
            (&Method::POST, "objects", ["search"]) => self.search(call),
            (&Method::POST, "objects", ["gdpr-delete"]) => self.erase(call),
            (&Method::POST, "objects", ["batch", verb]) => self.batch(verb, call, now),
            (&Method::GET, "objects", [id]) => {
                match self.contacts.find(call.parameter("idProperty").as_deref(), id) {
                    Some(at) => Reply::json(200, &self.contacts.shape(at)),
                    None => self.error(404, "OBJECT_NOT_FOUND", "resource not found"),
                }
            }
            (&Method::PATCH, "objects", [id]) => self.update_one(call, id, now),
            (&Method::DELETE, "objects", [id]) => {
                self.contacts.archive(id);
                Reply::empty(204)
            }
            _ => self.error(405, "METHOD_NOT_ALLOWED", "method not allowed"),
        }
    }

    /// Calls about notes; none: it is about something else.
    fn route_notes(&mut self, call: &Call, segments: &[&str]) -> Option<Reply> {
        let (noun, is_v3, rest) = match segments {
            ["crm", version, noun, rest @ ..] if version.starts_with('v') => (*noun, *version == "v3", rest),
            ["crm", noun, version, rest @ ..] if version.starts_with("20") => (*noun, false, rest),
            _ => return None,
        };
        match (&call.method, noun, rest) {
            (&Method::POST, "objects", ["notes", "batch", verb]) => Some(self.notes_batch(verb, call)),
            (&Method::GET, "objects", ["notes"]) => Some(self.list_notes()),
            (&Method::POST, "associations", ["contacts", "notes", "batch", "read"]) => {
                Some(self.notes_of_contacts(call, is_v3))
            }
            _ => None,
        }
    }

    /// Deletes a contact for good. An address that is not known is barred, as HubSpot does.
    fn erase(&mut self, call: &Call) -> Reply {
        let Some(body) = call.json() else {
            return self.error(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1");
        };
        let Some(id) = body.get("objectId").and_then(Value::as_str).filter(|it| !it.is_empty()) else {
            return self.error(400, "VALIDATION_ERROR", "Invalid input: objectId must not be empty");
        };
        let property = body.get("idProperty").and_then(Value::as_str);
        if self.contacts.erase(property, id) || property == Some("email") {
            return Reply::empty(204);
        }
        self.error(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    fn create_one(&mut self, call: &Call, now: i64) -> Reply {
        let Some(body) = call.json() else {
            return self.error(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1");
        };
        match self.contacts.create(&body["properties"], now) {
            Ok(at) => Reply::json(201, &self.contacts.shape(at)),
            Err(problem) => self.error(problem.status, problem.category, &problem.message),
        }
    }

    fn update_one(&mut self, call: &Call, id: &str, now: i64) -> Reply {
        let Some(body) = call.json() else {
            return self.error(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1");
        };
        let Some(at) = self.contacts.find(call.parameter("idProperty").as_deref(), id) else {
            return self.error(404, "OBJECT_NOT_FOUND", "resource not found");
        };
        match self.contacts.update(at, &body["properties"], now) {
            Ok(()) => Reply::json(200, &self.contacts.shape(at)),
            Err(problem) => self.error(problem.status, problem.category, &problem.message),
        }
    }
}

impl Service for HubSpot {
    fn kind(&self) -> &'static str {
        "hubspot"
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        if call.bearer() != Some(self.options.token.as_str()) {
            let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can \
                           find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
            return self.error(401, "INVALID_AUTHENTICATION", message);
        }
        if let Some(limited) = self.limited(now) {
            return limited;
        }
        if call.method != Method::GET && !call.body.is_empty() && call.media_type() != "application/json" {
            return self.error(415, "VALIDATION_ERROR", "Unsupported Media Type");
        }
        let is_search = call.path.ends_with("/search");
        let reply = self.route(call, now);
        // A search tells no rates.
        if is_search { reply } else { self.with_rates(reply) }
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method != Method::GET && !["/batch/read", "/search"].iter().any(|it| call.path.ends_with(it))
    }

    fn records(&self) -> Vec<Value> {
        let mut records = self.contacts.records();
        let notes = self.notes.by_contact();
        for record in &mut records {
            if let Some(notes) = record["id"].as_str().and_then(|it| notes.get(it)) {
                record["notes"] = json!(notes);
            }
        }
        let ids = records.iter().filter_map(|it| Some(it["id"].as_str()?.to_owned())).collect();
        let left = self.notes.left(&ids).into_iter();
        records.extend(left.map(|it| json!({ "note_of_nothing": it })));
        records
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        match fault {
            Fault::Busy => Some(self.too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")),
            Fault::Failing => Some(self.error(503, "SERVICE_UNAVAILABLE", "Service unavailable")),
            Fault::OkWithError => Some(Reply::json(200, &json!({ "status": "COMPLETE", "results": [] }))),
            Fault::TokenExpired => Some(self.error(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired",
            )),
            Fault::Partial => Some(self.partial(call, now)),
            Fault::FieldRemoved(name) => {
                self.contacts.remove_property(name);
                None
            }
            // The server around the service deals with these.
            Fault::Latency(_)
            | Fault::CutBefore
            | Fault::CutAfter
            | Fault::CutMidAnswer
            | Fault::Stall
            | Fault::Html
            | Fault::EmptyAnswer
            | Fault::HugeAnswer => None,
        }
    }

    fn decide(&mut self, record: &str, became: Became, now: i64) -> bool {
        let Some(at) = self.contacts.find(None, record) else { return false };
        let properties = match became {
            Became::Qualified => json!({ "lifecyclestage": "opportunity" }),
            Became::Disqualified => json!({ "hs_lead_status": "UNQUALIFIED" }),
            Became::Converted => json!({ "lifecyclestage": "customer" }),
        };
        self.contacts.update(at, &properties, now).is_ok()
    }

    fn destination_settings(&self, base: &str) -> Value {
        json!({ "token": self.options.token, "api_url": base })
    }
}
