//! Leads that somebody had revealed who sees people masked: counted by the hour, and told in the audit log.

use crate::engine::Param;
use crate::{Store, StoreError};
use leadwire_core::id::PublisherId;
use leadwire_core::time::Timestamp;

const HOUR_MS: i64 = 3_600_000;

/// Who has something revealed, and how often they may.
#[derive(Clone, Debug)]
pub struct Revealing {
    /// Whose lead.
    pub publisher: PublisherId,
    /// The id of a user or a key.
    pub who: String,
    /// When.
    pub now: Timestamp,
    /// Most leads in an hour.
    pub most: u32,
}

impl Store {
    /// Counts that a lead is revealed to somebody, which tells of it in the audit log. False: they had as many as they may in this
    /// hour, and nothing is told. What somebody had in hours before is forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_reveal(&self, it: Revealing) -> Result<bool, StoreError> {
        self.write_of(&it.publisher.clone(), move |tx| {
            let (publisher, who) = (Param::Text(it.publisher.as_str()), Param::Text(&it.who));
            let hour = Param::Int(it.now.millis().div_euclid(HOUR_MS));
            let counted = tx.execute(
                "INSERT INTO reveal (publisher_id, who, hour, count) VALUES ($1, $2, $3, 1)
                 ON CONFLICT (publisher_id, who, hour) DO UPDATE SET count = reveal.count + 1
                     WHERE reveal.count < $4",
                &[publisher, who, hour, Param::Int(it.most.into())],
            )?;
            if counted == 0 {
                return Ok(false);
            }
            tx.execute(
                "DELETE FROM reveal WHERE publisher_id = $1 AND who = $2 AND hour < $3",
                &[publisher, who, hour],
            )?;
            Ok(true)
        })
        .await
    }
}
