//! Somebody at a page of the portal: who they are, what they asked for, and how they ask the API.

use super::shell::{Look, Shell};
use crate::access::{self, Action};
use crate::accounts::SignedIn;
use crate::api::{Asker, Problem, Wish, wire};
use crate::app::App;
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use leadwire_core::device::Device;
use leadwire_core::id::RequestId;
use leadwire_core::limits;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use url::form_urlencoded;

/// Figures for a page: where counting takes long, as they were a while ago.
pub(super) const LATELY: [(&str, &str); 1] = [("counted", "lately")];

/// A request for a page, or a form that was sent.
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) request: RequestId,
    pub(super) peer: IpAddr,
    /// Whether only the head of the answer is wanted.
    pub(super) is_head: bool,
    pub(super) headers: HeaderMap,
    pub(super) address: Uri,
    pub(super) path: HashMap<String, String>,
    pub(super) query: HashMap<String, String>,
    pub(super) form: HashMap<String, String>,
    pub(super) look: Look,
    pub(super) user: Option<SignedIn>,
}

/// Parameters of an address or a form: of two with one name the first counts.
pub(super) fn read_pairs(text: &[u8]) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for (name, value) in form_urlencoded::parse(text).take(limits::PORTAL_FORM_ENTRIES_MAX) {
        all.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    all
}

/// A path of this portal, and nothing that a browser would take for another site's.
pub(super) fn own_path(text: &str) -> Option<&str> {
    let mut bytes = text.bytes();
    let starts_well = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let is_plain = text.len() <= limits::LISTING_URL_BYTES_MAX
        && text.bytes().all(|it| it.is_ascii_graphic() && !matches!(it, b'\\' | b'#'));
    (starts_well && is_plain).then_some(text)
}

impl Visit {
    /// A field of the form.
    pub(super) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// A parameter of the address.
    pub(super) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A place of the path.
    pub(super) fn place(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// On what they come, as their browser says.
    pub(super) fn device(&self) -> Device {
        let said = self.headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok());
        Device::read(said.unwrap_or_default())
    }

    /// The user of a page that is for users.
    pub(super) fn user(&self) -> &SignedIn {
        self.user.as_ref().expect("the way in lets nobody else to these pages")
    }

    /// Whether the user may do something; only for what to show: the endpoints decide.
    pub(super) fn may(&self, action: Action) -> bool {
        access::allows(self.user().actor.role, action)
    }

    /// Whether the user sees people as they are; only for what to show: the endpoints decide.
    pub(super) fn sees_people(&self) -> bool {
        access::sees_people(self.user().actor.role)
    }

    /// Whose things are shown: the user's own publisher's; for an operator the one of the address, or the first.
    pub(super) fn publisher(&self) -> Option<String> {
        if let Some(own) = &self.user().actor.publisher {
            return Some(own.to_string());
        }
        let named = [self.field("publisher"), self.asked("publisher")].into_iter().find(|it| !it.is_empty());
        let first = || self.app.directory.now().setup.publishers.first().map(|it| it.id.to_string());
        named.map(str::to_owned).or_else(first)
    }

    fn asker(&self) -> Asker {
        Asker {
            app: Arc::clone(&self.app),
            request: self.request,
            actor: self.user().actor.clone(),
            peer: self.peer,
        }
    }

    /// Asks an endpoint about the publisher that is shown.
    pub(super) async fn ask<T: DeserializeOwned>(&self, wish: Wish<'_>) -> Result<T, Problem> {
        let publisher = self.publisher().unwrap_or_default();
        let query = [wish.query, &[("publisher", publisher.as_str())]].concat();
        self.asker().ask(Wish { query: &query, ..wish }).await
    }

    /// Asks a list about the publisher that is shown, for the rows of this page.
    pub(super) async fn ask_rows<T: DeserializeOwned>(
        &self,
        path: &'static str,
    ) -> Result<wire::Page<T>, Problem> {
        let limit = limits::PORTAL_ROWS.to_string();
        let query = [("limit", limit.as_str()), ("cursor", self.asked("cursor"))];
        self.ask(Wish::get(path).with(&query)).await
    }

    /// Asks an endpoint about what the user may see in all.
    pub(super) async fn ask_all<T: DeserializeOwned>(&self, wish: Wish<'_>) -> Result<T, Problem> {
        self.asker().ask(wish).await
    }

    /// The path and query of this page, without what was told once, and without a choice that is not the user's.
    pub(super) fn here(&self) -> String {
        let may_choose = self.user.as_ref().is_some_and(|it| it.actor.publisher.is_none());
        let kept = self.query.iter().filter(|it| *it.0 != "done" && (may_choose || *it.0 != "publisher"));
        let mut kept: Vec<_> = kept.collect();
        kept.sort_unstable();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        let sign = if query.is_empty() { "" } else { "?" };
        format!("{}{sign}{query}", self.address.path())
    }

    /// A page.
    pub(super) fn page(&self, template: &impl Template) -> Response {
        html(StatusCode::OK, template)
    }

    /// What stands around a page.
    pub(super) fn shell(&self, title: &str) -> Shell {
        Shell::of(self, title)
    }

    /// On to another page of ours, which says what was done.
    pub(super) fn on_to(&self, shell: &Shell, path: &str, said: &str) -> Response {
        see_other(&shell.link(path, &[("done", said)]))
    }

    /// Back to the page of a form that was done, which says so.
    pub(super) fn done(&self, to: &str, said: &str) -> Response {
        let back = own_path(self.field("back")).unwrap_or(to);
        let (path, query) = back.split_once('?').unwrap_or((back, ""));
        let mut query: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        query.retain(|it| it.0 != "done");
        query.push(("done".to_owned(), said.to_owned()));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        see_other(&format!("{}{path}?{query}", self.look.base))
    }
}

/// A page with a status.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    let text = template.render().expect("writing into a text cannot fail");
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], text).into_response()
}

/// A file to keep. Its name is of our own making, or escaped as a part of an address.
pub(super) fn attachment(name: &str, kind: &'static str, text: String) -> Response {
    let named = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let named = named.unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, named)], text).into_response()
}

/// To another page of ours.
pub(super) fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_our_own_are_gone_back_to() {
        for good in ["/", "/leads", "/leads?email=a%40b.c&publisher=contoso", "/deliveries/dlv_1"] {
            assert_eq!(own_path(good), Some(good));
        }
        let bad = [
            "",
            "leads",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a b",
            "/é",
            "/a\\b",
        ];
        for bad in bad {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }
}
