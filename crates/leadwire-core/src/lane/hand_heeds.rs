//! What a hand makes of what a call says of the destination as a whole.

use super::Hand;
use crate::defect::{Defect, seeded};
use crate::lane::breaker::{self, Sign, Trouble};
use crate::lane::{Claim, Gate};
use crate::outcome::Tried;
use crate::time::{Jitter, Timestamp};

impl<C> Hand<C> {
    /// Looks at what a call says of the destination as a whole.
    pub(super) fn heed(&mut self, tries: &[(Claim, Tried)], now: Timestamp, jitter: Jitter) {
        match breaker::sign(tries.iter().map(|it| &it.1)) {
            Sign::Silent => {}
            Sign::Alive => {
                self.trouble = Trouble::default();
                self.ramp = (self.ramp * 2).min(self.shape.in_flight);
                if matches!(self.gate, Gate::Tripped(_)) && !seeded(Defect::NeverOpens) {
                    self.change(Gate::Open);
                }
            }
            Sign::Failing => {
                // What rides with another one is no further lead that fails.
                let is_down =
                    self.trouble.count(tries.iter().filter(|it| !it.0.rides).map(|it| it.0.touchpoint));
                if is_down
                    && !seeded(Defect::NeverTrips)
                    && self.gate == Gate::Open
                    && let Some((_, tried)) = tries.first()
                {
                    self.change(breaker::tripped(&tried.evidence, now, jitter));
                }
            }
        }
    }

    pub(super) fn change(&mut self, gate: Gate) {
        if gate != Gate::Open && !seeded(Defect::NoRamp) {
            self.ramp = 1;
        }
        self.gate = gate.clone();
        if !seeded(Defect::GateIsNotTold) {
            self.gate_changed = Some(gate);
        }
    }
}
