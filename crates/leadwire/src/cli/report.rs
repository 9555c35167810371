//! `leadwire report`: what came, what it became, and how long that took, by offer, source, action, campaign or destination.

use super::exit_code::ExitCode;
use super::output::table;
use super::{Session, client};
use crate::api::{sheet, wire};
use leadwire_core::id::PublisherId;

/// What `report` can be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leadwire report contoso
  leadwire report contoso --by campaign --from 2026-11-01 --to 2026-12-01
  leadwire report contoso --by destination --json
  leadwire report contoso --by source --csv > sources.csv

A lead counts in the row of its first touchpoint, and so does whatever became of it. Tests and previews never count.")]
pub(super) struct Args {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// What the rows are
    #[arg(long, default_value = "offer", value_parser = ["offer", "source", "action", "campaign", "destination"])]
    by: String,
    /// From this day or moment, in UTC; 30 days before the end when missing
    #[arg(long)]
    from: Option<String>,
    /// Up to, not including, this day or moment; now when missing
    #[arg(long)]
    to: Option<String>,
    /// Write CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let mut query = vec![("publisher", args.publisher.as_str()), ("by", &args.by)];
    query.extend(args.from.as_deref().map(|it| ("from", it)));
    query.extend(args.to.as_deref().map(|it| ("to", it)));
    let answer = client.get(&["v1", "reports"], &query).await?;
    if args.csv {
        let report: wire::Report = client::shape(answer)?;
        out.bytes(&sheet::report(&report))?;
    } else {
        out.one(answer, |it| text(&it))?;
    }
    Ok(ExitCode::Ok)
}

fn text(it: &wire::Report) -> String {
    let title = it.by.to_uppercase();
    let heads = [
        &*title,
        "TOUCHPOINTS",
        "LEADS",
        "DELIVERED",
        "QUALIFIED",
        "CONVERTED",
        "DISQUALIFIED",
        "LOST",
        "FOLDED",
        "HELD BACK",
        "WAITING",
        "PARKED",
        "MEDIAN",
        "95 %",
    ];
    let named = |row: &wire::ReportRow| match (row.other, &*row.key) {
        (true, _) => "(other)".to_owned(),
        (false, "") => "(none)".to_owned(),
        (false, key) => key.to_owned(),
    };
    let mut rows: Vec<Vec<String>> = it.rows.iter().map(|row| shown(named(row), row)).collect();
    rows.push(shown("all".to_owned(), &it.total));
    format!("{} to {}\n\n{}", it.from, it.to, table(&heads, rows))
}

fn shown(name: String, it: &wire::ReportRow) -> Vec<String> {
    let numbers = [
        it.touchpoints,
        it.leads,
        it.leads_delivered,
        it.qualified,
        it.converted,
        it.disqualified,
        it.lost,
        it.folded,
        it.deliveries.do_not_contact,
        it.deliveries.waiting,
        it.deliveries.parked,
    ];
    let mut cells = vec![name];
    cells.extend(numbers.map(|it| it.to_string()));
    cells.extend([it.seconds_to_crm.median, it.seconds_to_crm.p95].map(span));
    cells
}

/// A time as people say it.
fn span(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(it) if it < 120.0 => format!("{it:.1} s"),
        Some(it) if it < 7200.0 => format!("{:.0} min", it / 60.0),
        Some(it) if it < 172_800.0 => format!("{:.1} h", it / 3600.0),
        Some(it) => format!("{:.1} d", it / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = [0.25, 300.0, 9000.0, 259_200.0].map(|it| span(Some(it)));
        assert_eq!(told, ["0.2 s", "5 min", "2.5 h", "3.0 d"]);
    }
}
