//! Writes leads into Dynamics 365 Sales through the Web API of Dataverse: a hundred in a batch, one row per lead.

mod check;
mod deliver;
mod erase;
mod errors;
mod feedback;
mod fields;
mod metadata;
mod notes;
mod prepare;
mod reply;
mod request;

#[cfg(test)]
mod notes_tests;
#[cfg(test)]
mod sandbox_tests;
#[cfg(test)]
mod tests;

pub(crate) use feedback::STATES;

use crate::call_budget::{self, CallBudget};
use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::entra::{Proof, SignIn};
use crate::erase::Erasure;
use crate::feedback::{Asked, Position, Reading};
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::token::bearer;
use crate::touchpoint_notes::Which;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use errors::ERRORS;
use fields::{FIELDS, MAPPING, TARGETS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::budget::{Cost, Told};
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use request::{Act, Call, Duplicates, Key, RECORDS_MAX, Shape, batch_len};
use std::time::Duration;
use url::Url;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "dynamics",
    title: "Dynamics 365 Sales",
    summary: "Writes every lead into Dynamics 365 Sales through the Web API of Dataverse, one row per customer, with its id as proof",
    own_fields: FIELDS,
    takes_batches: true,
    prepares: true,
    knows_repeats: true,
    carries_notices: false,
    example: r#"{"url":"https://contoso.crm4.dynamics.com","tenant":"aaaabbbb-0000-cccc-1111-dddd2222eeee","client_id":"00001111-aaaa-2222-bbbb-3333cccc4444","client_secret":"example"}"#,
    default_mapping: MAPPING,
    targets: TARGETS,
    errors: ERRORS,
    steps: &[
        "In the Entra admin center, register an app in the directory the environment belongs to; one directory is enough",
        "Under Certificates & secrets, upload a certificate or make a client secret, and copy its value",
        "In the Power Platform admin center, open the environment, Settings, Users + permissions, Application users, and add the app",
        "Give that application user a security role that may create, read and write leads; and, for notes of later touchpoints, create, read and append notes and append to leads",
        "Enter the environment URL, the directory ID, the application ID and the secret or certificate here",
    ],
    build: |settings| Ok(Box::new(Dynamics::read(settings)?)),
};

struct Dynamics {
    /// The environment, without a path.
    url: Url,
    sign_in: SignIn,
    shape: Shape,
    map: FieldMap,
    /// Leads that are there already get all mapped fields.
    overwrites: bool,
    wait: Duration,
    reading: Reading,
    notes: Which,
}

impl Dynamics {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let wait = DestinationSettings::read(settings).wait;
        let mut refusals = Vec::new();
        let url = Url::parse(values.text("url").unwrap_or_default()).ok().filter(Url::has_host);
        let url = url.map(|mut it| {
            // People copy the address of a form or a view.
            it.set_path("");
            it.set_query(None);
            it
        });
        if url.is_none() {
            let fix = "enter it as https://contoso.crm4.dynamics.com";
            refusals.push(refusal(field("url"), "bad_url", "`url` is not a URL", fix));
        }
        let scope = url.as_ref().map(|it| format!("{}/.default", it.origin().ascii_serialization()));
        let proof = match values.text("auth") {
            Some("certificate") => Proof::Certificate,
            _ => Proof::Secret,
        };
        let sign_in = SignIn::read(&values, proof, scope.unwrap_or_default(), wait);
        let sign_in = sign_in.map_err(|more| refusals.extend(more)).ok();
        let map = FieldMap::read(MAPPING, TARGETS, settings).map_err(|more| refusals.extend(more)).ok();
        let shape = shape(&values).map_err(|more| refusals.extend(more)).ok();
        let reading =
            Reading::read(FIELDS, feedback::STATES, settings).map_err(|more| refusals.extend(more)).ok();
        let (Some(url), Some(sign_in), Some(map), Some(shape), Some(reading)) =
            (url, sign_in, map, shape, reading)
        else {
            return Err(refusals);
        };
        let overwrites = values.text("existing_leads") == Some("overwrite");
        let notes = Which::read(&values);
        Ok(Self { url, sign_in, shape, map, overwrites, wait, reading, notes })
    }
}

fn shape(values: &Values<'_>) -> Result<Shape, Vec<Refusal>> {
    let text = |name: &str| values.text(name).unwrap_or_default();
    let mut refusals = Vec::new();
    let version = text("api_version");
    let is_version =
        version.strip_prefix("v9.").is_some_and(|it| it.len() == 1 && it.as_bytes()[0].is_ascii_digit());
    if !is_version {
        let message = "`api_version` is not a version of the Web API";
        refusals.push(refusal(field("api_version"), "bad_version", message, "write it as v9.2"));
    }
    let column = text("key_column");
    let is_name = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    if text("key") == "alternate_key"
        && !(column.contains('_')
            && column.len() <= 50
            && column.bytes().all(is_name)
            && !column.starts_with('_'))
    {
        let message = "`key_column` is not the logical name of a column";
        let fix = "write it in small letters with its prefix, such as leadwire_leadid";
        refusals.push(refusal(field("key_column"), "bad_column", message, fix));
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let key = match text("key") {
        "alternate_key" => Key::Column(column.to_owned()),
        _ => Key::LeadId,
    };
    let duplicates = match text("duplicates") {
        "park" => Duplicates::Park,
        "deliver" => Duplicates::Deliver,
        _ => Duplicates::Create,
    };
    Ok(Shape { root: format!("/api/data/{version}"), key, duplicates })
}

impl Connector for Dynamics {
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

    /// Requests may take 20 minutes together in any 5 (api-limits): four that never pause take just that.
    fn in_flight_max(&self) -> usize {
        4
    }

    /// 6,000 requests in 5 minutes of one user (api-limits), those within a batch counted one by one: up to two looks, a write
    /// and a note for each lead.
    fn calls(&self) -> CallBudget {
        CallBudget {
            account: call_budget::account_at("dynamics", &self.url),
            windows: vec![call_budget::shared(Some(6_000), Duration::from_secs(300))],
            cost: Cost { fixed: 2, each: 4, spare: 0 },
            told: told_limits,
        }
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let mut tried = vec![None; batch.len()];
        let groups = self.gather(batch, &mut tried);
        let token = bearer("token").expect("a word can be in a header");
        let mut preview = Preview { unsent: tried.into_iter().flatten().collect(), ..Preview::default() };
        let mut show = |is_first: bool, act: Act| {
            let chosen = groups.iter().filter(|it| it.is_first == is_first);
            let calls: Vec<Call> = chosen.map(|it| self.shape.call(&it.record, act)).collect();
            let mut left = &calls[..];
            while !left.is_empty() {
                let (now, later) = left.split_at(batch_len(left));
                let request = self.request(self.shape.batch(now), &token);
                preview.requests.push(PreviewedRequest::of(&request, false));
                left = later;
            }
            !calls.is_empty()
        };
        let looks = show(false, Act::Look);
        show(true, Act::Create);
        if looks {
            let what = if self.overwrites { "all mapped fields" } else { "only the fields marked `always`" };
            preview.notes.push(format!(
                "a lead that turns out to be there gets {what}; one that is not is made; a qualified one is left alone"
            ));
        }
        self.preview_notes(batch, &token, &mut preview);
        if !preview.requests.is_empty() {
            let url = self.sign_in.token_url();
            preview.notes.push(format!("an access token is asked for first when none is at hand, at {url}"));
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

    fn prepare<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Option<Vec<Step>>> {
        self.make_ready(moment, egress).boxed()
    }

    fn ends_at(&self) -> Option<Timestamp> {
        self.sign_in.ends_at()
    }
}

/// What one of the service's servers has left for this user (api-limits). There are several, each with its own count: the word
/// can only say that more was used than we know of.
fn told_limits(headers: &http::HeaderMap) -> Vec<Told> {
    let left = headers.get("x-ms-ratelimit-burst-remaining-xrm-requests");
    let left: Option<u32> = left.and_then(|it| it.to_str().ok()?.trim().parse().ok());
    let told =
        |left| Told { length: Duration::from_secs(300), limit: 6_000, used: 6_000u32.saturating_sub(left) };
    left.map(told).into_iter().collect()
}
