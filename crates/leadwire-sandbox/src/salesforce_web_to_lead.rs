//! A simulated Web-to-Lead form of Salesforce: says 200 to everything, makes leads later, and mails what went wrong.
//!
//! Documented by Salesforce's help (000382807, 000005004) and by public plugins that post to the real one. What the
//! documents leave open is chosen strictly: another content type than a form's is answered 400.

mod form;
#[cfg(test)]
mod tests;

use crate::service::{Call, Fault, Reply, Service};
use form::{Custom, Form};
use http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What the header says of data that cannot be processed at all.
const EXCEPTION: &str = "true Exception:common.exception.SalesforceGenericException";
const DAY: i64 = 24 * 3_600_000;
/// Mails the administrator gets about rejected submissions; the others are rejected in silence.
const REJECTION_MAILS: usize = 5;
/// Mails kept for people to look at.
const MAILS_MAX: usize = 1000;

/// How the org is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The org's id.
    pub oid: String,
    /// Custom text fields by id, such as `00N000000000042`; a unique one refuses a value it has.
    pub custom_fields: BTreeMap<String, bool>,
    /// How long after the answer a lead is made, in milliseconds.
    pub delay: i64,
    /// Leads of a rolling day; further ones wait in a queue.
    pub daily_leads: usize,
    /// Room in that queue; further ones are lost.
    pub queue_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            oid: "00D000000000001".to_owned(),
            custom_fields: BTreeMap::from([
                ("00N000000000041".to_owned(), false),
                ("00N000000000042".to_owned(), true),
            ]),
            delay: 0,
            daily_leads: 500,
            queue_max: 50_000,
        }
    }
}

/// The form and what came of it.
pub struct WebToLead {
    options: Options,
    /// When each submission of the last day was taken.
    taken: VecDeque<i64>,
    /// Taken, and made into leads at this moment.
    coming: VecDeque<(i64, Form)>,
    /// Over the day's allowance.
    queue: VecDeque<Form>,
    leads: Vec<Value>,
    /// Values of unique fields.
    used: HashMap<(String, String), String>,
    mails: VecDeque<String>,
    rejected: usize,
}

impl WebToLead {
    /// A form without submissions.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            taken: VecDeque::new(),
            coming: VecDeque::new(),
            queue: VecDeque::new(),
            leads: Vec::new(),
            used: HashMap::new(),
            mails: VecDeque::new(),
            rejected: 0,
        }
    }

    /// What was mailed to the default lead creator and the administrator.
    pub fn mails(&self) -> impl Iterator<Item = &str> {
        self.mails.iter().map(String::as_str)
    }

    /// Submissions that wait for the next day.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Submissions that were lost.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// Makes the leads that are due.
    pub fn settle(&mut self, now: i64) {
        while self.taken.front().is_some_and(|it| *it <= now - DAY) {
            self.taken.pop_front();
        }
        // The queue is worked first, and counts against the new day.
        while self.taken.len() < self.options.daily_leads
            && let Some(form) = self.queue.pop_front()
        {
            self.taken.push_back(now);
            self.coming.push_back((now + self.options.delay, form));
        }
        while self.coming.front().is_some_and(|it| it.0 <= now) {
            if let Some((_, form)) = self.coming.pop_front() {
                self.make(form);
            }
        }
    }

    fn take(&mut self, form: Form, now: i64) {
        if self.taken.len() < self.options.daily_leads {
            self.taken.push_back(now);
            self.coming.push_back((now + self.options.delay, form));
        } else if self.queue.len() < self.options.queue_max {
            self.queue.push_back(form);
        } else {
            self.rejected += 1;
            if self.rejected <= REJECTION_MAILS {
                self.mail("a submission was rejected: the pending request queue is full");
            }
        }
    }

    fn make(&mut self, form: Form) {
        if let Some(why) = form.refused() {
            self.mail(&format!("a lead was not made: {why}"));
            return;
        }
        let id = format!("00Q5e00{:08}AAA", self.leads.len() + 1);
        for (field, value) in form.unique() {
            let key = (field.to_owned(), value.to_lowercase());
            if let Some(other) = self.used.get(&key) {
                let why = format!(
                    "a lead was not made: duplicate value found: {field} duplicates value on record with id: {other}"
                );
                self.mail(&why);
                return;
            }
            self.used.insert(key, id.clone());
        }
        self.leads.push(json!({ "id": id, "key": form.key().map(str::to_owned), "fields": form.fields() }));
    }

    fn mail(&mut self, text: &str) {
        if self.mails.len() == MAILS_MAX {
            self.mails.pop_front();
        }
        self.mails.push_back(text.to_owned());
    }

    fn customs(&self) -> Vec<Custom> {
        let customs = self.options.custom_fields.iter();
        customs.map(|(id, is_unique)| Custom { id: id.clone(), is_unique: *is_unique }).collect()
    }
}

impl Service for WebToLead {
    fn kind(&self) -> &'static str {
        "salesforce_web_to_lead"
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        self.settle(now);
        if call.path != "/servlet/servlet.WebToLead" {
            return Reply::text(
                404,
                "text/html;charset=UTF-8",
                "<html><body>URL No Longer Exists</body></html>",
            );
        }
        if call.method != Method::POST {
            return Reply::text(
                405,
                "text/html;charset=UTF-8",
                "<html><body>Method Not Allowed</body></html>",
            );
        }
        if call.media_type() != "application/x-www-form-urlencoded" {
            return Reply::text(400, "text/html;charset=UTF-8", "<html><body>Bad Request</body></html>");
        }
        let page = |header: Option<&str>| {
            let reply = Reply::text(
                200,
                "text/html;charset=UTF-8",
                "<html><body>Your request has been queued.</body></html>",
            );
            match header {
                Some(value) => reply.header("is-processed", value),
                None => reply,
            }
        };
        let form = Form::read(call, &self.customs());
        if !form.is_for(&self.options.oid) || !form.is_complete() {
            return page(Some(EXCEPTION));
        }
        let is_debug = form.is_debug();
        self.take(form, now);
        self.settle(now);
        page((!is_debug).then_some("true"))
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method == Method::POST
    }

    fn records(&self) -> Vec<Value> {
        self.leads.clone()
    }

    fn misbehave(&mut self, fault: &Fault, _: &Call, _: i64) -> Option<Reply> {
        let page = |status: u16| {
            Reply::text(status, "text/html", "<html><body>We are down for maintenance.</body></html>")
        };
        match fault {
            Fault::Busy => Some(page(503)),
            Fault::Failing => Some(page(500)),
            Fault::OkWithError => Some(page(200).header("is-processed", EXCEPTION)),
            Fault::FieldRemoved(id) => {
                self.options.custom_fields.remove(id);
                None
            }
            // There are no batches and no tokens here.
            Fault::Partial
            | Fault::TokenExpired
            | Fault::Latency(_)
            | Fault::CutBefore
            | Fault::CutAfter
            | Fault::CutMidAnswer
            | Fault::Stall
            | Fault::Html
            | Fault::EmptyAnswer
            | Fault::HugeAnswer => None,
        }
    }

    fn destination_settings(&self, base: &str) -> Value {
        let unique = self.options.custom_fields.iter().find(|it| *it.1).map(|it| it.0.clone());
        let mut settings = json!({ "oid": self.options.oid, "host": "other", "url": base });
        if let Some(id) = unique {
            settings["touchpoint_id_field"] = json!(id);
        }
        settings
    }
}
