//! Leads and deliveries as CSV: all that a page was asked for, row by row as it is read, however much there is.

use super::deliveries::STATES;
use super::leads::said;
use super::visit::Visit;
use crate::api::{Problem, Wish, sheet, wire};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use std::io;

/// Which table.
#[derive(Clone, Copy)]
enum Table {
    Leads,
    Deliveries,
}

/// A file on its way.
struct Going {
    visit: Visit,
    table: Table,
    /// What the page was asked for.
    chosen: Vec<(&'static str, String)>,
    /// What was read and not sent.
    ready: Option<Vec<u8>>,
    /// Where the next rows begin; none behind the last.
    next: Option<String>,
}

const LEAD_HEADS: [&str; 14] = [
    "id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "title",
    "country",
    "interest",
    "do_not_contact",
    "touchpoints",
    "test",
    "created_at",
    "updated_at",
];
/// Those of them that are said of the customer.
const SAID: [&str; 7] = ["first_name", "last_name", "email", "phone", "company", "title", "country"];
const DELIVERY_HEADS: [&str; 11] = [
    "id",
    "touchpoint",
    "lead",
    "destination",
    "state",
    "due_at",
    "attempts",
    "cause",
    "message",
    "record",
    "ended_at",
];

/// `POST /leads/csv`: a form, for whoever would carry everybody away is asked again who they are.
pub(super) async fn leads(visit: Visit) -> Result<Response, Problem> {
    let chosen = vec![("find", visit.field("q").trim().to_owned())];
    begin(visit, Table::Leads, chosen).await
}

/// `GET /deliveries/csv`
pub(super) async fn deliveries(visit: Visit) -> Result<Response, Problem> {
    let state = STATES.into_iter().find(|it| *it == visit.asked("state")).unwrap_or_default();
    let chosen = vec![("state", state.to_owned()), ("destination", visit.asked("destination").to_owned())];
    begin(visit, Table::Deliveries, chosen).await
}

/// The first rows are read before anything is answered, so that what cannot be had is told on a page.
async fn begin(visit: Visit, table: Table, chosen: Vec<(&'static str, String)>) -> Result<Response, Problem> {
    let heads: &[&str] = match table {
        Table::Leads => &LEAD_HEADS,
        Table::Deliveries => &DELIVERY_HEADS,
    };
    let (rows, next) = read(&visit, table, &chosen, "").await?;
    let mut ready = sheet::row(heads.iter().map(|it| (*it).to_owned()).collect());
    ready.extend(rows);
    let name = match table {
        Table::Leads => "leads.csv",
        Table::Deliveries => "deliveries.csv",
    };
    let going = Going { visit, table, chosen, ready: Some(ready), next };
    let body = Body::from_stream(stream::try_unfold(going, go_on));
    let named = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let named = named.unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let heads = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, named)];
    Ok((StatusCode::OK, heads, body).into_response())
}

/// The next part of the file. One that cannot be had breaks it off, so that nobody takes a part for the whole.
async fn go_on(mut going: Going) -> io::Result<Option<(Bytes, Going)>> {
    if let Some(ready) = going.ready.take() {
        return Ok(Some((Bytes::from(ready), going)));
    }
    let Some(cursor) = going.next.take() else { return Ok(None) };
    let read = read(&going.visit, going.table, &going.chosen, &cursor).await;
    let (rows, next) = read.map_err(|it| io::Error::other(it.words().0.to_owned()))?;
    going.next = next;
    Ok(Some((Bytes::from(rows), going)))
}

/// Some rows as they stand in the file, and where the next begin.
async fn read(
    visit: &Visit,
    table: Table,
    chosen: &[(&'static str, String)],
    cursor: &str,
) -> Result<(Vec<u8>, Option<String>), Problem> {
    let limit = limits::PAGE_ROWS_MAX.to_string();
    let mut query = vec![("limit", limit.as_str()), ("cursor", cursor)];
    query.extend(chosen.iter().map(|it| (it.0, it.1.as_str())));
    match table {
        Table::Leads => {
            let found: wire::Leads = visit.ask(Wish::get("/v1/leads").with(&query)).await?;
            if found.cut {
                return Err(too_many());
            }
            Ok((found.items.iter().flat_map(|it| sheet::row(lead(it))).collect(), found.next))
        }
        Table::Deliveries => {
            let asked = Wish::get("/v1/deliveries").with(&query);
            let found: wire::Page<wire::Delivery> = visit.ask(asked).await?;
            Ok((found.items.iter().flat_map(|it| sheet::row(delivery(it))).collect(), found.next))
        }
    }
}

/// A search does not go on behind what it found first, and a file with some of it would look like all.
fn too_many() -> Problem {
    let what = "there may be more leads like this than a search finds";
    Refusal::new("", "search_cut", what, "look for more words, or for nothing, which gives all leads").into()
}

fn lead(it: &wire::Lead) -> Vec<String> {
    let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
    let mut cells = vec![it.id.clone()];
    cells.extend(SAID.map(|field| said(&it.customer, field).to_owned()));
    cells.extend([
        it.interest.clone().unwrap_or_default(),
        yes(it.do_not_contact),
        it.touchpoints.to_string(),
        yes(it.test),
        it.created_at.clone(),
        it.updated_at.clone(),
    ]);
    cells
}

fn delivery(it: &wire::Delivery) -> Vec<String> {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    vec![
        it.id.clone(),
        it.touchpoint.clone(),
        it.lead.clone(),
        it.destination.clone(),
        it.state.clone(),
        text(&it.due_at),
        it.attempts.to_string(),
        text(&it.cause),
        text(&it.message),
        text(&it.record),
        text(&it.ended_at),
    ]
}
