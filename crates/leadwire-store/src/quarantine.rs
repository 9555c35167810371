//! Keeping what cannot be read: its sender never sends twice.

use crate::engine::{Param, Tx};
use crate::{Store, StoreError};
use bytes::Bytes;
use leadwire_core::id::{OfferId, PublisherId, QuarantineId};
use leadwire_core::time::Timestamp;

/// A body that came with a good token and cannot be read.
#[derive(Clone, Debug)]
pub struct Quarantine {
    /// Whose it is.
    pub publisher: PublisherId,
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub received_at: Timestamp,
    /// The offer of its token.
    pub offer: OfferId,
    /// The content type it claimed.
    pub content_type: String,
    /// Why it cannot be read: stable name.
    pub code: String,
    /// Where in it.
    pub pointer: String,
    /// In words.
    pub message: String,
    /// Its bytes as received.
    pub body: Bytes,
    /// Their hash.
    pub body_sha256: [u8; 32],
}

impl Store {
    /// Keeps a body that cannot be read.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored unless it is [`StoreError::Failed`].
    pub async fn quarantine(&self, item: Quarantine) -> Result<(), StoreError> {
        self.write(move |tx| quarantine(tx, &item)).await
    }
}

fn quarantine(tx: &Tx<'_>, item: &Quarantine) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO quarantine (publisher_id, quarantine_id, received_at, offer_id, content_type, code, pointer,
             message, body, body_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            Param::Text(item.publisher.as_str()),
            Param::Text(&item.id.to_string()),
            Param::Int(item.received_at.millis()),
            Param::Text(item.offer.as_str()),
            Param::Text(&item.content_type),
            Param::Text(&item.code),
            Param::Text(&item.pointer),
            Param::Text(&item.message),
            Param::Bytes(&item.body),
            Param::Bytes(&item.body_sha256),
        ],
    )?;
    Ok(())
}
