//! Making two leads one because a person says so, and taking one out again exactly as it would have been.
//!
//! A merge is a pointer: a touchpoint keeps the lead its identity folded it into, and each lead keeps what its own
//! touchpoints come to. What stands for all of them is put together from these parts, and taken apart into them.

mod deliveries;

use crate::accept::{Accept, Committed, accept};
use crate::acts::write_act;
use crate::engine::{Param, Tx};
use crate::lanes::carry_doubt;
use crate::leads::Act;
use crate::members::{self, Member};
use crate::postgres::scope::Scope;
use crate::suggestions;
use crate::{Store, StoreError, setup, standing};
use deliveries::Owed;
use leadwire_core::id::{DestinationNo, LeadId, PublisherId};
use leadwire_core::lead::Fold;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Two leads that a person says are one customer.
#[derive(Clone)]
pub struct Merge {
    /// Whose.
    pub publisher: PublisherId,
    /// The lead that stands for both from now on.
    pub into: LeadId,
    /// The lead that becomes part of it, with those that are part of it already.
    pub from: LeadId,
    /// The decision: who and why. Its kind, value and rule are written here.
    pub act: Act,
    /// Destinations that want to hear nothing of customers who must not be contacted.
    pub holding: Arc<[DestinationNo]>,
    /// What is told to destinations that may know one of the leads.
    pub says: Accept,
}

/// A lead that a person takes out of another one again.
#[derive(Clone)]
pub struct Unmerge {
    /// Whose.
    pub publisher: PublisherId,
    /// The lead that was merged, with those that were part of it then.
    pub lead: LeadId,
    /// The decision: who and why.
    pub act: Act,
    /// Destinations that want to hear nothing of customers who must not be contacted.
    pub holding: Arc<[DestinationNo]>,
    /// What is told of the lead that stood for both; its lead is set here.
    pub says_of_root: Accept,
    /// What is told of the lead that is taken out.
    pub says_of_lead: Accept,
    /// What is told instead when a person wrote down of both together that the customer must not be contacted: nobody
    /// knows of which of the two that was said.
    pub refuses_of_lead: Accept,
}

/// What came of a merge, or of its undoing.
#[derive(Debug)]
pub enum Merged {
    /// It is done.
    Done {
        /// What was stored and claimed with it.
        committed: Committed,
        /// The lead that stands for the other, or stood.
        root: LeadId,
        /// Deliveries that are brought anew to the record of a lead that was taken out.
        brought_anew: usize,
    },
    /// The set-up changed since the caller looked; nothing was done.
    SetupChanged,
    /// There is no such lead, or its customer was erased.
    Missing(LeadId),
    /// Both are the same lead.
    Same,
    /// It is part of another lead already.
    Already {
        /// The lead.
        lead: LeadId,
        /// What it is part of.
        into: LeadId,
    },
    /// It is not part of another lead.
    NotMerged,
    /// One is a trial and the other a customer.
    Trial,
    /// Together they would be more than [`limits::MEMBERS_MAX`].
    TooMany,
    /// Together they have more than [`limits::MERGED_TOUCHPOINTS_MAX`] touchpoints.
    TooLarge,
    /// A request for the customer is under way to this destination, and another one must not begin beside it.
    Busy(DestinationNo),
}

impl Store {
    /// Merges two leads, as one transaction with what is told of it. `after` is as in [`Store::accept_then`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was done unless it is [`StoreError::Failed`].
    pub async fn merge<A>(&self, setup_version: i64, wish: Merge, after: A) -> Result<Merged, StoreError>
    where
        A: FnOnce(&Merged) + Send + 'static,
    {
        self.write_then(Scope::of(wish.publisher.as_str()), move |tx| merge(tx, setup_version, &wish), after)
            .await
    }

    /// Takes a merged lead out again, as one transaction with what is told of it. `after` is as in
    /// [`Store::accept_then`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was done unless it is [`StoreError::Failed`].
    pub async fn unmerge<A>(&self, setup_version: i64, wish: Unmerge, after: A) -> Result<Merged, StoreError>
    where
        A: FnOnce(&Merged) + Send + 'static,
    {
        self.write_then(
            Scope::of(wish.publisher.as_str()),
            move |tx| unmerge(tx, setup_version, &wish),
            after,
        )
        .await
    }
}

/// A lead as far as a merge asks.
struct Head {
    merged_into: Option<LeadId>,
    members: u32,
    test: bool,
    touchpoints: u32,
}

fn head(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Option<Head>, StoreError> {
    tx.find(
        "SELECT merged_into, members, test, touchpoints
         FROM lead
         WHERE publisher_id = $1 AND lead_id = $2 AND erased_at = 0",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| {
            Ok(Head {
                merged_into: match row.text(0)? {
                    "" => None,
                    _ => Some(row.lead(0)?),
                },
                members: row.count(1)?,
                test: row.int(2)? != 0,
                touchpoints: row.count(3)?,
            })
        },
    )
}

/// Why two leads cannot be merged, or both of them.
fn both(tx: &Tx<'_>, wish: &Merge) -> Result<Result<[Head; 2], Merged>, StoreError> {
    let (publisher, into, from) = (&wish.publisher, wish.into, wish.from);
    let Some(root) = head(tx, publisher, into)? else { return Ok(Err(Merged::Missing(into))) };
    let Some(other) = head(tx, publisher, from)? else { return Ok(Err(Merged::Missing(from))) };
    if into == from {
        return Ok(Err(Merged::Same));
    }
    for (lead, head) in [(into, &root), (from, &other)] {
        if let Some(into) = head.merged_into {
            return Ok(Err(Merged::Already { lead, into }));
        }
    }
    let members = root.members + other.members + 2;
    Ok(if root.test != other.test {
        Err(Merged::Trial)
    } else if usize::try_from(members).map_or(true, |it| it > limits::MEMBERS_MAX) {
        Err(Merged::TooMany)
    } else if root.touchpoints.saturating_add(other.touchpoints) > limits::MERGED_TOUCHPOINTS_MAX {
        Err(Merged::TooLarge)
    } else {
        Ok([root, other])
    })
}

fn merge(tx: &Tx<'_>, setup_version: i64, wish: &Merge) -> Result<Merged, StoreError> {
    let (publisher, into, from) = (&wish.publisher, wish.into, wish.from);
    if setup::version(tx)? != setup_version {
        return Ok(Merged::SetupChanged);
    }
    let [root, other] = match both(tx, wish)? {
        Ok(both) => both,
        Err(why) => return Ok(why),
    };
    let mut all = parts(tx, publisher, (into, &root))?;
    let mut joining = parts(tx, publisher, (from, &other))?;
    let ids: Vec<LeadId> = joining.iter().map(|it| it.id).collect();
    let owed = deliveries::owed(tx, publisher, &ids)?;
    if let Some(busy) = deliveries::busy_with_both(tx, publisher, &owed, into)? {
        return Ok(Merged::Busy(busy));
    }
    let standing: Vec<LeadId> = all.iter().map(|it| it.id).collect();
    let rule = suggestions::settle(tx, publisher, (&standing, &ids), &wish.act)?
        .unwrap_or_else(|| "person".to_owned());
    for it in joining.iter_mut().filter(|it| it.id == from) {
        (it.parent, it.act, it.rule) = (Some(into), Some(wish.act.id), rule.clone());
    }
    all.append(&mut joining);
    members::clear_parts(tx, publisher, from)?;
    let whole = write_group(tx, publisher, into, &all)?;
    deliveries::hand_over(tx, publisher, &owed, into)?;
    let mut committed = Committed::default();
    if whole.standing.is_refused() {
        let ids: Vec<LeadId> = all.iter().map(|it| it.id).collect();
        hold_all(tx, publisher, (&ids, &wish.holding), wish.says.received_at)?;
        committed.refused.extend(ids.into_iter().map(|it| (publisher.clone(), it)));
    }
    let mut destinations: BTreeSet<DestinationNo> = owed.iter().map(|it| it.id.destination).collect();
    deliveries::line_up(tx, publisher, &destinations, &[into])?;
    destinations.extend(carry_doubt(tx, publisher, (from, into))?);
    decided(tx, wish, &rule)?;
    accept(tx, 0, &Accept { of_lead: Some(into), ..wish.says.clone() }, &mut committed)?;
    committed.told.extend(deliveries::lanes(publisher, &destinations));
    Ok(Merged::Done { committed, root: into, brought_anew: 0 })
}

/// Each lead of a lead with what it comes to by itself.
fn parts(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (lead, head): (LeadId, &Head),
) -> Result<Vec<Member>, StoreError> {
    if head.members > 0 {
        return members::parts(tx, publisher, lead);
    }
    let own = members::whole(tx, publisher, lead)?
        .ok_or_else(|| StoreError::Wrong(format!("{lead} was there and is gone")))?;
    Ok(vec![Member { id: lead, parent: None, act: None, rule: String::new(), own }])
}

/// Writes leads that are one, or the one that is left; gives what they come to together.
fn write_group(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    root: LeadId,
    all: &[Member],
) -> Result<Fold, StoreError> {
    members::clear_parts(tx, publisher, root)?;
    if all.len() > 1 {
        for member in all {
            members::add_part(tx, publisher, root, member)?;
        }
    }
    let whole = members::together(tx, publisher, all)?;
    members::write_whole(tx, publisher, root, &whole)?;
    for member in all {
        let is_root = member.id == root;
        let others = if is_root { all.len() - 1 } else { 0 };
        tx.execute(
            "UPDATE lead SET merged_into = $1, members = $2 WHERE publisher_id = $3 AND lead_id = $4",
            &[
                Param::Text(&if is_root { String::new() } else { root.to_string() }),
                Param::Int(i64::try_from(others).unwrap_or(i64::MAX)),
                Param::Text(publisher.as_str()),
                Param::Text(&member.id.to_string()),
            ],
        )?;
    }
    Ok(whole)
}

fn hold_all(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (leads, holding): (&[LeadId], &[DestinationNo]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let refusal = leadwire_core::standing::refuse(&standing::past(tx, publisher, leads)?, holding);
    for held in refusal.held {
        standing::hold(tx, publisher, held, now)?;
    }
    Ok(())
}

/// Writes down at both leads who merged them, and why.
fn decided(tx: &Tx<'_>, wish: &Merge, rule: &str) -> Result<(), StoreError> {
    let act = Act {
        kind: "merge".to_owned(),
        value: format!("{} into {}", wish.from, wish.into),
        rule: rule.to_owned(),
        ..wish.act.clone()
    };
    write_act(tx, &wish.publisher, wish.into, &act)?;
    write_act(tx, &wish.publisher, wish.from, &act)
}

fn unmerge(tx: &Tx<'_>, setup_version: i64, wish: &Unmerge) -> Result<Merged, StoreError> {
    let (publisher, lead) = (&wish.publisher, wish.lead);
    if setup::version(tx)? != setup_version {
        return Ok(Merged::SetupChanged);
    }
    let Some(found) = head(tx, publisher, lead)? else { return Ok(Merged::Missing(lead)) };
    let Some(root) = found.merged_into else { return Ok(Merged::NotMerged) };
    let (mut leaving, staying) = taken_out(members::parts(tx, publisher, root)?, lead);
    let ids: Vec<LeadId> = leaving.iter().map(|it| it.id).collect();
    let owed = deliveries::owed(tx, publisher, &ids)?;
    // It would end under the record of the lead that is left.
    if let Some(busy) = owed.iter().find(|it| it.is_in_flight) {
        return Ok(Merged::Busy(busy.id.destination));
    }
    let since = leaving.iter().find(|it| it.id == lead).and_then(|it| it.act);
    for it in leaving.iter_mut().filter(|it| it.id == lead) {
        (it.parent, it.act, it.rule) = (None, None, String::new());
    }
    let left: Vec<LeadId> = staying.iter().map(|it| it.id).collect();
    suggestions::part(tx, publisher, (&left, &ids), &wish.act)?;
    let is_doubtful = match since {
        Some(since) => deliveries::person_refused(tx, publisher, &left, since)?,
        None => false,
    };
    write_group(tx, publisher, root, &staying)?;
    let own = write_group(tx, publisher, lead, &leaving)?;
    deliveries::give_back(tx, publisher, &owed, lead)?;
    let mut destinations: BTreeSet<DestinationNo> = owed.iter().map(|it| it.id.destination).collect();
    let held: &[DestinationNo] = if own.standing.is_refused() || is_doubtful { &wish.holding } else { &[] };
    let mut anew: Vec<Owed> = deliveries::delivered_elsewhere(tx, publisher, &ids)?;
    anew.retain(|it| !held.contains(&it.id.destination));
    let brought = deliveries::bring_anew(tx, publisher, (&anew, lead), wish.says_of_lead.received_at)?;
    destinations.extend(brought.iter().map(|it| it.destination));
    deliveries::line_up(tx, publisher, &destinations, &[root, lead])?;
    // Whose request it was that may still arrive, nobody asks.
    destinations.extend(carry_doubt(tx, publisher, (root, lead))?);
    let (kind, value) = ("unmerge".to_owned(), format!("{lead} out of {root}"));
    let act = Act { kind, value, ..wish.act.clone() };
    write_act(tx, publisher, root, &act)?;
    write_act(tx, publisher, lead, &act)?;
    let mut committed = Committed::default();
    let of_lead = if is_doubtful { &wish.refuses_of_lead } else { &wish.says_of_lead };
    for (place, (says, lead)) in [(&wish.says_of_root, root), (of_lead, lead)].into_iter().enumerate() {
        accept(tx, place, &Accept { of_lead: Some(lead), ..says.clone() }, &mut committed)?;
    }
    committed.told.extend(deliveries::lanes(publisher, &destinations));
    Ok(Merged::Done { committed, root, brought_anew: brought.len() })
}

/// Divides leads that are one into the lead that is taken out, with those that were merged into it before, and the rest.
fn taken_out(all: Vec<Member>, lead: LeadId) -> (Vec<Member>, Vec<Member>) {
    let mut out = BTreeSet::from([lead]);
    // A lead may come before the one it was merged into; each round finds those one step further down.
    while let Some(found) =
        all.iter().find(|it| !out.contains(&it.id) && it.parent.is_some_and(|it| out.contains(&it)))
    {
        out.insert(found.id);
    }
    all.into_iter().partition(|it| out.contains(&it.id))
}
