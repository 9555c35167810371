//! Deletes the lead of an erased person, by Leadwire's own key; a record that was only linked to is left to a person.

use super::Salesforce;
use super::deliver::Way;
use super::names::is_id;
use super::reply;
use super::request::Call;
use crate::egress::Egress;
use crate::erase::{self, Erasure};
use crate::{Moment, record_id};
use http::Method;
use leadwire_core::outcome::Tried;

/// With what the id of a lead starts (Salesforce, standard field record id prefix decoder).
const LEAD: &str = "00Q";

impl Salesforce {
    /// By the external id (REST API Developer Guide, "Delete Records Using sObject Rows by External ID"), so that nobody
    /// else's record is deleted.
    pub(super) async fn erase_lead(&self, erasure: &Erasure<'_>, moment: Moment, egress: &Egress) -> Tried {
        let held = match self.session.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return *tried,
        };
        let way = Way { held: &held, moment, egress };
        let are_notes_gone = match self.erase_notes(erasure, &way).await {
            Ok(are_gone) => are_gone,
            Err(tried) => return *tried,
        };
        let key = record_id::text(erasure.payload);
        let path = format!("{}/sobjects/Lead/{}/{key}", self.shape.root(), self.shape.key_field);
        let (answer, _) = match self.call(&way, Call { method: Method::DELETE, ..Call::get(path) }).await {
            Ok(answer) => answer,
            Err(error) => return error.tried(),
        };
        let status = answer.status.as_u16();
        match status {
            200..=299 | 404 if !are_notes_gone => {
                erase::by_hand("Salesforce tasks about the person, which it refused", erasure)
            }
            200..=299 => erase::deleted("the lead is in the org's recycle bin, which empties itself", status),
            404 => self.after_missing(erasure, status, &way).await,
            _ => reply::read_refusal(&answer, &[], &self.about(&way)),
        }
    }

    /// Nothing has the key. A record that was named may still be there: linked to, or without its key.
    async fn after_missing(&self, erasure: &Erasure<'_>, status: u16, way: &Way<'_>) -> Tried {
        for record in &erasure.records {
            if !record.starts_with(LEAD) {
                return erase::by_hand("Salesforce a record that is no lead", erasure);
            }
            if !is_id(record) {
                continue;
            }
            let path = format!("{}/sobjects/Lead/{record}?fields=Id", self.shape.root());
            match self.call(way, Call::get(path)).await {
                Err(error) => return reply::not_written(error.tried()),
                Ok((answer, _)) if answer.status.is_success() => {
                    return erase::by_hand("Salesforce a lead that was there before", erasure);
                }
                Ok((answer, _)) if answer.status.as_u16() == 404 => {}
                Ok((answer, _)) => return reply::read_refusal(&answer, &[], &self.about(way)),
            }
        }
        erase::nothing_there(status)
    }
}
