//! Endpoints by which somebody who sees people masked has one lead revealed, and of who may.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::read::lead_detail;
use super::setup::done;
use super::standing::lead_id;
use super::wire;
use crate::access::{self, Reveal};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_store::audit::Deed;
use leadwire_store::reveals::Revealing;

/// For what a lead may be revealed. The audit log keeps it for ever, so that nobody writes a sentence about a person there.
const REASONS: [&str; 4] = ["contact", "support", "correction", "other"];

const HOUR_MS: i64 = 3_600_000;

/// `POST /v1/leads/{lead}/reveal`
pub(super) async fn reveal(call: Call) -> Result<Response, Problem> {
    let lead = lead_id(&call)?;
    let publisher = call.publisher();
    call.app.store.lead(publisher.clone(), lead, 0).await?.ok_or_else(Problem::not_found)?;
    let wish: wire::RevealWish = if call.body.is_empty() { Default::default() } else { call.json()? };
    let actor = call.actor.as_ref().ok_or_else(Problem::unauthorized)?;
    match access::reveal(actor, call.app.directory.now().readers_reveal(&publisher)) {
        Reveal::Allowed => {}
        Reveal::SwitchedOff => {
            return Err(refused("its publisher lets readers reveal nobody", "ask a member"));
        }
        Reveal::Nameless => {
            let fix = "sign in to the portal as a user, or use a key of the role `member`";
            return Err(refused("nobody's name is behind this key or link", fix));
        }
    }
    if let Some(reason) = &wish.reason {
        let known = REASONS.iter().find(|it| *it == reason).ok_or_else(|| {
            let fix = "use contact, support, correction or other, or leave it out";
            Refusal::new("/reason", "unknown_reason", "this is none of the reasons", fix)
        })?;
        Deed::about(known);
    }
    let now = call.app.clock.wall();
    let revealing = Revealing { publisher, who: actor.who.to_string(), now, most: limits::REVEALS_PER_HOUR };
    if !call.app.store.note_reveal(revealing).await? {
        let what = format!("{} leads were revealed to you in this hour", limits::REVEALS_PER_HOUR);
        let problem = Problem::try_again("too_many_reveals", what, seconds_to_next_hour(now));
        return Err(problem.with_status(StatusCode::TOO_MANY_REQUESTS));
    }
    Ok(answer::json(StatusCode::OK, &lead_detail(&call, lead).await?))
}

fn refused(what: &str, fix: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "may_not_reveal", what, fix)
}

fn seconds_to_next_hour(now: Timestamp) -> u32 {
    let left = HOUR_MS - now.millis().rem_euclid(HOUR_MS);
    u32::try_from(left / 1000 + 1).unwrap_or(u32::MAX)
}

/// `GET /v1/privacy`
pub(super) async fn privacy(call: Call) -> Result<Response, Problem> {
    let readers_reveal = call.app.directory.now().readers_reveal(&call.publisher());
    Ok(answer::json(StatusCode::OK, &wire::Privacy { readers_reveal }))
}

/// `PUT /v1/privacy`
pub(super) async fn set_privacy(call: Call) -> Result<Response, Problem> {
    let wish: wire::Privacy = call.json()?;
    let change = call.app.store.set_readers_reveal(call.publisher(), wish.readers_reveal).await?;
    done(&call, change, "").await?;
    Ok(answer::json(StatusCode::OK, &wish))
}
