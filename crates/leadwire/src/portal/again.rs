//! Asks again who it is, before what would help a thief of a session: what was typed is kept meanwhile, in the page that asks.

use super::Page;
use super::entry::slow_down;
use super::shell::Shell;
use super::sign_in::failed;
use super::visit::{Visit, html};
use crate::accounts::{Shown, SignedIn};
use crate::api::Problem;
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_core::secret::Secret;

/// Forms that ask again: those of people, keys, destinations with their secrets, and all leads at once.
const GUARDED: [&str; 11] = [
    "/users",
    "/users/{user}/link",
    "/users/{user}/letter",
    "/users/{user}/remove",
    "/users/{user}/remove-factor",
    "/users/{user}/unbind",
    "/settings/keys",
    "/settings/keys/{key}/revoke",
    "/connect/{kind}",
    "/leads/csv",
    "/destinations/{destination}/edit",
];
/// What stands in the form that asks.
const OWN: [&str; 3] = ["again_sent", "again_password", "again_code"];

#[derive(Template)]
#[template(path = "portal/again.html")]
struct AgainPage {
    shell: Shell,
    /// Where the form was going.
    action: String,
    /// What was typed, and what its page put into it.
    fields: Vec<(String, String)>,
    has_password: bool,
    has_factor: bool,
    /// The user's provider, and the way to it.
    provider: Option<(String, String)>,
    error: Option<String>,
}

/// Lets a form through to its page, once it is sure who sent it.
pub(super) async fn hold(page: &'static Page, mut visit: Visit) -> Result<Response, Problem> {
    if page.method == Method::POST && is_guarded(page.path, &visit) {
        // A guest has nothing to show again, and does none of this.
        if visit.user().guest.is_some() {
            return Err(Problem::forbidden());
        }
        if let Some(asked) = ask(&visit).await? {
            return Ok(asked);
        }
        visit.form.retain(|name, _| !OWN.contains(&name.as_str()));
    }
    (page.handler)(visit).await
}

fn is_guarded(path: &str, visit: &Visit) -> bool {
    let deed = visit.place("deed");
    match path {
        "/leads/{lead}/{deed}" => deed == "erase",
        // Whoever has a password says it there anyway.
        "/account/{deed}" => {
            let is_own = visit.user.as_ref().is_some_and(|it| !visit.app.accounts.has_password(&it.user));
            is_own && ["factor", "codes", "remove-factor"].contains(&deed)
        }
        other => GUARDED.contains(&other),
    }
}

/// The page that asks; none when it is sure who sent the form.
async fn ask(visit: &Visit) -> Result<Option<Response>, Problem> {
    let (user, accounts) = (visit.user(), &visit.app.accounts);
    if accounts.is_known(user) {
        return Ok(None);
    }
    let (password, code) = (visit.field("again_password"), visit.field("again_code"));
    let shown = match (password, code) {
        ("", "") => None,
        ("", code) => Some(Shown::Code(Secret::new(code.to_owned()))),
        (password, _) => Some(Shown::Password(Secret::new(password.to_owned()))),
    };
    let wrong = match shown {
        None => (visit.field("again_sent") == "yes").then_some("again-not-yet"),
        Some(shown) => {
            // The measure of the account's own page: nobody tries more because there are two places.
            let measure = format!("password {}", user.user.id);
            visit.app.floods.codes.take(measure.as_bytes(), visit.app.clock.steady()).map_err(slow_down)?;
            match accounts.show_again(user, shown).await.map_err(failed)? {
                true => return Ok(None),
                false => Some("again-wrong"),
            }
        }
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Some(html(status, &page(visit, user, wrong).await?)))
}

async fn page(visit: &Visit, user: &SignedIn, wrong: Option<&str>) -> Result<AgainPage, Problem> {
    let accounts = &visit.app.accounts;
    let bond = accounts.bond(user).await?;
    let provider = bond.and_then(|bond| accounts.providers().find(|it| it.issuer == bond.issuer));
    let mut fields: Vec<(String, String)> = visit.form.clone().into_iter().collect();
    fields.retain(|it| !OWN.contains(&it.0.as_str()));
    fields.sort_unstable();
    let mut shell = visit.shell("again-title");
    // What is behind the form can be had by a key; what asks here cannot.
    (shell.calls, shell.tabs) = (None, Vec::new());
    let address = visit.address.path_and_query().map_or("/", |it| it.as_str());
    Ok(AgainPage {
        action: format!("{}{address}", shell.look.base),
        fields,
        has_password: accounts.has_password(&user.user),
        has_factor: user.has_factor,
        provider: provider
            .map(|it| (it.title.clone(), format!("{}/account/again/{}", shell.look.base, it.name))),
        error: wrong.map(|it| shell.say(it)),
        shell,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::PAGES;

    #[test]
    fn every_form_of_people_and_keys_asks_again() {
        let forms: Vec<&str> =
            PAGES.iter().filter(|it| it.method == Method::POST).map(|it| it.path).collect();
        assert!(GUARDED.iter().all(|it| forms.contains(it)), "a form has another address");
        let of_people =
            forms.iter().filter(|it| it.starts_with("/users") || it.starts_with("/settings/keys"));
        let open: Vec<_> = of_people.filter(|it| !GUARDED.contains(it)).collect();
        assert!(open.is_empty(), "{open:?}");
    }
}
