//! The form of what an offer's page shows: its kind, its buttons, and its words in every language.

use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::Method;
use axum::response::Response;
use leadwire_core::language::Language;
use leadwire_core::listing::{Button, OfferKind};
use leadwire_core::refusal::Refusal;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "portal/listing.html")]
struct ListingPage {
    shell: Shell,
    offer: String,
    kinds: Vec<(&'static str, String, bool)>,
    buttons: Vec<ButtonRow>,
    /// Languages with their texts, and whether they are unfolded: those that were begun, and the reader's own.
    languages: Vec<(Language, Vec<Entry>, bool)>,
    privacy: Entry,
    origins: Entry,
    pictures: u64,
    mistakes: u64,
    /// Mistakes that belong to no field that is shown.
    others: Vec<(String, String)>,
}

/// A button of the page, on or off, and where it leads afterwards.
struct ButtonRow {
    name: &'static str,
    label: String,
    is_on: bool,
    next: Entry,
}

/// A text of the form.
struct Entry {
    id: String,
    name: String,
    label: String,
    value: String,
    rows: u32,
    mistake: Option<(String, String)>,
}

/// Texts of one language: key, and lines that its field shows.
const TEXTS: [(&str, u32); 5] =
    [("title", 1), ("summary", 2), ("description", 6), ("consent", 4), ("consent_version", 1)];

/// `GET /offers/{offer}/listing`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    if !visit.may(Action::ChangeSetup) {
        return Err(Problem::forbidden());
    }
    let it = present(&visit).await?;
    let listing = it.listing.clone().unwrap_or_else(nothing);
    Ok(visit.page(&page(&visit, &it.id, &listing, &[])))
}

async fn present(visit: &Visit) -> Result<wire::OfferDetail, Problem> {
    visit.ask(Wish::get("/v1/offers/{offer}").at(&[("offer", visit.place("offer"))])).await
}

fn nothing() -> wire::Listing {
    wire::Listing {
        kind: OfferKind::Saas.as_str().to_owned(),
        actions: Vec::new(),
        texts: BTreeMap::new(),
        pictures: Vec::new(),
        privacy_url: None,
        embed_origins: Vec::new(),
    }
}

/// `POST /offers/{offer}/listing`
pub(super) async fn save(visit: Visit) -> Result<Response, Problem> {
    let it = present(&visit).await?;
    let listing = read(&visit, it.listing.map(|it| it.pictures).unwrap_or_default());
    let places = [("offer", visit.place("offer"))];
    let wish = Wish { method: Method::PUT, ..Wish::get("/v1/offers/{offer}/listing") };
    match visit.ask::<wire::OfferDetail>(wish.at(&places).body(json!(listing))).await {
        Ok(it) => {
            Ok(visit.on_to(&visit.shell("listing-title"), &format!("/offers/{}", in_path(&it.id)), "saved"))
        }
        Err(problem) if !problem.errors().is_empty() => {
            Ok(html(problem.status(), &page(&visit, &it.id, &listing, problem.errors())))
        }
        Err(problem) => Err(problem),
    }
}

/// The listing as the form has it. Pictures are not in the form, and stay.
fn read(visit: &Visit, pictures: Vec<wire::Picture>) -> wire::Listing {
    let text = |name: &str| visit.field(name).trim().to_owned();
    let some = |name: &str| Some(text(name)).filter(|it| !it.is_empty());
    let chosen = Button::ALL.into_iter().filter(|it| visit.field(&format!("on_{}", it.as_str())) == "yes");
    let actions = chosen.map(|it| wire::OfferedAction {
        action: it.as_str().to_owned(),
        next_url: some(&format!("next_{}", it.as_str())),
    });
    let texts = Language::ALL.into_iter().filter_map(|language| {
        let of = |key: &str| text(&format!("{}_{key}", language.code()));
        let is_there = TEXTS.iter().any(|it| !of(it.0).is_empty());
        let texts = wire::ListingTexts {
            title: of("title"),
            summary: of("summary"),
            description: of("description"),
            consent: of("consent"),
            consent_version: of("consent_version"),
        };
        is_there.then(|| (language.code().to_owned(), texts))
    });
    wire::Listing {
        kind: text("kind"),
        actions: actions.collect(),
        texts: texts.collect(),
        pictures,
        privacy_url: some("privacy_url"),
        embed_origins: text("embed_origins")
            .lines()
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

/// Makes the fields of the form, each with what is wrong with it.
struct Maker<'a> {
    shell: &'a Shell,
    mistakes: &'a [Refusal],
}

impl Maker<'_> {
    /// A field; what is wrong with it stands at this place, or below it.
    fn entry(&self, name: &str, (label, rows): (String, u32), value: &str, pointer: &str) -> Entry {
        let is_about = |it: &&Refusal| {
            it.pointer == pointer || it.pointer.strip_prefix(pointer).is_some_and(|it| it.starts_with('/'))
        };
        Entry {
            id: name.replace('_', "-"),
            name: name.to_owned(),
            label,
            value: value.to_owned(),
            rows,
            mistake: self.mistakes.iter().find(is_about).map(|it| (it.message.clone(), it.fix.clone())),
        }
    }

    fn button(&self, button: Button, listing: &wire::Listing) -> ButtonRow {
        let name = button.as_str();
        let place = listing.actions.iter().position(|it| it.action == name);
        let next = place.and_then(|at| listing.actions[at].next_url.as_deref()).unwrap_or_default();
        // One that is off has no place, and so no mistake.
        let pointer = place.map_or_else(|| "-".to_owned(), |at| format!("/actions/{at}"));
        let label = (self.shell.say("listing-next"), 1);
        ButtonRow {
            name,
            label: self.shell.name_of("button", name),
            is_on: place.is_some(),
            next: self.entry(&format!("next_{name}"), label, next, &pointer),
        }
    }

    fn language(&self, language: Language, listing: &wire::Listing) -> Vec<Entry> {
        let code = language.code();
        let empty = wire::ListingTexts::default();
        let texts = listing.texts.get(code).unwrap_or(&empty);
        let value = |key: &str| match key {
            "title" => &texts.title,
            "summary" => &texts.summary,
            "description" => &texts.description,
            "consent" => &texts.consent,
            _ => &texts.consent_version,
        };
        let entry = |(key, rows): (&str, u32)| {
            let label = (self.shell.name_of("text", key), rows);
            self.entry(&format!("{code}_{key}"), label, value(key), &format!("/texts/{code}/{key}"))
        };
        TEXTS.into_iter().map(entry).collect()
    }
}

fn page(visit: &Visit, offer: &str, listing: &wire::Listing, mistakes: &[Refusal]) -> ListingPage {
    let shell = visit.shell("listing-title").at(&format!("/offers/{}/listing", in_path(offer)));
    let maker = Maker { shell: &shell, mistakes };
    let buttons: Vec<ButtonRow> = Button::ALL.into_iter().map(|it| maker.button(it, listing)).collect();
    let begun = |it: Language| listing.texts.contains_key(it.code()) || it == shell.look.language;
    let languages: Vec<_> =
        Language::ALL.into_iter().map(|it| (it, maker.language(it, listing), begun(it))).collect();
    let privacy = listing.privacy_url.as_deref().unwrap_or_default();
    let privacy = maker.entry("privacy_url", (shell.say("listing-privacy"), 1), privacy, "/privacy_url");
    let origins = listing.embed_origins.join("\n");
    let origins = maker.entry("embed_origins", (shell.say("listing-origins"), 3), &origins, "/embed_origins");
    let texts = languages.iter().flat_map(|it| &it.1);
    let shown: Vec<_> = texts
        .chain(buttons.iter().map(|it| &it.next))
        .chain([&privacy, &origins])
        .filter_map(|it| it.mistake.clone())
        .collect();
    let words = mistakes.iter().map(|it| (it.message.clone(), it.fix.clone()));
    let kind = |it: OfferKind| (it.as_str(), shell.name_of("kind", it.as_str()), it.as_str() == listing.kind);
    ListingPage {
        kinds: OfferKind::ALL.into_iter().map(kind).collect(),
        others: words.filter(|it| !shown.contains(it)).collect(),
        offer: offer.to_owned(),
        pictures: listing.pictures.len() as u64,
        mistakes: mistakes.len() as u64,
        buttons,
        languages,
        privacy,
        origins,
        shell,
    }
}
