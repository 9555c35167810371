//! Retention: for how long people are kept after they last did something; and who may have them revealed.

use super::form::{Form, Maker, Refused, Shape, put};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/retention.html")]
struct RetentionPage {
    shell: Shell,
    days: u64,
    form: Form,
    privacy: Form,
    readers_reveal: bool,
    may_change: bool,
}

/// `GET /settings/retention`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None).await
}

async fn page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    let kept: wire::Retention = visit.ask(Wish::get("/v1/retention")).await?;
    let shell = visit.shell("tab-retention");
    let mut maker = Maker::new("retention", visit, refused.as_ref());
    let days = maker.ask("days", shell.say("retention-days"), &kept.days.to_string());
    days.shape(Shape::Number(0, limits::RETENTION_DAYS_MAX.into())).hint(shell.say("retention-hint")).must();
    maker.ask("sure", shell.say("retention-sure"), "").shape(Shape::Check);
    let privacy: wire::Privacy = visit.ask(Wish::get("/v1/privacy")).await?;
    let mut asks = Maker::new("privacy", visit, refused.as_ref());
    let present = if privacy.readers_reveal { "yes" } else { "" };
    asks.ask("readers_reveal", shell.say("privacy-readers-reveal"), present).shape(Shape::Check);
    let status = refused.as_ref().map_or(StatusCode::OK, |it| it.status);
    let page = RetentionPage {
        days: kept.days.into(),
        form: maker.done(),
        privacy: asks.done(),
        readers_reveal: privacy.readers_reveal,
        may_change: visit.may(Action::ChangeSetup),
        shell,
    };
    Ok(html(status, &page))
}

/// `POST /settings/retention`
pub(super) async fn save(visit: Visit) -> Result<Response, Problem> {
    let Ok(days) = visit.field("days").trim().parse::<u32>() else {
        let words = ("these are no days", "write a whole number; 0 keeps people for ever");
        return page(&visit, Some(Refused::by("retention", "/days", words))).await;
    };
    let kept: wire::Retention = visit.ask(Wish::get("/v1/retention")).await?;
    // Whoever is kept for a shorter time than before may go at the next round, and does not come back.
    let is_shorter = days > 0 && (kept.days == 0 || days < kept.days);
    if is_shorter && visit.field("sure") != "yes" {
        let words = ("people would be erased who are kept now", "tick this box to say that this is meant");
        return page(&visit, Some(Refused::by("retention", "/sure", words))).await;
    }
    match visit.ask::<wire::Retention>(put("/v1/retention").body(json!({ "days": days }))).await {
        Ok(_) => Ok(visit.done("/settings/retention", "saved")),
        Err(problem) => page(&visit, Some(Refused::of("retention", problem)?)).await,
    }
}

/// `POST /settings/privacy`
pub(super) async fn save_privacy(visit: Visit) -> Result<Response, Problem> {
    let wish = json!({ "readers_reveal": visit.field("readers_reveal") == "yes" });
    match visit.ask::<wire::Privacy>(put("/v1/privacy").body(wish)).await {
        Ok(_) => Ok(visit.done("/settings/retention", "saved")),
        Err(problem) => page(&visit, Some(Refused::of("privacy", problem)?)).await,
    }
}
