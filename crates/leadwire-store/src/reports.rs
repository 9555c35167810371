//! What reports are made of, read in pages: touchpoints in their order, where they are, and what became of their leads.

use crate::engine::Param;
use crate::feedback::{feedback_id, kind};
use crate::leads::{StoredTouchpoint, read_touchpoint};
use crate::rows::DeliveryState;
use crate::standing::DO_NOT_CONTACT;
use crate::{Store, StoreError};
use leadwire_core::feedback::{Fate, Word};
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::report::Place;
use std::collections::HashMap;

/// Which touchpoints to read.
#[derive(Clone, Debug)]
pub struct ReportRange {
    /// Whose.
    pub publisher: PublisherId,
    /// Those after this one.
    pub after: TouchpointId,
    /// The last one, at most.
    pub last: TouchpointId,
    /// With their bytes, which are most of what is read; else without.
    pub bodies: Bodies,
    /// At most so many.
    pub limit: usize,
}

/// Whether bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// They are.
    Read,
    /// They are not.
    Left,
}

/// A page of what a report is made of. All of it is of one moment.
#[derive(Clone, Debug, Default)]
pub struct ReportPage {
    /// The touchpoints, oldest first; without bytes unless they were asked for.
    pub touchpoints: Vec<StoredTouchpoint>,
    /// Where each is.
    pub places: HashMap<TouchpointId, Vec<(DestinationNo, Place)>>,
    /// Leads that began in the page and of which any touchpoint, also a later one, arrived, with where.
    pub delivered: HashMap<LeadId, Vec<DestinationNo>>,
    /// What became of leads that began in the page.
    pub fates: HashMap<LeadId, Fate>,
}

impl Store {
    /// The next page for a report. A lead has the bits of its first touchpoint, so that what became of the leads that
    /// began in the page lies in one stretch as well. Costs what the page holds, and the touchpoints of its leads.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn report_page(&self, range: ReportRange) -> Result<ReportPage, StoreError> {
        self.read_of(&range.publisher.clone(), move |tx| {
            let (publisher, after) = (Param::Text(range.publisher.as_str()), range.after.to_string());
            let sql = match range.bodies {
                Bodies::Read => WITH_BODIES,
                Bodies::Left => WITHOUT_BODIES,
            };
            let limit = Param::Int(i64::try_from(range.limit).unwrap_or(i64::MAX));
            let last = range.last.to_string();
            let params = [publisher, Param::Text(&after), Param::Text(&last), limit];
            let touchpoints = tx.query(sql, &params, read_touchpoint)?;
            let Some(last) = touchpoints.last().map(|it| it.id) else { return Ok(ReportPage::default()) };
            let mut places: HashMap<_, Vec<_>> = HashMap::new();
            for (touchpoint, destination, place) in tx.query(
                "SELECT touchpoint_id, destination_no, state, cause, ended_at
                 FROM delivery
                 WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3 AND follow_up_id = ''",
                &[publisher, Param::Text(&after), Param::Text(&last.to_string())],
                |row| {
                    let place = match row.delivery_state(2)? {
                        DeliveryState::Delivered => Place::Delivered(row.time(4)?),
                        DeliveryState::Pending => Place::Waiting,
                        DeliveryState::Parked => Place::Parked,
                        DeliveryState::Suppressed if row.text(3)? == DO_NOT_CONTACT => Place::HeldBack,
                        DeliveryState::Suppressed => Place::Suppressed,
                        DeliveryState::Erased => Place::Erased,
                    };
                    Ok((row.touchpoint(0)?, row.destination(1)?, place))
                },
            )? {
                places.entry(touchpoint).or_default().push((destination, place));
            }
            let (from, to) =
                (LeadId::new(range.after.bits()).to_string(), LeadId::new(last.bits()).to_string());
            let stretch = [publisher, Param::Text(&from), Param::Text(&to)];
            let mut delivered: HashMap<_, Vec<_>> = HashMap::new();
            for (lead, destination) in tx.query(
                "SELECT DISTINCT t.lead_id, d.destination_no
                 FROM touchpoint t
                 CROSS JOIN delivery d
                 WHERE t.publisher_id = $1 AND t.lead_id > $2 AND t.lead_id <= $3
                     AND d.publisher_id = t.publisher_id AND d.touchpoint_id = t.touchpoint_id
                     AND d.state = 'delivered' AND d.follow_up_id = ''",
                &stretch,
                |row| Ok((row.lead(0)?, row.destination(1)?)),
            )? {
                delivered.entry(lead).or_default().push(destination);
            }
            let mut fates: HashMap<LeadId, Fate> = HashMap::new();
            for (lead, word) in tx.query(
                "SELECT lead_id, feedback_id, at, kind
                 FROM feedback
                 WHERE publisher_id = $1 AND lead_id > $2 AND lead_id <= $3",
                &stretch,
                |row| {
                    let word = Word { id: feedback_id(row, 1)?, at: row.time(2)?, kind: kind(row, 3)? };
                    Ok((row.lead(0)?, word))
                },
            )? {
                fates.entry(lead).or_default().fold(word);
            }
            Ok(ReportPage { touchpoints, places, delivered, fates })
        })
        .await
    }
}

const WITH_BODIES: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, body, interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
     ORDER BY touchpoint_id
     LIMIT $4";
const WITHOUT_BODIES: &str =
    "SELECT touchpoint_id, lead_id, received_at, channel, offer_id, source, action, test, routed, x'', interest,
         interest_rule, routing_trouble
     FROM touchpoint
     WHERE publisher_id = $1 AND touchpoint_id > $2 AND touchpoint_id <= $3
     ORDER BY touchpoint_id
     LIMIT $4";
