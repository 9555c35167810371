//! Signing in and out, choosing a password by a link, and how pages look.

use super::entry::{self, session_cookie, slow_down};
use super::shell::{LOOK_COOKIE, Shell, THEMES};
use super::visit::{Visit, html, own_path, see_other};
use crate::accounts::{self, AccountError, Mistake};
use crate::api::Problem;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use leadwire_core::language::Language;
use leadwire_core::secret::Secret;
use leadwire_store::users::PortalUser;

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignInPage {
    shell: Shell,
    email: String,
    next: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/first.html")]
struct FirstPage {
    shell: Shell,
    token: String,
    email: String,
    name: String,
    is_email_set: bool,
    error: Option<String>,
}

fn next(text: &str) -> &str {
    own_path(text).unwrap_or("/")
}

/// `GET /sign-in`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    if visit.user.is_some() {
        return Ok(see_other(&format!("{}{}", visit.look.base, next(visit.asked("next")))));
    }
    Ok(html(StatusCode::OK, &sign_in_page(&visit, visit.asked("next"), None)))
}

fn sign_in_page(visit: &Visit, to: &str, error: Option<&str>) -> SignInPage {
    let shell = Shell::of(visit, "sign-in-title");
    SignInPage {
        error: error.map(|it| visit.look_say(it)),
        email: visit.field("email").to_owned(),
        next: next(to).to_owned(),
        shell,
    }
}

impl Visit {
    fn look_say(&self, key: &str) -> String {
        super::words::say(self.look.language, key, &[])
    }
}

/// `POST /sign-in`
pub(super) async fn sign_in(visit: Visit) -> Result<Response, Problem> {
    brake(&visit, visit.field("email"))?;
    let to = next(visit.field("next")).to_owned();
    let password = Secret::new(visit.field("password").to_owned());
    let signed_in = visit.app.accounts.sign_in(visit.field("email"), password).await.map_err(failed)?;
    match signed_in {
        Some(token) => Ok(begin(&visit, &token, &to)),
        None => {
            // The same words whatever was wrong: nobody learns here who has an account.
            let page = sign_in_page(&visit, &to, Some("sign-in-wrong"));
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Holds back whoever tries again and again: from one network, for one account, and both together.
fn brake(visit: &Visit, account: &str) -> Result<(), Problem> {
    let (floods, now) = (&visit.app.floods, visit.app.clock.steady());
    let network = entry::network(&visit.app, visit.peer, &visit.headers);
    let account = account.trim().to_lowercase();
    let both = [network.as_slice(), account.as_bytes()].concat();
    let taken = floods
        .sign_ins
        .take(&network, now)
        .and_then(|()| floods.sign_ins_here.take(&both, now))
        .and_then(|()| floods.sign_ins_everywhere.take(account.as_bytes(), now));
    taken.map_err(slow_down)
}

fn failed(error: AccountError) -> Problem {
    match error {
        AccountError::Busy => Problem::try_again("busy", "too many people sign in at once", 5),
        AccountError::Store(error) => error.into(),
    }
}

fn begin(visit: &Visit, token: &Secret<String>, to: &str) -> Response {
    let mut response = see_other(&format!("{}{to}", visit.look.base));
    response.headers_mut().insert(header::SET_COOKIE, session_cookie(&visit.app, token.expose()));
    response
}

/// `POST /sign-out`
pub(super) async fn sign_out(visit: Visit) -> Result<Response, Problem> {
    if let Some(token) = entry::session(&visit.app, &visit.headers) {
        visit.app.accounts.sign_out(token).await?;
    }
    let mut response = see_other(&format!("{}/sign-in?done=signed-out", visit.look.base));
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, session_cookie(&visit.app, ""));
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// `GET /first/{token}`
pub(super) async fn show_first(visit: Visit) -> Result<Response, Problem> {
    let user = invited(&visit).await?;
    Ok(html(StatusCode::OK, &first_page(&visit, &user, None)))
}

async fn invited(visit: &Visit) -> Result<PortalUser, Problem> {
    visit.app.accounts.link(visit.place("token")).await?.ok_or_else(|| {
        let fix = "ask for a new one: `leadwire user link`; with nobody signed in yet, the start of the service prints one";
        Problem::new(StatusCode::NOT_FOUND, "link_over", "this link was used, has ended, or is not whole", fix)
    })
}

fn first_page(visit: &Visit, user: &PortalUser, error: Option<&str>) -> FirstPage {
    let is_email_set = !user.email.is_empty();
    let filled = |name: &str, known: &str| {
        if visit.field(name).is_empty() { known.to_owned() } else { visit.field(name).to_owned() }
    };
    FirstPage {
        shell: Shell::bare(&visit.look, "first-title", visit.here()),
        token: visit.place("token").to_owned(),
        email: if is_email_set { user.email.clone() } else { filled("email", "") },
        name: filled("name", if user.name == user.email { "" } else { &user.name }),
        is_email_set,
        error: error.map(|it| visit.look_say(it)),
    }
}

/// `POST /first/{token}`
pub(super) async fn choose(visit: Visit) -> Result<Response, Problem> {
    let user = invited(&visit).await?;
    brake(&visit, visit.place("token"))?;
    // Whoever was invited at one address does not come in under another.
    let email = if user.email.is_empty() { visit.field("email") } else { &user.email }.to_owned();
    let name = visit.field("name").trim().to_owned();
    let passwords = (visit.field("password"), visit.field("again"));
    if let Some(mistake) = accounts::mistake(&email, &name, passwords) {
        let page = first_page(&visit, &user, Some(said(mistake)));
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let email = accounts::email(&email).expect("it has just been looked at");
    let password = Secret::new(passwords.0.to_owned());
    let chosen = visit.app.accounts.choose(visit.place("token"), (email, name), password).await;
    match chosen.map_err(failed)? {
        Some(token) => Ok(begin(&visit, &token, "/")),
        None => {
            let page = first_page(&visit, &user, Some("mistake-taken"));
            Ok(html(StatusCode::CONFLICT, &page))
        }
    }
}

fn said(mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::Email => "mistake-email",
        Mistake::Name => "mistake-name",
        Mistake::Short => "mistake-short",
        Mistake::Long => "mistake-long",
        Mistake::Guessable => "mistake-guessable",
        Mistake::Differs => "mistake-differs",
    }
}

/// `POST /look`
pub(super) async fn set_look(visit: Visit) -> Result<Response, Problem> {
    let language = Language::parse(visit.field("language")).unwrap_or(visit.look.language);
    let theme = THEMES.into_iter().find(|it| *it == visit.field("theme")).unwrap_or(visit.look.theme);
    let mut response = see_other(&format!("{}{}", visit.look.base, next(visit.field("back"))));
    let secure = if entry::is_secure(&visit.app) { "; Secure" } else { "" };
    let value = format!("{}.{theme}", language.code());
    let cookie = format!("{LOOK_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("codes are ASCII");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_after_signing_in() {
        assert_eq!(next("/leads?email=a"), "/leads?email=a");
        assert_eq!([next("//evil.example"), next("https://evil.example"), next("")], ["/"; 3]);
    }
}
