//! What stands around every page, and how it calls things.

use super::calls::{self, Calls};
use super::entry::{self, MARK, SCRIPT, STYLE};
use super::icons::icon_of;
use super::told::{self, Told};
use super::visit::Visit;
use super::words;
use super::zone::Zone;
use crate::access::{Action, Role};
use crate::api::wire;
use crate::app::App;
use askama::Template;
use axum::http::{HeaderMap, StatusCode, header};
use fluent_bundle::FluentValue;
use leadwire_core::id::RequestId;
use leadwire_core::language::Language;
use url::{Url, form_urlencoded};

/// How somebody wants pages to look.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) language: Language,
    /// `auto`, `light` or `dark`.
    pub(super) theme: &'static str,
    /// The path at which the world reaches the service: empty at the top of a host.
    pub(super) base: String,
    /// The zone of their browser, where it is known and another than UTC.
    pub(super) local: Option<Zone>,
    /// Whether they would have times in UTC all the same.
    pub(super) in_utc: bool,
}

pub(super) const THEMES: [&str; 3] = ["auto", "light", "dark"];
/// The cookie that keeps language, theme and choice of zone; it tells nothing else.
pub(super) const LOOK_COOKIE: &str = "leadwire_look";

impl Look {
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let kept = entry::cookie(headers, LOOK_COOKIE).unwrap_or_default();
        let mut kept = kept.split('.');
        let mut next = || kept.next().unwrap_or_default();
        let (language, theme, zone) = (next(), next(), next());
        let public = Url::parse(&app.public_url()).ok();
        Self {
            language: Language::choose(&Language::ALL, Some(language), wishes),
            theme: THEMES.into_iter().find(|it| *it == theme).unwrap_or("auto"),
            base: public.map_or_else(String::new, |it| it.path().trim_end_matches('/').to_owned()),
            local: Zone::of_browser(headers),
            in_utc: zone == "utc",
        }
    }

    /// The zone of times on pages.
    pub(super) fn zone(&self) -> Zone {
        self.local.clone().filter(|_| !self.in_utc).unwrap_or_else(Zone::utc)
    }

    /// The value of the cookie.
    pub(super) fn kept(&self) -> String {
        format!("{}.{}.{}", self.language.code(), self.theme, if self.in_utc { "utc" } else { "local" })
    }

    fn say(&self, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
        words::say(self.language, key, args)
    }
}

/// A place of the navigation.
pub(super) struct Place {
    pub(super) url: String,
    pub(super) name: String,
    pub(super) icon: &'static str,
    pub(super) is_here: bool,
}

/// A step of a way that is shown above a page.
pub(super) struct WayStep {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) is_here: bool,
    pub(super) is_past: bool,
}

/// What stands around a page.
pub(super) struct Shell {
    pub(super) look: Look,
    pub(super) title: String,
    pub(super) places: Vec<Place>,
    /// The tabs of a page of settings.
    pub(super) tabs: Vec<Place>,
    /// How else the page's content can be had.
    pub(super) calls: Option<Calls>,
    /// The publishers that an operator chooses from; for others there is nothing to choose.
    pub(super) publishers: Vec<(String, String)>,
    pub(super) publisher: String,
    pub(super) user: Option<(String, String)>,
    pub(super) done: Option<String>,
    /// The style sheet of a guest's colour.
    pub(super) accent: Option<String>,
    pub(super) is_guest: bool,
    here: String,
    form_token: String,
    is_operator: bool,
}

impl Shell {
    /// Around a page that nobody is signed in to.
    pub(super) fn bare(look: &Look, title: &str, here: String) -> Self {
        Self {
            title: look.say(title, &[]),
            look: look.clone(),
            places: Vec::new(),
            tabs: Vec::new(),
            calls: None,
            publishers: Vec::new(),
            publisher: String::new(),
            user: None,
            done: None,
            accent: None,
            is_guest: false,
            here,
            form_token: String::new(),
            is_operator: false,
        }
    }

    pub(super) fn of(visit: &Visit, title: &str) -> Self {
        let bare = Self::bare(&visit.look, title, visit.here());
        // Only what we have words for, so that nobody puts theirs into our page.
        let done = Some(visit.asked("done")).filter(|it| !it.is_empty());
        let done = done.and_then(|it| words::find(visit.look.language, &format!("done-{it}"), &[]));
        let Some(user) = &visit.user else { return Self { done, ..bare } };
        let is_operator = user.actor.role == Role::Operator;
        let setup = visit.app.directory.now();
        let all = setup.setup.publishers.iter().filter(|_| is_operator);
        let name = if user.user.name.is_empty() { &user.user.email } else { &user.user.name };
        let role = visit.look.say(&format!("role-{}", user.actor.role.as_str()), &[]);
        let mut shell = Self {
            publishers: all.map(|it| (it.id.to_string(), it.title.clone())).collect(),
            publisher: visit.publisher().unwrap_or_default(),
            user: Some((name.clone(), role)),
            done,
            accent: user.guest.as_ref().and_then(|it| Some(it.accent.strip_prefix('#')?.to_lowercase())),
            is_guest: user.guest.is_some(),
            form_token: user.form_token.clone(),
            is_operator,
            ..bare
        };
        shell.places = shell.places_of(visit);
        shell.tabs = super::tabs::of(visit, &shell);
        shell.calls = calls::of(visit, &shell);
        shell
    }

    fn places_of(&self, visit: &Visit) -> Vec<Place> {
        let all = [
            ("/", "overview", "overview", Action::ReadLeads),
            ("/leads", "leads", "leads", Action::ReadLeads),
            ("/deliveries", "deliveries", "deliveries", Action::ReadLeads),
            ("/failures", "failures", "failures", Action::ReadLeads),
            ("/unrouted", "kept", "kept", Action::ReadLeads),
            ("/destinations", "destinations", "destinations", Action::ReadSetup),
            ("/offers", "offers", "offers", Action::ReadSetup),
            ("/routes", "routes", "routes", Action::ReadSetup),
            ("/reports", "reports", "reports", Action::ReadLeads),
            ("/audit", "audit", "audit", Action::ReadAudit),
            ("/settings", "settings", "settings", Action::ReadSetup),
        ];
        let path = visit.address.path();
        let is_here = |place: &str| match place {
            "/" => path == "/",
            "/unrouted" => {
                let parts = ["/unrouted", "/quarantine", "/replays"];
                parts
                    .iter()
                    .any(|it| path.strip_prefix(it).is_some_and(|it| it.is_empty() || it.starts_with('/')))
            }
            "/leads" if path == "/suggestions" => true,
            "/settings" => super::tabs::is_one(path),
            "/destinations" if path.starts_with("/connect") => true,
            other => path == other || path.strip_prefix(other).is_some_and(|it| it.starts_with('/')),
        };
        let seen = all.into_iter().filter(|it| visit.may(it.3));
        seen.map(|(place, key, icon, _)| Place {
            url: self.link(place, &[]),
            name: self.say(&format!("nav-{key}")),
            icon: icon_of(icon),
            is_here: is_here(place),
        })
        .collect()
    }

    /// The address of a page; for an operator it says whose things it shows.
    pub(super) fn link(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in query.iter().filter(|it| !it.1.is_empty()) {
            pairs.append_pair(name, value);
        }
        if self.is_operator && !self.publisher.is_empty() {
            pairs.append_pair("publisher", &self.publisher);
        }
        let query = pairs.finish();
        let sign = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{sign}{query}", self.look.base)
    }

    /// The address of a page.
    pub(super) fn to(&self, path: &str) -> String {
        self.link(path, &[])
    }

    /// The address of one thing's page.
    pub(super) fn to_one(&self, path: &str, id: &str) -> String {
        self.link(&format!("{path}/{}", in_path(id)), &[])
    }

    /// Where the form of one thing's deed goes.
    pub(super) fn deed(&self, path: &str, id: &str, deed: &str) -> String {
        format!("{}{path}/{}/{deed}", self.look.base, in_path(id))
    }

    /// The same of a page that a form answered, which has no address of its own: its forms lead back to this one.
    pub(super) fn at(mut self, path: &str) -> Self {
        let address = self.link(path, &[]);
        self.here = address.strip_prefix(&self.look.base).unwrap_or(&address).to_owned();
        self
    }

    /// The same, whose forms lead back to an address of ours.
    pub(super) fn back_to(mut self, address: &str) -> Self {
        address.clone_into(&mut self.here);
        self
    }

    /// The same with a choice that its address names.
    pub(super) fn at_with(mut self, path: &str, name: &str, value: &str) -> Self {
        let address = self.link(path, &[(name, value)]);
        self.here = address.strip_prefix(&self.look.base).unwrap_or(&address).to_owned();
        self
    }

    /// A message about a field and a value.
    pub(super) fn say_of(&self, key: &str, field: &str, value: &str) -> String {
        let text = |it: &str| FluentValue::from(it.to_owned());
        self.look.say(key, &[("field", text(field)), ("value", text(value))])
    }

    /// What every form carries: the mark of its user's pages, whose things it is about, and where to go afterwards.
    pub(super) fn hidden(&self) -> Vec<(&'static str, &str)> {
        let all = [("form_token", &self.form_token), ("publisher", &self.publisher), ("back", &self.here)];
        all.into_iter().map(|(name, value)| (name, value.as_str())).filter(|it| !it.1.is_empty()).collect()
    }

    pub(super) fn say(&self, key: &str) -> String {
        self.look.say(key, &[])
    }

    pub(super) fn say_with(&self, key: &str, value: impl AsRef<str>) -> String {
        self.look.say(key, &[("value", FluentValue::from(value.as_ref().to_owned()))])
    }

    pub(super) fn say_count(&self, key: &str, count: &u64) -> String {
        let said = FluentValue::from(self.number(count));
        self.look.say(key, &[("count", FluentValue::from(*count)), ("number", said)])
    }

    /// What a code means, in words; the code itself where nobody has written them.
    pub(super) fn name_of(&self, of: &str, code: &str) -> String {
        let plain = code.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-');
        let found = || words::find(self.look.language, &format!("{of}-{}", code.replace('_', "-")), &[]);
        Some(()).filter(|()| plain).and_then(|()| found()).unwrap_or_else(|| code.to_owned())
    }

    /// What the service says in English, in the language of the page; it marks by itself what stays English.
    pub(super) fn told<'a>(&self, english: &'a (impl AsRef<str> + ?Sized)) -> Told<'a> {
        told::say(self.look.language, english.as_ref())
    }

    /// The same of a name, such as that of a setting: one that we have no words for is as it is in every language.
    pub(super) fn named(&self, name: impl AsRef<str>) -> String {
        told::say(self.look.language, name.as_ref()).text.into_owned()
    }

    /// The icon of a state, from a fixed set.
    pub(super) fn icon(&self, name: &str) -> &'static str {
        icon_of(name)
    }

    /// How a delivery stands, in the words of the portal.
    pub(super) fn stand(&self, it: &wire::Delivery) -> &'static str {
        match it.state.as_str() {
            "delivered" => "delivered",
            "parked" => "parked",
            "suppressed" => "suppressed",
            "erased" => "erased",
            _ if it.in_flight => "sending",
            _ if it.attempts > 0 => "retrying",
            _ => "waiting",
        }
    }

    /// The way of connecting a destination, at one of its steps.
    pub(super) fn steps(&self, here: &usize) -> Vec<WayStep> {
        let names = ["step-choose", "step-connect", "step-check", "step-send"];
        let step = |(at, key): (usize, &str)| {
            let number = at + 1;
            WayStep { number, name: self.say(key), is_here: number == *here, is_past: number < *here }
        };
        names.into_iter().enumerate().map(step).collect()
    }

    pub(super) fn languages(&self) -> [Language; 3] {
        Language::ALL
    }

    pub(super) fn themes(&self) -> [&'static str; 3] {
        THEMES
    }

    /// The zones to choose from: what a form calls each, the zone, and whether it is that of this page.
    pub(super) fn zones(&self) -> Vec<(&'static str, Zone, bool)> {
        let utc = ("utc", Zone::utc(), self.look.in_utc || self.look.local.is_none());
        let local = self.look.local.clone().map(|it| ("local", it, !self.look.in_utc));
        local.into_iter().chain([utc]).collect()
    }

    /// The zone of times on this page, as people write it.
    pub(super) fn zone(&self) -> String {
        self.look.zone().title()
    }

    pub(super) fn style(&self) -> String {
        format!("{}{}", self.look.base, STYLE.path)
    }

    pub(super) fn mark(&self) -> String {
        format!("{}{}", self.look.base, MARK.path)
    }

    pub(super) fn script(&self) -> String {
        format!("{}{}", self.look.base, SCRIPT.path)
    }
}

/// A name as a part of a path, where a plus is a plus.
pub(super) fn in_path(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A page that says what went wrong.
#[derive(Template)]
#[template(path = "portal/told.html")]
pub(super) struct ToldPage {
    shell: Shell,
    what: String,
    fix: String,
    request: String,
}

impl ToldPage {
    pub(super) fn new(look: &Look, status: StatusCode, (what, fix): (String, String), id: RequestId) -> Self {
        let title = match status {
            StatusCode::NOT_FOUND => "told-missing",
            StatusCode::FORBIDDEN => "told-forbidden",
            StatusCode::TOO_MANY_REQUESTS => "told-busy",
            it if it.is_client_error() => "told-refused",
            _ => "told-wrong",
        };
        Self { shell: Shell::bare(look, title, String::new()), what, fix, request: id.to_string() }
    }
}
