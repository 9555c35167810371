//! People who sign in: adding and removing them, and links by which they choose a password.

use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Role;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/users.html")]
struct UsersPage {
    shell: Shell,
    rows: Vec<wire::User>,
    roles: Vec<&'static str>,
    own: String,
    made: Option<wire::User>,
    /// Where whoever is invited signs in without a password; none: they choose one.
    sign_in_at: Option<String>,
    /// Whether links can be sent by e-mail.
    can_mail: bool,
}

/// `GET /users`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&page(&visit, None).await?))
}

async fn page(visit: &Visit, made: Option<wire::User>) -> Result<UsersPage, Problem> {
    // An operator sees everybody: those of the publisher that is shown, and of all others.
    let all: wire::Users = visit.ask_all(Wish::get("/v1/users")).await?;
    let is_operator = visit.user().actor.role == Role::Operator;
    let roles =
        Role::ALL.into_iter().filter(|it| *it != Role::Sender && (is_operator || *it != Role::Operator));
    Ok(UsersPage {
        shell: visit.shell("users-title"),
        rows: all.items,
        roles: roles.map(Role::as_str).collect(),
        own: visit.user().user.id.to_string(),
        sign_in_at: made
            .as_ref()
            .filter(|it| is_by_provider(visit, it))
            .map(|_| format!("{}/sign-in", visit.app.public_url())),
        made,
        can_mail: all.can_mail,
    })
}

/// Whether somebody signs in by a provider alone: then a link for choosing a password leads nowhere.
fn is_by_provider(visit: &Visit, it: &wire::User) -> bool {
    let operators = &visit.app.config.portal.password_operators;
    let keeps_one = it.role == Role::Operator.as_str() && operators.contains(&it.email);
    visit.app.accounts.is_by_providers_alone() && !keeps_one
}

/// `POST /users`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let role = visit.field("role");
    let new = json!({ "email": visit.field("email"), "name": visit.field("name"), "role": role,
        "mail": visit.field("mail") == "yes", "language": visit.look.language.code() });
    let wish = Wish::post("/v1/users").body(new);
    // An operator belongs to no publisher, everybody else to the one that is shown.
    let made: wire::User = match role == Role::Operator.as_str() {
        true => visit.ask_all(wish).await?,
        false => visit.ask(wish).await?,
    };
    Ok(html(StatusCode::CREATED, &page(&visit, Some(made)).await?))
}

/// `POST /users/{user}/link`
pub(super) async fn renew_link(visit: Visit) -> Result<Response, Problem> {
    let places = [("user", visit.place("user"))];
    let made: wire::User = visit.ask_all(Wish::post("/v1/users/{user}/link").at(&places)).await?;
    Ok(html(StatusCode::OK, &page(&visit, Some(made)).await?))
}

/// `POST /users/{user}/letter`
pub(super) async fn send_letter(visit: Visit) -> Result<Response, Problem> {
    let places = [("user", visit.place("user"))];
    let wish = json!({ "language": visit.look.language.code() });
    let _: wire::User = visit.ask_all(Wish::post("/v1/users/{user}/letter").at(&places).body(wish)).await?;
    Ok(visit.done("/users", "letter-asked"))
}

/// `POST /users/{user}/remove`
pub(super) async fn remove(visit: Visit) -> Result<Response, Problem> {
    let places = [("user", visit.place("user"))];
    let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/users/{user}") };
    let _: Value = visit.ask_all(wish.at(&places)).await?;
    Ok(visit.done("/users", "removed"))
}

/// `POST /users/{user}/remove-factor`
pub(super) async fn remove_factor(visit: Visit) -> Result<Response, Problem> {
    let places = [("user", visit.place("user"))];
    let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/users/{user}/second-factor") };
    let _: Value = visit.ask_all(wish.at(&places)).await?;
    Ok(visit.done("/users", "factor-removed"))
}

/// `POST /users/{user}/unbind`
pub(super) async fn unbind(visit: Visit) -> Result<Response, Problem> {
    let places = [("user", visit.place("user"))];
    let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/users/{user}/company-account") };
    let _: Value = visit.ask_all(wish.at(&places)).await?;
    Ok(visit.done("/users", "unbound"))
}
