//! The portal: pages for people, made on the server and complete without a script.
//!
//! It knows nothing of its own: every page asks the endpoints of the API from within, with the rights of whoever is signed in,
//! so there is one table of rights, one text of SQL for each question, and one audit log.

mod account;
mod again;
mod alerts;
mod audit;
mod calls;
mod chart;
mod connect;
mod deliveries;
mod destination;
mod destinations;
mod entry;
mod export;
mod failures;
mod fields;
mod figures;
mod follow_ups;
mod forgot;
mod form;
mod go;
mod guest;
mod icons;
mod identity;
mod keys;
mod leads;
mod listing;
mod mapping;
mod mapping_form;
mod offers;
mod overview;
mod provider;
mod qr;
mod quarantine;
mod replays;
mod reports;
mod retention;
mod route;
mod rules;
mod settings;
mod shell;
mod sign_in;
mod statements;
mod suggestions;
mod tabs;
mod told;
mod unrouted;
mod users;
mod views;
mod visit;
mod way;
mod words;
mod zone;

use crate::api::Problem;
use crate::app::App;
use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use visit::Visit;

/// Who may come to a page. What is on it, the endpoints that it asks decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// Everybody.
    ToAll,
    /// Whoever is signed in.
    ToUsers,
}

type Handler = fn(Visit) -> BoxFuture<'static, Result<Response, Problem>>;

/// One page, or one form.
struct Page {
    method: Method,
    path: &'static str,
    open: Open,
    handler: Handler,
}

macro_rules! page {
    ($method:ident $path:literal, $open:ident, $handler:path) => {
        Page {
            method: Method::$method,
            path: $path,
            open: Open::$open,
            handler: |visit| Box::pin($handler(visit)),
        }
    };
}

/// Every page.
#[rustfmt::skip]
static PAGES: &[Page] = &[
    page!(GET "/sign-in", ToAll, sign_in::show),
    page!(POST "/sign-in", ToAll, sign_in::sign_in),
    page!(GET "/sign-in/code", ToAll, sign_in::show_code),
    page!(POST "/sign-in/code", ToAll, sign_in::finish),
    page!(GET "/sign-in/with/{provider}", ToAll, provider::begin),
    page!(GET "/sign-in/back/{provider}", ToAll, provider::come_back),
    page!(GET "/forgot", ToAll, forgot::show),
    page!(POST "/forgot", ToAll, forgot::ask),
    page!(GET "/first/{token}", ToAll, sign_in::show_first),
    page!(POST "/first/{token}", ToAll, sign_in::choose),
    page!(GET "/enter/{token}", ToAll, guest::enter),
    page!(POST "/look", ToAll, sign_in::set_look),
    page!(POST "/sign-out", ToUsers, sign_in::sign_out),
    page!(GET "/account", ToUsers, account::show),
    page!(POST "/account/{deed}", ToUsers, account::act),
    page!(GET "/account/again/{provider}", ToUsers, provider::begin_again),
    page!(GET "/", ToUsers, overview::show),
    page!(GET "/leads", ToUsers, leads::list),
    page!(POST "/leads/csv", ToUsers, export::leads),
    page!(GET "/leads/{lead}", ToUsers, leads::show),
    page!(POST "/leads/{lead}/{deed}", ToUsers, leads::decide),
    page!(GET "/suggestions", ToUsers, suggestions::list),
    page!(POST "/suggestions/{suggestion}/{deed}", ToUsers, suggestions::decide),
    page!(GET "/deliveries", ToUsers, deliveries::list),
    page!(GET "/deliveries/csv", ToUsers, export::deliveries),
    page!(GET "/deliveries/{delivery}", ToUsers, deliveries::show),
    page!(POST "/deliveries/{delivery}/retry", ToUsers, deliveries::retry),
    page!(GET "/failures", ToUsers, failures::list),
    page!(POST "/failures/retry", ToUsers, failures::retry),
    page!(GET "/unrouted", ToUsers, unrouted::list),
    page!(GET "/replays", ToUsers, replays::list),
    page!(GET "/replays/new", ToUsers, replays::new),
    page!(POST "/replays/new", ToUsers, replays::count),
    page!(GET "/replays/{replay}", ToUsers, replays::show),
    page!(POST "/replays/{replay}/{deed}", ToUsers, replays::act),
    page!(GET "/quarantine", ToUsers, quarantine::list),
    page!(GET "/quarantine/{quarantined}", ToUsers, quarantine::show),
    page!(POST "/quarantine/{quarantined}/retry", ToUsers, quarantine::retry),
    page!(POST "/quarantine/{quarantined}/repair", ToUsers, quarantine::repair),
    page!(GET "/destinations", ToUsers, destinations::list),
    page!(GET "/connect", ToUsers, connect::choose),
    page!(GET "/connect/{kind}", ToUsers, connect::show),
    page!(POST "/connect/{kind}", ToUsers, connect::add),
    page!(GET "/destinations/{destination}", ToUsers, destination::show),
    page!(GET "/destinations/{destination}/edit", ToUsers, connect::edit),
    page!(POST "/destinations/{destination}/edit", ToUsers, connect::change),
    page!(GET "/destinations/{destination}/mapping", ToUsers, mapping::show),
    page!(POST "/destinations/{destination}/mapping", ToUsers, mapping::act),
    page!(POST "/destinations/{destination}/mapping/back", ToUsers, mapping::back),
    page!(POST "/destinations/{destination}/{deed}", ToUsers, destination::act),
    page!(GET "/offers", ToUsers, offers::list),
    page!(POST "/offers", ToUsers, offers::add),
    page!(GET "/offers/{offer}", ToUsers, offers::show),
    page!(GET "/offers/{offer}/listing", ToUsers, listing::show),
    page!(POST "/offers/{offer}/listing", ToUsers, listing::save),
    page!(POST "/offers/{offer}/{deed}", ToUsers, offers::act),
    page!(GET "/routes", ToUsers, route::list),
    page!(POST "/routes/try", ToUsers, route::attempt),
    page!(GET "/routes/new", ToUsers, route::new),
    page!(POST "/routes/new", ToUsers, route::add),
    page!(GET "/routes/{route}", ToUsers, route::edit),
    page!(POST "/routes/{route}/{deed}", ToUsers, route::act),
    page!(GET "/audit", ToUsers, audit::list),
    page!(POST "/audit/checkpoint", ToUsers, audit::checkpoint),
    page!(GET "/reports", ToUsers, reports::show),
    page!(GET "/reports/csv", ToUsers, reports::load),
    page!(GET "/go", ToUsers, go::show),
    page!(GET "/settings", ToUsers, tabs::first),
    page!(GET "/settings/keys", ToUsers, keys::list),
    page!(POST "/settings/keys", ToUsers, keys::add),
    page!(POST "/settings/keys/{key}/revoke", ToUsers, keys::revoke),
    page!(GET "/settings/alerts", ToUsers, alerts::list),
    page!(POST "/settings/alerts/{deed}", ToUsers, alerts::act),
    page!(GET "/settings/follow-ups", ToUsers, follow_ups::list),
    page!(GET "/settings/follow-ups/new", ToUsers, follow_ups::new),
    page!(POST "/settings/follow-ups/new", ToUsers, follow_ups::add),
    page!(GET "/settings/follow-ups/{follow_up}", ToUsers, follow_ups::show),
    page!(POST "/settings/follow-ups/{follow_up}/{deed}", ToUsers, follow_ups::act),
    page!(GET "/settings/identity", ToUsers, identity::show),
    page!(POST "/settings/identity", ToUsers, identity::save),
    page!(POST "/settings/identity/reset", ToUsers, identity::reset),
    page!(GET "/settings/interest", ToUsers, rules::interest),
    page!(POST "/settings/interest", ToUsers, rules::put_interest),
    page!(POST "/settings/interest/reset", ToUsers, rules::reset_interest),
    page!(GET "/settings/withhold", ToUsers, rules::withhold),
    page!(POST "/settings/withhold", ToUsers, rules::add_withhold),
    page!(POST "/settings/withhold/remove", ToUsers, rules::remove_withhold),
    page!(GET "/settings/retention", ToUsers, retention::show),
    page!(POST "/settings/retention", ToUsers, retention::save),
    page!(POST "/settings/privacy", ToUsers, retention::save_privacy),
    page!(GET "/settings/statements", ToUsers, statements::list),
    page!(GET "/settings/statements/{day}", ToUsers, statements::load),
    page!(POST "/views/{deed}", ToUsers, views::act),
    page!(GET "/users", ToUsers, users::list),
    page!(POST "/users", ToUsers, users::add),
    page!(POST "/users/{user}/link", ToUsers, users::renew_link),
    page!(POST "/users/{user}/letter", ToUsers, users::send_letter),
    page!(POST "/users/{user}/remove", ToUsers, users::remove),
    page!(POST "/users/{user}/remove-factor", ToUsers, users::remove_factor),
    page!(POST "/users/{user}/unbind", ToUsers, users::unbind),
];

/// Every page and form with its method: for whoever looks at all of them.
pub fn pages() -> impl Iterator<Item = (&'static Method, &'static str)> {
    PAGES.iter().map(|it| (&it.method, it.path))
}

/// The portal's addresses.
pub fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for page in PAGES {
        let app = Arc::clone(app);
        let filter =
            MethodFilter::try_from(page.method.clone()).expect("only usual methods are in the table");
        router = router.route(
            page.path,
            on(filter, move |path: Result<RawPathParams, _>, request: Request| {
                let app = Arc::clone(&app);
                async move { entry::answer(app, page, path.ok(), request).await }
            }),
        );
    }
    router.route("/static/{name}", axum::routing::get(entry::file))
}
