//! Whose stored address is one: the leads that an erasure by address finds, whatever the rules of identity are or were.

use crate::engine::{Param, Tx};
use crate::{Store, StoreError, members};
use leadwire_core::erasure::is_address;
use leadwire_core::id::{LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use std::collections::BTreeSet;

/// An address by which a person is erased, and what was read of the leads that have it before the erasure began.
#[derive(Clone)]
pub struct Address {
    /// As identity compares it.
    pub form: String,
    /// Leads that had it when they were looked at.
    pub seen: Vec<LeadId>,
    /// No touchpoint before this one was stored after the look at the leads began.
    pub since: TouchpointId,
}

/// Names no address.
impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Address")
            .field("seen", &self.seen)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Looks at the addresses of the next leads, and of those that are part of them: the leads that have one, and where the
    /// next look starts; none at the end. `form` is of [`leadwire_core::erasure::form_of_address`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leads_of_address(
        &self,
        publisher: PublisherId,
        form: String,
        after: Option<LeadId>,
    ) -> Result<(BTreeSet<LeadId>, Option<LeadId>), StoreError> {
        self.read_of(&publisher.clone(), move |tx| page(tx, &publisher, &form, after)).await
    }
}

fn page(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    form: &str,
    after: Option<LeadId>,
) -> Result<(BTreeSet<LeadId>, Option<LeadId>), StoreError> {
    let (id, after) = (Param::Text(publisher.as_str()), after.map_or_else(String::new, |it| it.to_string()));
    let limit = limits::ERASE_LEADS_STEP;
    let leads = tx.query(
        "SELECT lead_id, email FROM lead
         WHERE publisher_id = $1 AND lead_id > $2
         ORDER BY lead_id
         LIMIT $3",
        &[id, Param::Text(&after), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))],
        |row| Ok((row.lead(0)?, is_address(row.text(1)?, form))),
    )?;
    let Some((last, _)) = leads.last().copied() else { return Ok((BTreeSet::new(), None)) };
    // What one that is part of another comes to by itself stands beside the other.
    let parts = tx.query(
        "SELECT lead_id, email FROM member WHERE publisher_id = $1 AND root_id > $2 AND root_id <= $3",
        &[id, Param::Text(&after), Param::Text(&last.to_string())],
        |row| Ok((row.lead(0)?, is_address(row.text(1)?, form))),
    )?;
    let next = (leads.len() == limit).then_some(last);
    Ok((leads.into_iter().chain(parts).filter(|it| it.1).map(|it| it.0).collect(), next))
}

/// Leads that have one of these identities.
pub(super) fn leads_of(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    identities: &[[u8; 16]],
) -> Result<Vec<LeadId>, StoreError> {
    let mut leads = Vec::new();
    for identity in identities {
        leads.extend(tx.find(
            "SELECT lead_id, erased_at FROM lead WHERE publisher_id = $1 AND identity = $2 AND identity <> x''",
            &[Param::Text(publisher.as_str()), Param::Bytes(identity)],
            |row| row.lead(0),
        )?);
    }
    Ok(leads)
}

/// The leads that have an address now: of those that were seen with it, and of those that were heard of since.
pub(super) fn having(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    address: &Address,
) -> Result<Vec<LeadId>, StoreError> {
    let mut asked: BTreeSet<LeadId> = address.seen.iter().copied().collect();
    asked.extend(heard_since(tx, publisher, address)?);
    let mut having = Vec::new();
    for lead in asked {
        if has(tx, publisher, lead, &address.form)? {
            having.push(lead);
        }
    }
    Ok(having)
}

/// Leads that came to have the address since they were looked at: only a touchpoint, or parting leads that were seen, can
/// bring that about.
fn heard_since(tx: &Tx<'_>, publisher: &PublisherId, address: &Address) -> Result<Vec<LeadId>, StoreError> {
    let heard = tx.query(
        "WITH heard AS MATERIALIZED (
             SELECT lead_id FROM touchpoint WHERE publisher_id = $1 AND touchpoint_id >= $2)
         SELECT l.lead_id, l.email, COALESCE(m.email, '')
         FROM heard
         CROSS JOIN lead l
         LEFT JOIN member m ON m.publisher_id = l.publisher_id AND m.lead_id = l.lead_id
             AND m.root_id = CASE WHEN l.merged_into = '' THEN l.lead_id ELSE l.merged_into END
         WHERE l.publisher_id = $1 AND l.lead_id = heard.lead_id",
        &[Param::Text(publisher.as_str()), Param::Text(&address.since.to_string())],
        |row| {
            let has = is_address(row.text(1)?, &address.form) || is_address(row.text(2)?, &address.form);
            Ok((row.lead(0)?, has))
        },
    )?;
    Ok(heard.into_iter().filter(|it| it.1).map(|it| it.0).collect())
}

/// Whether a lead has an address, or one of those that are one with it has.
fn has(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId, form: &str) -> Result<bool, StoreError> {
    let Some(root) = members::root(tx, publisher, lead)? else { return Ok(false) };
    for lead in members::members(tx, publisher, root)? {
        if members::whole(tx, publisher, lead)?.is_some_and(|it| it.has_address(form)) {
            return Ok(true);
        }
    }
    Ok(members::parts(tx, publisher, root)?.iter().any(|it| it.own.has_address(form)))
}
