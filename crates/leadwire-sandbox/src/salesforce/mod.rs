//! A simulated Salesforce org: tokens, leads by the REST API and in collections, describe, queries, tooling, limits.
//!
//! Shapes and texts follow the REST API Developer Guide v62.0 and recorded answers of public clients.

mod bulk;
mod org;
mod query;
mod rest;
mod schema;
mod soql;
mod tasks;
#[cfg(test)]
mod tests;
mod token;
mod tooling;
mod write;

use crate::service::{Became, Call, Fault, Reply, Service};
pub use bulk::JobFate;
use http::Method;
use org::Leads;
use schema::Schema;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
pub use tasks::TaskAccess;
use token::Tokens;

/// The integration user.
const USER: &str = "0055e000001AAAAAA4";
/// Who the active assignment rule gives leads to.
const QUEUE: &str = "00G5e000000AAAAEA4";
/// The field Leadwire finds its leads by.
const KEY_FIELD: &str = "LeadwireLeadId__c";
const KEY_LENGTH: usize = 40;
/// The window of the API calls, in milliseconds, counted in hours.
const HOUR: i64 = 3_600_000;
const HOURS: i64 = 24;
/// Longest path and query, in bytes.
const URI_BYTES_MAX: usize = 16_384;

/// How the org is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// Whether the app has a Run As user.
    pub has_run_as_user: bool,
    /// Who may sign in by JWT bearer; nobody when none.
    pub jwt_user: Option<JwtUser>,
    /// Whether the external id field is there.
    pub has_key_field: bool,
    /// What the duplicate rule for leads does.
    pub duplicate_rule: DuplicateRule,
    /// Whether an assignment rule is active.
    pub has_assignment_rule: bool,
    /// API calls allowed in 24 hours.
    pub daily_calls: u64,
    /// Whether the integration user may customise the org.
    pub is_admin: bool,
    /// What that user may do about tasks.
    pub task_access: TaskAccess,
    /// How long an ingest job takes once it is closed, in milliseconds.
    pub job_millis: i64,
    /// What becomes of ingest jobs.
    pub job_fate: JobFate,
    /// Rows of ingest jobs in 24 hours, after which no further job is taken.
    pub daily_job_records: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "3MVG9sandbox".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            has_run_as_user: true,
            jwt_user: None,
            has_key_field: true,
            duplicate_rule: DuplicateRule::Off,
            has_assignment_rule: true,
            daily_calls: 100_000,
            is_admin: true,
            task_access: TaskAccess::Full,
            job_millis: 4000,
            job_fate: JobFate::Complete,
            daily_job_records: 150_000_000,
        }
    }
}

/// A user that is pre-authorised for the app.
#[derive(Clone, Debug)]
pub struct JwtUser {
    /// The user's name.
    pub username: String,
    /// Public key of the certificate in the app, in PEM.
    pub public_key_pem: String,
    /// The audience assertions must name.
    pub audience: String,
}

/// What a duplicate rule does about a lead with the e-mail address of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateRule {
    /// There is none.
    Off,
    /// It alerts, and can be passed by a header.
    Alert,
    /// It blocks.
    Block,
}

/// Whether the active rule assigns a lead that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Assign {
    Rule,
    Keep,
}

/// An error in the service's words.
#[derive(Clone, Debug, PartialEq)]
struct Problem {
    code: &'static str,
    message: String,
    fields: Vec<String>,
    /// What a duplicate rule found.
    duplicate: Option<Box<Value>>,
}

impl Problem {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), duplicate: None }
    }

    fn of_field(mut self, field: &str) -> Self {
        self.fields = vec![field.to_owned()];
        self
    }

    /// As the only error of an answer, with its details.
    fn reply(&self, status: u16) -> Reply {
        let mut error = json!({ "message": self.message, "errorCode": self.code });
        if !self.fields.is_empty() {
            error["fields"] = json!(self.fields);
        }
        if let Some(duplicate) = &self.duplicate {
            // The service puts it first, in its own spelling.
            let mut whole = Map::from_iter([("duplicateResut".to_owned(), (**duplicate).clone())]);
            whole.insert("errorCode".to_owned(), json!(self.code));
            whole.insert("message".to_owned(), json!(self.message));
            error = Value::Object(whole);
        }
        Reply::json(status, &json!([error]))
    }

    /// As the refusal of a whole call.
    fn refusal<T>(&self, status: u16) -> Result<T, Box<Reply>> {
        Err(Box::new(self.reply(status)))
    }

    /// As an entry of a collection, where the key has another name and details are left out.
    fn entry(&self) -> Value {
        let error = json!({ "statusCode": self.code, "message": self.message, "fields": self.fields });
        json!({ "success": false, "errors": [error] })
    }
}

/// The org.
pub struct Salesforce {
    options: Options,
    tokens: Tokens,
    schema: Schema,
    leads: Leads,
    tasks: Vec<tasks::Task>,
    jobs: Vec<bulk::Job>,
    jobs_made: usize,
    /// Calls by hour.
    calls: BTreeMap<i64, u64>,
    /// Rows of queries that did not fit in one page, by locator.
    pages: HashMap<String, (Vec<Value>, usize)>,
    locators: u64,
    /// Permission sets by name, with what they show.
    permission_sets: BTreeMap<String, BTreeSet<String>>,
    assigned: BTreeSet<String>,
}

impl Salesforce {
    /// An org without leads.
    pub fn new(options: Options) -> Self {
        let mut schema = Schema::standard();
        if options.has_key_field {
            schema.add_text(KEY_FIELD, KEY_LENGTH, true, true);
        }
        Self {
            options,
            tokens: Tokens::default(),
            schema,
            leads: Leads::new(),
            tasks: Vec::new(),
            jobs: Vec::new(),
            jobs_made: 0,
            calls: BTreeMap::new(),
            pages: HashMap::new(),
            locators: 0,
            permission_sets: BTreeMap::new(),
            assigned: BTreeSet::new(),
        }
    }

    /// Changes how the org is set up, as an administrator does.
    pub fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
    }

    /// Converts a lead, as a salesperson does. Whether there is one.
    pub fn convert(&mut self, id: &str) -> bool {
        self.leads.convert(id, None)
    }

    /// The same at a moment, which those who ask for changes see.
    pub fn convert_at(&mut self, id: &str, now: i64) -> bool {
        self.leads.convert(id, Some(now))
    }

    /// Writes fields of a lead in a salesperson's name.
    ///
    /// # Errors
    /// What the org has against it.
    pub fn edit(&mut self, id: &str, values: &Value, now: i64) -> Result<(), String> {
        let values = values.as_object().cloned().unwrap_or_default();
        let manner = org::Manner { assign: Assign::Keep, allow_save: true, now };
        self.leads.update(id, &values, &self.schema, DuplicateRule::Off, &manner).map_err(|it| it.message)
    }

    /// Adds a lead that somebody typed in.
    ///
    /// # Errors
    /// What the org has against it.
    pub fn add(&mut self, values: &Value, now: i64) -> Result<String, String> {
        let values = values.as_object().cloned().unwrap_or_default();
        let manner = org::Manner { assign: Assign::Keep, allow_save: true, now };
        self.leads.create(&values, &self.schema, DuplicateRule::Off, &manner).map_err(|it| it.message)
    }

    /// Restricts a picklist to these values.
    pub fn restrict(&mut self, field: &str, choices: &[&str]) -> bool {
        self.schema.change(field, |it| {
            it.choices = choices.iter().map(|it| (*it).to_owned()).collect();
            it.is_restricted = true;
        })
    }

    /// Makes a field required on every lead.
    pub fn require(&mut self, field: &str) -> bool {
        self.schema.change(field, |it| it.is_required = true)
    }

    /// Hides a field from the integration user.
    pub fn hide(&mut self, field: &str) -> bool {
        self.schema.change(field, |it| it.is_visible = false)
    }

    /// Calls that were counted against the daily allowance at a moment.
    fn used(&self, now: i64) -> u64 {
        self.calls.range(now.div_euclid(HOUR) - HOURS + 1..).map(|it| it.1).sum()
    }

    /// Counts calls other integrations make.
    pub fn use_calls(&mut self, count: u64, now: i64) {
        *self.calls.entry(now.div_euclid(HOUR)).or_default() += count;
        let oldest = now.div_euclid(HOUR) - HOURS;
        self.calls.retain(|hour, _| *hour > oldest);
    }
}

impl Service for Salesforce {
    fn kind(&self) -> &'static str {
        "salesforce"
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        if call.path.len() + call.query.len() > URI_BYTES_MAX {
            return Reply::empty(414);
        }
        match call.path.as_str() {
            "/services/oauth2/token" => self.tokens.answer(call, &self.options, now),
            "/services/data" | "/services/data/" => rest::versions(),
            _ => self.data(call, now),
        }
    }

    fn is_write(&self, call: &Call) -> bool {
        let is_lead = call.path.contains("/sobjects/Lead") || call.path.contains("/composite/sobjects");
        let is_job = call.path.contains("/jobs/ingest");
        (is_lead || is_job) && matches!(call.method, Method::POST | Method::PATCH | Method::PUT)
    }

    fn records(&self) -> Vec<Value> {
        let alive = self.leads.all().iter().filter(|it| !it.is_deleted);
        alive
            .map(|it| {
                let mut shown = json!({
                    "id": it.id,
                    "key": it.values.get(KEY_FIELD),
                    "is_converted": it.is_converted,
                    "fields": it.values,
                });
                let mine = self.tasks.iter().filter(|task| task.is_of(&it.id));
                let tasks: Vec<&Map<String, Value>> = mine.map(|it| &it.values).collect();
                if !tasks.is_empty() {
                    shown["tasks"] = json!(tasks);
                }
                shown
            })
            .collect()
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        let problem = |status, code, message: &str| Some(Problem::new(code, message).reply(status));
        match fault {
            Fault::Busy => problem(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Fault::Failing => problem(503, "SERVER_UNAVAILABLE", "Server Unavailable"),
            Fault::TokenExpired => {
                self.tokens.forget();
                None
            }
            Fault::FieldRemoved(name) => {
                self.schema.remove(name);
                None
            }
            Fault::OkWithError => self.half(call, 1, now),
            Fault::Partial => self.half(call, 2, now),
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
        let status = match became {
            Became::Converted => return self.convert_at(record, now),
            Became::Qualified => "Qualified",
            Became::Disqualified => "Closed - Not Converted",
        };
        self.edit(record, &json!({ "Status": status }), now).is_ok()
    }

    fn destination_settings(&self, base: &str) -> Value {
        json!({
            "url": base,
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret,
        })
    }
}
