//! Deletes the lead of an erased person, by what only Leadwire's own lead is known by.

use super::Dynamics;
use super::deliver::Way;
use super::reply;
use super::request::Call;
use crate::Moment;
use crate::egress::Egress;
use crate::erase::{self, Erasure};
use http::Method;
use leadwire_core::outcome::Tried;

impl Dynamics {
    /// `DELETE leads(…)` (Microsoft, "Update and delete table rows using the Web API", D6): 204, or 404 when it is not there.
    pub(super) async fn erase_lead(&self, erasure: &Erasure<'_>, moment: Moment, egress: &Egress) -> Tried {
        let held = match self.sign_in.get(moment.now, egress, &mut 0).await {
            Ok(held) => held,
            Err(tried) => return *tried,
        };
        let way = Way { held: &held, moment, egress };
        let own = self.key(erasure.payload);
        // Leads are told by the id of their row there; an alternate key is not.
        let mut rows: Vec<&str> = erasure.records.iter().copied().filter(|it| reply::is_guid(it)).collect();
        if reply::is_guid(&own) && !rows.iter().any(|it| it.eq_ignore_ascii_case(&own)) {
            rows.push(&own);
        }
        let mut kept = Vec::new();
        for row in rows {
            match self.erase_notes(row, &way).await {
                Ok(more) => kept.extend(more),
                Err(tried) => return *tried,
            }
        }
        let status = match self.send_erasure(Method::DELETE, self.shape.address(&own), &way).await {
            Ok(status) => status,
            Err(tried) => return *tried,
        };
        // A record that was named and is not Leadwire's own was there before: a duplicate that was linked to. It may be
        // there whether or not Leadwire's own was.
        let others = erasure.records.iter().filter(|it| !it.eq_ignore_ascii_case(&own) && reply::is_guid(it));
        for record in others {
            let path = format!("{}/leads({record})?$select=leadid", self.shape.root);
            match self.send_erasure(Method::GET, path, &way).await {
                Ok(404) => {}
                Ok(_) => return erase::by_hand("Dynamics 365 a lead that was there before", erasure),
                Err(tried) => return *tried,
            }
        }
        match self.left(kept, &way).await {
            Err(tried) => *tried,
            Ok(left) if !left.is_empty() => {
                erase::by_hand("Dynamics 365 the notes of the lead, which is deleted", erasure)
            }
            Ok(_) if status == 404 => erase::nothing_there(status),
            Ok(_) => erase::deleted("the lead was deleted", status),
        }
    }

    /// Makes a call, and gives the status of an answer that is good or says that there is nothing.
    async fn send_erasure(&self, method: Method, path: String, way: &Way<'_>) -> Result<u16, Box<Tried>> {
        let call = Call { method, headers: Vec::new(), ..Call::get(path) };
        let sent = way.egress.send(self.request(call, &way.held.header)).await;
        let answer = sent.map_err(|it| Box::new(it.tried()))?;
        self.forget_refused(&answer, way).await;
        match answer.status.as_u16() {
            status @ (200..=299 | 404) => Ok(status),
            _ => Err(Box::new(reply::refusal(&answer, &[], &self.about(way)))),
        }
    }
}
