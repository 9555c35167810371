//! Reports: what came, what became of it and how long that took, by what somebody chooses, as bars, tables and a file.

use super::chart::{self, Piece};
use super::shell::Shell;
use super::views::{self, Views};
use super::visit::{Visit, attachment, html};
use crate::api::{Problem, Wish, sheet, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::refusal::Refusal;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use std::time::Duration;

const BY: [&str; 5] = ["offer", "source", "action", "campaign", "destination"];
/// Days that are offered to look back on.
const BACK: [u64; 4] = [7, 30, 90, 365];
/// Rows on the page, the largest; the file has them all. A page stays below 100 KB.
const ROWS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "portal/reports.html")]
struct ReportsPage {
    shell: Shell,
    by: &'static str,
    /// The days as they were asked for.
    from: String,
    to: String,
    spans: Vec<Span>,
    report: Option<Shown>,
    wrong: Vec<(String, String)>,
    views: Views,
}

/// A stretch of time that is offered.
struct Span {
    days: u64,
    url: String,
    is_here: bool,
}

/// A report in bars.
struct Shown {
    from: String,
    to: String,
    /// When it was counted, if that was not now.
    counted_at: Option<String>,
    /// Whether it is being counted, so that there is nothing to show yet.
    is_counting: bool,
    total: wire::ReportRow,
    steps: Vec<Step>,
    rows: Vec<Row>,
    is_cut: bool,
}

/// A step of the way from a lead to business.
struct Step {
    name: &'static str,
    count: u64,
    length: u64,
    percent: u64,
}

/// A row with its bars.
struct Row {
    name: String,
    it: wire::ReportRow,
    came: u64,
    arrived: u64,
    became: Vec<Piece>,
    places: Vec<Piece>,
}

/// What is asked for.
struct Asked {
    by: &'static str,
    from: String,
    to: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let by = BY.into_iter().find(|it| *it == visit.asked("by")).unwrap_or(BY[0]);
        Self { by, from: visit.asked("from").trim().to_owned(), to: visit.asked("to").trim().to_owned() }
    }

    async fn ask(&self, visit: &Visit, counted: &str) -> Result<wire::Report, Problem> {
        // Days are whole: the last one is in it.
        let zone = visit.look.zone();
        let (from, to) = (zone.begin_of(&self.from), zone.end_of(&self.to));
        let query = [("by", self.by), ("from", from.as_str()), ("to", to.as_str()), ("counted", counted)];
        visit.ask(Wish::get("/v1/reports").with(&query)).await
    }
}

/// `GET /reports`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let asked = Asked::of(&visit);
    let shell = visit.shell("reports-title");
    let (report, wrong) = match asked.ask(&visit, "lately").await {
        Ok(report) => (Some(shown(&shell, report)), Vec::new()),
        Err(problem) if !problem.errors().is_empty() => {
            let words = |it: &Refusal| (it.message.clone(), it.fix.clone());
            (None, problem.errors().iter().map(words).collect())
        }
        Err(problem) => return Err(problem),
    };
    let spans = spans(&shell, &asked, visit.app.clock.wall());
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let Asked { by, from, to } = asked;
    let chosen = [("by", if by == BY[0] { "" } else { by }), ("from", &from), ("to", &to)];
    let views = views::of(&visit, &shell, "reports", &chosen).await?;
    Ok(html(status, &ReportsPage { shell, by, from, to, spans, report, wrong, views }))
}

fn spans(shell: &Shell, asked: &Asked, now: Timestamp) -> Vec<Span> {
    let make = |days: u64| {
        let span = Duration::from_secs(days * 24 * 3600).as_millis();
        let begin = Timestamp::from_millis(now.millis() - i64::try_from(span).unwrap_or(0));
        let from = shell.look.zone().day(begin);
        // Nothing chosen is what the API takes for itself.
        let is_default = days == 30 && asked.from.is_empty();
        Span {
            days,
            is_here: asked.to.is_empty() && (asked.from == from || is_default),
            url: shell.link("/reports", &[("by", asked.by), ("from", from.as_str())]),
        }
    };
    BACK.into_iter().map(make).collect()
}

fn shown(shell: &Shell, report: wire::Report) -> Shown {
    let total = &report.total;
    let steps = [
        ("came", total.leads),
        ("arrived", total.leads_delivered),
        ("qualified", total.qualified),
        ("converted", total.converted),
    ];
    let steps = steps.map(|(name, count)| Step {
        name,
        count,
        length: chart::length(count, total.leads),
        percent: count.saturating_mul(100).checked_div(total.leads).unwrap_or(0),
    });
    let most = report.rows.iter().map(|it| it.leads).max().unwrap_or(0);
    let is_cut = report.rows.len() > ROWS_SHOWN;
    let rows = report.rows.into_iter().take(ROWS_SHOWN).map(|it| row(shell, &report.by, most, it));
    Shown {
        rows: rows.collect(),
        steps: steps.into_iter().collect(),
        from: report.from,
        to: report.to,
        counted_at: report.counted_at,
        is_counting: report.counting,
        total: report.total,
        is_cut,
    }
}

fn row(shell: &Shell, by: &str, most: u64, it: wire::ReportRow) -> Row {
    let name = match by {
        _ if it.other => shell.say("others"),
        _ if it.key.is_empty() => shell.say("report-none"),
        "action" => shell.name_of("action", &it.key),
        "source" => shell.name_of("source-is", &it.key),
        _ => it.key.clone(),
    };
    // A lead that became business was taken up before; what is left was only taken up.
    let taken_up = it.qualified.saturating_sub(it.converted);
    let became = [
        ("converted", it.converted),
        ("qualified", taken_up),
        ("disqualified", it.disqualified),
        ("lost", it.lost),
    ];
    Row {
        name,
        came: chart::length(it.leads, most),
        arrived: chart::length(it.leads_delivered, most),
        became: chart::pieces(&became),
        places: chart::pieces(&places(&it)),
        it,
    }
}

fn places(it: &wire::ReportRow) -> [(&'static str, u64); 5] {
    let at = &it.deliveries;
    [
        ("delivered", at.delivered),
        ("waiting", at.waiting),
        ("parked", at.parked),
        ("suppressed", at.suppressed),
        ("erased", at.erased),
    ]
}

impl Row {
    fn outcomes(&self) -> [(&'static str, u64); 4] {
        let it = &self.it;
        [
            ("qualified", it.qualified),
            ("converted", it.converted),
            ("disqualified", it.disqualified),
            ("lost", it.lost),
        ]
    }

    fn places_of(&self) -> [(&'static str, u64); 5] {
        places(&self.it)
    }
}

impl ReportsPage {
    fn kinds(&self) -> [&'static str; 5] {
        BY
    }

    fn by(&self, by: &str) -> String {
        self.shell.link("/reports", &[("by", by), ("from", &self.from), ("to", &self.to)])
    }

    /// This page.
    fn here(&self) -> String {
        self.by(self.by)
    }

    fn file(&self) -> String {
        self.shell.link("/reports/csv", &[("by", self.by), ("from", &self.from), ("to", &self.to)])
    }

    fn wider(&self) -> String {
        self.spans.last().map(|it| it.url.clone()).unwrap_or_default()
    }
}

/// `GET /reports/csv`
pub(super) async fn load(visit: Visit) -> Result<Response, Problem> {
    let asked = Asked::of(&visit);
    let report = asked.ask(&visit, "").await?;
    let zone = visit.look.zone();
    let day = |it: Option<Timestamp>| it.map(|it| zone.day(it)).unwrap_or_default();
    // The end is not in it.
    let last = rfc3339::parse(&report.to).map(|it| it.minus(Duration::from_millis(1)));
    let name = format!("leads-by-{}-{}-to-{}.csv", asked.by, day(rfc3339::parse(&report.from)), day(last));
    let text = String::from_utf8(sheet::report(&report)).map_err(|it| Problem::internal(it.to_string()))?;
    Ok(attachment(&name, "text/csv; charset=utf-8", text))
}
