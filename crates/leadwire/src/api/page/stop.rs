//! The page behind the link in messages to customers: one press, and nobody writes to them any more.
//!
//! Mail programs press it by themselves when their reader wants so (RFC 8058): a `POST` needs no page before it, and a `GET`
//! changes nothing.

use super::super::call::Call;
use super::super::problem::Problem;
use super::super::standing::customer_of;
use super::view::{StopPage, ToldPage};
use super::{Reader, guard, html, visit};
use crate::follow_ups;
use crate::intake::{Incoming, Received};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use leadwire_core::id::{LeadId, PublisherId};
use leadwire_core::touchpoint::{Action, Source, Touchpoint};
use leadwire_store::leads::Lead;
use leadwire_store::rows::Channel;

/// The source of what is said by a link that Leadwire wrote.
const SOURCE: &str = "Leadwire";

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
        let touchpoint = Touchpoint {
            source: Source::Other(SOURCE.to_owned()),
            action: Action::DoNotContact,
            occurred_at: Some(call.app.clock.steady()),
            customer: customer_of(&lead),
            notes: Some("the customer followed the link in a message".to_owned()),
            test: lead.test,
            ..Touchpoint::default()
        };
        let incoming = Incoming {
            publisher: publisher.clone(),
            channel: Channel::Page,
            body: Bytes::from(touchpoint.canonical_json().to_string()),
            touchpoint,
            key: None,
            of_lead: Some(lead.id),
        };
        match call.app.intake.accept(vec![incoming]).await?[0] {
            Received::New(..) | Received::Duplicate(..) | Received::KeyReused(_) => {}
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
