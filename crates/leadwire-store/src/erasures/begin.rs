//! Beginning an erasure: what is done at once, so that nothing of a person is sent or found any more.

use super::address;
use super::tombstones::{self, Grave};
use super::wipe::{count, to_u64, wipe_touchpoints};
use super::{Asked, Begun, Crm, Wiped, Wish};
use crate::engine::{Param, Tx};
use crate::lanes::{LaneKey, doubt_until, line_up, place};
use crate::news::News;
use crate::rows::Channel;
use crate::{StoreError, members, setup};
use leadwire_core::erasure::{self, Kind};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::standing::Past;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Does at once what an erasure needs done at once, and writes down what is left.
pub(super) fn begin(tx: &Tx<'_>, wish: &Wish, kind: &'static str) -> Result<Asked, StoreError> {
    let mut leads = Vec::new();
    // A person is all leads that are one with any of these.
    let mut groups: Vec<Vec<LeadId>> = Vec::new();
    let mut found = address::leads_of(tx, &wish.publisher, &wish.found_by)?;
    if let Some(address) = &wish.address {
        found.extend(address::having(tx, &wish.publisher, address)?);
    }
    for lead in wish.leads.iter().copied().chain(found) {
        if leads.contains(&lead) || !members::is_there(tx, &wish.publisher, lead)? {
            continue;
        }
        let root = members::root(tx, &wish.publisher, lead)?.unwrap_or(lead);
        let mut group = members::members(tx, &wish.publisher, root)?;
        // By the lead that stands for all, destinations may know what came of any of them.
        group.retain(|it| *it != root);
        group.insert(0, root);
        leads.extend(&group);
        groups.push(group);
    }
    if leads.is_empty() && wish.found_by.is_empty() {
        return Ok(Asked::NoLead);
    }
    note(tx, wish, kind)?;
    let salt = match kind {
        // The person was not asked to be kept out: they were only not heard of for long.
        "retention" => None,
        _ => Some(bury(tx, wish, leads.first().copied())?),
    };
    let mut begun = Begun { leads: leads.clone(), ..Begun::default() };
    for group in &groups {
        count_apart(tx, &wish.publisher, group)?;
        members::forget(tx, &wish.publisher, group[0])?;
    }
    for (lead, id) in with_ids(wish, leads)? {
        let group = groups.iter().find(|it| it.contains(&lead)).map_or(&[][..], |it| it);
        end(tx, wish, (lead, id), (salt.as_deref(), group), &mut begun)?;
    }
    // A deletion was put behind what was stopped only after it: the touchpoints of a lead that is part of another.
    for group in groups.iter().filter(|it| it.len() > 1) {
        for lane in &begun.told {
            line_up(tx, lane, group[0])?;
        }
    }
    begun.leads.iter().for_each(|it| tx.tell(&News::Erased(wish.publisher.clone(), *it)));
    begun.told.iter().for_each(|it| tx.tell(&News::Work(it.clone())));
    Ok(Asked::Begun(begun))
}

/// Gives the leads that are part of another their own count of touchpoints, which stood beside the other until now.
fn count_apart(tx: &Tx<'_>, publisher: &PublisherId, group: &[LeadId]) -> Result<(), StoreError> {
    let (publisher, root) = (Param::Text(publisher.as_str()), group[0].to_string());
    for lead in &group[1..] {
        tx.execute(
            "UPDATE lead SET touchpoints = (
                 SELECT m.touchpoints FROM member m
                 WHERE m.publisher_id = $1 AND m.root_id = $2 AND m.lead_id = $3)
             WHERE publisher_id = $1 AND lead_id = $3",
            &[publisher, Param::Text(&root), Param::Text(&lead.to_string())],
        )?;
    }
    Ok(())
}

/// Each lead with the id of the touchpoint that tells of its erasure: those that were named have their own, and the others
/// take what is left. None is erased by halves: it is an error when the ids do not suffice.
fn with_ids(wish: &Wish, leads: Vec<LeadId>) -> Result<Vec<(LeadId, TouchpointId)>, StoreError> {
    let mut own = BTreeMap::new();
    for (lead, id) in wish.leads.iter().zip(&wish.ids) {
        own.entry(*lead).or_insert(*id);
    }
    let mut spare = wish.ids.iter().skip(wish.leads.len()).copied();
    let count = leads.len();
    let pairs = leads.into_iter().map(|lead| Some((lead, own.remove(&lead).or_else(|| spare.next())?)));
    pairs.collect::<Option<_>>().ok_or_else(|| {
        StoreError::Wrong(format!("{count} leads are to be erased, and there are {} ids", wish.ids.len()))
    })
}

fn note(tx: &Tx<'_>, wish: &Wish, kind: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO erasure (publisher_id, erasure_id, asked_at, kind, crm, who, reason, state, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'wiping', $8)",
        &[
            Param::Text(wish.publisher.as_str()),
            Param::Text(&wish.id.to_string()),
            Param::Int(wish.asked_at.millis()),
            Param::Text(kind),
            Param::Text(wish.crm.as_str()),
            Param::Text(&wish.who),
            Param::Text(&wish.reason),
            Param::Text(&json!(wish.words).to_string()),
        ],
    )?;
    Ok(())
}

/// Sets the tombstones of the person's identities, and gives the salt for those of the bodies.
fn bury(tx: &Tx<'_>, wish: &Wish, lead: Option<LeadId>) -> Result<Vec<u8>, StoreError> {
    let (salt, is_new) = tombstones::salt(tx, &wish.publisher, &wish.salt)?;
    if is_new {
        // Whoever accepts must ask the tombstones from here on.
        setup::raise_version(tx)?;
    }
    let lead = lead.map_or_else(String::new, |it| it.to_string());
    let grave = Grave { publisher: &wish.publisher, salt: &salt, erased_at: wish.asked_at, lead: &lead };
    for identity in wish.found_by.iter().chain(&wish.identities) {
        tombstones::set(tx, &grave, Kind::Identity, identity)?;
    }
    Ok(salt)
}

/// Ends a lead: it has no identity any more and nothing of it is sent; those who may know it are to be told.
fn end(
    tx: &Tx<'_>,
    wish: &Wish,
    (lead, id): (LeadId, TouchpointId),
    (salt, group): (Option<&[u8]>, &[LeadId]),
    begun: &mut Begun,
) -> Result<(), StoreError> {
    let (publisher, lead_id) = (Param::Text(wish.publisher.as_str()), lead.to_string());
    let key = [publisher, Param::Text(&lead_id)];
    let found =
        tx.find("SELECT identity, email FROM lead WHERE publisher_id = $1 AND lead_id = $2", &key, |row| {
            Ok((row.bytes(0)?.to_owned(), row.text(1)?.to_owned()))
        })?;
    let (identity, email) = found.ok_or_else(|| StoreError::Wrong("a lead went away".to_owned()))?;
    if let Some(salt) = salt.filter(|_| !identity.is_empty()) {
        let grave = Grave { publisher: &wish.publisher, salt, erased_at: wish.asked_at, lead: &lead_id };
        tombstones::set(tx, &grave, Kind::Identity, &identity)?;
    }
    // What arrived as another of its group is that one's record, which has a deletion of its own: two that look after one
    // record would each find the other's work half done.
    let others = |it: &&LeadId| **it == lead || !group.contains(*it);
    let named: Vec<LeadId> = begun.leads.iter().filter(others).copied().collect();
    let sent_as = if group.first() == Some(&lead) { &group[1..] } else { &[] };
    let mut sent = deliveries(tx, &wish.publisher, lead, &named)?;
    begun.stopped.extend(sent.iter().filter(|it| it.is_pending).map(|it| it.id));
    for other in sent_as {
        sent.extend(deliveries(tx, &wish.publisher, *other, &named)?);
    }
    let stopped = tx.execute(
        "UPDATE delivery SET state = 'erased', claim = CASE WHEN claim > 0 THEN claim ELSE 0 END, cause = '',
             message = '', fix = '', record = '', ended_at = $1
         WHERE publisher_id = $2 AND touchpoint_id IN (
             SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $2 AND lead_id = $3)
             AND state IN ('pending', 'parked', 'suppressed')",
        &[Param::Int(wish.asked_at.millis()), publisher, key[1]],
    )?;
    blank(tx, wish, lead)?;
    let decisions = tx.execute(
        "UPDATE lead_act SET value = '', reason = '' WHERE publisher_id = $1 AND lead_id = $2",
        &key,
    )?;
    // What became of the lead stays counted, without who said it and in which words.
    tx.execute(
        "UPDATE feedback SET reason = '', who = '', record = '' WHERE publisher_id = $1 AND lead_id = $2",
        &key,
    )?;
    tx.execute("DELETE FROM lead_step WHERE publisher_id = $1 AND lead_id = $2", &key)?;
    let wiped =
        Wiped { leads: 1, deliveries: to_u64(stopped), decisions: to_u64(decisions), ..Wiped::default() };
    count(tx, &wish.publisher, wish.id, wiped)?;
    let needs = match salt {
        Some(_) => tell(tx, wish, (lead, id), (&sent, &email), begun)?,
        None => String::new(),
    };
    tx.execute(
        "INSERT INTO erased_lead (publisher_id, touchpoint_id, erasure_id, lead_id, needs)
         VALUES ($1, $2, $3, $4, $5)",
        &[
            publisher,
            Param::Text(&id.to_string()),
            Param::Text(&wish.id.to_string()),
            key[1],
            Param::Text(&needs),
        ],
    )?;
    wipe_touchpoints(tx, &wish.publisher, wish.id, (lead, id, ""), wish.asked_at)
}

/// A delivery of the lead, as far as its erasure is concerned.
struct Sent {
    id: DeliveryId,
    is_pending: bool,
    may_be_there: bool,
    is_uncertain: bool,
    record: String,
    is_removed: bool,
}

/// Deliveries of a lead's touchpoints. `all` are the leads of the person: what arrived under the record of another lead,
/// from which this one was parted since, names a record that is not theirs.
fn deliveries(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    all: &[LeadId],
) -> Result<Vec<Sent>, StoreError> {
    tx.query(
        "WITH gone AS MATERIALIZED (
             SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $1 AND lead_id = $2)
         SELECT d.touchpoint_id, d.destination_no, d.state, d.claim, d.record, o.removed_at,
             CASE WHEN EXISTS (
                 SELECT 1 FROM attempt a
                 WHERE a.publisher_id = d.publisher_id AND a.touchpoint_id = d.touchpoint_id
                     AND a.destination_no = d.destination_no AND a.outcome = 'done')
             THEN 1 ELSE 0 END,
             CASE WHEN EXISTS (
                 SELECT 1 FROM attempt a
                 WHERE a.publisher_id = d.publisher_id AND a.touchpoint_id = d.touchpoint_id
                     AND a.destination_no = d.destination_no AND a.outcome IN ('unknown', 'interrupted'))
             THEN 1 ELSE 0 END,
             CASE WHEN d.known_as = '' THEN d.lead_id ELSE d.known_as END
         FROM gone
         CROSS JOIN delivery d
         JOIN destination o ON o.publisher_id = d.publisher_id AND o.destination_no = d.destination_no
         WHERE d.publisher_id = $1 AND d.touchpoint_id = gone.touchpoint_id",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| {
            let (state, claim) = (row.text(2)?, row.int(3)?);
            let is_uncertain = (state == "pending" && claim > 0) || row.int(7)? != 0;
            Ok(Sent {
                id: DeliveryId { touchpoint: row.touchpoint(0)?, destination: row.destination(1)? },
                is_pending: state == "pending",
                may_be_there: state == "delivered" || is_uncertain || row.int(6)? != 0,
                is_uncertain,
                record: if all.contains(&row.lead(8)?) { row.text(4)?.to_owned() } else { String::new() },
                is_removed: row.int(5)? != 0,
            })
        },
    )
}

/// Takes all that is personal out of the lead's row.
fn blank(tx: &Tx<'_>, wish: &Wish, lead: LeadId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE lead SET identity = $1, first_name = '', last_name = '', email = '', phone = '', country = '',
             company = '', title = '', interest = 0, interest_by = '', interest_rule = '', interest_set = '',
             do_not_contact = 0, refused_at = 0, refused_by = '', permitted_at = 0, permitted_by = '',
             consent_at = 0, consent_by = '', said_by = '', merged_into = '', members = 0, erased_at = $2
         WHERE publisher_id = $3 AND lead_id = $4",
        &[
            Param::Bytes(&[]),
            Param::Int(wish.asked_at.millis()),
            Param::Text(wish.publisher.as_str()),
            Param::Text(&lead.to_string()),
        ],
    )?;
    Ok(())
}

/// Owes the news of the erasure to every destination that may know the lead, as a touchpoint of the lead without a body,
/// and gives what they must know to find their record.
fn tell(
    tx: &Tx<'_>,
    wish: &Wish,
    (lead, id): (LeadId, TouchpointId),
    (sent, email): (&[Sent], &str),
    begun: &mut Begun,
) -> Result<String, StoreError> {
    let past: Vec<Past> = sent
        .iter()
        .map(|it| Past {
            touchpoint: it.id.touchpoint,
            destination: it.id.destination,
            may_be_there: it.may_be_there,
            is_waiting: false,
            // What was said of a person is to be deleted like what was brought.
            is_follow_up: false,
        })
        .collect();
    let uncertain: Vec<_> = sent.iter().filter(|it| it.is_uncertain).map(|it| it.id.destination).collect();
    let told = erasure::told(&past, &uncertain);
    if told.is_empty() {
        return Ok(String::new());
    }
    write_touchpoint(tx, wish, (lead, id))?;
    let mut records: BTreeMap<DestinationNo, BTreeSet<&str>> = BTreeMap::new();
    for it in sent.iter().filter(|it| !it.record.is_empty()) {
        records.entry(it.id.destination).or_default().insert(&it.record);
    }
    let mut needed = Map::new();
    for (destination, is_uncertain) in told {
        let own: Vec<&str> = records.get(&destination).into_iter().flatten().copied().collect();
        let is_removed = sent.iter().any(|it| it.id.destination == destination && it.is_removed);
        let named =
            if own.is_empty() { "its record".to_owned() } else { format!("record {}", own.join(", ")) };
        let ended = match (wish.crm, is_removed) {
            (Crm::Keep, _) => Some((
                erasure::KEPT,
                "whoever asked for the erasure wanted the record to stay",
                format!("nothing is to be done; {named} is still there"),
            )),
            (Crm::Delete, true) => Some((
                erasure::CANNOT,
                "the destination was removed",
                format!("delete {named} there by hand"),
            )),
            (Crm::Delete, false) => None,
        };
        if ended.is_none() {
            needed.insert(destination.to_string(), json!(own));
            let lane = LaneKey { publisher: wish.publisher.clone(), destination };
            begun.told.insert(lane);
        }
        owe(tx, wish, (lead, DeliveryId { touchpoint: id, destination }), ended, is_uncertain)?;
    }
    if needed.is_empty() {
        return Ok(String::new());
    }
    Ok(json!({ "asked_at": wish.asked_at.millis(), "email": email, "records": Value::Object(needed) })
        .to_string())
}

fn write_touchpoint(tx: &Tx<'_>, wish: &Wish, (lead, id): (LeadId, TouchpointId)) -> Result<(), StoreError> {
    let (publisher, touchpoint, lead) =
        (Param::Text(wish.publisher.as_str()), id.to_string(), lead.to_string());
    tx.execute(
        "INSERT INTO touchpoint (publisher_id, touchpoint_id, lead_id, received_at, channel, offer_id, source,
             action, test, routed, body, body_sha256, erased_at)
         VALUES ($1, $2, $3, $4, $5, '', $6, $7, (
             SELECT test FROM lead WHERE publisher_id = $1 AND lead_id = $3), 1, $8, $8, $4)",
        &[
            publisher,
            Param::Text(&touchpoint),
            Param::Text(&lead),
            Param::Int(wish.asked_at.millis()),
            Param::Text(Channel::Person.as_str()),
            Param::Text(erasure::SOURCE),
            Param::Text(erasure::ACTION),
            Param::Bytes(&[]),
        ],
    )?;
    tx.execute(
        "UPDATE lead SET touchpoints = touchpoints + 1, erased_by = $1
         WHERE publisher_id = $2 AND lead_id = $3",
        &[Param::Text(&touchpoint), publisher, Param::Text(&lead)],
    )?;
    Ok(())
}

fn owe(
    tx: &Tx<'_>,
    wish: &Wish,
    (lead, id): (LeadId, DeliveryId),
    ended: Option<(&str, &str, String)>,
    is_uncertain: bool,
) -> Result<(), StoreError> {
    let now = wish.asked_at;
    // A request that may be on the wire arrives first: no attempt takes longer, and nothing that was given up comes later.
    let due_at = if is_uncertain { now.plus(limits::ATTEMPT_WAIT + limits::DOUBT) } else { now };
    if is_uncertain {
        doubt_until(tx, (&wish.publisher, id.destination), lead, due_at)?;
    }
    let claim = match ended {
        None => place(tx, &wish.publisher, id.destination, lead, id.touchpoint)?,
        Some(_) => 0,
    };
    let (state, ended_at) = if ended.is_some() { ("suppressed", now.millis()) } else { ("pending", 0) };
    let (cause, message, fix) = ended.unwrap_or(("", "", String::new()));
    tx.execute(
        "INSERT INTO delivery (publisher_id, touchpoint_id, destination_no, lead_id, state, due_at, claim, cause,
             message, fix, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            Param::Text(wish.publisher.as_str()),
            Param::Text(&id.touchpoint.to_string()),
            Param::Int(id.destination.get().into()),
            Param::Text(&lead.to_string()),
            Param::Text(state),
            Param::Int(due_at.millis()),
            Param::Int(claim),
            Param::Text(cause),
            Param::Text(message),
            Param::Text(&fix),
            Param::Int(ended_at),
        ],
    )?;
    Ok(())
}
