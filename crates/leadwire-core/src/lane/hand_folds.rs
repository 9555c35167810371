//! A hand with several deliveries of one lead, which go in one request where one write of a record says them all.

use super::Hand;
use crate::defect::{Defect, seeded};
use crate::id::LeadId;
use crate::lane::Claim;
use crate::outcome::{Fault, Outcome, Tried};
use std::collections::HashSet;

impl<C> Hand<C> {
    /// Leads of which several deliveries were refused together. One of them may be at fault, and the others are not parked
    /// for it: they go one by one.
    pub(super) fn part(&mut self, tries: &[(Claim, Tried)]) -> HashSet<LeadId> {
        if !tries.iter().any(|it| it.0.rides) || seeded(Defect::FoldedAreParkedTogether) {
            return HashSet::new();
        }
        let is_refused = |it: &&(Claim, Tried)| matches!(it.1.outcome, Outcome::NotDone(Fault::Park));
        let mut parted = HashSet::new();
        for (claim, _) in tries.iter().filter(|it| it.0.rides) {
            let of_lead = || tries.iter().filter(|it| it.0.lead == claim.lead);
            if of_lead().all(|it| is_refused(&it)) && of_lead().count() > 1 && parted.insert(claim.lead) {
                self.queue.part(claim.lead);
            }
        }
        parted
    }
}

#[cfg(test)]
#[path = "hand_folds_tests.rs"]
mod tests;
