//! Keys by which a repetition is recognised: remembering them, and forgetting them when their time is over.

use crate::accept::{Accept, Accepted, Once};
use crate::engine::{Param, Tx};
use crate::{Store, StoreError, members};
use leadwire_core::id::PublisherId;
use leadwire_core::time::Timestamp;

/// How far a walk over the keys has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCursor {
    publisher: String,
    key: Vec<u8>,
}

/// What one step of the walk came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Keys that were forgotten.
    pub keys: usize,
    /// Where the next step starts; none: the walk is at the end, and the next one starts anew.
    pub next: Option<KeyCursor>,
}

impl Store {
    /// Looks at the next `limit` keys and forgets those whose time is over, at a cost that grows with `limit` only.
    ///
    /// `cursor` is what the step before gave; none starts the walk. A crash in the middle forgets all of a step
    /// or nothing, and the walk starts anew.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_idempotency(
        &self,
        now: Timestamp,
        cursor: Option<KeyCursor>,
        limit: usize,
    ) -> Result<Forgotten, StoreError> {
        self.write(move |tx| forget(tx, now, cursor.as_ref(), limit)).await
    }
}

fn forget(
    tx: &Tx<'_>,
    now: Timestamp,
    cursor: Option<&KeyCursor>,
    limit: usize,
) -> Result<Forgotten, StoreError> {
    let after = (cursor.map_or("", |it| &it.publisher), cursor.map_or(&[][..], |it| &it.key));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).max(1);
    let last = tx.find(
        "SELECT publisher_id, idempotency_key
         FROM idempotency
         WHERE (publisher_id, idempotency_key) > ($1, $2)
         ORDER BY publisher_id, idempotency_key
         LIMIT 1 OFFSET $3",
        &[Param::Text(after.0), Param::Bytes(after.1), Param::Int(limit - 1)],
        |row| Ok(KeyCursor { publisher: row.text(0)?.to_owned(), key: row.bytes(1)?.to_owned() }),
    )?;
    let keys = match &last {
        Some(last) => tx.execute(
            "DELETE FROM idempotency
             WHERE (publisher_id, idempotency_key) > ($1, $2) AND (publisher_id, idempotency_key) <= ($3, $4)
                 AND expires_at <= $5",
            &[
                Param::Text(after.0),
                Param::Bytes(after.1),
                Param::Text(&last.publisher),
                Param::Bytes(&last.key),
                Param::Int(now.millis()),
            ],
        )?,
        None => tx.execute(
            "DELETE FROM idempotency WHERE (publisher_id, idempotency_key) > ($1, $2) AND expires_at <= $3",
            &[Param::Text(after.0), Param::Bytes(after.1), Param::Int(now.millis())],
        )?,
    };
    Ok(Forgotten { keys, next: last })
}

/// Whether this key is remembered, even if its time is over.
pub(crate) fn is_known(tx: &Tx<'_>, item: &Accept, once: &Once) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM idempotency WHERE publisher_id = $1 AND idempotency_key = $2",
        &[Param::Text(item.publisher.as_str()), Param::Bytes(&once.key)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Whether this key was seen; if not, remembers it. A key whose time is over counts as never seen.
pub(crate) fn repetition(tx: &Tx<'_>, item: &Accept, once: &Once) -> Result<Option<Accepted>, StoreError> {
    let publisher = Param::Text(item.publisher.as_str());
    let key = Param::Bytes(&once.key);
    // On a server all keys of a commit are asked for at once, and the new ones remembered at once.
    if tx.foresees() && !is_known(tx, item, once)? {
        tx.put_off(
            "INSERT INTO idempotency (publisher_id, idempotency_key, body, touchpoint_id, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
            &[
                publisher,
                key,
                Param::Bytes(&once.body),
                Param::Text(&item.touchpoint.to_string()),
                Param::Int(item.received_at.plus(once.kept).millis()),
            ],
        )?;
        return Ok(None);
    }
    // Nearly every key is new, and this one statement is all that such a key costs.
    let remembered = tx.execute(
        "INSERT INTO idempotency (publisher_id, idempotency_key, body, touchpoint_id, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (publisher_id, idempotency_key)
         DO UPDATE SET body = excluded.body, touchpoint_id = excluded.touchpoint_id,
             expires_at = excluded.expires_at
         WHERE idempotency.expires_at <= $6",
        &[
            publisher,
            key,
            Param::Bytes(&once.body),
            Param::Text(&item.touchpoint.to_string()),
            Param::Int(item.received_at.plus(once.kept).millis()),
            Param::Int(item.received_at.millis()),
        ],
    )?;
    if remembered > 0 {
        return Ok(None);
    }
    let found = tx.find(
        "SELECT i.body, i.touchpoint_id, t.lead_id
         FROM idempotency i
         JOIN touchpoint t ON t.publisher_id = i.publisher_id AND t.touchpoint_id = i.touchpoint_id
         WHERE i.publisher_id = $1 AND i.idempotency_key = $2",
        &[publisher, key],
        |row| {
            // Of what was erased no hash is left: whatever comes under its key is that again.
            let body = row.bytes(0)?;
            Ok((body.is_empty() || body == once.body, row.touchpoint(1)?, row.lead(2)?))
        },
    )?;
    let (same_body, touchpoint, lead) =
        found.ok_or_else(|| StoreError::Wrong("a known key has no touchpoint".to_owned()))?;
    if !same_body {
        return Ok(Some(Accepted::KeyReused { touchpoint }));
    }
    count(tx, &item.publisher, "duplicates")?;
    let lead = members::root(tx, &item.publisher, lead)?.unwrap_or(lead);
    Ok(Some(Accepted::Duplicate { touchpoint, lead }))
}

pub(crate) fn count(tx: &Tx<'_>, publisher: &PublisherId, name: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO counter (publisher_id, name, value) VALUES ($1, $2, 1)
         ON CONFLICT (publisher_id, name) DO UPDATE SET value = counter.value + 1",
        &[Param::Text(publisher.as_str()), Param::Text(name)],
    )?;
    Ok(())
}
