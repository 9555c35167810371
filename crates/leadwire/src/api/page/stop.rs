//! The page behind the link in messages to customers: one press, and nobody writes to them any more.
//!
//! Mail programs press it by themselves when their reader wants so (RFC 8058): a `POST` needs no page before it, and a `GET`
//! changes nothing.

use super::super::call::Call;
use super::super::problem::Problem;
use super::view::{StopPage, ToldPage};
use super::{Reader, guard, html, visit};
use crate::follow_ups;
use crate::intake::Received;
use crate::merging::Decision;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use leadwire_core::id::{LeadId, PublisherId};
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::leads::Lead;

/// `GET /stop/{token}`
pub(in crate::api) async fn show(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let (publisher, _) = find(&call).await?;
    let reader = Reader::of(&call.app, &call.headers);
    let to = format!("{}/stop/{}", reader.base, call.path("token"));
    let page = StopPage::new(reader.language, title_of(&call, &publisher), to, reader.base.clone());
    Ok(answer(&reader, html(&page)))
}

/// `POST /stop/{token}`
pub(in crate::api) async fn stop(call: Call) -> Result<Response, Problem> {
    visit::admit(&call)?;
    let (publisher, lead) = find(&call).await?;
    let reader = Reader::of(&call.app, &call.headers);
    if !lead.standing.is_refused() {
        let decision = Decision {
            publisher: publisher.clone(),
            reason: "asked for no more messages".to_owned(),
            who: "the customer, by the link in a message".to_owned(),
            test: lead.test,
        };
        let change = |it: &mut Touchpoint| it.action = Action::DoNotContact;
        let incoming = call.app.intake.persons_word(&decision, lead.id, change);
        match call.app.intake.accept(vec![incoming]).await?[0] {
            // An erased person is written to no more either.
            Received::New(..) | Received::Duplicate(..) | Received::KeyReused(_) | Received::KeptOut(..) => {}
            Received::NoLead => return Err(Problem::not_found()),
        }
        call.app.metrics.count_received("page", "stored");
    }
    let told = ToldPage::stopped(reader.language, &title_of(&call, &publisher), reader.base.clone());
    Ok(answer(&reader, html(&told)))
}

/// Whose link it is. One that nobody here made, and one of a lead that is not there any more, look alike.
async fn find(call: &Call) -> Result<(PublisherId, Lead), Problem> {
    let (publisher, lead): (PublisherId, LeadId) =
        follow_ups::read_stop(call.app.directory.vault(), call.path("token"))
            .ok_or_else(Problem::not_found)?;
    let found = call.app.store.lead(publisher.clone(), lead, 0).await?;
    let (lead, _) = found.ok_or_else(Problem::not_found)?;
    Ok((publisher, lead))
}

fn title_of(call: &Call, publisher: &PublisherId) -> String {
    let setup = call.app.directory.now();
    let found = setup.setup.publishers.iter().find(|it| it.id == *publisher);
    found.map_or_else(|| publisher.to_string(), |it| it.title.clone())
}

fn answer(reader: &Reader, page: String) -> Response {
    let mut response = (StatusCode::OK, page).into_response();
    let policy =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    guard(response.headers_mut(), reader.language, policy);
    response
}
