//! The endpoint of reports.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, moment};
use crate::directory::Snapshot;
use crate::report::{ReportWish, Stretch};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::report::{By, Counts, Times};
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// `GET /v1/reports`
pub(super) async fn report(call: Call) -> Result<Response, Problem> {
    let stretch = stretch(&call)?;
    let now = call.app.clock.steady();
    let wish = stretch.at(now);
    check(&wish)?;
    let made = match call.is_lately() {
        true => call.app.reports.made_lately(stretch.clone()).await?,
        false => Some((Arc::new(call.app.reports.make(&wish).await?), None)),
    };
    let counting = made.is_none();
    let (report, counted_at) = made.unwrap_or_default();
    // What is of a while ago ended then.
    let wish = counted_at.map_or(wish, |at| stretch.at(at));
    let setup = call.app.directory.now();
    let rows = report.rows().into_iter();
    let mut rows: Vec<wire::ReportRow> =
        rows.map(|(key, counts)| row(name(&setup, &wish, key), counts)).collect();
    rows.extend(report.other().map(|it| wire::ReportRow { other: true, ..row(String::new(), it) }));
    let answer = wire::Report {
        by: wish.by.as_str().to_owned(),
        from: moment(wish.from),
        to: moment(wish.to),
        rows,
        total: row(String::new(), report.total()),
        counted_at: counted_at.map(moment),
        counting,
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

fn stretch(call: &Call) -> Result<Stretch, Problem> {
    let by =
        call.query_as("by", |it| By::parse(it).ok_or("use offer, source, action, campaign or destination"))?;
    let time = |name: &str| {
        call.query_as(name, |it| read_time(it).ok_or("write it as 2026-11-20 or 2026-11-20T10:00:00Z"))
    };
    let (to, from) = (time("to")?, time("from")?);
    Ok(Stretch { publisher: call.publisher(), by: by.unwrap_or(By::Offer), from, to })
}

fn check(wish: &ReportWish) -> Result<(), Problem> {
    let days = limits::REPORT_WINDOW_MAX.as_secs() / (24 * 3600);
    if wish.from >= wish.to || wish.to.since(wish.from) > limits::REPORT_WINDOW_MAX {
        let fix = format!("let `from` be before `to`, by {days} days at most");
        return Err(
            Refusal::new("?from", "bad_query", "the time from `from` to `to` cannot be used", fix).into()
        );
    }
    Ok(())
}

/// A day stands for its beginning in UTC.
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    rfc3339::parse(text).or_else(|| rfc3339::parse(&format!("{text}T00:00:00Z")))
}

fn name(setup: &Snapshot, wish: &ReportWish, key: &str) -> String {
    let publisher: &PublisherId = &wish.publisher;
    match wish.by {
        // Removed ones have no name any more in the set-up at hand.
        By::Destination => {
            setup.destination(publisher, key).map_or_else(|| key.to_owned(), |it| it.name.clone())
        }
        By::Offer | By::Source | By::Action | By::Campaign => key.to_owned(),
    }
}

fn row(key: String, it: &Counts) -> wire::ReportRow {
    wire::ReportRow {
        key,
        other: false,
        touchpoints: it.touchpoints,
        folded: it.folded,
        leads: it.leads,
        leads_delivered: it.leads_delivered,
        qualified: it.qualified,
        converted: it.converted,
        disqualified: it.disqualified,
        lost: it.lost,
        deliveries: wire::ReportDeliveries {
            delivered: it.delivered,
            waiting: it.waiting,
            parked: it.parked,
            suppressed: it.suppressed,
            do_not_contact: it.held_back,
            erased: it.erased,
        },
        seconds_to_crm: wire::ReportTimes {
            count: it.took.count(),
            median: seconds(&it.took, 50),
            p95: seconds(&it.took, 95),
        },
    }
}

fn seconds(times: &Times, percent: u32) -> Option<f64> {
    times.percentile(percent).map(|it| it.as_secs_f64())
}
