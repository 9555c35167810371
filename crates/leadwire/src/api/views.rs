//! Endpoints of saved views. Each belongs to the user or key that saved it, and is seen by nobody else.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{self, List, moment};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_store::audit::Deed;
use leadwire_store::setup::Change;
use leadwire_store::views::SavedView;
use url::form_urlencoded;

/// What may be looked for on each page. Words by which leads are found are not among them: an erasure could not find them again.
const PAGES: [(&str, &[&str]); 3] = [
    ("deliveries", &["state", "destination"]),
    ("reports", &["by", "from", "to"]),
    ("audit", &["whose", "who", "action", "from", "to"]),
];

/// `GET /v1/views`
pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let found = call.app.store.views(call.publisher(), who(&call)).await?;
    Ok(answer::json(StatusCode::OK, &List { items: found.into_iter().map(shape).collect() }))
}

/// `POST /v1/views`
pub(super) async fn save(call: Call) -> Result<Response, Problem> {
    let new: wire::NewSavedView = call.json()?;
    let params = page(&new.page, "/page")?;
    let name = new.name.trim();
    if name.is_empty() || name.len() > limits::VIEW_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        let fix = format!("give it 1 to {} bytes on one line", limits::VIEW_NAME_BYTES_MAX);
        return Err(Refusal::new("/name", "bad_name", "this is no name of a view", fix).into());
    }
    let view = SavedView {
        publisher: call.publisher(),
        who: who(&call),
        query: query(&new.query, params)?,
        page: new.page,
        name: name.to_owned(),
        created_at: call.app.clock.wall(),
    };
    Deed::about(&view.page);
    let saved = call.app.store.save_view(view.clone()).await?;
    if saved == Change::Full {
        let fix = format!("remove one: there are {}, which is as many as there may be", limits::VIEWS_MAX);
        let full = Refusal::new("/name", "too_many", "there are too many saved views", fix);
        return Err(Problem::from(full).with_status(StatusCode::CONFLICT));
    }
    Ok(answer::json(StatusCode::CREATED, &shape(view)))
}

/// `DELETE /v1/views`
pub(super) async fn remove(call: Call) -> Result<Response, Problem> {
    let text = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let place = [who(&call), text("page"), text("name")];
    Deed::about(&place[1]);
    match call.app.store.remove_view(call.publisher(), place).await? {
        Change::Made => Ok(answer::empty()),
        _ => Err(Problem::not_found()),
    }
}

fn who(call: &Call) -> String {
    call.actor.as_ref().map(|it| it.who.to_string()).unwrap_or_default()
}

fn page(name: &str, pointer: &str) -> Result<&'static [&'static str], Problem> {
    let found = PAGES.iter().find(|it| it.0 == name).map(|it| it.1);
    found.ok_or_else(|| {
        let fix = "use deliveries, reports or audit";
        Refusal::new(pointer, "unknown_page", "views of this page cannot be saved", fix).into()
    })
}

/// Reads what is looked for, and writes it in one form.
fn query(text: &str, params: &[&str]) -> Result<String, Problem> {
    let refuse =
        |message: &str, fix: String| Problem::from(Refusal::new("/query", "bad_query", message, fix));
    if text.len() > limits::VIEW_QUERY_BYTES_MAX {
        let fix = format!("keep it below {} bytes", limits::VIEW_QUERY_BYTES_MAX);
        return Err(refuse("this is too long", fix));
    }
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if !params.contains(&name.as_ref()) {
            return Err(refuse(
                "this cannot be looked for on the page",
                format!("use {}", params.join(", ")),
            ));
        }
        if !value.is_empty() && !kept.iter().any(|it| it.0 == name) {
            kept.push((name.into_owned(), value.into_owned()));
        }
    }
    if kept.is_empty() {
        return Err(refuse("nothing is looked for", format!("choose one of {}", params.join(", "))));
    }
    kept.sort_unstable();
    Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}

fn shape(it: SavedView) -> wire::SavedView {
    wire::SavedView { page: it.page, name: it.name, query: it.query, created_at: moment(it.created_at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_holds_what_its_page_knows_in_one_form() {
        let params = page("deliveries", "/page").expect("a page");
        let read = |text: &str| query(text, params).ok();
        assert_eq!(read("state=parked&destination=crm+2"), Some("destination=crm+2&state=parked".to_owned()));
        assert_eq!(read("state=parked&state=x&destination="), Some("state=parked".to_owned()));
        for bad in ["", "state=", "q=ada", "cursor=x&state=parked", &"state=x".repeat(200)] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(page("leads", "/page").is_err(), "words that find people are not kept");
    }
}
