//! Endpoints of links that open the portal of one publisher once, for a site that shows it as a part of its own.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, moment};
use crate::access::Role;
use crate::accounts::Opening;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::accent::Colour;
use leadwire_core::language::Language;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_store::audit::Deed;
use std::time::Duration;

/// `POST /v1/portal-links`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewPortalLink = call.json()?;
    let refused = |field: &str, what: &str, fix: String| Refusal::new(field, "bad_portal_link", what, fix);
    let mut wrong = Vec::new();
    let role = Role::parse(&new.role).filter(|it| matches!(it, Role::Reader | Role::Member));
    if role.is_none() {
        wrong.push(refused("/role", "a link cannot give this role", "use reader or member".to_owned()));
    }
    let minutes = new.minutes.unwrap_or(limits::PORTAL_LINK_MINUTES);
    if !(1..=limits::PORTAL_LINK_MINUTES_MAX).contains(&minutes) {
        let fix = format!("give a number from 1 to {}", limits::PORTAL_LINK_MINUTES_MAX);
        wrong.push(refused("/minutes", "a link cannot work for so long", fix));
    }
    if new.accent.as_deref().is_some_and(|it| Colour::parse(it).is_none()) {
        wrong.push(refused("/accent", "this is no colour", "write it as #3451c6".to_owned()));
    }
    let language = new.language.as_deref().and_then(Language::parse);
    if new.language.is_some() && language.is_none() {
        wrong.push(refused(
            "/language",
            "there are no pages in this language",
            "use en, hu or tr".to_owned(),
        ));
    }
    let Some(role) = role.filter(|_| wrong.is_empty()) else { return Err(Problem::refused(wrong)) };
    let accent = new.accent.unwrap_or_default();
    let kept = Duration::from_secs(u64::from(minutes) * 60);
    let opening = Opening { publisher: call.publisher(), role, kept, accent, language };
    let (token, link) = call.app.accounts.new_portal_link(opening);
    Deed::about(&link.id.to_string());
    let shape = wire::PortalLink {
        id: link.id.to_string(),
        url: format!("{}/enter/{}", call.app.public_url(), token.expose()),
        ends_at: moment(link.ends_at),
    };
    // Whatever a link from before then has opened is over.
    let forgotten = link.made_at.minus(limits::SESSION_MAX + kept_most());
    if !call.app.store.add_portal_link(link, forgotten).await? {
        return Err(Problem::not_found());
    }
    Ok(answer::json(StatusCode::CREATED, &shape))
}

fn kept_most() -> Duration {
    Duration::from_secs(u64::from(limits::PORTAL_LINK_MINUTES_MAX) * 60)
}

/// `DELETE /v1/portal-links`
pub(super) async fn end_all(call: Call) -> Result<Response, Problem> {
    call.app.store.end_portal_links(call.publisher()).await?;
    Ok(answer::empty())
}
