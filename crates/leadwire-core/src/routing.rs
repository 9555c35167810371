//! Which destinations a touchpoint goes to, which of them must not get it, and why.

#[cfg(test)]
mod tests;

use crate::filter::{Filter, Subject, Trouble};
use crate::id::{BadId, DestinationNo, OfferId, RouteId};
use crate::limits;
use crate::touchpoint::{Action, Touchpoint};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A rule of a publisher: touchpoints of these offers that fulfil the filter go to that destination.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its id, by which explanations name it.
    pub id: RouteId,
    /// Which offers.
    pub offers: Offers,
    /// Which touchpoints of them.
    pub when: When,
    /// Where to.
    pub destination: DestinationNo,
    /// Whether no later route is looked at once this one takes a touchpoint.
    pub stop: bool,
    /// What that destination wants of a customer who must not be contacted.
    pub do_not_contact: DoNotContact,
}

/// Which offers a route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offers {
    /// Every offer of the publisher, and touchpoints that name none.
    All,
    /// One.
    One(OfferId),
    /// Those whose id starts so.
    StartingWith(Box<str>),
}

/// Which touchpoints of its offers a route takes.
#[derive(Clone, Debug)]
pub enum When {
    /// All.
    Always,
    /// Those that fulfil the filter.
    If(Arc<Filter>),
    /// None: its filter was kept by another version and cannot be read by this one. Why.
    Unreadable(Arc<str>),
}

/// What to do with a touchpoint that is information only, never a contact (`DNC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DoNotContact {
    /// Keep it from the destination; its delivery is recorded as suppressed.
    #[default]
    Hold,
    /// Send it, marked as do-not-contact.
    Send,
}

/// One destination's share of a routing decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routed {
    /// Where to.
    pub destination: DestinationNo,
    /// Why it must not be sent there, as a stable name; none when it is to be sent.
    pub suppressed: Option<&'static str>,
}

/// Where a touchpoint goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Each destination once, in the order of the routes. Empty: it matches no route and is kept as unrouted.
    pub routed: Vec<Routed>,
    /// Routes that did not take it because their filter could not be told, and why; empty when there is none. Holds
    /// no value of the touchpoint, and at most [`limits::ROUTING_TROUBLE_BYTES_MAX`] bytes.
    pub trouble: String,
}

/// What a route said to a touchpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes it.
    Takes,
    /// It takes it, and its destination must not get it: the customer must not be contacted.
    Holds,
    /// It takes it, and an earlier route brings it to the same destination already.
    TakenBy(RouteId),
    /// It is for other offers.
    OtherOffer,
    /// This part of its filter is false.
    FilterFalse(String),
    /// Its filter cannot be told, so it counts as not taking it.
    Troubled(Trouble),
    /// An earlier route took the touchpoint and lets no later one look at it.
    StoppedBy(RouteId),
}

impl Offers {
    /// Reads `*`, an offer's id, or the start of ids with a `*` behind it.
    ///
    /// # Errors
    /// When what stands before the `*` could start no offer's id.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        match text.trim().strip_suffix('*') {
            None => OfferId::parse(text).map(Self::One),
            Some("") => Ok(Self::All),
            // What starts an id is an id itself: the same letters, and no longer.
            Some(start) => OfferId::parse(start).map(|it| Self::StartingWith(it.as_str().into())),
        }
    }

    /// Whether an offer, or none, is among them.
    pub fn have(&self, offer: Option<&OfferId>) -> bool {
        match self {
            Offers::All => true,
            Offers::One(wanted) => offer == Some(wanted),
            Offers::StartingWith(start) => offer.is_some_and(|it| it.as_str().starts_with(&**start)),
        }
    }
}

impl fmt::Display for Offers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Offers::All => out.write_str("*"),
            Offers::One(offer) => write!(out, "{offer}"),
            Offers::StartingWith(start) => write!(out, "{start}*"),
        }
    }
}

/// Where a touchpoint goes. Routes are looked at in their order; one whose filter cannot be told does not take it, and
/// does not stop the others.
pub fn route(touchpoint: &Touchpoint, routes: &[Route]) -> Decision {
    let mut decision = Decision::default();
    let subject = Subject::new(touchpoint);
    let offer = touchpoint.offer.as_ref().map(|it| &it.offer);
    for route in routes {
        if !route.offers.have(offer) {
            continue;
        }
        match takes(route, &subject) {
            Ok(false) => continue,
            Err(trouble) => {
                note(&mut decision.trouble, route.id, &trouble);
                continue;
            }
            Ok(true) => {}
        }
        if !decision.routed.iter().any(|it| it.destination == route.destination) {
            let suppressed = is_held(route, touchpoint).then_some("do_not_contact");
            decision.routed.push(Routed { destination: route.destination, suppressed });
        }
        if route.stop {
            break;
        }
    }
    decision
}

/// What each route says to a touchpoint, in their order. Those that take it are those of [`route`].
pub fn explain(touchpoint: &Touchpoint, routes: &[Route]) -> Vec<Verdict> {
    let offer = touchpoint.offer.as_ref().map(|it| &it.offer);
    let mut stopped_by = None;
    let subject = Subject::new(touchpoint);
    let mut taken: Vec<(DestinationNo, RouteId)> = Vec::new();
    let mut verdict = |route: &Route| {
        if let Some(by) = stopped_by {
            return Verdict::StoppedBy(by);
        }
        if !route.offers.have(offer) {
            return Verdict::OtherOffer;
        }
        match takes(route, &subject) {
            Ok(true) => {}
            Ok(false) => return Verdict::FilterFalse(false_part(route, touchpoint)),
            Err(trouble) => return Verdict::Troubled(trouble),
        }
        stopped_by = route.stop.then_some(route.id);
        if let Some((_, by)) = taken.iter().find(|it| it.0 == route.destination) {
            return Verdict::TakenBy(*by);
        }
        taken.push((route.destination, route.id));
        if is_held(route, touchpoint) { Verdict::Holds } else { Verdict::Takes }
    };
    routes.iter().map(&mut verdict).collect()
}

fn takes(route: &Route, subject: &Subject<'_>) -> Result<bool, Trouble> {
    match &route.when {
        When::Always => Ok(true),
        When::If(filter) => filter.takes_subject(subject),
        When::Unreadable(why) => {
            Err(Trouble { part: "the filter".to_owned(), why: format!("it cannot be read: {why}") })
        }
    }
}

fn false_part(route: &Route, touchpoint: &Touchpoint) -> String {
    match &route.when {
        When::If(filter) => filter.false_part(touchpoint),
        When::Always | When::Unreadable(_) => String::new(),
    }
}

fn is_held(route: &Route, touchpoint: &Touchpoint) -> bool {
    touchpoint.action == Action::DoNotContact && route.do_not_contact == DoNotContact::Hold
}

fn note(troubles: &mut String, route: RouteId, trouble: &Trouble) {
    let start = troubles.len();
    let between = if start > 0 { "; " } else { "" };
    write!(troubles, "{between}route {route}: {trouble}").expect("a String takes everything");
    if troubles.len() > limits::ROUTING_TROUBLE_BYTES_MAX {
        // The first says enough; the rest is told by an explanation.
        let mut end = limits::ROUTING_TROUBLE_BYTES_MAX - "…".len();
        while !troubles.is_char_boundary(end) {
            end -= 1;
        }
        troubles.truncate(end);
        troubles.push('…');
    }
}
