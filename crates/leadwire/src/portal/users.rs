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
}

/// `GET /users`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&page(&visit, None).await?))
}

async fn page(visit: &Visit, made: Option<wire::User>) -> Result<UsersPage, Problem> {
    // An operator sees everybody: those of the publisher that is shown, and of all others.
    let all: wire::List<wire::User> = visit.ask_all(Wish::get("/v1/users")).await?;
    let is_operator = visit.user().actor.role == Role::Operator;
    let roles =
        Role::ALL.into_iter().filter(|it| *it != Role::Sender && (is_operator || *it != Role::Operator));
    Ok(UsersPage {
        shell: visit.shell("users-title"),
        rows: all.items,
        roles: roles.map(Role::as_str).collect(),
        own: visit.user().user.id.to_string(),
        made,
    })
}

/// `POST /users`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let role = visit.field("role");
    let new = json!({ "email": visit.field("email"), "name": visit.field("name"), "role": role });
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
