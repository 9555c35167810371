//! What a lead is and what to do with it next: pure values and functions, no I/O, no clock, no dice, no async.
//!
//! Reading order: [`touchpoint`] is what came in, [`identity`] says whose it is, [`outcome`] is what came
//! of an attempt, and [`retry`] and [`lane`] decide what happens next.

pub mod accent;
pub mod audit;
pub mod backup;
pub mod budget;
pub mod bulk;
pub mod clocks;
pub mod country;
pub mod defect;
pub mod device;
pub mod email;
pub mod erasure;
pub mod feedback;
pub mod filter;
pub mod follow_up;
pub mod hex;
pub mod history;
pub mod id;
pub mod identity;
pub mod interest;
pub mod json;
pub mod lane;
pub mod language;
pub mod lead;
pub mod lead_source;
pub mod limits;
pub mod listing;
pub mod mapping;
pub mod mask;
pub mod near;
pub mod notice;
pub mod outcome;
pub mod partner_center;
pub mod phone;
pub mod rate;
pub mod refusal;
pub mod report;
pub mod retry;
pub mod rfc3339;
pub mod routing;
pub mod search;
pub mod secret;
pub mod silence;
pub mod spread;
pub mod standing;
pub mod text;
pub mod time;
pub mod totp;
pub mod touchpoint;
pub mod withhold;
