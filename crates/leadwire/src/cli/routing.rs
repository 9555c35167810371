//! How the command line tells why leads went where they went.

use super::client::Wanted;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{harmless, or_dash};
use super::{Session, lead};
use crate::api::wire;
use anyhow::Context;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use std::io::Read;

/// `leadwire route explain`
pub(super) async fn explain(session: &Session, publisher: &PublisherId, lead: &str) -> anyhow::Result<()> {
    let path = ["v1", "leads", lead, "routing"];
    let found = session.client()?.get(&path, &[("publisher", publisher.as_str())]).await?;
    session.out.one(found, |it: wire::LeadRouting| text(&it))
}

fn text(it: &wire::LeadRouting) -> String {
    let mut text = String::new();
    for touchpoint in &it.touchpoints {
        text.push_str(&lead::moment(&touchpoint.touchpoint));
        for sentence in &touchpoint.summary {
            text.push_str(&format!("    {}\n", harmless(sentence)));
        }
        text.push_str(&verdicts(&touchpoint.routes));
        text.push('\n');
    }
    text
}

fn verdicts(all: &[wire::RouteVerdict]) -> String {
    let line = |it: &wire::RouteVerdict| {
        let place = it.position.map_or_else(|| "filter".to_owned(), |it| format!("route {it}"));
        format!("      {place}: {}\n", harmless(&it.because))
    };
    all.iter().map(line).collect()
}

/// `leadwire route test`
pub(super) async fn test(
    session: &Session,
    publisher: &PublisherId,
    file: &str,
    when: Option<String>,
) -> anyhow::Result<()> {
    let mut body = Vec::new();
    let most = u64::try_from(limits::TOUCHPOINT_BYTES_MAX).unwrap_or(u64::MAX);
    let read = match file {
        "-" => std::io::stdin().take(most).read_to_end(&mut body),
        file => std::fs::File::open(file).and_then(|it| it.take(most).read_to_end(&mut body)),
    };
    read.with_context(|| format!("cannot read {file}"))?;
    let lead = serde_json::from_slice(&body).map_err(|error| {
        let fix = "write one lead as a JSON object";
        Failure::new(ExitCode::Usage, format!("{file} is no lead: {error}"), fix)
    })?;
    let trial = wire::RouteTrial { lead, filter: when };
    let path = ["v1", "routes", "test"];
    let tried = session.client()?.post(&path, &[("publisher", publisher.as_str())], &trial).await?;
    session.out.one(tried, |it: wire::RouteTried| {
        let mut text = match it.goes_to.as_slice() {
            [] => "It would go to no destination.\n".to_owned(),
            names => format!("It would go to {}.\n", harmless(&names.join(", "))),
        };
        text.push_str(&verdicts(it.filter.as_slice()));
        text.push_str(&verdicts(&it.routes));
        text
    })
}

const HEADS: [&str; 6] = ["TOUCHPOINT", "LEAD", "RECEIVED", "OFFER", "WHAT", "TROUBLE"];

/// `leadwire route unrouted`
pub(super) async fn list(
    session: &Session,
    (publisher, offer, which): (&PublisherId, Option<&str>, &str),
    wanted: Wanted,
) -> anyhow::Result<()> {
    let mut query = vec![("publisher", publisher.as_str()), ("routing", which)];
    query.extend(offer.map(|it| ("offer", it)));
    let mut heads: &[&str] = &HEADS;
    let client = session.client()?;
    let has_more = client.pages(&["v1", "touchpoints"], &query, wanted, |rows| {
        session.out.rows(rows, std::mem::take(&mut heads), |it: wire::TouchpointRow| {
            let what = format!("{} {}", it.source, it.action);
            vec![it.id, it.lead, it.received_at, or_dash(it.offer), what, or_dash(it.routing_trouble)]
        })
    });
    if has_more.await? {
        session.out.note("There are more: --all shows every touchpoint, --limit more of them.");
    }
    Ok(())
}
