//! `leadwire report`: what came, what it became, and how long that took, by offer, source, action, campaign or destination.

use super::exit_code::ExitCode;
use super::output::table;
use super::{Session, client, export};
use crate::api::wire;
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

const HEADS: [&str; 17] = [
    "key",
    "touchpoints",
    "folded",
    "leads",
    "leads_delivered",
    "qualified",
    "converted",
    "disqualified",
    "lost",
    "delivered",
    "waiting",
    "parked",
    "suppressed",
    "do_not_contact",
    "erased",
    "median_seconds_to_crm",
    "p95_seconds_to_crm",
];

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    let mut query = vec![("publisher", args.publisher.as_str()), ("by", &args.by)];
    query.extend(args.from.as_deref().map(|it| ("from", it)));
    query.extend(args.to.as_deref().map(|it| ("to", it)));
    let answer = client.get(&["v1", "reports"], &query).await?;
    if args.csv {
        let report: wire::Report = client::shape(answer)?;
        let mut bytes = export::row(HEADS.map(str::to_owned).to_vec())?;
        for row in &report.rows {
            bytes.extend(export::row(cells(row))?);
        }
        out.bytes(&bytes)?;
    } else {
        out.one(answer, |it| text(&it))?;
    }
    Ok(ExitCode::Ok)
}

fn counts(it: &wire::ReportRow) -> [u64; 14] {
    let at = &it.deliveries;
    [
        it.touchpoints,
        it.folded,
        it.leads,
        it.leads_delivered,
        it.qualified,
        it.converted,
        it.disqualified,
        it.lost,
        at.delivered,
        at.waiting,
        at.parked,
        at.suppressed,
        at.do_not_contact,
        at.erased,
    ]
}

fn cells(it: &wire::ReportRow) -> Vec<String> {
    let mut cells = vec![if it.other { "(other)".to_owned() } else { it.key.clone() }];
    cells.extend(counts(it).map(|it| it.to_string()));
    let seconds = |it: Option<f64>| it.map_or_else(String::new, |it| format!("{it:.3}"));
    cells.extend([seconds(it.seconds_to_crm.median), seconds(it.seconds_to_crm.p95)]);
    cells
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
    fn every_column_of_the_table_for_programs_has_a_name() {
        let row = wire::ReportRow {
            key: "=cmd".to_owned(),
            other: false,
            touchpoints: 3,
            folded: 1,
            leads: 2,
            leads_delivered: 2,
            qualified: 1,
            converted: 1,
            disqualified: 0,
            lost: 0,
            deliveries: wire::ReportDeliveries {
                delivered: 3,
                waiting: 0,
                parked: 0,
                suppressed: 0,
                do_not_contact: 0,
                erased: 0,
            },
            seconds_to_crm: wire::ReportTimes { count: 3, median: Some(0.5), p95: None },
        };
        assert_eq!(cells(&row).len(), HEADS.len());
        let line = String::from_utf8(export::row(cells(&row)).unwrap()).unwrap();
        assert!(line.starts_with("'=cmd,3,1,2,2,1,1,") && line.ends_with(",0.500,\n"), "{line}");
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = [0.25, 300.0, 9000.0, 259_200.0].map(|it| span(Some(it)));
        assert_eq!(told, ["0.2 s", "5 min", "2.5 h", "3.0 d"]);
    }
}
