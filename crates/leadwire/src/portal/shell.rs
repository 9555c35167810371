//! What stands around every page, and how it writes numbers, times and states for people.

use super::calls::{self, Calls};
use super::entry::{self, MARK, SCRIPT, STYLE};
use super::visit::Visit;
use super::words;
use crate::access::{Action, Role};
use crate::api::wire;
use crate::app::App;
use askama::Template;
use axum::http::{HeaderMap, StatusCode, header};
use fluent_bundle::FluentValue;
use leadwire_core::id::RequestId;
use leadwire_core::language::Language;
use leadwire_core::rfc3339;
use url::{Url, form_urlencoded};

/// How somebody wants pages to look.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) language: Language,
    /// `auto`, `light` or `dark`.
    pub(super) theme: &'static str,
    /// The path at which the world reaches the service: empty at the top of a host.
    pub(super) base: String,
}

pub(super) const THEMES: [&str; 3] = ["auto", "light", "dark"];
/// The cookie that keeps language and theme; it tells nothing else.
pub(super) const LOOK_COOKIE: &str = "leadwire_look";

impl Look {
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let kept = entry::cookie(headers, LOOK_COOKIE).unwrap_or_default();
        let (language, theme) = kept.split_once('.').unwrap_or(("", ""));
        let public = Url::parse(&app.public_url()).ok();
        Self {
            language: Language::choose(&Language::ALL, Some(language), wishes),
            theme: THEMES.into_iter().find(|it| *it == theme).unwrap_or("auto"),
            base: public.map_or_else(String::new, |it| it.path().trim_end_matches('/').to_owned()),
        }
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
    here: String,
    form_token: String,
    is_operator: bool,
}

/// What a form may say that it did.
const DONE: [&str; 13] = [
    "retried",
    "paused",
    "resumed",
    "decided",
    "removed",
    "read-anew",
    "signed-out",
    "connected",
    "saved",
    "routed",
    "taken-away",
    "live",
    "draft",
];

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
            here,
            form_token: String::new(),
            is_operator: false,
        }
    }

    pub(super) fn of(visit: &Visit, title: &str) -> Self {
        let bare = Self::bare(&visit.look, title, visit.here());
        let done = DONE.into_iter().find(|it| *it == visit.asked("done"));
        let done = done.map(|it| visit.look.say(&format!("done-{it}"), &[]));
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
            "/unrouted" => path == "/unrouted" || path == "/quarantine",
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

    /// A number in groups of three.
    pub(super) fn number(&self, number: &u64) -> String {
        let gap = match self.look.language {
            Language::En => ',',
            Language::Hu => '\u{a0}',
            Language::Tr => '.',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(gap);
            }
            out.push(digit);
        }
        out
    }

    /// Seconds as people say them.
    pub(super) fn duration(&self, seconds: &Option<f64>) -> String {
        let Some(seconds) = seconds else { return "–".to_owned() };
        let (value, unit) = match *seconds {
            it if it < 60.0 => (it, "unit-seconds"),
            it if it < 3600.0 => (it / 60.0, "unit-minutes"),
            it if it < 48.0 * 3600.0 => (it / 3600.0, "unit-hours"),
            it => (it / 86_400.0, "unit-days"),
        };
        let text = if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        let text = if self.look.language == Language::En { text } else { text.replace('.', ",") };
        self.say_with(unit, text)
    }

    /// The length of a window as people say it.
    pub(super) fn window(&self, seconds: &u64) -> String {
        let seconds = u32::try_from(*seconds).unwrap_or(u32::MAX);
        self.duration(&Some(f64::from(seconds)))
    }

    /// A moment for people, in UTC; empty when it is none.
    pub(super) fn when(&self, moment: &str) -> String {
        // RFC 3339 in UTC, as the API writes it: fixed places.
        if rfc3339::parse(moment).is_none() || !moment.is_char_boundary(16) {
            return String::new();
        }
        let part = |from: usize, to: usize| moment.get(from..to).unwrap_or_default();
        let (year, month, day, time) = (part(0, 4), part(5, 7), part(8, 10), part(11, 16));
        let month = self.say(&format!("month-{month}"));
        let day = day.trim_start_matches('0');
        match self.look.language {
            Language::En => format!("{day} {month} {year}, {time}"),
            Language::Hu => format!("{year}. {month} {day}. {time}"),
            Language::Tr => format!("{day} {month} {year} {time}"),
        }
    }

    /// The same of a moment that may be missing.
    pub(super) fn when_any(&self, moment: &Option<String>) -> String {
        moment.as_deref().map_or_else(|| "–".to_owned(), |it| self.when(it))
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

/// Small pictures beside words; a picture alone never says anything.
fn icon_of(name: &str) -> &'static str {
    match name {
        "overview" => r#"<path d="M2 9h4v5H2zM6 2h4v12H6zM10 6h4v8h-4z"/>"#,
        "leads" => r#"<circle cx="8" cy="5" r="3"/><path d="M2 14c0-3 2.5-5 6-5s6 2 6 5"/>"#,
        "deliveries" => r#"<path d="M1 8h11M8 4l4 4-4 4M15 2v12"/>"#,
        "failures" => r#"<path d="M8 1.5 15 14H1zM8 6v4M8 12v.5"/>"#,
        "kept" => r#"<path d="M2 5h12v9H2zM1 2h14v3H1zM6 8h4"/>"#,
        "destinations" => r#"<circle cx="8" cy="8" r="6.5"/><circle cx="8" cy="8" r="2.5"/>"#,
        "offers" => r#"<path d="M2 8V2h6l6 6-6 6zM5 5v.1"/>"#,
        "routes" => r#"<path d="M2 8h4l4-5h4M6 8l4 5h4M12 1l2 2-2 2M12 11l2 2-2 2"/>"#,
        "reports" => r#"<path d="M2 2v12h12M5 11l3-4 2 2 4-5"/>"#,
        "audit" => r#"<path d="M4 1.500h8v13H4zM6.500 5h3M6.500 8h3M6.500 11h3"/>"#,
        "settings" => {
            r#"<path d="M2 5h6M12 5h2M2 11h2M8 11h6"/><circle cx="10" cy="5" r="2"/><circle cx="6" cy="11" r="2"/>"#
        }
        "users" => {
            r#"<circle cx="5.5" cy="5" r="2.5"/><path d="M1 13c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M11 3a2.4 2.4 0 0 1 0 4.6M12 9.500c2 .4 3 1.700 3 3.500"/>"#
        }
        "delivered" | "open" | "ok" | "passed" => r#"<path d="m2.500 8.500 3.500 3.500 7.500-8"/>"#,
        "retrying" => r#"<path d="M13 8a5 5 0 1 1-1.500-3.500M13 1.500v3.500h-3.500"/>"#,
        "sending" => r#"<path d="M2 8h11M9 4l4 4-4 4"/>"#,
        "parked" | "bad" | "failed" | "warned" => r#"<path d="M8 2.500v7M8 12.500v.5"/>"#,
        "paused" => r#"<path d="M5 3v10M11 3v10"/>"#,
        "suppressed" => r#"<circle cx="8" cy="8" r="5.500"/><path d="m4 12 8-8"/>"#,
        "skipped" => r#"<circle cx="8" cy="8" r="5.500"/>"#,
        "erased" => r#"<path d="m4 4 8 8M12 4l-8 8"/>"#,
        _ => r#"<circle cx="8" cy="8" r="5.500"/><path d="M8 5v3.500l2 1.500"/>"#,
    }
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
