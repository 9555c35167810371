//! The way to a provider and back: a link for each, so that no form leads to another site, and what people are told when nobody
//! was signed in.

use super::entry::{self, Kept, slow_down, token_cookie};
use super::sign_in::{failed, go_on, next, sign_in_page};
use super::visit::{Visit, html, see_other};
use crate::accounts::{Came, Returned, WayError};
use crate::api::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use leadwire_connect::oidc::TroubleKind;

/// `GET /sign-in/with/{provider}`
pub(super) async fn begin(visit: Visit) -> Result<Response, Problem> {
    let wanted = next(visit.asked("next")).to_owned();
    set_out(&visit, (wanted, None)).await
}

/// `GET /account/again/{provider}`
pub(super) async fn begin_again(visit: Visit) -> Result<Response, Problem> {
    let user = visit.user();
    if user.guest.is_some() {
        return Err(Problem::not_found());
    }
    let session = user.session;
    set_out(&visit, ("/account".to_owned(), Some(session))).await
}

async fn set_out(visit: &Visit, wanted: (String, Option<[u8; 32]>)) -> Result<Response, Problem> {
    // Whoever looks ahead goes nowhere.
    let ahead = ["sec-purpose", "purpose"].iter().any(|it| visit.headers.contains_key(*it));
    if ahead || visit.is_head {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // Another site leads nobody there: who comes from one sees the page, and decides.
    let site = visit.headers.get("sec-fetch-site").and_then(|it| it.to_str().ok()).unwrap_or("none");
    if !["none", "same-origin"].contains(&site) {
        return Ok(see_other(&format!("{}/sign-in", visit.look.base)));
    }
    let (floods, now) = (&visit.app.floods, visit.app.clock.steady());
    let network = entry::network(&visit.app, visit.peer, &visit.headers);
    floods.sign_ins.take(&network, now).map_err(slow_down)?;
    let name = visit.place("provider");
    let sent = match visit.app.accounts.send(name, &redirect(visit), wanted).await {
        Ok(sent) => sent.ok_or_else(Problem::not_found)?,
        Err(error) => return not_in(visit, error),
    };
    let to = HeaderValue::try_from(sent.to.as_str()).map_err(|_| Problem::internal("an address is ASCII"))?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    let cookie = token_cookie(&visit.app, Kept::Errand, sent.token.expose());
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Where a provider sends people back to; each has a place of its own, so that none can answer for another.
fn redirect(visit: &Visit) -> String {
    format!("{}/sign-in/back/{}", visit.app.public_url(), visit.place("provider"))
}

/// `GET /sign-in/back/{provider}`
pub(super) async fn come_back(visit: Visit) -> Result<Response, Problem> {
    let network = entry::network(&visit.app, visit.peer, &visit.headers);
    visit.app.floods.sign_ins.take(&network, visit.app.clock.steady()).map_err(slow_down)?;
    let redirect = redirect(&visit);
    let returned = Returned {
        provider: visit.place("provider"),
        token: entry::errand(&visit.app, &visit.headers),
        state: visit.asked("state"),
        code: visit.asked("code"),
        error: visit.asked("error"),
        issuer: visit.query.get("iss").map(String::as_str),
        redirect: &redirect,
        device: visit.device(),
        here: visit.user.as_ref().filter(|it| it.guest.is_none()),
    };
    let demands = |user: &_| entry::demands_factor(&visit.app, user);
    let came = visit.app.accounts.come_back(&returned, demands).await;
    let mut response = match came {
        Ok(Came::In(entered, wanted)) => go_on(&visit, entered, next(&wanted)),
        Ok(Came::Known) => see_other(&format!("{}/account?done=known-again", visit.look.base)),
        Ok(Came::Over) => told(&visit, "way-over"),
        Ok(Came::Cancelled) => told(&visit, "way-cancelled"),
        Ok(Came::Nobody) => told(&visit, "way-nobody"),
        Ok(Came::Unverified) => told(&visit, "way-unverified"),
        Ok(Came::Elsewhere) => told(&visit, "way-elsewhere"),
        Ok(Came::Another) => told(&visit, "way-another"),
        Err(error) => not_in(&visit, error)?,
    };
    // The way is over, whatever came of it.
    response.headers_mut().append(header::SET_COOKIE, token_cookie(&visit.app, Kept::Errand, ""));
    Ok(response)
}

/// What a provider is called; by whoever asks for one that there is not, as they call it.
fn title(visit: &Visit) -> String {
    let name = visit.place("provider");
    visit.app.accounts.providers().find(|it| it.name == name).map_or(name, |it| &it.title).to_owned()
}

/// Nobody was signed in, and why: the page to sign in, with words.
fn told(visit: &Visit, key: &str) -> Response {
    let reason = key.trim_start_matches("way-");
    tracing::info!(
        provider = visit.place("provider"),
        reason,
        "Somebody came back from a provider and was not signed in."
    );
    html(StatusCode::UNPROCESSABLE_ENTITY, &page(visit, key))
}

fn page(visit: &Visit, key: &str) -> super::sign_in::SignInPage {
    let mut page = sign_in_page(visit, "/", None);
    page.error = Some(page.shell.say_with(key, title(visit)));
    page
}

fn not_in(visit: &Visit, error: WayError) -> Result<Response, Problem> {
    let trouble = match error {
        WayError::Trouble(trouble) => trouble,
        WayError::Account(error) => return Err(failed(error)),
    };
    tracing::warn!(
        provider = visit.place("provider"),
        cause = trouble.cause,
        fix = trouble.fix,
        "Nobody could be signed in by a provider: {}.",
        trouble.message
    );
    let (key, status) = match trouble.kind {
        TroubleKind::Unreachable => ("way-unreachable", StatusCode::BAD_GATEWAY),
        TroubleKind::Setup => ("way-setup", StatusCode::BAD_GATEWAY),
        TroubleKind::Refused => ("way-refused", StatusCode::UNPROCESSABLE_ENTITY),
    };
    Ok(html(status, &page(visit, key)))
}
