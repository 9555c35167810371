//! What people and accidents do: outages and their ends, pauses, retries, erasures, and the end of all faults.

use crate::check::Goal;
use crate::plan::Fault;
use crate::rows::Rows;
use crate::world::{Event, LaneTask, World};
use leadwire_core::lane::{Gate, paused_by_person};

impl<R: Rows> World<R> {
    pub(crate) fn erase(&mut self, customer: u64) {
        if !self.is_up {
            self.after(1000, Event::Erases(customer));
            return;
        }
        let (id, clock) = (self.next_id, self.clock());
        self.next_id += 1;
        let Some(erased) = self.rows.erase(customer, id, clock) else { return };
        self.checks.erased(&erased);
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        let wait = self.dice.within(0, 2);
        self.after(wait, Event::EraseTold(erased.lead, erased.told));
    }

    pub(crate) fn strike(&mut self, fault: Fault) {
        if self.is_healed {
            return;
        }
        let lane = self.dice.index(self.crms.len());
        let wait = *self.dice.pick(&[3_000, 60_000, 900_000, 7_200_000]);
        match fault {
            Fault::Kill => self.kill(),
            Fault::PowerCut => {
                self.checks.reach(Goal::PowerCut);
                self.kill();
                self.rows.lose_power();
                self.checks.after_power_cut(self.rows.model());
            }
            Fault::Standstill => {
                let millis = *self.dice.pick(&[2_000, 130_000, 400_000]);
                self.stand_still(millis);
                self.checks.reach(Goal::StoodStill);
            }
            Fault::LanePanic if self.is_up => {
                self.checks.reach(Goal::LanePanicked);
                self.tasks[lane] = LaneTask::default();
                self.let_go_of_requests(lane);
                self.after(1, Event::Takes(lane));
            }
            Fault::NodeLost if self.is_up => self.lose_node(lane),
            Fault::LaneMoves if self.is_up => self.move_lane(lane),
            Fault::Outage | Fault::Credential | Fault::Gone => {
                self.crms[lane].trouble = Some(fault);
                self.checks.down(lane, fault, self.now);
                self.after(wait, Event::Mends(lane, fault));
            }
            Fault::PersonPauses if self.is_up => {
                let gate = paused_by_person(self.clock());
                self.rows.set_gate(lane, gate);
                self.checks.person_paused(lane);
                self.reshape(lane);
                self.after(wait, Event::Mends(lane, fault));
            }
            Fault::PersonRetries if self.is_up => {
                let clock = self.clock();
                self.rows.retry_parked(lane, clock);
                self.ring(lane);
            }
            _ => {}
        }
    }

    /// The set-up changed, which every lane hears of.
    pub(crate) fn reshape(&mut self, lane: usize) {
        let shape = self.plan.lanes[lane].shape;
        if let Some(hand) = &mut self.tasks[lane].hand {
            hand.reshape(shape);
            self.pump(lane);
        }
    }

    pub(crate) fn mend(&mut self, lane: usize, fault: Fault) {
        if self.crms[lane].trouble == Some(fault) {
            self.crms[lane].trouble = None;
            self.checks.up(lane);
        }
        // What a person paused, and what said that it is gone, a person resumes.
        let is_persons = matches!(fault, Fault::PersonPauses | Fault::Gone);
        let waits = |gate: &Gate| gate.pause().is_some_and(|it| it.probe_at.is_none());
        if is_persons && waits(&self.rows.model().lanes[lane].gate) {
            self.rows.set_gate(lane, Gate::Open);
            self.checks.person_resumed(lane);
            self.reshape(lane);
        }
    }

    pub(crate) fn heal(&mut self) {
        self.is_healed = true;
        self.quiet_since.iter_mut().for_each(|it| *it = self.now);
        for lane in 0..self.crms.len() {
            if let Some(fault) = self.crms[lane].trouble {
                self.mend(lane, fault);
            }
            // Somebody looks after it, also after what comes late.
            for hour in 0..4 {
                self.after(hour * 3_600_000, Event::Mends(lane, Fault::PersonPauses));
            }
        }
        if !self.is_up {
            self.after(0, Event::Starts);
        }
    }
}
