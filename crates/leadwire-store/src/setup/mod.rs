//! What people set up: publishers, offers, destinations, routes, intake addresses and API keys.
//!
//! Every change raises a version number. Whoever routed a touchpoint by an older set-up is told so when it is
//! accepted, and routes it anew.

mod credentials;
mod destinations;
mod follow_ups;
mod identity;
mod interest;
pub mod listings;
pub mod mappings;
pub mod proofs;
mod publishers;
mod routes;
mod secrets;
mod withhold;

pub use follow_ups::StoredFollowUp;
pub use routes::RouteChange;
pub use secrets::{PublisherKey, Rekeying, SealedSecrets, Sealing};

use crate::engine::{Param, Row, Tx};
use crate::lanes::read_gate;
use crate::news::News;
use crate::postgres::scope::Scope;
use crate::retention;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, KeyId, OfferId, PublisherId, RouteId, TokenId, TouchpointId};
use leadwire_core::identity::IdentityRules;
use leadwire_core::interest::{Interest, Pattern};
use leadwire_core::lane::Gate;
use leadwire_core::routing::Offers;
use leadwire_core::time::Timestamp;
use leadwire_core::withhold::WithholdRule;

/// Everything that is set up, as of one version.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Raised with every change.
    pub version: i64,
    /// All publishers, by id.
    pub publishers: Vec<Publisher>,
    /// All offers, by publisher and id.
    pub offers: Vec<Offer>,
    /// All destinations that are not removed, by publisher and number.
    pub destinations: Vec<Destination>,
    /// All keys of publishers, by publisher and number.
    pub publisher_keys: Vec<PublisherKey>,
    /// All routes, by publisher, in their order.
    pub routes: Vec<StoredRoute>,
    /// All intake addresses that are not revoked.
    pub tokens: Vec<IntakeToken>,
    /// All API keys that are not revoked.
    pub keys: Vec<ApiKey>,
    /// What publishers set about keeping people, where they set anything or erased somebody.
    pub retention: Vec<Retention>,
    /// The operator's rows of the table of interest, by source and action.
    pub interest: Vec<(Pattern, Interest)>,
    /// All follow-ups, by publisher.
    pub follow_ups: Vec<StoredFollowUp>,
    /// Which customers' leads are kept from publishers.
    pub withhold: Vec<WithholdRule>,
    /// Rules of identity of publishers that have their own.
    pub identity: Vec<(PublisherId, IdentityRules)>,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// Its name on the marketplace.
    pub id: PublisherId,
    /// Its name for people.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// How long a publisher keeps people, and how it recognises those it erased.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Whose.
    pub publisher: PublisherId,
    /// For how many days after their last touchpoint people are kept; 0: for ever.
    pub days: u32,
    /// The salt of its tombstones; empty while there are none.
    pub salt: Vec<u8>,
    /// Whether readers, who see people masked, may have a lead revealed.
    pub readers_reveal: bool,
}

/// What a publisher lists.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id within the publisher.
    pub id: OfferId,
    /// Its name for people.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A configured connector.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Whose.
    pub publisher: PublisherId,
    /// Its number within the publisher.
    pub number: DestinationNo,
    /// Its name for people, unique within the publisher.
    pub name: String,
    /// Which connector.
    pub kind: String,
    /// The connector's settings as JSON, without secrets.
    pub settings: String,
    /// The secret settings, sealed by the program.
    pub secrets: Vec<u8>,
    /// Raised by the store whenever somebody changes the settings: the first ones have the number 1.
    pub settings_no: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whether its lane may send.
    pub gate: Gate,
    /// Whether deliveries to it are mapped by another version of its mapping than the current one; given by the store.
    pub pins_mappings: bool,
}

/// A rule: touchpoints of these offers go to that destination.
#[derive(Clone, Debug)]
pub struct StoredRoute {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: RouteId,
    /// Which offers.
    pub offers: Offers,
    /// Which touchpoints of them, as CEL; the empty text is all.
    pub filter: String,
    /// Where to.
    pub destination: DestinationNo,
    /// Whether no later route is looked at once this one takes a touchpoint.
    pub stop: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An intake address.
#[derive(Clone, Debug)]
pub struct IntakeToken {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: TokenId,
    /// The offer that everything sent to it belongs to.
    pub offer: OfferId,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// The token's last four characters, to tell it from others.
    pub tail: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Whose; none: the operator's.
    pub publisher: Option<PublisherId>,
    /// Its id.
    pub id: KeyId,
    /// What it is for, in somebody's words.
    pub title: String,
    /// What it may do: `operator`, `publisher`, `sender` or `reader`.
    pub role: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// The key's last four characters, to tell it from others.
    pub tail: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
}

/// Why a change of the set-up was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Made,
    /// What it is about does not exist.
    Missing,
    /// Its name is taken.
    Taken,
    /// Deliveries are still owed through it.
    Owed(i64),
    /// There are as many of its kind as there may be.
    Full,
    /// The destination serves something else: routes and follow-ups share none.
    InUse,
}

impl Store {
    /// Everything that is set up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setup(&self) -> Result<Setup, StoreError> {
        self.read(load).await
    }

    /// The greatest touchpoint id ever stored, from which ids go on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_touchpoint(&self) -> Result<Option<TouchpointId>, StoreError> {
        self.read(|tx| {
            let last =
                tx.query("SELECT publisher_id FROM publisher", &[], |row| Ok(row.text(0)?.to_owned()))?;
            let mut greatest = None;
            for publisher in last {
                let found = tx.find(
                    "SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $1
                     ORDER BY touchpoint_id DESC LIMIT 1",
                    &[Param::Text(&publisher)],
                    |row| row.touchpoint(0),
                )?;
                greatest = greatest.max(found);
            }
            Ok(greatest)
        })
        .await
    }

    /// A change for the publishers of a scope; of what holds for all, with [`Scope::Everything`]: nobody accepts by the old after it.
    async fn change<F>(&self, scope: Scope, mut body: F) -> Result<Change, StoreError>
    where
        F: FnMut(&Tx<'_>) -> Result<Change, StoreError> + Send + 'static,
    {
        self.write_in(scope, move |tx| {
            let change = body(tx)?;
            if change == Change::Made {
                raise_version(tx)?;
            }
            Ok(change)
        })
        .await
    }
}

fn made_or(rows: usize, otherwise: Change) -> Change {
    if rows > 0 { Change::Made } else { otherwise }
}

pub(crate) fn raise_version(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.tell(&News::SetUp);
    tx.execute("UPDATE meta SET value = value + 1 WHERE name = 'setup_version'", &[])?;
    Ok(())
}

pub(crate) fn version(tx: &Tx<'_>) -> Result<i64, StoreError> {
    tx.find("SELECT value FROM meta WHERE name = 'setup_version'", &[], |row| row.int(0))?
        .ok_or_else(|| StoreError::Wrong("the set-up has no version".to_owned()))
}

pub(crate) fn load(tx: &Tx<'_>) -> Result<Setup, StoreError> {
    Ok(Setup {
        version: version(tx)?,
        publishers: tx.query(
            "SELECT publisher_id, title, created_at FROM publisher ORDER BY publisher_id",
            &[],
            read_publisher,
        )?,
        offers: tx.query(
            "SELECT publisher_id, offer_id, title, created_at FROM offer ORDER BY publisher_id, offer_id",
            &[],
            read_offer,
        )?,
        destinations: tx.query(
            "SELECT d.publisher_id, d.destination_no, d.name, d.kind, d.settings, d.secrets, d.created_at,
                 l.state, l.pause_cause, l.pause_message, l.pause_fix, l.paused_at, l.probe_at, l.probes, l.tripped,
                 d.settings_no, d.pins_mappings
             FROM destination d
             JOIN lane l ON l.publisher_id = d.publisher_id AND l.destination_no = d.destination_no
             WHERE d.removed_at = 0
             ORDER BY d.publisher_id, d.destination_no",
            &[],
            read_destination,
        )?,
        publisher_keys: secrets::all_keys(tx)?,
        routes: tx.query(
            "SELECT publisher_id, route_id, offer_id, destination_no, filter, stop, created_at FROM route
             ORDER BY publisher_id, position, route_id",
            &[],
            read_route,
        )?,
        tokens: tx.query(
            "SELECT publisher_id, token_id, offer_id, hash, tail, created_at FROM intake_token
             WHERE revoked_at = 0
             ORDER BY publisher_id, token_id",
            &[],
            read_token,
        )?,
        keys: tx.query(
            "SELECT publisher_id, key_id, title, role, hash, tail, created_at, expires_at FROM api_key
             WHERE revoked_at = 0
             ORDER BY publisher_id, key_id",
            &[],
            read_key,
        )?,
        retention: retention::all(tx)?,
        interest: interest::all(tx)?,
        follow_ups: follow_ups::all(tx)?,
        withhold: withhold::all(tx)?,
        identity: identity::all(tx)?,
    })
}

fn read_publisher(row: &Row<'_>) -> Result<Publisher, StoreError> {
    Ok(Publisher { id: row.publisher(0)?, title: row.text(1)?.to_owned(), created_at: row.time(2)? })
}

fn read_offer(row: &Row<'_>) -> Result<Offer, StoreError> {
    Ok(Offer {
        publisher: row.publisher(0)?,
        id: offer(row, 1)?,
        title: row.text(2)?.to_owned(),
        created_at: row.time(3)?,
    })
}

fn read_destination(row: &Row<'_>) -> Result<Destination, StoreError> {
    Ok(Destination {
        publisher: row.publisher(0)?,
        number: row.destination(1)?,
        name: row.text(2)?.to_owned(),
        kind: row.text(3)?.to_owned(),
        settings: row.text(4)?.to_owned(),
        secrets: row.bytes(5)?.to_owned(),
        created_at: row.time(6)?,
        gate: read_gate(row, 7)?,
        settings_no: row.count(15)?,
        pins_mappings: row.int(16)? != 0,
    })
}

fn read_route(row: &Row<'_>) -> Result<StoredRoute, StoreError> {
    Ok(StoredRoute {
        publisher: row.publisher(0)?,
        id: RouteId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        offers: match row.text(2)? {
            "" => Offers::All,
            text => Offers::parse(text).map_err(|it| StoreError::Wrong(it.to_string()))?,
        },
        destination: row.destination(3)?,
        filter: row.text(4)?.to_owned(),
        stop: row.int(5)? != 0,
        created_at: row.time(6)?,
    })
}

fn read_token(row: &Row<'_>) -> Result<IntakeToken, StoreError> {
    Ok(IntakeToken {
        publisher: row.publisher(0)?,
        id: TokenId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        offer: offer(row, 2)?,
        hash: hash(row, 3)?,
        tail: row.text(4)?.to_owned(),
        created_at: row.time(5)?,
    })
}

fn read_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let publisher = match row.text(0)? {
        "" => None,
        _ => Some(row.publisher(0)?),
    };
    Ok(ApiKey {
        publisher,
        id: KeyId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
        title: row.text(2)?.to_owned(),
        role: row.text(3)?.to_owned(),
        hash: hash(row, 4)?,
        tail: row.text(5)?.to_owned(),
        created_at: row.time(6)?,
        expires_at: row.time_or_none(7)?,
    })
}

fn offer(row: &Row<'_>, column: usize) -> Result<OfferId, StoreError> {
    row.offer_or_none(column)?.ok_or_else(|| StoreError::Wrong("an offer has no id".to_owned()))
}

fn hash(row: &Row<'_>, column: usize) -> Result<[u8; 32], StoreError> {
    row.bytes(column)?.try_into().map_err(|_| StoreError::Wrong("a hash has the wrong length".to_owned()))
}
