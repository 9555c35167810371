//! A simulated Dataverse environment with leads: the Web API, `$batch`, metadata, alternate keys and service protection.
//!
//! Follows learn.microsoft.com, `power-apps/developer/data-platform` and its `webapi` pages, and recorded errors. Stricter:
//! service protection counts for the environment and not for each of its web servers.

mod access;
mod batch;
mod leads;
mod metadata;
mod notes;
mod rows;
mod schema;

#[cfg(test)]
mod tests;

use crate::entra::{self, Entra};
use crate::service::{Became, Call, Fault, Reply, Service};
use http::Method;
use leads::Leads;
use metadata::AlternateKey;
use schema::Schema;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// The application user.
pub const USER: &str = "d96e9f55-0000-4000-8000-000000000001";
/// A team that leads may be given to.
pub const TEAM: &str = "d96e9f55-0000-4000-8000-000000000002";
/// A campaign.
pub const CAMPAIGN: &str = "d96e9f55-0000-4000-8000-000000000003";
/// Requests of a user in the window (api-limits).
const REQUESTS_MAX: usize = 6000;
/// Length of the window, in milliseconds.
const WINDOW: i64 = 300_000;

/// How the environment is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory and the app.
    pub entra: entra::Options,
    /// Whether the app is an application user.
    pub has_app_user: bool,
    /// Whether that user has a security role at all.
    pub has_role: bool,
    /// Its privileges on leads, such as `prvCreateLead`, and `prvCustomize` for columns and keys.
    pub privileges: Vec<&'static str>,
    /// Whether a duplicate detection rule for the e-mail address is published.
    pub has_duplicate_rule: bool,
    /// Status of what the rule answers: documents disagree between 412 and 500.
    pub duplicate_status: u16,
    /// Requests in five minutes; none: no limit.
    pub requests_max: Option<usize>,
    /// How long the index of an alternate key is built, in milliseconds.
    pub key_building: i64,
    /// Whether a deleted lead takes its notes along, as the relationship does where nobody changed it.
    pub notes_cascade: bool,
}

impl Options {
    /// An environment whose app has this secret.
    pub fn new(client_secret: &str) -> Self {
        Self {
            entra: entra::Options::new(client_secret),
            has_app_user: true,
            has_role: true,
            privileges: vec![
                "prvCreateLead",
                "prvReadLead",
                "prvWriteLead",
                "prvDeleteLead",
                "prvAppendToLead",
                "prvCreateNote",
                "prvReadNote",
                "prvAppendNote",
                "prvDeleteNote",
                "prvCustomize",
            ],
            has_duplicate_rule: false,
            duplicate_status: 412,
            requests_max: Some(REQUESTS_MAX),
            key_building: 15_000,
            notes_cascade: true,
        }
    }
}

/// An error in the service's words.
#[derive(Clone, Debug, PartialEq)]
struct Problem {
    status: u16,
    code: &'static str,
    message: String,
    /// Seconds to wait.
    wait: Option<i64>,
}

impl Problem {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), wait: None }
    }

    fn reply(&self) -> Reply {
        let reply =
            json_reply(self.status, &json!({ "error": { "code": self.code, "message": self.message } }));
        match self.wait {
            Some(wait) => reply.header("retry-after", &wait.to_string()),
            None => reply,
        }
    }
}

fn json_reply(status: u16, body: &Value) -> Reply {
    let kind = "application/json; odata.metadata=minimal";
    Reply::text(status, kind, body.to_string()).header("odata-version", "4.0")
}

/// The environment.
pub struct Dynamics {
    options: Options,
    entra: Entra,
    schema: Schema,
    leads: Leads,
    notes: notes::Notes,
    keys: Vec<AlternateKey>,
    /// Moments of the requests in the window.
    window: VecDeque<i64>,
    requests: u64,
    throttles: usize,
}

impl Dynamics {
    /// An environment without leads.
    pub fn new(options: Options) -> Self {
        let mut leads = Leads::default();
        for (table, id) in [("systemuser", USER), ("team", TEAM), ("campaign", CAMPAIGN)] {
            leads.others.insert((table.to_owned(), id.to_owned()));
        }
        Self {
            entra: Entra::new(options.entra.clone()),
            options,
            schema: Schema::standard(),
            leads,
            notes: notes::Notes::default(),
            keys: Vec::new(),
            window: VecDeque::new(),
            requests: 0,
            throttles: 0,
        }
    }

    /// The directory the app signs in at.
    pub fn entra(&mut self) -> &mut Entra {
        &mut self.entra
    }

    /// Changes how the environment is set up, as an administrator does; not the directory.
    pub fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
    }

    /// Adds a text column, and an active alternate key of it when asked to.
    pub fn add_column(&mut self, name: &str, longest: usize, is_key: bool) {
        self.schema.add_text(name, longest);
        if is_key {
            self.leads.add_key(name);
            self.keys.push(AlternateKey::active(name));
        }
    }

    /// Secures a column, so that the application user may not write it.
    pub fn secure_column(&mut self, name: &str) -> bool {
        self.schema.change(name, |it| it.is_secured = true)
    }

    /// Leaves only these choices to a column.
    pub fn restrict(&mut self, name: &str, choices: &[i64]) -> bool {
        self.schema.change(name, |it| it.kind = schema::Kind::Choice(choices.to_vec()))
    }

    /// Sets the state of a lead, as a salesperson does: 0 open, 1 qualified, 2 disqualified.
    pub fn set_state(&mut self, id: &str, state: i64) -> bool {
        self.leads.set_state(id, state)
    }

    /// Deletes a lead, as a salesperson does.
    pub fn delete(&mut self, id: &str) -> bool {
        self.notes.lead_deleted(&id.to_lowercase(), self.options.notes_cascade);
        self.leads.delete(id)
    }

    /// Writes a lead in a salesperson's name: another one when there is no id.
    ///
    /// # Errors
    /// What the environment has against it.
    pub fn edit(&mut self, id: Option<&str>, values: &Value, now: i64) -> Result<String, String> {
        let values = values.as_object().cloned().unwrap_or_default();
        let manner = leads::Manner { asks_rules: false, duplicate_status: 412, now };
        let written = match id {
            Some(id) => self.leads.update(id, &values, &self.schema, &manner),
            None => self.leads.create(None, &values, &self.schema, &manner),
        };
        written.map(|it| it.id).map_err(|it| it.message)
    }

    /// Answers what is asked with a good token: everything but `$batch` itself, whose parts come here too.
    fn request(&mut self, call: &Call, now: i64) -> Reply {
        if let Some(problem) = self.throttled(now) {
            return problem.reply();
        }
        self.requests += 1;
        self.pass_time(now);
        let reply = self.route(call, now);
        reply.header("req_id", &format!("00000000-0000-4000-8000-{:012x}", self.requests))
    }

    fn route(&mut self, call: &Call, now: i64) -> Reply {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["api", "data", version, rest @ ..] = &segments[..] else { return no_resource(call) };
        if !version.starts_with("v9.") {
            return no_resource(call);
        }
        let told = match (&call.method, rest) {
            (&Method::GET, ["WhoAmI" | "WhoAmI()"]) => Ok(access::who_am_i(call)),
            (_, ["WhoAmI" | "WhoAmI()"]) => Err(Problem::new(404, "", no_resource_text(call))),
            (&Method::GET, [user, function]) if user.starts_with("systemusers(") => {
                self.privilege(user, function)
            }
            (_, [table, rest @ ..]) if *table == metadata::LEAD => self.definition(call, rest, now),
            (_, [table, action]) if *table == "leads" => self.action(call, action, now),
            (_, [table]) if *table == "leads" || table.starts_with("leads(") => self.lead(call, table, now),
            (_, [table]) if *table == "annotations" || table.starts_with("annotations(") => {
                self.note(call, table)
            }
            (_, [segment, ..]) => {
                let name = segment.split('(').next().unwrap_or_default();
                Err(Problem::new(404, "0x8006088a", format!("Resource not found for the segment '{name}'.")))
            }
            (_, []) => Ok(json_reply(
                200,
                &json!({ "value": [{ "name": "leads", "kind": "EntitySet", "url": "leads" }] }),
            )),
        };
        told.unwrap_or_else(|it| it.reply())
    }
}

fn no_resource_text(call: &Call) -> String {
    format!("No HTTP resource was found that matches the request URI 'https://{}{}'.", call.host(), call.path)
}

fn no_resource(call: &Call) -> Reply {
    Problem::new(404, "", no_resource_text(call)).reply()
}

fn is_guid(text: &str) -> bool {
    let is_fit = |(at, it): (usize, u8)| match at {
        8 | 13 | 18 | 23 => it == b'-',
        _ => it.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_fit)
}

impl Service for Dynamics {
    fn kind(&self) -> &'static str {
        "dynamics"
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        if Entra::is_token_call(call) {
            let hosts = ["http", "https"].map(|it| format!("{it}://{}", call.host()));
            return self.entra.answer(call, |it| hosts.iter().any(|host| it == host), now);
        }
        if let Some(refused) = self.refuse(call, now) {
            return refused;
        }
        if call.path.ends_with("/$batch") { self.batch(call, None, now) } else { self.request(call, now) }
    }

    fn is_write(&self, call: &Call) -> bool {
        let verbs: [&[u8]; 3] = [b"POST /", b"PATCH /", b"DELETE /"];
        let writes = |it: &[u8]| verbs.iter().any(|verb| it.starts_with(verb));
        if call.path.ends_with("/$batch") {
            return call.body.split(|it| *it == b'\n').any(writes);
        }
        let is_lead = call.path.contains("/leads") || call.path.contains("/annotations");
        is_lead && matches!(call.method, Method::POST | Method::PATCH | Method::DELETE)
    }

    fn records(&self) -> Vec<Value> {
        let shown = |it: &leads::Lead| {
            let mut shown = json!({ "id": it.id, "statecode": it.state(), "fields": it.values });
            let notes = self.notes.of(Some(&it.id));
            if !notes.is_empty() {
                shown["notes"] = json!(notes);
            }
            shown
        };
        let left = self.notes.of(None).into_iter().map(|it| json!({ "note_of_nothing": it }));
        self.leads.all().map(shown).chain(left).collect()
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        match fault {
            Fault::Busy => {
                // Each of the three in turn.
                let (code, message) = [
                    (
                        "0x80072322",
                        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
                    ),
                    (
                        "0x80072321",
                        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time \
                         window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests \
                         and try again later.",
                    ),
                    ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
                ][self.throttles % 3];
                self.throttles += 1;
                Some(Problem { wait: Some(35), ..Problem::new(429, code, message) }.reply())
            }
            Fault::Failing => Some(Reply::text(503, "text/html", "<html>Service Unavailable</html>")),
            Fault::TokenExpired => {
                self.entra.forget();
                None
            }
            Fault::FieldRemoved(name) => {
                self.schema.remove(name);
                None
            }
            Fault::OkWithError | Fault::Partial if call.path.ends_with("/$batch") => {
                if let Some(refused) = self.refuse(call, now) {
                    return Some(refused);
                }
                let every = if *fault == Fault::Partial { 2 } else { 1 };
                Some(self.batch(call, Some(every), now))
            }
            Fault::OkWithError => Some(json_reply(
                200,
                &json!({ "error": { "code": "0x80040216", "message": "An unexpected error occurred." } }),
            )),
            Fault::Partial => Some(batch::rejected().reply()),
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
        match became {
            Became::Qualified => self.leads.set_state_at(record, 1, now),
            Became::Disqualified => self.leads.set_state_at(record, 2, now),
            // What became of the opportunity is not in the lead.
            Became::Converted => false,
        }
    }

    fn destination_settings(&self, base: &str) -> Value {
        json!({
            "url": base,
            "authority": base,
            "tenant": self.options.entra.tenant,
            "client_id": self.options.entra.client_id,
            "client_secret": self.options.entra.client_secret,
        })
    }
}
