//! Errands: whoever was sent to a provider and is awaited back, once. Of the token in their browser only the hash is kept.

use crate::engine::Param;
use crate::{Store, StoreError};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// Somebody who was sent to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The hash of the token that their browser shows on the way back.
    pub hash: [u8; 32],
    /// To which provider.
    pub provider: String,
    /// The page that they want afterwards.
    pub next: String,
    /// The hash of the session whose user shows again who they are; none for whoever signs in.
    pub session: Option<[u8; 32]>,
    /// When they were sent.
    pub begun_at: Timestamp,
}

impl Store {
    /// Keeps an errand. What has ended goes; of more than [`limits::ERRANDS_MAX`] the oldest, so that however many begin one, the
    /// table stays small.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_errand(&self, it: Errand) -> Result<(), StoreError> {
        self.write_of_operator(move |tx| {
            tx.execute(
                "INSERT INTO portal_errand (publisher_id, hash, provider, next, session, begun_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    Param::Text(""),
                    Param::Bytes(&it.hash),
                    Param::Text(&it.provider),
                    Param::Text(&it.next),
                    Param::Bytes(it.session.as_ref().map_or(&[][..], |hash| &hash[..])),
                    Param::Int(it.begun_at.millis()),
                ],
            )?;
            let most = i64::try_from(limits::ERRANDS_MAX).unwrap_or(i64::MAX);
            let too_many = tx.find(
                "SELECT begun_at FROM portal_errand WHERE publisher_id = $1
                 ORDER BY begun_at DESC LIMIT 1 OFFSET $2",
                &[Param::Text(""), Param::Int(most)],
                |row| row.time(0),
            )?;
            let ended = it.begun_at.minus(limits::ERRAND_KEPT);
            let oldest = too_many.map_or(ended, |it| it.max(ended));
            tx.execute(
                "DELETE FROM portal_errand WHERE publisher_id = $1 AND begun_at <= $2",
                &[Param::Text(""), Param::Int(oldest.millis())],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends an errand. None: there is none (any more), or it took too long; so of two who come back with one, one is heard.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_errand(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<Errand>, StoreError> {
        self.write_of_operator(move |tx| {
            let found = tx.find(
                "SELECT provider, next, session, begun_at FROM portal_errand WHERE publisher_id = $1 AND hash = $2",
                &[Param::Text(""), Param::Bytes(&hash)],
                |row| {
                    let begun_at = row.time(3)?;
                    Ok(Errand {
                        hash,
                        provider: row.text(0)?.to_owned(),
                        next: row.text(1)?.to_owned(),
                        session: row.bytes(2)?.try_into().ok(),
                        begun_at,
                    })
                },
            )?;
            let ended = tx.execute(
                "DELETE FROM portal_errand WHERE publisher_id = $1 AND hash = $2",
                &[Param::Text(""), Param::Bytes(&hash)],
            )?;
            Ok(found.filter(|it| ended > 0 && now.since(it.begun_at) < limits::ERRAND_KEPT))
        })
        .await
    }
}
