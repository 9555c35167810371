//! A browser without scripts at the portal: it keeps its cookie and sends the forms that it sees.

use crate::app::{Answer, TestApp};
use http::Method;
use url::form_urlencoded::Serializer;

/// What the tests sign in with.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody at the portal.
pub struct Visitor<'a> {
    app: &'a TestApp,
    /// The cookie of the session, `name=value`; empty while nobody is signed in.
    pub cookie: String,
}

/// The text of a page.
pub fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).expect("a page is UTF-8")
}

/// The path of a full address.
pub fn path_of(url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    format!("/{path}")
}

impl<'a> Visitor<'a> {
    /// Somebody who is not signed in.
    pub fn new(app: &'a TestApp) -> Self {
        Self { app, cookie: String::new() }
    }

    /// Somebody whose browser keeps these cookies.
    pub fn cookie_of(app: &'a TestApp, cookie: &str) -> Self {
        Self { app, cookie: cookie.to_owned() }
    }

    /// The first user, an operator, signed in by the link of the first start.
    pub async fn operator(app: &'a TestApp) -> Self {
        let link = app.app.first_link().await.expect("the store works").expect("nobody is there yet");
        Self::by_link(app, &path_of(link.expose()), "ada@example.com").await
    }

    /// A user of `contoso` with this role, signed in.
    pub async fn of_contoso(app: &'a TestApp, role: &str) -> Self {
        let email = format!("{role}@contoso.com");
        let new = serde_json::json!({ "email": email, "role": role });
        let made = app.post("/v1/users?publisher=contoso", &new).await;
        Self::by_link(app, &path_of(made["link"].as_str().expect("it is shown once")), &email).await
    }

    /// Somebody who uses a link.
    pub async fn by_link(app: &'a TestApp, path: &str, email: &str) -> Self {
        let mut visitor = Self::new(app);
        let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD), ("again", PASSWORD)];
        let answer = visitor.send(path, &fields).await;
        assert_eq!(answer.status, 303, "{}", text(&answer));
        visitor.keep(&answer);
        visitor
    }

    /// Keeps the cookie that an answer sets.
    pub fn keep(&mut self, answer: &Answer) {
        let set = answer.headers.get("set-cookie").and_then(|it| it.to_str().ok());
        let set = set.expect("a cookie is set");
        self.cookie = set.split(';').next().unwrap_or_default().to_owned();
    }

    /// Opens a page.
    pub async fn open(&self, path: &str) -> Answer {
        self.app.raw(Method::GET, path, &[("cookie", &self.cookie)], bytes::Bytes::new()).await
    }

    /// The text of a page that opens.
    pub async fn read(&self, path: &str) -> String {
        let answer = self.open(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        text(&answer)
    }

    /// Sends a form as a browser does from a page of the portal.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send_with(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with just these further headers.
    pub async fn send_with(&self, path: &str, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers = [&[kind, ("cookie", self.cookie.as_str())], more].concat();
        self.app.raw(Method::POST, path, &headers, body.into()).await
    }

    /// The mark of this user's forms, as a page shows it.
    pub async fn mark(&self) -> String {
        let page = self.read("/").await;
        let rest = page.split_once("name=\"form_token\" value=\"").expect("a page has a form").1;
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// Sends a form of one of this user's pages.
    pub async fn act(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mark = self.mark().await;
        self.send(path, &[fields, &[("form_token", mark.as_str())]].concat()).await
    }
}
