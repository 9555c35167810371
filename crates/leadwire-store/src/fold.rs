//! Folding a touchpoint into its lead as it is accepted: finding the lead, renewing it, or making it.

use crate::accept::Accept;
use crate::engine::{Param, Row, Tx};
use crate::standing::{self, Columns};
use crate::{StoreError, members};
use leadwire_core::id::{DestinationNo, LeadId, TouchpointId};
use leadwire_core::lead::{self, FIELDS, SaidBy, Word};
use leadwire_core::standing::{Said, Standing};
use leadwire_core::touchpoint::Customer;

/// What a touchpoint did to its lead.
pub(crate) struct Folded {
    /// The lead its identity says, which stays its own when leads are merged.
    pub(crate) home: LeadId,
    /// The lead that stands for it, by which destinations know it.
    pub(crate) lead: LeadId,
    /// All leads that are one with it; none when it stands alone.
    pub(crate) members: Vec<LeadId>,
    /// Whether the lead was there before.
    pub(crate) is_known: bool,
    /// Whether this touchpoint asks that its customer be not contacted.
    pub(crate) refuses: bool,
    /// How the lead stands now.
    pub(crate) standing: Standing,
    /// Who must hear of this touchpoint, whatever the routes say.
    pub(crate) told: Vec<DestinationNo>,
}

/// A lead that is there, as far as a touchpoint needs it.
struct Known {
    id: LeadId,
    /// The lead it is part of.
    merged_into: Option<LeadId>,
    /// Whether other leads are part of it.
    has_members: bool,
    said_by: SaidBy,
    standing: Standing,
}

/// Finds the customer's lead and renews its fields and how it stands, or makes it. None: the lead that was named is not
/// there.
pub(crate) fn into_lead(tx: &Tx<'_>, item: &Accept) -> Result<Option<Folded>, StoreError> {
    let said =
        leadwire_core::standing::said(&item.parsed, item.touchpoint, item.received_at, item.shown.clone());
    let Some(known) = find(tx, item)? else {
        return if item.of_lead.is_some() { Ok(None) } else { make(tx, item, &said).map(Some) };
    };
    match (known.merged_into, known.has_members) {
        (None, false) => renew(tx, item, known, &said).map(Some),
        // What a person says of a lead that was merged is said of the one it is part of.
        (Some(root), _) if item.of_lead.is_some() => renew_merged(tx, item, (root, root), &said).map(Some),
        (Some(root), _) => renew_merged(tx, item, (known.id, root), &said).map(Some),
        (None, true) => renew_merged(tx, item, (known.id, known.id), &said).map(Some),
    }
}

/// Who acted, unless a person says something of a lead: that repeats what is known, and is no word of the customer.
fn customer(item: &Accept) -> Option<&Customer> {
    item.of_lead.is_none().then_some(&item.parsed.customer)
}

/// The lead that a touchpoint is known to belong to: its own, and the one that stands for it.
pub(crate) fn known_lead(tx: &Tx<'_>, item: &Accept) -> Result<Option<(LeadId, LeadId)>, StoreError> {
    Ok(find(tx, item)?.map(|it| (it.id, it.merged_into.unwrap_or(it.id))))
}

fn find(tx: &Tx<'_>, item: &Accept) -> Result<Option<Known>, StoreError> {
    let publisher = Param::Text(item.publisher.as_str());
    if item.of_lead.is_some() {
        // Its lead may be one that was asked for ahead by another's identity.
        tx.forget_ahead();
    }
    match (&item.of_lead, &item.identity) {
        (Some(lead), _) => tx.find(
            "SELECT lead_id, merged_into, members, said_by, first_name, last_name, email, phone, country, company,
                 title, interest, interest_by, interest_rule, interest_set, refused_at, refused_by, permitted_at,
                 permitted_by, consent_at, consent_by
             FROM lead
             WHERE publisher_id = $1 AND lead_id = $2 AND erased_at = 0",
            &[publisher, Param::Text(&lead.to_string())],
            read_known,
        ),
        (None, Some(identity)) => tx.find(
            "SELECT lead_id, merged_into, members, said_by, first_name, last_name, email, phone, country, company,
                 title, interest, interest_by, interest_rule, interest_set, refused_at, refused_by, permitted_at,
                 permitted_by, consent_at, consent_by
             FROM lead
             WHERE publisher_id = $1 AND identity = $2 AND identity <> x''",
            &[publisher, Param::Bytes(identity)],
            read_known,
        ),
        (None, None) => Ok(None),
    }
}

fn read_known(row: &Row<'_>) -> Result<Known, StoreError> {
    let id = row.lead(0)?;
    Ok(Known {
        id,
        merged_into: match row.text(1)? {
            "" => None,
            _ => Some(row.lead(1)?),
        },
        has_members: row.int(2)? != 0,
        said_by: said_by(row, 3, 4, id)?,
        standing: standing::read(row, 11)?,
    })
}

/// Reads who said what from its column, beside the columns of the fields.
pub(crate) fn said_by(row: &Row<'_>, at: usize, fields: usize, lead: LeadId) -> Result<SaidBy, StoreError> {
    let mut is_there = [false; FIELDS];
    for (column, is_there) in (fields..).zip(&mut is_there) {
        *is_there = !row.text(column)?.is_empty();
    }
    SaidBy::read(row.text(at)?, first_of(lead), is_there).map_err(|it| StoreError::Wrong(it.to_string()))
}

/// The touchpoint a lead began with: it gave the lead its bits.
pub(crate) fn first_of(lead: LeadId) -> TouchpointId {
    TouchpointId::new(lead.bits())
}

/// Takes a touchpoint into a lead that stands alone. The newest word of each field counts, in whatever order touchpoints
/// are stored; a lead that stands as before is not written so.
fn renew(tx: &Tx<'_>, item: &Accept, mut known: Known, said: &Said) -> Result<Folded, StoreError> {
    let nothing = Customer::default();
    let taken = known.said_by.take(item.touchpoint, customer(item).unwrap_or(&nothing));
    let [first_name, last_name, email, phone, country, company, title] = taken.map(Param::Text);
    tx.put_off(
        "UPDATE lead SET
             first_name = CASE WHEN $1 = '' THEN first_name ELSE $1 END,
             last_name = CASE WHEN $2 = '' THEN last_name ELSE $2 END,
             email = CASE WHEN $3 = '' THEN email ELSE $3 END,
             phone = CASE WHEN $4 = '' THEN phone ELSE $4 END,
             country = CASE WHEN $5 = '' THEN country ELSE $5 END,
             company = CASE WHEN $6 = '' THEN company ELSE $6 END,
             title = CASE WHEN $7 = '' THEN title ELSE $7 END,
             said_by = $8,
             touchpoints = touchpoints + 1,
             created_at = CASE WHEN created_at > $9 THEN $9 ELSE created_at END,
             updated_at = CASE WHEN updated_at < $9 THEN $9 ELSE updated_at END
         WHERE publisher_id = $10 AND lead_id = $11",
        &[
            first_name,
            last_name,
            email,
            phone,
            country,
            company,
            title,
            Param::Text(&known.said_by.write(first_of(known.id))),
            Param::Int(item.received_at.millis()),
            Param::Text(item.publisher.as_str()),
            Param::Text(&known.id.to_string()),
        ],
    )?;
    let before = known.standing.clone();
    known.standing.fold(said);
    if known.standing != before {
        standing::write_later(tx, &item.publisher, known.id, &known.standing)?;
    }
    let (refuses, told) = standing::follow(tx, item, (&[known.id], &known.standing), said)?;
    Ok(Folded {
        home: known.id,
        lead: known.id,
        members: Vec::new(),
        is_known: true,
        refuses,
        standing: known.standing,
        told,
    })
}

/// Takes a touchpoint into a lead that is one with others: into its own part, and into the lead that stands for all.
fn renew_merged(
    tx: &Tx<'_>,
    item: &Accept,
    (home, root): (LeadId, LeadId),
    said: &Said,
) -> Result<Folded, StoreError> {
    let word = Word { received_at: item.received_at, customer: customer(item), said: said.clone() };
    let mut own = members::own_part(tx, &item.publisher, root, home)?;
    own.take(&word);
    members::write_part(tx, &item.publisher, (root, home), &own)?;
    let mut whole = members::whole(tx, &item.publisher, root)?
        .ok_or_else(|| StoreError::Wrong(format!("{root} has members and is not there")))?;
    whole.take(&word);
    members::write_whole(tx, &item.publisher, root, &whole)?;
    let all = members::members(tx, &item.publisher, root)?;
    let (refuses, told) = standing::follow(tx, item, (&all, &whole.standing), said)?;
    let standing = whole.standing;
    Ok(Folded { home, lead: root, members: all, is_known: true, refuses, standing, told })
}

fn make(tx: &Tx<'_>, item: &Accept, said: &Said) -> Result<Folded, StoreError> {
    let publisher = Param::Text(item.publisher.as_str());
    let now = Param::Int(item.received_at.millis());
    let [first_name, last_name, email, phone, country, company, title] =
        lead::values(&item.parsed.customer).map(Param::Text);
    // A new lead takes the bits of its first touchpoint: unique, and sorted by when the customer first came.
    let lead = LeadId::new(item.touchpoint.bits());
    let mut stands = Standing::default();
    stands.fold(said);
    let columns = Columns::of(&stands);
    let [
        interest,
        by,
        rule,
        _,
        do_not_contact,
        refused_at,
        refused_by,
        permitted_at,
        permitted_by,
        consent_at,
        consent_by,
    ] = columns.params();
    tx.put_off(
        "INSERT INTO lead (publisher_id, lead_id, identity, test, first_name, last_name, email, phone, country,
             company, title, touchpoints, created_at, updated_at, interest, interest_by, interest_rule,
             do_not_contact, refused_at, refused_by, permitted_at, permitted_by, consent_at, consent_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22)",
        &[
            publisher,
            Param::Text(&lead.to_string()),
            Param::Bytes(item.identity.as_ref().map_or(&[], <[u8; 16]>::as_slice)),
            Param::Int(item.parsed.is_trial().into()),
            first_name,
            last_name,
            email,
            phone,
            country,
            company,
            title,
            now,
            interest,
            by,
            rule,
            do_not_contact,
            refused_at,
            refused_by,
            permitted_at,
            permitted_by,
            consent_at,
            consent_by,
        ],
    )?;
    let refuses = said.refused.is_some();
    let (members, told) = (Vec::new(), Vec::new());
    Ok(Folded { home: lead, lead, members, is_known: false, refuses, standing: stands, told })
}
