//! My account: name and language, password, second factor, and where one is signed in.

use super::entry::{self, Kept, slow_down, token_cookie};
use super::qr::{self, Picture};
use super::shell::{Look, Shell};
use super::sign_in::{failed, look_cookie, said};
use super::visit::{Visit, html, see_other};
use crate::accounts::{self, Confirmed, Proposal};
use crate::api::{Problem, wire};
use crate::secrets;
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use leadwire_core::device::Device;
use leadwire_core::hex;
use leadwire_core::language::Language;
use leadwire_core::secret::Secret;
use leadwire_store::sessions::Place;

#[derive(Template)]
#[template(path = "portal/account.html")]
struct AccountPage {
    shell: Shell,
    email: String,
    name: String,
    language: String,
    has_factor: bool,
    /// Whether they sign in with a password.
    has_password: bool,
    /// The provider by whose account they sign in, and since when.
    bond: Option<(String, String)>,
    /// The operator asks for a second factor, and there is none yet.
    must: bool,
    recovery_left: u64,
    places: Vec<PlaceRow>,
    /// Which form was wrong, and how.
    wrong: Option<(&'static str, String)>,
}

struct PlaceRow {
    /// A name for it in forms.
    id: String,
    device: String,
    begun_at: String,
    seen_at: String,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "portal/account_factor.html")]
struct FactorPage {
    shell: Shell,
    picture: Option<Picture>,
    key: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/account_codes.html")]
struct CodesPage {
    shell: Shell,
    codes: Vec<String>,
}

impl AccountPage {
    /// What is wrong with one of the forms.
    fn wrong_in(&self, form: &str) -> Option<&String> {
        self.wrong.as_ref().filter(|it| it.0 == form).map(|it| &it.1)
    }
}

/// `GET /account`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&page(&visit, None).await?))
}

async fn page(visit: &Visit, wrong: Option<(&'static str, &str)>) -> Result<AccountPage, Problem> {
    let (user, accounts) = (visit.user(), &visit.app.accounts);
    let shell = visit.shell("account-title").at("/account");
    let places = accounts.places(user).await?.into_iter().map(|it| PlaceRow {
        id: name_of(&it),
        device: device(&shell, Device::parse(&it.device)),
        begun_at: wire::moment(it.begun_at),
        seen_at: wire::moment(it.seen_at),
        is_here: it.hash == user.session,
    });
    let bond = accounts.bond(user).await?.map(|it| {
        let provider = accounts.providers().find(|known| known.issuer == it.issuer);
        (provider.map_or(it.issuer, |known| known.title.clone()), wire::moment(it.bound_at))
    });
    let left = accounts.recovery_left(user).await?;
    Ok(AccountPage {
        has_password: accounts.has_password(&user.user),
        bond,
        email: user.user.email.clone(),
        name: user.user.name.clone(),
        language: Language::parse(&user.user.language).map_or("", Language::code).to_owned(),
        has_factor: user.has_factor,
        must: entry::lacks_factor(&visit.app, user),
        recovery_left: left as u64,
        places: places.collect(),
        wrong: wrong.map(|(form, key)| (form, visit.look_say(key))),
        shell,
    })
}

/// What a place is called in forms: a part of a hash of a hash, by which nothing is found but among its user's own.
fn name_of(it: &Place) -> String {
    hex::encode(&secrets::short_hash(&[b"place", &it.hash]))
}

/// On what somebody is signed in, in words.
fn device(shell: &Shell, it: Device) -> String {
    match (it.browser, it.system) {
        (Some(browser), Some(system)) => shell.say_of("device", browser, system),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => shell.say("device-unknown"),
    }
}

/// `POST /account/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    match visit.place("deed") {
        "me" => describe(&visit).await,
        "password" => change_password(&visit).await,
        "factor" => propose(&visit).await,
        "confirm" => confirm(&visit).await,
        "codes" => renew_codes(&visit).await,
        "remove-factor" => remove_factor(&visit).await,
        "sign-out-there" => sign_out_there(&visit).await,
        "sign-out-others" => {
            visit.app.accounts.sign_out_others(visit.user()).await?;
            Ok(done(&visit, "others-out"))
        }
        _ => Err(Problem::not_found()),
    }
}

fn done(visit: &Visit, said: &str) -> Response {
    see_other(&format!("{}/account?done={said}", visit.look.base))
}

async fn sign_out_there(visit: &Visit) -> Result<Response, Problem> {
    let (user, accounts) = (visit.user(), &visit.app.accounts);
    let all = accounts.places(user).await?;
    // The place where one is has a button of its own.
    let named = all.iter().find(|it| name_of(it) == visit.field("place") && it.hash != user.session);
    if let Some(place) = named {
        accounts.sign_out_there(user, place.hash).await?;
    }
    Ok(done(visit, "there-out"))
}

async fn refused(visit: &Visit, form: &'static str, key: &str) -> Result<Response, Problem> {
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page(visit, Some((form, key))).await?))
}

async fn describe(visit: &Visit) -> Result<Response, Problem> {
    let name = visit.field("name").trim();
    if !accounts::is_name(name) {
        return refused(visit, "me", "mistake-name").await;
    }
    let language = Language::parse(visit.field("language"));
    let code = language.map_or("", Language::code).to_owned();
    visit.app.accounts.describe(visit.user(), name.to_owned(), code).await?;
    let mut response = done(visit, "saved");
    if let Some(language) = language {
        let cookie = look_cookie(visit, &Look { language, ..visit.look.clone() });
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Whether the password that was typed is the user's. Whoever has found an open browser does not try many.
async fn is_password_right(visit: &Visit) -> Result<bool, Problem> {
    let user = visit.user();
    if !visit.app.accounts.has_password(&user.user) {
        // They have shown who they are otherwise: the way in to these forms asks for it.
        return Ok(visit.app.accounts.is_known(user));
    }
    let measure = format!("password {}", user.user.id);
    visit.app.floods.codes.take(measure.as_bytes(), visit.app.clock.steady()).map_err(slow_down)?;
    let typed = Secret::new(visit.field("current").to_owned());
    visit.app.accounts.knows_password(user, typed).await.map_err(failed)
}

async fn change_password(visit: &Visit) -> Result<Response, Problem> {
    if !visit.app.accounts.has_password(&visit.user().user) {
        return Err(Problem::not_found());
    }
    if !is_password_right(visit).await? {
        return refused(visit, "password", "current-wrong").await;
    }
    let user = visit.user();
    let passwords = (visit.field("password"), visit.field("again"));
    if let Some(mistake) = accounts::password_mistake((&user.user.email, &user.user.name), passwords) {
        return refused(visit, "password", said(mistake)).await;
    }
    let password = Secret::new(passwords.0.to_owned());
    match visit.app.accounts.change_password(user, password).await.map_err(failed)? {
        Some(token) => {
            let mut response = done(visit, "password-changed");
            let cookie = token_cookie(&visit.app, Kept::Session, token.expose());
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        None => refused(visit, "password", "current-wrong").await,
    }
}

async fn propose(visit: &Visit) -> Result<Response, Problem> {
    if !is_password_right(visit).await? {
        return refused(visit, "factor", "current-wrong").await;
    }
    match visit.app.accounts.propose_factor(visit.user()).await? {
        Some(proposal) => Ok(html(StatusCode::OK, &factor_page(visit, &proposal, None))),
        None => Ok(done(visit, "factor-there")),
    }
}

fn factor_page(visit: &Visit, proposal: &Proposal, error: Option<&str>) -> FactorPage {
    FactorPage {
        shell: visit.shell("factor-title").at("/account"),
        picture: qr::draw(proposal.address.expose()),
        key: proposal.key.expose().clone(),
        error: error.map(|it| visit.look_say(it)),
    }
}

async fn confirm(visit: &Visit) -> Result<Response, Problem> {
    let (user, accounts) = (visit.user(), &visit.app.accounts);
    match accounts.confirm_factor(user, visit.field("code")).await? {
        Confirmed::Yes(codes) => Ok(codes_page(visit, &codes)),
        Confirmed::Nothing => Ok(done(visit, "factor-over")),
        Confirmed::Wrong => match accounts.proposal(user).await? {
            Some(proposal) => {
                let page = factor_page(visit, &proposal, Some("code-wrong"));
                Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page))
            }
            None => Ok(done(visit, "factor-over")),
        },
    }
}

fn codes_page(visit: &Visit, codes: &[Secret<String>]) -> Response {
    let codes = codes.iter().map(|it| it.expose().clone()).collect();
    html(StatusCode::OK, &CodesPage { shell: visit.shell("codes-title").at("/account"), codes })
}

async fn renew_codes(visit: &Visit) -> Result<Response, Problem> {
    if !is_password_right(visit).await? {
        return refused(visit, "codes", "current-wrong").await;
    }
    match visit.app.accounts.renew_recovery(visit.user()).await? {
        Some(codes) => Ok(codes_page(visit, &codes)),
        None => Ok(done(visit, "factor-over")),
    }
}

async fn remove_factor(visit: &Visit) -> Result<Response, Problem> {
    if !is_password_right(visit).await? {
        return refused(visit, "remove", "current-wrong").await;
    }
    visit.app.accounts.remove_factor(visit.user()).await?;
    Ok(done(visit, "factor-removed"))
}
