//! Erasing people: at once from all that would be sent, then step by step from everything kept, with a receipt.

mod address;
mod begin;
pub mod list;
mod settle;
pub(crate) mod tombstones;
mod wipe;

pub use address::Address;
pub(crate) use settle::{after_settle, late_end};
pub(crate) use wipe::wipe_quarantined;

use crate::engine::{Param, Row, Tx};
use crate::lanes::LaneKey;
use crate::postgres::scope::Scope;
use crate::rows::DeliveryState;
use crate::{Store, StoreError};
use leadwire_core::id::{DeliveryId, DestinationNo, ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// A wish to erase a person, who may be several leads.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whose customer.
    pub publisher: PublisherId,
    /// Its id.
    pub id: ErasureId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Whether systems that can are asked to delete their records.
    pub crm: Crm,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Leads that are erased.
    pub leads: Vec<LeadId>,
    /// Further leads that are erased, if there are any: those with these identities.
    pub found_by: Vec<[u8; 16]>,
    /// Further leads that are erased: those that have this address.
    pub address: Option<Address>,
    /// Identities by which old data of the person is kept out, besides those above.
    pub identities: Vec<[u8; 16]>,
    /// Words that find the person in bodies which nobody could read.
    pub words: BTreeSet<String>,
    /// Ids for the touchpoints that tell of it: as many as there can be leads.
    pub ids: Vec<TouchpointId>,
    /// A salt for the publisher's tombstones, used when it has none yet.
    pub salt: [u8; 16],
}

/// What becomes of the records in systems that have the lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crm {
    /// They are deleted where that is possible.
    Delete,
    /// They stay; the receipt names where.
    Keep,
}

impl Crm {
    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Crm::Delete => "delete",
            Crm::Keep => "keep",
        }
    }
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing of the person is sent any more, and the wiping is under way.
    Begun(Begun),
    /// There is no such lead, or it is erased already. Nothing was done.
    NoLead,
}

/// What an erasure changed at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// Leads that are no more.
    pub leads: Vec<LeadId>,
    /// Deliveries that must not be sent any more.
    pub stopped: Vec<DeliveryId>,
    /// Lanes that have a deletion to bring.
    pub told: BTreeSet<LaneKey>,
}

/// A wish to erase, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub publisher: PublisherId,
    /// Its id.
    pub id: ErasureId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// `person` or `retention`.
    pub kind: String,
    /// `delete` or `keep`.
    pub crm: String,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
    /// What was wiped so far.
    pub wiped: Wiped,
    /// When nothing of it was left in the store; none: it is under way.
    pub wiped_at: Option<Timestamp>,
}

/// Rows that were wiped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wiped {
    /// Leads.
    pub leads: u64,
    /// Touchpoints.
    pub touchpoints: u64,
    /// Deliveries, whatever their state.
    pub deliveries: u64,
    /// Attempts, whose evidence is gone.
    pub attempts: u64,
    /// Decisions about the leads, whose reasons are gone.
    pub decisions: u64,
    /// Bodies in quarantine.
    pub quarantined: u64,
    /// Idempotency keys, whose hash of the body is gone.
    pub idempotency_keys: u64,
}

/// How a destination's part of an erasure stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The delivery that brings it.
    pub delivery: DeliveryId,
    /// The lead it is about.
    pub lead: LeadId,
    /// The destination's name and connector, also after its removal.
    pub destination: (String, String),
    /// The delivery's state.
    pub state: DeliveryState,
    /// What became of it, as a stable name; empty while it waits.
    pub cause: String,
    /// The same in words.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it came to rest.
    pub ended_at: Option<Timestamp>,
}

const ERASURE: &str =
    "SELECT publisher_id, erasure_id, asked_at, kind, crm, who, reason, leads, touchpoints, deliveries, attempts,
         decisions, quarantined, idempotency_keys, wiped_at
     FROM erasure
     WHERE publisher_id = $1 AND erasure_id = $2";

impl Store {
    /// Begins an erasure: from here on nothing of these leads is sent or shown, they have no identity any more, and the
    /// destinations that may know them are owed its news. One transaction; a crash leaves all of it or nothing, and what
    /// is left to be wiped is found by [`Store::wiping`].
    ///
    /// `after` runs once that is on disk, on the writer's thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erase<A>(&self, wish: Wish, after: A) -> Result<Asked, StoreError>
    where
        A: FnOnce(&Asked) + Send + 'static,
    {
        self.write_then(
            Scope::of(wish.publisher.as_str()),
            move |tx| begin::begin(tx, &wish, "person"),
            after,
        )
        .await
    }

    /// Erasures of which something is still to be wiped, of every publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wiping(&self) -> Result<Vec<(PublisherId, ErasureId)>, StoreError> {
        self.read(|tx| {
            tx.query("SELECT publisher_id, erasure_id FROM erasure WHERE state = 'wiping'", &[], |row| {
                Ok((row.publisher(0)?, erasure_id(row, 1)?))
            })
        })
        .await
    }

    /// Wipes the next rows, in one transaction of a bounded size. True: there is more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wipe_step(
        &self,
        publisher: PublisherId,
        id: ErasureId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let has_more =
            self.write_of(&publisher.clone(), move |tx| wipe::step(tx, &publisher, id, now)).await?;
        if !has_more {
            // What was wiped is still in a file's log, until the log is folded away; a commit is the occasion.
            self.empty_log_soon();
            if self.folder().is_some() {
                self.write(|_| Ok(())).await?;
            }
        }
        Ok(has_more)
    }

    /// A publisher's erasures, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasures(
        &self,
        publisher: PublisherId,
        before: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let before = before.map_or("era_~".to_owned(), |it| it.to_string());
            tx.query(
                "SELECT publisher_id, erasure_id, asked_at, kind, crm, who, reason, leads, touchpoints, deliveries,
                     attempts, decisions, quarantined, idempotency_keys, wiped_at
                 FROM erasure
                 WHERE publisher_id = $1 AND erasure_id < $2
                 ORDER BY erasure_id DESC
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&before),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read_erasure,
            )
        })
        .await
    }

    /// An erasure, with the part of every destination that may have known a lead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasure(
        &self,
        publisher: PublisherId,
        id: ErasureId,
    ) -> Result<Option<(Erasure, Vec<Part>)>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let key = [Param::Text(publisher.as_str()), Param::Text(&id.to_string())];
            let Some(erasure) = tx.find(ERASURE, &key, read_erasure)? else { return Ok(None) };
            let parts = tx.query(
                "WITH gone AS MATERIALIZED (
                     SELECT touchpoint_id FROM erased_lead WHERE publisher_id = $1 AND erasure_id = $2)
                 SELECT d.touchpoint_id, d.destination_no, d.lead_id, o.name, o.kind, d.state, d.cause, d.message,
                     d.fix, d.attempts, d.ended_at
                 FROM gone
                 CROSS JOIN delivery d
                 JOIN destination o ON o.publisher_id = d.publisher_id AND o.destination_no = d.destination_no
                 WHERE d.publisher_id = $1 AND d.touchpoint_id = gone.touchpoint_id",
                &key,
                read_part,
            )?;
            Ok(Some((erasure, parts)))
        })
        .await
    }

    /// What destinations must know of an erased lead to find their record, as JSON: `asked_at`, `email`, and `records`
    /// by the destination's number. None once nobody needs it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasure_needs(
        &self,
        publisher: PublisherId,
        touchpoint: TouchpointId,
    ) -> Result<Option<String>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT needs FROM erased_lead WHERE publisher_id = $1 AND touchpoint_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&touchpoint.to_string())],
                |row| row.text_or_none(0),
            )?;
            Ok(found.flatten())
        })
        .await
    }

    /// When a lead was erased; none when it was not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erased_at(
        &self,
        publisher: PublisherId,
        lead: LeadId,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT erased_at FROM lead WHERE publisher_id = $1 AND lead_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
                |row| row.time_or_none(0),
            )?;
            Ok(found.flatten())
        })
        .await
    }

    /// Leads with these identities that are there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leads_of_identities(
        &self,
        publisher: PublisherId,
        identities: Vec<[u8; 16]>,
    ) -> Result<Vec<LeadId>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| address::leads_of(tx, &publisher, &identities)).await
    }
}

/// Begins wiping leads that are only old: nobody is told, and nobody is kept out.
pub(crate) fn retire(tx: &Tx<'_>, wish: &Wish) -> Result<Asked, StoreError> {
    begin::begin(tx, wish, "retention")
}

fn erasure_id(row: &Row<'_>, column: usize) -> Result<ErasureId, StoreError> {
    ErasureId::parse(row.text(column)?).map_err(|it| StoreError::Wrong(it.to_string()))
}

fn read_erasure(row: &Row<'_>) -> Result<Erasure, StoreError> {
    Ok(Erasure {
        publisher: row.publisher(0)?,
        id: erasure_id(row, 1)?,
        asked_at: row.time(2)?,
        kind: row.text(3)?.to_owned(),
        crm: row.text(4)?.to_owned(),
        who: row.text(5)?.to_owned(),
        reason: row.text(6)?.to_owned(),
        wiped: Wiped {
            leads: row.count(7)?,
            touchpoints: row.count(8)?,
            deliveries: row.count(9)?,
            attempts: row.count(10)?,
            decisions: row.count(11)?,
            quarantined: row.count(12)?,
            idempotency_keys: row.count(13)?,
        },
        wiped_at: row.time_or_none(14)?,
    })
}

fn read_part(row: &Row<'_>) -> Result<Part, StoreError> {
    let destination: DestinationNo = row.destination(1)?;
    Ok(Part {
        delivery: DeliveryId { touchpoint: row.touchpoint(0)?, destination },
        lead: row.lead(2)?,
        destination: (row.text(3)?.to_owned(), row.text(4)?.to_owned()),
        state: row.delivery_state(5)?,
        cause: row.text(6)?.to_owned(),
        message: row.text(7)?.to_owned(),
        fix: row.text(8)?.to_owned(),
        attempts: row.count(9)?,
        ended_at: row.time_or_none(10)?,
    })
}
