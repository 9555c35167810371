//! The way in to every page: who comes, whether a form is truly ours, and what keeps a page to itself.

use super::again;
use super::guest;
use super::shell::{Look, ToldPage};
use super::visit::{Visit, html, read_pairs, see_other};
use super::{Open, Page};
use crate::accounts::SignedIn;
use crate::api::{Peer, Problem, read_body};
use crate::app::App;
use crate::clock;
use crate::flood;
use crate::secrets;
use axum::extract::{Path, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use leadwire_core::hex;
use leadwire_core::id::{PublisherId, RequestId};
use leadwire_core::limits;
use leadwire_store::users::PortalUser;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use url::{Url, form_urlencoded};

/// What a page may do. Nothing comes from elsewhere, nothing is written into it, and nobody holds it in a frame; scripts may
/// make markup of texts only by the one policy that our own has.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types leadwire";

/// Answers a request for a page.
pub(super) async fn answer(
    app: Arc<App>,
    page: &'static Page,
    path: Option<RawPathParams>,
    request: Request,
) -> Response {
    let id = RequestId::new(clock::random_bits());
    let look = Look::of(&app, request.headers());
    let is_secure = is_secure(&app);
    let settings = Arc::clone(&app);
    // A panic in a handler costs this request alone.
    let answered = AssertUnwindSafe(enter(app, page, path, request, id)).catch_unwind().await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => told(&look, problem, id),
        Err(_) => told(&look, Problem::internal("a page's handler panicked"), id),
    };
    let is_framable = response.extensions().get::<Framable>().is_some();
    let headers = response.headers_mut();
    guard(headers, is_secure);
    if is_framable {
        guest::open_to_frames(&settings.config.portal.embedders, headers);
    }
    headers.insert("x-request-id", HeaderValue::from_str(&id.to_string()).expect("an id is ASCII"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(look.language.code()));
    response
}

fn guard(headers: &mut HeaderMap, is_secure: bool) {
    let all = [
        ("content-security-policy", POLICY),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        // Not `no-referrer`: browsers would then say of our own forms that they come from nowhere (`Origin: null`).
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in all {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if is_secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// What went wrong, as a page.
fn told(look: &Look, problem: Problem, id: RequestId) -> Response {
    let (what, fix) = problem.words();
    let page = ToldPage::new(look, problem.status(), (what.to_owned(), fix.to_owned()), id);
    // Made as an answer of the API too: what has a cause is logged there, and when to come again is said there.
    let (head, _) = problem.into_answer(id).into_parts();
    let mut response = html(head.status, &page);
    let retry_after = head.headers.get(header::RETRY_AFTER).map(|it| (header::RETRY_AFTER, it.clone()));
    response.headers_mut().extend(retry_after);
    response
}

async fn enter(
    app: Arc<App>,
    page: &'static Page,
    path: Option<RawPathParams>,
    request: Request,
    id: RequestId,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let look = Look::of(&app, &head.headers);
    let peer = head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0);
    let is_form = page.method == Method::POST;
    let is_head = head.method == Method::HEAD;
    if is_form && !is_from_here(&app, &head.headers) {
        return Err(refused("the form was sent from another site", "open the page here and send it again"));
    }
    let user = guest::who(&app, &head.headers).await?;
    if page.open == Open::ToUsers
        && let Some(elsewhere) = sent_elsewhere((&app, page), &head, user.as_ref(), &look)
    {
        return Ok(elsewhere);
    }
    if user.is_none() {
        let network = network(&app, peer, &head.headers);
        app.floods.pages.take(&network, app.clock.steady()).map_err(slow_down)?;
    }
    let body = read_body(body, limits::PORTAL_FORM_BYTES_MAX).await?;
    let form = if is_form { read_pairs(&body) } else { Default::default() };
    // The other forms stand on pages that everybody sees, and hold a secret of their own or change nothing that is kept.
    let is_marked = is_form && page.open == Open::ToUsers;
    let wrong = user.as_ref().filter(|it| is_marked && !is_own_form(it, form.get("form_token")));
    if let Some(user) = wrong {
        tracing::info!(user = %user.user.id, "A form without the mark of its user's pages was refused.");
        return Err(refused("the page was too old for its form", "open the page again and send it anew"));
    }
    let told_look = look.clone();
    let path = path.ok_or_else(Problem::not_found)?;
    let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let query = read_pairs(head.uri.query().unwrap_or_default().as_bytes());
    let (headers, address) = (head.headers, head.uri);
    let is_guest = user.as_ref().is_some_and(|it| it.guest.is_some());
    // A guest is somebody else with each link, so that nobody would come back to what one keeps.
    if is_guest && (page.path.starts_with("/account") || page.path.starts_with("/views")) {
        return Err(Problem::not_found());
    }
    // What everybody sees, such as the way in, is held in no frame, whoever comes.
    let is_framable = is_guest && page.open == Open::ToUsers || page.path.starts_with("/enter");
    let visit = Visit { app, request: id, peer, is_head, headers, address, path, query, form, look, user };
    let answered = again::hold(page, visit).await;
    // A refusal is a page as well, and is seen where the page was asked for.
    let mut response = match answered {
        Ok(response) => response,
        Err(problem) if is_framable => told(&told_look, problem, id),
        Err(problem) => return Err(problem),
    };
    if is_framable {
        response.extensions_mut().insert(Framable);
    }
    Ok(response)
}

/// Where somebody goes who may not see a page for users, or not yet.
fn sent_elsewhere(
    (app, page): (&App, &Page),
    head: &Parts,
    user: Option<&SignedIn>,
    look: &Look,
) -> Option<Response> {
    let Some(user) = user else {
        if guest::was_here(app, &head.headers) {
            return Some(guest::closed(app, look));
        }
        let wanted = head.uri.path_and_query().map_or("/", |it| it.as_str());
        let next = form_urlencoded::byte_serialize(wanted.as_bytes()).collect::<String>();
        let is_nowhere = page.method == Method::POST || wanted == "/";
        let next = if is_nowhere { String::new() } else { format!("?next={next}") };
        return Some(see_other(&format!("{}/sign-in{next}", look.base)));
    };
    let is_own = page.path.starts_with("/account") || page.path == "/sign-out";
    let must = !is_own && user.guest.is_none() && lacks_factor(app, user);
    must.then(|| see_other(&format!("{}/account", look.base)))
}

/// Says of an answer that sites which the operator named may show it in a frame.
#[derive(Clone, Copy)]
pub(super) struct Framable;

/// Whether somebody must set up a second factor before anything else.
pub(super) fn lacks_factor(app: &App, user: &SignedIn) -> bool {
    !user.has_factor && !user.is_vouched && demands_factor(app, &user.user)
}

/// Whether the operator asks for a second factor of somebody.
pub(super) fn demands_factor(app: &App, user: &PortalUser) -> bool {
    let whose = user.publisher.as_ref().map_or("operators", PublisherId::as_str);
    app.config.portal.second_factor.iter().any(|it| ["all", whose].contains(&it.as_str()))
}

fn is_own_form(user: &SignedIn, token: Option<&String>) -> bool {
    token.is_some_and(|it| secrets::is_same_hash(it.as_bytes(), user.form_token.as_bytes()))
}

fn refused(what: &str, fix: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not_our_form", what, fix)
}

/// Too many requests came.
pub(super) fn slow_down(wait: std::time::Duration) -> Problem {
    let seconds = u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
    Problem::try_again("too_many_requests", "too many requests came", seconds)
        .with_status(StatusCode::TOO_MANY_REQUESTS)
}

/// Whether a form was sent from a page of this service, as the browser says. One that says nothing is not believed.
fn is_from_here(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN).and_then(|it| Url::parse(it).ok()) else { return false };
    let public = Url::parse(&app.public_url()).ok();
    let here = text(header::HOST).and_then(|it| Url::parse(&format!("{}://{it}", origin.scheme())).ok());
    [public, here].into_iter().flatten().any(|it| it.origin() == origin.origin())
}

/// Whether the world reaches the service by https.
pub(super) fn is_secure(app: &App) -> bool {
    app.public_url().starts_with("https://")
}

/// The name of a cookie. With the prefix browsers hold it to this host, to https and to the whole site (RFC 6265bis, 4.1.3.2).
fn cookie_name(app: &App, kept: Kept) -> &'static str {
    match (kept, is_secure(app)) {
        (Kept::Session, true) => "__Host-leadwire",
        (Kept::Session, false) => "leadwire",
        (Kept::Half, true) => "__Host-leadwire_half",
        (Kept::Half, false) => "leadwire_half",
        (Kept::Guest, true) => "__Host-leadwire_guest",
        (Kept::Guest, false) => "leadwire_guest",
        (Kept::Errand, true) => "__Host-leadwire_way",
        (Kept::Errand, false) => "leadwire_way",
    }
}

/// What a browser keeps of somebody.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// That they are signed in.
    Session,
    /// That their password was right and a code is awaited.
    Half,
    /// That they came by a link.
    Guest,
    /// That they were sent to a provider.
    Errand,
}

/// The token of a way to a provider that a browser shows; empty when there is none.
pub(super) fn errand<'a>(app: &App, headers: &'a HeaderMap) -> &'a str {
    cookie(headers, cookie_name(app, Kept::Errand)).unwrap_or_default()
}

/// The token of a guest that a browser shows.
pub(super) fn guest_token<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, cookie_name(app, Kept::Guest))
}

/// The token of the session that a browser shows.
pub(super) fn session<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, cookie_name(app, Kept::Session))
}

/// The token of the half of a sign-in that a browser shows; empty when there is none.
pub(super) fn half<'a>(app: &App, headers: &'a HeaderMap) -> &'a str {
    cookie(headers, cookie_name(app, Kept::Half)).unwrap_or_default()
}

/// A cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|it| it.0 == name).map(|it| it.1)
}

/// The cookie of a token; with an empty one, one that takes it away.
pub(super) fn token_cookie(app: &App, kept: Kept, token: &str) -> HeaderValue {
    let age = match kept {
        _ if token.is_empty() => 0,
        Kept::Session | Kept::Guest => limits::SESSION_MAX.as_secs(),
        Kept::Half => limits::HALF_SESSION_KEPT.as_secs(),
        Kept::Errand => limits::ERRAND_KEPT.as_secs(),
    };
    let name = cookie_name(app, kept);
    let bound = bound(app, matches!(kept, Kept::Guest));
    let text = format!("{name}={token}; Path=/; HttpOnly; Max-Age={age}; {bound}");
    HeaderValue::try_from(text).expect("a token is ASCII")
}

/// To where a cookie is bound. A guest's goes along within the frame of another site, and is kept for that site alone; without
/// https, or with no site that may show us, it is bound like any other.
pub(super) fn bound(app: &App, is_guests: bool) -> &'static str {
    match (is_secure(app), is_guests && !app.config.portal.embedders.is_empty()) {
        (true, true) => "SameSite=None; Secure; Partitioned",
        (true, false) => "SameSite=Lax; Secure",
        (false, _) => "SameSite=Lax",
    }
}

/// What counts as one network address of whoever comes.
pub(super) fn network(app: &App, peer: IpAddr, headers: &HeaderMap) -> Vec<u8> {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = forwarded.filter_map(|it| it.to_str().ok()).collect();
    let is_proxy = |address| app.config.proxies.iter().any(|it| it.contains(&address));
    flood::network(flood::visitor(peer, &forwarded, is_proxy))
}

/// A file that pages refer to, under a name that changes with what is in it.
pub(super) struct Static {
    pub(super) path: String,
    kind: &'static str,
    text: &'static str,
}

pub(super) static STYLE: LazyLock<Static> =
    LazyLock::new(|| asset("css", "text/css; charset=utf-8", include_str!("../../assets/portal.css")));
pub(super) static SCRIPT: LazyLock<Static> =
    LazyLock::new(|| asset("js", "text/javascript; charset=utf-8", include_str!("../../assets/portal.js")));

pub(super) static MARK: LazyLock<Static> =
    LazyLock::new(|| asset("svg", "image/svg+xml", include_str!("../../assets/portal.svg")));

fn asset(ending: &str, kind: &'static str, text: &'static str) -> Static {
    let hash = secrets::short_hash(&[text.as_bytes()]);
    Static { path: format!("/static/portal-{}.{ending}", hex::encode(&hash[..6])), kind, text }
}

/// `GET /static/{name}`
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let all: [&Static; 3] = [&STYLE, &SCRIPT, &MARK];
    if let Some(sheet) = guest::sheet(&name) {
        return sheet;
    }
    let Some(found) = all.into_iter().find(|it| it.path.strip_prefix("/static/") == Some(name.as_str()))
    else {
        return Problem::not_found().into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, found.text).into_response()
}
