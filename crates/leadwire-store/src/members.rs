//! Leads that are one: which they are, what each comes to by itself, and what they come to together.

use crate::acts::shown_since;
use crate::engine::{Param, Row, Tx};
use crate::standing::{self, Columns};
use crate::{Store, StoreError, fold, suggestions};
use leadwire_core::id::{ActId, LeadId, PublisherId};
use leadwire_core::lead::{Fold, last_set};
use leadwire_core::touchpoint::Customer;

/// A lead of several that are one.
#[derive(Clone)]
pub struct Member {
    /// Which lead.
    pub id: LeadId,
    /// The lead it was merged into; none: it stands for all.
    pub parent: Option<LeadId>,
    /// The decision by which it was.
    pub act: Option<ActId>,
    /// By which rule: `person`, or what the two were suggested for.
    pub rule: String,
    /// What it comes to by itself.
    pub own: Fold,
}

impl Store {
    /// The leads that are one with a lead, the one that stands for them included, by id; none when it stands alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members(&self, publisher: PublisherId, lead: LeadId) -> Result<Vec<Member>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| match root(tx, &publisher, lead)? {
            Some(root) => parts(tx, &publisher, root),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// The customer of a lead as it is known now, of the lead that stands for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn customer(
        &self,
        publisher: PublisherId,
        lead: LeadId,
    ) -> Result<Option<Customer>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let Some(root) = root(tx, &publisher, lead)? else { return Ok(None) };
            Ok(whole(tx, &publisher, root)?.map(|it| it.customer()))
        })
        .await
    }

    /// The key by which touchpoints fold into each of these leads; those without one are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn identities(
        &self,
        publisher: PublisherId,
        leads: Vec<LeadId>,
    ) -> Result<Vec<(LeadId, [u8; 16])>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let mut found = Vec::new();
            for lead in leads {
                let key = tx.find(
                    "SELECT identity FROM lead WHERE publisher_id = $1 AND lead_id = $2",
                    &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
                    |row| Ok(<[u8; 16]>::try_from(row.bytes(0)?).ok()),
                )?;
                found.extend(key.flatten().map(|it| (lead, it)));
            }
            Ok(found)
        })
        .await
    }
}

/// The lead that stands for a lead: itself, unless it was merged. None: there is no such lead.
pub(crate) fn root(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Option<LeadId>, StoreError> {
    tx.find(
        "SELECT merged_into FROM lead WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| match row.text(0)? {
            "" => Ok(lead),
            _ => row.lead(0),
        },
    )
}

/// Whether there is such a lead: nothing is written down about one whose customer was erased.
pub(crate) fn is_there(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM lead WHERE publisher_id = $1 AND lead_id = $2 AND erased_at = 0",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// All leads whose touchpoints are those of a lead that stands for itself: it, and those that are part of it.
///
/// # Errors
/// [`StoreError`].
pub fn members(tx: &Tx<'_>, publisher: &PublisherId, root: LeadId) -> Result<Vec<LeadId>, StoreError> {
    let found = tx.query(
        "SELECT lead_id FROM member WHERE publisher_id = $1 AND root_id = $2 ORDER BY lead_id",
        &[Param::Text(publisher.as_str()), Param::Text(&root.to_string())],
        |row| row.lead(0),
    )?;
    Ok(if found.is_empty() { vec![root] } else { found })
}

/// The same with what each comes to by itself; none when the lead stands alone.
pub(crate) fn parts(tx: &Tx<'_>, publisher: &PublisherId, root: LeadId) -> Result<Vec<Member>, StoreError> {
    tx.query(
        "SELECT lead_id, parent_id, act_id, rule, first_name, last_name, email, phone, country, company, title,
             said_by, touchpoints, created_at, updated_at, interest, interest_by, interest_rule, interest_set,
             refused_at, refused_by, permitted_at, permitted_by, consent_at, consent_by
         FROM member
         WHERE publisher_id = $1 AND root_id = $2
         ORDER BY lead_id",
        &[Param::Text(publisher.as_str()), Param::Text(&root.to_string())],
        |row| {
            let id = row.lead(0)?;
            let is_root = row.text(1)?.is_empty();
            let act = if is_root { None } else { Some(ActId::parse(row.text(2)?).map_err(wrong)?) };
            Ok(Member {
                id,
                parent: if is_root { None } else { Some(row.lead(1)?) },
                act,
                rule: row.text(3)?.to_owned(),
                own: read_fold(row, 4, id)?,
            })
        },
    )
}

fn wrong(error: impl std::fmt::Display) -> StoreError {
    StoreError::Wrong(error.to_string())
}

/// What a lead that is one with others comes to by itself.
pub(crate) fn own_part(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    root: LeadId,
    lead: LeadId,
) -> Result<Fold, StoreError> {
    let found = tx.find(
        "SELECT first_name, last_name, email, phone, country, company, title, said_by, touchpoints, created_at,
             updated_at, interest, interest_by, interest_rule, interest_set, refused_at, refused_by, permitted_at,
             permitted_by, consent_at, consent_by
         FROM member
         WHERE publisher_id = $1 AND root_id = $2 AND lead_id = $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&root.to_string()),
            Param::Text(&lead.to_string()),
        ],
        |row| read_fold(row, 0, lead),
    )?;
    found.ok_or_else(|| wrong(format!("{lead} is part of {root} and is not among its members")))
}

/// What a lead comes to, with those that are part of it.
pub(crate) fn whole(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Option<Fold>, StoreError> {
    tx.find(
        "SELECT first_name, last_name, email, phone, country, company, title, said_by, touchpoints, created_at,
             updated_at, interest, interest_by, interest_rule, interest_set, refused_at, refused_by, permitted_at,
             permitted_by, consent_at, consent_by
         FROM lead
         WHERE publisher_id = $1 AND lead_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| read_fold(row, 0, lead),
    )
}

/// Reads what a lead comes to from twenty-one columns, in the order of [`whole`].
fn read_fold(row: &Row<'_>, first: usize, lead: LeadId) -> Result<Fold, StoreError> {
    let mut values = <[String; leadwire_core::lead::FIELDS]>::default();
    for (value, column) in values.iter_mut().zip(first..) {
        row.text(column)?.clone_into(value);
    }
    Ok(Fold {
        values,
        said_by: fold::said_by(row, first + 7, first, lead)?,
        touchpoints: row.count(first + 8)?,
        created_at: row.time(first + 9)?,
        updated_at: row.time(first + 10)?,
        standing: standing::read(row, first + 11)?,
    })
}

/// Writes what a lead comes to, with those that are part of it.
pub(crate) fn write_whole(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    whole: &Fold,
) -> Result<(), StoreError> {
    let said_by = whole.said_by.write(fold::first_of(lead));
    let mut params: Vec<Param<'_>> = whole.values.iter().map(|it| Param::Text(it)).collect();
    let lead_id = lead.to_string();
    params.extend([
        Param::Text(&said_by),
        Param::Int(whole.touchpoints.into()),
        Param::Int(whole.created_at.millis()),
        Param::Int(whole.updated_at.millis()),
        Param::Text(publisher.as_str()),
        Param::Text(&lead_id),
    ]);
    tx.execute(
        "UPDATE lead SET first_name = $1, last_name = $2, email = $3, phone = $4, country = $5, company = $6,
             title = $7, said_by = $8, touchpoints = $9, created_at = $10, updated_at = $11
         WHERE publisher_id = $12 AND lead_id = $13",
        &params,
    )?;
    standing::write(tx, publisher, lead, &whole.standing)
}

/// Writes what a lead comes to by itself.
pub(crate) fn write_part(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (root, lead): (LeadId, LeadId),
    own: &Fold,
) -> Result<(), StoreError> {
    let (root_id, lead_id) = (root.to_string(), lead.to_string());
    let (columns, said_by) = (Columns::of(&own.standing), own.said_by.write(fold::first_of(lead)));
    let mut params = fold_params(own, &said_by, &columns);
    params.extend([Param::Text(publisher.as_str()), Param::Text(&root_id), Param::Text(&lead_id)]);
    tx.execute(
        "UPDATE member SET first_name = $1, last_name = $2, email = $3, phone = $4, country = $5, company = $6,
             title = $7, said_by = $8, touchpoints = $9, created_at = $10, updated_at = $11, interest = $12,
             interest_by = $13, interest_rule = $14, interest_set = $15, refused_at = $16, refused_by = $17,
             permitted_at = $18, permitted_by = $19, consent_at = $20, consent_by = $21
         WHERE publisher_id = $22 AND root_id = $23 AND lead_id = $24",
        &params,
    )?;
    Ok(())
}

/// Puts a lead among those that are one.
pub(crate) fn add_part(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    root: LeadId,
    member: &Member,
) -> Result<(), StoreError> {
    let (root_id, lead_id) = (root.to_string(), member.id.to_string());
    let parent = member.parent.map_or_else(String::new, |it| it.to_string());
    let act = member.act.map_or_else(String::new, |it| it.to_string());
    let (columns, said_by) =
        (Columns::of(&member.own.standing), member.own.said_by.write(fold::first_of(member.id)));
    let mut params = fold_params(&member.own, &said_by, &columns);
    params.extend([
        Param::Text(publisher.as_str()),
        Param::Text(&root_id),
        Param::Text(&lead_id),
        Param::Text(&parent),
        Param::Text(&act),
        Param::Text(&member.rule),
    ]);
    tx.execute(
        "INSERT INTO member (first_name, last_name, email, phone, country, company, title, said_by, touchpoints,
             created_at, updated_at, interest, interest_by, interest_rule, interest_set, refused_at, refused_by,
             permitted_at, permitted_by, consent_at, consent_by, publisher_id, root_id, lead_id, parent_id, act_id,
             rule)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25, $26, $27)",
        &params,
    )?;
    Ok(())
}

/// Takes all leads that are one with a lead out of the table of members; the caller puts back those that stay.
pub(crate) fn clear_parts(tx: &Tx<'_>, publisher: &PublisherId, root: LeadId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM member WHERE publisher_id = $1 AND root_id = $2",
        &[Param::Text(publisher.as_str()), Param::Text(&root.to_string())],
    )?;
    Ok(())
}

/// Fields, who said them, count, first and last; interest, by, rule, set; refused, permitted, consent.
fn fold_params<'a>(own: &'a Fold, said_by: &'a str, columns: &'a Columns) -> Vec<Param<'a>> {
    let mut params: Vec<Param<'_>> = own.values.iter().map(|it| Param::Text(it)).collect();
    params.extend([
        Param::Text(said_by),
        Param::Int(own.touchpoints.into()),
        Param::Int(own.created_at.millis()),
        Param::Int(own.updated_at.millis()),
    ]);
    let [interest, by, rule, set, _, rest @ ..] = columns.params();
    params.extend([interest, by, rule, set]);
    params.extend(rest);
    params
}

/// What leads come to as one.
pub(crate) fn together(tx: &Tx<'_>, publisher: &PublisherId, members: &[Member]) -> Result<Fold, StoreError> {
    let folds: Vec<Fold> = members.iter().map(|it| it.own.clone()).collect();
    let mut since = Vec::new();
    if let Some(set) = last_set(&folds) {
        for member in members.iter().filter(|it| it.own.standing.lacks(set)) {
            since.extend(shown_since(tx, publisher, member.id, set)?);
        }
    }
    Fold::join(&folds, &since).ok_or_else(|| wrong("no lead is no lead"))
}

/// Forgets what is kept of a lead and of all that are one with it beside their rows, touchpoints and acts: what each comes
/// to by itself, what they have in common with others, and what was suggested of them. For whoever erases a lead; the
/// leads to erase are those that [`members`] gives, and must be asked for before.
///
/// # Errors
/// [`StoreError`].
pub fn forget(tx: &Tx<'_>, publisher: &PublisherId, root: LeadId) -> Result<(), StoreError> {
    for lead in members(tx, publisher, root)? {
        suggestions::forget(tx, publisher, lead)?;
    }
    clear_parts(tx, publisher, root)
}
