//! Deletes the contact of an erased person for good, with what HubSpot keeps beside it.

use super::HubSpot;
use super::reply::{self, Fate};
use crate::egress::{Answer, Egress};
use crate::erase::{self, Erasure};
use crate::{Moment, record_id};
use http::Method;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use serde_json::Value;

impl HubSpot {
    /// `POST …/contacts/gdpr-delete` (HubSpot, contacts API, "Permanently delete a contact"). By its id only: given an
    /// address that it does not know, HubSpot would bar it, and people may come back.
    pub(super) async fn erase_contact(
        &self,
        erasure: &Erasure<'_>,
        moment: Moment,
        egress: &Egress,
    ) -> Tried {
        let mut ids: Vec<String> = erasure.records.iter().map(|it| (*it).to_owned()).collect();
        match self.find_contact(erasure, moment, egress).await {
            Ok(found) => ids.extend(found),
            Err(tried) => return *tried,
        }
        ids.sort_unstable();
        ids.dedup();
        let (mut deleted, mut has_more_notes) = (None, false);
        let way = super::notes::Way { moment, egress };
        for id in ids {
            match self.erase_notes(&id, &way).await {
                Ok(()) => {}
                // No reason to keep the contact: with it, HubSpot takes those that are its alone.
                Err(tried) if tried.evidence.cause == super::notes::TOO_MANY => has_more_notes = true,
                Err(tried) => return *tried,
            }
            let request = self.place.erase(&id);
            let answer = match egress.send(request).await {
                Ok(answer) => answer,
                Err(error) => return error.tried(),
            };
            match answer.status.as_u16() {
                status @ 200..=299 => deleted = Some(status),
                404 => {}
                _ => return refused(&answer, moment),
            }
        }
        match deleted {
            Some(_) if has_more_notes => {
                erase::by_hand("HubSpot so many notes one by one; the contact was deleted for good", erasure)
            }
            Some(status) => erase::deleted("the contact was deleted for good", status),
            None => erase::nothing_there(404),
        }
    }

    /// The contact that has the address, or the lead's id where that is the key.
    async fn find_contact(
        &self,
        erasure: &Erasure<'_>,
        moment: Moment,
        egress: &Egress,
    ) -> Result<Option<String>, Box<Tried>> {
        let own = record_id::text(erasure.payload);
        let key = if self.id_property == "email" { erasure.email() } else { Some(&*own) };
        let Some(key) = key else { return Ok(None) };
        let mut url = self.place.contacts("/");
        url.path_segments_mut().expect("an address of the web").pop_if_empty().push(key);
        url.query_pairs_mut().append_pair("idProperty", &self.id_property);
        let sent = egress.send(self.place.request(Method::GET, url)).await;
        let answer = sent.map_err(|error| {
            // Nothing was deleted by looking.
            let outcome = Outcome::NotDone(error.fault);
            Box::new(Tried { outcome, ..error.tried() })
        })?;
        match answer.status.as_u16() {
            200..=299 => {
                let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                Ok(json.get("id").and_then(Value::as_str).map(str::to_owned))
            }
            404 => Ok(None),
            _ => Err(Box::new(refused(&answer, moment))),
        }
    }
}

fn refused(answer: &Answer, moment: Moment) -> Tried {
    match reply::whole(answer, 1, &[], moment.now) {
        Fate::Other(tried) => *tried,
        // A conflict is about a contact that is written, and none is.
        Fate::Written(_) | Fate::Exists(_) => Tried {
            outcome: Outcome::NotDone(Fault::RetryAfter(None)),
            evidence: leadwire_core::outcome::Evidence {
                cause: "conflict".to_owned(),
                message: "HubSpot was busy with the contact".to_owned(),
                http_status: Some(answer.status.as_u16()),
                ..Default::default()
            },
        },
    }
}
