//! Endpoints that show bodies in quarantine and read them anew: a parser may know more than it did, or a person has put right
//! what was wrong.

use super::answer;
use super::call::Call;
use super::ledger::quarantined_shape;
use super::problem::Problem;
use super::wire;
use crate::bodies;
use crate::intake::{Incoming, Key, Received};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use leadwire_core::id::{OfferId, OfferRef, QuarantineId, TouchpointId};
use leadwire_core::json;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::quarantine::{Quarantine, Waiting};
use leadwire_store::rows::Channel;
use std::ops::Range;

/// `GET /v1/quarantine/{quarantined}`
pub(super) async fn show(call: Call) -> Result<Response, Problem> {
    let id = QuarantineId::parse(call.path("quarantined")).map_err(|_| Problem::not_found())?;
    let publisher = call.publisher();
    let kept = call.app.store.kept_body(publisher.clone(), id).await?.ok_or_else(Problem::not_found)?;
    let row = quarantined_shape(&publisher, &kept.row);
    let offer = OfferId::parse(&kept.row.offer).map_err(|it| Problem::internal(it.to_string()))?;
    let waits = row.touchpoint.is_none() && !kept.body.is_empty();
    let offer = OfferRef { publisher, offer };
    let read = waits.then(|| bodies::from_address(&kept.body, &row.content_type, &offer));
    let refusals = read.and_then(Result::err).unwrap_or_default();
    let mistakes = refusals.into_iter().take(limits::QUARANTINE_MISTAKES_MAX);
    let shown = beginning(&kept.body);
    let text = String::from_utf8_lossy(shown);
    let garbled = std::str::from_utf8(shown).is_err();
    let answer = wire::QuarantinedBody {
        mistakes: mistakes.map(|it| mistake(&kept.body, it)).collect(),
        lead: kept.lead.map(|it| it.to_string()),
        cut: shown.len() < kept.body.len(),
        garbled,
        repaired: kept.is_repaired,
        text: Some(text.into_owned()).filter(|_| !kept.body.is_empty()),
        row,
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

/// As much of a body as is shown, without half a letter at its end.
fn beginning(body: &[u8]) -> &[u8] {
    let Some(shown) = body.get(..limits::QUARANTINE_TEXT_BYTES_MAX) else { return body };
    match std::str::from_utf8(shown) {
        Err(bad) if bad.error_len().is_none() => &shown[..bad.valid_up_to()],
        _ => shown,
    }
}

/// What is wrong with a body, with the place where it can be seen.
pub(crate) fn mistake(body: &[u8], it: Refusal) -> wire::BodyMistake {
    // In a form nobody reads JSON, though a place of JSON would be found in it.
    let is_json = it.code.starts_with("json_") || json::parse(body).is_ok();
    let found = Some(()).filter(|()| is_json).and_then(|()| json::place(body, &it.pointer));
    wire::BodyMistake {
        place: found.map(|range| place(body, range)),
        code: it.code.to_owned(),
        pointer: it.pointer,
        message: it.message,
        fix: it.fix,
    }
}

fn place(body: &[u8], range: Range<usize>) -> wire::BodyPlace {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let before = &body[..range.start];
    let of_line = before.iter().rposition(|it| *it == b'\n').map_or(0, |at| at + 1);
    // A place within a letter is the letter.
    let rest = text(&body[range.start..]);
    let width = text(&body[range.clone()]).chars().count().min(limits::QUARANTINE_PLACE_CHARS);
    let ahead = text(before);
    let near = ahead.chars().count().saturating_sub(limits::QUARANTINE_AROUND_CHARS);
    wire::BodyPlace {
        line: before.iter().filter(|it| **it == b'\n').count() + 1,
        column: text(&before[of_line..]).chars().count() + 1,
        before: ahead.chars().skip(near).collect(),
        there: rest.chars().take(width).collect(),
        behind: rest.chars().skip(width).take(limits::QUARANTINE_AROUND_CHARS).collect(),
    }
}

/// `POST /v1/quarantine/{quarantined}/retry`
pub(super) async fn retry_one(call: Call) -> Result<Response, Problem> {
    let id = QuarantineId::parse(call.path("quarantined")).map_err(|_| Problem::not_found())?;
    let before = QuarantineId::new(id.bits().saturating_sub(1));
    let wanted = Waiting { publisher: call.publisher(), offer: None, range: (before, id) };
    let page = call.app.store.quarantine_page(wanted, 1).await?;
    // One that was accepted or wiped waits for nothing.
    let item = page.into_iter().next().ok_or_else(Problem::not_found)?;
    let wish: wire::QuarantineReading = if call.body.is_empty() { Default::default() } else { call.json()? };
    let done = match (wish.body, wish.content_type) {
        (None, None) => retry(&call, vec![item]).await?,
        (body, content_type) => read_in_its_place(&call, item, (body, content_type)).await?,
    };
    Ok(answer::json(StatusCode::OK, &done))
}

/// Reads what a person brings in the place of a body, which stays as it came. What is wrong with it is told, and changes
/// nothing.
async fn read_in_its_place(
    call: &Call,
    item: Quarantine,
    (body, content_type): (Option<String>, Option<String>),
) -> Result<wire::QuarantineRetried, Problem> {
    let refused =
        |pointer, code, what: &str, fix: String| Problem::from(Refusal::new(pointer, code, what, fix));
    let body = body.map_or_else(|| item.body.clone(), Bytes::from);
    if body.len() > limits::TOUCHPOINT_BYTES_MAX {
        let fix = format!("keep it below {} bytes", limits::TOUCHPOINT_BYTES_MAX);
        return Err(refused("/body", "too_large", "the body is longer than any lead", fix));
    }
    let content_type = content_type.unwrap_or_else(|| item.content_type.clone());
    if content_type.chars().count() > limits::CONTENT_TYPE_CHARS_MAX {
        let fix = "use `application/json` or `application/x-www-form-urlencoded`".to_owned();
        return Err(refused("/content_type", "too_long", "no content type is called so", fix));
    }
    let offer = OfferRef { publisher: item.publisher.clone(), offer: item.offer.clone() };
    let read = bodies::from_address(&body, &content_type, &offer).map_err(|refusals| {
        let within = |it: Refusal| Refusal { pointer: format!("/body{}", it.pointer), ..it };
        let refusals = refusals.into_iter().map(within).collect();
        Problem::refused(refusals).with_status(StatusCode::UNPROCESSABLE_ENTITY)
    })?;
    let mut done = nothing_yet(1);
    take(call, item, (body, read), &mut done).await?;
    Ok(done)
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
    let mut done = nothing_yet(page.len());
    for item in page {
        let offer = OfferRef { publisher: item.publisher.clone(), offer: item.offer.clone() };
        let read = match bodies::from_address(&item.body, &item.content_type, &offer) {
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
        let body = item.body.clone();
        take(call, item, (body, read), &mut done).await?;
    }
    Ok(done)
}

fn nothing_yet(looked: usize) -> wire::QuarantineRetried {
    wire::QuarantineRetried { looked, accepted: 0, duplicates: 0, erased: 0, unreadable: 0, next: None }
}

/// Has what was read of a body in quarantine accepted; once, whoever reads it how often and in whatever place.
async fn take(
    call: &Call,
    item: Quarantine,
    (body, (channel, touchpoint)): (Bytes, (Channel, Touchpoint)),
    done: &mut wire::QuarantineRetried,
) -> Result<(), Problem> {
    let twin = call.app.store.twin_of_quarantined(item.clone(), limits::SAME_BODY_WINDOW).await?;
    if let Some(twin) = twin {
        call.app.store.pass_over_quarantined(item.publisher, item.id, twin).await?;
        done.duplicates += 1;
        return Ok(());
    }
    let incoming = Incoming {
        publisher: item.publisher,
        channel,
        body,
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
    Ok(())
}
