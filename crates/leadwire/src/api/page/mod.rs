//! Listing pages: what visitors see of an offer, and the forms by which they act. No script is needed for any of it.
//!
//! Nothing that a person sends is dropped in silence: it is stored before thanks are said, or the form comes back with the
//! reason and with all that was typed.

mod assets;
mod mark;
pub(super) mod stop;
mod view;
mod visit;
mod words;

use super::call::Call;
use super::problem::Problem;
use crate::app::App;
use crate::intake::{Incoming, Key, Received};
use crate::secrets;
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fluent_bundle::FluentValue;
use leadwire_core::hex;
use leadwire_core::id::RequestId;
use leadwire_core::language::Language;
use leadwire_core::limits;
use leadwire_core::listing::Offered;
use leadwire_core::listing::form::{self, Field, Filled, Mistake, Pace, SentFrom};
use leadwire_store::rows::Channel;
use mark::{Place, Shown};
use url::Url;
use view::{FormPage, FormState, ListingPage, ToldPage};
use visit::{Query, Visit};

/// The field that people do not see, and what fills in forms by itself does.
const TRAP: &str = "homepage";

/// `GET /o/{offer}`
pub(super) async fn listing(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let visit = Visit::open(&call).await?;
    Ok(page(StatusCode::OK, &visit, &ListingPage::new(&visit)))
}

/// `GET /o/{offer}/{action}`
pub(super) async fn form(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let visit = Visit::open(&call).await?;
    let offered = visit.offered(call.path("action"))?;
    let token = Shown::new(call.app.clock.wall(), &visit.texts()).write(place(&call, &visit, offered));
    let filled = Filled::default();
    Ok(page(StatusCode::OK, &visit, &FormPage::new(&visit, offered, view::fresh(&filled, token))))
}

/// `GET /o/{offer}/{action}/thanks`
pub(super) async fn thanks(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let visit = Visit::open(&call).await?;
    let offered = visit.offered(call.path("action"))?;
    Ok(page(StatusCode::OK, &visit, &ToldPage::thanks(&visit, offered)))
}

/// `GET /o/{offer}/embed.js`
pub(super) async fn embed(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let visit = Visit::open(&call).await?;
    let first = visit.listing.offered.first().ok_or_else(Problem::not_found)?;
    let title = serde_json::to_string(&visit.texts().title).expect("a text is JSON");
    // Inside a string of a script an end tag would still end the script of a page that holds it.
    let title = title.replace('<', "\\u003c");
    let script = assets::EMBED_SCRIPT.replace("\"TITLE\"", &title).replace("ACTION", first.button.as_str());
    let mut response = file("text/javascript; charset=utf-8", "public, max-age=300", script);
    // Pages of other sites are meant to run it.
    let for_all = HeaderValue::from_static("cross-origin");
    response.headers_mut().insert("cross-origin-resource-policy", for_all);
    Ok(response)
}

/// `GET /assets/{name}`
pub(super) async fn asset(call: Call) -> Result<Response, Problem> {
    let asset = assets::find(call.path("name")).ok_or_else(Problem::not_found)?;
    Ok(file(asset.kind, "public, max-age=31536000, immutable", asset.text.to_owned()))
}

/// What came back of a form.
struct Sent {
    filled: Filled,
    /// Its mark; none when it bears none, as a form on somebody's own page does.
    mark: Option<String>,
    is_trapped: bool,
}

impl Sent {
    fn read(body: &[u8]) -> Self {
        let query = Query::read(&String::from_utf8_lossy(body));
        let mut filled = Filled::default();
        for (name, value) in query.iter() {
            if let Some(field) = Field::parse(name) {
                filled.put(field, value);
            }
        }
        let is_trapped = query.get(TRAP).is_some_and(|it| !it.trim().is_empty());
        Self { filled, mark: query.get("form").map(str::to_owned), is_trapped }
    }
}

/// Why a form is shown again.
struct Again {
    status: StatusCode,
    notice: Option<String>,
    mistakes: Vec<(Field, Mistake)>,
    retry_after: Option<u32>,
}

impl Again {
    fn because(visit: &Visit, status: StatusCode, notice: &str) -> Self {
        let notice = words::say(visit.language, notice, &[]);
        Self { status, notice: Some(notice), mistakes: Vec::new(), retry_after: None }
    }
}

/// `POST /o/{offer}/{action}`
pub(super) async fn submit(call: Call) -> Result<Response, Problem> {
    let visit = Visit::open(&call).await?;
    let offered = visit.offered(call.path("action"))?;
    let sent = Sent::read(&call.body);
    let place = place(&call, &visit, offered);
    let shown = sent.mark.as_deref().and_then(|it| Shown::read(it, place));
    let taken = match judge(&call, &visit, &sent, shown.as_ref()) {
        Ok(id) => take(&call, &visit, offered, &sent.filled, id).await,
        Err(again) => Err(again),
    };
    let again = match taken {
        Ok(()) => {
            let path = format!("/{}/thanks", offered.button.as_str());
            let to = visit.link(&path, Some(visit.language));
            return Ok(see_other(&to));
        }
        Err(again) => again,
    };
    call.app.metrics.count_received("page", "refused");
    let texts = visit.texts();
    let is_agreed = view::keeps_consent(shown.as_ref(), &texts, &sent.filled);
    let now = call.app.clock.wall();
    let kept = shown.filter(|it| it.has_shown(&texts) && Pace::of(it.at, now) != Pace::Expired);
    let token = kept.unwrap_or_else(|| Shown::new(now, &texts)).write(place);
    let Again { status, notice, mistakes, retry_after } = again;
    let state = FormState { filled: &sent.filled, mistakes: &mistakes, notice, is_agreed, token };
    let mut response = page(status, &visit, &FormPage::new(&visit, offered, state));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// Whether a form may be taken, and which one it is; else why it is shown again.
fn judge<'a>(call: &Call, visit: &Visit, sent: &Sent, shown: Option<&'a Shown>) -> Result<&'a str, Again> {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let steady = call.app.clock.steady();
    if let Err(wait) = call.app.floods.forms.take(&visit::network(call), steady) {
        return Err(slow_down(visit, wait));
    }
    let mistakes = sent.filled.mistakes();
    let again = |notice: &str| {
        let shown_twice = |it: &(Field, Mistake)| it.0 != Field::Consent;
        let mistakes = mistakes.iter().copied().filter(shown_twice).collect();
        Again { mistakes, ..Again::because(visit, unprocessable, notice) }
    };
    let Some(shown) = shown else {
        return Err(again(if sent.mark.is_some() { "renewed" } else { "confirm" }));
    };
    let pace = Pace::of(shown.at, call.app.clock.wall());
    if pace == Pace::Expired {
        return Err(again("renewed"));
    }
    if !shown.has_shown(&visit.texts()) {
        return Err(again("changed"));
    }
    if sent.is_trapped {
        return Err(again("trapped"));
    }
    if !mistakes.is_empty() {
        return Err(Again { status: unprocessable, notice: None, mistakes, retry_after: None });
    }
    if pace == Pace::TooFast {
        return Err(again("too-fast"));
    }
    let offer = visit.offer.to_string();
    match call.app.floods.offers.take(offer.as_bytes(), steady) {
        Ok(()) => Ok(&shown.id),
        Err(wait) => Err(slow_down(visit, wait)),
    }
}

fn slow_down(visit: &Visit, wait: std::time::Duration) -> Again {
    let seconds = visit::seconds(wait);
    let notice = words::say(visit.language, "slow-down", &[("seconds", FluentValue::from(seconds))]);
    let status = StatusCode::TOO_MANY_REQUESTS;
    Again { status, notice: Some(notice), mistakes: Vec::new(), retry_after: Some(seconds) }
}

/// Stores what was sent; it is on disk when this is done. The same form with the same words is one touchpoint however often
/// it is sent, and with other words another, for people go back and mend what they typed.
async fn take(
    call: &Call,
    visit: &Visit,
    offered: &Offered,
    filled: &Filled,
    form: &str,
) -> Result<(), Again> {
    let try_again = || Again {
        retry_after: Some(60),
        ..Again::because(visit, StatusCode::SERVICE_UNAVAILABLE, "try-again")
    };
    if call.app.disk.is_nearly_full() {
        return Err(try_again());
    }
    let from = SentFrom {
        offer: &visit.offer,
        listing: &visit.listing,
        button: offered.button,
        language: visit.language,
        is_preview: visit.preview.is_some(),
    };
    let touchpoint = form::touchpoint(filled, from, &visit.campaign, call.app.clock.wall());
    let words: Vec<&[u8]> = Field::ALL.iter().map(|it| filled.get(*it).as_bytes()).collect();
    let words: String = hex::encode(&secrets::short_hash(&words));
    let incoming = Incoming {
        publisher: visit.offer.publisher.clone(),
        channel: Channel::Page,
        body: Bytes::from(touchpoint.canonical_json().to_string()),
        touchpoint,
        of_lead: None,
        // No sender's own key is like it: a header holds no line end.
        key: Some(Key::Sender(format!("page\n{form}\n{words}"), limits::IDEMPOTENCY_KEPT)),
    };
    let received = match call.app.intake.accept(vec![incoming]).await {
        Ok(received) => received,
        Err(error) => {
            tracing::warn!(request.id = %call.request, %error, "A form could not be stored; its sender was told so.");
            return Err(try_again());
        }
    };
    let result = match received.first() {
        Some(Received::New(..)) => "stored",
        // The time of sending is in the body, so a repetition has another one.
        Some(Received::Duplicate(..) | Received::KeyReused(_)) => "duplicate",
        // What is sent from a page is never old; whoever it is, they are thanked.
        Some(Received::KeptOut(..)) => "erased",
        // A form names no lead, so none can be missing.
        Some(Received::NoLead) | None => return Err(try_again()),
    };
    call.app.metrics.count_received("page", result);
    Ok(())
}

fn place<'a>(call: &'a Call, visit: &'a Visit, offered: &Offered) -> Place<'a> {
    Place {
        vault: call.app.directory.vault(),
        offer: &visit.offer,
        button: offered.button,
        language: visit.language,
        is_preview: visit.preview.is_some(),
    }
}

/// Who reads a page, as far as it is known before the request is looked at.
pub(super) struct Reader {
    language: Language,
    base: String,
}

impl Reader {
    /// Whoever sent these headers.
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        Self {
            language: Language::choose(&Language::ALL, None, wishes),
            base: visit::base(&app.public_url()),
        }
    }

    /// What went wrong before a page could be made, as a page.
    pub(super) fn tell(&self, problem: Problem, request: RequestId) -> Response {
        let words = match problem.status() {
            StatusCode::NOT_FOUND => ("missing-title", "missing-text"),
            StatusCode::TOO_MANY_REQUESTS => ("busy-title", "busy-text"),
            StatusCode::PAYLOAD_TOO_LARGE => ("wrong-title", "large-text"),
            _ => ("wrong-title", "wrong-text"),
        };
        let (head, _) = problem.into_answer(request).into_parts();
        let told = ToldPage::wrong(self.language, words, self.base.clone());
        let mut response = (head.status, html(&told)).into_response();
        let headers = response.headers_mut();
        let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
        guard(headers, self.language, policy);
        headers.extend(head.headers.get(header::RETRY_AFTER).map(|it| (header::RETRY_AFTER, it.clone())));
        response
    }
}

fn page(status: StatusCode, visit: &Visit, template: &impl Template) -> Response {
    let mut response = (status, html(template)).into_response();
    guard(response.headers_mut(), visit.language, &policy(visit));
    response
}

fn html(template: &impl Template) -> String {
    template.render().expect("writing into a text cannot fail")
}

/// What a page may load, and what may hold it.
fn policy(visit: &Visit) -> String {
    let mut hosts: Vec<String> = Vec::new();
    for picture in &visit.listing.pictures {
        let origin = Url::parse(&picture.url).map(|it| it.origin().ascii_serialization());
        hosts.extend(origin.ok().filter(|it| !hosts.contains(it)));
    }
    let images = if hosts.is_empty() { String::new() } else { format!("img-src {}; ", hosts.join(" ")) };
    let scripts = if visit.is_frame { "script-src 'self'; " } else { "" };
    let holders = match visit.listing.embed_origins.as_slice() {
        origins if visit.is_frame && !origins.is_empty() => origins.join(" "),
        _ => "'none'".to_owned(),
    };
    format!(
        "default-src 'none'; style-src 'self'; {images}{scripts}form-action 'self'; base-uri 'none'; \
         frame-ancestors {holders}"
    )
}

fn guard(headers: &mut HeaderMap, language: Language, policy: &str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    // Origins in it were checked when the listing was set.
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

fn file(kind: &'static str, keep: &'static str, text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)];
    (headers, text).into_response()
}

fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).expect("our own addresses are ASCII");
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, to);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
