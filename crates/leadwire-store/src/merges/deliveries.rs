//! What a merge, or its undoing, does with deliveries: what is owed goes by the lead that stands, and in its order.

use crate::StoreError;
use crate::deliveries::has_lane;
use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, line_up as line_up_one};
use leadwire_core::id::{ActId, DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// A delivery that changes hands.
pub(super) struct Owed {
    pub(super) id: DeliveryId,
    pub(super) is_in_flight: bool,
}

/// Deliveries of leads' own touchpoints that are not at rest at their destination: they go by the lead that stands. What
/// was delivered says for ever by which lead it was.
pub(super) fn owed(tx: &Tx<'_>, publisher: &PublisherId, leads: &[LeadId]) -> Result<Vec<Owed>, StoreError> {
    let mut owed = Vec::new();
    for lead in leads {
        owed.extend(tx.query(
            "WITH own AS MATERIALIZED (
                 SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $1 AND lead_id = $2)
             SELECT d.touchpoint_id, d.destination_no, d.claim
             FROM own
             CROSS JOIN delivery d
             WHERE d.publisher_id = $1 AND d.touchpoint_id = own.touchpoint_id
                 AND d.state IN ('pending', 'parked', 'suppressed')",
            &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
            |row| {
                let id = DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? };
                Ok(Owed { id, is_in_flight: row.int(2)? > 0 })
            },
        )?);
    }
    Ok(owed)
}

/// A destination to which something of both is under way: two at once of one customer are one too many.
pub(super) fn busy_with_both(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    owed: &[Owed],
    root: LeadId,
) -> Result<Option<DestinationNo>, StoreError> {
    for it in owed.iter().filter(|it| it.is_in_flight) {
        let other = tx.find(
            "SELECT 1 FROM delivery
             WHERE publisher_id = $1 AND destination_no = $2 AND claim > 0 AND state = 'pending' AND lead_id = $3
             LIMIT 1",
            &[
                Param::Text(publisher.as_str()),
                Param::Int(it.id.destination.get().into()),
                Param::Text(&root.to_string()),
            ],
            |_| Ok(()),
        )?;
        if other.is_some() {
            return Ok(Some(it.id.destination));
        }
    }
    Ok(None)
}

/// Gives deliveries to the lead that stands. What is under way, or may have arrived, keeps the lead it was begun as, and
/// holds the customer's place meanwhile.
pub(super) fn hand_over(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    owed: &[Owed],
    lead: LeadId,
) -> Result<(), StoreError> {
    for it in owed {
        tx.execute(
            "UPDATE delivery SET lead_id = $1, known_as = CASE
                 WHEN known_as <> '' THEN known_as
                 WHEN claim > 0 OR EXISTS (
                     SELECT 1 FROM attempt a
                     WHERE a.publisher_id = delivery.publisher_id AND a.touchpoint_id = delivery.touchpoint_id
                         AND a.destination_no = delivery.destination_no AND a.outcome IN ('unknown', 'interrupted'))
                 THEN lead_id
                 ELSE ''
             END
             WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4",
            &[
                Param::Text(&lead.to_string()),
                Param::Text(publisher.as_str()),
                Param::Text(&it.id.touchpoint.to_string()),
                Param::Int(it.id.destination.get().into()),
            ],
        )?;
    }
    Ok(())
}

/// Gives deliveries back to a lead that is taken out, under whose own record they belong.
pub(super) fn give_back(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    owed: &[Owed],
    lead: LeadId,
) -> Result<(), StoreError> {
    for it in owed {
        tx.execute(
            "UPDATE delivery SET lead_id = $1, known_as = ''
             WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4",
            &[
                Param::Text(&lead.to_string()),
                Param::Text(publisher.as_str()),
                Param::Text(&it.id.touchpoint.to_string()),
                Param::Int(it.id.destination.get().into()),
            ],
        )?;
    }
    Ok(())
}

/// Puts what is pending of these leads in order again, after it changed hands.
pub(super) fn line_up(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destinations: &BTreeSet<DestinationNo>,
    leads: &[LeadId],
) -> Result<(), StoreError> {
    for destination in destinations {
        let lane = LaneKey { publisher: publisher.clone(), destination: *destination };
        for lead in leads {
            line_up_one(tx, &lane, *lead)?;
        }
    }
    Ok(())
}

/// Deliveries of leads' own touchpoints that arrived under the record of another lead, oldest first. What people said is
/// not among them, nor is a follow-up, which nobody shall get twice.
pub(super) fn delivered_elsewhere(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    leads: &[LeadId],
) -> Result<Vec<Owed>, StoreError> {
    let mut found = Vec::new();
    for lead in leads {
        let delivered = tx.query(
            "WITH own AS MATERIALIZED (
                 SELECT touchpoint_id, channel FROM touchpoint WHERE publisher_id = $1 AND lead_id = $2)
             SELECT d.touchpoint_id, d.destination_no, CASE WHEN d.known_as = '' THEN d.lead_id ELSE d.known_as END
             FROM own
             CROSS JOIN delivery d
             WHERE d.publisher_id = $1 AND d.touchpoint_id = own.touchpoint_id AND d.state = 'delivered'
                 AND own.channel <> 'person' AND d.follow_up_id = ''",
            &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
            |row| {
                let id = DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? };
                Ok((id, row.lead(2)?))
            },
        )?;
        found.extend(delivered.into_iter().filter(|it| !leads.contains(&it.1)).map(|it| it.0));
    }
    found.sort_unstable();
    // Nobody would try it at a destination that was removed.
    let destinations: BTreeSet<DestinationNo> = found.iter().map(|it| it.destination).collect();
    let mut tried = BTreeSet::new();
    for destination in destinations {
        if has_lane(tx, publisher, destination)? {
            tried.insert(destination);
        }
    }
    found.retain(|it| tried.contains(&it.destination));
    Ok(found.into_iter().map(|id| Owed { id, is_in_flight: false }).collect())
}

/// Makes what arrived under one lead due again under another, up to [`limits::BROUGHT_ANEW_MAX`], and gives what was.
pub(super) fn bring_anew(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (anew, lead): (&[Owed], LeadId),
    now: Timestamp,
) -> Result<Vec<DeliveryId>, StoreError> {
    let mut brought = Vec::new();
    for it in anew {
        if brought.len() == limits::BROUGHT_ANEW_MAX {
            break;
        }
        let changed = tx.execute(
            "UPDATE delivery SET state = 'pending', lead_id = $1, known_as = '', record = '', due_at = $2,
                 claim = -1, ended_at = 0
             WHERE publisher_id = $3 AND touchpoint_id = $4 AND destination_no = $5 AND state = 'delivered'",
            &[
                Param::Text(&lead.to_string()),
                Param::Int(now.millis()),
                Param::Text(publisher.as_str()),
                Param::Text(&it.id.touchpoint.to_string()),
                Param::Int(it.id.destination.get().into()),
            ],
        )?;
        brought.extend((changed > 0).then_some(it.id));
    }
    Ok(brought)
}

/// Whether a person wrote down since a decision, at one of these leads, that the customer must not be contacted.
pub(super) fn person_refused(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    leads: &[LeadId],
    since: ActId,
) -> Result<bool, StoreError> {
    for lead in leads {
        let found = tx.find(
            "SELECT 1 FROM touchpoint
             WHERE publisher_id = $1 AND lead_id = $2 AND touchpoint_id > $3 AND channel = 'person'
                 AND action = 'DNC'
             LIMIT 1",
            &[
                Param::Text(publisher.as_str()),
                Param::Text(&lead.to_string()),
                Param::Text(&TouchpointId::new(since.bits()).to_string()),
            ],
            |_| Ok(()),
        )?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lanes of destinations.
pub(super) fn lanes(
    publisher: &PublisherId,
    destinations: &BTreeSet<DestinationNo>,
) -> impl Iterator<Item = LaneKey> {
    destinations.iter().map(|it| LaneKey { publisher: publisher.clone(), destination: *it })
}
