//! Tombstones: what keeps the old data of erased people out.

use crate::StoreError;
use crate::accept::{Accept, Accepted};
use crate::engine::{Param, Tx};
use leadwire_core::erasure::{Kind, Question, tombstone_key};
use leadwire_core::id::{LeadId, PublisherId};
use leadwire_core::time::Timestamp;

/// The publisher's salt, which is made with its first tombstone. True: it was made now, so the set-up changed.
pub(super) fn salt(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    new: &[u8; 16],
) -> Result<(Vec<u8>, bool), StoreError> {
    let id = Param::Text(publisher.as_str());
    let made = tx.execute(
        "INSERT INTO retention (publisher_id, salt) VALUES ($1, $2)
         ON CONFLICT (publisher_id) DO UPDATE SET salt = excluded.salt WHERE LENGTH(retention.salt) = 0",
        &[id, Param::Bytes(new)],
    )?;
    let salt = tx.find("SELECT salt FROM retention WHERE publisher_id = $1", &[id], |row| {
        Ok(row.bytes(0)?.to_owned())
    })?;
    let salt = salt.ok_or_else(|| StoreError::Wrong("a publisher's salt is not there".to_owned()))?;
    Ok((salt, made > 0))
}

/// Where a tombstone stands: whose it is, since when, and of which lead.
pub(super) struct Grave<'a> {
    pub(super) publisher: &'a PublisherId,
    pub(super) salt: &'a [u8],
    pub(super) erased_at: Timestamp,
    /// Empty when no lead was there.
    pub(super) lead: &'a str,
}

/// Sets a tombstone. One that is there is renewed: the last erasure counts.
pub(super) fn set(tx: &Tx<'_>, grave: &Grave<'_>, kind: Kind, bytes: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO tombstone (publisher_id, tombstone_key, erased_at, lead_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (publisher_id, tombstone_key) DO UPDATE SET erased_at = excluded.erased_at,
             lead_id = CASE WHEN excluded.lead_id = '' THEN tombstone.lead_id ELSE excluded.lead_id END
         WHERE tombstone.erased_at <= excluded.erased_at",
        &[
            Param::Text(grave.publisher.as_str()),
            Param::Bytes(&tombstone_key(grave.salt, kind, bytes)),
            Param::Int(grave.erased_at.millis()),
            Param::Text(grave.lead),
        ],
    )?;
    Ok(())
}

/// Asks about a touchpoint what [`keep_out`] will.
pub(crate) fn ask(tx: &Tx<'_>, item: &Accept) -> Result<(), StoreError> {
    item.questions.iter().try_for_each(|it| grave_of(tx, item, it).map(|_| ()))
}

/// When somebody was erased of whom a question is, and which lead that was.
fn grave_of(
    tx: &Tx<'_>,
    item: &Accept,
    question: &Question,
) -> Result<Option<(Timestamp, Option<String>)>, StoreError> {
    tx.find(
        "SELECT erased_at, lead_id FROM tombstone WHERE publisher_id = $1 AND tombstone_key = $2",
        &[Param::Text(item.publisher.as_str()), Param::Bytes(&question.key)],
        |row| Ok((row.time(0)?, row.text_or_none(1)?)),
    )
}

/// Keeps a touchpoint out that is old data of an erased person: it is stored without its body and counted, and owed to
/// nobody. None: it comes in.
pub(crate) fn keep_out(tx: &Tx<'_>, item: &Accept) -> Result<Option<Accepted>, StoreError> {
    for question in &item.questions {
        if let Some((erased_at, lead)) = grave_of(tx, item, question)?
            && question.acted_at < erased_at
        {
            let lead = match lead {
                Some(lead) => LeadId::parse(&lead).map_err(|it| StoreError::Wrong(it.to_string()))?,
                None => make_lead(tx, item, &question.key, erased_at)?,
            };
            store(tx, item, lead)?;
            return Ok(Some(Accepted::KeptOut { lead }));
        }
    }
    Ok(None)
}

/// A lead for what is kept out of a person who was erased before any lead was there.
fn make_lead(tx: &Tx<'_>, item: &Accept, key: &[u8; 16], erased_at: Timestamp) -> Result<LeadId, StoreError> {
    let (publisher, lead) = (Param::Text(item.publisher.as_str()), LeadId::new(item.touchpoint.bits()));
    let lead_id = lead.to_string();
    tx.execute(
        "INSERT INTO lead (publisher_id, lead_id, identity, test, first_name, last_name, email, phone, country,
             company, title, touchpoints, created_at, updated_at, erased_at)
         VALUES ($1, $2, $3, $4, '', '', '', '', '', '', '', 0, $5, $5, $6)",
        &[
            publisher,
            Param::Text(&lead_id),
            Param::Bytes(&[]),
            Param::Int(item.parsed.is_trial().into()),
            Param::Int(item.received_at.millis()),
            Param::Int(erased_at.millis()),
        ],
    )?;
    tx.execute(
        "UPDATE tombstone SET lead_id = $1 WHERE publisher_id = $2 AND tombstone_key = $3",
        &[Param::Text(&lead_id), publisher, Param::Bytes(key)],
    )?;
    Ok(lead)
}

fn store(tx: &Tx<'_>, item: &Accept, lead: LeadId) -> Result<(), StoreError> {
    let (publisher, touchpoint) = (Param::Text(item.publisher.as_str()), item.touchpoint.to_string());
    let (lead, now) = (lead.to_string(), Param::Int(item.received_at.millis()));
    let offer = item.parsed.offer.as_ref().map_or("", |it| it.offer.as_str());
    tx.execute(
        "INSERT INTO touchpoint (publisher_id, touchpoint_id, lead_id, received_at, channel, offer_id, source,
             action, test, routed, body, body_sha256, erased_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $4)",
        &[
            publisher,
            Param::Text(&touchpoint),
            Param::Text(&lead),
            now,
            Param::Text(item.channel.as_str()),
            Param::Text(offer),
            Param::Text(item.parsed.source.as_str()),
            Param::Text(item.parsed.action.as_str()),
            Param::Int(item.parsed.is_trial().into()),
            Param::Int((!item.routed.is_empty()).into()),
            Param::Bytes(&[]),
        ],
    )?;
    for routed in &item.routed {
        tx.execute(
            "INSERT INTO delivery (publisher_id, touchpoint_id, destination_no, lead_id, state, due_at, ended_at)
             VALUES ($1, $2, $3, $4, 'erased', $5, $5)",
            &[
                publisher,
                Param::Text(&touchpoint),
                Param::Int(routed.destination.get().into()),
                Param::Text(&lead),
                now,
            ],
        )?;
    }
    tx.execute(
        "UPDATE lead SET touchpoints = touchpoints + 1 WHERE publisher_id = $1 AND lead_id = $2",
        &[publisher, Param::Text(&lead)],
    )?;
    if let Some(once) = &item.once {
        tx.execute(
            "UPDATE idempotency SET body = $1 WHERE publisher_id = $2 AND idempotency_key = $3",
            &[Param::Bytes(&[]), publisher, Param::Bytes(&once.key)],
        )?;
    }
    Ok(())
}
