//! The program: intake, delivery, API and command line, wired together. Nobody depends on it but its tests.

pub mod access;
pub mod api;
pub mod app;
pub mod bodies;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod directory;
pub mod disk;
pub mod erasure;
pub mod flood;
pub mod housekeeping;
pub mod intake;
pub mod proof;
pub mod replay;
pub mod secrets;
pub mod telemetry;
pub mod vault;
pub mod watch;
