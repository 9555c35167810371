//! Claims that are ready to be tried, and what goes into the next batch.

use super::{Claim, Load, Pace};
use crate::defect::{Defect, seeded};
use crate::id::{LeadId, TouchpointId};
use crate::limits;
use crate::outcome::Tried;
use std::collections::{HashMap, HashSet, VecDeque};

/// Claims in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Queue<C> {
    ready: VecDeque<(Claim, C)>,
    /// Leads in flight: one of a lead is tried at a time.
    leads: HashSet<LeadId>,
    /// Leads that a bulk job has in flight.
    kept: HashSet<LeadId>,
    /// Exclusive keys in flight, each with whose it is.
    keys: HashMap<String, TouchpointId>,
    /// Most deliveries in a batch, since the destination refused a larger one.
    batch_max: usize,
}

impl<C> Queue<C> {
    pub(super) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            leads: HashSet::new(),
            kept: HashSet::new(),
            keys: HashMap::new(),
            batch_max: usize::MAX,
        }
    }

    /// Claims that are queued or in flight.
    pub(super) fn held(&self) -> usize {
        self.ready.len() + self.leads.len()
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn push(&mut self, claim: Claim, content: C) {
        self.ready.push_back((claim, content));
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Claim> {
        self.ready.drain(..).map(|it| it.0)
    }

    /// Marks what is queued of these leads.
    pub(super) fn refuse(&mut self, refused: &HashSet<LeadId>) {
        let marked = self.ready.iter_mut().filter(|it| refused.contains(&it.0.lead));
        marked.for_each(|it| it.0.standing.do_not_contact = true);
    }

    /// Takes out what is queued of these leads, but for their deletions.
    pub(super) fn erase(&mut self, erased: &HashSet<LeadId>) -> Vec<Claim> {
        self.take_out(|it| erased.contains(&it.lead) && !it.standing.erases)
    }

    /// Takes out what is queued of a lead.
    pub(super) fn take_lead(&mut self, lead: LeadId) -> Vec<Claim> {
        if self.ready.iter().all(|it| it.0.lead != lead) {
            return Vec::new();
        }
        self.take_out(|it| it.lead == lead)
    }

    fn take_out(&mut self, is_meant: impl Fn(&Claim) -> bool) -> Vec<Claim> {
        let (dropped, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ready).into_iter().partition(|it| is_meant(&it.0));
        self.ready = kept.into();
        dropped.into_iter().map(|it| it.0).collect()
    }

    /// How many go into a batch, of a destination that takes `most`.
    pub(super) fn batch_max(&self, most: usize) -> usize {
        self.batch_max.min(most)
    }

    /// Takes out the next batch: none whose lead or exclusive key is in flight, no more bytes than a request should have,
    /// unless one delivery alone has more, and a deletion alone.
    pub(super) fn pick(&mut self, most: usize, load_of: impl Fn(&Claim, &C) -> Load) -> Vec<(Claim, C)> {
        let mut batch = Vec::with_capacity(most.min(self.ready.len()));
        let mut room = limits::BATCH_CONTENT_BYTES_MAX;
        let mut kept_back = VecDeque::new();
        while batch.len() < most
            && let Some((claim, content)) = self.ready.pop_front()
        {
            let erases = claim.standing.erases && !seeded(Defect::DeletionInABatch);
            let is_in_flight = self.leads.contains(&claim.lead) || self.kept.contains(&claim.lead);
            if erases && !batch.is_empty() || is_in_flight {
                kept_back.push_back((claim, content));
                continue;
            }
            let load = load_of(&claim, &content);
            if load.bytes > room && !batch.is_empty() && !seeded(Defect::BytesAreNotCounted) {
                // What is smaller and behind it does not pass: it would be overtaken for ever.
                kept_back.push_back((claim, content));
                break;
            }
            match load.key {
                Some(key) if self.keys.contains_key(&key) && !seeded(Defect::KeysAreShared) => {
                    kept_back.push_back((claim, content))
                }
                key => {
                    self.keys.extend(key.map(|it| (it, claim.touchpoint)));
                    self.leads.insert(claim.lead);
                    room = room.saturating_sub(load.bytes);
                    batch.push((claim, content));
                    if erases {
                        break;
                    }
                }
            }
        }
        kept_back.append(&mut self.ready);
        self.ready = kept_back;
        batch
    }

    /// Gives back what the deliveries of a batch held.
    pub(super) fn let_go(&mut self, tries: &[(Claim, Tried)]) {
        for (claim, _) in tries {
            self.leads.remove(&claim.lead);
        }
        if !self.keys.is_empty() && !seeded(Defect::KeysAreKept) {
            let done: HashSet<TouchpointId> = tries.iter().map(|it| it.0.touchpoint).collect();
            self.keys.retain(|_, touchpoint| !done.contains(touchpoint));
        }
    }

    /// Keeps the place of leads that a bulk job has in flight.
    pub(super) fn keep(&mut self, leads: impl Iterator<Item = LeadId>) {
        self.kept.extend(leads);
    }

    pub(super) fn let_kept_go(&mut self, lead: LeadId) {
        self.kept.remove(&lead);
    }

    pub(super) fn end_keeping(&mut self) {
        self.kept.clear();
    }

    /// Follows what the deliveries of one batch said of its size, to a destination that takes `most`.
    pub(super) fn follow(&mut self, paces: &[Pace], most: usize) {
        if paces.contains(&Pace::SmallerBatches) {
            self.batch_max = (paces.len() / 2).max(1);
        } else if paces.contains(&Pace::LargerBatches) && self.batch_max < most {
            self.batch_max *= 2;
        }
    }
}
