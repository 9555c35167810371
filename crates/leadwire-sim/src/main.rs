//! The simulator: the real decisions of a lane against simulated time, destinations, people and failures.
//!
//! A schedule follows from its seed alone. See `docs/faults.md` for how it is run and what it found.

mod account;
mod backlog;
mod calls;
mod check;
mod crm;
mod desk;
mod dice;
mod goal;
mod ledger;
mod mistake;
mod model;
mod nodes;
mod outage;
mod people;
mod plan;
mod program;
mod real;
mod rest;
mod rows;
mod run;
mod scenes;
mod send;
mod settle;
mod wire;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run::command(&arguments)
}
