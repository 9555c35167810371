//! Saved views on the pages that have them: links to each, saving what is looked for now, and removing one.

use super::form::delete;
use super::shell::Shell;
use super::visit::{Visit, html, own_path};
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

/// The views of a page, as it shows them.
pub(super) struct Views {
    pub(super) page: &'static str,
    pub(super) all: Vec<View>,
    /// What is looked for now; empty when nothing is.
    pub(super) query: String,
}

impl Views {
    /// Whether what is looked for now has no name yet.
    pub(super) fn is_new(&self) -> bool {
        !self.query.is_empty() && !self.all.iter().any(|it| it.is_here)
    }
}

/// A view.
pub(super) struct View {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) is_here: bool,
}

/// The views of a page whose address has these choices.
pub(super) async fn of(
    visit: &Visit,
    shell: &Shell,
    page: &'static str,
    chosen: &[(&str, &str)],
) -> Result<Views, Problem> {
    if shell.is_guest {
        return Ok(Views { page, all: Vec::new(), query: String::new() });
    }
    let mut chosen: Vec<_> = chosen.iter().filter(|it| !it.1.is_empty()).collect();
    chosen.sort_unstable();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(chosen).finish();
    let saved: wire::List<wire::SavedView> = visit.ask(Wish::get("/v1/views")).await?;
    let own = saved.items.into_iter().filter(|it| it.page == page);
    let all = own.map(|it| {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(it.query.as_bytes()).into_owned().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        View { url: shell.link(&format!("/{page}"), &pairs), is_here: it.query == query, name: it.name }
    });
    Ok(Views { page, all: all.collect(), query })
}

/// A view that could not be saved, with the way back.
#[derive(Template)]
#[template(path = "portal/view.html")]
struct ViewPage {
    shell: Shell,
    page: String,
    query: String,
    name: String,
    wrong: (String, String),
}

/// `POST /views/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let (page, name) = (visit.field("page"), visit.field("name").trim());
    match visit.place("deed") {
        "save" => {
            let new = json!({ "page": page, "name": name, "query": visit.field("query") });
            match visit.ask::<Value>(Wish::post("/v1/views").body(new)).await {
                Ok(_) => Ok(visit.done("/deliveries", "saved")),
                Err(problem) if !problem.errors().is_empty() => again(&visit, &problem),
                Err(problem) => Err(problem),
            }
        }
        "remove" => {
            let query = [("page", page), ("name", name)];
            let _: Value = visit.ask(delete("/v1/views").with(&query)).await?;
            Ok(visit.done("/deliveries", "taken-away"))
        }
        _ => Err(Problem::not_found()),
    }
}

fn again(visit: &Visit, problem: &Problem) -> Result<Response, Problem> {
    let (what, fix) = problem.words();
    let mut shell = visit.shell("view-save");
    if let Some(back) = own_path(visit.field("back")) {
        shell = shell.back_to(back);
    }
    let page = ViewPage {
        page: visit.field("page").to_owned(),
        query: visit.field("query").to_owned(),
        name: visit.field("name").to_owned(),
        wrong: (what.to_owned(), fix.to_owned()),
        shell,
    };
    Ok(html(problem.status(), &page))
}
