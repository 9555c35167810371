//! Endpoints of the rules about leads that are kept from publishers.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::setup::done;
use super::wire::{self, List};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::withhold::WithholdRule;
use leadwire_store::audit::Deed;

/// `GET /v1/withhold-rules`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let items = call.app.directory.now().setup.withhold.iter().map(shape).collect();
    Ok(answer::json(StatusCode::OK, &List { items }))
}

/// `POST /v1/withhold-rules`
pub(super) async fn add(call: Call) -> Result<Response, Problem> {
    let new: wire::WithholdRule = call.json()?;
    let rule = rule(&new.source, &new.domain)?;
    let shown = shape(&rule);
    Deed::about(&format!("{} {}", shown.source, shown.domain));
    let made = call.app.store.add_withhold_rule(rule).await?;
    done(&call, made, "/domain").await?;
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// `DELETE /v1/withhold-rules`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let of = |name: &str| call.query.get(name).map(String::as_str);
    let rule = rule(of("source").unwrap_or("*"), of("domain").unwrap_or_default())?;
    let removed = call.app.store.remove_withhold_rule(rule).await?;
    done(&call, removed, "").await?;
    Ok(answer::empty())
}

fn rule(source: &str, domain: &str) -> Result<WithholdRule, Problem> {
    if source.trim().is_empty() || source.len() > limits::INTEREST_NAME_BYTES_MAX {
        let fix = format!("give 1 to {} bytes, or `*` for any", limits::INTEREST_NAME_BYTES_MAX);
        return Err(Refusal::new("/source", "bad_name", "this is no name of a source", fix).into());
    }
    WithholdRule::parse(source, domain).ok_or_else(|| {
        let fix = "write it as `.edu` or `example.org`";
        Refusal::new("/domain", "bad_domain", "this is no domain of mail addresses", fix).into()
    })
}

fn shape(it: &WithholdRule) -> wire::WithholdRule {
    wire::WithholdRule { source: it.source_text().to_owned(), domain: it.domain_text() }
}
