//! How a lead stands: how interested the customer is, whether they may be contacted, and what they agreed to.
//!
//! Every part is a maximum over what the touchpoints say, so the order in which they are stored changes nothing.

use crate::id::{ActId, DestinationNo, TouchpointId};
use crate::interest::Interest;
use crate::time::Timestamp;
use crate::touchpoint::{Action, Touchpoint};
use std::sync::Arc;

/// A moment, and the touchpoint it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Said by which touchpoint.
    pub by: TouchpointId,
}

/// What a touchpoint shows of its customer's interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How much.
    pub interest: Interest,
    /// By which rule, as `source/action`.
    pub rule: Arc<str>,
}

/// What one touchpoint says of how its lead stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which touchpoint.
    pub by: TouchpointId,
    /// What it shows of the customer's interest.
    pub shown: Option<Shown>,
    /// When the customer asked not to be contacted.
    pub refused: Option<Timestamp>,
    /// When the customer agreed to be contacted, in so many words.
    pub permitted: Option<Timestamp>,
    /// When the customer said anything of consent.
    pub consent: Option<Timestamp>,
}

/// Says what a touchpoint says.
///
/// The customer refuses with the action `DNC` and by withdrawing consent (`consent.shared` false). That counts from
/// when it came, the latest it can have been: a sender's clock that is behind must not undo it. The customer permits
/// contact again with a consent that says when it was given; it counts from then, or from when it came where the
/// sender's clock is ahead. A consent without a time may be one that a form repeats, and lifts nothing.
pub fn said(touchpoint: &Touchpoint, by: TouchpointId, received_at: Timestamp, shown: Option<Shown>) -> Said {
    let consent = touchpoint.consent.as_ref();
    let given_at = |at: Option<Timestamp>| at.map(|it| it.min(received_at));
    let withdraws = consent.is_some_and(|it| !it.shared);
    let refuses = touchpoint.action == Action::DoNotContact || withdraws;
    Said {
        by,
        shown,
        refused: refuses.then_some(received_at),
        permitted: consent.filter(|_| !refuses).and_then(|it| given_at(it.at)),
        consent: consent.map(|it| given_at(it.at).unwrap_or(received_at)),
    }
}

/// Who says how interested a customer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterestBy {
    /// The first touchpoint that shows so much, by a rule.
    Touchpoint {
        /// Which.
        id: TouchpointId,
        /// The rule, as `source/action`.
        rule: Arc<str>,
    },
    /// A person.
    Person,
}

/// How a lead stands, folded from its touchpoints and what people decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How interested the customer is, and who says so.
    pub interest: Option<(Interest, InterestBy)>,
    /// The last time a person set the interest; touchpoints before it count no more.
    pub interest_set: Option<ActId>,
    /// The last time the customer asked not to be contacted.
    pub refused: Option<Mark>,
    /// The last time the customer agreed to be contacted.
    pub permitted: Option<Mark>,
    /// The consent that counts: the newest.
    pub consent: Option<Mark>,
}

impl Standing {
    /// Takes in what a touchpoint says. The order does not matter, nor does a repetition.
    pub fn fold(&mut self, said: &Said) {
        let mark = |at: Option<Timestamp>| at.map(|at| Mark { at, by: said.by });
        self.refused = self.refused.max(mark(said.refused));
        self.permitted = self.permitted.max(mark(said.permitted));
        self.consent = self.consent.max(mark(said.consent));
        let is_newer = self.interest_set.is_none_or(|it| it.bits() < said.by.bits());
        if let Some(Shown { interest, rule }) = said.shown.as_ref().filter(|_| is_newer) {
            let rises = match &self.interest {
                None => true,
                Some((known, by)) => {
                    // Of those that show as much the first one counts, which is the same in every order.
                    let is_earlier = matches!(by, InterestBy::Touchpoint { id, .. } if said.by < *id);
                    known < interest || (known == interest && is_earlier)
                }
            };
            if rises {
                let by = InterestBy::Touchpoint { id: said.by, rule: Arc::clone(rule) };
                self.interest = Some((*interest, by));
            }
        }
    }

    /// Sets the interest as a person decided, then takes in again what touchpoints after that show. An older decision
    /// changes nothing.
    pub fn set_interest<'a>(
        &mut self,
        act: ActId,
        interest: Interest,
        touchpoints: impl IntoIterator<Item = &'a Said>,
    ) {
        if self.interest_set.is_some_and(|it| it >= act) {
            return;
        }
        self.interest_set = Some(act);
        self.interest = Some((interest, InterestBy::Person));
        touchpoints.into_iter().for_each(|it| self.fold(it));
    }

    /// How the parts of one lead stand together. `since` is what touchpoints say that are newer than the last time a person
    /// set the interest of any part, of those parts that [`Standing::lacks`] it; more of them do no harm.
    pub fn join<'a>(parts: impl Iterator<Item = &'a Standing> + Clone, since: &[Said]) -> Self {
        let set = parts.clone().filter_map(|it| it.interest_set).max();
        let mut whole = Standing { interest_set: set, ..Standing::default() };
        // What a person set last holds from then on, and what was shown before counts no more.
        whole.interest = parts
            .clone()
            .find(|it| set.is_some() && it.interest_set == set)
            .and_then(|it| it.interest.clone());
        for part in parts {
            whole.refused = whole.refused.max(part.refused);
            whole.permitted = whole.permitted.max(part.permitted);
            whole.consent = whole.consent.max(part.consent);
            if let Some((interest, InterestBy::Touchpoint { id, rule })) = &part.interest {
                let shown = Some(Shown { interest: *interest, rule: Arc::clone(rule) });
                whole.fold(&Said { by: *id, shown, refused: None, permitted: None, consent: None });
            }
        }
        since.iter().for_each(|it| whole.fold(it));
        whole
    }

    /// Whether it cannot tell what its touchpoints show since a person set the interest of another part of the lead.
    pub fn lacks(&self, set: ActId) -> bool {
        let is_older = |by: &InterestBy| match by {
            InterestBy::Touchpoint { id, .. } => id.bits() < set.bits(),
            InterestBy::Person => true,
        };
        self.interest_set != Some(set) && self.interest.as_ref().is_some_and(|it| is_older(&it.1))
    }

    /// Whether the customer must not be contacted: asked so, and did not permit it since. At the same moment the
    /// refusal counts.
    pub fn is_refused(&self) -> bool {
        match (self.refused, self.permitted) {
            (Some(refused), Some(permitted)) => permitted.at <= refused.at,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// What connectors are told.
    pub fn seen(&self) -> Seen {
        Seen {
            do_not_contact: self.is_refused(),
            interest: self.interest.as_ref().map(|it| it.0),
            consent: self.consent.is_some(),
            erases: false,
        }
    }
}

/// What a destination is told of how a lead stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The customer must not be contacted.
    pub do_not_contact: bool,
    /// How interested the customer is.
    pub interest: Option<Interest>,
    /// The customer said something of consent. Unless they must not be contacted, they agreed: who withdraws refuses.
    pub consent: bool,
    /// This is no lead: what the destination holds of the customer is to be deleted.
    pub erases: bool,
}

impl Seen {
    /// As one number, for a store that gives it out with every claim.
    pub fn number(self) -> i64 {
        Interest::number(self.interest)
            + if self.do_not_contact { 4 } else { 0 }
            + if self.consent { 8 } else { 0 }
            + if self.erases { 16 } else { 0 }
    }

    /// Reads the number.
    pub fn from_number(number: i64) -> Self {
        Self {
            do_not_contact: number & 4 != 0,
            interest: Interest::from_number(number & 3),
            consent: number & 8 != 0,
            erases: number & 16 != 0,
        }
    }
}

/// A delivery of a lead, as far as it matters when its customer asks not to be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Of which touchpoint.
    pub touchpoint: TouchpointId,
    /// Where to.
    pub destination: DestinationNo,
    /// Whether it may have arrived: delivered, being tried, or tried with an unknown end.
    pub may_be_there: bool,
    /// Whether it waits for its time or for a person, and is not being tried.
    pub is_waiting: bool,
    /// Whether it brings a follow-up in place of the lead.
    pub is_follow_up: bool,
}

/// What is to be done as a lead's customer asks not to be contacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Waiting deliveries that must not be sent any more.
    pub held: Vec<(TouchpointId, DestinationNo)>,
    /// Where the lead may be known and the refusal is to be told, whatever routes and settings say.
    pub told: Vec<DestinationNo>,
}

/// Decides it. `holding` are the destinations that want to hear nothing of a customer who must not be contacted.
///
/// What waits for such a destination is held, and so is every follow-up. Everywhere else it is sent, marked. A destination
/// that may know the lead as one to be contacted is told, or its people would go on; a message that was sent is no such
/// knowledge.
pub fn refuse(past: &[Past], holding: &[DestinationNo]) -> Refusal {
    let mut refusal = Refusal::default();
    for it in past {
        if it.is_waiting && (it.is_follow_up || holding.contains(&it.destination)) {
            refusal.held.push((it.touchpoint, it.destination));
        }
        if it.may_be_there && !it.is_follow_up && !refusal.told.contains(&it.destination) {
            refusal.told.push(it.destination);
        }
    }
    refusal.told.sort_unstable();
    refusal
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
