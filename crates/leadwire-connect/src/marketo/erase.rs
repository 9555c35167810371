//! Deletes an erased person: whoever the look-up field finds, and the records that were named.

use super::look::ask;
use super::reply::id_of;
use super::request;
use super::session::Session;
use crate::Moment;
use crate::egress::Egress;
use crate::erase::{self, Erasure};
use leadwire_core::outcome::Tried;
use serde_json::Value;
use std::collections::BTreeSet;

/// The status of Marketo's answers, whatever they say.
const STATUS: u16 = 200;

/// Finds people, and deletes each (Adobe, "Leads", delete). A system that knows people by their address has one person of
/// it, whoever made the record.
pub(crate) async fn erase(
    session: &Session,
    found_by: Option<(&str, &str)>,
    erasure: &Erasure<'_>,
    (moment, egress): (Moment, &Egress),
) -> Tried {
    let mut ids: BTreeSet<u64> = erasure.records.iter().filter_map(|it| it.parse().ok()).collect();
    if let Some((field, key)) = found_by {
        match ask(session, &request::find(field, key), moment, egress).await {
            Ok((_, found)) => {
                let id = |it: &Value| it.get("id").and_then(id_of)?.parse::<u64>().ok();
                ids.extend(found.iter().filter_map(id));
            }
            Err(tried) => return *tried,
        }
    }
    let mut deleted = 0;
    for id in ids {
        match ask(session, &request::delete(id), moment, egress).await {
            Err(tried) if tried.evidence.cause == "record_gone" => {}
            Err(tried) => return *tried,
            Ok((_, results)) => {
                let status = results.first().and_then(|it| it.get("status")?.as_str());
                match status {
                    Some("deleted") => deleted += 1,
                    _ if is_missing(results.first()) => {}
                    _ => return erase::by_hand("Marketo, which gave no reason", erasure),
                }
            }
        }
    }
    if deleted == 0 { erase::nothing_there(STATUS) } else { erase::deleted("the person was deleted", STATUS) }
}

/// Code 1004: there is no such person.
fn is_missing(result: Option<&Value>) -> bool {
    let reasons = result.and_then(|it| it.get("reasons")?.as_array());
    reasons.into_iter().flatten().any(|it| it.get("code").and_then(Value::as_str) == Some("1004"))
}
