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

/// What the newest look at a destination came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldProof {
    /// Which: `validate`, `look`, `test-lead` or `prepare`.
    pub what: String,
    /// The number of the settings that were tried.
    pub settings_no: u32,
    /// What it came to, step by step, as JSON.
    pub told: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Store {
    /// Keeps what a look at a destination came to, in the place of what the one before did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_proof(&self, lane: LaneKey, it: ToldProof) -> Result<(), StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            tx.execute(
                "INSERT INTO proof_told (publisher_id, destination_no, what, settings_no, told, begun_at, ended_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (publisher_id, destination_no) DO UPDATE SET what = excluded.what,
                     settings_no = excluded.settings_no, told = excluded.told, begun_at = excluded.begun_at,
                     ended_at = excluded.ended_at",
                &[
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    Param::Text(&it.what),
                    Param::Int(it.settings_no.into()),
                    Param::Text(&it.told),
                    Param::Int(it.begun_at.millis()),
                    Param::Int(it.ended_at.millis()),
                ],
            )
            .map(|_| ())
        })
        .await
    }

    /// What the newest look at a destination came to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told_proof(&self, lane: LaneKey) -> Result<Option<ToldProof>, StoreError> {
        self.read_of(&lane.publisher.clone(), move |tx| {
            tx.find(
                "SELECT what, settings_no, told, begun_at, ended_at FROM proof_told
                 WHERE publisher_id = $1 AND destination_no = $2",
                &[Param::Text(lane.publisher.as_str()), Param::Int(lane.destination.get().into())],
                |row| {
                    Ok(ToldProof {
                        what: row.text(0)?.to_owned(),
                        settings_no: row.count(1)?,
                        told: row.text(2)?.to_owned(),
                        begun_at: row.time(3)?,
                        ended_at: row.time(4)?,
                    })
                },
            )
        })
        .await
    }

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
        self.write_of(&lane.publisher.clone(), move |tx| {
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
