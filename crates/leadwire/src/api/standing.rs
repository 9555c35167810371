//! Endpoints about how leads stand: the table of interest, and what a person decides about one lead.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List};
use crate::intake::Received;
use crate::merging::Decision;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{ActId, LeadId};
use leadwire_core::interest::{Interest, InterestRule, Pattern};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::text::non_blank;
use leadwire_core::touchpoint::{Action, Consent, Touchpoint};
use leadwire_store::audit::Deed;
use leadwire_store::leads::Act;
use leadwire_store::setup::Change;

/// `GET /v1/interest-rules`
pub(super) async fn rules(call: Call) -> Result<Response, Problem> {
    let setup = call.app.directory.now();
    let items = setup.interest().rules().iter().map(rule_shape).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

fn rule_shape(it: &InterestRule) -> wire::InterestRule {
    wire::InterestRule {
        source: it.pattern.source_text().to_owned(),
        action: it.pattern.action_text().to_owned(),
        interest: it.interest.as_str().to_owned(),
        own: it.is_own,
    }
}

/// `POST /v1/interest-rules`
pub(super) async fn put_rule(call: Call) -> Result<Response, Problem> {
    let new: wire::NewInterestRule = call.json()?;
    let interest = interest(&new.interest)?;
    let pattern = pattern(&new.source, &new.action)?;
    if pattern.action == Some(Action::DoNotContact) {
        return Err(Refusal::new(
            "/action",
            "no_interest",
            "a customer who must not be contacted shows no interest",
            "name another action, or `*` for all others",
        )
        .into());
    }
    let rule = wire::InterestRule {
        source: pattern.source_text().to_owned(),
        action: pattern.action_text().to_owned(),
        interest: interest.as_str().to_owned(),
        own: true,
    };
    Deed::about(&format!("{} {}", rule.source, rule.action));
    match call.app.store.put_interest_rule(pattern, interest).await? {
        Change::Owed(count) => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_rules",
            format!("there are {count} rows of the operator already"),
            "reset one that is not needed, or use `*` for several actions of one source",
        )),
        change => {
            done(&call, change, "").await?;
            Ok(answer::json(StatusCode::OK, &rule))
        }
    }
}

/// `DELETE /v1/interest-rules`
pub(super) async fn reset_rules(call: Call) -> Result<Response, Problem> {
    let of = |name: &str| call.query.get(name).map(String::as_str);
    let pattern = match (of("source"), of("action")) {
        (None, None) => None,
        (source, action) => Some(pattern(source.unwrap_or("*"), action.unwrap_or("*"))?),
    };
    let change = call.app.store.reset_interest_rules(pattern).await?;
    done(&call, change, "").await?;
    Ok(answer::empty())
}

fn pattern(source: &str, action: &str) -> Result<Pattern, Problem> {
    for (pointer, text) in [("/source", source), ("/action", action)] {
        if text.trim().is_empty() || text.len() > limits::INTEREST_NAME_BYTES_MAX {
            return Err(Refusal::new(
                pointer,
                "bad_name",
                "this is no name of a source or an action",
                format!("give 1 to {} bytes, or `*` for any", limits::INTEREST_NAME_BYTES_MAX),
            )
            .into());
        }
    }
    Ok(Pattern::parse(source, action))
}

fn interest(text: &str) -> Result<Interest, Problem> {
    Interest::parse(text).ok_or_else(|| {
        Refusal::new("/interest", "bad_interest", "there is no such interest", "use `initial` or `active`")
            .into()
    })
}

/// `POST /v1/leads/{lead}/interest`
pub(super) async fn set_interest(call: Call) -> Result<Response, Problem> {
    let wish: wire::InterestWish = call.json()?;
    let (lead, interest) = (lead_id(&call)?, interest(&wish.interest)?);
    let act = Act {
        // Minted where touchpoints' ids are: what comes after it is newer than it.
        id: ActId::new(call.app.ids.next(call.app.clock.steady())),
        at: call.app.clock.steady(),
        kind: "interest".to_owned(),
        value: interest.as_str().to_owned(),
        reason: reason(&wish.reason)?.to_owned(),
        who: who(&call, wish.by.as_deref())?,
        rule: String::new(),
    };
    if !call.app.store.set_interest(call.publisher(), lead, interest, act).await? {
        return Err(Problem::not_found());
    }
    shown(&call, lead).await
}

/// `POST /v1/leads/{lead}/do-not-contact`
pub(super) async fn do_not_contact(call: Call) -> Result<Response, Problem> {
    let wish: wire::Decision = call.json()?;
    say(&call, &wish.reason, wish.by.as_deref(), |it| it.action = Action::DoNotContact).await
}

/// `POST /v1/leads/{lead}/permit-contact`
pub(super) async fn permit_contact(call: Call) -> Result<Response, Problem> {
    let wish: wire::Permission = call.json()?;
    let text_version = match wish.text_version.as_deref() {
        Some(text) => Some(short("/text_version", text)?.to_owned()),
        None => None,
    };
    let at = call.app.clock.steady();
    let consent = Consent { shared: true, text_version, at: Some(at) };
    say(&call, &wish.reason, wish.by.as_deref(), |it| it.consent = Some(consent)).await
}

/// Writes down what a person says of a lead as a touchpoint of it: it is in the timeline, and counts as the
/// customer's own word does.
async fn say(
    call: &Call,
    why: &str,
    by: Option<&str>,
    change: impl FnOnce(&mut Touchpoint),
) -> Result<Response, Problem> {
    let (lead, publisher) = (lead_id(call)?, call.publisher());
    let found = call.app.store.lead(publisher.clone(), lead, 0).await?;
    let (found, _) = found.ok_or_else(Problem::not_found)?;
    let reason = reason(why)?.to_owned();
    let decision = Decision { publisher, reason, who: who(call, by)?, test: found.test };
    let incoming = call.app.intake.persons_word(&decision, lead, change);
    match call.app.intake.accept(vec![incoming]).await?[0] {
        Received::NoLead => Err(Problem::not_found()),
        Received::New(..) | Received::Duplicate(..) | Received::KeyReused(_) | Received::KeptOut(..) => {
            shown(call, lead).await
        }
    }
}

pub(super) async fn shown(call: &Call, lead: LeadId) -> Result<Response, Problem> {
    let detail = super::read::lead_detail(call, lead).await?;
    Ok(answer::json(StatusCode::OK, &detail))
}

pub(super) fn lead_id(call: &Call) -> Result<LeadId, Problem> {
    LeadId::parse(call.path("lead")).map_err(|_| Problem::not_found())
}

pub(super) fn reason(text: &str) -> Result<&str, Problem> {
    short("/reason", text)
}

fn short<'a>(pointer: &'static str, text: &'a str) -> Result<&'a str, Problem> {
    non_blank(text).filter(|it| it.len() <= limits::REASON_BYTES_MAX).ok_or_else(|| {
        let fix = format!("say it in 1 to {} bytes", limits::REASON_BYTES_MAX);
        Refusal::new(pointer, "bad_text", "this text is empty or too long", fix).into()
    })
}

/// Who decides: the key that was shown, and the name of whoever used it, where one is given.
pub(super) fn who(call: &Call, by: Option<&str>) -> Result<String, Problem> {
    let key = call.actor.as_ref().map_or_else(String::new, |it| it.who.to_string());
    Ok(match by {
        Some(name) => format!("{} ({key})", short("/by", name)?),
        None => key,
    })
}
