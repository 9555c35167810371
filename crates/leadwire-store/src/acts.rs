//! What people decided about leads: reading it, writing it down, and the interest they set.

use crate::engine::{Param, Tx};
use crate::leads::{Act, shown};
use crate::{Store, StoreError, members, standing};
use leadwire_core::id::{ActId, LeadId, PublisherId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::standing::Said;

impl Store {
    /// What people decided about a lead, and about leads that are part of it, newest first, up to `limit`. A merge is
    /// written down at both leads, and is given once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acts(
        &self,
        publisher: PublisherId,
        lead: LeadId,
        limit: usize,
    ) -> Result<Vec<Act>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let Some(root) = members::root(tx, &publisher, lead)? else { return Ok(Vec::new()) };
            let mut acts: Vec<Act> = Vec::new();
            for home in members::members(tx, &publisher, root)? {
                for act in acts_of(tx, &publisher, home, limit)? {
                    if !acts.iter().any(|it| it.id == act.id) {
                        acts.push(act);
                    }
                }
            }
            acts.sort_unstable_by_key(|it| std::cmp::Reverse(it.id));
            acts.truncate(limit);
            Ok(acts)
        })
        .await
    }

    /// Sets how interested a lead's customer is, as a person decided, and writes that down. False: there is no such
    /// lead. Touchpoints that are newer than the decision count as they would have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_interest(
        &self,
        publisher: PublisherId,
        lead: LeadId,
        interest: Interest,
        act: Act,
    ) -> Result<bool, StoreError> {
        self.write_of(&publisher.clone(), move |tx| {
            let Some(lead) = members::root(tx, &publisher, lead)? else { return Ok(false) };
            if !members::is_there(tx, &publisher, lead)? {
                return Ok(false);
            }
            let Some(mut whole) = members::whole(tx, &publisher, lead)? else { return Ok(false) };
            let all = members::members(tx, &publisher, lead)?;
            let mut newer = Vec::new();
            for home in &all {
                newer.extend(shown_since(tx, &publisher, *home, act.id)?);
            }
            whole.standing.set_interest(act.id, interest, &newer);
            standing::write(tx, &publisher, lead, &whole.standing)?;
            if all.len() > 1 {
                let mut own = members::own_part(tx, &publisher, lead, lead)?;
                own.standing.set_interest(act.id, interest, &shown_since(tx, &publisher, lead, act.id)?);
                members::write_part(tx, &publisher, (lead, lead), &own)?;
            }
            write_act(tx, &publisher, lead, &act)?;
            Ok(true)
        })
        .await
    }
}

fn acts_of(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId, limit: usize) -> Result<Vec<Act>, StoreError> {
    tx.query(
        "SELECT act_id, at, kind, value, reason, who, rule
         FROM lead_act
         WHERE publisher_id = $1 AND lead_id = $2
         ORDER BY act_id DESC
         LIMIT $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ],
        |row| {
            Ok(Act {
                id: ActId::parse(row.text(0)?).map_err(|it| StoreError::Wrong(it.to_string()))?,
                at: row.time(1)?,
                kind: row.text(2)?.to_owned(),
                value: row.text(3)?.to_owned(),
                reason: row.text(4)?.to_owned(),
                who: row.text(5)?.to_owned(),
                rule: row.text(6)?.to_owned(),
            })
        },
    )
}

/// Writes down what a person decided about a lead.
pub(crate) fn write_act(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    act: &Act,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO lead_act (publisher_id, lead_id, act_id, at, kind, value, reason, who, rule)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Text(&act.id.to_string()),
            Param::Int(act.at.millis()),
            Param::Text(&act.kind),
            Param::Text(&act.value),
            Param::Text(&act.reason),
            Param::Text(&act.who),
            Param::Text(&act.rule),
        ],
    )?;
    Ok(())
}

/// What a lead's own touchpoints that are newer than a decision show of its customer's interest.
pub(crate) fn shown_since(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    act: ActId,
) -> Result<Vec<Said>, StoreError> {
    tx.query(
        "SELECT touchpoint_id, interest, interest_rule
         FROM touchpoint
         WHERE publisher_id = $1 AND lead_id = $2 AND touchpoint_id > $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Text(&TouchpointId::new(act.bits()).to_string()),
        ],
        |row| {
            let (by, shown) = (row.touchpoint(0)?, shown(row, 1)?);
            Ok(Said { by, shown, refused: None, permitted: None, consent: None })
        },
    )
}
