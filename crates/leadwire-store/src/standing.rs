//! How a lead stands, in the store: its columns, renewing them with each touchpoint, and what a refusal changes.

use crate::StoreError;
use crate::accept::Accept;
use crate::engine::{Param, Row, Tx};
use crate::fold::Folded;
use crate::lanes::LaneKey;
use leadwire_core::id::{ActId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::routing::Routed;
use leadwire_core::standing::{self, InterestBy, Mark, Past, Said, Standing};
use leadwire_core::time::Timestamp;
use std::borrow::Cow;

impl Folded {
    /// A routing decision as it is for a lead that stands so. A destination that wants to hear nothing of customers who
    /// must not be contacted gets the wish itself, and what a person says of the lead, when it may know the lead, and nothing
    /// else.
    pub(crate) fn held(&self, item: &Accept, routed: &Routed) -> Routed {
        let holds = item.holding.contains(&routed.destination);
        let is_told = self.told.contains(&routed.destination);
        let suppressed = match routed.suppressed {
            Some(DO_NOT_CONTACT) | None => {
                let must_hold = self.standing.is_refused() && holds || routed.suppressed.is_some();
                (must_hold && !((self.refuses || item.of_lead.is_some()) && is_told))
                    .then_some(DO_NOT_CONTACT)
            }
            other => other,
        };
        Routed { suppressed, ..*routed }
    }
}

/// Why a delivery must not be sent.
pub(crate) const DO_NOT_CONTACT: &str = "do_not_contact";

/// A routing decision with the destinations that must hear of it, whatever the routes say.
pub(crate) fn with_told<'a>(
    item: &'a Accept,
    told: &[DestinationNo],
    lanes: &mut Vec<LaneKey>,
) -> Cow<'a, [Routed]> {
    let mut routed = Cow::Borrowed(&item.routed[..]);
    for destination in told {
        if !item.routed.iter().any(|it| it.destination == *destination) {
            routed.to_mut().push(Routed { destination: *destination, suppressed: None });
        }
        lanes.push(LaneKey { publisher: item.publisher.clone(), destination: *destination });
    }
    routed
}

/// Reads how a lead stands from ten columns, in the order of [`write`], but for `do_not_contact`.
pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Standing, StoreError> {
    let interest = Interest::from_number(row.int(first)?);
    let by = match row.text(first + 1)? {
        "" => InterestBy::Person,
        _ => InterestBy::Touchpoint { id: row.touchpoint(first + 1)?, rule: row.text(first + 2)?.into() },
    };
    let act = match row.text(first + 3)? {
        "" => None,
        text => Some(ActId::parse(text).map_err(|it| StoreError::Wrong(it.to_string()))?),
    };
    let mark = |at: usize| match row.text(at + 1)? {
        "" => Ok::<_, StoreError>(None),
        _ => Ok(Some(Mark { at: row.time(at)?, by: row.touchpoint(at + 1)? })),
    };
    Ok(Standing {
        interest: interest.map(|it| (it, by)),
        interest_set: act,
        refused: mark(first + 4)?,
        permitted: mark(first + 6)?,
        consent: mark(first + 8)?,
    })
}

/// How a lead stands, as it is written.
pub(crate) struct Columns {
    interest: i64,
    by: String,
    rule: String,
    set: String,
    do_not_contact: i64,
    marks: [(i64, String); 3],
}

impl Columns {
    pub(crate) fn of(it: &Standing) -> Self {
        let (by, rule) = match &it.interest {
            Some((_, InterestBy::Touchpoint { id, rule })) => (id.to_string(), rule.to_string()),
            Some((_, InterestBy::Person)) | None => Default::default(),
        };
        let mark =
            |it: Option<Mark>| it.map_or_else(Default::default, |it| (it.at.millis(), it.by.to_string()));
        Self {
            interest: Interest::number(it.interest.as_ref().map(|it| it.0)),
            by,
            rule,
            set: it.interest_set.map_or_else(String::new, |it| it.to_string()),
            do_not_contact: it.is_refused().into(),
            marks: [mark(it.refused), mark(it.permitted), mark(it.consent)],
        }
    }

    /// Interest, by, rule, set; do not contact; refused, permitted, consent: moment and touchpoint each.
    pub(crate) fn params(&self) -> [Param<'_>; 11] {
        let [refused, permitted, consent] = &self.marks;
        [
            Param::Int(self.interest),
            Param::Text(&self.by),
            Param::Text(&self.rule),
            Param::Text(&self.set),
            Param::Int(self.do_not_contact),
            Param::Int(refused.0),
            Param::Text(&refused.1),
            Param::Int(permitted.0),
            Param::Text(&permitted.1),
            Param::Int(consent.0),
            Param::Text(&consent.1),
        ]
    }
}

/// Writes how a lead stands.
pub(crate) fn write(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    standing: &Standing,
) -> Result<(), StoreError> {
    write_later(tx, publisher, lead, standing)?;
    tx.catch_up()
}

/// As [`write`], together with others of one commit: nobody may have written of this lead since it was last looked at.
pub(crate) fn write_later(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    standing: &Standing,
) -> Result<(), StoreError> {
    let (columns, lead) = (Columns::of(standing), lead.to_string());
    let mut params = columns.params().to_vec();
    params.extend([Param::Text(publisher.as_str()), Param::Text(&lead)]);
    tx.put_off(
        "UPDATE lead SET interest = $1, interest_by = $2, interest_rule = $3, interest_set = $4,
             do_not_contact = $5, refused_at = $6, refused_by = $7, permitted_at = $8, permitted_by = $9,
             consent_at = $10, consent_by = $11
         WHERE publisher_id = $12 AND lead_id = $13",
        &params,
    )
}

/// What follows of a touchpoint that was taken into a lead: a wish not to be contacted holds what waits. That wish, and
/// whatever a person says of a lead, is told to all who may know the lead. Gives whether it refuses, and who is told.
pub(crate) fn follow(
    tx: &Tx<'_>,
    item: &Accept,
    (members, standing): (&[LeadId], &Standing),
    said: &Said,
) -> Result<(bool, Vec<DestinationNo>), StoreError> {
    // A wish that was lifted before it came says nothing new.
    let refuses = said.refused.is_some() && standing.is_refused();
    if !refuses && item.of_lead.is_none() {
        return Ok((false, Vec::new()));
    }
    let refusal = standing::refuse(&past(tx, &item.publisher, members)?, &item.holding);
    for held in refusal.held.iter().filter(|_| refuses) {
        hold(tx, &item.publisher, *held, item.received_at)?;
    }
    Ok((refuses, refusal.told))
}

/// What a lead's deliveries to destinations that are still there came to. Its cost grows with the touchpoints of the
/// lead, and it is read only when a customer asks not to be contacted.
pub(crate) fn past(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    members: &[LeadId],
) -> Result<Vec<Past>, StoreError> {
    let mut past = Vec::new();
    for lead in members {
        past.extend(past_of(tx, publisher, *lead)?);
    }
    Ok(past)
}

fn past_of(tx: &Tx<'_>, publisher: &PublisherId, lead: LeadId) -> Result<Vec<Past>, StoreError> {
    tx.query(
        "WITH acts AS MATERIALIZED (
             SELECT touchpoint_id FROM touchpoint WHERE publisher_id = $1 AND lead_id = $2)
         SELECT d.touchpoint_id, d.destination_no, d.state, d.claim,
             CASE WHEN EXISTS (
                 SELECT 1 FROM attempt a
                 WHERE a.publisher_id = d.publisher_id AND a.touchpoint_id = d.touchpoint_id
                     AND a.destination_no = d.destination_no AND a.outcome IN ('done', 'unknown', 'interrupted'))
             THEN 1 ELSE 0 END, d.follow_up_id
         FROM acts
         CROSS JOIN delivery d
         WHERE d.publisher_id = $1 AND d.touchpoint_id = acts.touchpoint_id AND EXISTS (
             SELECT 1 FROM destination o
             WHERE o.publisher_id = d.publisher_id AND o.destination_no = d.destination_no AND o.removed_at = 0)",
        &[Param::Text(publisher.as_str()), Param::Text(&lead.to_string())],
        |row| {
            let (state, claim) = (row.text(2)?, row.int(3)?);
            Ok(Past {
                touchpoint: row.touchpoint(0)?,
                destination: row.destination(1)?,
                may_be_there: state == "delivered" || (state == "pending" && claim > 0) || row.int(4)? != 0,
                is_waiting: state == "parked" || (state == "pending" && claim <= 0),
                is_follow_up: !row.text(5)?.is_empty(),
            })
        },
    )
}

/// Suppresses a delivery that waits.
pub(crate) fn hold(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    (touchpoint, destination): (TouchpointId, DestinationNo),
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE delivery SET state = 'suppressed', claim = 0, cause = $1, message = $2, fix = $3, ended_at = $4
         WHERE publisher_id = $5 AND touchpoint_id = $6 AND destination_no = $7",
        &[
            Param::Text(DO_NOT_CONTACT),
            Param::Text("the customer asked not to be contacted, and this destination holds such leads back"),
            Param::Text("nothing is to be done; if the customer permits contact again, retry it"),
            Param::Int(now.millis()),
            Param::Text(publisher.as_str()),
            Param::Text(&touchpoint.to_string()),
            Param::Int(destination.get().into()),
        ],
    )?;
    Ok(())
}
