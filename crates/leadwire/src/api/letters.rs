//! Letters to people who sign in: the wish for one, and how it stands.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::users;
use super::wire::{self, moment};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::PublisherId;
use leadwire_core::language::Language;
use leadwire_core::refusal::Refusal;
use leadwire_store::letters::Letter;
use leadwire_store::users::PortalUser;

/// `POST /v1/users/{user}/letter`
pub(super) async fn send(call: Call) -> Result<Response, Problem> {
    let user = users::find(&call).await?;
    let wish: wire::LetterWish = if call.body.is_empty() { Default::default() } else { call.json()? };
    let language = language(wish.language.as_deref())?;
    must_work(&call, user.publisher.as_ref()).await?;
    if user.email.is_empty() {
        let (what, fix) = ("this user has no e-mail address yet", "let them use the link of the first start");
        return Err(Problem::new(StatusCode::CONFLICT, "no_address", what, fix));
    }
    let now = call.app.clock.steady();
    call.app.floods.letters.take(user.id.to_string().as_bytes(), now).map_err(|wait| {
        let seconds = u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
        Problem::try_again("too_many_letters", "this user was sent several letters just now", seconds)
            .with_status(StatusCode::TOO_MANY_REQUESTS)
    })?;
    let kept = call.app.store.factor((user.publisher.clone(), user.id)).await?;
    let issuer = call.app.store.bond((user.publisher.clone(), user.id)).await?.map(|it| it.issuer);
    let known = users::Known { has_factor: kept.is_some_and(|it| it.is_confirmed), issuer };
    let shown = users::shape(&call, &user, known, None);
    let letter = Some(wished(&call, &user, language).await?);
    Ok(answer::json(StatusCode::ACCEPTED, &wire::User { letter, ..shown }))
}

/// The language of a letter, for somebody who has not chosen their own.
pub(super) fn language(text: Option<&str>) -> Result<Language, Problem> {
    let Some(text) = text else { return Ok(Language::default()) };
    Language::parse(text).ok_or_else(|| {
        let fix = "use en, hu or tr";
        Refusal::new("/language", "bad_language", "letters are not written in this language", fix).into()
    })
}

/// Refuses where nobody's mail server would take a letter.
pub(super) async fn must_work(call: &Call, publisher: Option<&PublisherId>) -> Result<(), Problem> {
    if call.app.letters.can_send(publisher).await? {
        return Ok(());
    }
    let (what, fix) = (
        "no mail server is named that could send the link",
        "name an e-mail destination for alerts with `leadwire notice receivers`, or leave `mail` out and hand the link over yourself",
    );
    Err(Problem::new(StatusCode::CONFLICT, "no_mail", what, fix))
}

/// Wishes for a letter to a user; how it stands.
pub(super) async fn wished(
    call: &Call,
    user: &PortalUser,
    language: Language,
) -> Result<wire::UserLetter, Problem> {
    if !call.app.letters.wish(user, language).await? {
        return Err(Problem::not_found());
    }
    let all = call.app.store.letters(user.publisher.clone(), leadwire_core::limits::USERS_MAX).await?;
    all.iter().find(|it| it.user == user.id).map(shape).ok_or_else(Problem::not_found)
}

pub(super) fn shape(it: &Letter) -> wire::UserLetter {
    let some = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    wire::UserLetter {
        kind: it.kind.clone(),
        state: it.state.clone(),
        asked_at: moment(it.asked_at),
        ended_at: it.ended_at.map(moment),
        attempts: it.attempts,
        cause: some(&it.cause),
        message: some(&it.message),
        fix: some(&it.fix),
    }
}
