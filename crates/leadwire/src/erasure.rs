//! Erasing people: beginning an erasure, wiping what is left of it step by step, and keeping nobody for longer than is set.

use crate::audit;
use crate::bodies;
use crate::clock::{Clock, Ids, random_bits};
use crate::deliver::Lanes;
use crate::directory::Directory;
use leadwire_core::erasure;
use leadwire_core::id::{ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Customer;
use leadwire_store::audit::{Deed, telling};
use leadwire_store::erasures::{Address, Asked, Crm, Wish};
use leadwire_store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, watch};

/// Erases, until there is nothing left to be wiped.
pub struct Erasures {
    store: Store,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
    lanes: Arc<Lanes>,
    bell: Notify,
    steps: watch::Sender<u64>,
    /// The moment of the last round of retention: what counts for a round is the clock of the one before.
    looked_at: Mutex<Option<Timestamp>>,
}

/// Whom to erase, and why.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose customer.
    pub publisher: PublisherId,
    /// Leads that are the person.
    pub leads: Vec<LeadId>,
    /// An address; whoever has it is erased, and kept out even if nobody has.
    pub email: Option<String>,
    /// What becomes of the records in systems that have them.
    pub crm: Crm,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What came of a wish to erase somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It is under way.
    Begun(ErasureId),
    /// There is no such lead, or it is erased already.
    NoLead,
    /// More leads have the address than [`limits::ERASE_LEADS_MAX`]: it is no person's. Nothing was done.
    TooMany,
}

impl Erasures {
    /// Puts the parts together; [`Erasures::run`] starts the work.
    pub fn new(
        store: Store,
        directory: Arc<Directory>,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
        lanes: Arc<Lanes>,
    ) -> Self {
        let looked_at = Mutex::default();
        let steps = watch::Sender::new(0);
        Self { store, directory, clock, ids, lanes, bell: Notify::new(), steps, looked_at }
    }

    /// Counts the erasures of which nothing is left here; for whoever waits for one.
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// Erases a person: once it answers, nothing of them is sent any more, and the rest follows by itself, also after a
    /// restart.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was done unless it is [`StoreError::Failed`].
    pub async fn begin(&self, request: Request) -> Result<Came, StoreError> {
        let setup = self.directory.now();
        let identities_of = |it: &str| setup.identities_of_address(&request.publisher, it);
        let found_by = request.email.as_deref().map(identities_of).unwrap_or_default();
        let address = self.look_up(&request).await?;
        if address.as_ref().is_some_and(|it| it.seen.len() > limits::ERASE_LEADS_MAX) {
            return Ok(Came::TooMany);
        }
        let mut leads = request.leads.clone();
        leads.extend(self.store.leads_of_identities(request.publisher.clone(), found_by.clone()).await?);
        for lead in leads.clone() {
            // A person is all leads that were made one with any of these.
            let members = self.store.members(request.publisher.clone(), lead).await?;
            leads.extend(members.into_iter().map(|it| it.id));
        }
        leads.sort_unstable();
        leads.dedup();
        let mut person = Person::default();
        if let Some(email) = request.email {
            person.words.extend(erasure::words(&Customer { email: Some(email), ..Customer::default() }));
        }
        let seen = address.as_ref().map_or(&[][..], |it| &it.seen);
        for lead in leads.iter().chain(seen) {
            self.learn(&request.publisher, *lead, &mut person).await?;
        }
        let now = self.clock.steady();
        let mint = || TouchpointId::new(self.ids.next(now));
        let id = ErasureId::new(mint().bits());
        // More for leads that may come to be there until the wish is written down, each with its members.
        let late = (found_by.len() + 1) * limits::MEMBERS_MAX;
        let ids = (0..leads.len() + seen.len() + late).map(|_| mint()).collect();
        Deed::about(&id.to_string());
        let wish = Wish {
            publisher: request.publisher.clone(),
            id,
            asked_at: now,
            crm: request.crm,
            who: request.who,
            reason: request.reason,
            leads,
            found_by,
            address,
            identities: person.identities.into_iter().collect(),
            words: person.words,
            ids,
            salt: random_bits().to_be_bytes(),
        };
        let (lanes, publisher) = (Arc::clone(&self.lanes), request.publisher);
        let after = move |asked: &Asked| {
            if let Asked::Begun(begun) = asked {
                lanes.erase(&publisher, begun);
            }
        };
        let asked = self.store.erase(wish, after).await?;
        // The first erasure of a publisher brings the salt by which its tombstones are asked.
        self.directory.refresh().await?;
        self.ring();
        Ok(match asked {
            Asked::Begun(_) => Came::Begun(id),
            Asked::NoLead => Came::NoLead,
        })
    }

    /// Looks through all leads for those that have the address that was asked for: the rules of identity may have been
    /// others when they came. Takes seconds for a million, beside the writer; what comes meanwhile is looked at again as
    /// the erasure begins.
    async fn look_up(&self, request: &Request) -> Result<Option<Address>, StoreError> {
        let Some(form) = request.email.as_deref().and_then(erasure::form_of_address) else { return Ok(None) };
        let publisher = &request.publisher;
        let before = self.clock.steady().minus(limits::ACCEPT_UNDER_WAY);
        let (mut seen, mut after) = (BTreeSet::new(), None);
        loop {
            let (found, next) = self.store.leads_of_address(publisher.clone(), form.clone(), after).await?;
            for lead in found {
                let members = self.store.members(publisher.clone(), lead).await?;
                seen.extend(members.into_iter().map(|it| it.id));
                seen.insert(lead);
            }
            after = next;
            if after.is_none() || seen.len() > limits::ERASE_LEADS_MAX {
                break;
            }
        }
        let (seen, since) = (seen.into_iter().collect(), TouchpointId::first_at(before));
        Ok(Some(Address { form, seen, since }))
    }

    /// Learns how a lead's customer is recognised, from its newest touchpoints.
    async fn learn(
        &self,
        publisher: &PublisherId,
        lead: LeadId,
        person: &mut Person,
    ) -> Result<(), StoreError> {
        let found = self.store.lead(publisher.clone(), lead, limits::PAGE_ROWS_MAX).await?;
        let Some((_, touchpoints)) = found else { return Ok(()) };
        for kept in &touchpoints {
            if let Ok(touchpoint) = bodies::read_back(publisher, kept) {
                person.identities.extend(erasure::identities(&touchpoint));
                person.words.extend(erasure::words(&touchpoint.customer));
            }
        }
        Ok(())
    }

    /// Says that there may be a new one.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Works again and again, until dropped. Dropping it in the middle leaves the rest for the next start.
    pub async fn run(&self) {
        let mut retention_at = self.clock.steady();
        loop {
            let worked = async {
                let wiped = self.wipe().await;
                if self.clock.steady() >= retention_at {
                    self.retain().await?;
                    retention_at = self.clock.steady().plus(limits::RETENTION_EVERY);
                }
                wiped
            };
            let again_at = match worked.await {
                Ok(()) => retention_at,
                Err(error) => {
                    tracing::warn!(%error, "An erasure could not go on. It is tried again.");
                    self.clock.steady().plus(limits::LANE_AGAIN)
                }
            };
            tokio::select! {
                // Cancel-safe: a bell that rings meanwhile stays rung.
                () = self.bell.notified() => {}
                () = self.clock.wait_until(again_at) => {}
            }
        }
    }

    /// Wipes until nothing is left to be wiped. One that cannot go on holds up no other.
    async fn wipe(&self) -> Result<(), StoreError> {
        let mut first = Ok(());
        for (publisher, id) in self.store.wiping().await? {
            first = first.and(self.wipe_one(publisher, id).await);
        }
        first
    }

    async fn wipe_one(&self, publisher: PublisherId, id: ErasureId) -> Result<(), StoreError> {
        while self.store.wipe_step(publisher.clone(), id, self.clock.steady()).await? {}
        self.steps.send_modify(|it| *it += 1);
        Ok(())
    }

    /// One round of retention, over all publishers that keep people for a time only.
    ///
    /// # Errors
    /// [`StoreError`]; what was wiped before stays wiped.
    pub async fn retain(&self) -> Result<(), StoreError> {
        let mut looked_at = self.looked_at.lock().await;
        let round_before = looked_at.replace(self.clock.steady());
        let setup = self.directory.now();
        for own in &setup.setup.retention {
            if let Some(since) = erasure::kept_since(round_before, own.days) {
                self.retire(&own.publisher, since, own.days).await?;
            }
        }
        self.wipe().await
    }

    async fn retire(&self, publisher: &PublisherId, before: Timestamp, days: u32) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let old = self.store.old_leads(publisher.clone(), before, after, limits::RETENTION_STEP).await?;
            if !old.due.is_empty() {
                let now = self.clock.steady();
                let mint = || TouchpointId::new(self.ids.next(now));
                let wish = Wish {
                    publisher: publisher.clone(),
                    id: ErasureId::new(mint().bits()),
                    asked_at: now,
                    crm: Crm::Keep,
                    who: "retention".to_owned(),
                    reason: format!("last heard of more than {days} days ago"),
                    ids: (0..old.due.len() * limits::MEMBERS_MAX).map(|_| mint()).collect(),
                    leads: old.due,
                    found_by: Vec::new(),
                    address: None,
                    identities: Vec::new(),
                    words: BTreeSet::new(),
                    salt: [0; 16],
                };
                let deed =
                    audit::by_service(publisher.as_str(), "retention.erase", &wish.id.to_string(), now);
                telling(deed, self.store.retire(wish, before)).await?;
            }
            after = old.next;
            if after.is_none() {
                break;
            }
        }
        let step = limits::ERASE_QUARANTINE_STEP;
        while self.store.retire_quarantine(publisher.clone(), before, step).await? == step {}
        Ok(())
    }
}

/// How a person is recognised.
#[derive(Default)]
struct Person {
    identities: BTreeSet<[u8; 16]>,
    words: BTreeSet<String>,
}
