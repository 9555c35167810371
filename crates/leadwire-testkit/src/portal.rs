//! A browser without scripts at the portal: it keeps its cookie and sends the forms that it sees.

use crate::app::{Answer, TestApp};
use http::Method;
use leadwire::clock::Clock;
use leadwire_core::{limits, totp};
use url::form_urlencoded::Serializer;

/// What the tests sign in with.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody at the portal.
pub struct Visitor<'a> {
    app: &'a TestApp,
    /// The cookie of the session, `name=value`; empty while nobody is signed in.
    pub cookie: String,
}

/// What somebody has of their second factor: the phone's secret, and the codes on paper.
pub struct Phone<'a> {
    app: &'a TestApp,
    /// The secret.
    pub secret: Vec<u8>,
    /// The recovery codes.
    pub codes: Vec<String>,
}

impl Phone<'_> {
    /// What it shows now.
    pub fn code(&self) -> String {
        totp::code(&self.secret, totp::step_of(self.app.clock.wall()))
    }
}

/// Bytes of base 32, as a page shows them.
pub fn from_base32(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter(|it| *it != b' ').map(|it| {
        let at = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == it);
        u8::try_from(at.expect("a digit of base 32")).expect("below 32")
    });
    let bits: Vec<u8> = digits.flat_map(|it| (0..5).rev().map(move |bit| it >> bit & 1)).collect();
    bits.chunks_exact(8).map(|it| it.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
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

    /// Somebody who shows a cookie.
    pub fn with(app: &'a TestApp, cookie: String) -> Self {
        Self { app, cookie }
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

    /// Sets up a second factor as a person does, with one slip.
    pub async fn set_up_factor(&self) -> Phone<'a> {
        let shown = self.act("/account/factor", &[("current", PASSWORD)]).await;
        assert_eq!(shown.status, 200, "{}", text(&shown));
        let page = text(&shown);
        let key = page.split_once("<code class=\"link\" translate=\"no\">").expect("the key is shown").1;
        let mut phone = Phone {
            app: self.app,
            secret: from_base32(key.split('<').next().unwrap_or_default()),
            codes: Vec::new(),
        };
        assert_eq!(phone.secret.len(), totp::SECRET_BYTES);
        assert!(page.contains("<svg class=\"qr\"") && page.len() < 100_000);
        let slip = self.act("/account/confirm", &[("code", "no code")]).await;
        assert_eq!(slip.status, 422);
        assert!(text(&slip).contains("role=\"alert\"") && text(&slip).contains("<svg class=\"qr\""));
        let done = self.act("/account/confirm", &[("code", &phone.code())]).await;
        assert_eq!(done.status, 200, "{}", text(&done));
        let page = text(&done);
        let codes = page.split_once("<ol class=\"codes\"").expect("the codes are shown").1;
        let codes = codes.split("<code>").skip(1).filter_map(|it| it.split('<').next());
        phone.codes = codes.map(str::to_owned).collect();
        assert_eq!(phone.codes.len(), limits::RECOVERY_CODES);
        phone
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

    /// Sends a form of one of this user's pages. One that is refused is sent again in the other languages: what is said of it there
    /// must be in them.
    pub async fn act(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mark = self.mark().await;
        let fields = [fields, &[("form_token", mark.as_str())]].concat();
        let answer = self.send(path, &fields).await;
        // Where passwords and codes are asked for, each try counts.
        let counts = ["/account", "/again", "/sign-in"].iter().any(|it| path.starts_with(it));
        if matches!(answer.status, 409 | 422) && !counts {
            for language in ["hu", "tr"] {
                self.refused_in(language, path, &fields).await;
            }
        }
        answer
    }

    async fn refused_in(&self, language: &str, path: &str, fields: &[(&str, &str)]) {
        let cookie = format!("{}; leadwire_look={language}.auto", self.cookie);
        let page = text(&Visitor::with(self.app, cookie).send(path, fields).await);
        assert!(page.contains(&format!("<html lang=\"{language}\"")), "{path}: {page}");
        let english = page.split("<span lang=\"en\">").skip(1).filter_map(|it| it.split('<').next());
        let english: Vec<&str> = english.collect();
        assert!(english.is_empty(), "{path} says in English to who reads {language}: {english:?}");
    }
}
