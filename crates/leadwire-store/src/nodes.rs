//! The nodes that share a database: who is alive, which lanes are left behind, and what is due in one's own.

use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, LaneToken};
use crate::{Database, Store, StoreError, postgres};
use leadwire_core::id::DestinationNo;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// Nodes are the operator's.
const OPERATOR: Param<'static> = Param::Text("");

/// What a node learns when it says that it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Until when it may send, by the clock that it told.
    pub alive_until: Timestamp,
    /// Whether its time had been over: others may have taken its lanes since.
    pub had_lapsed: bool,
    /// All nodes that are alive, itself among them, by name.
    pub alive: Vec<Arc<str>>,
    /// The version of what is set up.
    pub setup_version: i64,
}

impl Store {
    /// Whether other nodes may work on the same rows.
    pub fn is_shared(&self) -> bool {
        self.folder().is_none()
    }

    /// The time of the server that holds the rows, whether or not a service runs; none: they are in a file, or there are none.
    ///
    /// Blocks.
    ///
    /// # Errors
    /// An error of the database.
    pub fn time_of(database: &Database) -> Result<Option<Timestamp>, StoreError> {
        match database {
            Database::Folder(_) => Ok(None),
            Database::Server(_) => database.look(|looking| looking.at(postgres::time)),
        }
    }

    /// Says that a node is alive, and learns who else is. A crash leaves it alive until its time is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn beat(&self, node: Arc<str>, now: Timestamp) -> Result<Beat, StoreError> {
        self.write_of_operator(move |tx| beat(tx, &node, now)).await
    }

    /// The version of what is set up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setup_version(&self) -> Result<i64, StoreError> {
        self.read(crate::setup::version).await
    }

    /// Says that a node ends in good order: what it could not give back may be taken at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(&self, node: Arc<str>) -> Result<(), StoreError> {
        self.write_of_operator(move |tx| {
            tx.execute(
                "UPDATE node SET alive_until = 0 WHERE publisher_id = $1 AND node_id = $2",
                &[OPERATOR, Param::Text(&node)],
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a lane back, with nothing of it under way: another node may take it at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_lane(&self, lane: LaneKey, token: LaneToken) -> Result<(), StoreError> {
        self.write_of(&lane.publisher.clone(), move |tx| {
            tx.execute(
                "UPDATE lane SET holder = ''
                 WHERE publisher_id = $1 AND destination_no = $2 AND token = $3",
                &[
                    Param::Text(lane.publisher.as_str()),
                    Param::Int(lane.destination.get().into()),
                    Param::Int(token.number()),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Open lanes of a holder in which something can be claimed, or of which somebody decided something since: for whoever
    /// was not told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lanes_with_work(
        &self,
        holder: Arc<str>,
        now: Timestamp,
    ) -> Result<Vec<LaneKey>, StoreError> {
        self.read(move |tx| {
            tx.query(
                "SELECT publisher_id, destination_no
                 FROM lane
                 WHERE holder = $1 AND state = 'open' AND EXISTS (
                     SELECT 1
                     FROM delivery
                     WHERE delivery.state = 'pending' AND delivery.publisher_id = lane.publisher_id
                         AND delivery.destination_no = lane.destination_no AND claim = 0 AND due_at <= $2)",
                &[Param::Text(&holder), Param::Int(now.millis())],
                |row| {
                    Ok(LaneKey {
                        publisher: row.publisher(0)?,
                        destination: DestinationNo::new(row.count(1)?),
                    })
                },
            )
        })
        .await
    }
}

fn beat(tx: &Tx<'_>, node: &str, now: Timestamp) -> Result<Beat, StoreError> {
    let alive_until = now.plus(limits::NODE_LEASE);
    let known = tx.find(
        "SELECT alive_until FROM node WHERE publisher_id = $1 AND node_id = $2",
        &[OPERATOR, Param::Text(node)],
        |row| row.time(0),
    )?;
    tx.execute(
        "INSERT INTO node (publisher_id, node_id, started_at, alive_until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (publisher_id, node_id) DO UPDATE SET alive_until = excluded.alive_until",
        &[OPERATOR, Param::Text(node), Param::Int(now.millis()), Param::Int(alive_until.millis())],
    )?;
    // A lane of a node that is forgotten is free once its own lease is over, which is sooner.
    let forgotten = now.minus(limits::LEASE * 2);
    tx.execute(
        "DELETE FROM node WHERE publisher_id = $1 AND alive_until < $2 AND started_at < $2",
        &[OPERATOR, Param::Int(forgotten.millis())],
    )?;
    let alive = tx.query(
        "SELECT node_id FROM node WHERE publisher_id = $1 AND alive_until > $2 ORDER BY node_id",
        &[OPERATOR, Param::Int(now.millis())],
        |row| Ok(Arc::from(row.text(0)?)),
    )?;
    Ok(Beat {
        alive_until,
        had_lapsed: known.is_some_and(|it| it <= now),
        alive,
        setup_version: crate::setup::version(tx)?,
    })
}
