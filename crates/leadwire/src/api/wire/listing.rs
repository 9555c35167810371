//! What an offer shows to the world, as JSON, and the reading of it into what pages are made from.

use leadwire_core::language::{Language, PerLanguage};
use leadwire_core::limits;
use leadwire_core::listing::{self, Button, OfferKind};
use leadwire_core::refusal::Refusal;
use leadwire_core::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::{Host, Url};

/// What an offer shows to the world. All texts are plain; an empty line starts a new paragraph.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// What kind of thing it is, such as `saas` or `consulting_service`; it decides whether a destination is mandatory.
    pub kind: String,
    /// What a customer can do, in the order of the page.
    #[serde(default)]
    pub actions: Vec<OfferedAction>,
    /// What is said, by language: `en`, `hu`, `tr`.
    #[serde(default)]
    pub texts: BTreeMap<String, ListingTexts>,
    /// Pictures, in the order of the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// The https address of the publisher's privacy statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<String>,
    /// Origins, such as `https://www.example.com`, whose pages may hold the form.
    #[serde(default)]
    pub embed_origins: Vec<String>,
}

/// A button of the page.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferedAction {
    /// `test_drive`, `get_it_now`, `contact_me` or `purchase`.
    pub action: String,
    /// The https address where the customer goes on to afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_url: Option<String>,
}

/// What the page says in one language.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListingTexts {
    /// The offer's name.
    #[serde(default)]
    pub title: String,
    /// What it is, in a sentence or two.
    #[serde(default)]
    pub summary: String,
    /// All about it.
    #[serde(default)]
    pub description: String,
    /// What the customer agrees to.
    #[serde(default)]
    pub consent: String,
    /// Which version of that text this is, such as `2026-11`.
    #[serde(default)]
    pub consent_version: String,
}

/// A picture.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Its https address.
    pub url: String,
    /// What is to be seen on it, by language.
    pub alt: BTreeMap<String, String>,
}

impl Listing {
    /// Reads and checks it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(&self) -> Result<listing::Listing, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let kind = OfferKind::parse(&self.kind);
        if kind.is_none() {
            let names = OfferKind::ALL.map(OfferKind::as_str).join(", ");
            refuse(
                &mut refusals,
                "/kind",
                "unknown_kind",
                "no kind is called so",
                format!("use one of: {names}"),
            );
        }
        count(&mut refusals, "/pictures", self.pictures.len(), limits::LISTING_PICTURES_MAX);
        count(&mut refusals, "/embed_origins", self.embed_origins.len(), limits::LISTING_ORIGINS_MAX);
        let offered = self.read_actions(&mut refusals);
        let texts = self.read_texts(&mut refusals);
        let pictures = self.read_pictures(&mut refusals);
        let privacy_url = self
            .privacy_url
            .as_ref()
            .and_then(|it| https(&mut refusals, "/privacy_url", it))
            .map(String::from);
        let embed_origins = self.embed_origins.iter().enumerate();
        let embed_origins = embed_origins
            .filter_map(|(at, it)| origin(&mut refusals, &format!("/embed_origins/{at}"), it))
            .collect();
        match kind {
            Some(kind) if refusals.is_empty() => {
                Ok(listing::Listing { kind, offered, texts, pictures, privacy_url, embed_origins })
            }
            Some(_) | None => Err(refusals),
        }
    }

    fn read_actions(&self, refusals: &mut Vec<Refusal>) -> Vec<listing::Offered> {
        let mut offered: Vec<listing::Offered> = Vec::new();
        for (at, it) in self.actions.iter().enumerate() {
            let pointer = format!("/actions/{at}/action");
            let Some(button) = Button::parse(&it.action) else {
                let names = Button::ALL.map(Button::as_str).join(", ");
                let fix = format!("use one of: {names}");
                refuse(refusals, &pointer, "unknown_action", "no action of a page is called so", fix);
                continue;
            };
            if offered.iter().any(|it| it.button == button) {
                refuse(refusals, &pointer, "twice", "this action is there twice", "name each action once");
                continue;
            }
            let next = it.next_url.as_ref();
            let next_url = next.and_then(|url| https(refusals, &format!("/actions/{at}/next_url"), url));
            offered.push(listing::Offered { button, next_url: next_url.map(String::from) });
        }
        offered
    }

    fn read_texts(&self, refusals: &mut Vec<Refusal>) -> PerLanguage<listing::Texts> {
        let mut all = PerLanguage::default();
        for (code, it) in &self.texts {
            let Some(language) = language(refusals, &format!("/texts/{code}"), code) else { continue };
            let mut line = |name: &str, value: &str, chars_max| {
                bounded(refusals, &format!("/texts/{code}/{name}"), &text::one_line(value), chars_max)
            };
            let (title, summary, consent_version) = (
                line("title", &it.title, limits::LISTING_LINE_CHARS_MAX),
                line("summary", &it.summary, limits::LISTING_LINE_CHARS_MAX),
                line("consent_version", &it.consent_version, limits::FORM_FIELD_CHARS_MAX),
            );
            let mut lines = |name: &str, value: &str, chars_max| {
                bounded(refusals, &format!("/texts/{code}/{name}"), &text::lines(value), chars_max)
            };
            let description = lines("description", &it.description, limits::LISTING_DESCRIPTION_CHARS_MAX);
            let consent = lines("consent", &it.consent, limits::LISTING_CONSENT_CHARS_MAX);
            all.put(language, listing::Texts { title, summary, description, consent, consent_version });
        }
        all
    }

    fn read_pictures(&self, refusals: &mut Vec<Refusal>) -> Vec<listing::Picture> {
        let mut pictures = Vec::new();
        for (at, it) in self.pictures.iter().enumerate() {
            let mut alt = PerLanguage::default();
            for (code, words) in &it.alt {
                let pointer = format!("/pictures/{at}/alt/{code}");
                let Some(language) = language(refusals, &pointer, code) else { continue };
                let words = text::one_line(words);
                alt.put(language, bounded(refusals, &pointer, &words, limits::LISTING_LINE_CHARS_MAX));
            }
            if it.alt.is_empty() {
                let fix = "say in words what is to be seen on it, for who does not see it";
                refuse(
                    refusals,
                    &format!("/pictures/{at}/alt"),
                    "missing",
                    "the picture has no description",
                    fix,
                );
            }
            if let Some(url) = https(refusals, &format!("/pictures/{at}/url"), &it.url) {
                pictures.push(listing::Picture { url: url.into(), alt });
            }
        }
        pictures
    }
}

fn refuse(
    refusals: &mut Vec<Refusal>,
    pointer: &str,
    code: &'static str,
    message: &str,
    fix: impl Into<String>,
) {
    refusals.push(Refusal::new(pointer, code, message, fix));
}

fn count(refusals: &mut Vec<Refusal>, pointer: &str, found: usize, most: usize) {
    if found > most {
        refuse(refusals, pointer, "too_many", &format!("there are {found}"), format!("give at most {most}"));
    }
}

fn language(refusals: &mut Vec<Refusal>, pointer: &str, code: &str) -> Option<Language> {
    let found = Language::ALL.into_iter().find(|it| it.code() == code);
    if found.is_none() {
        let codes = Language::ALL.map(Language::code).join(", ");
        let message = "pages are not written in this language";
        refuse(refusals, pointer, "unknown_language", message, format!("use one of: {codes}"));
    }
    found
}

fn bounded(refusals: &mut Vec<Refusal>, pointer: &str, value: &str, chars_max: usize) -> String {
    if value.chars().count() > chars_max {
        let message = format!("longer than {chars_max} characters");
        refuse(refusals, pointer, "too_long", &message, "shorten this text");
    }
    value.to_owned()
}

/// An https address of a host by a plain name: it stands in a header beside words that mean something there.
fn https(refusals: &mut Vec<Refusal>, pointer: &str, value: &str) -> Option<Url> {
    let url = Url::parse(value.trim()).ok().filter(|it| {
        it.scheme() == "https" && is_plain(it) && it.username().is_empty() && it.password().is_none()
    });
    if url.is_none() || value.len() > limits::LISTING_URL_BYTES_MAX {
        let message = "this is no https address of the public web";
        let fix = format!(
            "give one such as https://www.example.com/page, of at most {} bytes",
            limits::LISTING_URL_BYTES_MAX
        );
        refuse(refusals, pointer, "bad_url", message, fix);
        return None;
    }
    url
}

/// An origin of https, or of http on this very machine, where pages are tried out.
fn origin(refusals: &mut Vec<Refusal>, pointer: &str, value: &str) -> Option<String> {
    let url = Url::parse(value.trim()).ok().filter(is_plain).filter(|it| {
        let is_local = it.host_str().is_some_and(|it| it == "localhost" || it == "127.0.0.1");
        let is_bare = it.path() == "/" && it.query().is_none() && it.fragment().is_none();
        is_bare && it.username().is_empty() && (it.scheme() == "https" || it.scheme() == "http" && is_local)
    });
    if url.is_none() {
        let fix = "give scheme and host only, such as https://www.example.com";
        refuse(refusals, pointer, "bad_origin", "this is no origin of https", fix);
    }
    url.map(|it| it.origin().ascii_serialization())
}

fn is_plain(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-'))
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

/// An offer with all that it shows.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct OfferDetail {
    /// Its full id, `publisher.offer`.
    pub id: String,
    /// Its name for people who run the service.
    pub title: String,
    /// `draft`, `preview` or `live`.
    pub state: String,
    /// Where its page is, once it is live.
    pub url: String,
    /// Whether what is worked on differs from what everybody sees.
    pub has_changes: bool,
    /// When it last went live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_at: Option<String>,
    /// What is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
}

/// What is done and what is missing before an offer is shown.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct OfferReadiness {
    /// The offer's full id.
    pub offer: String,
    /// `draft`, `preview` or `live`.
    pub state: String,
    /// Whether it can go live now.
    pub ready: bool,
    /// Every step, in the order in which one does them.
    pub steps: Vec<ReadinessStep>,
}

/// One step on the way to going live.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ReadinessStep {
    /// Stable name.
    pub code: String,
    /// Whether it is done.
    pub done: bool,
    /// `preview`, `live`, or `advice` when nothing waits for it.
    pub needed_for: String,
    /// How it stands.
    pub message: String,
    /// What to do; empty when it is done.
    pub fix: String,
    /// The destination it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// The way to a preview; shown once.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct OfferPreview {
    /// The page with its token. Whoever has it sees the preview; the next preview makes it useless.
    pub url: String,
}

/// What to put into a page of one's own.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Embed {
    /// A script that puts the form in its place.
    pub script: String,
    /// A plain form without scripts: what is filled in is checked and agreed to on the offer's own page.
    pub form: String,
    /// Origins whose pages may hold the form.
    pub origins: Vec<String>,
}
