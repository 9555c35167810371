//! Intake addresses and API keys, of which only hashes are kept.

use super::{ApiKey, Change, IntakeToken, made_or};
use crate::engine::Param;
use crate::postgres::scope::Scope;
use crate::{Store, StoreError};
use leadwire_core::id::{KeyId, PublisherId, TokenId};
use leadwire_core::time::Timestamp;

impl Store {
    /// Adds an intake address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_token(&self, it: IntakeToken) -> Result<Change, StoreError> {
        self.change(Scope::of(it.publisher.as_str()), move |tx| {
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
        self.change(Scope::of(publisher.as_str()), move |tx| {
            let revoked = tx.execute(
                "UPDATE intake_token SET revoked_at = $1
                 WHERE publisher_id = $2 AND token_id = $3 AND revoked_at = 0",
                &[Param::Int(now.millis()), Param::Text(publisher.as_str()), Param::Text(&token.to_string())],
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
        self.change(Scope::of_whom(it.publisher.as_ref()), move |tx| {
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
        self.change(Scope::of_whom(publisher.as_ref()), move |tx| {
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
}
