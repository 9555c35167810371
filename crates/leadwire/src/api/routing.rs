//! Endpoints that say why a touchpoint went where it went, and which ones went nowhere.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::read::{Keys, delivery_shape, keys, touchpoint_shape};
use super::routes::bad_filter;
use super::setup::own_offer;
use super::wire;
use crate::bodies;
use crate::directory::Snapshot;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::filter::Filter;
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, RouteId, TouchpointId};
use leadwire_core::refusal::Refusal;
use leadwire_core::routing::{self, Route, Verdict};
use leadwire_core::touchpoint::Touchpoint;
use leadwire_core::{json, limits};
use leadwire_store::deliveries::{Delivery, DeliveryFilter};
use leadwire_store::leads::StoredTouchpoint;
use leadwire_store::unrouted::{Routing, TouchpointFilter};

/// `GET /v1/touchpoints`
pub(super) async fn touchpoints(call: Call) -> Result<Response, Problem> {
    let (limit, publisher) = (call.limit()?, call.publisher());
    let routing = call.query_as("routing", |text| match text {
        "unrouted" => Ok(Routing::Unrouted),
        "troubled" => Ok(Routing::Troubled),
        _ => Err("use unrouted or troubled"),
    })?;
    let offer = call.query_as("offer", |text| {
        own_offer(&publisher, text, "").map_err(|_| "name one offer, by its id or as publisher.offer")
    })?;
    let filter = TouchpointFilter {
        publisher: publisher.clone(),
        routing: routing.unwrap_or(Routing::Unrouted),
        offer,
        before: call.query_as("cursor", TouchpointId::parse)?,
        limit,
    };
    let rows = call.app.store.touchpoints_by_routing(filter).await?;
    let keys = keys(&call, &rows).await?;
    let items = rows.iter().map(|it| touchpoint_shape(&publisher, it, &keys)).collect();
    Ok(answer::page(items, limit, |it: &wire::TouchpointRow| it.id.clone()))
}

/// `GET /v1/leads/{lead}/routing`
pub(super) async fn lead(call: Call) -> Result<Response, Problem> {
    let id = LeadId::parse(call.path("lead")).map_err(|_| Problem::not_found())?;
    let publisher = call.publisher();
    let found = call.app.store.lead(publisher.clone(), id, limits::EXPLAINED_MAX).await?;
    let (found, touchpoints) = found.ok_or_else(Problem::not_found)?;
    let keys = keys(&call, &touchpoints).await?;
    let filter = DeliveryFilter {
        publisher: publisher.clone(),
        destination: None,
        state: None,
        lead: Some(id),
        before: None,
        limit: limits::PAGE_ROWS_MAX,
    };
    let deliveries = call.app.store.deliveries(filter).await?;
    let setup = call.app.directory.now();
    let teller = Teller { setup: &setup, publisher: &publisher };
    let touchpoints = touchpoints.iter().map(|it| {
        let own: Vec<&Delivery> = deliveries.iter().filter(|other| other.id.touchpoint == it.id).collect();
        teller.touchpoint((it, &keys), &own)
    });
    let shape = wire::LeadRouting { lead: found.id.to_string(), touchpoints: touchpoints.collect() };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `POST /v1/routes/test`
pub(super) async fn test(call: Call) -> Result<Response, Problem> {
    let trial: wire::RouteTrial = call.json()?;
    let text = serde_json::to_vec(&trial.lead).expect("what was read as JSON can be written");
    let json = json::parse(&text).map_err(|it| Problem::from(Refusal::from(it)))?;
    let touchpoint = Touchpoint::parse(&json).map_err(Problem::refused)?;
    let publisher = call.publisher();
    if touchpoint.offer.as_ref().is_some_and(|it| it.publisher != publisher) {
        let (what, fix) = ("the offer is of another publisher", "name one of your own, as publisher.offer");
        return Err(Refusal::new("/lead/offer", "other_publisher", what, fix).into());
    }
    let filter = trial.filter.as_deref().map(Filter::parse).transpose().map_err(|it| bad_filter(&it))?;
    let setup = call.app.directory.now();
    let teller = Teller { setup: &setup, publisher: &publisher };
    let verdicts = routing::explain(&touchpoint, setup.routes(&publisher));
    let shape = wire::RouteTried {
        filter: filter.map(|it| alone(&it, &touchpoint)),
        goes_to: teller.goes_to(&verdicts).map(|it| teller.destination(it)).collect(),
        routes: teller.verdicts(&touchpoint, &verdicts),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// What a filter that is no route's says.
fn alone(filter: &Filter, touchpoint: &Touchpoint) -> wire::RouteVerdict {
    let (verdict, because) = match filter.takes(touchpoint) {
        Ok(true) => ("takes", "the filter is fulfilled".to_owned()),
        Ok(false) => ("filter_false", format!("`{}` is false", filter.false_part(touchpoint))),
        Err(trouble) => ("filter_troubled", trouble.to_string()),
    };
    wire::RouteVerdict {
        route: None,
        position: None,
        destination: None,
        verdict: verdict.to_owned(),
        because,
    }
}

/// Puts verdicts into words.
struct Teller<'a> {
    setup: &'a Snapshot,
    publisher: &'a PublisherId,
}

impl Teller<'_> {
    fn routes(&self) -> &[Route] {
        self.setup.routes(self.publisher)
    }

    fn destination(&self, number: DestinationNo) -> String {
        let number = number.to_string();
        self.setup.destination(self.publisher, &number).map_or(number, |it| it.name.clone())
    }

    fn place(&self, id: RouteId) -> usize {
        self.routes().iter().position(|it| it.id == id).map_or(0, |it| it + 1)
    }

    fn goes_to<'b>(&'b self, verdicts: &'b [Verdict]) -> impl Iterator<Item = DestinationNo> + 'b {
        let taken = self.routes().iter().zip(verdicts).filter(|it| *it.1 == Verdict::Takes);
        taken.map(|it| it.0.destination)
    }

    fn verdicts(&self, touchpoint: &Touchpoint, verdicts: &[Verdict]) -> Vec<wire::RouteVerdict> {
        let one = |(route, verdict): (&Route, &Verdict)| {
            let (name, because) = self.words(touchpoint, route, verdict);
            wire::RouteVerdict {
                route: Some(route.id.to_string()),
                position: Some(self.place(route.id)),
                destination: Some(self.destination(route.destination)),
                verdict: name.to_owned(),
                because,
            }
        };
        self.routes().iter().zip(verdicts).map(one).collect()
    }

    fn words(&self, touchpoint: &Touchpoint, route: &Route, verdict: &Verdict) -> (&'static str, String) {
        let to = self.destination(route.destination);
        match verdict {
            Verdict::Takes => ("takes", format!("it takes the touchpoint, which goes to {to}")),
            Verdict::Holds => {
                let why = "the customer must not be contacted, and that destination does not take such leads";
                ("holds", format!("it takes the touchpoint, which is held back from {to}: {why}"))
            }
            Verdict::TakenBy(by) => {
                let by = self.place(*by);
                ("taken_before", format!("it takes the touchpoint, which route {by} brings to {to} already"))
            }
            Verdict::OtherOffer => {
                let is =
                    touchpoint.offer.as_ref().map_or("names no offer".to_owned(), |it| format!("is of {it}"));
                ("other_offer", format!("it is for {}, and the touchpoint {is}", route.offers))
            }
            Verdict::FilterFalse(part) => {
                ("filter_false", format!("its filter is not fulfilled: `{part}` is false"))
            }
            Verdict::Troubled(trouble) => {
                ("filter_troubled", format!("its filter cannot be told, so it does not take it: {trouble}"))
            }
            Verdict::StoppedBy(by) => {
                let by = self.place(*by);
                ("stopped", format!("route {by} takes the touchpoint and lets no later route look at it"))
            }
        }
    }

    fn touchpoint(
        &self,
        (kept, keys): (&StoredTouchpoint, &Keys),
        deliveries: &[&Delivery],
    ) -> wire::TouchpointRouting {
        let read = bodies::read_back(self.publisher, kept);
        let verdicts = read.as_ref().map(|it| routing::explain(it, self.routes())).unwrap_or_default();
        let routes = read.as_ref().map(|it| self.verdicts(it, &verdicts)).unwrap_or_default();
        let mut summary = Vec::new();
        if read.is_err() {
            summary.push("Its kept bytes cannot be read any more, so no route can look at it.".to_owned());
        }
        if !kept.routing_trouble.is_empty() {
            summary.push(format!("When it came, a filter could not be told: {}.", kept.routing_trouble));
        }
        for delivery in deliveries {
            summary.push(self.delivery(delivery, &verdicts));
        }
        for destination in self.goes_to(&verdicts) {
            if !deliveries.iter().any(|it| it.id.destination == destination) {
                let name = self.destination(destination);
                let to = if kept.routed { format!(" --to {name}") } else { String::new() };
                summary.push(format!(
                    "A route leads it to {name} now, and none did when it came. \
                     `leadwire replay start {}{to}` brings it.",
                    self.publisher
                ));
            }
        }
        let is_taken = |it: &Verdict| matches!(it, Verdict::Takes | Verdict::Holds);
        if deliveries.is_empty() && !verdicts.iter().any(is_taken) {
            summary.push("No route takes it. It is kept as unrouted.".to_owned());
        }
        wire::TouchpointRouting {
            touchpoint: touchpoint_shape(self.publisher, kept, keys),
            deliveries: deliveries.iter().map(|it| delivery_shape(self.setup, self.publisher, it)).collect(),
            routes,
            summary,
        }
    }

    fn delivery(&self, it: &Delivery, verdicts: &[Verdict]) -> String {
        let name = self.destination(it.id.destination);
        let how = match (it.state.as_str(), it.cause.as_str()) {
            (state, "") => state.to_owned(),
            (state, "do_not_contact") => format!("{state}, since the customer must not be contacted"),
            (state, cause) => format!("{state} ({cause})"),
        };
        let leads_there = self.routes().iter().zip(verdicts).any(|(route, verdict)| {
            route.destination == it.id.destination && matches!(verdict, Verdict::Takes | Verdict::Holds)
        });
        let since = if leads_there { "" } else { " No route leads it there now." };
        format!("It was routed to {name}: {how}.{since}")
    }
}
