//! Endpoints of people who sign in to the portal.

use super::answer;
use super::call::Call;
use super::letters;
use super::problem::Problem;
use super::wire::{self, moment};
use crate::access::Role;
use crate::accounts;
use crate::clock;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::UserId;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_store::audit::Deed;
use leadwire_store::users::PortalUser;
use std::collections::{HashMap, HashSet};

/// `GET /v1/users`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let users = call.app.store.users(call.publisher.clone(), limits::USERS_MAX).await?;
    let with_factor: HashSet<UserId> =
        call.app.store.factor_owners(call.publisher.clone()).await?.into_iter().collect();
    let mut issuers: HashMap<UserId, String> = call
        .app
        .store
        .bonds(call.publisher.clone())
        .await?
        .into_iter()
        .map(|it| (it.0, it.1.issuer))
        .collect();
    let all = call.app.store.letters(call.publisher.clone(), limits::USERS_MAX).await?;
    let letter = |user: UserId| all.iter().find(|it| it.user == user).map(letters::shape);
    let items = users.iter().map(|it| {
        let known = Known { has_factor: with_factor.contains(&it.id), issuer: issuers.remove(&it.id) };
        wire::User { letter: letter(it.id), ..shape(&call, it, known, None) }
    });
    let items = items.collect();
    let can_mail = call.app.letters.can_send(call.publisher.as_ref()).await?;
    Ok(answer::json(StatusCode::OK, &wire::Users { items, can_mail }))
}

/// `POST /v1/users`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewUser = call.json()?;
    let role = Role::parse(&new.role).filter(|it| *it != Role::Sender).ok_or_else(|| {
        let fix = "use operator, publisher, member or reader";
        Refusal::new("/role", "unknown_role", "there is no such role of users", fix)
    })?;
    // Nobody gives more than they have: only the operator's have no publisher.
    if (role == Role::Operator) != call.publisher.is_none() {
        return Err(Refusal::new(
            "/role",
            "role_and_publisher",
            "an operator has no publisher, and every other user has one",
            "name the publisher for every role but operator: `?publisher=` in the API, `--publisher` on the command line",
        )
        .into());
    }
    let email = accounts::email(&new.email).ok_or_else(|| {
        Refusal::new("/email", "bad_email", "this is no e-mail address", "write it as name@example.com")
    })?;
    let name = new.name.as_deref().map(str::trim).filter(|it| !it.is_empty()).unwrap_or(&email).to_owned();
    if name.len() > limits::USER_NAME_BYTES_MAX {
        let fix = format!("keep it below {} bytes", limits::USER_NAME_BYTES_MAX);
        return Err(Refusal::new("/name", "too_long", "this name is too long", fix).into());
    }
    let language = letters::language(new.language.as_deref())?;
    if new.mail {
        letters::must_work(&call, call.publisher.as_ref()).await?;
    }
    let (token, link) = call.app.accounts.new_link();
    let user = PortalUser {
        publisher: call.publisher.clone(),
        id: UserId::new(clock::random_bits()),
        email,
        name,
        role: role.as_str().to_owned(),
        password: String::new(),
        link_ends_at: Some(link.ends_at),
        created_at: call.app.clock.wall(),
        signed_in_at: None,
        language: String::new(),
    };
    Deed::about(&user.id.to_string());
    if !call.app.store.add_user(user.clone(), link).await? {
        let fix = "use another address, or make the user who has it a new link";
        let taken = Refusal::new("/email", "taken", "a user has this e-mail address already", fix);
        return Err(Problem::from(taken).with_status(StatusCode::CONFLICT));
    }
    if new.mail {
        // The link of the letter is made when it is sent, and this one is nobody's.
        let added = shape(&call, &user, Known::default(), None);
        let letter = Some(letters::wished(&call, &user, language).await?);
        return Ok(answer::json(StatusCode::CREATED, &wire::User { letter, ..added }));
    }
    Ok(answer::json(StatusCode::CREATED, &shape(&call, &user, Known::default(), Some(token))))
}

/// `POST /v1/users/{user}/link`
pub(super) async fn renew_link(call: Call) -> Result<Response, Problem> {
    let user = find(&call).await?;
    let (token, link) = call.app.accounts.new_link();
    if !call.app.store.renew_link(user.publisher.clone(), user.id, link).await? {
        return Err(Problem::not_found());
    }
    let user = PortalUser { link_ends_at: Some(link.ends_at), ..user };
    let whose = (user.publisher.clone(), user.id);
    let factor = call.app.store.factor(whose.clone()).await?;
    let issuer = call.app.store.bond(whose).await?.map(|it| it.issuer);
    let known = Known { has_factor: factor.is_some_and(|it| it.is_confirmed), issuer };
    Ok(answer::json(StatusCode::OK, &shape(&call, &user, known, Some(token))))
}

/// `DELETE /v1/users/{user}`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let user = find(&call).await?;
    if !call.app.store.remove_user(user.publisher, user.id).await? {
        return Err(Problem::not_found());
    }
    Ok(answer::empty())
}

/// `DELETE /v1/users/{user}/second-factor`
pub(super) async fn remove_factor(call: Call) -> Result<Response, Problem> {
    let user = find(&call).await?;
    if !call.app.store.remove_factor((user.publisher, user.id)).await? {
        return Err(Problem::not_found());
    }
    Ok(answer::empty())
}

/// `DELETE /v1/users/{user}/company-account`
pub(super) async fn remove_bond(call: Call) -> Result<Response, Problem> {
    let user = find(&call).await?;
    if !call.app.store.remove_bond((user.publisher, user.id)).await? {
        return Err(Problem::not_found());
    }
    Ok(answer::empty())
}

/// The user of the path, when they are for this actor to know: an operator who names nobody sees all.
pub(super) async fn find(call: &Call) -> Result<PortalUser, Problem> {
    let id = UserId::parse(call.path("user")).map_err(|_| Problem::not_found())?;
    let users = call.app.store.users(call.publisher.clone(), limits::USERS_MAX).await?;
    users.into_iter().find(|it| it.id == id).ok_or_else(Problem::not_found)
}

/// How somebody signs in, beside their password.
#[derive(Default)]
pub(super) struct Known {
    pub(super) has_factor: bool,
    pub(super) issuer: Option<String>,
}

pub(super) fn shape(call: &Call, it: &PortalUser, known: Known, token: Option<Secret<String>>) -> wire::User {
    let link = token.map(|it| format!("{}/first/{}", call.app.public_url(), it.expose()));
    wire::User {
        id: it.id.to_string(),
        email: it.email.clone(),
        name: it.name.clone(),
        role: it.role.clone(),
        publisher: it.publisher.as_ref().map(ToString::to_string),
        can_sign_in: !it.password.is_empty() || known.issuer.is_some(),
        company_account: known.issuer,
        second_factor: known.has_factor,
        created_at: moment(it.created_at),
        signed_in_at: it.signed_in_at.map(moment),
        link,
        link_ends_at: it.link_ends_at.map(moment),
        letter: None,
    }
}
