//! What people set up: publishers, offers, destinations, routes, intake addresses and API keys.
//!
//! Every change raises a version number. Whoever routed a touchpoint by an older set-up is told so when it is
//! accepted, and routes it anew.

use crate::engine::{Param, Row, Tx};
use crate::lanes::read_gate;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, KeyId, OfferId, PublisherId, RouteId, TokenId, TouchpointId};
use leadwire_core::lane::Gate;
use leadwire_core::time::Timestamp;

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
    /// All routes, oldest first.
    pub routes: Vec<StoredRoute>,
    /// All intake addresses that are not revoked.
    pub tokens: Vec<IntakeToken>,
    /// All API keys that are not revoked.
    pub keys: Vec<ApiKey>,
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
    /// When it was added.
    pub created_at: Timestamp,
    /// Whether its lane may send.
    pub gate: Gate,
}

/// A rule: touchpoints of these offers go to that destination.
#[derive(Clone, Debug)]
pub struct StoredRoute {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: RouteId,
    /// Which offer; none: all.
    pub offer: Option<OfferId>,
    /// Where to.
    pub destination: DestinationNo,
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
            let last = tx.query("SELECT publisher_id FROM publisher", &[], |row| Ok(row.text(0)?.to_owned()))?;
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

    /// Adds a publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_publisher(&self, it: Publisher) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let added = tx.execute(
                "INSERT INTO publisher (publisher_id, title, created_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                &[Param::Text(it.id.as_str()), Param::Text(&it.title), Param::Int(it.created_at.millis())],
            )?;
            Ok(made_or(added, Change::Taken))
        })
        .await
    }

    /// Adds an offer, or gives it a new title.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_offer(&self, it: Offer) -> Result<Change, StoreError> {
        self.change(move |tx| {
            tx.execute(
                "INSERT INTO offer (publisher_id, offer_id, title, created_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (publisher_id, offer_id) DO UPDATE SET title = excluded.title",
                &[
                    Param::Text(it.publisher.as_str()),
                    Param::Text(it.id.as_str()),
                    Param::Text(&it.title),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes an offer with its routes and intake addresses. What was received for it stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_offer(
        &self,
        publisher: PublisherId,
        offer: OfferId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let publisher = Param::Text(publisher.as_str());
            let offer = Param::Text(offer.as_str());
            tx.execute("DELETE FROM route WHERE publisher_id = $1 AND offer_id = $2", &[publisher, offer])?;
            tx.execute(
                "UPDATE intake_token SET revoked_at = $1
                 WHERE publisher_id = $2 AND offer_id = $3 AND revoked_at = 0",
                &[Param::Int(now.millis()), publisher, offer],
            )?;
            let removed =
                tx.execute("DELETE FROM offer WHERE publisher_id = $1 AND offer_id = $2", &[publisher, offer])?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }

    /// Adds a destination under the publisher's next number, and its lane. The number given is not used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_destination(&self, it: Destination) -> Result<Result<DestinationNo, Change>, StoreError> {
        self.write(move |tx| {
            let publisher = Param::Text(it.publisher.as_str());
            let taken = tx.find(
                "SELECT 1 FROM destination WHERE publisher_id = $1 AND name = $2 AND removed_at = 0",
                &[publisher, Param::Text(&it.name)],
                |_| Ok(()),
            )?;
            if taken.is_some() {
                return Ok(Err(Change::Taken));
            }
            let number = tx
                .find(
                    "SELECT COALESCE(MAX(destination_no), 0) + 1 FROM destination WHERE publisher_id = $1",
                    &[publisher],
                    |row| row.int(0),
                )?
                .unwrap_or(1);
            tx.execute(
                "INSERT INTO destination (publisher_id, destination_no, name, kind, settings, secrets, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    publisher,
                    Param::Int(number),
                    Param::Text(&it.name),
                    Param::Text(&it.kind),
                    Param::Text(&it.settings),
                    Param::Bytes(&it.secrets),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            tx.execute(
                "INSERT INTO lane (publisher_id, destination_no) VALUES ($1, $2)",
                &[publisher, Param::Int(number)],
            )?;
            raise_version(tx)?;
            let number = u32::try_from(number).map_err(|_| StoreError::Wrong("too many destinations".into()))?;
            Ok(Ok(DestinationNo::new(number)))
        })
        .await
    }

    /// Gives a destination new settings and secrets; the number and kind given stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_destination(&self, it: Destination) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let updated = tx.execute(
                "UPDATE destination SET settings = $1, secrets = $2
                 WHERE publisher_id = $3 AND destination_no = $4 AND removed_at = 0",
                &[
                    Param::Text(&it.settings),
                    Param::Bytes(&it.secrets),
                    Param::Text(it.publisher.as_str()),
                    Param::Int(it.number.get().into()),
                ],
            )?;
            Ok(made_or(updated, Change::Missing))
        })
        .await
    }

    /// Removes a destination and the routes to it, unless deliveries to it are still pending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_destination(
        &self,
        publisher: PublisherId,
        number: DestinationNo,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let publisher = Param::Text(publisher.as_str());
            let number = Param::Int(number.get().into());
            let owed = tx
                .find(
                    "SELECT COUNT(*) FROM delivery
                     WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2",
                    &[publisher, number],
                    |row| row.int(0),
                )?
                .unwrap_or(0);
            if owed > 0 {
                return Ok(Change::Owed(owed));
            }
            tx.execute(
                "DELETE FROM route WHERE publisher_id = $1 AND destination_no = $2",
                &[publisher, number],
            )?;
            let removed = tx.execute(
                "UPDATE destination SET removed_at = $1, secrets = x''
                 WHERE publisher_id = $2 AND destination_no = $3 AND removed_at = 0",
                &[Param::Int(now.millis()), publisher, number],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }

    /// Adds a route to a destination that exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_route(&self, it: StoredRoute) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let publisher = Param::Text(it.publisher.as_str());
            let number = Param::Int(it.destination.get().into());
            let offer = Param::Text(it.offer.as_ref().map_or("", OfferId::as_str));
            let known = tx.find(
                "SELECT 1 FROM destination
                 WHERE publisher_id = $1 AND destination_no = $2 AND removed_at = 0",
                &[publisher, number],
                |_| Ok(()),
            )?;
            if known.is_none() {
                return Ok(Change::Missing);
            }
            let taken = tx.find(
                "SELECT 1 FROM route WHERE publisher_id = $1 AND offer_id = $2 AND destination_no = $3",
                &[publisher, offer, number],
                |_| Ok(()),
            )?;
            if taken.is_some() {
                return Ok(Change::Taken);
            }
            tx.execute(
                "INSERT INTO route (publisher_id, route_id, offer_id, destination_no, created_at)
                 VALUES ($1, $2, $3, $4, $5)",
                &[
                    publisher,
                    Param::Text(&it.id.to_string()),
                    offer,
                    number,
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Removes a route. What it routed before stays routed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_route(&self, publisher: PublisherId, route: RouteId) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let removed = tx.execute(
                "DELETE FROM route WHERE publisher_id = $1 AND route_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&route.to_string())],
            )?;
            Ok(made_or(removed, Change::Missing))
        })
        .await
    }

    /// Adds an intake address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_token(&self, it: IntakeToken) -> Result<Change, StoreError> {
        self.change(move |tx| {
            tx.execute(
                "INSERT INTO intake_token (publisher_id, token_id, offer_id, hash, tail, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    Param::Text(it.publisher.as_str()),
                    Param::Text(&it.id.to_string()),
                    Param::Text(it.offer.as_str()),
                    Param::Bytes(&it.hash),
                    Param::Text(&it.tail),
                    Param::Int(it.created_at.millis()),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Revokes an intake address: from then on it is answered like one that never was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(
        &self,
        publisher: PublisherId,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let revoked = tx.execute(
                "UPDATE intake_token SET revoked_at = $1
                 WHERE publisher_id = $2 AND token_id = $3 AND revoked_at = 0",
                &[
                    Param::Int(now.millis()),
                    Param::Text(publisher.as_str()),
                    Param::Text(&token.to_string()),
                ],
            )?;
            Ok(made_or(revoked, Change::Missing))
        })
        .await
    }

    /// Adds an API key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_key(&self, it: ApiKey) -> Result<Change, StoreError> {
        self.change(move |tx| {
            tx.execute(
                "INSERT INTO api_key (publisher_id, key_id, title, role, hash, tail, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    Param::Text(it.publisher.as_ref().map_or("", PublisherId::as_str)),
                    Param::Text(&it.id.to_string()),
                    Param::Text(&it.title),
                    Param::Text(&it.role),
                    Param::Bytes(&it.hash),
                    Param::Text(&it.tail),
                    Param::Int(it.created_at.millis()),
                    Param::Int(it.expires_at.map_or(0, Timestamp::millis)),
                ],
            )?;
            Ok(Change::Made)
        })
        .await
    }

    /// Revokes an API key; none as its publisher means the operator's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_key(
        &self,
        publisher: Option<PublisherId>,
        key: KeyId,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(move |tx| {
            let revoked = tx.execute(
                "UPDATE api_key SET revoked_at = $1
                 WHERE publisher_id = $2 AND key_id = $3 AND revoked_at = 0",
                &[
                    Param::Int(now.millis()),
                    Param::Text(publisher.as_ref().map_or("", PublisherId::as_str)),
                    Param::Text(&key.to_string()),
                ],
            )?;
            Ok(made_or(revoked, Change::Missing))
        })
        .await
    }

    async fn change<F>(&self, mut body: F) -> Result<Change, StoreError>
    where
        F: FnMut(&Tx<'_>) -> Result<Change, StoreError> + Send + 'static,
    {
        self.write(move |tx| {
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

fn raise_version(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE meta SET value = value + 1 WHERE name = 'setup_version'", &[])?;
    Ok(())
}

pub(crate) fn version(tx: &Tx<'_>) -> Result<i64, StoreError> {
    tx.find("SELECT value FROM meta WHERE name = 'setup_version'", &[], |row| row.int(0))?
        .ok_or_else(|| StoreError::Wrong("the set-up has no version".to_owned()))
}

fn load(tx: &Tx<'_>) -> Result<Setup, StoreError> {
    Ok(Setup {
        version: version(tx)?,
        publishers: tx.query(
            "SELECT publisher_id, title, created_at FROM publisher ORDER BY publisher_id",
            &[],
            |row| {
                Ok(Publisher {
                    id: row.publisher(0)?,
                    title: row.text(1)?.to_owned(),
                    created_at: row.time(2)?,
                })
            },
        )?,
        offers: tx.query(
            "SELECT publisher_id, offer_id, title, created_at FROM offer ORDER BY publisher_id, offer_id",
            &[],
            |row| {
                Ok(Offer {
                    publisher: row.publisher(0)?,
                    id: offer(row, 1)?,
                    title: row.text(2)?.to_owned(),
                    created_at: row.time(3)?,
                })
            },
        )?,
        destinations: tx.query(
            "SELECT d.publisher_id, d.destination_no, d.name, d.kind, d.settings, d.secrets, d.created_at,
                 l.state, l.pause_cause, l.pause_message, l.pause_fix, l.paused_at, l.probe_at, l.probes
             FROM destination d
             JOIN lane l ON l.publisher_id = d.publisher_id AND l.destination_no = d.destination_no
             WHERE d.removed_at = 0
             ORDER BY d.publisher_id, d.destination_no",
            &[],
            read_destination,
        )?,
        routes: tx.query(
            "SELECT publisher_id, route_id, offer_id, destination_no, created_at FROM route
             ORDER BY publisher_id, route_id",
            &[],
            |row| {
                Ok(StoredRoute {
                    publisher: row.publisher(0)?,
                    id: RouteId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
                    offer: row.offer_or_none(2)?,
                    destination: row.destination(3)?,
                    created_at: row.time(4)?,
                })
            },
        )?,
        tokens: tx.query(
            "SELECT publisher_id, token_id, offer_id, hash, tail, created_at FROM intake_token
             WHERE revoked_at = 0
             ORDER BY publisher_id, token_id",
            &[],
            |row| {
                Ok(IntakeToken {
                    publisher: row.publisher(0)?,
                    id: TokenId::parse(row.text(1)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
                    offer: offer(row, 2)?,
                    hash: hash(row, 3)?,
                    tail: row.text(4)?.to_owned(),
                    created_at: row.time(5)?,
                })
            },
        )?,
        keys: tx.query(
            "SELECT publisher_id, key_id, title, role, hash, tail, created_at, expires_at FROM api_key
             WHERE revoked_at = 0
             ORDER BY publisher_id, key_id",
            &[],
            read_key,
        )?,
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
