//! Wiping what is kept of a person, step by step: touchpoints, then bodies that nobody could read, then hashes.

use super::Wiped;
use super::tombstones::{self, Grave};
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::erasure::{self, Kind};
use leadwire_core::id::{ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// Wipes the next touchpoints of a lead, with what came of them.
pub(super) fn wipe_touchpoints(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    erasure: ErasureId,
    (lead, by, after): (LeadId, TouchpointId, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, lead_id) = (Param::Text(publisher.as_str()), lead.to_string());
    let page = tx.query(
        "SELECT touchpoint_id, body_sha256 FROM touchpoint
         WHERE publisher_id = $1 AND lead_id = $2 AND touchpoint_id > $3
         ORDER BY touchpoint_id
         LIMIT $4",
        &[id, Param::Text(&lead_id), Param::Text(after), Param::Int(to_i64(limits::ERASE_STEP))],
        |row| Ok((row.text(0)?.to_owned(), row.bytes(1)?.to_owned())),
    )?;
    let salt = tx.find(
        "SELECT r.salt, e.asked_at
         FROM erasure e
         JOIN retention r ON r.publisher_id = e.publisher_id
         WHERE e.publisher_id = $1 AND e.erasure_id = $2 AND e.kind = 'person'",
        &[id, Param::Text(&erasure.to_string())],
        |row| Ok((row.bytes(0)?.to_owned(), row.time(1)?)),
    )?;
    let mut wiped = Wiped::default();
    let by = by.to_string();
    for (touchpoint, body) in page.iter().filter(|it| it.0 != by) {
        if let Some((salt, erased_at)) = salt.as_ref().filter(|_| !body.is_empty()) {
            let grave = Grave { publisher, salt, erased_at: *erased_at, lead: &lead_id };
            tombstones::set(tx, &grave, Kind::Body, body)?;
        }
        let key = [id, Param::Text(touchpoint)];
        wiped.touchpoints += to_u64(tx.execute(
            "UPDATE touchpoint SET body = $1, body_sha256 = $1, routing_trouble = '', interest = 0,
                 interest_rule = '', erased_at = $2
             WHERE publisher_id = $3 AND touchpoint_id = $4 AND erased_at = 0",
            &[Param::Bytes(&[]), Param::Int(now.millis()), key[0], key[1]],
        )?);
        // What a repaired body came from may hold no word by which the person would be found in it.
        wiped.quarantined += to_u64(tx.execute(
            "UPDATE quarantine SET body = $1, body_sha256 = $1, pointer = '', message = 'erased'
             WHERE publisher_id = $2 AND touchpoint_id = $3 AND touchpoint_id <> '' AND LENGTH(body) > 0",
            &[Param::Bytes(&[]), key[0], key[1]],
        )?);
        wiped.deliveries += to_u64(tx.execute(
            "UPDATE delivery SET cause = '', message = '', fix = '', record = ''
             WHERE publisher_id = $1 AND touchpoint_id = $2 AND state = 'delivered'",
            &key,
        )?);
        wiped.attempts += to_u64(tx.execute(
            "UPDATE attempt SET evidence = '{}' WHERE publisher_id = $1 AND touchpoint_id = $2",
            &key,
        )?);
    }
    count(tx, publisher, erasure, wiped)?;
    let last = page.last().map_or(after, |it| &it.0);
    tx.execute(
        "UPDATE erased_lead SET wiped_to = $1, is_wiped = $2 WHERE publisher_id = $3 AND touchpoint_id = $4",
        &[Param::Text(last), Param::Int((page.len() < limits::ERASE_STEP).into()), id, Param::Text(&by)],
    )?;
    Ok(())
}

/// Wipes the next rows of an erasure: touchpoints, then bodies that nobody could read, then hashes of bodies. False:
/// nothing is left.
pub(super) fn step(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: ErasureId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id_text = id.to_string();
    let key = [Param::Text(publisher.as_str()), Param::Text(&id_text)];
    let found = tx.find(
        "SELECT words, quarantine_to, keys_to FROM erasure
         WHERE publisher_id = $1 AND erasure_id = $2 AND state = 'wiping'",
        &key,
        |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.bytes(2)?.to_owned())),
    )?;
    let Some((words, quarantine_to, keys_to)) = found else { return Ok(false) };
    let lead = tx.find(
        "SELECT lead_id, touchpoint_id, wiped_to FROM erased_lead
         WHERE publisher_id = $1 AND erasure_id = $2 AND is_wiped = 0
         LIMIT 1",
        &key,
        |row| Ok((row.lead(0)?, row.touchpoint(1)?, row.text(2)?.to_owned())),
    )?;
    if let Some((lead, by, after)) = lead {
        wipe_touchpoints(tx, publisher, id, (lead, by, &after), now)?;
        return Ok(true);
    }
    let words: BTreeSet<String> =
        serde_json::from_str(&words).map_err(|it| StoreError::Wrong(it.to_string()))?;
    if !words.is_empty() && wipe_quarantine(tx, key, &words, &quarantine_to, (publisher, id))? {
        return Ok(true);
    }
    if wipe_keys(tx, key, &keys_to, (publisher, id))? {
        return Ok(true);
    }
    tx.execute(
        "UPDATE erasure SET state = 'wiped', words = '[]', quarantine_to = '', keys_to = $1, wiped_at = $2
         WHERE publisher_id = $3 AND erasure_id = $4",
        &[Param::Bytes(&[]), Param::Int(now.millis()), key[0], key[1]],
    )?;
    Ok(false)
}

/// Wipes the person out of the next bodies in quarantine. True: there are more.
fn wipe_quarantine(
    tx: &Tx<'_>,
    key: [Param<'_>; 2],
    words: &BTreeSet<String>,
    after: &str,
    (publisher, id): (&PublisherId, ErasureId),
) -> Result<bool, StoreError> {
    let page = tx.query(
        "SELECT quarantine_id, body FROM quarantine
         WHERE publisher_id = $1 AND quarantine_id > $2
         ORDER BY quarantine_id
         LIMIT $3",
        &[key[0], Param::Text(after), Param::Int(to_i64(limits::ERASE_QUARANTINE_STEP))],
        |row| Ok((row.text(0)?.to_owned(), erasure::holds(row.bytes(1)?, words))),
    )?;
    let mut wiped = Wiped::default();
    for (quarantined, _) in page.iter().filter(|it| it.1) {
        wiped.quarantined += to_u64(wipe_quarantined(tx, key[0], quarantined)?);
    }
    count(tx, publisher, id, wiped)?;
    let Some((last, _)) = page.last() else { return Ok(false) };
    tx.execute(
        "UPDATE erasure SET quarantine_to = $1 WHERE publisher_id = $2 AND erasure_id = $3",
        &[Param::Text(last), key[0], key[1]],
    )?;
    Ok(page.len() == limits::ERASE_QUARANTINE_STEP)
}

/// Takes the bytes of a body in quarantine; that it came stays counted.
pub(crate) fn wipe_quarantined(
    tx: &Tx<'_>,
    publisher: Param<'_>,
    quarantined: &str,
) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE quarantine SET body = $1, body_sha256 = $1, pointer = '', message = 'erased'
         WHERE publisher_id = $2 AND quarantine_id = $3 AND LENGTH(body) > 0",
        &[Param::Bytes(&[]), publisher, Param::Text(quarantined)],
    )
}

/// Takes the hashes of erased bodies from the next idempotency keys. True: there are more.
fn wipe_keys(
    tx: &Tx<'_>,
    key: [Param<'_>; 2],
    after: &[u8],
    (publisher, id): (&PublisherId, ErasureId),
) -> Result<bool, StoreError> {
    let last = tx.find(
        "SELECT idempotency_key FROM idempotency
         WHERE publisher_id = $1 AND idempotency_key > $2
         ORDER BY idempotency_key
         LIMIT 1 OFFSET $3",
        &[key[0], Param::Bytes(after), Param::Int(to_i64(limits::ERASE_KEYS_STEP) - 1)],
        |row| Ok(row.bytes(0)?.to_owned()),
    )?;
    // Longer than any key, and greater.
    let to = last.as_deref().unwrap_or(&[0xff; 17]);
    let wiped = tx.execute(
        "UPDATE idempotency SET body = $1
         WHERE publisher_id = $2 AND idempotency_key > $3 AND idempotency_key <= $4 AND LENGTH(body) > 0
             AND EXISTS (
                 SELECT 1 FROM touchpoint t
                 WHERE t.publisher_id = idempotency.publisher_id
                     AND t.touchpoint_id = idempotency.touchpoint_id AND t.erased_at <> 0)",
        &[Param::Bytes(&[]), key[0], Param::Bytes(after), Param::Bytes(to)],
    )?;
    count(tx, publisher, id, Wiped { idempotency_keys: to_u64(wiped), ..Wiped::default() })?;
    if last.is_some() {
        tx.execute(
            "UPDATE erasure SET keys_to = $1 WHERE publisher_id = $2 AND erasure_id = $3",
            &[Param::Bytes(to), key[0], key[1]],
        )?;
    }
    Ok(last.is_some())
}

pub(super) fn count(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: ErasureId,
    it: Wiped,
) -> Result<(), StoreError> {
    let number = |it: u64| Param::Int(i64::try_from(it).unwrap_or(i64::MAX));
    tx.execute(
        "UPDATE erasure SET leads = leads + $1, touchpoints = touchpoints + $2, deliveries = deliveries + $3,
             attempts = attempts + $4, decisions = decisions + $5, quarantined = quarantined + $6,
             idempotency_keys = idempotency_keys + $7
         WHERE publisher_id = $8 AND erasure_id = $9",
        &[
            number(it.leads),
            number(it.touchpoints),
            number(it.deliveries),
            number(it.attempts),
            number(it.decisions),
            number(it.quarantined),
            number(it.idempotency_keys),
            Param::Text(publisher.as_str()),
            Param::Text(&id.to_string()),
        ],
    )?;
    Ok(())
}

pub(super) fn to_u64(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn to_i64(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
