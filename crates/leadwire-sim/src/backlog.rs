//! Rows for a million leads: what a lane's turns do to them, in the order of what is due, with nothing that grows with their number.

use crate::desk::Desk;
use leadwire_core::budget::Count;
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Allowance, Claim, Gate, LaneToken, Next, Turn, Turned, allowance};
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A delivery. Its place in the list is its number.
#[derive(Debug)]
struct Owed {
    lead: u32,
    /// The next of its lead; none: 0.
    next: u32,
    due_at: i64,
    attempts: u32,
    is_delivered: bool,
}

/// What a lead waits for.
#[derive(Debug, Default)]
struct Line {
    /// Its first and last deliveries that are not over; none: 0.
    first: u32,
    last: u32,
}

/// What the rows do wrong, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    /// A lead is lost.
    LosesOne,
    /// Leads overtake themselves.
    HasNoOrder,
}

/// The rows of one destination.
#[derive(Debug)]
pub(crate) struct Backlog {
    owed: Vec<Owed>,
    lines: Vec<Line>,
    ready: BTreeSet<(i64, u32)>,
    claimed: BTreeSet<u32>,
    doubts: BTreeMap<u32, i64>,
    gate: Gate,
    token: i64,
    pub(crate) counts: Vec<Count>,
    pub(crate) delivered: u64,
    pub(crate) parked: u64,
    wrong: Wrong,
}

fn number(id: TouchpointId) -> u32 {
    u32::try_from(id.bits()).expect("deliveries are counted from one")
}

fn place(number: u32) -> usize {
    usize::try_from(number).expect("an index")
}

impl Backlog {
    pub(crate) fn new(leads: u32, wrong: Wrong) -> Self {
        let none = Owed { lead: 0, next: 0, due_at: 0, attempts: 0, is_delivered: true };
        Self {
            owed: vec![none],
            lines: (0..leads).map(|_| Line::default()).collect(),
            ready: BTreeSet::new(),
            claimed: BTreeSet::new(),
            doubts: BTreeMap::new(),
            gate: Gate::Open,
            token: 0,
            counts: Vec::new(),
            delivered: 0,
            parked: 0,
            wrong,
        }
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> u64 {
        self.owed.len() as u64 - 1 - self.delivered
    }

    pub(crate) fn lead_of(&self, claim: &Claim) -> usize {
        place(self.owed[place(number(claim.touchpoint))].lead)
    }

    /// A customer did something.
    pub(crate) fn accept(&mut self, lead: u32, now: Timestamp) {
        let id = u32::try_from(self.owed.len()).expect("a few millions");
        let due_at = now.millis();
        self.owed.push(Owed { lead, next: 0, due_at, attempts: 0, is_delivered: false });
        if self.wrong == Wrong::LosesOne && id == 77 {
            return;
        }
        if self.wrong == Wrong::HasNoOrder {
            self.ready.insert((due_at, id));
            return;
        }
        let line = &mut self.lines[place(lead)];
        if line.first == 0 {
            (line.first, line.last) = (id, id);
            self.free(id, now);
        } else {
            self.owed[place(line.last)].next = id;
            line.last = id;
        }
    }

    /// It is the first of its lead.
    fn free(&mut self, id: u32, now: Timestamp) {
        let owed = &mut self.owed[place(id)];
        let doubt = self.doubts.get(&owed.lead).copied().filter(|it| *it > now.millis());
        owed.due_at = owed.due_at.max(doubt.unwrap_or(i64::MIN));
        self.ready.insert((owed.due_at, id));
    }

    fn doubt(&mut self, id: u32, now: Timestamp) {
        let lead = self.owed[place(id)].lead;
        self.doubts.insert(lead, now.plus(limits::DOUBT).millis());
    }

    /// The lane is taken: what was under way is tried again.
    pub(crate) fn take(&mut self, now: Timestamp) -> LaneToken {
        self.token += 1;
        for id in std::mem::take(&mut self.claimed) {
            self.doubt(id, now);
            self.owed[place(id)].due_at = now.millis();
            self.ready.insert((now.millis(), id));
        }
        LaneToken::new(self.token)
    }

    pub(crate) fn turn(&mut self, token: LaneToken, turn: &Turn) -> Option<Turned> {
        if token.number() != self.token {
            return None;
        }
        for settled in &turn.settled {
            let id = number(settled.touchpoint);
            self.claimed.remove(&id);
            if settled.tried.outcome == Outcome::Unknown {
                self.doubt(id, turn.now);
            }
            match &settled.next {
                Next::RetryAt(at) => {
                    self.owed[place(id)].due_at = at.millis();
                    self.ready.insert((at.millis(), id));
                }
                Next::Deliver(_) => self.deliver(id, turn.now),
                Next::Park | Next::Suppress => self.parked += 1,
            }
        }
        for released in &turn.released {
            let id = number(*released);
            self.claimed.remove(&id);
            let owed = &mut self.owed[place(id)];
            owed.attempts -= 1;
            self.ready.insert((owed.due_at, id));
        }
        if let Some(changed) = &turn.gate {
            self.gate = changed.clone();
        }
        let room = match allowance(&self.gate, turn.now) {
            Allowance::Free => turn.room,
            Allowance::Probe => turn.room.min(usize::from(turn.held == 0)),
            Allowance::Nothing(_) => 0,
        };
        let counts = std::mem::take(&mut self.counts);
        let mut desk = turn.calls.as_ref().map(|it| Desk::open(it, counts, turn.now));
        let room = desk.as_mut().map_or(room, |it| it.room(room, |most| self.due(turn.now, most)));
        let claims = self.claim(room, turn.now);
        let later = self.ready.first().filter(|_| claims.len() < room);
        let next_due = later.map(|it| Timestamp::from_millis(it.0));
        let calls = desk.as_mut().map(|it| it.close(&claims));
        self.counts = desk.map_or_else(Vec::new, |it| it.counts().to_vec());
        Some(Turned { claims, gate: self.gate.clone(), next_due, calls })
    }

    fn deliver(&mut self, id: u32, now: Timestamp) {
        let owed = &mut self.owed[place(id)];
        self.delivered += u64::from(!owed.is_delivered);
        owed.is_delivered = true;
        let (lead, next) = (owed.lead, owed.next);
        if self.wrong != Wrong::HasNoOrder {
            let line = &mut self.lines[place(lead)];
            line.first = next;
            if next > 0 {
                self.free(next, now);
            }
        }
    }

    fn due(&self, now: Timestamp, most: usize) -> Vec<Timestamp> {
        let due = self.ready.iter().take_while(|it| it.0 <= now.millis()).take(most);
        due.map(|it| Timestamp::from_millis(it.0)).collect()
    }

    fn claim(&mut self, room: usize, now: Timestamp) -> Vec<Claim> {
        let mut claims = Vec::new();
        while claims.len() < room
            && let Some((due_at, id)) = self.ready.first().copied().filter(|it| it.0 <= now.millis())
        {
            self.ready.remove(&(due_at, id));
            self.claimed.insert(id);
            let owed = &mut self.owed[place(id)];
            owed.attempts += 1;
            claims.push(Claim {
                touchpoint: TouchpointId::new(id.into()),
                lead: LeadId::new(u128::from(owed.lead) + 1),
                number: owed.attempts,
                standing: Seen::default(),
                follow_up: None,
                rides: false,
            });
        }
        claims
    }
}
