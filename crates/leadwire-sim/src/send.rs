//! The laws of the moment at which a request leaves.

use crate::check::{Checks, Goal, lead, small};
use crate::rows::Rows;
use crate::wire::Request;
use crate::world::{World, exclusive_key, size_of};
use leadwire_core::lane::Claim;
use leadwire_core::limits;
use std::collections::BTreeSet;

impl<R: Rows> World<R> {
    /// What must be so when a request leaves.
    pub(crate) fn check_send(&mut self, lane: usize, claims: &[Claim]) {
        let (now, clock) = (self.now, self.clock());
        let Some(gate) = self.gate(lane) else { return };
        let plan = self.plan.lanes[lane];
        // What a node that is gone has under way is its own: it is another's number, and leads wait for it.
        let token = self.tasks[lane].hand.as_ref().map(|it| it.token().number());
        let ours: Vec<&Request> =
            self.wire.alive(lane).filter(|it| it.is_open && Some(it.token) == token).collect();
        let open = ours.len();
        let (keys, leads): (BTreeSet<String>, BTreeSet<_>) =
            claims.iter().map(|it| (exclusive_key(it), it.lead)).unzip();
        let shared = |it: &Claim| keys.contains(&exclusive_key(it));
        let key_clash =
            plan.has_keys && (keys.len() < leads.len() || ours.iter().any(|it| it.claims.iter().any(shared)));
        let overtaken = |claim: &Claim| {
            let mut others = self.wire.alive(lane).flat_map(|it| &it.claims);
            others.any(|it| it.lead == claim.lead && it.touchpoint != claim.touchpoint)
        };
        let overtaken = claims.iter().find(|it| overtaken(it)).map(lead);
        let lease = self.rows.model().lanes[lane].leased_until - clock.millis();
        let attempt = i64::try_from(limits::ATTEMPT_WAIT.as_millis()).expect("minutes");
        let checks = &mut self.checks;
        checks.law(lease >= attempt, "a request begins under a lease that outlives it", || {
            format!("{lease} ms")
        });
        checks
            .law(overtaken.is_none(), "nothing overtakes a request of its lead", || format!("{overtaken:?}"));
        checks.law(!key_clash, "one request of an exclusive key is under way", || format!("{keys:?}"));
        checks.law(open < plan.shape.in_flight, "no more requests than are allowed", || format!("{open}"));
        checks.law(claims.len() <= plan.shape.batch_max, "no larger batch than is taken", String::new);
        checks.batch(claims);
        for claim in claims.iter().filter(|it| !it.standing.erases) {
            let is_erased = checks.erased.contains(&lead(claim));
            checks.law(!is_erased, "nothing of an erased person is sent", || format!("{claim:?}"));
            let hides = checks.refusing.contains(&lead(claim)) && !claim.standing.do_not_contact;
            checks.law(!hides, "who refused is never sent as one to be contacted", || format!("{claim:?}"));
            if checks.refusing.contains(&lead(claim)) {
                checks.reach(Goal::RefusedInHand);
            }
        }
        let seen = &mut checks.lanes[lane];
        let (ramp, held_until) = (seen.ramp.max(1), seen.held_until);
        let calls = seen.down.as_mut().map(|(since, calls)| {
            *calls += 1;
            (*since, *calls)
        });
        let restarts = seen.restarts;
        checks.law(held_until <= now, "who asked for peace has it", || {
            format!("{} ms early", held_until - now)
        });
        match gate.pause() {
            None => checks.law(open < ramp, "a lane starts slowly", || format!("{open} of {ramp}")),
            Some(pause) => {
                let is_due = pause.probe_at.is_some_and(|it| it <= clock);
                let may = is_due && claims.len() == 1;
                checks.law(may, "a lane that is shut sends a probe, when it is due", || format!("{gate:?}"));
            }
        }
        if let Some((since, calls)) = calls {
            let minutes = u64::try_from((now - since) / 60_000).unwrap_or(0);
            let most = 90 + 40 * restarts + minutes;
            checks.law(calls <= most, "a destination that is down is left in peace", || {
                format!("{calls} calls in {minutes} minutes")
            });
        }
        self.check_wishes(lane, claims);
    }

    /// Notes until when a destination wished not to see a delivery, and whether it is seen before.
    fn check_wishes(&mut self, lane: usize, claims: &[Claim]) {
        let now = self.now;
        for claim in claims {
            let until = self.checks.hints.get(&(lane, small(claim))).copied().unwrap_or(0);
            self.checks
                .law(until <= now, "a destination's wish is kept", || format!("{} ms early", until - now));
        }
    }
}

impl Checks {
    /// What must be so of what goes together.
    fn batch(&mut self, claims: &[Claim]) {
        let bytes: usize = claims.iter().map(size_of).sum();
        let fits = bytes <= limits::BATCH_CONTENT_BYTES_MAX || claims.len() == 1;
        self.law(fits, "no batch has more bytes than a request should", || format!("{bytes}"));
        let is_in_order =
            claims.windows(2).all(|it| it[0].lead != it[1].lead || it[0].touchpoint < it[1].touchpoint);
        self.law(is_in_order, "what goes together is in order", || format!("{claims:?}"));
        let deletes = claims.iter().any(|it| it.standing.erases);
        self.law(!deletes || claims.len() == 1, "a deletion goes alone", String::new);
    }
}
