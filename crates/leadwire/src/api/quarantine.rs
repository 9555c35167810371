//! Endpoints that read bodies in quarantine anew: a parser or a setting may know more than it did.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire;
use crate::bodies;
use crate::intake::{Incoming, Key, Received};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::{OfferId, OfferRef, QuarantineId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_store::quarantine::{Quarantine, Waiting};

/// `POST /v1/quarantine/{quarantined}/retry`
pub(super) async fn retry_one(call: Call) -> Result<Response, Problem> {
    let id = QuarantineId::parse(call.path("quarantined")).map_err(|_| Problem::not_found())?;
    let before = QuarantineId::new(id.bits().saturating_sub(1));
    let wanted = Waiting { publisher: call.publisher(), offer: None, range: (before, id) };
    let page = call.app.store.quarantine_page(wanted, 1).await?;
    // One that was accepted or wiped waits for nothing.
    if page.is_empty() {
        return Err(Problem::not_found());
    }
    let done = retry(&call, page).await?;
    Ok(answer::json(StatusCode::OK, &done))
}

/// `POST /v1/quarantine/retry-waiting`
pub(super) async fn retry_some(call: Call) -> Result<Response, Problem> {
    let first = time(&call, "from")?.map_or(TouchpointId::new(0), TouchpointId::first_at).before();
    let after = call.query_as("cursor", QuarantineId::parse)?;
    let after = after.map_or(first.bits(), |it| it.bits().max(first.bits()));
    let newest = call.app.ids.next(call.app.clock.steady());
    let last = time(&call, "until")?.map_or(newest, |it| TouchpointId::first_at(it).before().bits());
    let publisher = call.publisher();
    let wanted = Waiting {
        offer: call.query_as("offer", |it| OfferId::parse(own(it, publisher.as_str())))?,
        publisher,
        range: (QuarantineId::new(after), QuarantineId::new(last.min(newest))),
    };
    let page = call.app.store.quarantine_page(wanted, limits::QUARANTINE_STEP).await?;
    let next = page.last().filter(|_| page.len() == limits::QUARANTINE_STEP).map(|it| it.id.to_string());
    let done = retry(&call, page).await?;
    Ok(answer::json(StatusCode::OK, &wire::QuarantineRetried { next, ..done }))
}

/// An offer's own part, when it is named with its publisher.
fn own<'a>(offer: &'a str, publisher: &str) -> &'a str {
    offer.strip_prefix(publisher).and_then(|it| it.strip_prefix('.')).unwrap_or(offer)
}

fn time(call: &Call, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = call.query.get(name) else { return Ok(None) };
    let bad = || {
        let what = format!("`{name}` is no moment in time");
        let refusal = Refusal::new("", "bad_time", what, "write it as 2026-11-20T10:00:00Z");
        Problem::from(refusal).with_status(StatusCode::BAD_REQUEST)
    };
    Ok(Some(rfc3339::parse(text).ok_or_else(bad)?))
}

/// Reads each body anew. Those that can be read go the way of every touchpoint, and wait no more once they are stored. One
/// that came twice within a while is a repetition, as it would have been had it been readable when it came.
async fn retry(call: &Call, page: Vec<Quarantine>) -> Result<wire::QuarantineRetried, Problem> {
    let mut done = wire::QuarantineRetried {
        looked: page.len(),
        accepted: 0,
        duplicates: 0,
        erased: 0,
        unreadable: 0,
        next: None,
    };
    for item in page {
        let offer = OfferRef { publisher: item.publisher.clone(), offer: item.offer.clone() };
        let (channel, touchpoint) = match bodies::from_address(&item.body, &item.content_type, &offer) {
            Ok(read) => read,
            Err(refusals) => {
                done.unreadable += 1;
                if let Some(first) = refusals.into_iter().next() {
                    let (code, pointer, message) = (first.code.to_owned(), first.pointer, first.message);
                    call.app.store.explain_quarantined(Quarantine { code, pointer, message, ..item }).await?;
                }
                continue;
            }
        };
        let twin = call.app.store.twin_of_quarantined(item.clone(), limits::SAME_BODY_WINDOW).await?;
        if let Some(twin) = twin {
            call.app.store.pass_over_quarantined(item.publisher, item.id, twin).await?;
            done.duplicates += 1;
            continue;
        }
        let incoming = Incoming {
            publisher: item.publisher,
            channel,
            body: item.body,
            touchpoint,
            key: Some(Key::Quarantined(item.id)),
            of_lead: None,
        };
        match call.app.intake.accept_late(vec![incoming]).await?[0] {
            Received::New(..) => done.accepted += 1,
            Received::KeptOut(..) => done.erased += 1,
            Received::Duplicate(..) | Received::KeyReused(_) => done.duplicates += 1,
            // Only what a person says of a lead names one.
            Received::NoLead => {}
        }
    }
    Ok(done)
}
