//! A simulated destination: one record for each key, the newest write wins, and what it may refuse.

use crate::plan::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// A record of a lead.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) lead: u64,
    /// The touchpoint that was written last.
    pub(crate) touchpoint: u64,
    pub(crate) contactable: bool,
}

/// A destination, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Crm {
    pub(crate) records: BTreeMap<u128, Record>,
    /// Leads whose records were deleted.
    pub(crate) deleted: BTreeSet<u64>,
    pub(crate) trouble: Option<Fault>,
}

/// What is the matter with a touchpoint, the same whenever it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    Fine,
    /// Its record is refused.
    Refused,
    /// The whole batch is.
    SpoilsBatch,
}
