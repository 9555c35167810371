//! The program: intake, delivery, API and command line, wired together. Nobody depends on it but its tests.

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
pub mod bodies;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod directory;
pub mod disk;
pub mod erasure;
pub mod feedback;
pub mod flood;
pub mod follow_ups;
pub mod housekeeping;
pub mod intake;
pub mod merging;
pub mod proof;
pub mod replay;
pub mod report;
pub mod secrets;
pub mod suggest;
pub mod telemetry;
pub mod vault;
pub mod watch;
