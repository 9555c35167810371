//! A visitor at an offer's page: what of the offer is shown, in which language, and how one comes to the next page.

use super::super::call::Call;
use super::super::offers;
use super::super::problem::Problem;
use crate::flood;
use crate::secrets;
use axum::http::StatusCode;
use leadwire_core::id::OfferRef;
use leadwire_core::language::Language;
use leadwire_core::limits;
use leadwire_core::listing::form;
use leadwire_core::listing::{Button, Listing, Offered, Texts};
use std::time::Duration;
use url::Url;
use url::form_urlencoded;

/// A visitor at an offer's page.
pub(super) struct Visit {
    pub(super) offer: OfferRef,
    /// The publisher's name for people.
    pub(super) publisher: String,
    pub(super) listing: Listing,
    pub(super) language: Language,
    /// The token by which the preview is seen.
    pub(super) preview: Option<String>,
    /// Whether the page stands inside another one.
    pub(super) is_frame: bool,
    /// What is known of the campaign that brought the visitor.
    pub(super) campaign: Vec<(String, String)>,
    /// How the world reaches the service.
    pub(super) public_url: String,
    /// The path of that, for links.
    pub(super) base: String,
    asked_language: bool,
}

impl Visit {
    /// Finds what a visitor may see.
    ///
    /// # Errors
    /// An offer that is not there, or not shown to this visitor, which look alike.
    pub(super) async fn open(call: &Call) -> Result<Self, Problem> {
        let text = call.path("offer");
        let offer = OfferRef::parse(text).ok().filter(|it| it.to_string() == text);
        let offer = offer.ok_or_else(Problem::not_found)?;
        let query = Query::read(call.address.query().unwrap_or_default());
        let kept = call.app.store.listing(offer.publisher.clone(), offer.offer.clone()).await?;
        let preview = query.get("preview");
        let content = match preview {
            Some(token) if secrets::is_same_hash(&secrets::sha256(token.as_bytes()), &kept.preview_hash) => {
                kept.content
            }
            // A preview's link that is out of date shows nothing: what is sent from there would be no test.
            Some(_) => return Err(Problem::not_found()),
            None => kept.live_content,
        };
        let listing = offers::listing(&content)?.ok_or_else(Problem::not_found)?;
        let setup = call.app.directory.now();
        let publisher = setup.setup.publishers.iter().find(|it| it.id == offer.publisher);
        let publisher = publisher.map(|it| it.title.clone()).ok_or_else(Problem::not_found)?;
        let asked = query.get("lang");
        let language = Language::choose(&listing.languages(), asked, call.header("accept-language"));
        let public_url = call.app.public_url();
        let base = base(&public_url);
        Ok(Self {
            offer,
            publisher,
            language,
            preview: preview.map(str::to_owned),
            is_frame: query.get("frame").is_some(),
            campaign: campaign(call, &query),
            asked_language: asked.is_some(),
            listing,
            public_url,
            base,
        })
    }

    /// The button that an address names.
    pub(super) fn offered(&self, action: &str) -> Result<&Offered, Problem> {
        let button = Button::parse(action).ok_or_else(Problem::not_found)?;
        self.listing.offered(button).ok_or_else(Problem::not_found)
    }

    /// What is said in the visitor's language.
    pub(super) fn texts(&self) -> Texts {
        self.listing.texts.get(self.language).cloned().unwrap_or_default()
    }

    /// The address of one of the offer's pages, with all that goes along.
    pub(super) fn link(&self, path: &str, language: Option<Language>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let chosen = language.or(Some(self.language).filter(|_| self.asked_language));
        if let Some(language) = chosen {
            query.append_pair("lang", language.code());
        }
        if let Some(token) = &self.preview {
            query.append_pair("preview", token);
        }
        if self.is_frame {
            query.append_pair("frame", "1");
        }
        query.extend_pairs(&self.campaign);
        let query = query.finish();
        let sign = if query.is_empty() { "" } else { "?" };
        format!("{}/o/{}{path}{sign}{query}", self.base, self.offer)
    }

    /// The address of the offer's page as the world knows it.
    pub(super) fn public_page(&self, language: Option<Language>) -> String {
        let query = language.map(|it| format!("?lang={}", it.code())).unwrap_or_default();
        format!("{}/o/{}{query}", self.public_url, self.offer)
    }
}

/// The parameters of an address or of a form: of two with one name the first counts.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(text: &str) -> Self {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(limits::FORM_ENTRIES_MAX) {
            if all.iter().all(|it| it.0 != name) {
                all.push((name.into_owned(), value.into_owned()));
            }
        }
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|it| it.0 == name).map(|it| it.1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What brought the visitor: the address's parameters, and the page before this one if it was another site's.
fn campaign(call: &Call, query: &Query) -> Vec<(String, String)> {
    let before = form::referrer(call.header("referer"));
    let before = before.filter(|it| {
        let host = Url::parse(it).ok().map(|it| it.authority().to_owned());
        host.is_some_and(|it| !it.is_empty() && it != call.header("host"))
    });
    let given = query.iter().chain(before.as_deref().map(|it| ("referrer", it)));
    form::campaign(given)
}

/// The path at which the world reaches the service, for links: empty at the top of a host.
pub(super) fn base(public_url: &str) -> String {
    Url::parse(public_url).map_or_else(|_| String::new(), |it| it.path().trim_end_matches('/').to_owned())
}

/// What counts as one network address of this visitor.
pub(super) fn network(call: &Call) -> Vec<u8> {
    let headers = call.headers.get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = headers.filter_map(|it| it.to_str().ok()).collect();
    let is_proxy = |address| call.app.config.proxies.iter().any(|it| it.contains(&address));
    flood::network(flood::visitor(call.peer, &forwarded, is_proxy))
}

/// Whether one more page may be shown to this network address. What is sent is held to a rate of its own, and comes back
/// with what was typed.
pub(super) fn admit(call: &Call) -> Result<(), Problem> {
    call.app.floods.pages.take(&network(call), call.app.clock.steady()).map_err(slow_down)
}

fn slow_down(wait: Duration) -> Problem {
    let detail = "too many requests came from this network";
    Problem::try_again("too_many_requests", detail, seconds(wait)).with_status(StatusCode::TOO_MANY_REQUESTS)
}

/// Whole seconds that are long enough.
pub(super) fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX)
}
