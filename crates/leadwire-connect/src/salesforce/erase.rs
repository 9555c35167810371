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
        if !matches!(status, 200..=299 | 404) {
            return reply::read_refusal(&answer, &[], &self.about(&way));
        }
        // A record that was named is not always Leadwire's own, which is gone: another one may be there.
        match self.find_others(erasure, &way).await {
            Err(tried) => *tried,
            Ok(Some(other)) => erase::by_hand(other, erasure),
            Ok(None) if !are_notes_gone => {
                erase::by_hand("Salesforce tasks about the person, which it refused", erasure)
            }
            Ok(None) if status == 404 => erase::nothing_there(status),
            Ok(None) => erase::deleted("the lead is in the org's recycle bin, which empties itself", status),
        }
    }

    /// A record that was named and is there: linked to, or without its key.
    async fn find_others(
        &self,
        erasure: &Erasure<'_>,
        way: &Way<'_>,
    ) -> Result<Option<&'static str>, Box<Tried>> {
        for record in &erasure.records {
            if !record.starts_with(LEAD) {
                return Ok(Some("Salesforce a record that is no lead"));
            }
            if !is_id(record) {
                continue;
            }
            let path = format!("{}/sobjects/Lead/{record}?fields=Id", self.shape.root());
            let (answer, _) =
                self.call(way, Call::get(path)).await.map_err(|it| reply::not_written(it.tried()))?;
            match answer.status.as_u16() {
                200..=299 => return Ok(Some("Salesforce a lead that was there before")),
                404 => {}
                _ => return Err(Box::new(reply::read_refusal(&answer, &[], &self.about(way)))),
            }
        }
        Ok(None)
    }
}
