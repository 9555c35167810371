//! The set-up in memory: who may knock with which credential, what goes where, and the connectors, ready to use.
//!
//! A snapshot never changes; a change of the set-up makes a new one. Intake and lanes read it without waiting.

mod aside;
mod ask;
mod read;

use crate::access::{Actor, Role, Who};
use crate::clock::Clock;
use crate::follow_ups;
use crate::secrets;
use crate::vault::{Opener, Rotated, Vault};
use anyhow::Context;
use leadwire_connect::Connector;
use leadwire_connect::call_budget::{self, CallBudget, ReadTold};
use leadwire_connect::descriptor::Settings;
use leadwire_connect::destination_settings::DestinationSettings;
use leadwire_connect::egress::meter::Meter;
use leadwire_core::budget::{Allotment, Budget};
use leadwire_core::filter::Filter;
use leadwire_core::follow_up::FollowUp;
use leadwire_core::id::{DestinationNo, LeadId, OfferId, OfferRef, PublisherId, TokenId};
use leadwire_core::identity::IdentityRules;
use leadwire_core::interest::InterestRules;
use leadwire_core::lane::Shape;
use leadwire_core::limits;
use leadwire_core::routing::{DoNotContact, Route};
use leadwire_core::time::Timestamp;
use leadwire_store::lanes::LaneKey;
use leadwire_store::setup::{Destination, Setup};
use leadwire_store::{Store, StoreError};
pub(crate) use read::holds_refused;
use read::{fingerprint, open_settings, read_filter, wish_about_do_not_contact};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::watch;

/// The current snapshot, and the way to make a new one.
pub struct Directory {
    store: Store,
    vault: Arc<Vault>,
    egress: leadwire_connect::egress::Egress,
    local_key: Option<[u8; 32]>,
    public_url: Option<String>,
    current: RwLock<Arc<Snapshot>>,
    version: watch::Sender<i64>,
}

/// The set-up as of one version.
#[derive(Default)]
pub struct Snapshot {
    /// What the store holds.
    pub setup: Setup,
    opener: Option<Opener>,
    routes: HashMap<PublisherId, Vec<Route>>,
    /// Filters by their text, so that one is read once and not with every change of the set-up.
    filters: HashMap<String, Arc<Filter>>,
    keys: HashMap<[u8; 32], (Actor, Option<Timestamp>)>,
    tokens: HashMap<[u8; 32], Address>,
    lanes: HashMap<LaneKey, Arc<Outlet>>,
    interest: InterestRules,
    identity: HashMap<PublisherId, IdentityRules>,
    holding: HashMap<PublisherId, Arc<[DestinationNo]>>,
    follow_ups: HashMap<PublisherId, Vec<FollowUp>>,
}

/// What an intake address stands for.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its id.
    pub token: TokenId,
    /// Whose offer everything sent to it belongs to.
    pub offer: OfferRef,
}

/// A destination, ready to be delivered to.
pub struct Outlet {
    /// Its name.
    pub name: String,
    /// Its connector's name.
    pub kind: &'static str,
    /// The connector, or why it could not be built.
    pub connector: Result<Box<dyn Connector>, String>,
    /// Its own way out, for everything but deliveries: connections are never shared between destinations. Its calls are
    /// counted by the meter beside it.
    pub egress: leadwire_connect::egress::Egress,
    /// Counts the calls that are made outside the lane.
    aside: Arc<Meter>,
    /// What may be called; none: as much as there is to send.
    pub budget: Option<Arc<Budget>>,
    told: ReadTold,
    /// Requests in flight at a time.
    pub in_flight: usize,
    /// Name of the destination through which somebody is told of trouble with this one.
    pub tell: Option<String>,
    settings: String,
    secrets: Vec<u8>,
    /// Tells the opened secrets from others; none when they do not open. It never leaves the memory.
    fingerprint: Option<[u8; 16]>,
}

impl Outlet {
    /// How much the destination takes.
    pub fn shape(&self) -> Shape {
        let folds = self.connector.as_ref().is_ok_and(|it| it.folds());
        let fold_max = if folds { limits::FOLD_MAX } else { 1 };
        Shape { in_flight: self.in_flight.max(1), batch_max: self.batch_max(), fold_max }
    }

    /// The way out of one attempt, and what counts its calls: no more than it was given.
    pub fn metered(&self, allotment: Option<&Allotment>) -> (leadwire_connect::egress::Egress, Arc<Meter>) {
        let meter = Arc::new(Meter::new(allotment.map(|it| it.calls), self.told));
        (self.egress.metered(Arc::clone(&meter)), meter)
    }

    /// Whether its backlogs may go as bulk jobs: where calls are no matter, batches are quick enough.
    pub fn may_begin_jobs(&self) -> bool {
        let face = self.connector.as_ref().ok().and_then(|it| it.bulk());
        self.budget.is_some() && face.is_some_and(|it| it.may_begin())
    }

    /// Most payloads of one attempt.
    pub fn batch_max(&self) -> usize {
        self.connector.as_ref().map_or(1, |it| it.batch_max()).max(1)
    }
}

impl Directory {
    /// Reads the set-up. `local_key` is the hash of a further operator's key that is not in the store, and `public_url` how the
    /// world reaches the service, when somebody said so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(
        store: Store,
        vault: Arc<Vault>,
        egress: leadwire_connect::egress::Egress,
        (local_key, public_url): (Option<[u8; 32]>, Option<String>),
    ) -> Result<Self, StoreError> {
        let (version, _) = watch::channel(0);
        let current = RwLock::new(Arc::new(Snapshot::default()));
        let directory = Self { store, vault, egress, local_key, public_url, current, version };
        directory.refresh().await?;
        Ok(directory)
    }

    /// The set-up now.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().expect("swapping a pointer cannot panic"))
    }

    /// The address where the customer of a lead says that they want no more messages; none when nobody said how the world
    /// reaches the service.
    pub fn stop_url(&self, publisher: &PublisherId, lead: LeadId) -> Option<String> {
        Some(follow_ups::stop_url(&self.vault, self.public_url.as_deref()?, publisher, lead))
    }

    /// The way out, under the operator's policy.
    pub fn egress(&self) -> &leadwire_connect::egress::Egress {
        &self.egress
    }

    /// Seals secret settings for a destination.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Says at the start which secrets do not open: their destinations pause, and everything else goes on.
    pub fn tell_unopened(&self) {
        for it in self.vault.standing(&self.now().setup).unopened {
            tracing::error!(
                publisher = %it.publisher,
                destination = %it.destination,
                "The secrets of a destination do not open: {}.",
                it.reason
            );
        }
    }

    /// Tells when the set-up changes.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// Reads the set-up anew. Connectors whose settings did not change are kept, with their connections.
    ///
    /// # Errors
    /// [`StoreError`]; the old snapshot stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let setup = self.store.setup().await?;
        let old = self.now();
        if old.setup.version > setup.version {
            return Ok(());
        }
        let version = setup.version;
        let snapshot = Arc::new(self.assemble(setup, &old));
        {
            let mut current = self.current.write().expect("swapping a pointer cannot panic");
            // Of two refreshes under way at once the older one must not win.
            if current.setup.version <= version {
                *current = snapshot;
            }
        }
        self.version.send_replace(version);
        Ok(())
    }

    /// Makes a new master key; see [`Vault::rotate_master`].
    ///
    /// # Errors
    /// As there.
    pub async fn rotate_master(&self, now: Timestamp) -> anyhow::Result<Rotated> {
        self.vault.rotate_master(&self.store, now, self.refresh()).await
    }

    /// Gives a publisher or everybody a new key; see [`Vault::rotate_publishers`]. Connectors stay as they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotate_publishers(
        &self,
        whose: Option<PublisherId>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let rotated = self.vault.rotate_publishers(&self.store, whose, now).await?;
        self.refresh().await?;
        Ok(rotated)
    }

    fn assemble(&self, setup: Setup, old: &Snapshot) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let opener = self.vault.opener(&setup);
        let mut do_not_contact = HashMap::new();
        for destination in &setup.destinations {
            let key = LaneKey { publisher: destination.publisher.clone(), destination: destination.number };
            let kept = old.lanes.get(&key).filter(|it| it.is_still(destination, &opener));
            let outlet = kept.map_or_else(|| Arc::new(self.build(destination, &opener)), Arc::clone);
            do_not_contact.insert(key.clone(), wish_about_do_not_contact(&destination.settings));
            snapshot.lanes.insert(key, outlet);
        }
        for route in &setup.routes {
            let key = LaneKey { publisher: route.publisher.clone(), destination: route.destination };
            let Some(do_not_contact) = do_not_contact.get(&key) else { continue };
            let when = read_filter(&route.filter, old, &mut snapshot.filters);
            snapshot.routes.entry(route.publisher.clone()).or_default().push(Route {
                id: route.id,
                offers: route.offers.clone(),
                when,
                destination: route.destination,
                stop: route.stop,
                do_not_contact: *do_not_contact,
            });
        }
        let mut holding: HashMap<PublisherId, Vec<DestinationNo>> = HashMap::new();
        for (key, _) in do_not_contact.iter().filter(|it| *it.1 == DoNotContact::Hold) {
            holding.entry(key.publisher.clone()).or_default().push(key.destination);
        }
        snapshot.holding = holding.into_iter().map(|(publisher, all)| (publisher, all.into())).collect();
        for kept in &setup.follow_ups {
            match follow_ups::ready(kept) {
                Some(it) => snapshot.follow_ups.entry(kept.publisher.clone()).or_default().push(it),
                None => tracing::error!(publisher = %kept.publisher, follow_up = %kept.id,
                    "A follow-up cannot be read by this version. It says nothing until it is written anew."),
            }
        }
        snapshot.interest = InterestRules::with(setup.interest.iter().cloned());
        snapshot.identity = setup.identity.iter().cloned().collect();
        for key in &setup.keys {
            let Some(role) = Role::parse(&key.role) else { continue };
            let actor = Actor { who: Who::Key(key.id), role, publisher: key.publisher.clone() };
            snapshot.keys.insert(key.hash, (actor, key.expires_at));
        }
        if let Some(hash) = self.local_key {
            let who = Who::Key(leadwire_core::id::KeyId::new(0));
            snapshot.keys.insert(hash, (Actor { who, role: Role::Operator, publisher: None }, None));
        }
        for token in &setup.tokens {
            let offer = OfferRef { publisher: token.publisher.clone(), offer: token.offer.clone() };
            snapshot.tokens.insert(token.hash, Address { token: token.id, offer });
        }
        snapshot.setup = setup;
        snapshot.opener = Some(opener);
        snapshot
    }

    fn build(&self, destination: &Destination, opener: &Opener) -> Outlet {
        let kind = leadwire_connect::kind(&destination.kind);
        let settings = open_settings(opener, destination);
        let read = settings.as_ref().ok().map(DestinationSettings::read);
        let (in_flight, tell) = read.as_ref().map_or((1, None), |it| (it.in_flight, it.tell.clone()));
        let connector = match (kind, &settings) {
            (None, _) => Err(format!("this Leadwire has no connector called {}", destination.kind)),
            (_, Err(error)) => Err(format!("{error:#}")),
            (Some(kind), Ok(settings)) => kind.open(settings).map_err(|refusals| {
                let texts: Vec<String> =
                    refusals.iter().map(|it| format!("{}: {}", it.pointer, it.message)).collect();
                texts.join("; ")
            }),
        };
        let most = connector.as_ref().map_or(1, |it| it.in_flight_max()).max(1);
        let calls = connector.as_ref().map_or_else(|_| CallBudget::default(), |it| it.calls());
        let told = calls.told;
        let budget = read.and_then(|it| call_budget::budget(calls, &it, destination.number));
        let aside = Arc::new(Meter::new(None, told));
        Outlet {
            name: destination.name.clone(),
            kind: kind.map_or("unknown", |it| it.name),
            connector,
            egress: self.egress.for_destination().metered(Arc::clone(&aside)),
            aside,
            budget: budget.map(Arc::new),
            told,
            in_flight: in_flight.min(most),
            tell,
            settings: destination.settings.clone(),
            secrets: destination.secrets.clone(),
            fingerprint: fingerprint(opener, destination).ok(),
        }
    }
}

impl Outlet {
    /// Whether it was built from what a destination says now. A rotation changes how secrets are sealed, not them.
    fn is_still(&self, destination: &Destination, opener: &Opener) -> bool {
        let same_secrets = || {
            self.secrets == destination.secrets
                || self.fingerprint.is_some_and(|it| Ok(it) == fingerprint(opener, destination))
        };
        self.settings == destination.settings && self.name == destination.name && same_secrets()
    }
}

impl Snapshot {
    /// A destination's settings with its secrets put back in. The destination must be of this snapshot: a rotation
    /// takes keys away from later ones.
    ///
    /// # Errors
    /// When its secrets do not open with the keys at hand, or are not JSON.
    pub fn open_settings(&self, destination: &Destination) -> anyhow::Result<Settings> {
        let opener = self.opener.as_ref().context("the set-up was not read yet")?;
        open_settings(opener, destination)
    }

    /// Who shows this key. The key is hashed first, so the time this takes tells nothing about other keys.
    pub fn actor(&self, key: &str, clock: &dyn Clock) -> Option<Actor> {
        let hash = secrets::sha256(key.as_bytes());
        let (actor, expires_at) = self.keys.get(&hash)?;
        expires_at.is_none_or(|it| it > clock.wall()).then(|| actor.clone())
    }

    /// What an intake address stands for.
    pub fn address(&self, token: &str) -> Option<&Address> {
        self.tokens.get(&secrets::sha256(token.as_bytes()))
    }

    /// A publisher's routes, in their order.
    pub fn routes(&self, publisher: &PublisherId) -> &[Route] {
        self.routes.get(publisher).map_or(&[], Vec::as_slice)
    }

    /// Whether a publisher is known.
    pub fn has_publisher(&self, publisher: &PublisherId) -> bool {
        self.setup.publishers.binary_search_by(|it| it.id.cmp(publisher)).is_ok()
    }

    /// Whether an offer is known.
    pub fn has_offer(&self, publisher: &PublisherId, offer: &OfferId) -> bool {
        self.setup.offers.iter().any(|it| it.publisher == *publisher && it.id == *offer)
    }

    /// A destination, ready to be delivered to.
    pub fn outlet(&self, lane: &LaneKey) -> Option<&Arc<Outlet>> {
        self.lanes.get(lane)
    }

    /// All lanes.
    pub fn lanes(&self) -> impl Iterator<Item = &LaneKey> {
        self.lanes.keys()
    }

    /// A publisher's destination by its name or number.
    pub fn destination(&self, publisher: &PublisherId, name_or_number: &str) -> Option<&Destination> {
        let number = name_or_number.parse().ok().map(DestinationNo::new);
        let own = || self.setup.destinations.iter().filter(|it| it.publisher == *publisher);
        own().find(|it| it.name == name_or_number).or_else(|| own().find(|it| Some(it.number) == number))
    }
}
