//! What people say of leads, as touchpoints of them; and merging leads and parting them, with what is told of it, in one step.

use crate::deliver::Places;
use crate::intake::{Incoming, Intake};
use leadwire_core::id::{ActId, LeadId, PublisherId};
use leadwire_core::json::Json;
use leadwire_core::limits;
use leadwire_core::touchpoint::{Action, Source, Touchpoint};
use leadwire_store::StoreError;
use leadwire_store::accept::Accept;
use leadwire_store::leads::Act;
use leadwire_store::merges::{Merge, Merged, Unmerge};
use leadwire_store::rows::Channel;
use std::sync::Arc;

/// The source of what a person says of a lead.
const PERSON: &str = "Leadwire";
/// Who it was, among the touchpoint's own fields.
const SAID_BY: &str = "said_by";

/// A decision of a person about leads of a publisher.
pub struct Decision {
    /// Whose leads.
    pub publisher: PublisherId,
    /// Why.
    pub reason: String,
    /// Who: the key that was shown, and the name that was given.
    pub who: String,
    /// Whether the leads are trials.
    pub test: bool,
}

impl Intake {
    /// What a person says of a lead, as a touchpoint of it. The customer is not repeated in it: whoever is told gets them
    /// as they are known at that moment, and nothing of one lead is kept with another.
    pub fn persons_word(
        &self,
        decision: &Decision,
        of_lead: LeadId,
        change: impl FnOnce(&mut Touchpoint),
    ) -> Incoming {
        let mut touchpoint = Touchpoint {
            source: Source::Other(PERSON.to_owned()),
            occurred_at: Some(self.clock.steady()),
            notes: Some(decision.reason.clone()),
            custom: vec![(SAID_BY.to_owned(), Json::text(decision.who.clone()))],
            test: decision.test,
            ..Touchpoint::default()
        };
        change(&mut touchpoint);
        Incoming {
            publisher: decision.publisher.clone(),
            channel: Channel::Person,
            body: touchpoint.canonical_json().to_string().into(),
            touchpoint,
            key: None,
            of_lead: Some(of_lead),
        }
    }

    /// Makes `from` a part of `into`, and tells destinations that may know either.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was done, or it is unknown and [`Merged::Already`] will tell.
    pub async fn merge(&self, decision: &Decision, into: LeadId, from: LeadId) -> Result<Merged, StoreError> {
        for _ in 0..limits::ROUTING_ROUNDS_MAX {
            let setup = self.directory.now();
            let holding = setup.holding(&decision.publisher);
            let act = self.act(decision);
            let word = self.persons_word(decision, into, |it| it.action = Action::Other("Merged".to_owned()));
            let says = Accept { holding: Arc::clone(&holding), ..self.prepare(word) };
            let after = self.after([says.clone()]);
            let wish = Merge { publisher: decision.publisher.clone(), into, from, act, holding, says };
            match self.store.merge(setup.setup.version, wish, after).await? {
                Merged::SetupChanged => self.directory.refresh().await?,
                came => return Ok(came),
            }
        }
        Err(StoreError::Busy)
    }

    /// Takes a lead out of the one it was merged into, and tells destinations that may know either.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was done, or it is unknown and [`Merged::NotMerged`] will tell.
    pub async fn unmerge(&self, decision: &Decision, lead: LeadId) -> Result<Merged, StoreError> {
        for _ in 0..limits::ROUTING_ROUNDS_MAX {
            let setup = self.directory.now();
            let holding = setup.holding(&decision.publisher);
            let act = self.act(decision);
            let says = |action: Action| {
                let word = self.persons_word(decision, lead, |it| it.action = action);
                Accept { holding: Arc::clone(&holding), ..self.prepare(word) }
            };
            let parted = || Action::Other("Unmerged".to_owned());
            let (says_of_root, says_of_lead) = (says(parted()), says(parted()));
            let refuses_of_lead = says(Action::DoNotContact);
            let after = self.after([says_of_root.clone(), says_of_lead.clone()]);
            let wish = Unmerge {
                publisher: decision.publisher.clone(),
                lead,
                act,
                holding: Arc::clone(&holding),
                says_of_root,
                says_of_lead,
                refuses_of_lead,
            };
            match self.store.unmerge(setup.setup.version, wish, after).await? {
                Merged::SetupChanged => self.directory.refresh().await?,
                came => return Ok(came),
            }
        }
        Err(StoreError::Busy)
    }

    fn act(&self, decision: &Decision) -> Act {
        let at = self.clock.steady();
        Act {
            // Minted where touchpoints' ids are: what comes after it is newer than it.
            id: ActId::new(self.ids.next(at)),
            at,
            kind: String::new(),
            value: String::new(),
            reason: decision.reason.clone(),
            who: decision.who.clone(),
            rule: String::new(),
        }
    }

    /// Wakes the lanes that have work of it, once it is on disk.
    fn after<const N: usize>(&self, said: [Accept; N]) -> impl FnOnce(&Merged) + Send + 'static {
        let places = Places::new(&self.lanes, said.iter().map(|_| Vec::new()).collect());
        move |came| {
            if let Merged::Done { committed, .. } = came {
                places.fill(&said, committed);
            }
        }
    }
}
