//! Signing in and out, choosing a password by a link, and how pages look.

use super::entry::{self, Kept, slow_down, token_cookie};
use super::guest;
use super::shell::{LOOK_COOKIE, Look, Shell, THEMES};
use super::visit::{Visit, html, own_path, see_other};
use crate::accounts::{self, AccountError, Entered, Finished, Mistake};
use crate::api::Problem;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use leadwire_connect::oidc::ProviderSettings;
use leadwire_core::language::Language;
use leadwire_core::secret::Secret;
use leadwire_store::users::PortalUser;
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
pub(super) struct SignInPage {
    pub(super) shell: Shell,
    email: String,
    next: String,
    /// Providers, by what they are called, and the way to each.
    providers: Vec<(String, String)>,
    /// Whether they alone sign people in, but for some operators.
    alone: bool,
    pub(super) error: Option<String>,
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

#[derive(Template)]
#[template(path = "portal/code.html")]
struct CodePage {
    shell: Shell,
    next: String,
    error: Option<String>,
}

pub(super) fn next(text: &str) -> &str {
    own_path(text).unwrap_or("/")
}

/// `GET /sign-in`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    if visit.user.is_some() {
        return Ok(see_other(&format!("{}{}", visit.look.base, next(visit.asked("next")))));
    }
    Ok(html(StatusCode::OK, &sign_in_page(&visit, visit.asked("next"), None)))
}

pub(super) fn sign_in_page(visit: &Visit, to: &str, error: Option<&str>) -> SignInPage {
    let shell = Shell::of(visit, "sign-in-title");
    let wanted = form_urlencoded::byte_serialize(next(to).as_bytes()).collect::<String>();
    let wanted = if next(to) == "/" { String::new() } else { format!("?next={wanted}") };
    let way = |it: &ProviderSettings| {
        (it.title.clone(), format!("{}/sign-in/with/{}{wanted}", visit.look.base, it.name))
    };
    SignInPage {
        providers: visit.app.accounts.providers().map(way).collect(),
        alone: visit.app.accounts.is_by_providers_alone(),
        error: error.map(|it| visit.look_say(it)),
        email: visit.field("email").to_owned(),
        next: next(to).to_owned(),
        shell,
    }
}

impl Visit {
    pub(super) fn look_say(&self, key: &str) -> String {
        super::words::say(self.look.language, key, &[])
    }
}

/// `POST /sign-in`
pub(super) async fn sign_in(visit: Visit) -> Result<Response, Problem> {
    brake(&visit, visit.field("email"))?;
    let to = next(visit.field("next")).to_owned();
    let password = Secret::new(visit.field("password").to_owned());
    let signed_in = visit.app.accounts.sign_in(visit.field("email"), password, visit.device()).await;
    match signed_in.map_err(failed)? {
        Some(entered) => Ok(go_on(&visit, entered, &to)),
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

pub(super) fn failed(error: AccountError) -> Problem {
    match error {
        AccountError::Busy => Problem::try_again("busy", "too many people sign in at once", 5),
        AccountError::Store(error) => error.into(),
    }
}

/// On to where somebody wanted to go, or to their code.
pub(super) fn go_on(visit: &Visit, entered: Entered, to: &str) -> Response {
    match entered {
        Entered::In(token, user) => begin(visit, (&token, &user), to),
        Entered::Half(token) => {
            let wanted = form_urlencoded::byte_serialize(to.as_bytes()).collect::<String>();
            let wanted = if to == "/" { String::new() } else { format!("?next={wanted}") };
            let mut response = see_other(&format!("{}/sign-in/code{wanted}", visit.look.base));
            let cookie = token_cookie(&visit.app, Kept::Half, token.expose());
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
    }
}

fn begin(visit: &Visit, (token, user): (&Secret<String>, &PortalUser), to: &str) -> Response {
    let mut response = see_other(&format!("{}{to}", visit.look.base));
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, token_cookie(&visit.app, Kept::Session, token.expose()));
    headers.append(header::SET_COOKIE, token_cookie(&visit.app, Kept::Half, ""));
    // Pages speak the language that their reader chose, on every machine.
    if let Some(language) = Language::parse(&user.language) {
        headers.append(header::SET_COOKIE, look_cookie(visit, &Look { language, ..visit.look.clone() }));
    }
    response
}

/// `GET /sign-in/code`
pub(super) async fn show_code(visit: Visit) -> Result<Response, Problem> {
    match visit.app.accounts.waiting(entry::half(&visit.app, &visit.headers)).await? {
        Some(_) => Ok(html(StatusCode::OK, &code_page(&visit, visit.asked("next"), None))),
        None => Ok(see_other(&format!("{}/sign-in", visit.look.base))),
    }
}

fn code_page(visit: &Visit, to: &str, error: Option<&str>) -> CodePage {
    let shell = Shell::bare(&visit.look, "code-title", visit.here());
    CodePage { shell, next: next(to).to_owned(), error: error.map(|it| visit.look_say(it)) }
}

/// `POST /sign-in/code`
pub(super) async fn finish(visit: Visit) -> Result<Response, Problem> {
    let half = entry::half(&visit.app, &visit.headers).to_owned();
    let to = next(visit.field("next")).to_owned();
    let Some(user) = visit.app.accounts.waiting(&half).await? else {
        return Ok(see_other(&format!("{}/sign-in?done=code-over", visit.look.base)));
    };
    let floods = &visit.app.floods;
    floods.codes.take(user.id.to_string().as_bytes(), visit.app.clock.steady()).map_err(slow_down)?;
    match visit.app.accounts.finish(&half, visit.field("code"), visit.device()).await? {
        Finished::In(token, user) => Ok(begin(&visit, (&token, &user), &to)),
        Finished::Over => Ok(see_other(&format!("{}/sign-in?done=code-over", visit.look.base))),
        Finished::Wrong => {
            let page = code_page(&visit, &to, Some("code-wrong"));
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// `POST /sign-out`
pub(super) async fn sign_out(visit: Visit) -> Result<Response, Problem> {
    if visit.user().guest.is_some() {
        if let Some(token) = entry::guest_token(&visit.app, &visit.headers) {
            visit.app.accounts.guest_leaves(token).await?;
        }
        return Ok(guest::closed(&visit.app, &visit.look));
    }
    if let Some(token) = entry::session(&visit.app, &visit.headers) {
        visit.app.accounts.sign_out(token).await?;
    }
    let mut response = see_other(&format!("{}/sign-in?done=signed-out", visit.look.base));
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, token_cookie(&visit.app, Kept::Session, ""));
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// `GET /first/{token}`
pub(super) async fn show_first(visit: Visit) -> Result<Response, Problem> {
    let user = invited(&visit).await?;
    if !visit.app.accounts.may_have_password(&user) {
        return Ok(see_other(&format!("{}/sign-in?done=use-provider", visit.look.base)));
    }
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
    if !visit.app.accounts.may_have_password(&user) {
        return Ok(see_other(&format!("{}/sign-in?done=use-provider", visit.look.base)));
    }
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
    let chosen =
        visit.app.accounts.choose(visit.place("token"), (email, name), password, visit.device()).await;
    match chosen.map_err(failed)? {
        Some(entered) => Ok(go_on(&visit, entered, "/")),
        None => {
            let page = first_page(&visit, &user, Some("mistake-taken"));
            Ok(html(StatusCode::CONFLICT, &page))
        }
    }
}

pub(super) fn said(mistake: Mistake) -> &'static str {
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
    let in_utc = match visit.field("zone") {
        "" => visit.look.in_utc,
        it => it == "utc",
    };
    let look = Look { language, theme, in_utc, ..visit.look.clone() };
    let mut response = see_other(&format!("{}{}", visit.look.base, next(visit.field("back"))));
    response.headers_mut().insert(header::SET_COOKIE, look_cookie(&visit, &look));
    Ok(response)
}

/// The cookie that keeps how pages look.
pub(super) fn look_cookie(visit: &Visit, look: &Look) -> HeaderValue {
    // Whoever comes by a link is no user, and may be in a frame.
    let is_guests =
        visit.user.as_ref().map_or(visit.address.path().starts_with("/enter/"), |it| it.guest.is_some());
    let bound = entry::bound(&visit.app, is_guests);
    let cookie = format!("{LOOK_COOKIE}={}; Path=/; HttpOnly; Max-Age=31536000; {bound}", look.kept());
    HeaderValue::try_from(cookie).expect("codes are ASCII")
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
