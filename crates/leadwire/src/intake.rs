//! Accepting touchpoints: route, store, and only then answer and wake the lanes.

use crate::clock::{Clock, Ids};
use crate::deliver::{Lanes, Place, Places};
use crate::directory::{Directory, Snapshot};
use crate::secrets;
use crate::telemetry::Metrics;
use bytes::Bytes;
use leadwire_core::erasure::{self, Age, Question};
use leadwire_core::id::{LeadId, OfferRef, PublisherId, QuarantineId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::accept::{Accept, Accepted, Committed, Once};
use leadwire_store::lanes::LaneKey;
use leadwire_store::quarantine::Quarantine;
use leadwire_store::rows::Channel;
use leadwire_store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// The way in, shared by every kind of sender.
pub struct Intake {
    /// Where it is kept.
    pub store: Store,
    /// Where it goes.
    pub directory: Arc<Directory>,
    /// Ids of touchpoints, in the order they come.
    pub ids: Arc<Ids>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is told that there is work.
    pub lanes: Arc<Lanes>,
    /// Numbers.
    pub metrics: Arc<Metrics>,
}

/// A touchpoint that was read and is not yet stored.
pub struct Incoming {
    /// Whose it is.
    pub publisher: PublisherId,
    /// How it came.
    pub channel: Channel,
    /// Its bytes.
    pub body: Bytes,
    /// What is in them.
    pub touchpoint: Touchpoint,
    /// What makes a repetition of it recognisable, and for how long.
    pub key: Option<Key>,
    /// The lead it is about, when a person says something of one.
    pub of_lead: Option<LeadId>,
}

/// What makes a repetition recognisable.
pub enum Key {
    /// The sender's own key for it.
    Sender(String, Duration),
    /// The body in quarantine that it was: it becomes one touchpoint, however often it is read.
    Quarantined(QuarantineId),
    /// Its very bytes, in whatever import they come.
    SameItem(Duration),
    /// Its very bytes at one intake address, for there is no other id in them.
    SameBody(String, Duration),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored.
    New(TouchpointId, LeadId),
    /// It was stored before.
    Duplicate(TouchpointId, LeadId),
    /// The sender used this key before for something else. Nothing was stored.
    KeyReused(TouchpointId),
    /// There is no such lead. Nothing was stored.
    NoLead,
    /// It is old data of somebody who was erased: it is counted, and that is all.
    KeptOut(TouchpointId, LeadId),
}

impl Intake {
    /// Stores touchpoints, all or none, and answers in their order when they are on disk.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was stored, or it is unknown and a repetition will tell.
    pub async fn accept(&self, incoming: Vec<Incoming>) -> Result<Vec<Received>, StoreError> {
        self.accept_of(incoming, None).await
    }

    /// As [`Intake::accept`], for what came a while ago and is old data of whoever was erased since: nobody is told of it as
    /// if it happened now.
    ///
    /// # Errors
    /// As there.
    pub async fn accept_late(&self, incoming: Vec<Incoming>) -> Result<Vec<Received>, StoreError> {
        self.accept_of(incoming, Some(Age::Past)).await
    }

    async fn accept_of(
        &self,
        incoming: Vec<Incoming>,
        age: Option<Age>,
    ) -> Result<Vec<Received>, StoreError> {
        let mut items: Vec<Accept> = incoming.into_iter().map(|it| self.prepare(it)).collect();
        for _ in 0..limits::ROUTING_ROUNDS_MAX {
            let setup = self.directory.now();
            let mut places = Vec::with_capacity(items.len());
            for item in &mut items {
                item.holding = setup.holding(&item.publisher);
                item.questions = questions(&setup, item, age);
                // What a person says of a lead shows no interest, and is told to those who know the lead only.
                if item.of_lead.is_none() {
                    item.identity = setup.identify(&item.publisher, &item.parsed).key();
                    item.shown = setup.shown(&item.parsed);
                    let decision = setup.route(&item.publisher, &item.parsed);
                    (item.routed, item.routing_trouble) = (decision.routed, decision.trouble);
                    let at = (item.received_at, item.shown.as_ref());
                    item.reached = setup.reached(&item.publisher, &item.parsed, at);
                    if let Some(reached) = &mut item.reached
                        && (item.channel == Channel::File || age == Some(Age::Past))
                    {
                        reached.follow_ups.clear();
                    }
                }
                let own = self.find_places(item);
                item.offered = Places::offered(&own);
                item.elsewhere = Places::elsewhere(&own);
                places.push(own);
            }
            let places = Places::new(&self.lanes, places);
            let shared: Arc<[Accept]> = items.into();
            let stored = Arc::clone(&shared);
            let after = move |committed: &Option<Committed>| {
                if let Some(committed) = committed {
                    places.fill(&stored, committed);
                }
            };
            let version = setup.setup.version;
            let stored = self.in_time(self.store.accept_then(version, Arc::clone(&shared), after));
            if let Some(committed) = stored.await? {
                self.count_tests(&shared, &committed);
                return Ok(shared
                    .iter()
                    .zip(&committed.accepted)
                    .map(|(item, it)| received(item, it))
                    .collect());
            }
            // Somebody changed the set-up meanwhile: route by the new one.
            self.directory.refresh().await?;
            items = shared.to_vec();
        }
        Err(StoreError::Busy)
    }

    /// Waits for a server no longer than a sender waits for us: one that hangs and does not end its connections may answer
    /// hours later. The work goes on, and a repetition under the same key finds what became of it.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.store.is_shared() {
            true => tokio::time::timeout(limits::SENDER_WAIT, work).await.unwrap_or(Err(StoreError::InDoubt)),
            false => work.await,
        }
    }

    /// Tells apart in the metrics what was stored without a customer behind it.
    fn count_tests(&self, items: &[Accept], committed: &Committed) {
        for (item, accepted) in items.iter().zip(&committed.accepted) {
            if item.parsed.is_trial() && matches!(accepted, Accepted::Stored { .. }) {
                let channel = match item.channel {
                    Channel::PartnerCenter | Channel::Form => "address",
                    Channel::Api | Channel::File | Channel::Page | Channel::Person => item.channel.as_str(),
                };
                self.metrics.count_test(channel);
            }
        }
    }

    fn find_places(&self, item: &Accept) -> Vec<Place> {
        let to_send = item.routed.iter().filter(|it| it.suppressed.is_none());
        let place = |destination| {
            let lane = LaneKey { publisher: item.publisher.clone(), destination };
            self.lanes.prepare(lane, item.touchpoint, item.received_at, &item.parsed, item.body.len())
        };
        to_send.map(|it| place(it.destination)).collect()
    }

    /// What is stored of it, before anything of the set-up is asked.
    pub fn prepare(&self, incoming: Incoming) -> Accept {
        let body_sha256 = secrets::sha256(&incoming.body);
        let publisher = incoming.publisher.as_str().as_bytes();
        let quarantined = match &incoming.key {
            Some(Key::Quarantined(id)) => Some(*id),
            Some(Key::Sender(..) | Key::SameItem(_) | Key::SameBody(..)) | None => None,
        };
        let once = incoming.key.map(|key| {
            let (key, kept) = match &key {
                Key::Sender(key, kept) => (secrets::short_hash(&[b"key", publisher, key.as_bytes()]), *kept),
                // A sender's own key holds no line end.
                Key::Quarantined(id) => {
                    let key = format!("quarantined\n{id}");
                    (secrets::short_hash(&[b"key", publisher, key.as_bytes()]), limits::IDEMPOTENCY_KEPT)
                }
                Key::SameItem(kept) => (secrets::short_hash(&[b"item", publisher, &body_sha256]), *kept),
                Key::SameBody(place, kept) => {
                    (secrets::short_hash(&[b"body", publisher, place.as_bytes(), &body_sha256]), *kept)
                }
            };
            Once { key, body: body_sha256[..16].try_into().expect("a hash has 32 bytes"), kept }
        });
        Accept {
            touchpoint: TouchpointId::new(self.ids.next(self.clock.steady())),
            received_at: self.clock.steady(),
            channel: incoming.channel,
            body_sha256,
            body: incoming.body,
            identity: None,
            of_lead: incoming.of_lead,
            questions: Vec::new(),
            shown: None,
            parsed: Arc::new(incoming.touchpoint),
            once,
            quarantined,
            routed: Vec::new(),
            holding: Arc::default(),
            routing_trouble: String::new(),
            reached: None,
            offered: Vec::new(),
            elsewhere: Vec::new(),
            publisher: incoming.publisher,
        }
    }

    /// Keeps a body that came to a good address and cannot be read: its sender never sends twice.
    ///
    /// # Errors
    /// [`StoreError`], as for [`Intake::accept`].
    pub async fn quarantine(
        &self,
        offer: &OfferRef,
        content_type: &str,
        body: Bytes,
        refusals: &[Refusal],
    ) -> Result<QuarantineId, StoreError> {
        let id = QuarantineId::new(self.ids.next(self.clock.steady()));
        let first = refusals.first();
        let item = Quarantine {
            publisher: offer.publisher.clone(),
            id,
            received_at: self.clock.steady(),
            offer: offer.offer.clone(),
            content_type: content_type.chars().take(limits::CONTENT_TYPE_CHARS_MAX).collect(),
            code: first.map_or("unreadable", |it| it.code).to_owned(),
            pointer: first.map_or_else(String::new, |it| it.pointer.clone()),
            message: first.map_or_else(String::new, |it| it.message.clone()),
            body_sha256: secrets::sha256(&body),
            body,
        };
        self.store.quarantine(item).await?;
        Ok(id)
    }
}

/// What to ask the tombstones of a touchpoint. What a person says of a lead is about one that is there.
fn questions(setup: &Snapshot, item: &Accept, age: Option<Age>) -> Vec<Question> {
    let salt = setup.tombstone_salt(&item.publisher).filter(|_| item.of_lead.is_none());
    let age = age.unwrap_or(match item.channel {
        Channel::File => Age::Past,
        Channel::Api => Age::Unknown,
        Channel::PartnerCenter | Channel::Form | Channel::Page | Channel::Person => Age::Present,
    });
    salt.map_or_else(Vec::new, |salt| erasure::questions(salt, &item.parsed, &item.body_sha256, age))
}

fn received(item: &Accept, accepted: &Accepted) -> Received {
    match *accepted {
        Accepted::Stored { lead } => Received::New(item.touchpoint, lead),
        Accepted::Duplicate { touchpoint, lead } => Received::Duplicate(touchpoint, lead),
        Accepted::KeyReused { touchpoint } => Received::KeyReused(touchpoint),
        Accepted::NoLead => Received::NoLead,
        Accepted::KeptOut { lead } => Received::KeptOut(item.touchpoint, lead),
    }
}
