//! Posts leads to Salesforce's Web-to-Lead form: all that Microsoft's own connector could do, and no proof of arrival.

mod counter;
mod errors;
mod fields;
mod reply;
mod request;

#[cfg(test)]
mod tests;

use crate::call_budget::{self, CallBudget};
use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::{Egress, Request};
use crate::mapped::FieldMap;
use crate::preview::{Preview, PreviewedRequest};
use crate::redact;
use crate::validation::{Checked, Step, Verdict};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use bytes::Bytes;
use counter::Counter;
use errors::ERRORS;
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use leadwire_core::budget::{Cost, Window};
use leadwire_core::mapping::{Kind, Length, Mapped, Target, Value};
use leadwire_core::outcome::{Outcome, Tried};
use leadwire_core::refusal::Refusal;
use reply::AfterUnknown;
use request::Encoding;
use std::time::Duration;
use url::Url;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "salesforce_web_to_lead",
    title: "Salesforce Web-to-Lead",
    summary: "Posts every lead to Salesforce's web form: needs only the organization identifier, and brings no proof of arrival",
    own_fields: FIELDS,
    takes_batches: false,
    prepares: false,
    knows_repeats: false,
    carries_notices: false,
    example: r#"{"oid":"00D000000000001"}"#,
    default_mapping: MAPPING,
    targets: TARGETS,
    errors: ERRORS,
    steps: &[
        "In Setup, Web-to-Lead, enable it, and clear `Require reCAPTCHA Verification`",
        "Generate the HTML of a form, with `Include reCAPTCHA in HTML` cleared, and copy the value of `oid`",
        "Make no picklist field required: a value that is not in its list loses the lead",
        "If you can, make a text field for the touchpoint's id, mark it Unique, and copy its id (00N…) from the generated HTML",
    ],
    build: |settings| Ok(Box::new(WebToLead::read(settings)?)),
};

/// The names Microsoft's connector wrote, and the checkboxes for those who do not want to be contacted.
const MAPPING: &[(&str, &str)] = &[
    ("first_name", "customer.first_name"),
    (
        "last_name",
        "first(customer.last_name, customer.first_name, customer.email) | default('[not provided]')",
    ),
    ("email", "customer.email"),
    ("phone", "customer.phone"),
    ("company", "customer.company | default('[not provided]')"),
    ("title", "customer.title"),
    ("country", "customer.country | country_name('en')"),
    ("lead_source", "lead_source"),
    ("description", "details"),
    ("emailOptOut", "do_not_contact | only_true | always"),
    ("doNotCall", "do_not_contact | only_true | always"),
];

const fn target(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    longest: usize,
    required: bool,
) -> Target {
    let longest = if longest == 0 { None } else { Some(Length::Utf16(longest)) };
    Target { name, label, kind, longest, required }
}

/// Lengths of the fields of Lead behind the names; what is too long would lose the lead after it was accepted.
const TARGETS: &[Target] = &[
    target("first_name", "First name", Kind::Text, 40, false),
    target("last_name", "Last name", Kind::Text, 80, true),
    target("email", "E-mail", Kind::Email, 80, false),
    target("company", "Company", Kind::Text, 255, true),
    target("phone", "Phone", Kind::Text, 40, false),
    target("mobile", "Mobile phone", Kind::Text, 40, false),
    target("title", "Title", Kind::Text, 128, false),
    target("URL", "Website", Kind::Text, 255, false),
    target("street", "Street", Kind::Text, 255, false),
    target("city", "City", Kind::Text, 40, false),
    target("state", "State", Kind::Text, 80, false),
    target("zip", "Postal code", Kind::Text, 20, false),
    target("country", "Country", Kind::Text, 80, false),
    target("lead_source", "Lead source", Kind::Text, 255, false),
    target("description", "Description", Kind::Text, 32_000, false),
    target("Campaign_ID", "Campaign id", Kind::Text, 18, false),
    target("recordType", "Record type id", Kind::Text, 18, false),
    target("emailOptOut", "Has opted out of e-mail", Kind::Bool, 0, false),
    target("faxOptOut", "Has opted out of fax", Kind::Bool, 0, false),
    target("doNotCall", "Do not call", Kind::Bool, 0, false),
];

/// What the form depends on besides the lead.
struct Shape {
    oid: String,
    encoding: Encoding,
    lead_id_field: Option<String>,
    touchpoint_id_field: Option<String>,
}

struct WebToLead {
    url: Url,
    shape: Shape,
    map: FieldMap,
    after_unknown: AfterUnknown,
    counter: Counter,
    wait: Duration,
}

impl WebToLead {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).unwrap_or_default();
        let mut refusals = Vec::new();
        let oid = text("oid");
        if !is_id(oid, "00D") {
            refusals.push(refusal(
                field("oid"),
                "bad_oid",
                "`oid` is not an organization identifier",
                "copy the value of `oid` from the generated HTML: 15 or 18 characters that start with 00D",
            ));
        }
        for name in ["lead_id_field", "touchpoint_id_field"] {
            if values.text(name).is_some_and(|it| !is_id(it, "00N")) {
                refusals.push(refusal(
                    field(name),
                    "bad_field_id",
                    format!("`{name}` is not the id of a custom field"),
                    "copy the field's `name` from the generated HTML: it starts with 00N",
                ));
            }
        }
        let base = match text("host") {
            "sandbox" => "https://test.salesforce.com",
            "other" => text("url"),
            _ => "https://webto.salesforce.com",
        };
        let url = Url::parse(base).ok();
        if url.is_none() {
            refusals.push(refusal(field("url"), "bad_url", "`url` is not a URL", "enter the whole URL"));
        }
        let encoding = if text("encoding") == "ISO-8859-1" { Encoding::Latin1 } else { Encoding::Utf8 };
        let map = FieldMap::read(MAPPING, TARGETS, settings).map_err(|more| refusals.extend(more)).ok();
        let (Some(mut url), Some(map), true) = (url, map, refusals.is_empty()) else { return Err(refusals) };
        url.set_path("/servlet/servlet.WebToLead");
        url.set_query(Some(&format!("encoding={}", encoding.name())));
        let limit = values.number("daily_limit").and_then(|it| usize::try_from(it).ok()).unwrap_or(500);
        Ok(Self {
            url,
            shape: Shape {
                oid: oid.to_owned(),
                encoding,
                lead_id_field: values.text("lead_id_field").map(str::to_owned),
                touchpoint_id_field: values.text("touchpoint_id_field").map(str::to_owned),
            },
            map,
            after_unknown: match text("after_unknown") {
                "park" => AfterUnknown::Park,
                _ => AfterUnknown::Repeat,
            },
            counter: Counter::new(limit),
            wait: DestinationSettings::read(settings).wait,
        })
    }

    fn request(&self, payload: &Payload, mapped: &Mapped) -> Request {
        let mut headers = HeaderMap::new();
        // The encoding is in the address; the type must be this one and no other.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = request::compose(&self.shape, payload, mapped);
        let mut request = Request::new(Method::POST, self.url.clone(), headers, Bytes::from(body));
        request.wait = self.wait;
        request
    }

    async fn deliver_one(
        &self,
        payload: &Payload,
        moment: Moment,
        egress: &Egress,
        calls: &mut u32,
    ) -> Tried {
        let mapped = match self.map.apply(payload) {
            Ok(mapped) => mapped,
            Err(parked) => return *parked,
        };
        if let Err(held) = self.counter.take(moment.now) {
            return *held;
        }
        *calls += 1;
        let mut tried = match egress.send(self.request(payload, &mapped)).await {
            Ok(answer) => {
                let texts = mapped.fields.iter().filter_map(|it| match &it.value {
                    Value::Text(text) => Some(text.as_str()),
                    Value::Number(_) | Value::Bool(_) => None,
                });
                let known: Vec<&str> = redact::known(&payload.touchpoint).chain(texts).collect();
                reply::read(&answer, &known, self.after_unknown)
            }
            Err(error) => {
                if !error.written {
                    self.counter.give_back();
                }
                reply::settle(error.tried(), self.after_unknown)
            }
        };
        if matches!(tried.outcome, Outcome::Done(_)) && !mapped.notes.is_empty() {
            tried.evidence.message = format!("{}; {}", tried.evidence.message, mapped.notes.join("; "));
        }
        tried
    }

    /// The form answers everything alike, so this goes as far as can be gone without posting a lead.
    async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let title = format!("Connect to {}", self.url.host_str().unwrap_or_default());
        match egress.probe(&self.url, self.wait).await {
            Ok(timings) => {
                let took = Duration::from_micros(timings.total_us.unwrap_or(0).into());
                let message = "the address is allowed, and a connection was made";
                checked.add(Step::passed("connection", title, message).took(took));
            }
            Err(error) => {
                checked.add(Step::of_attempt("connection", title, &error.tried()));
                return checked;
            }
        }
        let (count, limit) = self.counter.count(moment.now);
        let message =
            format!("{count} of {limit} leads of the last 24 hours are used, as far as Leadwire remembers");
        let step = Step::passed("daily_leads", "Leads of the day", message);
        checked.add(if count * 5 >= limit * 4 {
            let fix = "raise `daily_limit` when your contract allows more, or connect Salesforce by its API";
            step.but(Verdict::Warned, "daily_leads_nearly_used_up", fix)
        } else {
            step
        });
        let message =
            "the form says neither whether the organization identifier is right nor whether a lead was made";
        let step = Step::passed("permission", "Whether leads are made", message);
        let fix = "send a test lead, and look for it in Salesforce";
        checked.add(step.but(Verdict::Skipped, "cannot_be_seen", fix));
        checked
    }
}

impl Connector for WebToLead {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        async move {
            let mut delivered = Delivered { tried: Vec::with_capacity(batch.len()), calls: 0 };
            for payload in batch {
                let tried = self.deliver_one(payload, moment, egress, &mut delivered.calls).await;
                delivered.tried.push(tried);
            }
            delivered
        }
        .boxed()
    }

    fn batch_max(&self) -> usize {
        1
    }

    /// The day's leads of the form, each one call.
    fn calls(&self) -> CallBudget {
        let calls = u32::try_from(self.counter.limit()).unwrap_or(u32::MAX);
        CallBudget {
            account: Some(format!("salesforce_web_to_lead:{}", self.shape.oid)),
            windows: vec![Window { kept_percent: 0, ..call_budget::shared(Some(calls), call_budget::DAY) }],
            cost: Cost { fixed: 1, each: 0, spare: 0 },
            ..CallBudget::default()
        }
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let mut preview = Preview::default();
        for payload in batch {
            match self.map.apply(payload) {
                Ok(mapped) => {
                    preview.requests.push(PreviewedRequest::of(&self.request(payload, &mapped), false));
                    preview.notes.extend(mapped.notes);
                }
                Err(parked) => preview.unsent.push(*parked),
            }
        }
        preview
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(moment, egress).boxed()
    }
}

fn is_id(text: &str, prefix: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.starts_with(prefix)
        && text.bytes().all(|it| it.is_ascii_alphanumeric())
}
