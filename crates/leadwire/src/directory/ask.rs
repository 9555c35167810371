//! What the set-up says of touchpoints and people: where they go, whose they are, what they show, and what follows.

use super::Snapshot;
use leadwire_core::erasure;
use leadwire_core::follow_up::{self, FollowUp};
use leadwire_core::id::{DestinationNo, FollowUpId, OfferRef, PublisherId};
use leadwire_core::identity::{self, Identity, IdentityRules};
use leadwire_core::interest::InterestRules;
use leadwire_core::routing::{self, Decision};
use leadwire_core::standing::Shown;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Customer, Touchpoint};
use leadwire_core::withhold::is_withheld;
use leadwire_store::deliveries::WITHHELD;
use leadwire_store::follow_ups::{Following, Reached};
use std::sync::Arc;

impl Snapshot {
    /// Where a touchpoint goes, and what of that must not be sent: for the customer's wish, or by a rule of the marketplace.
    pub fn route(&self, publisher: &PublisherId, touchpoint: &Touchpoint) -> Decision {
        let mut decision = routing::route(touchpoint, self.routes(publisher));
        if is_withheld(touchpoint, &self.setup.withhold) {
            decision.routed.iter_mut().for_each(|it| it.suppressed = Some(WITHHELD));
        }
        decision
    }

    /// The keys of the leads that an address may have: by the usual rules, and by the publisher's own for each offer.
    pub fn identities_of_address(&self, publisher: &PublisherId, address: &str) -> Vec<[u8; 16]> {
        let mut keys = erasure::identities_of_address(address);
        let own = self.setup.offers.iter().filter(|it| it.publisher == *publisher);
        let offers = own.map(|it| Some(OfferRef { publisher: publisher.clone(), offer: it.id.clone() }));
        for offer in offers.chain([None]) {
            for (test, preview) in [(false, false), (true, false), (false, true)] {
                let customer = Customer { email: Some(address.to_owned()), ..Customer::default() };
                let touchpoint =
                    Touchpoint { offer: offer.clone(), customer, test, preview, ..Touchpoint::default() };
                keys.extend(self.identify(publisher, &touchpoint).key());
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The salt of a publisher's tombstones; none while nobody was erased.
    pub fn tombstone_salt(&self, publisher: &PublisherId) -> Option<&[u8]> {
        let own = self.setup.retention.iter().find(|it| it.publisher == *publisher)?;
        Some(&*own.salt).filter(|it| !it.is_empty())
    }

    /// For how many days a publisher keeps people; 0: for ever.
    pub fn retention_days(&self, publisher: &PublisherId) -> u32 {
        self.setup.retention.iter().find(|it| it.publisher == *publisher).map_or(0, |it| it.days)
    }

    /// Whether a publisher's readers may have leads revealed, unless it said otherwise they may.
    pub fn readers_reveal(&self, publisher: &PublisherId) -> bool {
        self.setup.retention.iter().find(|it| it.publisher == *publisher).is_none_or(|it| it.readers_reveal)
    }

    /// The table of interest.
    pub fn interest(&self) -> &InterestRules {
        &self.interest
    }

    /// A publisher's own rules of identity; none: the delivered ones hold.
    pub fn own_identity_rules(&self, publisher: &PublisherId) -> Option<&IdentityRules> {
        self.identity.get(publisher)
    }

    /// Whose lead a touchpoint belongs to, by the publisher's rules.
    pub fn identify(&self, publisher: &PublisherId, touchpoint: &Touchpoint) -> Identity {
        match self.identity.get(publisher) {
            Some(rules) => rules.identify(touchpoint),
            None => identity::of(touchpoint),
        }
    }

    /// What a touchpoint shows of its customer's interest.
    pub fn shown(&self, touchpoint: &Touchpoint) -> Option<Shown> {
        let rule = self.interest.of(&touchpoint.source, &touchpoint.action)?;
        Some(Shown { interest: rule.interest, rule: Arc::clone(&rule.name) })
    }

    /// Which step of interest a touchpoint shows and what follows from it; none for publishers without follow-ups, and
    /// for a touchpoint that shows no interest.
    pub fn reached(
        &self,
        publisher: &PublisherId,
        touchpoint: &Touchpoint,
        (received_at, shown): (Timestamp, Option<&Shown>),
    ) -> Option<Reached> {
        let (follow_ups, step) = (self.follow_ups.get(publisher)?, shown?.interest);
        let due = match is_withheld(touchpoint, &self.setup.withhold) {
            true => Vec::new(),
            false => follow_up::due(touchpoint, received_at, step, follow_ups),
        };
        let following = |it: &FollowUp| Following {
            id: it.id,
            audience: it.audience,
            destination: it.destination,
            due_at: it.due_at(received_at),
        };
        // A test is no step of a customer, and a step of long ago is one all the same.
        (!touchpoint.test).then(|| Reached { step, follow_ups: due.into_iter().map(following).collect() })
    }

    /// A follow-up.
    pub fn follow_up(&self, publisher: &PublisherId, id: FollowUpId) -> Option<&FollowUp> {
        self.follow_ups.get(publisher)?.iter().find(|it| it.id == id)
    }

    /// A publisher's destinations that want to hear nothing of customers who must not be contacted.
    pub fn holding(&self, publisher: &PublisherId) -> Arc<[DestinationNo]> {
        self.holding.get(publisher).map(Arc::clone).unwrap_or_default()
    }
}
