//! Bringing touchpoints to destinations: a lane for each, and nothing shared between them.

mod attempt;
mod bulk;
mod bulk_steps;
mod door;
mod handover;
mod lane;
mod lanes;
mod payload;

pub use lanes::{Lanes, LanesEnded, Place, Places};
