//! Finding leads by what somebody types.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::read::lead_shape;
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::search;
use leadwire_store::search::Sought;

/// `GET /v1/leads?find=`
pub(super) async fn leads(call: &Call, text: &str) -> Result<Response, Problem> {
    let limit = call.limit()?;
    if text.len() > limits::FIELD_BYTES_MAX {
        let fix = "give a few words of a name, a company or an address";
        return Err(Refusal::new("?find", "too_long", "this is longer than anybody looks for", fix).into());
    }
    let sought = Sought {
        publisher: call.publisher(),
        words: search::asked(text),
        record: text.trim().to_owned(),
        limit,
    };
    let found = call.app.store.find_leads(sought).await?;
    let items = found.leads.iter().map(lead_shape).collect();
    let page = wire::Leads { items, next: None, cut: found.is_cut };
    Ok(answer::json(StatusCode::OK, &page))
}
