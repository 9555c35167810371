//! Writes leads into Marketo Engage through its REST API, three hundred in a call, known by e-mail or a field of your own.

mod bulk;
mod check;
mod deliver;
pub(crate) mod envelope;
pub(crate) mod erase;
pub(crate) mod errors;
mod feedback;
pub(crate) mod fields;
pub(crate) mod look;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod session;

#[cfg(test)]
pub(crate) mod sandbox_tests;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use check::{may_write, sign_in};
pub(crate) use deliver::{not_ascii, settled};

pub(crate) use feedback::STATES;

use crate::bulk::Bulk;
use crate::call_budget::CallBudget;
use crate::descriptor::{Settings, Values, refusal};
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::feedback::{Asked, Position, Reading};
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::token::bearer;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use errors::ERRORS;
use fields::{FIELDS, MAPPING, TARGETS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::budget::Cost;
use leadwire_core::mapping::{Kind, Length, Rule};
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use request::{Program, RECORDS_MAX, Shape, Sort};
use session::Session;
use std::time::Duration;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "marketo",
    title: "Marketo Engage",
    summary: "Writes every lead into Marketo through its API, up to 300 in a call, with the person's id as proof",
    own_fields: FIELDS,
    takes_batches: true,
    prepares: false,
    knows_repeats: true,
    carries_notices: false,
    example: r#"{"munchkin_id":"123-PQR-789","client_id":"00000000-0000-0000-0000-000000000000","client_secret":"example"}"#,
    default_mapping: MAPPING,
    targets: TARGETS,
    errors: ERRORS,
    steps: &[
        "In Marketo, under Admin, Users & Roles, make a role with the API permission `Read-Write Lead`",
        "Make an API-only user with that role",
        "Under Admin, LaunchPoint, make a custom service for that user, and copy its client id and client secret (View Details)",
        "Copy the Munchkin ID from Admin, Integration, Munchkin",
        "To keep two customers with one e-mail address apart, make a custom string field under Admin, Field Management, and name it as `lookup_field`",
        "To read back what became of leads, give the role the API permission `Read-Only Activity` too",
        "For the notes of leads, make a text area field and map it, such as `marketplaceNotes = details`",
    ],
    build: |settings| Ok(Box::new(Marketo::read(settings)?)),
};

struct Marketo {
    session: Session,
    shape: Shape,
    map: FieldMap,
    /// People who are there already get all mapped fields.
    overwrites: bool,
    reading: Reading,
    /// Whether backlogs may go as jobs.
    bulk: bool,
}

impl Marketo {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let mut refusals = Vec::new();
        let session = Session::read(&values, FIELDS, settings).map_err(|more| refusals.extend(more)).ok();
        let shape = shape(&values).map_err(|more| refusals.extend(more)).ok();
        let map = FieldMap::read(MAPPING, TARGETS, settings).map_err(|more| refusals.extend(more)).ok();
        let reading =
            Reading::read(FIELDS, feedback::STATES, settings).map_err(|more| refusals.extend(more)).ok();
        let (Some(session), Some(shape), Some(mut map), Some(reading)) = (session, shape, map, reading)
        else {
            return Err(refusals);
        };
        if shape.lookup == "email" {
            // It is the key: without it there is nothing to recognise the person by.
            map.require("email", email_rule());
        }
        let overwrites = values.text("existing_people") == Some("overwrite");
        let bulk = crate::bulk::is_on(&values);
        Ok(Self { session, shape, map, overwrites, reading, bulk })
    }
}

/// What the e-mail field takes when nothing else is known.
pub(crate) fn email_rule() -> Rule {
    Rule { kind: Kind::Email, longest: Some(Length::Utf16(255)), choices: Vec::new(), required: true }
}

fn shape(values: &Values<'_>) -> Result<Shape, Vec<Refusal>> {
    let text = |name: &str| values.text(name).map(|it| it.trim().to_owned());
    let mut refusals = Vec::new();
    let lookup = text("lookup_field").unwrap_or_default();
    let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    // An id cannot be looked up by while making people, and cookies belong to browsers.
    if lookup.len() > 255 || !lookup.bytes().all(is_name) || matches!(&*lookup, "" | "id" | "cookies") {
        let message = "`lookup_field` is not a field that people can be looked up by";
        let fix = "use `email`, or the REST API name of a custom string field, such as marketplaceLeadId";
        refusals.push(refusal(field("lookup_field"), "bad_lookup_field", message, fix));
    }
    let program = text("program_name").map(|name| Program {
        name,
        status: text("program_status"),
        source: text("source"),
        reason: text("reason"),
    });
    if program.is_none() {
        for name in ["program_status", "source", "reason"] {
            if text(name).is_some() {
                let message = format!("`{name}` is used only with `program_name`");
                let fix = format!("set `program_name`, or leave `{name}` out");
                refusals.push(refusal(field(name), "without_effect", message, fix));
            }
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Shape { lookup, partition: text("partition_name"), program })
}

impl Connector for Marketo {
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

    /// Ten calls at a time are allowed to all integrations together; Adobe asks each to stay at half of it.
    fn in_flight_max(&self) -> usize {
        5
    }

    /// Two upserts of one key at the same time make two people (Adobe, leads.md).
    fn exclusive_key(&self, payload: &Payload) -> Option<String> {
        if self.shape.lookup != "email" {
            return None;
        }
        Some(self.record(payload).ok()?.0)
    }

    /// A token, and up to three writes, each of which may find its token refused.
    fn calls(&self) -> CallBudget {
        self.session.calls(Cost { fixed: 5, each: 0, spare: 4 })
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
        let mut preview = Preview { unsent: tried.into_iter().flatten().collect(), ..Preview::default() };
        let token = bearer("token").expect("a word can be in a header");
        let sorts: &[Sort] = match (self.overwrites, self.shape.program.is_some()) {
            (false, false) => &[Sort::Create],
            (false, true) => &[Sort::Create, Sort::PushOwn],
            (true, false) => &[Sort::Whole],
            (true, true) => &[Sort::PushWhole],
        };
        for sort in sorts {
            let records: Vec<String> =
                groups.iter().map(|it| self.shape.record(&it.record.key, &it.record.fields, *sort)).collect();
            for range in self.shape.chunks(*sort, &records) {
                let request = self.session.request(&self.shape.call(*sort, &records[range]), &token);
                preview.requests.push(PreviewedRequest::of(&request, false));
            }
        }
        if !preview.requests.is_empty() {
            preview.notes.push("an access token is asked for first when none is at hand".to_owned());
            if !self.overwrites {
                preview.notes.push(
                    "a person who is there already gets only the fields marked `always` in the mapping"
                        .to_owned(),
                );
            }
        }
        preview
    }

    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move {
            let own = crate::record_id::text(erasure.payload);
            let email = erasure.email().map(str::to_lowercase);
            let key = if self.shape.lookup == "email" { email.as_deref() } else { Some(&*own) };
            let found_by = key.map(|it| (&*self.shape.lookup, it));
            Some(erase::erase(&self.session, found_by, erasure, (moment, egress)).await)
        }
        .boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(moment, egress).boxed()
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

    fn read_back<'a>(
        &'a self,
        payload: &'a Payload,
        _: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        async move {
            let (key, _) = self.record(payload).ok()?;
            Some(look::read_back(&self.session, (&self.shape.lookup, &key), moment, egress).await)
        }
        .boxed()
    }

    fn clean_up<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        async move {
            let (key, _) = self.record(payload).ok()?;
            let who = (&*self.shape.lookup, &*key);
            Some(look::clean_up(&self.session, who, receipt, (moment, egress)).await)
        }
        .boxed()
    }
}
