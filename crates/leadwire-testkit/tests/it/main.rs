//! The program from outside: intake, delivery, API, restarts and faults. One binary, real sockets, a settable clock.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod batches;
mod canary;
mod delivery;
mod faults;
mod hostile;
mod hubspot;
mod intake;
mod kills;
mod marketo;
mod matrix;
mod peers;
mod proof;
mod restarts;
mod salesforce;
mod secrets;
mod verifiers;
mod watch;
