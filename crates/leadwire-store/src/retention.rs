//! What a publisher decided about people's data, and retention: people who were not heard of for longer than their publisher keeps
//! people are wiped, step by step.

use crate::engine::{Param, Tx};
use crate::erasures::{self, Asked, Begun, Wish};
use crate::setup::{self, Change, Retention};
use crate::{Store, StoreError, members};
use leadwire_core::id::{LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;

/// What one step of a walk over old leads came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldLeads {
    /// Leads that were last heard of before the moment.
    pub due: Vec<LeadId>,
    /// Where the next step starts; none: the walk is at the end.
    pub next: Option<LeadId>,
}

impl Store {
    /// Sets for how many days a publisher keeps people; 0: for ever. [`Change::Missing`]: there is no such publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_retention(&self, publisher: PublisherId, days: u32) -> Result<Change, StoreError> {
        let sql = "INSERT INTO retention (publisher_id, days) VALUES ($1, $2)
                   ON CONFLICT (publisher_id) DO UPDATE SET days = excluded.days";
        self.write_of(&publisher.clone(), move |tx| set(tx, sql, &publisher, days.into())).await
    }

    /// Sets whether a publisher's readers may have leads revealed. [`Change::Missing`]: there is no such publisher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_readers_reveal(&self, publisher: PublisherId, may: bool) -> Result<Change, StoreError> {
        let sql = "INSERT INTO retention (publisher_id, readers_reveal) VALUES ($1, $2)
                   ON CONFLICT (publisher_id) DO UPDATE SET readers_reveal = excluded.readers_reveal";
        self.write_of(&publisher.clone(), move |tx| set(tx, sql, &publisher, may.into())).await
    }

    /// Looks through the next `limit` leads that are older than a moment, for those last heard of before it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn old_leads(
        &self,
        publisher: PublisherId,
        before: Timestamp,
        after: Option<LeadId>,
        limit: usize,
    ) -> Result<OldLeads, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            // A lead has the bits of its first touchpoint, so a younger one cannot be due.
            let end = LeadId::new(TouchpointId::first_at(before).bits()).to_string();
            let seen = tx.query(
                "SELECT lead_id, updated_at, erased_at, merged_into FROM lead
                 WHERE publisher_id = $1 AND lead_id > $2 AND lead_id < $3
                 ORDER BY lead_id
                 LIMIT $4",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&after.map_or_else(String::new, |it| it.to_string())),
                    Param::Text(&end),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                // One that is part of another goes with that.
                |row| {
                    let stands = row.int(2)? == 0 && row.text(3)?.is_empty();
                    Ok((row.lead(0)?, stands && row.time(1)? < before))
                },
            )?;
            let next = seen.last().filter(|_| seen.len() == limit).map(|it| it.0);
            Ok(OldLeads { due: seen.into_iter().filter(|it| it.1).map(|it| it.0).collect(), next })
        })
        .await
    }

    /// Wipes those of a wish's leads that were last heard of before a moment and of which nothing is owed or waits for a
    /// person. Systems that have them keep them, and they may come back like anybody. One transaction, as for
    /// [`Store::erase`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retire(&self, wish: Wish, before: Timestamp) -> Result<Begun, StoreError> {
        self.write_of(&wish.publisher.clone(), move |tx| {
            let mut leads = Vec::new();
            for lead in &wish.leads {
                if may_go(tx, &wish.publisher, *lead, before)? {
                    leads.push(*lead);
                }
            }
            if leads.is_empty() {
                return Ok(Begun::default());
            }
            match erasures::retire(tx, &Wish { leads, ..wish.clone() })? {
                Asked::Begun(begun) => Ok(begun),
                Asked::NoLead => Ok(Begun::default()),
            }
        })
        .await
    }

    /// Takes the bytes of up to `limit` bodies in quarantine that came before a moment, and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retire_quarantine(
        &self,
        publisher: PublisherId,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let end = leadwire_core::id::QuarantineId::new(TouchpointId::first_at(before).bits()).to_string();
            let old = tx.query(
                "SELECT quarantine_id FROM quarantine
                 WHERE publisher_id = $1 AND quarantine_id < $2 AND LENGTH(body) > 0
                 ORDER BY quarantine_id
                 LIMIT $3",
                &[
                    Param::Text(publisher.as_str()),
                    Param::Text(&end),
                    Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
                |row| Ok(row.text(0)?.to_owned()),
            )?;
            for quarantined in &old {
                erasures::wipe_quarantined(tx, Param::Text(publisher.as_str()), quarantined)?;
            }
            Ok(old.len())
        })
        .await
    }
}

/// Sets what a publisher decided about people, by a statement that takes who and what.
fn set(tx: &Tx<'_>, sql: &'static str, publisher: &PublisherId, what: i64) -> Result<Change, StoreError> {
    let id = Param::Text(publisher.as_str());
    let known = tx.find("SELECT 1 FROM publisher WHERE publisher_id = $1", &[id], |_| Ok(()))?;
    if known.is_none() {
        return Ok(Change::Missing);
    }
    tx.execute(sql, &[id, Param::Int(what)])?;
    setup::raise_version(tx)?;
    Ok(Change::Made)
}

/// What publishers set about keeping people.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Retention>, StoreError> {
    tx.query("SELECT publisher_id, days, salt, readers_reveal FROM retention", &[], |row| {
        Ok(Retention {
            publisher: row.publisher(0)?,
            days: row.count(1)?,
            salt: row.bytes(2)?.to_owned(),
            readers_reveal: row.int(3)? != 0,
        })
    })
}

fn may_go(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId, before: Timestamp) -> Result<bool, StoreError> {
    let id = Param::Text(publisher.as_str());
    let is_old = tx.find(
        "SELECT 1 FROM lead
         WHERE publisher_id = $1 AND lead_id = $2 AND erased_at = 0 AND merged_into = '' AND updated_at < $3",
        &[id, Param::Text(&lead.to_string()), Param::Int(before.millis())],
        |_| Ok(()),
    )?;
    if is_old.is_none() {
        return Ok(false);
    }
    for lead in members::members(tx, publisher, lead)? {
        let open = tx.find(
            "WITH gone AS MATERIALIZED (
                 SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $1 AND lead_id = $2)
             SELECT 1
             FROM gone
             CROSS JOIN delivery d
             WHERE d.publisher_id = $1 AND d.touchpoint_id = gone.touchpoint_id
                 AND d.state IN ('pending', 'parked')
             LIMIT 1",
            &[id, Param::Text(&lead.to_string())],
            |_| Ok(()),
        )?;
        if open.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
