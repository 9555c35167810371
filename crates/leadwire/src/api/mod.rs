//! The HTTP API: one table of endpoints, one way in that checks who may do what, and the server around both.

mod answer;
mod audit;
mod budgets;
mod call;
mod destinations;
mod endpoints;
mod erasures;
mod failures;
mod feedback;
mod follow_ups;
mod health;
mod intake;
mod keys;
mod ledger;
mod merges;
mod offers;
mod openapi;
mod page;
mod problem;
mod proof;
mod read;
mod replays;
mod reports;
mod routes;
mod routing;
mod secrets;
mod server;
mod setup;
mod standing;
mod taken;
pub mod wire;
mod withhold;

pub use destinations::connector_shape;
pub use endpoints::{ENDPOINTS, Endpoint, Tenancy};
pub use openapi::describe as openapi_document;
pub use server::{Server, serve_metrics};
