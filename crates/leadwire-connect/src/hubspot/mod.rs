//! Writes each lead as a HubSpot contact, a hundred in a call, known by their e-mail address or a property of your own.

mod erase;
mod errors;
mod feedback;
mod fields;
mod look;
mod notes;
#[cfg(test)]
mod notes_tests;
mod reply;
mod request;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use feedback::STATES;

use crate::call_budget::{self, CallBudget};
use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::feedback::{Asked, Position, Reading};
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::touchpoint_notes::Which;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload, record_id, redact, token};
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::budget::{Cost, Told};
use leadwire_core::mapping::{Kind, Mapped, Rule, Value, Write};
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use request::Place;
use session::Session;
use std::time::Duration;
use url::Url;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "hubspot",
    title: "HubSpot",
    summary: "Makes a HubSpot contact of every lead",
    own_fields: FIELDS,
    carries_notices: false,
    takes_batches: true,
    prepares: false,
    knows_repeats: true,
    example: r#"{"token":"pat-na1-00000000-0000-0000-0000-000000000000"}"#,
    default_mapping: fields::MAPPING,
    targets: fields::TARGETS,
    errors: errors::ERRORS,
    steps: &[
        "In HubSpot, open Development, Keys, Service keys (you need to be a super admin), and make a service key",
        "Give it the scopes crm.objects.contacts.read, crm.objects.contacts.write and crm.schemas.contacts.read",
        "Copy the key into the settings here; an existing private-app token works too",
    ],
    build: |settings| Ok(Box::new(HubSpot::read(settings)?)),
};

/// Most contacts in a call (HubSpot, batch endpoints).
const BATCH_MAX: usize = 100;

struct HubSpot {
    place: Place,
    map: FieldMap,
    id_property: String,
    overwrites: bool,
    reading: Reading,
    notes: Which,
}

/// A lead as HubSpot gets it.
struct Contact {
    /// By which it is known there.
    key: String,
    /// The property that holds the key.
    key_property: String,
    /// By which its result is found in an answer.
    trace: String,
    mapped: Mapped,
    /// Values that were sent, which an answer may repeat.
    known: Vec<String>,
    /// No contact of this lead can be there yet.
    is_first: bool,
    /// When the lead began, where this is its first touchpoint: a contact that is older was made by others.
    began_at: Option<Timestamp>,
}

impl HubSpot {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).unwrap_or_default();
        let mut refusals = Vec::new();
        let credential = token::bearer(text("token").trim());
        if credential.is_none() {
            let fix = "paste it again: it may only hold letters, digits and signs";
            refusals.push(refusal(field("token"), "not_a_token", "`token` cannot be a HubSpot key", fix));
        }
        let version = text("api_version").to_owned();
        let is_version = version.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if !is_version || version.is_empty() {
            let fix = "use `v3`, or a date such as 2026-09";
            refusals.push(refusal(
                field("api_version"),
                "bad_version",
                "`api_version` is not a version",
                fix,
            ));
        }
        let base = Url::parse(text("api_url")).ok().map(|mut it| {
            if !it.path().ends_with('/') {
                it.set_path(&format!("{}/", it.path()));
            }
            it
        });
        if base.is_none() {
            refusals.push(refusal(field("api_url"), "bad_url", "`api_url` is not a URL", "leave it out"));
        }
        let id_property = text("id_property").to_owned();
        let map = FieldMap::read(fields::MAPPING, fields::TARGETS, settings);
        let map = map.map_err(|more| refusals.extend(more)).ok().map(|mut it| {
            if id_property == "email" {
                // It is the key: without it there is nothing to recognise the contact by.
                it.require(
                    "email",
                    Rule { kind: Kind::Email, longest: None, choices: Vec::new(), required: true },
                );
            }
            it
        });
        let reading =
            Reading::read(FIELDS, feedback::STATES, settings).map_err(|more| refusals.extend(more)).ok();
        let (Some(credential), Some(base), Some(map), Some(reading), true) =
            (credential, base, map, reading, refusals.is_empty())
        else {
            return Err(refusals);
        };
        let wait = DestinationSettings::read(settings).wait;
        let overwrites = text("existing_contacts") == "overwrite";
        let place = Place { base, version, credential, wait };
        let notes = Which::read(&values);
        Ok(Self { place, map, id_property, overwrites, reading, notes })
    }

    fn contact(&self, payload: &Payload) -> Result<Contact, Box<Tried>> {
        let mut mapped = self.map.apply(payload)?;
        if payload.do_not_contact() {
            // HubSpot has no flag that may be written, so the message says it, also where the contact is there already.
            mapped
                .fields
                .iter_mut()
                .filter(|it| it.target == "message")
                .for_each(|it| it.write = Write::Always);
        }
        let key = if self.id_property == "email" {
            mapped.get("email").map(Value::as_text).unwrap_or_default().to_lowercase()
        } else {
            record_id::text(payload)
        };
        let mut known: Vec<String> = redact::known(&payload.touchpoint).map(str::to_owned).collect();
        known.push(key.clone());
        let key_property = self.id_property.clone();
        let (trace, is_first) = (payload.delivery.to_string(), payload.is_first());
        let is_beginning = payload.lead.bits() == payload.delivery.touchpoint.bits();
        let began_at = is_beginning.then_some(payload.received_at);
        Ok(Contact { key, key_property, trace, mapped, known, is_first, began_at })
    }

    /// Contacts of a batch, each key once: of two leads that are one contact the newest is sent, and `same` says for
    /// each of them whose fate it shares.
    fn contacts(&self, batch: &[Payload]) -> (Vec<Contact>, Vec<Result<usize, Box<Tried>>>) {
        let mut contacts: Vec<Contact> = Vec::new();
        let mut fates = Vec::with_capacity(batch.len());
        for payload in batch {
            match self.contact(payload) {
                Err(tried) => fates.push(Err(tried)),
                Ok(contact) => match contacts.iter().position(|it| it.key == contact.key) {
                    Some(place) => {
                        let is_first = contacts[place].is_first && contact.is_first;
                        contacts[place] = Contact { is_first, ..contact };
                        fates.push(Ok(place));
                    }
                    None => {
                        contacts.push(contact);
                        fates.push(Ok(contacts.len() - 1));
                    }
                },
            }
        }
        (contacts, fates)
    }

    async fn send(&self, batch: &[Payload], moment: Moment, egress: &Egress, calls: &mut u32) -> Vec<Tried> {
        let (contacts, fates) = self.contacts(batch);
        let mut tried: Vec<Option<Tried>> = vec![None; contacts.len()];
        let mut session = Session { hubspot: self, moment, egress, calls };
        let all: Vec<usize> = (0..contacts.len()).collect();
        if self.overwrites {
            session.upsert(&contacts, &all, &mut tried).await;
        } else {
            let (first, later): (Vec<usize>, Vec<usize>) =
                all.into_iter().partition(|it| contacts[*it].is_first);
            session.create(&contacts, &first, &mut tried).await;
            session.look_and_write(&contacts, &later, &mut tried).await;
        }
        let of = |place: usize| tried[place].clone().expect("every contact has been dealt with");
        fates.into_iter().map(|it| it.map_or_else(|tried| *tried, of)).collect()
    }
}

impl Connector for HubSpot {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        async move {
            let mut calls = 0;
            let mut tried = self.send(batch, moment, egress, &mut calls).await;
            self.write_notes(batch, &mut tried, &notes::Way { moment, egress }, &mut calls).await;
            Delivered { tried, calls }
        }
        .boxed()
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    fn folds(&self) -> bool {
        true
    }

    /// A hundred calls in ten seconds are allowed to all integrations together; four at a time stay far below.
    fn in_flight_max(&self) -> usize {
        4
    }

    fn exclusive_key(&self, payload: &Payload) -> Option<String> {
        if self.id_property != "email" {
            return None;
        }
        Some(self.contact(payload).ok()?.key)
    }

    /// The limits of the smallest account, until it says its own. Beside look, writes and the note, notes of before are read.
    fn calls(&self) -> CallBudget {
        CallBudget {
            account: Some(call_budget::account_of("hubspot", self.place.credential.as_bytes())),
            windows: vec![
                call_budget::shared(Some(100), Duration::from_secs(10)),
                call_budget::shared(None, call_budget::DAY),
            ],
            cost: Cost { fixed: 4, each: 0, spare: 6 },
            told: told_limits,
        }
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let (contacts, fates) = self.contacts(batch);
        let mut preview = Preview::default();
        preview.unsent.extend(fates.into_iter().filter_map(Result::err).map(|it| *it));
        let all: Vec<&Contact> = contacts.iter().collect();
        preview.notes.extend(all.iter().flat_map(|it| it.mapped.notes.clone()));
        if all.is_empty() {
            return preview;
        }
        let request = if self.overwrites { self.place.upsert(&all) } else { self.place.create(&all) };
        preview.requests.push(PreviewedRequest::of(&request, false));
        if !self.overwrites {
            preview.notes.push(
                "a contact that is there already gets only the fields marked `always` in the mapping"
                    .to_owned(),
            );
        }
        self.preview_notes(batch, &mut preview);
        preview
    }

    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move { Some(self.erase_contact(erasure, moment, egress).await) }.boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        look::check(self, moment, egress).boxed()
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
        async move { Some(feedback::ask(self, position, moment, egress).await) }.boxed()
    }

    fn read_back<'a>(
        &'a self,
        _: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        look::read_back(self, receipt, moment, egress).boxed()
    }

    fn clean_up<'a>(
        &'a self,
        _: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        look::clean_up(self, receipt, moment, egress).boxed()
    }
}

/// What answers say of the ten seconds and of the day (HubSpot, usage guidelines). Other lengths are those of other products.
fn told_limits(headers: &http::HeaderMap) -> Vec<Told> {
    let interval = headers.get("x-hubspot-ratelimit-interval-milliseconds");
    let is_ten = interval.is_none_or(|it| it.as_bytes() == b"10000");
    let burst = ("x-hubspot-ratelimit-max", "x-hubspot-ratelimit-remaining");
    let burst = call_budget::told(headers, Duration::from_secs(10), burst).filter(|_| is_ten);
    let day = ("x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining");
    burst.into_iter().chain(call_budget::told(headers, call_budget::DAY, day)).collect()
}
