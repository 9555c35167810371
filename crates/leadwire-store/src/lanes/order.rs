//! One delivery of a lead at a time, in the order in which the customer acted.
//!
//! Of a lead's pending deliveries to a destination one is free to be claimed, or claimed; the others are behind it
//! (`claim = -1`) and not in the way of a claim, however many they are.

use super::{LaneKey, LaneToken, doubt};
use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::news::News;
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;

/// The first of a lead's pending deliveries.
const FIRST: &str = "\
    SELECT touchpoint_id
    FROM delivery
    WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND lead_id = $3
    ORDER BY touchpoint_id
    LIMIT 1";

/// Says with which `claim` a delivery becomes pending: free, or behind another one of its lead. One that is free
/// and younger steps back.
pub(crate) fn place(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
    lead: LeadId,
    touchpoint: TouchpointId,
) -> Result<i64, StoreError> {
    let publisher = Param::Text(publisher.as_str());
    let destination = Param::Int(destination.get().into());
    let lead = lead.to_string();
    let first = tx.find(FIRST, &[publisher, destination, Param::Text(&lead)], |row| row.touchpoint(0))?;
    let Some(first) = first else { return Ok(0) };
    if first < touchpoint {
        return Ok(-1);
    }
    let stepped_back = step_back(tx, publisher, destination, &lead)?;
    Ok(if stepped_back > 0 { 0 } else { -1 })
}

/// As [`place`], and when it is due: at the moment that is given, or once no request of another touchpoint of the lead can arrive any more.
pub(crate) fn place_now(
    tx: &Tx<'_>,
    (publisher, destination): (&PublisherId, DestinationNo),
    lead: LeadId,
    touchpoint: TouchpointId,
    now: Timestamp,
) -> Result<(i64, Timestamp), StoreError> {
    tx.tell(&News::Work(LaneKey { publisher: publisher.clone(), destination }));
    let doubt = doubt::until(tx, publisher, destination, lead)?;
    Ok((place(tx, publisher, destination, lead, touchpoint)?, doubt.unwrap_or(now).max(now)))
}

/// Puts behind what is free of a lead, and says how many that was.
fn step_back(
    tx: &Tx<'_>,
    publisher: Param<'_>,
    destination: Param<'_>,
    lead: &str,
) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE delivery SET claim = -1
         WHERE publisher_id = $1 AND destination_no = $2 AND claim = 0 AND touchpoint_id IN (
             SELECT touchpoint_id
             FROM delivery
             WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND lead_id = $3)",
        &[publisher, destination, Param::Text(lead)],
    )
}

/// Puts behind others of their leads what is free of these deliveries.
pub(super) fn put_behind(tx: &Tx<'_>, lane: &LaneKey, touchpoints: &[String]) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let rows: Vec<Vec<Param<'_>>> =
        touchpoints.iter().map(|it| vec![publisher, Param::Text(it), destination]).collect();
    tx.execute_each(
        "UPDATE delivery SET claim = -1
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = 0
             AND state = 'pending'",
        &rows,
    )?;
    Ok(())
}

/// Lets deliveries wait until a moment, if they do not for longer.
pub(super) fn hold_back(
    tx: &Tx<'_>,
    lane: &LaneKey,
    touchpoints: &[String],
    until: Timestamp,
) -> Result<(), StoreError> {
    let (publisher, until) = (Param::Text(lane.publisher.as_str()), Param::Int(until.millis()));
    let destination = Param::Int(lane.destination.get().into());
    let rows: Vec<Vec<Param<'_>>> =
        touchpoints.iter().map(|it| vec![until, publisher, Param::Text(it), destination]).collect();
    tx.execute_each(
        "UPDATE delivery SET due_at = $1
         WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4 AND due_at < $1
         
             AND state = 'pending'",
        &rows,
    )?;
    Ok(())
}

/// Puts a lead's pending deliveries in order anew, after some became its own or ceased to be: the first is free, unless
/// one is being tried, which frees the next when it comes to rest.
pub(crate) fn line_up(tx: &Tx<'_>, lane: &LaneKey, lead: LeadId) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    step_back(tx, publisher, destination, &lead.to_string())?;
    let tried = tx.find(
        "SELECT 1 FROM delivery
         WHERE publisher_id = $1 AND destination_no = $2 AND claim > 0 AND state = 'pending' AND lead_id = $3
         LIMIT 1",
        &[publisher, destination, Param::Text(&lead.to_string())],
        |_| Ok(()),
    )?;
    if tried.is_none() { advance(tx, lane, lead) } else { Ok(()) }
}

/// The same for several leads of whose deliveries none is free, after these were put back: one of those is free at once, for it
/// says what its last request did, or waited for everything before it was claimed.
pub(super) fn line_up_all(
    tx: &Tx<'_>,
    lane: &LaneKey,
    leads: &BTreeSet<LeadId>,
    back: &BTreeSet<TouchpointId>,
) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let ids: Vec<String> = leads.iter().map(LeadId::to_string).collect();
    let rows: Vec<Vec<Param<'_>>> =
        ids.iter().map(|it| vec![publisher, destination, Param::Text(it)]).collect();
    let under_way = tx.query_each(
        "SELECT 1 FROM delivery
         WHERE publisher_id = $1 AND destination_no = $2 AND claim > 0 AND state = 'pending' AND lead_id = $3
         LIMIT 1",
        &rows,
        |_| Ok(()),
    )?;
    let mut waits = vec![true; rows.len()];
    under_way.into_iter().for_each(|it| waits[it.0] = false);
    let (mut freed, mut others) = (Vec::new(), BTreeSet::new());
    let all: Vec<LeadId> = leads.iter().copied().collect();
    for (at, first) in tx.query_each(FIRST, &rows, |row| row.touchpoint(0))? {
        match waits[at] {
            true if back.contains(&first) => freed.push(first.to_string()),
            true => {
                others.insert(all[at]);
            }
            false => {}
        }
    }
    let changes: Vec<Vec<Param<'_>>> =
        freed.iter().map(|it| vec![publisher, Param::Text(it), destination]).collect();
    tx.execute_each(
        "UPDATE delivery SET claim = 0 WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3",
        &changes,
    )?;
    advance_all(tx, lane, &others)
}

/// Says with which `claim` a delivery that is behind none is stored: a lane's, when that lane has room for it, still
/// holds its lease, and may send; else free.
pub(crate) fn claim_at_once(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    destination: DestinationNo,
    token: LaneToken,
) -> Result<i64, StoreError> {
    let held = tx.find(
        "SELECT 1 FROM lane WHERE publisher_id = $1 AND destination_no = $2 AND token = $3 AND state = 'open'",
        &[Param::Text(publisher.as_str()), Param::Int(destination.get().into()), Param::Int(token.number())],
        |_| Ok(()),
    )?;
    Ok(if held.is_some() { token.number() } else { 0 })
}

/// Frees the first of a lead's pending deliveries, after the one before it came to rest. While a request of the lead may
/// still be on its way, it waits for that.
fn advance(tx: &Tx<'_>, lane: &LaneKey, lead: LeadId) -> Result<(), StoreError> {
    advance_all(tx, lane, &BTreeSet::from([lead]))
}

/// The same for several leads.
pub(super) fn advance_all(tx: &Tx<'_>, lane: &LaneKey, leads: &BTreeSet<LeadId>) -> Result<(), StoreError> {
    let publisher = Param::Text(lane.publisher.as_str());
    let destination = Param::Int(lane.destination.get().into());
    let ids: Vec<String> = leads.iter().map(LeadId::to_string).collect();
    let rows: Vec<Vec<Param<'_>>> =
        ids.iter().map(|it| vec![publisher, destination, Param::Text(it)]).collect();
    // Two statements: a server would look at each of the publisher's deliveries for what a statement within it finds.
    let firsts = tx.query_each(FIRST, &rows, |row| row.touchpoint(0))?;
    // Where something is behind what came to rest, another one that went with that may be the next already.
    let leads: Vec<Vec<Param<'_>>> = firsts.iter().map(|it| rows[it.0].clone()).collect();
    let mut have_next = vec![false; leads.len()];
    let next = tx.query_each(
        "SELECT 1 FROM delivery
         WHERE publisher_id = $1 AND destination_no = $2 AND claim >= 0 AND state = 'pending' AND lead_id = $3
         LIMIT 1",
        &leads,
        |_| Ok(()),
    )?;
    next.into_iter().for_each(|it| have_next[it.0] = true);
    let firsts: Vec<_> = firsts.into_iter().zip(have_next).filter(|it| !it.1).map(|it| it.0).collect();
    let keys: Vec<String> = firsts.iter().map(|it| it.1.to_string()).collect();
    let changes: Vec<Vec<Param<'_>>> =
        keys.iter().map(|it| vec![publisher, Param::Text(it), destination]).collect();
    let freed = tx.query_each(
        "UPDATE delivery SET claim = 0
         WHERE publisher_id = $1 AND touchpoint_id = $2 AND destination_no = $3 AND claim = -1
         RETURNING touchpoint_id",
        &changes,
        |row| row.touchpoint(0),
    )?;
    let freed: Vec<(usize, TouchpointId)> = freed.into_iter().map(|(at, it)| (firsts[at].0, it)).collect();
    let rows: Vec<Vec<Param<'_>>> = freed.iter().map(|it| rows[it.0].clone()).collect();
    for (place, until) in doubt::until_each(tx, &rows)? {
        tx.execute(
            "UPDATE delivery SET due_at = $1
             WHERE publisher_id = $2 AND touchpoint_id = $3 AND destination_no = $4 AND due_at < $1",
            &[Param::Int(until.millis()), publisher, Param::Text(&freed[place].1.to_string()), destination],
        )?;
    }
    Ok(())
}
