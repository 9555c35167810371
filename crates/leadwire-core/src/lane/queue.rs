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
    /// Leads in flight: of each there is one request at a time.
    leads: HashSet<LeadId>,
    /// Deliveries in flight.
    flying: usize,
    /// Leads whose deliveries go one by one, since several at once were refused: which of them is at fault shows then.
    alone: HashSet<LeadId>,
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
            flying: 0,
            alone: HashSet::new(),
            kept: HashSet::new(),
            keys: HashMap::new(),
            batch_max: usize::MAX,
        }
    }

    /// Claims that are queued or in flight.
    pub(super) fn held(&self) -> usize {
        self.ready.len() + self.flying
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

    /// Takes out what is queued of these leads.
    pub(super) fn take_leads(&mut self, leads: &HashSet<LeadId>) -> Vec<Claim> {
        if leads.is_empty() || self.ready.iter().all(|it| !leads.contains(&it.0.lead)) {
            return Vec::new();
        }
        self.take_out(|it| leads.contains(&it.lead))
    }

    /// From now on the deliveries of this lead go one by one.
    pub(super) fn part(&mut self, lead: LeadId) {
        if self.alone.len() >= limits::LANE_WINDOW_MAX {
            // They are tried together once more, and parted again.
            self.alone.clear();
        }
        self.alone.insert(lead);
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
    /// unless one delivery alone has more, and a deletion alone. What rides with another one goes with it or after it.
    pub(super) fn pick(&mut self, most: usize, load_of: impl Fn(&Claim, &C) -> Load) -> Vec<(Claim, C)> {
        let mut batch = Vec::with_capacity(most.min(self.ready.len()));
        let mut room = limits::BATCH_CONTENT_BYTES_MAX;
        let mut kept_back = VecDeque::new();
        // Nothing of a lead passes what is kept back of it.
        let mut behind = HashSet::new();
        while batch.len() < most
            && let Some((claim, content)) = self.ready.pop_front()
        {
            let erases = claim.standing.erases && !seeded(Defect::DeletionInABatch);
            let joins = claim.rides && !self.alone.contains(&claim.lead);
            let with = batch
                .iter()
                .rfind(|it: &&(Claim, C)| joins && it.0.lead == claim.lead)
                .map(|it| it.0.touchpoint);
            let is_in_flight = self.leads.contains(&claim.lead) && with.is_none();
            let is_in_flight =
                is_in_flight || self.kept.contains(&claim.lead) || behind.contains(&claim.lead);
            if erases && !batch.is_empty() || is_in_flight {
                behind.insert(claim.lead);
                kept_back.push_back((claim, content));
                continue;
            }
            let load = load_of(&claim, &content);
            if load.bytes > room && !batch.is_empty() && !seeded(Defect::BytesAreNotCounted) {
                // What is smaller and behind it does not pass: it would be overtaken for ever.
                kept_back.push_back((claim, content));
                break;
            }
            let is_its_own = |owner: &TouchpointId| {
                with.is_some() && batch.iter().any(|it| it.0.lead == claim.lead && it.0.touchpoint == *owner)
            };
            match load.key {
                Some(key)
                    if self.keys.get(&key).is_some_and(|it| !is_its_own(it))
                        && !seeded(Defect::KeysAreShared) =>
                {
                    behind.insert(claim.lead);
                    kept_back.push_back((claim, content))
                }
                key => {
                    if let Some(key) = key {
                        self.keys.entry(key).or_insert(claim.touchpoint);
                    }
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
        self.flying += batch.len();
        batch
    }

    /// Gives back what the deliveries of a batch held.
    pub(super) fn let_go(&mut self, tries: &[(Claim, Tried)]) {
        self.flying = self.flying.saturating_sub(tries.len());
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
