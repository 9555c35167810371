//! Simulated services that Leadwire delivers to: as strict as the real ones or stricter, never more lenient.
//!
//! They ship in the program, because demo, rehearsal, tests and benchmarks all run on them.

pub mod https_endpoint;
mod listen;
pub mod salesforce;
pub mod salesforce_web_to_lead;
pub mod service;
pub mod webhook_signature;
