//! Endpoints of routes: which touchpoints go where, and in which order that is looked at.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::{bad_name, done, own_offer};
use super::wire::{self, List, moment};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::filter::{BadFilter, Filter};
use leadwire_core::id::{DestinationNo, PublisherId, RouteId};
use leadwire_core::refusal::Refusal;
use leadwire_core::routing::{Offers, When};
use leadwire_store::audit::Deed;
use leadwire_store::setup::{Change, RouteChange, StoredRoute};

/// `GET /v1/routes`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    Ok(answer::json(StatusCode::OK, &List { items: shapes(&call) }))
}

/// `POST /v1/routes`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::NewRoute = call.json()?;
    let route = StoredRoute {
        publisher: call.publisher(),
        id: RouteId::new(call.app.ids.next(call.app.clock.steady())),
        offers: offers(&call, &new.offer)?,
        filter: filter(new.filter.as_deref().unwrap_or_default())?,
        destination: destination(&call, &new.destination)?,
        stop: new.stop,
        created_at: call.app.clock.wall(),
    };
    let id = route.id;
    Deed::about(&id.to_string());
    let made = call.app.store.add_route_at(route, place(new.position)?.unwrap_or(usize::MAX)).await?;
    done(&call, made, "/offer").await?;
    Ok(answer::json(StatusCode::CREATED, &shape_of(&call, id)?))
}

/// `PATCH /v1/routes/{route}`
pub(super) async fn change(call: Call) -> Result<Response, Problem> {
    let id = RouteId::parse(call.path("route")).map_err(|_| Problem::not_found())?;
    let wish: wire::RouteChange = call.json()?;
    let change = RouteChange {
        offers: wish.offer.as_deref().map(|it| offers(&call, it)).transpose()?,
        filter: wish.filter.as_deref().map(filter).transpose()?,
        destination: wish.destination.as_deref().map(|it| destination(&call, it)).transpose()?,
        stop: wish.stop,
        position: place(wish.position)?,
    };
    let changed = call.app.store.change_route(call.publisher(), id, change).await?;
    done(&call, changed, "/offer").await?;
    Ok(answer::json(StatusCode::OK, &shape_of(&call, id)?))
}

/// `POST /v1/routes/order`
pub(super) async fn order(call: Call) -> Result<Response, Problem> {
    let wish: wire::RouteOrder = call.json()?;
    let ids = wish.routes.iter().enumerate().map(|(at, id)| {
        let bad = |error: leadwire_core::id::BadId| bad_name(&format!("/routes/{at}"), &error);
        RouteId::parse(id).map_err(bad)
    });
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let ordered = call.app.store.order_routes(call.publisher(), ids).await?;
    if ordered == Change::Missing {
        let (what, fix) =
            ("these are not all routes, each once", "list the routes and name each of them once");
        let refusal = Refusal::new("/routes", "not_all_routes", what, fix);
        return Err(Problem::from(refusal).with_status(StatusCode::CONFLICT));
    }
    done(&call, ordered, "/routes").await?;
    list(call).await
}

/// `DELETE /v1/routes/{route}`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let route = RouteId::parse(call.path("route")).map_err(|_| Problem::not_found())?;
    let removed = call.app.store.remove_route(call.publisher(), route).await?;
    done(&call, removed, "").await?;
    Ok(answer::empty())
}

/// Reads which offers a route takes: one that is there, a start, or all.
pub(super) fn offers(call: &Call, text: &str) -> Result<Offers, Problem> {
    let publisher = call.publisher();
    if text.contains('*') {
        return pattern(&publisher, text);
    }
    let offer = own_offer(&publisher, text, "/offer")?;
    if !call.app.directory.now().has_offer(&publisher, &offer) {
        let fix = "add it first, or use the start of its id with a `*` behind it, or `*` for all offers";
        return Err(Refusal::new("/offer", "unknown_offer", "there is no such offer", fix).into());
    }
    Ok(Offers::One(offer))
}

fn pattern(publisher: &PublisherId, text: &str) -> Result<Offers, Problem> {
    let own = text.trim().strip_prefix(publisher.as_str()).and_then(|it| it.strip_prefix('.'));
    Offers::parse(own.unwrap_or(text)).map_err(|_| {
        let fix = "write `*`, or the start of an offer's id with a `*` behind it, such as `crm-*`";
        Refusal::new("/offer", "bad_pattern", "this is no pattern of offers", fix).into()
    })
}

/// Checks a filter and gives it as it is kept; the empty text is none.
pub(super) fn filter(text: &str) -> Result<String, Problem> {
    match text.trim() {
        "" => Ok(String::new()),
        text => match Filter::parse(text) {
            Ok(filter) => Ok(filter.as_str().to_owned()),
            Err(bad) => Err(bad_filter(&bad)),
        },
    }
}

/// What is wrong with a filter. It quotes names of the filter, which is the caller's own.
pub(super) fn bad_filter(bad: &BadFilter) -> Problem {
    Refusal::new("/filter", bad.code, bad.to_string(), bad.fix.clone()).into()
}

pub(super) fn destination(call: &Call, name: &str) -> Result<DestinationNo, Problem> {
    let found = call.app.directory.now().destination(&call.publisher(), name).map(|it| it.number);
    found.ok_or_else(|| {
        let (what, fix) = ("there is no such destination", "add it first, or name one that exists");
        Refusal::new("/destination", "unknown_destination", what, fix).into()
    })
}

fn place(position: Option<usize>) -> Result<Option<usize>, Problem> {
    if position == Some(0) {
        let fix = "the first is 1";
        return Err(Refusal::new("/position", "bad_position", "there is no place 0", fix).into());
    }
    Ok(position)
}

fn shape_of(call: &Call, id: RouteId) -> Result<wire::Route, Problem> {
    let id = id.to_string();
    // Somebody may have removed it since.
    shapes(call).into_iter().find(|it| it.id == id).ok_or_else(Problem::not_found)
}

fn shapes(call: &Call) -> Vec<wire::Route> {
    let (publisher, setup) = (call.publisher(), call.app.directory.now());
    let ready = setup.routes(&publisher);
    let own = setup.setup.routes.iter().filter(|it| it.publisher == publisher);
    let shape = |(at, it): (usize, &StoredRoute)| {
        let number = it.destination.to_string();
        let problem = ready.iter().find(|ready| ready.id == it.id).and_then(|ready| match &ready.when {
            When::Unreadable(why) => Some(why.to_string()),
            When::Always | When::If(_) => None,
        });
        wire::Route {
            id: it.id.to_string(),
            position: at + 1,
            offer: offers_shape(&publisher, &it.offers),
            filter: Some(it.filter.clone()).filter(|it| !it.is_empty()),
            destination: setup.destination(&publisher, &number).map_or(number, |it| it.name.clone()),
            stop: it.stop,
            created_at: moment(it.created_at),
            problem,
        }
    };
    own.enumerate().map(shape).collect()
}

/// Which offers, as people write it: with the publisher, but for all.
pub(super) fn offers_shape(publisher: &PublisherId, offers: &Offers) -> String {
    match offers {
        Offers::All => "*".to_owned(),
        Offers::One(_) | Offers::StartingWith(_) => format!("{publisher}.{offers}"),
    }
}
