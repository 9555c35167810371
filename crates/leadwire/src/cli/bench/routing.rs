//! What deciding where a touchpoint goes costs: it is asked once for every touchpoint, of every route.

use super::super::exit_code::ExitCode;
use crate::clock::Stopwatch;
use anyhow::{Context, ensure};
use leadwire_core::filter::Filter;
use leadwire_core::id::{DestinationNo, OfferRef, RouteId};
use leadwire_core::routing::{self, DoNotContact, Offers, Route, When};
use leadwire_core::touchpoint::{Action, Source, Touchpoint};
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;

/// Routes in each measurement.
const ROUTES: u32 = 100;
/// Filters such as people write; every route has one of them, with a name of its own in it.
const FILTERS: &[&str] = &[
    "customer.country_code in ['HU', 'TR', 'NAME']",
    "action == 'INS' && customer.email.endsWith('@NAME.example')",
    "has(campaign.utm_source) && campaign.utm_source == 'NAME'",
    "source == 'SPZA' || customer.company.contains('NAME')",
];

/// Routes the same touchpoint again and again, by routes with and without filters.
///
/// # Errors
/// When a filter is none, or a decision is wrong.
pub(super) fn run(count: u64, as_json: bool) -> anyhow::Result<ExitCode> {
    let touchpoint = touchpoint()?;
    let with = measure(&touchpoint, &routes(true)?, count)?;
    let without = measure(&touchpoint, &routes(false)?, count)?;
    let mut out = std::io::stdout().lock();
    if as_json {
        let report = json!({
            "what": "routing", "count": count, "routes": ROUTES, "with_filters_us": with, "without_us": without,
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(out, "{ROUTES} routes with filters     {with:.2} us for each touchpoint")?;
        writeln!(out, "{ROUTES} routes without filters  {without:.2} us for each touchpoint")?;
    }
    Ok(ExitCode::Ok)
}

/// Microseconds for one decision.
fn measure(touchpoint: &Touchpoint, routes: &[Route], count: u64) -> anyhow::Result<f64> {
    let watch = Stopwatch::start();
    for _ in 0..count {
        let decision = routing::route(std::hint::black_box(touchpoint), std::hint::black_box(routes));
        // The last route takes everything; no other takes this one.
        ensure!(decision.routed.len() == 1 && decision.trouble.is_empty(), "a decision is wrong");
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    Ok(watch.elapsed().as_secs_f64() * 1e6 / f64::from(count))
}

fn routes(with_filters: bool) -> anyhow::Result<Vec<Route>> {
    let mut routes = Vec::new();
    for number in 1..=ROUTES {
        let filter = FILTERS[usize::try_from(number)? % FILTERS.len()].replace("NAME", &format!("n{number}"));
        let filter = Filter::parse(&filter).map_err(|it| anyhow::anyhow!("{it}"))?;
        let is_last = number == ROUTES;
        // Without filters each is for another offer, or nothing would be left to look for.
        let offers = if with_filters || is_last { "*".to_owned() } else { format!("offer-{number}") };
        routes.push(Route {
            id: RouteId::new(number.into()),
            offers: Offers::parse(&offers)?,
            when: if with_filters && !is_last { When::If(Arc::new(filter)) } else { When::Always },
            destination: DestinationNo::new(number),
            stop: false,
            do_not_contact: DoNotContact::Hold,
        });
    }
    Ok(routes)
}

fn touchpoint() -> anyhow::Result<Touchpoint> {
    let mut it = Touchpoint {
        source: Source::AzureMarketplace,
        action: Action::Installation,
        offer: Some(OfferRef::parse("contoso.crm-pro").context("an offer")?),
        ..Touchpoint::default()
    };
    it.customer.email = Some("ada@example.com".to_owned());
    it.customer.country = Some("United Kingdom".to_owned());
    it.customer.company = Some("Analytical Engines".to_owned());
    Ok(it)
}
