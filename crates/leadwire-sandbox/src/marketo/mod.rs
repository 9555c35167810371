//! A simulated Marketo instance: identity, people with fields that are checked, programmes, a form, and Marketo's limits.
//!
//! Follows Adobe's REST API pages (leads, authentication, error codes, best practices). Business errors come as HTTP 200
//! with `success: false`, as there. Stricter where those are silent: a value that is too long or of the wrong type is
//! refused, a key that is in a call twice refuses both, and more than 300 records are answered 413.

mod activities;
mod by_hand;
mod form;
mod import;
mod limits;
mod people;
mod sync;
#[cfg(test)]
mod tests;
mod token;

use crate::service::{Became, Call, Fault, Reply, Service};
use http::Method;
pub use import::ImportFate;
use import::{FILE_BYTES_MAX, Import};
use limits::Limits;
use people::People;
use serde_json::{Value, json};
use token::{Shown, Tokens};

/// Largest body, in bytes (Adobe: 1 MB).
const BODY_BYTES_MAX: usize = 1_048_576;
/// Longest address, in bytes (Adobe: 8 KB).
const URI_BYTES_MAX: usize = 8 * 1024;

/// Which of the two connectors the instance is the other side of; it answers both in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// `marketo`.
    Api,
    /// `marketo_form`.
    Form,
}

/// What becomes of a company in an update of a person: the documents name a code and do not say when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompanyUpdates {
    /// The person is skipped, with code 1021.
    Refused,
    /// The rest of the person is updated.
    Ignored,
}

/// How the instance is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which connector [`Service::destination_settings`] is for.
    pub face: Face,
    /// The instance's Munchkin ID.
    pub munchkin_id: String,
    /// The id of the custom service.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The API user's role has `Read-Write Lead`; otherwise it may only read.
    pub may_write: bool,
    /// The API user's role may read assets, such as forms.
    pub may_read_assets: bool,
    /// The API user's role may read activities.
    pub may_read_activities: bool,
    /// Lead partitions. With more than one, who makes people must name one.
    pub partitions: Vec<String>,
    /// Programmes, each with the statuses of its channel.
    pub programs: Vec<(String, Vec<String>)>,
    /// Id of the one form.
    pub form_id: u64,
    /// REST API names of the fields on the form.
    pub form_fields: Vec<String>,
    /// What an update of a company does.
    pub company_updates: CompanyUpdates,
    /// Calls in 20 seconds; none: no limit.
    pub rate_max: Option<usize>,
    /// Calls in a day that ends at midnight US Central Standard Time; none: no limit.
    pub daily_max: Option<u64>,
    /// Calls at a time.
    pub concurrency_max: usize,
    /// How long a call takes as the concurrency limit sees it, in milliseconds of the sandbox's clock: its answers
    /// come at once, so that at 0 no two calls ever overlap.
    pub call_millis: i64,
    /// For so many milliseconds a new person is not found by other calls, which then make a second one: the race that
    /// Adobe warns of. 0: never.
    pub race_millis: i64,
    /// Classic form posts in a minute.
    pub posts_max: usize,
    /// How long a bulk import takes, in milliseconds.
    pub import_millis: i64,
    /// What becomes of bulk imports.
    pub import_fate: ImportFate,
}

impl Options {
    /// An instance with one partition, one programme and one form, under the limits of the real one.
    pub fn new(client_secret: &str) -> Self {
        let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Self {
            face: Face::Api,
            munchkin_id: "123-PQR-789".to_owned(),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            client_secret: client_secret.to_owned(),
            may_write: true,
            may_read_assets: true,
            may_read_activities: true,
            partitions: texts(&["Default"]),
            programs: vec![("Marketplace Leads".to_owned(), texts(&["Member", "Engaged"]))],
            form_id: 1179,
            form_fields: texts(&[
                "email",
                "firstName",
                "lastName",
                "phone",
                "company",
                "title",
                "country",
                "leadSource",
                "unsubscribed",
                "doNotCall",
            ]),
            company_updates: CompanyUpdates::Refused,
            rate_max: Some(100),
            daily_max: Some(50_000),
            concurrency_max: 10,
            call_millis: 0,
            race_millis: 0,
            posts_max: 30,
            import_millis: 4000,
            import_fate: ImportFate::Complete,
        }
    }
}

/// The instance.
pub struct Marketo {
    options: Options,
    people: People,
    tokens: Tokens,
    limits: Limits,
    requests: u64,
    imports: Vec<Import>,
    /// Every second record of the call at hand is refused.
    is_partial: bool,
}

/// A code of Marketo's with its message.
type Refused = (&'static str, String);

impl Marketo {
    /// An instance without people.
    pub fn new(options: Options) -> Self {
        Self {
            people: People::new(options.race_millis),
            options,
            tokens: Tokens::default(),
            limits: Limits::default(),
            requests: 0,
            imports: Vec::new(),
            is_partial: false,
        }
    }

    fn envelope(&mut self, more: Value) -> Reply {
        self.requests += 1;
        let mut body = json!({ "requestId": format!("{:x}#14272d07d78", self.requests) });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        Reply::json(200, &body)
    }

    fn success(&mut self, result: Vec<Value>) -> Reply {
        self.envelope(json!({ "success": true, "result": result }))
    }

    fn refuse(&mut self, (code, message): Refused) -> Reply {
        self.envelope(json!({ "success": false, "errors": [{ "code": code, "message": message }] }))
    }

    fn say(&mut self, said: Result<Vec<Value>, Refused>) -> Reply {
        match said {
            Ok(result) => self.success(result),
            Err(refused) => self.refuse(refused),
        }
    }

    /// Lets a call in that shows a good token, within the limits.
    fn admit(&mut self, call: &Call, now: i64) -> Result<(), Refused> {
        // In the header only: the token in the query has come to its end.
        match self.tokens.judge(call.bearer(), now) {
            Shown::Good => {}
            Shown::Missing => return Err(("600", "Access token is empty".to_owned())),
            Shown::Unknown => return Err(("601", "Access token invalid".to_owned())),
            Shown::Expired => return Err(("602", "Access token expired".to_owned())),
        }
        if let Some(refused) = self.limits.take(&self.options, now) {
            return Err(refused);
        }
        if call.path.contains("//") {
            return Err(("610", "Requested resource not found".to_owned()));
        }
        Ok(())
    }

    fn rest(&mut self, call: &Call, now: i64) -> Reply {
        if let Err(refused) = self.admit(call, now) {
            return self.refuse(refused);
        }
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let rest = match segments.as_slice() {
            [_, "asset", "v1", rest @ ..] => return self.asset(call, rest),
            [_, "v1", rest @ ..] => rest,
            _ => return self.refuse(("610", "Requested resource not found".to_owned())),
        };
        // A form body with `_method=GET` is a long read.
        let is_read = call.method == Method::GET || is_read_in_disguise(call);
        match (&call.method, is_read, rest) {
            (_, true, ["leads.json"]) => self.find(call),
            (&Method::GET, _, ["lead", id]) => {
                let id = id.strip_suffix(".json").unwrap_or_default().to_owned();
                self.get(&id, call)
            }
            (&Method::GET, _, ["leads", "describe2.json"]) => {
                let described = self.people.describe();
                self.success(vec![described])
            }
            (&Method::GET, _, ["leads", "partitions.json"]) => {
                let names = self.options.partitions.clone();
                let entry = |it: (i32, String)| json!({ "id": it.0, "name": it.1, "description": "" });
                self.success((1..).zip(names).map(entry).collect())
            }
            (&Method::GET, _, ["activities", _]) if !self.options.may_read_activities => {
                self.refuse(("603", "Access denied".to_owned()))
            }
            (&Method::GET, _, ["activities", "pagingtoken.json"]) => self.paging_token(call),
            (&Method::GET, _, ["activities", "leadchanges.json"]) => self.lead_changes(call),
            (&Method::GET, _, ["stats", "usage.json"]) => {
                let total = self.limits.used();
                let date = crate::moment::rfc3339(now)[..10].to_owned();
                self.success(vec![json!({ "date": date, "total": total, "users": [] })])
            }
            (&Method::POST, _, ["leads.json"]) => self.write(call, |it, body| it.sync(body, now)),
            (&Method::POST, _, ["leads", "push.json"]) => self.write(call, |it, body| it.push(body, now)),
            (&Method::POST, _, ["leads", "submitForm.json"]) => {
                self.write(call, |it, body| it.submit(body, now))
            }
            (&Method::DELETE, _, ["leads.json"]) | (&Method::POST, _, ["leads", "delete.json"]) => {
                self.write(call, |it, body| it.delete(body))
            }
            (_, _, ["leads.json"] | ["leads", "push.json" | "submitForm.json" | "describe2.json"]) => {
                self.refuse(("605", format!("HTTP {} method not supported", call.method)))
            }
            _ => self.refuse(("610", "Requested resource not found".to_owned())),
        }
    }

    fn write(
        &mut self,
        call: &Call,
        work: impl FnOnce(&mut Self, &Value) -> Result<Vec<Value>, Refused>,
    ) -> Reply {
        if !self.options.may_write {
            return self.refuse(("603", "Access denied".to_owned()));
        }
        if call.media_type() != "application/json" {
            return self.refuse(("612", "Invalid Content Type".to_owned()));
        }
        let Some(body) = call.json().filter(Value::is_object) else {
            return self.refuse(("609", "Invalid JSON".to_owned()));
        };
        if body.get("input").and_then(Value::as_array).is_some_and(|it| it.len() > sync::RECORDS_MAX) {
            return Reply::empty(413);
        }
        let said = work(self, &body);
        self.say(said)
    }
}

fn is_read_in_disguise(call: &Call) -> bool {
    call.media_type() == "application/x-www-form-urlencoded"
        && call.form().iter().any(|it| it.0 == "_method" && it.1 == "GET")
}

impl Service for Marketo {
    fn kind(&self) -> &'static str {
        match self.options.face {
            Face::Api => "marketo",
            Face::Form => "marketo_form",
        }
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        let is_import = call.path.starts_with("/bulk/");
        if call.body.len() > if is_import { FILE_BYTES_MAX } else { BODY_BYTES_MAX } {
            return Reply::empty(413);
        }
        if call.path.len() + call.query.len() + 1 > URI_BYTES_MAX {
            return Reply::empty(414);
        }
        let reply = match &*call.path {
            "/identity/oauth/token" => self.tokens.answer(call, &self.options, now),
            path if path.starts_with("/rest/") => self.rest(call, now),
            path if path.starts_with("/bulk/") => self.bulk(call, now),
            path if path.starts_with("/index.php/") => self.classic(call, now),
            _ => Reply::empty(404),
        };
        self.is_partial = false;
        reply
    }

    fn is_write(&self, call: &Call) -> bool {
        let path = call.path.trim_start_matches('/');
        let is_post = call.method == Method::POST && !is_read_in_disguise(call);
        let is_lead = path.starts_with("rest/v1/leads") || path.starts_with("bulk/v1/leads");
        (is_post && (is_lead || path.starts_with("index.php/leadCapture/"))) || call.method == Method::DELETE
    }

    fn records(&self) -> Vec<Value> {
        self.people.records()
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        let is_classic = call.path.starts_with("/index.php/");
        match fault {
            Fault::Busy if is_classic => Some(form::rejected(429)),
            Fault::Busy => {
                Some(self.refuse(("606", "Max rate limit '100' exceeded with in '20' secs".to_owned())))
            }
            Fault::Failing if is_classic => Some(Reply::empty(503)),
            Fault::Failing => Some(self.refuse(("611", "System error".to_owned()))),
            Fault::OkWithError if is_classic => Some(Reply::json(200, &json!({ "error": true }))),
            Fault::OkWithError => Some(self.refuse(("713", "Transient Error".to_owned()))),
            Fault::TokenExpired => {
                self.tokens.expire(now);
                None
            }
            Fault::Partial => {
                self.is_partial = true;
                None
            }
            Fault::FieldRemoved(name) => {
                self.people.remove_field(name);
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
        let Some(at) = self.people.find("id", record, None).first().copied() else { return false };
        let status = match became {
            Became::Qualified => "Qualified",
            Became::Disqualified => "Disqualified",
            Became::Converted => "Converted",
        };
        self.people.update(at, [("leadStatus".to_owned(), json!(status))].into_iter().collect(), now);
        true
    }

    fn destination_settings(&self, base: &str) -> Value {
        let mut settings = json!({
            "munchkin_id": self.options.munchkin_id,
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret,
            "api_url": base,
        });
        if self.options.face == Face::Form {
            settings["form_id"] = json!(self.options.form_id);
        }
        settings
    }
}
