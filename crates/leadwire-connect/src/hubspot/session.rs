//! The calls that write contacts: made where none can be there, looked for where one may be, and then only what is Leadwire's
//! own.

use super::reply::{self, Fate};
use super::{Contact, HubSpot};
use crate::Moment;
use crate::egress::{Egress, Request};
use crate::touchpoint_notes::LINKED;
use leadwire_core::outcome::{Evidence, Outcome, Receipt, Tried};

/// The calls of one attempt.
pub(super) struct Session<'a> {
    pub(super) hubspot: &'a HubSpot,
    pub(super) moment: Moment,
    pub(super) egress: &'a Egress,
    pub(super) calls: &'a mut u32,
}

impl Session<'_> {
    async fn call(&mut self, request: Request, contacts: &[&Contact]) -> Vec<Fate> {
        *self.calls += 1;
        match self.egress.send(request).await {
            Ok(answer) => reply::batch(&answer, contacts, self.moment.now),
            Err(error) => vec![Fate::Other(Box::new(error.tried())); contacts.len()],
        }
    }

    /// Makes contacts, and writes every field of those that are there.
    pub(super) async fn upsert(&mut self, all: &[Contact], places: &[usize], tried: &mut [Option<Tried>]) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.upsert(&contacts), &contacts).await;
        let is_there = |it: &(&usize, &Fate)| matches!(it.1, Fate::Exists(_));
        let linked: Vec<usize> = places.iter().zip(&fates).filter(is_there).map(|it| *it.0).collect();
        settle(&contacts, places, fates, tried);
        link(linked, tried);
    }

    /// Makes contacts that cannot be there yet. One that is there all the same was made by others, and is kept.
    pub(super) async fn create(&mut self, all: &[Contact], places: &[usize], tried: &mut [Option<Tried>]) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.create(&contacts), &contacts).await;
        let (mut there, mut rest) = (Vec::new(), Vec::new());
        for (at, fate) in places.iter().zip(fates) {
            match fate {
                Fate::Exists(id) => there.push((*at, id)),
                other => rest.push((*at, other)),
            }
        }
        let (places, fates): (Vec<usize>, Vec<Fate>) = rest.into_iter().unzip();
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        settle(&contacts, &places, fates, tried);
        let linked: Vec<usize> = there.iter().map(|it| it.0).collect();
        self.write_own(all, there, tried).await;
        link(linked, tried);
    }

    /// Looks which contacts are there: those get what is Leadwire's own, the others are made.
    pub(super) async fn look_and_write(
        &mut self,
        all: &[Contact],
        places: &[usize],
        tried: &mut [Option<Tried>],
    ) {
        if places.is_empty() {
            return;
        }
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        *self.calls += 1;
        let found = match self.egress.send(self.hubspot.place.read(&contacts)).await {
            Ok(answer) => reply::found(&answer, &contacts, self.moment.now),
            Err(error) => {
                // Nothing of a lead was written.
                let mut tried = error.tried();
                tried.outcome = Outcome::NotDone(error.fault);
                Err(Box::new(tried))
            }
        };
        let found = match found {
            Ok(found) => found,
            Err(failed) => return places.iter().for_each(|it| tried[*it] = Some((*failed).clone())),
        };
        let (mut there, mut missing, mut linked) = (Vec::new(), Vec::new(), Vec::new());
        for (at, found) in places.iter().copied().zip(found) {
            let Some(found) = found else {
                missing.push(at);
                continue;
            };
            if all[at].began_at.is_some_and(|it| found.is_older_than(it)) {
                linked.push(at);
            }
            there.push((at, Some(found.id)));
        }
        self.write_own(all, there, tried).await;
        link(linked, tried);
        self.upsert(all, &missing, tried).await;
    }

    /// Writes what is Leadwire's own to contacts that are there. A contact with nothing of the kind is left alone; if its
    /// id was not told, it has arrived all the same.
    async fn write_own(
        &mut self,
        all: &[Contact],
        there: Vec<(usize, Option<String>)>,
        tried: &mut [Option<Tried>],
    ) {
        let has_own = |it: &(usize, Option<String>)| all[it.0].mapped.owned().next().is_some();
        let (own, kept): (Vec<_>, Vec<_>) = there.into_iter().partition(has_own);
        for (at, id) in kept {
            let note = "the contact was there already and is kept as it is";
            let mut kept = reply::delivered(id.clone().unwrap_or_default(), note, &all[at]);
            if id.is_none() {
                kept.outcome = Outcome::Done(Receipt::Accepted);
            }
            tried[at] = Some(kept);
        }
        if own.is_empty() {
            return;
        }
        let places: Vec<usize> = own.iter().map(|it| it.0).collect();
        let contacts: Vec<&Contact> = places.iter().map(|it| &all[*it]).collect();
        let fates = self.call(self.hubspot.place.update(&contacts), &contacts).await;
        settle(&contacts, &places, fates, tried);
    }
}

/// Says of contacts that were written that others made them: what the customer did first is nowhere in them.
fn link(places: Vec<usize>, tried: &mut [Option<Tried>]) {
    for at in places {
        if let Some(Tried { outcome: Outcome::Done(_), evidence }) = &mut tried[at] {
            LINKED.clone_into(&mut evidence.cause);
        }
    }
}

pub(super) fn settle(contacts: &[&Contact], places: &[usize], fates: Vec<Fate>, tried: &mut [Option<Tried>]) {
    for ((contact, at), fate) in contacts.iter().zip(places).zip(fates) {
        tried[*at] = Some(match fate {
            Fate::Written(id) => reply::delivered(id, "", contact),
            Fate::Exists(Some(id)) => reply::delivered(id, "the contact was there already", contact),
            Fate::Exists(None) => {
                let evidence =
                    Evidence { message: "the contact was there already".to_owned(), ..Evidence::default() };
                Tried { outcome: Outcome::Done(Receipt::Accepted), evidence }
            }
            Fate::Other(tried) => *tried,
        });
    }
}
