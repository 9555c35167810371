//! Writes leads into Salesforce through its REST API: by external id, in batches, one record per lead.

mod bulk;
mod bulk_reply;
mod check;
mod deliver;
mod describe;
mod erase;
mod errors;
mod feedback;
mod fields;
mod jwt;
mod names;
mod notes;
mod prepare;
mod reply;
mod request;
mod session;
mod usage;

#[cfg(test)]
mod notes_tests;
#[cfg(test)]
mod sandbox_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdict_tests;

pub(crate) use feedback::STATES;

use crate::bulk::Bulk;
use crate::call_budget::{self, CallBudget};
use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::feedback::{Asked, Position, Reading};
use crate::group::Record;
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::token::bearer;
use crate::touchpoint_notes::Which;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use errors::ERRORS;
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::budget::{Cost, Window};
use leadwire_core::mapping::{Kind, Length, Target};
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use request::{Assignment, Duplicates, RECORDS_MAX, Shape, Sort};
use session::Session;
use std::time::Duration;
use usage::Gauge;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "salesforce",
    title: "Salesforce",
    summary: "Writes every lead into Salesforce through its API, one record per customer, with its id as proof",
    own_fields: FIELDS,
    takes_batches: true,
    prepares: true,
    knows_repeats: true,
    carries_notices: false,
    example: r#"{"url":"https://acme.my.salesforce.com","client_id":"3MVG9example","client_secret":"example"}"#,
    default_mapping: MAPPING,
    targets: TARGETS,
    errors: ERRORS,
    steps: &[
        "In Setup, make an External Client App with OAuth enabled and the scope `api`",
        "Enable its client credentials flow and choose a Run As user; or enable its JWT bearer flow and upload a certificate",
        "Give that user the right to create and edit leads, and access to every mapped field; and, for notes of later touchpoints, the permission Edit Tasks",
        "Enter the My Domain URL, the consumer key and the consumer secret here",
        "Have Leadwire make the external id field, or make it by hand: Text 40, External ID, Unique",
    ],
    build: |settings| Ok(Box::new(Salesforce::read(settings)?)),
};

/// Owner, record type and status are constants a publisher adds, such as `OwnerId = '005…'`.
const MAPPING: &[(&str, &str)] = &[
    ("FirstName", "customer.first_name"),
    (
        "LastName",
        "first(customer.last_name, customer.first_name, customer.email) | default('[not provided]')",
    ),
    ("Company", "customer.company | default('[not provided]')"),
    ("Email", "customer.email"),
    ("Phone", "customer.phone"),
    ("Title", "customer.title"),
    ("Country", "customer.country | country_name('en')"),
    ("LeadSource", "lead_source"),
    ("Description", "details"),
    ("HasOptedOutOfEmail", "do_not_contact | only_true | always"),
    ("DoNotCall", "do_not_contact | only_true | always"),
];

const fn target(name: &'static str, label: &'static str, kind: Kind, longest: usize) -> Target {
    let longest = if longest == 0 { None } else { Some(Length::Utf16(longest)) };
    Target { name, label, kind, longest, required: false }
}

const fn required(it: Target) -> Target {
    Target { required: true, ..it }
}

/// Object Reference, Lead (v62.0). Country is 80 characters, and a list where the org has switched lists on.
const TARGETS: &[Target] = &[
    target("FirstName", "First name", Kind::Text, 40),
    required(target("LastName", "Last name", Kind::Text, 80)),
    required(target("Company", "Company", Kind::Text, 255)),
    target("Email", "E-mail", Kind::Email, 80),
    target("Phone", "Phone", Kind::Text, 40),
    target("MobilePhone", "Mobile phone", Kind::Text, 40),
    target("Title", "Title", Kind::Text, 128),
    target("Street", "Street", Kind::Text, 255),
    target("City", "City", Kind::Text, 40),
    target("State", "State", Kind::Text, 80),
    target("PostalCode", "Postal code", Kind::Text, 20),
    target("Country", "Country", Kind::Text, 80),
    target("Website", "Website", Kind::Text, 255),
    target("Description", "Description", Kind::Text, 32_000),
    target("LeadSource", "Lead source", Kind::Text, 255),
    target("Status", "Status", Kind::Text, 255),
    target("OwnerId", "Owner", Kind::Text, 18),
    target("RecordTypeId", "Record type", Kind::Text, 18),
    target("HasOptedOutOfEmail", "Has opted out of e-mail", Kind::Bool, 0),
    target("HasOptedOutOfFax", "Has opted out of fax", Kind::Bool, 0),
    target("DoNotCall", "Do not call", Kind::Bool, 0),
];

struct Salesforce {
    session: Session,
    shape: Shape,
    map: FieldMap,
    /// Leads that are there already get all mapped fields.
    overwrites: bool,
    gauge: Gauge,
    share_percent: u64,
    wait: Duration,
    reading: Reading,
    notes: Which,
    /// Whether backlogs may go as jobs.
    bulk: bool,
}

impl Salesforce {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let wait = DestinationSettings::read(settings).wait;
        let mut refusals = Vec::new();
        let session = Session::read(&values, wait).map_err(|more| refusals.extend(more)).ok();
        let map = FieldMap::read(MAPPING, TARGETS, settings).map_err(|more| refusals.extend(more)).ok();
        let shape = shape(&values).map_err(|more| refusals.extend(more)).ok();
        let reading =
            Reading::read(FIELDS, feedback::STATES, settings).map_err(|more| refusals.extend(more)).ok();
        let (Some(session), Some(map), Some(shape), Some(reading)) = (session, map, shape, reading) else {
            return Err(refusals);
        };
        let percent = values.number("api_share_percent").and_then(|it| u64::try_from(it).ok());
        let share_percent = percent.unwrap_or(80);
        Ok(Self {
            session,
            shape,
            map,
            overwrites: values.text("existing_leads") == Some("overwrite"),
            gauge: Gauge::new(share_percent),
            share_percent,
            wait,
            reading,
            notes: Which::read(&values),
            bulk: crate::bulk::is_on(&values),
        })
    }
}

fn shape(values: &Values<'_>) -> Result<Shape, Vec<Refusal>> {
    let text = |name: &str| values.text(name).unwrap_or_default();
    let mut refusals = Vec::new();
    let version = text("api_version");
    // The duplicate rule header came with v52.0.
    let is_version = version.strip_prefix('v').and_then(|it| it.strip_suffix(".0")).is_some_and(|it| {
        it.bytes().all(|it| it.is_ascii_digit()) && it.parse::<u32>().is_ok_and(|it| (52..1000).contains(&it))
    });
    if !is_version {
        let message = "`api_version` is not a version from v52.0 on";
        refusals.push(refusal(field("api_version"), "bad_version", message, "write it as v62.0"));
    }
    let key_field = text("external_id_field");
    let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    if !key_field.ends_with("__c") || key_field.len() > 80 || !key_field.bytes().all(is_name) {
        let message = "`external_id_field` is not the API name of a custom field";
        let fix = "write it as LeadwireLeadId__c";
        refusals.push(refusal(field("external_id_field"), "bad_field_name", message, fix));
    }
    let assignment = match text("assignment_rule") {
        "run" => Assignment::Active,
        "none" => Assignment::None,
        id => {
            if !(names::is_id(id) && id.starts_with("01Q")) {
                let message = "`assignment_rule` is neither `run` nor `none` nor the id of a rule";
                let fix = "an id of a rule is 15 or 18 characters and starts with 01Q";
                refusals.push(refusal(field("assignment_rule"), "bad_assignment_rule", message, fix));
            }
            Assignment::Rule(id.to_owned())
        }
    };
    let duplicates = match text("duplicates") {
        "force" => Duplicates::Force,
        "park" => Duplicates::Park,
        _ => Duplicates::Link,
    };
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Shape { version: version.to_owned(), key_field: key_field.to_owned(), assignment, duplicates })
}

impl Connector for Salesforce {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        self.bring(batch, moment, egress).boxed()
    }

    fn batch_max(&self) -> usize {
        RECORDS_MAX
    }

    fn folds(&self) -> bool {
        true
    }

    /// The org's day, whose size it says itself. Beside token, look, writes and notes, what a duplicate rule stopped is asked for
    /// singly, ten of a batch at the most.
    fn calls(&self) -> CallBudget {
        let kept_percent = u8::try_from(100u64.saturating_sub(self.share_percent)).unwrap_or(0);
        CallBudget {
            account: call_budget::account_at("salesforce", self.session.url()),
            windows: vec![Window { kept_percent, ..call_budget::shared(None, call_budget::DAY) }],
            cost: Cost { fixed: 8, each: 0, spare: 10 },
            told: usage::told,
        }
    }

    fn bulk(&self) -> Option<&dyn Bulk> {
        Some(self)
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let mut tried = vec![None; batch.len()];
        let groups = self.gather(batch, &mut tried);
        let token = bearer("token").expect("a word can be in a header");
        let show = |call| PreviewedRequest::of(&self.request(self.session.url(), &token, call), false);
        let mut preview = Preview { unsent: tried.into_iter().flatten().collect(), ..Preview::default() };
        for groups in groups.chunks(RECORDS_MAX) {
            let known: Vec<&str> =
                groups.iter().filter(|it| !it.is_first).map(|it| &*it.record.key).collect();
            if !known.is_empty() && !self.overwrites {
                preview.requests.push(show(self.shape.look_up(known.into_iter())));
                preview.notes.push(
                    "a lead that turns out to be there gets only the fields marked `always`, and no assignment rule"
                        .to_owned(),
                );
            }
            let records: Vec<&Record> = groups.iter().map(|it| &it.record).collect();
            preview.requests.push(show(self.shape.upsert(&records, Sort::Whole)));
        }
        for call in self.previewed_notes(batch) {
            preview.requests.push(show(call));
        }
        if !preview.requests.is_empty() {
            let url = self.session.token_url();
            preview.notes.push(format!("an access token is asked for first when none is at hand, at {url}"));
            preview.notes.push("calls go to the address that the token's answer names".to_owned());
        }
        preview
    }

    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move { Some(self.erase_lead(erasure, moment, egress).await) }.boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(moment, egress).boxed()
    }

    fn read_back<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        self.read_test_lead(payload, receipt, moment, egress).boxed()
    }

    fn clean_up<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        self.delete_test_lead(payload, receipt, moment, egress).boxed()
    }

    fn feedback_every(&self) -> Option<Duration> {
        self.reading.every
    }

    fn changes<'a>(
        &'a self,
        position: &'a Position,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Asked>> {
        async move { Some(self.ask_for_changes(position, moment, egress).await) }.boxed()
    }

    fn prepare<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Option<Vec<Step>>> {
        async move { Some(self.make_ready(moment, egress).await) }.boxed()
    }
}
