//! Endpoints about leads that are one, or may be: merging, parting, suggestions, and the rules of identity.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::read::{customer_shape, lead_detail, lead_shape};
use super::setup::done;
use super::standing::{lead_id, reason, who};
use super::wire::{self, moment};
use crate::merging::Decision;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{ActId, LeadId, SuggestionId};
use leadwire_core::identity::{BadRules, IdentityRules, Rule, Scope, SharedMailbox};
use leadwire_core::limits;
use leadwire_core::near::NearRule;
use leadwire_core::refusal::Refusal;
use leadwire_store::leads::Act;
use leadwire_store::merges::Merged;
use leadwire_store::suggestions::{Suggestion, SuggestionState};

/// `POST /v1/leads/{lead}/merge`
pub(super) async fn merge(call: Call) -> Result<Response, Problem> {
    let wish: wire::MergeWish = call.json()?;
    let lead = lead_id(&call)?;
    let (pointer, other) = other(&wish)?;
    let (into, from) = match pointer {
        "/into" => (other, lead),
        "/from" => (lead, other),
        _ => (lead.min(other), lead.max(other)),
    };
    let decision = decision(&call, lead, (&wish.reason, wish.by.as_deref())).await?;
    match call.app.intake.merge(&decision, into, from).await? {
        Merged::Done { root, .. } => Ok(answer::json(StatusCode::OK, &lead_detail(&call, root).await?)),
        Merged::Missing(missing) if missing == other => {
            let (what, fix) = ("there is no such lead", "name a lead of the same publisher");
            Err(Refusal::new(pointer, "unknown_lead", what, fix).into())
        }
        Merged::Same => {
            let fix = "name another lead";
            Err(Refusal::new(pointer, "same_lead", "a lead is one with itself already", fix).into())
        }
        refused => Err(problem(&call, &refused)),
    }
}

/// The other lead, and where it was named.
fn other(wish: &wire::MergeWish) -> Result<(&'static str, LeadId), Problem> {
    let named = [("/into", &wish.into), ("/from", &wish.from), ("/with", &wish.with)];
    let mut named = named.into_iter().filter_map(|(pointer, it)| Some((pointer, it.as_ref()?)));
    let (Some((pointer, text)), None) = (named.next(), named.next()) else {
        let what = "it is not clear which lead is to be merged";
        let fix = "give one of `into`, `from` and `with`";
        return Err(Refusal::new("/into", "one_other_lead", what, fix).into());
    };
    let bad = |it: leadwire_core::id::BadId| Refusal::new(pointer, "bad_id", it.to_string(), "name a lead");
    Ok((pointer, LeadId::parse(text).map_err(bad)?))
}

async fn decision(call: &Call, lead: LeadId, (why, by): (&str, Option<&str>)) -> Result<Decision, Problem> {
    let (reason, who) = (reason(why)?.to_owned(), who(call, by)?);
    let found = call.app.store.lead(call.publisher(), lead, 0).await?;
    let (found, _) = found.ok_or_else(Problem::not_found)?;
    Ok(Decision { publisher: call.publisher(), reason, who, test: found.test })
}

/// `POST /v1/leads/{lead}/unmerge`
pub(super) async fn unmerge(call: Call) -> Result<Response, Problem> {
    let wish: wire::Decision = call.json()?;
    let lead = lead_id(&call)?;
    let decision = decision(&call, lead, (&wish.reason, wish.by.as_deref())).await?;
    match call.app.intake.unmerge(&decision, lead).await? {
        Merged::Done { root, brought_anew, .. } => {
            let lead = lead_detail(&call, lead).await?;
            let shape = wire::Unmerged { out_of: root.to_string(), brought_anew, lead };
            Ok(answer::json(StatusCode::OK, &shape))
        }
        refused => Err(problem(&call, &refused)),
    }
}

fn problem(call: &Call, refused: &Merged) -> Problem {
    let conflict = |code, what: String, fix: String| Problem::new(StatusCode::CONFLICT, code, what, fix);
    match refused {
        Merged::Missing(_) | Merged::Done { .. } | Merged::Same => Problem::not_found(),
        Merged::SetupChanged => Problem::try_again("busy", "the set-up changes all the time", 1),
        Merged::Already { lead, into } => conflict(
            "already_merged",
            format!("{lead} is part of {into}"),
            format!("name {into} in its place, or take {lead} out of it first"),
        ),
        Merged::NotMerged => conflict(
            "not_merged",
            "this lead is not part of another one".to_owned(),
            "name the lead that was merged: the lead that stands for it lists its members".to_owned(),
        ),
        Merged::Trial => conflict(
            "trial_and_customer",
            "one of the leads is a test or a preview, and the other a customer".to_owned(),
            "merge leads of one kind".to_owned(),
        ),
        Merged::TooMany => conflict(
            "too_many_members",
            format!("together they would be more than {} leads", limits::MEMBERS_MAX),
            "a mailbox that many people share is no person: see `leadwire identity`".to_owned(),
        ),
        Merged::TooLarge => conflict(
            "too_many_touchpoints",
            format!("together they have more than {} touchpoints", limits::MERGED_TOUCHPOINTS_MAX),
            "leave them apart: nobody acts so often".to_owned(),
        ),
        Merged::Busy(destination) => {
            let number = destination.to_string();
            let setup = call.app.directory.now();
            let name = setup.destination(&call.publisher(), &number).map_or(number, |it| it.name.clone());
            conflict(
                "being_delivered",
                format!("something of the customer is on its way to {name} at this moment"),
                "try again in a moment".to_owned(),
            )
        }
    }
}

/// The leads that are one with a lead, with their records among these deliveries.
pub(super) async fn members(
    call: &Call,
    lead: LeadId,
    deliveries: &[wire::Delivery],
) -> Result<Vec<wire::Member>, Problem> {
    let members = call.app.store.members(call.publisher(), lead).await?;
    let shape = members.into_iter().map(|it| {
        let id = it.id.to_string();
        let mut records = Vec::new();
        for delivery in deliveries.iter().filter(|it| it.lead == id && it.state == "delivered") {
            let (destination, record) = (delivery.destination.clone(), delivery.record.clone());
            let record = wire::Record { destination, record };
            if !records.contains(&record) {
                records.push(record);
            }
        }
        let rules: Vec<NearRule> = it.rule.split(',').filter_map(NearRule::parse).collect();
        wire::Member {
            lead: id,
            parent: it.parent.map(|it| it.to_string()),
            fields: fields(&rules),
            rule: Some(it.rule).filter(|it| !it.is_empty()),
            decision: it.act.map(|it| it.to_string()),
            customer: customer_shape(it.own.values.each_ref()),
            touchpoints: it.own.touchpoints,
            records,
        }
    });
    Ok(shape.collect())
}

fn fields(rules: &[NearRule]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for field in rules.iter().flat_map(|it| it.fields()) {
        if !fields.iter().any(|it| it == field) {
            fields.push((*field).to_owned());
        }
    }
    fields
}

/// `GET /v1/suggestions`
pub(super) async fn suggestions(call: Call) -> Result<Response, Problem> {
    let limit = call.limit()?;
    let state =
        call.query_as("state", |text| SuggestionState::parse(text).ok_or("use open, dismissed or merged"))?;
    let before = call.query_as("cursor", SuggestionId::parse)?;
    let state = state.unwrap_or(SuggestionState::Open);
    let rows = call.app.store.suggestions(call.publisher(), state, before, limit).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(suggestion_shape(&call, row).await?);
    }
    Ok(answer::page(items, limit, |it: &wire::Suggestion| it.id.clone()))
}

/// `POST /v1/suggestions/{suggestion}/dismiss`
pub(super) async fn dismiss(call: Call) -> Result<Response, Problem> {
    let wish: wire::DismissWish = call.json()?;
    let id = SuggestionId::parse(call.path("suggestion")).map_err(|_| Problem::not_found())?;
    let at = call.app.clock.steady();
    let act = Act {
        id: ActId::new(0),
        at,
        kind: "dismiss".to_owned(),
        value: String::new(),
        rule: String::new(),
        reason: reason(&wish.reason)?.to_owned(),
        who: who(&call, wish.by.as_deref())?,
    };
    let found = call.app.store.dismiss_suggestion(call.publisher(), id, act).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    if found.state != SuggestionState::Dismissed {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "already_merged",
            "these leads were merged",
            "take one out of the other with `leadwire lead unmerge`, which dismisses this too",
        ));
    }
    Ok(answer::json(StatusCode::OK, &suggestion_shape(&call, found).await?))
}

async fn suggestion_shape(call: &Call, it: Suggestion) -> Result<wire::Suggestion, Problem> {
    let mut leads: Vec<wire::Lead> = Vec::new();
    for lead in it.leads {
        // The lead that stands for it by now, which may be the same for both.
        if let Some((found, _)) = call.app.store.lead(call.publisher(), lead, 0).await? {
            let shape = lead_shape(&found);
            if !leads.iter().any(|it| it.id == shape.id) {
                leads.push(shape);
            }
        }
    }
    Ok(wire::Suggestion {
        id: it.id.to_string(),
        rules: it.rules.iter().map(|it| it.as_str().to_owned()).collect(),
        fields: fields(&it.rules),
        at: moment(it.at),
        state: it.state.as_str().to_owned(),
        leads,
        decided_at: it.decided_at.map(moment),
        reason: Some(it.reason).filter(|it| !it.is_empty()),
        who: Some(it.who).filter(|it| !it.is_empty()),
    })
}

/// `GET /v1/identity-rules`
pub(super) async fn rules(call: Call) -> Result<Response, Problem> {
    let setup = call.app.directory.now();
    let own = setup.own_identity_rules(&call.publisher());
    let shape = match own {
        Some(rules) => rules_shape(rules, true),
        None => rules_shape(&IdentityRules::default(), false),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `PUT /v1/identity-rules`
pub(super) async fn put_rules(call: Call) -> Result<Response, Problem> {
    let new: wire::IdentityRules = call.json()?;
    let rules = read_rules(&new)?;
    let change = call.app.store.put_identity_rules(call.publisher(), rules.clone()).await?;
    done(&call, change, "").await?;
    Ok(answer::json(StatusCode::OK, &rules_shape(&rules, true)))
}

/// `DELETE /v1/identity-rules`
pub(super) async fn reset_rules(call: Call) -> Result<Response, Problem> {
    let change = call.app.store.reset_identity_rules(call.publisher()).await?;
    done(&call, change, "").await?;
    Ok(answer::empty())
}

fn read_rules(new: &wire::IdentityRules) -> Result<IdentityRules, Problem> {
    let mut refusals = Vec::new();
    let mut rules = Vec::new();
    for (at, name) in new.rules.iter().enumerate() {
        let fix = "use email, phone_and_name or phone";
        let bad = || Refusal::new(format!("/rules/{at}"), "unknown_rule", "there is no such rule", fix);
        match Rule::parse(name) {
            Some(rule) => rules.push(rule),
            None => refusals.push(bad()),
        }
    }
    let scope = Scope::parse(&new.scope);
    if scope.is_none() {
        let (what, fix) = ("there is no such scope", "use publisher or offer");
        refusals.push(Refusal::new("/scope", "unknown_scope", what, fix));
    }
    let mut shared = Vec::new();
    for (at, text) in new.shared_mailboxes.iter().enumerate() {
        let fix = "write `info@reseller.example`, or `@reseller.example` for all of a domain";
        let pointer = format!("/shared_mailboxes/{at}");
        match SharedMailbox::parse(text) {
            Some(mailbox) => shared.push(mailbox),
            None => refusals.push(Refusal::new(pointer, "bad_mailbox", "this is no address", fix)),
        }
    }
    let rules = IdentityRules { rules, scope: scope.unwrap_or(Scope::Publisher), shared };
    match rules.check() {
        Ok(()) => {}
        Err(BadRules::Twice(rule)) => {
            let what = format!("the rule {} is there twice", rule.as_str());
            refusals.push(Refusal::new("/rules", "rule_twice", what, "leave one of them out"));
        }
        Err(BadRules::TooManyShared) => {
            let fix = format!(
                "keep at most {}; a line for a domain stands for all in it",
                limits::SHARED_MAILBOXES_MAX
            );
            let what = "there are too many shared mailboxes";
            refusals.push(Refusal::new("/shared_mailboxes", "too_many_mailboxes", what, fix));
        }
    }
    if refusals.is_empty() { Ok(rules) } else { Err(Problem::refused(refusals)) }
}

fn rules_shape(rules: &IdentityRules, own: bool) -> wire::IdentityRules {
    wire::IdentityRules {
        rules: rules.rules.iter().map(|it| it.as_str().to_owned()).collect(),
        scope: rules.scope.as_str().to_owned(),
        shared_mailboxes: rules.shared.iter().map(|it| it.as_str().to_owned()).collect(),
        own,
    }
}
