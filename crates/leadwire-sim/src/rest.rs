//! The laws of rest: a lane does not wait while it could work, and does not work for nothing.

use crate::rows::{Delivery, Rows, State};
use crate::world::World;
use leadwire_core::lane::{Gate, Turn, Turned};

/// Leads wait for a full batch, and for an old word to be asked about again; the rest is for standstills and doubts.
const PATIENCE: i64 = (3600 + 15 * 60 + 15 * 60) * 1000;

/// Turns in a minute that tell nothing and bring nothing: what rings a lane asks for some, a lane that goes round in circles
/// makes thousands.
const IDLE_TURNS_MAX: u32 = 300;

/// The turns of a lane that were for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Idle {
    minute: i64,
    turns: u32,
}

impl<R: Rows> World<R> {
    /// A lane at rest makes no turns.
    pub(crate) fn check_idle(&mut self, lane: usize, turn: &Turn, turned: &Turned) {
        let tells = !turn.settled.is_empty() || !turn.released.is_empty() || turn.gate.is_some();
        if tells || !turned.claims.is_empty() {
            return;
        }
        let minute = self.now / 60_000;
        let idle = &mut self.idle[lane];
        if idle.minute != minute {
            *idle = Idle { minute, turns: 0 };
        }
        idle.turns += 1;
        let turns = idle.turns;
        self.checks.law(turns <= IDLE_TURNS_MAX, "a lane does not go round in circles", || {
            format!("lane {lane}: {turns} turns within a minute for nothing")
        });
    }

    /// Once nothing goes wrong any more, nobody waits while there are calls.
    pub(crate) fn check_patience(&mut self) {
        let (now, clock) = (self.now, self.clock().millis());
        for lane in 0..self.plan.lanes.len() {
            let Some(account) = self.plan.lanes[lane].account else { continue };
            let ledger = &self.ledgers[account];
            let since = ledger.last_left.max(self.quiet_since[lane]);
            if since == 0 || now - since < PATIENCE || self.rows.model().lanes[lane].gate != Gate::Open {
                continue;
            }
            let deliveries = &self.rows.model().deliveries;
            // What rides waits for another one of its lead.
            let rides = |it: &Delivery| {
                let is_before = |that: &Delivery| {
                    (that.lane, that.lead, that.state) == (it.lane, it.lead, State::Pending)
                        && that.touchpoint < it.touchpoint
                };
                it.claim > 0 && deliveries.iter().any(is_before)
            };
            let waits = |it: &Delivery| {
                let is_due = it.due_at <= clock - PATIENCE;
                it.lane == lane && it.state == State::Pending && it.claim >= 0 && is_due && !rides(it)
            };
            let has_calls = ledger.plan.windows.iter().zip(&ledger.heard).all(|(window, heard)| {
                let ours = window.known(heard.is_some()).unwrap_or(u32::MAX);
                let least = ledger.plan.budget.cost.least(1).min(ours);
                ours.saturating_sub(ledger.used(window, clock - PATIENCE)) >= least
            });
            let stuck = has_calls.then(|| self.rows.model().deliveries.iter().find(|it| waits(it))).flatten();
            let told = stuck.map(|it| format!("{it:?}"));
            self.checks.law(told.is_none(), "nobody waits while calls are left", || told.unwrap_or_default());
        }
    }
}
