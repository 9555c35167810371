//! People who come by a link, mostly within a frame of the operator's own site: how they come in, and how their pages look.

use super::entry::{self, Framable, Kept, token_cookie};
use super::shell::{Look, Shell};
use super::sign_in::look_cookie;
use super::visit::{Visit, html, see_other};
use crate::accounts::SignedIn;
use crate::api::Problem;
use crate::app::App;
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use leadwire_core::accent::{Colour, Shades, shades};
use leadwire_core::language::Language;
use leadwire_store::StoreError;

#[derive(Template)]
#[template(path = "portal/closed.html")]
struct ClosedPage {
    shell: Shell,
}

/// What our own script says of a request that it makes within a frame; browsers say it of all others.
const FRAMED: &str = "x-leadwire-framed";

fn is_framed(headers: &HeaderMap) -> bool {
    let to = headers.get("sec-fetch-dest").and_then(|it| it.to_str().ok()).unwrap_or_default();
    ["iframe", "frame", "fencedframe", "embed", "object"].contains(&to) || headers.contains_key(FRAMED)
}

/// Who comes. Within a frame only guests are anybody: a user's own pages are shown in none. Elsewhere a session counts before a
/// guest's, so that no link leads a user into another's view.
pub(super) async fn who(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, StoreError> {
    if !is_framed(headers)
        && let Some(token) = entry::session(app, headers)
        && let Some(user) = app.accounts.signed_in(token).await?
    {
        return Ok(Some(user));
    }
    match entry::guest_token(app, headers) {
        Some(token) => app.accounts.guest(token).await,
        None => Ok(None),
    }
}

/// Whether somebody whose view is over came by a link.
pub(super) fn was_here(app: &App, headers: &HeaderMap) -> bool {
    entry::guest_token(app, headers).is_some()
        && (is_framed(headers) || entry::session(app, headers).is_none())
}

/// Tells a guest that their view is over: there is nothing that they could sign in to.
pub(super) fn closed(app: &App, look: &Look) -> Response {
    let page = ClosedPage { shell: Shell::bare(look, "closed-title", String::new()) };
    let mut response = html(StatusCode::OK, &page);
    response.headers_mut().insert(header::SET_COOKIE, token_cookie(app, Kept::Guest, ""));
    response.extensions_mut().insert(Framable);
    response
}

/// Lets the sites that the operator named show a page in a frame, and nobody else.
pub(super) fn open_to_frames(sites: &[String], headers: &mut HeaderMap) {
    if sites.is_empty() {
        return;
    }
    let policy =
        entry::POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors {}", sites.join(" ")));
    let policy = HeaderValue::try_from(policy).expect("origins are ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // It knows all or one's own only; browsers that know the policy above do not look at it.
    headers.remove(header::X_FRAME_OPTIONS);
}

/// `GET /enter/{token}`
pub(super) async fn enter(visit: Visit) -> Result<Response, Problem> {
    // Whoever looks ahead, or only asks whether it is there, does not use the link up.
    let ahead = ["sec-purpose", "purpose"].iter().any(|it| visit.headers.contains_key(*it));
    if ahead || visit.is_head {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if visit.user.as_ref().is_some_and(|it| it.guest.is_none()) {
        let fix = "sign out first; the link still works then";
        return Err(Problem::new(StatusCode::CONFLICT, "signed_in", "you are signed in already", fix));
    }
    let entered = visit.app.accounts.enter_by_link(visit.place("token")).await?;
    let Some((token, guest)) = entered else {
        let fix = "open it anew from the site that led here";
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "link_over",
            "this link was used, has ended, or is not whole",
            fix,
        ));
    };
    tracing::info!(link = %guest.link, publisher = %guest.publisher, "Somebody came to the portal by a link.");
    let mut response = see_other(&format!("{}/", visit.look.base));
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, token_cookie(&visit.app, Kept::Guest, token.expose()));
    if let Some(language) = Language::parse(&guest.language) {
        headers.append(header::SET_COOKIE, look_cookie(&visit, &Look { language, ..visit.look.clone() }));
    }
    Ok(response)
}

/// The colours of a guest's pages as a style sheet, which its name tells whole.
pub(super) fn sheet(name: &str) -> Option<Response> {
    let digits = name.strip_prefix("accent-")?.strip_suffix(".css")?;
    let (light, dark) = shades(Colour::parse(&format!("#{digits}"))?);
    let one = |name: &str, of: fn(&Shades) -> Colour| {
        format!("--{name}:light-dark(#{},#{});", of(&light).digits(), of(&dark).digits())
    };
    let text = [
        one("accent", |it| it.accent),
        one("accent-strong", |it| it.strong),
        one("accent-tint", |it| it.tint),
        one("on-accent", |it| it.on),
    ];
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Some((headers, format!(":root{{{}}}", text.concat())).into_response())
}
