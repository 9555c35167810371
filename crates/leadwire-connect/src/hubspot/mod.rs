//! Writes each lead as a HubSpot contact, a hundred in a call, known by their e-mail address or a property of your own.

mod erase;
mod errors;
mod fields;
mod look;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::{Egress, Request};
use crate::erase::Erasure;
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload, record_id, redact, token};
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::mapping::{Kind, Mapped, Rule, Value, Write};
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};
use leadwire_core::refusal::Refusal;
use reply::Fate;
use request::Place;
use url::Url;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "hubspot",
    title: "HubSpot",
    summary: "Makes a HubSpot contact of every lead",
    own_fields: FIELDS,
    carries_notices: false,
    takes_batches: true,
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
        let (Some(credential), Some(base), Some(map), true) = (credential, base, map, refusals.is_empty())
        else {
            return Err(refusals);
        };
        let wait = DestinationSettings::read(settings).wait;
        let overwrites = text("existing_contacts") == "overwrite";
        Ok(Self { place: Place { base, version, credential, wait }, map, id_property, overwrites })
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
        Ok(Contact { key, key_property, trace, mapped, known, is_first })
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

/// The calls of one attempt.
struct Session<'a> {
    hubspot: &'a HubSpot,
    moment: Moment,
    egress: &'a Egress,
    calls: &'a mut u32,
}

impl Session<'_> {
    async fn call(&mut self, request: Request, contacts: &[&Contact]) -> Vec<Fate> {
        *self.calls += 1;
        match self.egress.send(request).await {
            Ok(answer) => reply::batch(&answer, contacts, self.moment.now),
            Err(error) => vec![Fate::Other(Box::new(error.tried())); contacts.len()],
        }
    }

    async fn upsert(&mut self, all: &[Contact], places: &[usize], tried: &mut [Option<Tried>]) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.upsert(&contacts), &contacts).await;
        settle(&contacts, places, fates, tried);
    }

    /// Makes contacts that cannot be there yet. One that is there all the same was made by others, and is kept.
    async fn create(&mut self, all: &[Contact], places: &[usize], tried: &mut [Option<Tried>]) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.create(&contacts), &contacts).await;
        let (mut there, mut rest) = (Vec::new(), Vec::new());
        for (at, fate) in places.iter().zip(fates) {
            match fate {
                Fate::Exists(id) => there.push((*at, id)),
                other => rest.push((*at, other)),
            }
        }
        let (places, fates): (Vec<usize>, Vec<Fate>) = rest.into_iter().unzip();
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        settle(&contacts, &places, fates, tried);
        self.write_own(all, there, tried).await;
    }

    /// Looks which contacts are there: those get what is Leadwire's own, the others are made.
    async fn look_and_write(&mut self, all: &[Contact], places: &[usize], tried: &mut [Option<Tried>]) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        *self.calls += 1;
        let found = match self.egress.send(self.hubspot.place.read(&contacts)).await {
            Ok(answer) => reply::found(&answer, &contacts, self.moment.now),
            Err(error) => {
                // Nothing of a lead was written.
                let mut tried = error.tried();
                tried.outcome = Outcome::NotDone(error.fault);
                Err(Box::new(tried))
            }
        };
        let ids = match found {
            Ok(ids) => ids,
            Err(failed) => return places.iter().for_each(|it| tried[*it] = Some((*failed).clone())),
        };
        let paired: Vec<(usize, Option<String>)> = places.iter().copied().zip(ids).collect();
        let (there, missing): (Vec<_>, Vec<_>) = paired.into_iter().partition(|it| it.1.is_some());
        self.write_own(all, there, tried).await;
        let missing: Vec<usize> = missing.into_iter().map(|it| it.0).collect();
        self.upsert(all, &missing, tried).await;
    }

    /// Writes what is Leadwire's own to contacts that are there. A contact with nothing of the kind is left alone; if its
    /// id was not told, it has arrived all the same.
    async fn write_own(
        &mut self,
        all: &[Contact],
        there: Vec<(usize, Option<String>)>,
        tried: &mut [Option<Tried>],
    ) {
        let has_own = |it: &(usize, Option<String>)| all[it.0].mapped.owned().next().is_some();
        let (own, kept): (Vec<_>, Vec<_>) = there.into_iter().partition(has_own);
        for (at, id) in kept {
            let note = "the contact was there already and is kept as it is";
            let mut kept = reply::delivered(id.clone().unwrap_or_default(), note, &all[at]);
            if id.is_none() {
                kept.outcome = Outcome::Done(Receipt::Accepted);
            }
            tried[at] = Some(kept);
        }
        if own.is_empty() {
            return;
        }
        let places: Vec<usize> = own.iter().map(|it| it.0).collect();
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.update(&contacts), &contacts).await;
        settle(&contacts, &places, fates, tried);
    }
}

fn settle(contacts: &[&Contact], places: &[usize], fates: Vec<Fate>, tried: &mut [Option<Tried>]) {
    for ((contact, at), fate) in contacts.iter().zip(places).zip(fates) {
        tried[*at] = Some(match fate {
            Fate::Written(id) => reply::delivered(id, "", contact),
            Fate::Exists(Some(id)) => reply::delivered(id, "the contact was there already", contact),
            Fate::Exists(None) => {
                let evidence =
                    Evidence { message: "the contact was there already".to_owned(), ..Evidence::default() };
                Tried { outcome: Outcome::Done(Receipt::Accepted), evidence }
            }
            Fate::Other(tried) => *tried,
        });
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
            let tried = self.send(batch, moment, egress, &mut calls).await;
            Delivered { tried, calls }
        }
        .boxed()
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
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
