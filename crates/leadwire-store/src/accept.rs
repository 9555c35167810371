//! Accepting: touchpoint, lead, idempotency key and deliveries in one transaction.

use crate::engine::{Param, Tx};
use crate::fold::{self, Folded};
use crate::follow_ups::{self, Reached};
use crate::lanes::{Claim, LaneKey, LaneToken};
use crate::news::News;
use crate::postgres::scope::Scope;
use crate::rows::Channel;
use crate::{Store, StoreError, erasures, foresight, idempotency, lanes, quarantine, setup, standing};
use bytes::Bytes;
use leadwire_core::erasure::Question;
use leadwire_core::id::{DestinationNo, LeadId, PublisherId, QuarantineId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::limits;
use leadwire_core::routing::Routed;
use leadwire_core::standing::Shown;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A touchpoint on its way into the store.
#[derive(Clone, Debug)]
pub struct Accept {
    /// Whose it is.
    pub publisher: PublisherId,
    /// Its id, minted by the caller; not used when it turns out to be a duplicate.
    pub touchpoint: TouchpointId,
    /// When it came.
    pub received_at: Timestamp,
    /// How it came.
    pub channel: Channel,
    /// Its bytes as received, kept verbatim.
    pub body: Bytes,
    /// Their hash.
    pub body_sha256: [u8; 32],
    /// The same, parsed.
    pub parsed: Arc<Touchpoint>,
    /// Which lead it belongs to; none: to a lead of its own.
    pub identity: Option<[u8; 16]>,
    /// The lead it belongs to whatever its identity says: what a person says of a lead, as a touchpoint.
    pub of_lead: Option<LeadId>,
    /// What to ask the tombstones of it; empty while the publisher has none.
    pub questions: Vec<Question>,
    /// What it shows of the customer's interest, under the set-up the caller saw.
    pub shown: Option<Shown>,
    /// How a repetition of it is recognised, when it can be.
    pub once: Option<Once>,
    /// The body in quarantine that it was, which waits no more once this is stored.
    pub quarantined: Option<QuarantineId>,
    /// Where it goes, decided under the set-up the caller saw.
    pub routed: Vec<Routed>,
    /// The publisher's destinations that want to hear nothing of customers who must not be contacted.
    pub holding: Arc<[DestinationNo]>,
    /// Which filters could not be told of it, and why; empty when all could.
    pub routing_trouble: String,
    /// Which step of interest it shows, when the publisher has follow-ups and this may bring some about.
    pub reached: Option<Reached>,
    /// Lanes of this process that have room to try it at once. Its delivery there is claimed as it is stored, if the
    /// lease still holds, the lane is open, and no earlier delivery of the lead is owed.
    pub offered: Vec<(DestinationNo, LaneToken)>,
    /// Destinations it goes to whose lanes are other nodes': they are told of it.
    pub elsewhere: Vec<DestinationNo>,
}

/// What a commit of touchpoints came to.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// What became of each touchpoint, in their order.
    pub accepted: Vec<Accepted>,
    /// Deliveries that were claimed as they were stored, each with the place of its touchpoint in that order.
    pub claimed: Vec<(usize, DestinationNo, Claim)>,
    /// Leads whose customers must not be contacted any more, with whose they are.
    pub refused: Vec<(PublisherId, LeadId)>,
    /// Lanes that were given work beyond what was routed there.
    pub told: Vec<LaneKey>,
}

/// How a repetition is recognised.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// Hash of the key, with what it is a key of.
    pub key: [u8; 16],
    /// Hash of the body.
    pub body: [u8; 16],
    /// How long the key is remembered.
    pub kept: Duration,
}

/// What became of one touchpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored.
    Stored {
        /// The lead it belongs to.
        lead: LeadId,
    },
    /// It was stored before, under this id.
    Duplicate {
        /// The id it was stored under.
        touchpoint: TouchpointId,
        /// The lead it belongs to.
        lead: LeadId,
    },
    /// Its key was used before with another body. Nothing was stored.
    KeyReused {
        /// What the key was used for.
        touchpoint: TouchpointId,
    },
    /// The lead it was said to belong to is not there. Nothing was stored.
    NoLead,
    /// It is old data of somebody who was erased. It is counted, without its body, and owed to nobody.
    KeptOut {
        /// The lead that was erased.
        lead: LeadId,
    },
}

impl Accepted {
    /// The touchpoint that stands for an item.
    fn became(&self, item: &Accept) -> Option<TouchpointId> {
        match *self {
            Self::Stored { .. } | Self::KeptOut { .. } => Some(item.touchpoint),
            Self::Duplicate { touchpoint, .. } | Self::KeyReused { touchpoint } => Some(touchpoint),
            Self::NoLead => None,
        }
    }
}

impl Store {
    /// Accepts touchpoints, all or none, and answers in their order once they are on disk.
    ///
    /// None: the set-up changed since `setup_version`, nothing was stored, and the caller routes anew.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored unless it is [`StoreError::Failed`], after which a repetition under
    /// the same key is recognised.
    pub async fn accept(
        &self,
        setup_version: i64,
        items: Arc<[Accept]>,
    ) -> Result<Option<Vec<Accepted>>, StoreError> {
        Ok(self.accept_then(setup_version, items, |_| {}).await?.map(|it| it.accepted))
    }

    /// As [`Store::accept`]. `after` runs once the touchpoints are on disk, whether or not the caller still waits:
    /// a sender that hangs up must not leave work lying that no lane knows of. It runs on the writer's thread, so
    /// it must be short.
    ///
    /// # Errors
    /// As [`Store::accept`].
    pub async fn accept_then<A>(
        &self,
        setup_version: i64,
        items: Arc<[Accept]>,
        after: A,
    ) -> Result<Option<Committed>, StoreError>
    where
        A: FnOnce(&Option<Committed>) + Send + 'static,
    {
        let publishers: BTreeSet<String> = items.iter().map(|it| it.publisher.as_str().to_owned()).collect();
        // What is done after two commits on a server comes in their order for one publisher only: a lead given to a lane
        // must not come behind the news that it was erased.
        let items = match publishers.len() {
            0 | 1 => items,
            _ if !self.is_shared() => items,
            _ => items.iter().map(|it| Accept { offered: Vec::new(), ..it.clone() }).collect(),
        };
        let scope = Scope::Publishers(publishers);
        let seen = Arc::clone(&items);
        let foresight = move |tx: &Tx<'_>, stage| foresight::foresee(tx, stage, &seen);
        let body = move |tx: &Tx<'_>| {
            if setup::version(tx)? != setup_version {
                return Ok(None);
            }
            let mut committed = Committed::default();
            for (place, item) in items.iter().enumerate() {
                let accepted = accept(tx, place, item, &mut committed)?;
                if let (Some(id), Some(became)) = (item.quarantined, accepted.became(item)) {
                    quarantine::release(tx, (&item.publisher, id), became)?;
                }
                committed.accepted.push(accepted);
            }
            Ok(Some(committed))
        };
        self.write_foreseen(scope, Some(Box::new(foresight)), body, after).await
    }
}

pub(crate) fn accept(
    tx: &Tx<'_>,
    place: usize,
    item: &Accept,
    committed: &mut Committed,
) -> Result<Accepted, StoreError> {
    if let Some(once) = &item.once
        && let Some(known) = idempotency::repetition(tx, item, once)?
    {
        return Ok(known);
    }
    if let Some(kept_out) = erasures::tombstones::keep_out(tx, item)? {
        return Ok(kept_out);
    }
    let touchpoint_id = item.touchpoint.to_string();
    let Some(folded) = fold::into_lead(tx, item)? else { return Ok(Accepted::NoLead) };
    let (lead, home) = (folded.lead, folded.home.to_string());
    if folded.refuses {
        // What is in hand of a lead that was merged meanwhile goes by its own id.
        let all = folded.members.iter().chain([&lead]);
        committed.refused.extend(all.map(|it| (item.publisher.clone(), *it)));
        committed.refused.iter().for_each(|it| tx.tell(&News::Refused(it.0.clone(), it.1)));
    }
    let routed = standing::with_told(item, &folded.told, &mut committed.told);
    let publisher = Param::Text(item.publisher.as_str());
    let offer = item.parsed.offer.as_ref().map_or("", |it| it.offer.as_str());
    tx.put_off(
        "INSERT INTO touchpoint (publisher_id, touchpoint_id, lead_id, received_at, channel, offer_id, source,
             action, test, routed, body, body_sha256, interest, interest_rule, routing_trouble)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &[
            publisher,
            Param::Text(&touchpoint_id),
            Param::Text(&home),
            Param::Int(item.received_at.millis()),
            Param::Text(item.channel.as_str()),
            Param::Text(offer),
            Param::Text(item.parsed.source.as_str()),
            Param::Text(item.parsed.action.as_str()),
            Param::Int(item.parsed.is_trial().into()),
            Param::Int((!routed.is_empty()).into()),
            Param::Bytes(&item.body),
            Param::Bytes(&item.body_sha256),
            Param::Int(Interest::number(item.shown.as_ref().map(|it| it.interest))),
            Param::Text(item.shown.as_ref().map_or("", |it| &it.rule)),
            Param::Text(&item.routing_trouble),
        ],
    )?;
    for routed in routed.iter() {
        let routed = folded.held(item, routed);
        let claim = owe(tx, item, &routed, &folded)?;
        committed.claimed.extend(claim.map(|it| (place, routed.destination, it)));
    }
    follow_ups::owe(tx, item, &folded, &routed, &mut committed.told)?;
    committed.told.iter().for_each(|it| tx.tell(&News::Work(it.clone())));
    Ok(Accepted::Stored { lead })
}

/// Writes down one delivery; gives back the claim when a lane of this process tries it at once.
fn owe(tx: &Tx<'_>, item: &Accept, routed: &Routed, folded: &Folded) -> Result<Option<Claim>, StoreError> {
    let lead = folded.lead;
    let is_suppressed = routed.suppressed.is_some();
    // A new lead has nothing to be behind of.
    let mut claim = if folded.is_known && !is_suppressed {
        lanes::place(tx, &item.publisher, routed.destination, lead, item.touchpoint)?
    } else {
        0
    };
    let doubt = if claim == 0 && folded.is_known && !is_suppressed {
        lanes::in_doubt_until(tx, &item.publisher, routed.destination, lead)?
    } else {
        None
    };
    let doubt = doubt.filter(|it| *it > item.received_at);
    if claim == 0
        && !is_suppressed
        && doubt.is_none()
        && let Some((destination, token)) = item.offered.iter().find(|it| it.0 == routed.destination)
    {
        claim = lanes::claim_at_once(tx, &item.publisher, *destination, *token)?;
    }
    let is_claimed = claim > 0;
    if claim == 0 && !is_suppressed && item.elsewhere.contains(&routed.destination) {
        tx.tell(&News::Work(LaneKey { publisher: item.publisher.clone(), destination: routed.destination }));
    }
    // Lanes take first what was due first: somebody who wants to be called goes before those who look around.
    let is_urgent = item.shown.as_ref().is_some_and(|it| it.interest == Interest::Active);
    let head_start = if is_urgent { limits::URGENT_HEAD_START } else { Duration::ZERO };
    let due_at = doubt.unwrap_or(item.received_at.minus(head_start));
    tx.put_off(
        "INSERT INTO delivery (publisher_id, touchpoint_id, destination_no, lead_id, state, due_at, claim, attempts,
             cause, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            Param::Text(item.publisher.as_str()),
            Param::Text(&item.touchpoint.to_string()),
            Param::Int(routed.destination.get().into()),
            Param::Text(&lead.to_string()),
            Param::Text(if is_suppressed { "suppressed" } else { "pending" }),
            Param::Int(due_at.millis()),
            Param::Int(claim),
            Param::Int(is_claimed.into()),
            Param::Text(routed.suppressed.unwrap_or("")),
            Param::Int(if is_suppressed { item.received_at.millis() } else { 0 }),
        ],
    )?;
    let standing = folded.standing.seen();
    Ok(is_claimed.then_some(Claim {
        touchpoint: item.touchpoint,
        lead,
        number: 1,
        standing,
        follow_up: None,
        rides: false,
    }))
}
