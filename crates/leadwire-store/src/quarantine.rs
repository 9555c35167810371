//! Keeping what cannot be read: its sender never sends twice.

use crate::engine::{Param, Row, Tx};
use crate::ledger::{Quarantined, read_quarantined};
use crate::{Store, StoreError, idempotency};
use bytes::Bytes;
use leadwire_core::id::{LeadId, OfferId, PublisherId, QuarantineId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::time::Duration;

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

/// A body in quarantine with its bytes, whatever became of it.
#[derive(Clone, Debug)]
pub struct KeptBody {
    /// What is known of it.
    pub row: Quarantined,
    /// Its bytes as received; none once retention or an erasure took them.
    pub body: Bytes,
    /// The lead of the touchpoint it became.
    pub lead: Option<LeadId>,
    /// Whether the touchpoint it became was made of another body, which a person had repaired.
    pub is_repaired: bool,
}

/// Which bodies in quarantine are to be read again.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Whose.
    pub publisher: PublisherId,
    /// Only those that came to addresses of this offer.
    pub offer: Option<OfferId>,
    /// Those behind the first id, up to the second one.
    pub range: (QuarantineId, QuarantineId),
}

impl Store {
    /// Keeps a body that cannot be read.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored unless it is [`StoreError::Failed`].
    pub async fn quarantine(&self, item: Quarantine) -> Result<(), StoreError> {
        self.write_of(&item.publisher.clone(), move |tx| quarantine(tx, &item)).await
    }

    /// Bodies that wait to be read, oldest first, with their bytes. What retention or an erasure wiped is not among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine_page(
        &self,
        wanted: Waiting,
        limit: usize,
    ) -> Result<Vec<Quarantine>, StoreError> {
        self.read_of(&wanted.publisher.clone(), move |tx| {
            let (after, until) = (wanted.range.0.to_string(), wanted.range.1.to_string());
            tx.query(
                "SELECT publisher_id, quarantine_id, received_at, offer_id, content_type, code, pointer, message, body,
                     body_sha256
                 FROM quarantine
                 WHERE publisher_id = $1 AND touchpoint_id = '' AND quarantine_id > $2 AND quarantine_id <= $3
                     AND LENGTH(body) > 0 AND ($4 = '' OR offer_id = $4)
                 ORDER BY quarantine_id
                 LIMIT $5",
                &[
                    Param::Text(wanted.publisher.as_str()),
                    Param::Text(&after),
                    Param::Text(&until),
                    Param::Text(wanted.offer.as_ref().map_or("", OfferId::as_str)),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                read,
            )
        })
        .await
    }

    /// One body in quarantine with its bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_body(
        &self,
        publisher: PublisherId,
        id: QuarantineId,
    ) -> Result<Option<KeptBody>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let found = tx.find(
                "SELECT quarantine_id, received_at, offer_id, content_type, code, pointer, message, LENGTH(body),
                     touchpoint_id, body, body_sha256
                 FROM quarantine
                 WHERE publisher_id = $1 AND quarantine_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())],
                |row| {
                    let body = Bytes::copy_from_slice(row.bytes(9)?);
                    Ok((read_quarantined(row)?, body, row.bytes(10)?.to_owned()))
                },
            )?;
            let Some((row, body, hash)) = found else { return Ok(None) };
            let became = match &row.touchpoint {
                None => None,
                Some(touchpoint) => tx.find(
                    "SELECT body_sha256, lead_id FROM touchpoint WHERE publisher_id = $1 AND touchpoint_id = $2",
                    &[Param::Text(publisher.as_str()), Param::Text(touchpoint)],
                    |row| Ok((row.bytes(0)?.to_owned(), row.lead(1)?)),
                )?,
            };
            // Of two of which one was wiped nobody can tell any more.
            let differs = |other: &[u8]| !other.is_empty() && !hash.is_empty() && other != hash;
            let is_repaired = became.as_ref().is_some_and(|it| differs(&it.0));
            Ok(Some(KeptBody { row, body, lead: became.map(|it| it.1), is_repaired }))
        })
        .await
    }

    /// The touchpoint that the same body became which came to the same offer within `window` before or after this one, and
    /// was in quarantine too. Costs grow with what came into quarantine within that time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn twin_of_quarantined(
        &self,
        item: Quarantine,
        window: Duration,
    ) -> Result<Option<TouchpointId>, StoreError> {
        self.read_of(&item.publisher.clone(), move |tx| {
            // What came so long before is another, as it is for a key whose time is over.
            let first = item.received_at.minus(window).plus(Duration::from_millis(1));
            let from = TouchpointId::first_at(first).bits();
            let to = TouchpointId::first_at(item.received_at.plus(window)).bits();
            tx.find(
                "SELECT touchpoint_id
                 FROM quarantine
                 WHERE publisher_id = $1 AND quarantine_id >= $2 AND quarantine_id < $3 AND touchpoint_id <> ''
                     AND offer_id = $4 AND body_sha256 = $5
                 ORDER BY quarantine_id
                 LIMIT 1",
                &[
                    Param::Text(item.publisher.as_str()),
                    Param::Text(&QuarantineId::new(from).to_string()),
                    Param::Text(&QuarantineId::new(to).to_string()),
                    Param::Text(item.offer.as_str()),
                    Param::Bytes(&item.body_sha256),
                ],
                |row| row.touchpoint(0),
            )
        })
        .await
    }

    /// Writes down that a body in quarantine repeats one that became a touchpoint. False when it waits no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pass_over_quarantined(
        &self,
        publisher: PublisherId,
        id: QuarantineId,
        touchpoint: TouchpointId,
    ) -> Result<bool, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let is_passed_over = release(tx, (&publisher, id), touchpoint)?;
            if is_passed_over {
                idempotency::count(tx, &publisher, "duplicates")?;
            }
            Ok(is_passed_over)
        })
        .await
    }

    /// Writes down why a body in quarantine cannot be read now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn explain_quarantined(&self, item: Quarantine) -> Result<(), StoreError> {
        self.write_of(&item.publisher.clone(), move |tx| {
            tx.execute(
                "UPDATE quarantine SET code = $1, pointer = $2, message = $3
                 WHERE publisher_id = $4 AND quarantine_id = $5 AND LENGTH(body) > 0",
                &[
                    Param::Text(&item.code),
                    Param::Text(&item.pointer),
                    Param::Text(&item.message),
                    Param::Text(item.publisher.as_str()),
                    Param::Text(&item.id.to_string()),
                ],
            )?;
            Ok(())
        })
        .await
    }
}

/// Writes down which touchpoint a body in quarantine became. False when it waits no more.
pub(crate) fn release(
    tx: &Tx<'_>,
    (publisher, id): (&PublisherId, QuarantineId),
    touchpoint: TouchpointId,
) -> Result<bool, StoreError> {
    let released = tx.execute(
        "UPDATE quarantine SET touchpoint_id = $1
         WHERE publisher_id = $2 AND quarantine_id = $3 AND touchpoint_id = ''",
        &[
            Param::Text(&touchpoint.to_string()),
            Param::Text(publisher.as_str()),
            Param::Text(&id.to_string()),
        ],
    )?;
    Ok(released > 0)
}

fn read(row: &Row<'_>) -> Result<Quarantine, StoreError> {
    let wrong = |it: leadwire_core::id::BadId| StoreError::Wrong(it.to_string());
    Ok(Quarantine {
        publisher: row.publisher(0)?,
        id: QuarantineId::parse(row.text(1)?).map_err(wrong)?,
        received_at: row.time(2)?,
        offer: OfferId::parse(row.text(3)?).map_err(wrong)?,
        content_type: row.text(4)?.to_owned(),
        code: row.text(5)?.to_owned(),
        pointer: row.text(6)?.to_owned(),
        message: row.text(7)?.to_owned(),
        body: Bytes::copy_from_slice(row.bytes(8)?),
        body_sha256: row
            .bytes(9)?
            .try_into()
            .map_err(|_| StoreError::Wrong("a hash has 32 bytes".to_owned()))?,
    })
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
