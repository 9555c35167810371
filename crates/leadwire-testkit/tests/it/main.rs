//! The program from outside: intake, delivery, API, restarts and faults. One binary, real sockets, a settable clock.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod azure_table;
mod batches;
mod breakdowns;
mod browser;
mod canary;
mod contract;
mod delivery;
mod dynamics;
mod email;
mod erasure;
mod faults;
mod feedback;
mod follow_ups;
mod hostile;
mod hubspot;
mod import;
mod intake;
mod journey;
mod kills;
mod lost_answers;
mod marketo;
mod matrix;
mod merges;
mod pages;
mod peers;
mod proof;
mod restarts;
mod routes;
mod salesforce;
mod secrets;
mod standing;
mod verifiers;
mod watch;
mod withhold;
