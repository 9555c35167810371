//! The list of erasures: what a restored store must be told, so that nobody comes back who was erased after the backup.

use super::{Asked, Crm, Wish, begin, erasure_id, wipe};
use crate::engine::{Param, Tx};
use crate::{StoreError, setup};
use leadwire_core::erasure::{Kind, tombstone_key};
use leadwire_core::id::{ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One publisher's part of the list. Holds no personal value: ids and salted hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedOf {
    /// Whose.
    pub publisher: PublisherId,
    /// The salt of its tombstones; empty while there are none.
    pub salt: Vec<u8>,
    /// Its tombstones: key, when, and the lead that was erased, empty when there was none.
    pub tombstones: Vec<(Vec<u8>, Timestamp, String)>,
    /// What people asked to be erased.
    pub erasures: Vec<Listed>,
    /// Bodies in quarantine whose bytes are gone.
    pub quarantined: Vec<String>,
}

/// An erasure in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: ErasureId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What becomes of the records in systems that have the lead.
    pub crm: Crm,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Its leads, each with the id of the touchpoint that told of it.
    pub leads: Vec<(LeadId, TouchpointId)>,
}

/// What applying a list came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Erasures that were made again.
    pub erasures: u64,
    /// Leads that were wiped by them.
    pub leads: u64,
    /// Bodies in quarantine that were wiped again.
    pub quarantined: u64,
}

/// Runs a body in a transaction of its own.
pub(crate) type Run<'a> =
    dyn FnMut(&mut dyn FnMut(&Tx<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> + 'a;

/// Reads the list of a store.
pub(crate) fn read(tx: &Tx<'_>) -> Result<Vec<ErasedOf>, StoreError> {
    let publishers = tx.query(
        "SELECT p.publisher_id, COALESCE(r.salt, x'')
         FROM publisher p
         LEFT JOIN retention r ON r.publisher_id = p.publisher_id
         ORDER BY p.publisher_id",
        &[],
        |row| Ok((row.publisher(0)?, row.bytes(1)?.to_owned())),
    )?;
    publishers.into_iter().map(|(publisher, salt)| read_one(tx, publisher, salt)).collect()
}

fn read_one(tx: &Tx<'_>, publisher: PublisherId, salt: Vec<u8>) -> Result<ErasedOf, StoreError> {
    let id = [Param::Text(publisher.as_str())];
    let tombstones = tx.query(
        "SELECT tombstone_key, erased_at, lead_id FROM tombstone WHERE publisher_id = $1",
        &id,
        |row| Ok((row.bytes(0)?.to_owned(), row.time(1)?, row.text(2)?.to_owned())),
    )?;
    let mut leads: BTreeMap<ErasureId, Vec<(LeadId, TouchpointId)>> = BTreeMap::new();
    let all = tx.query(
        "SELECT erasure_id, lead_id, touchpoint_id FROM erased_lead WHERE publisher_id = $1",
        &id,
        |row| Ok((erasure_id(row, 0)?, row.lead(1)?, row.touchpoint(2)?)),
    )?;
    for (erasure, lead, touchpoint) in all {
        leads.entry(erasure).or_default().push((lead, touchpoint));
    }
    let erasures = tx.query(
        "SELECT erasure_id, asked_at, crm, who, reason FROM erasure WHERE publisher_id = $1 AND kind = 'person'",
        &id,
        |row| {
            let id = erasure_id(row, 0)?;
            Ok(Listed {
                id,
                asked_at: row.time(1)?,
                crm: if row.text(2)? == "keep" { Crm::Keep } else { Crm::Delete },
                who: row.text(3)?.to_owned(),
                reason: row.text(4)?.to_owned(),
                leads: leads.remove(&id).unwrap_or_default(),
            })
        },
    )?;
    let quarantined = tx.query(
        "SELECT quarantine_id FROM quarantine WHERE publisher_id = $1 AND LENGTH(body) = 0",
        &id,
        |row| Ok(row.text(0)?.to_owned()),
    )?;
    Ok(ErasedOf { publisher, salt, tombstones, erasures, quarantined })
}

/// Makes the erasures of a list again which a store does not know, all of each: nothing of those people is left in it
/// afterwards, and destinations that may know them are told again. `mint` makes ids for touchpoints.
///
/// Runs while nobody else has the store; each call of `run` is a transaction.
pub(crate) fn apply(
    run: &mut Run<'_>,
    list: &[ErasedOf],
    mint: &mut dyn FnMut() -> TouchpointId,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let mut made: Vec<(PublisherId, ErasureId)> = Vec::new();
    for one in list {
        run(&mut |tx| apply_one(tx, one, mint, (&mut applied, &mut made)))?;
    }
    for (publisher, id) in made {
        let mut has_more = true;
        while has_more {
            run(&mut |tx| {
                has_more = wipe::step(tx, &publisher, id, now)?;
                Ok(())
            })?;
        }
    }
    Ok(applied)
}

fn apply_one(
    tx: &Tx<'_>,
    one: &ErasedOf,
    mint: &mut dyn FnMut() -> TouchpointId,
    (applied, made): (&mut Applied, &mut Vec<(PublisherId, ErasureId)>),
) -> Result<(), StoreError> {
    let id = Param::Text(one.publisher.as_str());
    if tx.find("SELECT 1 FROM publisher WHERE publisher_id = $1", &[id], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    take_tombstones(tx, one)?;
    let mut found = matching(tx, one)?;
    for listed in &one.erasures {
        let known = tx.find(
            "SELECT 1 FROM erasure WHERE publisher_id = $1 AND erasure_id = $2",
            &[id, Param::Text(&listed.id.to_string())],
            |_| Ok(()),
        )?;
        if known.is_some() {
            continue;
        }
        let mut leads: Vec<LeadId> = listed.leads.iter().map(|it| it.0).collect();
        leads.extend(found.remove(&listed.asked_at).unwrap_or_default());
        let mut ids: Vec<TouchpointId> = listed.leads.iter().map(|it| it.1).collect();
        // Of each lead, all that the copy knows to be one with it.
        ids.resize_with(leads.len() * limits::MEMBERS_MAX, &mut *mint);
        let wish = Wish {
            publisher: one.publisher.clone(),
            id: listed.id,
            asked_at: listed.asked_at,
            crm: listed.crm,
            who: listed.who.clone(),
            reason: listed.reason.clone(),
            leads,
            found_by: Vec::new(),
            address: None,
            identities: Vec::new(),
            words: BTreeSet::new(),
            ids,
            salt: [0; 16],
        };
        if let Asked::Begun(begun) = begin::begin(tx, &wish, "person")? {
            applied.erasures += 1;
            applied.leads += wipe::to_u64(begun.leads.len());
            made.push((one.publisher.clone(), listed.id));
        }
    }
    for quarantined in &one.quarantined {
        applied.quarantined += wipe::to_u64(wipe::wipe_quarantined(tx, id, quarantined)?);
    }
    Ok(())
}

fn take_tombstones(tx: &Tx<'_>, one: &ErasedOf) -> Result<(), StoreError> {
    if one.salt.is_empty() {
        return Ok(());
    }
    let id = Param::Text(one.publisher.as_str());
    let own = tx.find("SELECT salt FROM retention WHERE publisher_id = $1", &[id], |row| {
        Ok(row.bytes(0)?.to_owned())
    })?;
    if own.is_some_and(|it| !it.is_empty() && it != one.salt) {
        return Err(StoreError::Wrong(format!(
            "the list of erasures belongs to another store: the salt of {} is not the same",
            one.publisher
        )));
    }
    tx.execute(
        "INSERT INTO retention (publisher_id, salt) VALUES ($1, $2)
         ON CONFLICT (publisher_id) DO UPDATE SET salt = excluded.salt",
        &[id, Param::Bytes(&one.salt)],
    )?;
    setup::raise_version(tx)?;
    for (key, erased_at, lead) in &one.tombstones {
        tx.execute(
            "INSERT INTO tombstone (publisher_id, tombstone_key, erased_at, lead_id) VALUES ($1, $2, $3, $4)
             ON CONFLICT (publisher_id, tombstone_key) DO UPDATE SET erased_at = excluded.erased_at,
                 lead_id = excluded.lead_id
             WHERE tombstone.erased_at < excluded.erased_at",
            &[id, Param::Bytes(key), Param::Int(erased_at.millis()), Param::Text(lead)],
        )?;
    }
    Ok(())
}

/// Leads of the store whose identity has a tombstone that is younger than what was last heard of them, by its moment.
fn matching(tx: &Tx<'_>, one: &ErasedOf) -> Result<BTreeMap<Timestamp, Vec<LeadId>>, StoreError> {
    let graves: BTreeMap<&[u8], Timestamp> = one.tombstones.iter().map(|it| (&*it.0, it.1)).collect();
    let mut found: BTreeMap<Timestamp, Vec<LeadId>> = BTreeMap::new();
    if graves.is_empty() {
        return Ok(found);
    }
    let all = tx.query(
        "SELECT lead_id, updated_at, identity FROM lead
         WHERE publisher_id = $1 AND identity <> x'' AND erased_at = 0",
        &[Param::Text(one.publisher.as_str())],
        |row| {
            let key = tombstone_key(&one.salt, Kind::Identity, row.bytes(2)?);
            Ok((row.lead(0)?, row.time(1)?, graves.get(&key[..]).copied()))
        },
    )?;
    for (lead, heard_at, erased_at) in all {
        if let Some(erased_at) = erased_at.filter(|it| *it > heard_at) {
            found.entry(erased_at).or_default().push(lead);
        }
    }
    Ok(found)
}
