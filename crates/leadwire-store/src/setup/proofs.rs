//! With which settings each destination last proved itself.

use crate::engine::Param;
use crate::lanes::LaneKey;
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::time::Timestamp;

/// What a proof came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proved {
    /// A test lead went all the way.
    Validated,
    /// A test lead went all the way, and stays there.
    TestLead,
    /// It did not.
    Failed,
}

/// With which settings a destination last proved itself: the number of those settings, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvedBefore {
    /// Which destination.
    pub destination: DestinationNo,
    /// When it was validated.
    pub validated: Option<(u32, Timestamp)>,
    /// When it received a test lead.
    pub test_lead: Option<(u32, Timestamp)>,
}

impl Store {
    /// Writes down what a proof came to; `settings_no` is the number of the settings that were tried. A failure takes back
    /// what the same destination had proved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_proof(
        &self,
        lane: LaneKey,
        settings_no: u32,
        proved: Proved,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let validated = (i64::from(settings_no), now.millis());
        let test_lead = match proved {
            Proved::TestLead => validated,
            Proved::Validated | Proved::Failed => (0, 0),
        };
        let validated = if proved == Proved::Failed { (0, 0) } else { validated };
        self.write(move |tx| {
            // A validation that takes its test lead away again says nothing of one that stayed there before.
            tx.execute(
                "INSERT INTO proof (publisher_id, destination_no, validated_no, validated_at, test_lead_no, test_lead_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET validated_no = excluded.validated_no,
                     validated_at = excluded.validated_at,
                     test_lead_no = CASE WHEN excluded.test_lead_no = 0 AND excluded.validated_no <> 0
                         THEN proof.test_lead_no ELSE excluded.test_lead_no END,
                     test_lead_at = CASE WHEN excluded.test_lead_no = 0 AND excluded.validated_no <> 0
                         THEN proof.test_lead_at ELSE excluded.test_lead_at END",
                &[
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    Param::Int(validated.0),
                    Param::Int(validated.1),
                    Param::Int(test_lead.0),
                    Param::Int(test_lead.1),
                ],
            )
            .map(|_| ())
        })
        .await
    }

    /// What a publisher's destinations have proved; those that never did are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proofs(&self, publisher: PublisherId) -> Result<Vec<ProvedBefore>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            tx.query(
                "SELECT destination_no, validated_no, validated_at, test_lead_no, test_lead_at
                 FROM proof
                 WHERE publisher_id = $1
                 ORDER BY destination_no",
                &[Param::Text(publisher.as_str())],
                |row| {
                    let number = |it: u32| Some(it).filter(|it| *it != 0);
                    Ok(ProvedBefore {
                        destination: row.destination(0)?,
                        validated: number(row.count(1)?).zip(row.time_or_none(2)?),
                        test_lead: number(row.count(3)?).zip(row.time_or_none(4)?),
                    })
                },
            )
        })
        .await
    }
}
