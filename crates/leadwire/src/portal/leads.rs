//! Leads: the list, and a lead's page with its timeline, its deliveries and what people decide.

use super::shell::Shell;
use super::visit::{Visit, see_other};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{DeliveryId, LeadId};
use leadwire_core::{limits, mask};
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "portal/leads.html")]
struct LeadsPage {
    shell: Shell,
    rows: Vec<wire::Lead>,
    sought: String,
    /// Whether there may be more than are shown of what was looked for.
    is_cut: bool,
    /// Whether people are masked here.
    is_masked: bool,
    has_suggestions: bool,
    next: Option<String>,
    is_first: bool,
}

/// A field of a customer as text.
pub(super) fn said<'a>(customer: &'a Map<String, Value>, field: &str) -> &'a str {
    customer.get(field).and_then(Value::as_str).unwrap_or_default()
}

impl Shell {
    /// A customer's name as their language writes it, or what else is known of them.
    pub(super) fn customer(&self, customer: &Map<String, Value>) -> String {
        let (first, last) = (said(customer, "first_name"), said(customer, "last_name"));
        let parts = if self.look.language.puts_family_name_first() { [last, first] } else { [first, last] };
        let name = parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
        let known =
            [name.as_str(), said(customer, "email"), said(customer, "phone"), said(customer, "company")];
        let known = known.into_iter().find(|it| !it.is_empty());
        known.map_or_else(|| self.say("nobody"), str::to_owned)
    }

    /// A field of a customer.
    pub(super) fn said(&self, customer: &Map<String, Value>, field: &str) -> String {
        said(customer, field).to_owned()
    }
}

/// `GET /leads`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let sought = visit.asked("q").trim().to_owned();
    let shell = visit.shell("leads-title");
    // An id leads straight to its page, whether it is a lead's or a delivery's.
    if LeadId::parse(&sought).is_ok() {
        return Ok(see_other(&shell.to_one("/leads", &sought)));
    }
    if DeliveryId::parse(&sought).is_ok() {
        return Ok(see_other(&shell.to_one("/deliveries", &sought)));
    }
    let limit = limits::PORTAL_ROWS.to_string();
    let query = [("limit", limit.as_str()), ("cursor", visit.asked("cursor")), ("find", sought.as_str())];
    let found: wire::Leads = visit.ask(Wish::get("/v1/leads").with(&query)).await?;
    let suggested: wire::Page<wire::Suggestion> =
        visit.ask(Wish::get("/v1/suggestions").with(&[("limit", "1")])).await?;
    let is_first = visit.asked("cursor").is_empty();
    let page = LeadsPage {
        is_cut: found.cut,
        is_masked: !visit.sees_people(),
        has_suggestions: !suggested.items.is_empty(),
        rows: found.items,
        next: found.next,
        sought,
        is_first,
        shell,
    };
    Ok(visit.page(&page))
}

#[derive(Template)]
#[template(path = "portal/lead.html")]
struct LeadPage {
    shell: Shell,
    lead: wire::Lead,
    standing: wire::Standing,
    feedback: wire::LeadFeedback,
    erased_at: Option<String>,
    members: Vec<wire::Member>,
    history: Vec<wire::FieldHistory>,
    timeline: Vec<Moment>,
    deliveries: Vec<wire::Delivery>,
    older: bool,
    may_decide: bool,
    may_retry: bool,
    seen: Seen,
}

/// How much of a person is on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// All, as always for this user.
    Whole,
    /// All, since the user asked for it just now.
    Revealed,
    /// First letters, which the user may ask to be more.
    Masked,
    /// First letters, and nothing else.
    MaskedForGood,
}

impl LeadPage {
    fn is_masked(&self) -> bool {
        matches!(self.seen, Seen::Masked | Seen::MaskedForGood)
    }

    fn may_reveal(&self) -> bool {
        self.seen == Seen::Masked
    }

    fn is_revealed(&self) -> bool {
        self.seen == Seen::Revealed
    }

    fn reasons(&self) -> [&'static str; 4] {
        ["contact", "support", "correction", "other"]
    }
}

/// A touchpoint with what became of its way.
struct Moment {
    it: wire::TouchpointRow,
    notes: String,
    why: Vec<String>,
}

/// `GET /leads/{lead}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let places = [("lead", visit.place("lead"))];
    let found: wire::LeadDetail = visit.ask(Wish::get("/v1/leads/{lead}").at(&places)).await?;
    let seen = match visit.sees_people() {
        true => Seen::Whole,
        false if visit.user().guest.is_some() => Seen::MaskedForGood,
        false => {
            let privacy: wire::Privacy = visit.ask(Wish::get("/v1/privacy")).await?;
            if privacy.readers_reveal { Seen::Masked } else { Seen::MaskedForGood }
        }
    };
    page(&visit, found, seen).await
}

/// `POST /leads/{lead}/reveal`: the answer is the page itself, which nobody can open again without asking anew.
async fn reveal(visit: &Visit) -> Result<Response, Problem> {
    let places = [("lead", visit.place("lead"))];
    let body = match visit.field("reason") {
        "" => json!({}),
        reason => json!({ "reason": reason }),
    };
    let found: wire::LeadDetail =
        visit.ask(Wish::post("/v1/leads/{lead}/reveal").at(&places).body(body)).await?;
    let seen = if visit.sees_people() { Seen::Whole } else { Seen::Revealed };
    page(visit, found, seen).await
}

async fn page(visit: &Visit, found: wire::LeadDetail, seen: Seen) -> Result<Response, Problem> {
    let places = [("lead", visit.place("lead"))];
    let wire::LeadDetail {
        lead, standing, feedback, erased_at, members, history, timeline, deliveries, ..
    } = found;
    // Why each touchpoint went, or did not go, in words; it is a help, and the page stands without it.
    let routing: Option<wire::LeadRouting> =
        visit.ask(Wish::get("/v1/leads/{lead}/routing").at(&places)).await.ok();
    let routing = routing.map(|it| it.touchpoints).unwrap_or_default();
    let most = limits::PORTAL_LEAD_ROWS;
    let older = timeline.len() > most || deliveries.len() > most;
    let newest = timeline.into_iter().rev().take(most);
    let mut shell = visit.shell("lead-title").at(&format!("/leads/{}", visit.place("lead")));
    let moments = newest.map(|it| {
        let why = routing.iter().find(|why| why.touchpoint.id == it.id);
        let notes = it.content.as_ref().and_then(|it| it.get("notes")).and_then(Value::as_str);
        Moment {
            notes: match notes {
                Some(mask::HIDDEN) => shell.say("hidden-words"),
                notes => notes.unwrap_or_default().to_owned(),
            },
            why: why.map(|it| it.summary.clone()).unwrap_or_default(),
            it,
        }
    });
    let timeline = moments.collect();
    shell.title = shell.customer(&lead.customer);
    let page = LeadPage {
        timeline,
        seen,
        deliveries: deliveries.into_iter().take(most).collect(),
        may_decide: visit.may(Action::DecideOnLeads) && erased_at.is_none(),
        may_retry: visit.may(Action::RetryDeliveries),
        shell,
        lead,
        standing,
        feedback,
        erased_at,
        members,
        history,
        older,
    };
    Ok(visit.page(&page))
}

/// `POST /leads/{lead}/{deed}`
pub(super) async fn decide(visit: Visit) -> Result<Response, Problem> {
    if visit.place("deed") == "reveal" {
        return reveal(&visit).await;
    }
    let name = &visit.user().user.name;
    let reason = visit.field("reason");
    let (pattern, body) = match visit.place("deed") {
        "interest" => (
            "/v1/leads/{lead}/interest",
            json!({ "interest": visit.field("interest"), "reason": reason, "by": name }),
        ),
        "do-not-contact" => ("/v1/leads/{lead}/do-not-contact", json!({ "reason": reason, "by": name })),
        "permit-contact" => ("/v1/leads/{lead}/permit-contact", json!({ "reason": reason, "by": name })),
        "feedback" => (
            "/v1/leads/{lead}/feedback",
            match reason.is_empty() {
                true => json!({ "outcome": visit.field("outcome"), "by": name }),
                false => json!({ "outcome": visit.field("outcome"), "reason": reason, "by": name }),
            },
        ),
        "merge" => {
            ("/v1/leads/{lead}/merge", json!({ "with": visit.field("with"), "reason": reason, "by": name }))
        }
        "erase" if visit.field("sure") != "yes" => {
            let (what, fix) =
                ("the box `I am sure` was not ticked", "go back, tick it and send the form again");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_sure", what, fix));
        }
        "erase" => ("/v1/leads/{lead}/erase", json!({ "reason": reason })),
        "unmerge" => ("/v1/leads/{lead}/unmerge", json!({ "reason": reason, "by": name })),
        _ => return Err(Problem::not_found()),
    };
    // A lead that is taken out of another one is not the one of the page.
    let member = Some(visit.field("member")).filter(|it| !it.is_empty() && visit.place("deed") == "unmerge");
    let places = [("lead", member.unwrap_or(visit.place("lead")))];
    let _: Value = visit.ask(Wish::post(pattern).at(&places).body(body)).await?;
    Ok(visit.done(&format!("/leads/{}", visit.place("lead")), "decided"))
}
