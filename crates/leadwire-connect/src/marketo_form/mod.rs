//! Submits each lead to a Marketo form, so that what listens for the form starts: with the values Microsoft's connector asked for.

mod check;
mod classic;
mod errors;
mod fields;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use crate::call_budget::CallBudget;
use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::mapped::FieldMap;
use crate::marketo::envelope::{About, not_written, results};
use crate::marketo::request::find;
use crate::marketo::session::{Call, Session};
use crate::marketo::{email_rule, look, not_ascii};
use crate::preview::{Preview, PreviewedRequest};
use crate::token::bearer;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload, redact};
use classic::Classic;
use fields::{FIELDS, MAPPING, TARGETS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::budget::Cost;
use leadwire_core::email::Email;
use leadwire_core::mapping::{Mapped, Value};
use leadwire_core::outcome::{Outcome, Receipt, Tried};
use leadwire_core::refusal::Refusal;
use request::{Part, Shape};

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "marketo_form",
    title: "Marketo form",
    summary: "Submits every lead to a Marketo form, so that smart campaigns which listen for the form start",
    own_fields: FIELDS,
    takes_batches: false,
    prepares: false,
    knows_repeats: false,
    carries_notices: false,
    example: r#"{"munchkin_id":"123-PQR-789","form_id":1179,"client_id":"00000000-0000-0000-0000-000000000000","client_secret":"example"}"#,
    default_mapping: MAPPING,
    targets: TARGETS,
    errors: errors::ERRORS,
    steps: &[
        "In Marketo, under Design Studio, make a form with every mapped field on it, `Lead Source` included, and approve it",
        "Copy Munchkin ID and form id from its embed code: MktoForms2.loadForm(\"//app-ys12.marketo.com\", \"123-PQR-789\", 1179)",
        "Under Admin, Users & Roles, make a role with the API permissions `Read-Write Lead` and `Read-Only Assets`, and an API-only user with it",
        "Under Admin, LaunchPoint, make a custom service for that user, and copy its client id and client secret",
        "A submission whose answer is lost is sent again: the person stays one, but the form's activity may be there twice",
    ],
    build: |settings| Ok(Box::new(MarketoForm::read(settings)?)),
};

struct MarketoForm {
    way: Way,
    shape: Shape,
    map: FieldMap,
}

enum Way {
    /// `submitForm.json`. `keep`: people who are there already get only what is Leadwire's own.
    Rest { session: Box<Session>, keep: bool },
    /// The post of a browser.
    Classic(Classic),
}

impl MarketoForm {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).map(|it| it.trim().to_owned());
        let number = |name: &str| values.number(name).and_then(|it| u64::try_from(it).ok());
        let mut refusals = Vec::new();
        let way = if text("way").as_deref() == Some("classic") {
            Classic::read(&values, DestinationSettings::read(settings).wait).map(Way::Classic)
        } else {
            let keep = text("existing_people").as_deref() != Some("overwrite");
            Session::read(&values, FIELDS, settings).map(|it| Way::Rest { session: Box::new(it), keep })
        };
        let way = way.map_err(|more| refusals.extend(more)).ok();
        let map = FieldMap::read(MAPPING, TARGETS, settings).map_err(|more| refusals.extend(more)).ok();
        let form_id = number("form_id");
        if form_id.is_none() {
            let fix = "copy the number from the form's embed code";
            refusals.push(refusal(field("form_id"), "bad_form_id", "`form_id` is not a form's id", fix));
        }
        let (Some(way), Some(mut map), Some(form_id), true) = (way, map, form_id, refusals.is_empty()) else {
            return Err(refusals);
        };
        // A submission is the person's whose address it holds.
        map.require("email", email_rule());
        let munchkin_id = text("munchkin_id").unwrap_or_default();
        let (program_id, page_url) = (number("program_id"), text("page_url"));
        Ok(Self { way, shape: Shape { munchkin_id, form_id, program_id, page_url }, map })
    }

    fn submission(&self, payload: &Payload) -> Result<Mapped, Box<Tried>> {
        let mut mapped = self.map.apply(payload)?;
        for it in mapped.fields.iter_mut().filter(|it| it.target == "email") {
            let ascii = Email::parse(it.value.as_text()).ok().map(|it| it.as_str().to_owned());
            let ascii = ascii.filter(|it| it.is_ascii()).ok_or_else(|| Box::new(not_ascii()))?;
            it.value = Value::Text(ascii);
        }
        Ok(mapped)
    }

    async fn one(&self, payload: &Payload, moment: Moment, egress: &Egress, calls: &mut u32) -> Tried {
        let mapped = match self.submission(payload) {
            Ok(mapped) => mapped,
            Err(parked) => return *parked,
        };
        let mut known: Vec<&str> = redact::known(&payload.touchpoint).collect();
        known.extend(mapped.fields.iter().map(|it| it.value.as_text()).filter(|it| it.len() > 3));
        let tried = match &self.way {
            Way::Classic(classic) => {
                classic.post(&self.shape, &mapped, &known, (moment, egress, calls)).await
            }
            Way::Rest { session, keep } => {
                let part = match self.part(session, *keep, &mapped, (moment, egress, calls)).await {
                    Ok(part) => part,
                    Err(tried) => return *tried,
                };
                match session.send(&self.shape.submit(&mapped, part), moment.now, egress, calls).await {
                    Err(tried) => *tried,
                    Ok(answer) => reply::submitted(&answer, &known, moment.now),
                }
            }
        };
        with_notes(tried, &mapped.notes)
    }

    /// Which fields go into a submission: a form overwrites what a salesperson edited, so it is first looked whether
    /// the person is there.
    async fn part(
        &self,
        session: &Session,
        keep: bool,
        mapped: &Mapped,
        (moment, egress, calls): (Moment, &Egress, &mut u32),
    ) -> Result<Part, Box<Tried>> {
        if !keep {
            return Ok(Part::Whole);
        }
        let call: Call = find("email", mapped.get("email").map(Value::as_text).unwrap_or_default());
        let sent = session.send(&call, moment.now, egress, calls).await;
        let answer = sent.map_err(|it| Box::new(not_written(*it)))?;
        let about = About { records: 1, known: &[], now: moment.now };
        let found = results(&answer, &about).map_err(|it| Box::new(not_written(*it)))?;
        Ok(if found.is_empty() { Part::Whole } else { Part::Own })
    }
}

impl Connector for MarketoForm {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        async move {
            let (mut tried, mut calls) = (Vec::with_capacity(batch.len()), 0);
            for payload in batch {
                tried.push(self.one(payload, moment, egress, &mut calls).await);
            }
            Delivered { tried, calls }
        }
        .boxed()
    }

    /// The service takes exactly one submission in a call.
    fn batch_max(&self) -> usize {
        1
    }

    /// Half of what all integrations of an instance may have running at a time; a browser posts one form.
    fn in_flight_max(&self) -> usize {
        match self.way {
            Way::Rest { .. } => 5,
            Way::Classic(_) => 1,
        }
    }

    /// Two submissions of one address at the same time make two people.
    fn exclusive_key(&self, payload: &Payload) -> Option<String> {
        Some(self.submission(payload).ok()?.get("email")?.as_text().to_lowercase())
    }

    /// A token, a look, and the submission.
    fn calls(&self) -> CallBudget {
        match &self.way {
            Way::Rest { session, .. } => session.calls(Cost { fixed: 3, each: 0, spare: 4 }),
            Way::Classic(_) => CallBudget::default(),
        }
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let mut preview = Preview::default();
        let token = bearer("token").expect("a word can be in a header");
        for payload in batch {
            let mapped = match self.submission(payload) {
                Ok(mapped) => mapped,
                Err(parked) => {
                    preview.unsent.push(*parked);
                    continue;
                }
            };
            match &self.way {
                Way::Rest { session, keep } => {
                    let email = mapped.get("email").map(Value::as_text).unwrap_or_default();
                    let mut show = |call: &Call| {
                        let request = session.request(call, &token);
                        preview.requests.push(PreviewedRequest::of(&request, false));
                    };
                    if *keep {
                        show(&find("email", email));
                    }
                    show(&self.shape.submit(&mapped, Part::Whole));
                }
                Way::Classic(classic) => {
                    let request = classic.request(&self.shape, &mapped);
                    preview.requests.push(PreviewedRequest::of(&request, false));
                }
            }
            preview.notes.extend(mapped.notes);
        }
        if !preview.requests.is_empty()
            && let Way::Rest { keep, .. } = self.way
        {
            preview.notes.push("an access token is asked for first when none is at hand".to_owned());
            if keep {
                let note = "of a person who is there already only the address and fields marked `always` are submitted";
                preview.notes.push(note.to_owned());
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
            let Way::Rest { session, .. } = &self.way else { return None };
            let email = erasure.email().map(str::to_lowercase);
            let found_by = email.as_deref().map(|it| ("email", it));
            Some(crate::marketo::erase::erase(session, found_by, erasure, (moment, egress)).await)
        }
        .boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(moment, egress).boxed()
    }

    fn read_back<'a>(
        &'a self,
        payload: &'a Payload,
        _: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        async move {
            let Way::Rest { session, .. } = &self.way else { return None };
            let mapped = self.submission(payload).ok()?;
            let email = mapped.get("email")?.as_text();
            Some(look::read_back(session, ("email", email), moment, egress).await)
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
            let Way::Rest { session, .. } = &self.way else { return None };
            let mapped = self.submission(payload).ok()?;
            let email = mapped.get("email")?.as_text();
            Some(look::clean_up(session, ("email", email), receipt, (moment, egress)).await)
        }
        .boxed()
    }
}

fn with_notes(mut tried: Tried, notes: &[String]) -> Tried {
    if matches!(tried.outcome, Outcome::Done(_)) && !notes.is_empty() {
        tried.evidence.message = format!("{}; {}", tried.evidence.message, notes.join("; "));
    }
    tried
}
