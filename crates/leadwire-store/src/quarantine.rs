//! Keeping a body that came with a good token and cannot be read.

use crate::StoreError;
use crate::accept::Quarantine;
use crate::engine::{Param, Tx};

pub(crate) fn keep(tx: &Tx<'_>, item: &Quarantine) -> Result<(), StoreError> {
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
