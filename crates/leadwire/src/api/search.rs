//! Finding leads by what somebody types.

use super::answer;
use super::call::Call;
use super::mask;
use super::problem::Problem;
use super::read::lead_shape;
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::search;
use leadwire_store::leads::Lead;
use leadwire_store::search::Sought;

/// `GET /v1/leads?find=`
pub(super) async fn leads(call: &Call, text: &str) -> Result<Response, Problem> {
    let limit = call.limit()?;
    if text.len() > limits::FIELD_BYTES_MAX {
        let fix = "give a few words of a name, a company or an address";
        return Err(Refusal::new("?find", "too_long", "this is longer than anybody looks for", fix).into());
    }
    let (leads, cut) = if mask::is_for_masked(call) {
        seen_by_masked(call, text, limit).await?
    } else {
        let sought = Sought { limit, ..sought(call, text) };
        let found = call.app.store.find_leads(sought).await?;
        (found.leads, found.is_cut)
    };
    let page = wire::Leads { items: leads.iter().map(lead_shape).collect(), next: None, cut };
    Ok(answer::json(StatusCode::OK, &page))
}

fn sought(call: &Call, text: &str) -> Sought {
    Sought {
        publisher: call.publisher(),
        words: search::asked(text),
        record: text.trim().to_owned(),
        limit: limits::PAGE_ROWS_MAX,
    }
}

/// What somebody finds who sees people masked: leads by what they see of them, by a whole address and by a record. By the start of a
/// name they would find out names, a letter at a time.
async fn seen_by_masked(call: &Call, text: &str, limit: usize) -> Result<(Vec<Lead>, bool), Problem> {
    let all = sought(call, text);
    let words = all.words.clone();
    let by_words = call.app.store.find_leads(Sought { record: String::new(), ..all.clone() }).await?;
    let by_record = call.app.store.find_leads(Sought { words: Vec::new(), ..all }).await?;
    let address = text.trim().to_lowercase();
    let is_seen = |it: &Lead| {
        let domain = it.email.rsplit_once('@').map_or_else(String::new, |at| format!("@{}", at.1));
        let empty = String::new;
        let seen = [empty(), empty(), domain, empty(), empty(), it.company.clone(), empty()];
        it.email.to_lowercase() == address || search::is_found(&search::words(&seen), &words)
    };
    let mut leads: Vec<Lead> = by_words.leads.into_iter().filter(is_seen).collect();
    for lead in by_record.leads {
        if leads.iter().all(|it| it.id != lead.id) {
            leads.push(lead);
        }
    }
    leads.sort_unstable_by_key(|it| std::cmp::Reverse(it.id));
    let is_cut = by_words.is_cut || by_record.is_cut || leads.len() > limit;
    leads.truncate(limit);
    Ok((leads, is_cut))
}
