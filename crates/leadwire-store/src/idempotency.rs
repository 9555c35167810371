//! Keys by which a repetition is recognised: remembering them, and forgetting them when their time is over.

use crate::accept::{Accept, Accepted, Once};
use crate::engine::{Param, Tx};
use crate::postgres::scope::Scope;
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
    /// Looks at the next `limit` keys and forgets those whose time is over, at a cost that grows with `limit` only. Where there
    /// are none there is no commit, and only publishers that have some wait for it.
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
        let after = cursor.unwrap_or(KeyCursor { publisher: String::new(), key: Vec::new() });
        let (from, limit) = (after.clone(), limit.max(1));
        let seen = self.read(move |tx| look(tx, &from, limit)).await?;
        let next = seen.last().filter(|_| seen.len() == limit).map(|it| it.0.clone());
        let over = seen.iter().filter(|it| it.1 <= now).map(|it| Scope::of(&it.0.publisher));
        let scopes: Vec<Scope> = over.collect();
        let (Some((last, _)), false) = (seen.last().cloned(), scopes.is_empty()) else {
            return Ok(Forgotten { keys: 0, next });
        };
        let body = move |tx: &Tx<'_>| forget(tx, now, (&after, &last));
        let keys = self.write_in(Scope::of_all(scopes.iter()), body).await?;
        Ok(Forgotten { keys, next })
    }
}

/// The next keys behind one, and until when they are remembered.
fn look(tx: &Tx<'_>, after: &KeyCursor, limit: usize) -> Result<Vec<(KeyCursor, Timestamp)>, StoreError> {
    tx.query(
        "SELECT publisher_id, idempotency_key, expires_at
         FROM idempotency
         WHERE (publisher_id, idempotency_key) > ($1, $2)
         ORDER BY publisher_id, idempotency_key
         LIMIT $3",
        &[
            Param::Text(&after.publisher),
            Param::Bytes(&after.key),
            Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ],
        |row| {
            let key = KeyCursor { publisher: row.text(0)?.to_owned(), key: row.bytes(1)?.to_owned() };
            Ok((key, row.time(2)?))
        },
    )
}

/// Forgets keys behind one and up to another.
fn forget(tx: &Tx<'_>, now: Timestamp, (after, last): (&KeyCursor, &KeyCursor)) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM idempotency
         WHERE (publisher_id, idempotency_key) > ($1, $2) AND (publisher_id, idempotency_key) <= ($3, $4)
             AND expires_at <= $5",
        &[
            Param::Text(&after.publisher),
            Param::Bytes(&after.key),
            Param::Text(&last.publisher),
            Param::Bytes(&last.key),
            Param::Int(now.millis()),
        ],
    )
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
