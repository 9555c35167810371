//! Which destinations a touchpoint goes to, and which of them must not get it.

use crate::id::{DestinationNo, OfferId};
use crate::touchpoint::{Action, Touchpoint};

/// A rule of a publisher: touchpoints of these offers go to that destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which offers.
    pub offers: Offers,
    /// Where to.
    pub destination: DestinationNo,
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

/// Where a touchpoint goes, each destination once, in the order of the routes. Empty: it matches no route
/// and is kept as unrouted.
pub fn route(touchpoint: &Touchpoint, routes: &[Route]) -> Vec<Routed> {
    let offer = touchpoint.offer.as_ref().map(|it| &it.offer);
    let mut routed: Vec<Routed> = Vec::new();
    for route in routes {
        let matches = match &route.offers {
            Offers::All => true,
            Offers::One(wanted) => offer == Some(wanted),
        };
        if matches && !routed.iter().any(|it| it.destination == route.destination) {
            let held =
                touchpoint.action == Action::DoNotContact && route.do_not_contact == DoNotContact::Hold;
            routed.push(Routed {
                destination: route.destination,
                suppressed: held.then_some("do_not_contact"),
            });
        }
    }
    routed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OfferRef;

    fn touchpoint(offer: Option<&str>, action: Action) -> Touchpoint {
        Touchpoint {
            offer: offer.map(|it| OfferRef::parse(it).expect("an offer")),
            action,
            ..Touchpoint::default()
        }
    }

    fn to(offers: Offers, number: u32, do_not_contact: DoNotContact) -> Route {
        Route { offers, destination: DestinationNo::new(number), do_not_contact }
    }

    fn one(name: &str) -> Offers {
        Offers::One(OfferId::parse(name).expect("an offer"))
    }

    #[test]
    fn a_touchpoint_goes_to_every_destination_whose_route_takes_its_offer_once() {
        let routes = [
            to(one("crm"), 1, DoNotContact::Hold),
            to(Offers::All, 2, DoNotContact::Hold),
            to(Offers::All, 1, DoNotContact::Hold),
            to(one("other"), 3, DoNotContact::Hold),
        ];
        let got = route(&touchpoint(Some("contoso.crm"), Action::Installation), &routes);
        assert_eq!(got.iter().map(|it| it.destination.get()).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_touchpoint_without_an_offer_matches_only_routes_for_all() {
        let routes = [to(one("crm"), 1, DoNotContact::Hold), to(Offers::All, 2, DoNotContact::Hold)];
        let got = route(&touchpoint(None, Action::Installation), &routes);
        assert_eq!(got.iter().map(|it| it.destination.get()).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn do_not_contact_is_held_back_unless_the_destination_takes_it_marked() {
        let routes = [to(Offers::All, 1, DoNotContact::Hold), to(Offers::All, 2, DoNotContact::Send)];
        let got = route(&touchpoint(None, Action::DoNotContact), &routes);
        assert_eq!(got[0].suppressed, Some("do_not_contact"));
        assert_eq!(got[1].suppressed, None);
    }
}
