//! Reading leads and their touchpoints.

use crate::engine::{Param, Row, Tx};
use crate::rows::Channel;
use crate::{Store, StoreError, members, standing};
use leadwire_core::id::{ActId, LeadId, OfferId, PublisherId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::standing::{Shown, Standing};
use leadwire_core::time::Timestamp;

/// One customer of a publisher.
#[derive(Clone, Debug)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// Whether it is a test of the connection.
    pub test: bool,
    /// Given name, empty when never said; likewise the next six.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// Country, as written.
    pub country: String,
    /// Organisation.
    pub company: String,
    /// Job title.
    pub title: String,
    /// How many touchpoints were folded into it.
    pub touchpoints: u32,
    /// When the customer first came.
    pub created_at: Timestamp,
    /// When the customer last came.
    pub updated_at: Timestamp,
    /// How it stands.
    pub standing: Standing,
    /// How many other leads are part of it.
    pub members: u32,
}

/// A touchpoint as it is kept.
#[derive(Clone, Debug)]
pub struct StoredTouchpoint {
    /// Its id.
    pub id: TouchpointId,
    /// The lead it folded into, which may be part of another one by now.
    pub lead: LeadId,
    /// When it came.
    pub received_at: Timestamp,
    /// How it came.
    pub channel: Channel,
    /// Its offer.
    pub offer: Option<OfferId>,
    /// Where the customer acted.
    pub source: String,
    /// What the customer did.
    pub action: String,
    /// Whether it is a test.
    pub test: bool,
    /// Whether any route took it.
    pub routed: bool,
    /// Its bytes as received.
    pub body: Vec<u8>,
    /// What it showed of the customer's interest.
    pub shown: Option<Shown>,
    /// Which filters could not be told of it when it came, and why; empty when all could.
    pub routing_trouble: String,
}

/// What a person decided about a lead.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its id, which says where it comes among the touchpoints.
    pub id: ActId,
    /// When.
    pub at: Timestamp,
    /// About what: `interest`, `merge` or `unmerge`.
    pub kind: String,
    /// What it was set to, or which lead went into or out of which.
    pub value: String,
    /// What spoke for it: `person`, or what two leads were suggested for; empty where there is no such thing.
    pub rule: String,
    /// Why, in somebody's words.
    pub reason: String,
    /// Who: the key that was shown, and the name that was given.
    pub who: String,
}

/// Which leads to list.
#[derive(Clone, Debug)]
pub struct LeadFilter {
    /// Whose.
    pub publisher: PublisherId,
    /// Only those older than this one: the last of the page before.
    pub before: Option<LeadId>,
    /// Only those with this e-mail address, as it was written.
    pub email: Option<String>,
    /// At most so many.
    pub limit: usize,
}

const LEAD: &str =
    "SELECT lead_id, test, first_name, last_name, email, phone, country, company, title, touchpoints,
         created_at, updated_at, interest, interest_by, interest_rule, interest_set, refused_at, refused_by,
         permitted_at, permitted_by, consent_at, consent_by, members
     FROM lead
     WHERE publisher_id = $1 AND lead_id < $2 AND merged_into = '' AND erased_at = 0
         AND ($3 = '' OR email = $3 OR lead_id IN (
             SELECT m.root_id FROM member m WHERE m.publisher_id = $1 AND m.email = $3))
     ORDER BY lead_id DESC
     LIMIT $4";

impl Store {
    /// Lists leads, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leads(&self, filter: LeadFilter) -> Result<Vec<Lead>, StoreError> {
        self.read_of(&filter.publisher.clone(), move |tx| {
            let before = filter.before.map_or("lead_~".to_owned(), |it| it.to_string());
            tx.query(
                LEAD,
                &[
                    Param::Text(filter.publisher.as_str()),
                    Param::Text(&before),
                    Param::Text(filter.email.as_deref().unwrap_or("")),
                    Param::Int(i64::try_from(filter.limit).unwrap_or(i64::MAX)),
                ],
                read_lead,
            )
        })
        .await
    }

    /// A lead with its touchpoints, oldest first, up to `limit` of the newest, and with those of leads that are part of it.
    /// For a lead that is part of another one it is that one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lead(
        &self,
        publisher: PublisherId,
        id: LeadId,
        limit: usize,
    ) -> Result<Option<(Lead, Vec<StoredTouchpoint>)>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let Some(root) = members::root(tx, &publisher, id)? else { return Ok(None) };
            let lead = tx.find(
                "SELECT lead_id, test, first_name, last_name, email, phone, country, company, title, touchpoints,
                     created_at, updated_at, interest, interest_by, interest_rule, interest_set, refused_at,
                     refused_by, permitted_at, permitted_by, consent_at, consent_by, members
                 FROM lead
                 WHERE publisher_id = $1 AND lead_id = $2",
                &[Param::Text(publisher.as_str()), Param::Text(&root.to_string())],
                read_lead,
            )?;
            let Some(lead) = lead else { return Ok(None) };
            let mut touchpoints = Vec::new();
            for home in members::members(tx, &publisher, root)? {
                touchpoints.extend(newest(tx, &publisher, home, limit)?);
            }
            touchpoints.sort_unstable_by_key(|it| std::cmp::Reverse(it.id));
            touchpoints.truncate(limit);
            touchpoints.reverse();
            Ok(Some((lead, touchpoints)))
        })
        .await
    }

    /// Touchpoints by id; those that are not there are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touchpoints(
        &self,
        publisher: PublisherId,
        ids: Vec<TouchpointId>,
    ) -> Result<Vec<StoredTouchpoint>, StoreError> {
        self.read_of(&publisher.clone(), move |tx| {
            let ids: Vec<String> = ids.iter().map(TouchpointId::to_string).collect();
            let rows: Vec<Vec<Param<'_>>> =
                ids.iter().map(|it| vec![Param::Text(publisher.as_str()), Param::Text(it)]).collect();
            let found = tx.query_each(TOUCHPOINT, &rows, read_touchpoint)?;
            Ok(found.into_iter().map(|it| it.1).collect())
        })
        .await
    }
}

/// The newest touchpoints of a lead's own, newest first.
fn newest(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    lead: LeadId,
    limit: usize,
) -> Result<Vec<StoredTouchpoint>, StoreError> {
    tx.query(
        "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body,
             interest, interest_rule, routing_trouble
         FROM touchpoint
         WHERE publisher_id = $1 AND lead_id = $2
         ORDER BY touchpoint_id DESC
         LIMIT $3",
        &[
            Param::Text(publisher.as_str()),
            Param::Text(&lead.to_string()),
            Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ],
        read_touchpoint,
    )
}

pub(crate) fn find_touchpoint(
    tx: &Tx<'_>,
    publisher: &PublisherId,
    id: TouchpointId,
) -> Result<Option<StoredTouchpoint>, StoreError> {
    tx.find(TOUCHPOINT, &[Param::Text(publisher.as_str()), Param::Text(&id.to_string())], read_touchpoint)
}

const TOUCHPOINT: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body,
         interest, interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND touchpoint_id = $2";

pub(crate) fn read_lead(row: &Row<'_>) -> Result<Lead, StoreError> {
    Ok(Lead {
        id: row.lead(0)?,
        test: row.int(1)? != 0,
        first_name: row.text(2)?.to_owned(),
        last_name: row.text(3)?.to_owned(),
        email: row.text(4)?.to_owned(),
        phone: row.text(5)?.to_owned(),
        country: row.text(6)?.to_owned(),
        company: row.text(7)?.to_owned(),
        title: row.text(8)?.to_owned(),
        touchpoints: row.count(9)?,
        created_at: row.time(10)?,
        updated_at: row.time(11)?,
        standing: standing::read(row, 12)?,
        members: row.count(22)?,
    })
}

pub(crate) fn read_touchpoint(row: &Row<'_>) -> Result<StoredTouchpoint, StoreError> {
    Ok(StoredTouchpoint {
        id: row.touchpoint(0)?,
        lead: row.lead(1)?,
        received_at: row.time(2)?,
        channel: Channel::parse(row.text(3)?)?,
        offer: row.offer_or_none(4)?,
        source: row.text(5)?.to_owned(),
        action: row.text(6)?.to_owned(),
        test: row.int(7)? != 0,
        routed: row.int(8)? != 0,
        body: row.bytes(9)?.to_owned(),
        shown: shown(row, 10)?,
        routing_trouble: row.text(12)?.to_owned(),
    })
}

pub(crate) fn shown(row: &Row<'_>, first: usize) -> Result<Option<Shown>, StoreError> {
    let interest = Interest::from_number(row.int(first)?);
    let rule = row.text(first + 1)?.into();
    Ok(interest.map(|interest| Shown { interest, rule }))
}
