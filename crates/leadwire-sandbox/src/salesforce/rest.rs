//! The data calls of the simulated org: what every call must show, and where it goes.

use super::{DuplicateRule, Problem, Salesforce};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};

/// Versions the org offers, and those it no longer does.
const OLDEST: u32 = 31;
const NEWEST: u32 = 68;

pub(super) fn versions() -> Reply {
    let versions: Vec<Value> = (OLDEST..=NEWEST)
        .map(|it| {
            json!({ "label": format!("Release {it}"), "url": format!("/services/data/v{it}.0"), "version": format!("{it}.0") })
        })
        .collect();
    Reply::json(200, &Value::Array(versions))
}

pub(super) fn not_found() -> Reply {
    Problem::new("NOT_FOUND", "The requested resource does not exist").reply(404)
}

pub(super) fn not_allowed(call: &Call) -> Reply {
    let message = format!("HTTP Method '{}' not allowed.", call.method);
    Problem::new("METHOD_NOT_ALLOWED", message).reply(405)
}

/// Reads a body that must be a JSON object.
pub(super) fn object(call: &Call) -> Result<Map<String, Value>, Box<Reply>> {
    if call.media_type() != "application/json" {
        let message = "Content-Type header specified in HTTP request is not supported";
        return Problem::new("UNSUPPORTED_MEDIA_TYPE", message).refusal(415);
    }
    match call.json() {
        Some(Value::Object(body)) => Ok(body),
        Some(_) | None => {
            Problem::new("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]").refusal(400)
        }
    }
}

impl Salesforce {
    /// Answers a data call: counted, and told how much of the day is used.
    pub(super) fn data(&mut self, call: &Call, now: i64) -> Reply {
        let Some(token) = call.bearer() else {
            return Problem::new("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE").reply(401);
        };
        if !self.tokens.is_good(token) {
            return Problem::new("INVALID_SESSION_ID", "Session expired or invalid").reply(401);
        }
        let allowed = self.options.daily_calls;
        let reply = if self.used(now) >= allowed {
            Problem::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").reply(403)
        } else {
            self.use_calls(1, now);
            self.route(call, now)
        };
        reply.header("sforce-limit-info", &format!("api-usage={}/{allowed}", self.used(now)))
    }

    fn route(&mut self, call: &Call, now: i64) -> Reply {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["services", "data", version, rest @ ..] = &segments[..] else { return not_found() };
        let number = version.strip_prefix('v').and_then(|it| it.strip_suffix(".0")?.parse::<u32>().ok());
        match number {
            Some(it) if it < OLDEST => {
                return Problem::new("UNSUPPORTED_API_VERSION", "This API version is retired").reply(410);
            }
            Some(it) if it <= NEWEST => {}
            Some(_) | None => return not_found(),
        }
        match rest {
            [] => Reply::json(
                200,
                &json!({
                    "sobjects": format!("/services/data/{version}/sobjects"),
                    "query": format!("/services/data/{version}/query"),
                    "limits": format!("/services/data/{version}/limits"),
                }),
            ),
            ["limits"] if call.method == Method::GET => {
                let (max, used) = (self.options.daily_calls, self.used(now));
                Reply::json(
                    200,
                    &json!({
                        "DailyApiRequests": { "Max": max, "Remaining": max.saturating_sub(used) },
                        "DataStorageMB": { "Max": 1024, "Remaining": 1000 },
                    }),
                )
            }
            ["query"] if call.method == Method::GET => self.query(call, version),
            ["query", locator] if call.method == Method::GET => self.next_page(locator, version),
            ["sobjects"] if call.method == Method::GET => Reply::json(
                200,
                &json!({
                    "encoding": "UTF-8", "maxBatchSize": 200,
                    "sobjects": [{ "name": "Lead", "label": "Lead", "keyPrefix": "00Q", "createable": true }],
                }),
            ),
            ["sobjects", "Lead", rest @ ..] => self.lead(call, rest, now),
            ["sobjects", "Task", "describe"] if call.method == Method::GET => self.describe_tasks(),
            ["composite", "sobjects"] if call.method == Method::DELETE => self.delete_tasks(call),
            ["sobjects", kind] => self.set_up(call, kind),
            ["composite", "sobjects", rest @ ..] => self.collection(call, rest, now),
            ["jobs", "ingest", rest @ ..] => self.ingest(call, rest, now),
            ["tooling", "sobjects", "CustomField"] => self.custom_field(call),
            _ => not_found(),
        }
    }

    fn lead(&mut self, call: &Call, rest: &[&str], now: i64) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", ["describe"]) => Reply::json(200, &self.describe()),
            ("POST", []) => self.create(call, now),
            ("GET", [id]) => self.read(id, call),
            ("PATCH", [id]) => self.update(call, id, now),
            ("DELETE", [id]) => self.delete_lead(id),
            ("DELETE", [field, value]) => match self.by_key(field, value) {
                Ok(Some(id)) => self.delete_lead(&id),
                Ok(None) => not_found(),
                Err(reply) => *reply,
            },
            ("GET", [field, value]) => match self.by_key(field, value) {
                Ok(Some(id)) => self.read(&id, call),
                Ok(None) => not_found(),
                Err(reply) => *reply,
            },
            ("PATCH", [field, value]) => self.upsert_one(call, field, value, now),
            ("POST", [field, value]) if call.parameter("_HttpMethod").as_deref() == Some("PATCH") => {
                self.upsert_one(call, field, value, now)
            }
            (_, [] | [_] | [_, _]) => not_allowed(call),
            _ => not_found(),
        }
    }

    fn delete_lead(&mut self, id: &str) -> Reply {
        let whole = self.leads.get(id).map(|it| it.id.clone());
        match self.leads.delete(id, &self.schema) {
            Ok(()) => {
                self.lead_deleted(&whole.unwrap_or_default());
                Reply::empty(204)
            }
            Err(problem) => problem.reply(404),
        }
    }

    fn read(&self, id: &str, call: &Call) -> Reply {
        let Some(lead) = self.leads.get(id) else { return not_found() };
        let wanted = call.parameter("fields");
        let names: Vec<&str> = match &wanted {
            Some(text) => text.split(',').map(str::trim).collect(),
            None => self.schema.visible().map(|it| &*it.name).collect(),
        };
        let mut row = super::query::attributes(&lead.id);
        for name in names {
            match self.schema.get(name) {
                Some(field) => drop(row.insert(field.name.clone(), super::query::value(lead, &field.name))),
                None => return super::org::no_such_column(name).reply(400),
            }
        }
        Reply::json(200, &Value::Object(row))
    }

    /// The id of the lead with this external id.
    pub(super) fn by_key(&self, field: &str, value: &str) -> Result<Option<String>, Box<Reply>> {
        match self.schema.get(field).filter(|it| it.is_external_id) {
            None => Problem::new(
                "NOT_FOUND",
                format!("Provided external ID field does not exist or is not accessible: {field}"),
            )
            .refusal(404),
            Some(field) => Ok(self.leads.find(&field.name, value).map(|it| it.id.clone())),
        }
    }

    fn describe(&self) -> Value {
        let fields: Vec<Value> = self.schema.visible().map(super::schema::Field::describe).collect();
        json!({
            "name": "Lead", "label": "Lead", "labelPlural": "Leads", "keyPrefix": "00Q", "custom": false,
            "createable": true, "updateable": true, "deletable": true, "queryable": true, "fields": fields,
            "recordTypeInfos": [], "childRelationships": [], "urls": {},
        })
    }

    pub(super) fn rule(&self) -> DuplicateRule {
        self.options.duplicate_rule
    }
}
