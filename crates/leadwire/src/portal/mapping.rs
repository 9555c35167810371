//! The mapping of a destination: its rows in a form, tried on leads before they hold, and its versions.

use super::mapping_form::{Row, read, rows};
use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_core::mapping::{SOURCES, TRANSFORMS};
use leadwire_core::refusal::Refusal;
use serde_json::{Map, Value, json};
use std::borrow::Borrow;

/// Newest leads that the form offers to try rows on.
const LEADS: usize = 12;

/// What came of trying.
enum Outcome {
    One(Box<wire::MappingTried>),
    Many(wire::BackTest),
}

#[derive(Template)]
#[template(path = "portal/mapping.html")]
struct MappingPage {
    shell: Shell,
    name: String,
    kind: &'static str,
    version: u32,
    rows: Vec<Row>,
    others: Vec<(String, String)>,
    leads: Vec<(String, String)>,
    of: String,
    versions: Vec<wire::MappingVersion>,
    compared: Option<(u32, u32, Vec<wire::RowDifference>)>,
    mistakes: u64,
    elsewhere: Vec<(String, String)>,
    outcome: Option<Outcome>,
    may_change: bool,
}

/// `GET /destinations/{destination}/mapping`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let page = page(&visit, &[], None).await?;
    Ok(visit.page(&page))
}

/// `POST /destinations/{destination}/mapping`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let now = present(&visit).await?;
    let places = [("destination", visit.place("destination"))];
    let mapping = match read(&visit.form, &now) {
        Ok(mapping) => mapping,
        Err(mistakes) => return again(&visit, StatusCode::UNPROCESSABLE_ENTITY, &mistakes).await,
    };
    let tried = match visit.field("do") {
        "try" => {
            let of = [visit.field("of_id"), visit.field("of")].map(str::trim);
            let of = of.into_iter().find(|it| !it.is_empty());
            let body = json!({ "mapping": mapping, "of": of });
            let wish = Wish::post("/v1/destinations/{destination}/mapping/try").at(&places).body(body);
            visit.ask(wish).await.map(|it| Outcome::One(Box::new(it)))
        }
        "test" => {
            let pattern = "/v1/destinations/{destination}/mapping/back-test";
            let wish = Wish::post(pattern).at(&places).body(json!({ "mapping": mapping }));
            visit.ask(wish).await.map(Outcome::Many)
        }
        _ => return save(&visit, mapping).await,
    };
    match tried {
        Ok(outcome) => Ok(html(StatusCode::OK, &page(&visit, &[], Some(outcome)).await?)),
        Err(problem) => refused(&visit, problem).await,
    }
}

async fn save(visit: &Visit, mapping: Map<String, Value>) -> Result<Response, Problem> {
    let based_on: Option<u32> = visit.field("version").parse().ok();
    match put(visit, json!({ "mapping": mapping, "based_on": based_on })).await {
        Ok(_) => Ok(visit.on_to(&visit.shell("mapping"), &path(visit.place("destination")), "saved")),
        Err(problem) => refused(visit, problem).await,
    }
}

async fn put(visit: &Visit, body: Value) -> Result<wire::MappingNow, Problem> {
    let places = [("destination", visit.place("destination"))];
    let wish = Wish { method: Method::PUT, ..Wish::get("/v1/destinations/{destination}/mapping") };
    visit.ask(wish.at(&places).body(body)).await
}

/// `POST /destinations/{destination}/mapping/back`
pub(super) async fn back(visit: Visit) -> Result<Response, Problem> {
    let wanted: Option<u32> = visit.field("number").parse().ok();
    let mapping = match wanted {
        Some(0) => Default::default(),
        wanted => {
            let all = versions(&visit).await?;
            let found = all.into_iter().find(|it| Some(it.number) == wanted);
            found.ok_or_else(Problem::not_found)?.mapping
        }
    };
    put(&visit, json!({ "mapping": mapping })).await?;
    Ok(visit.on_to(&visit.shell("mapping"), &path(visit.place("destination")), "saved"))
}

fn path(name: &str) -> String {
    format!("/destinations/{}/mapping", in_path(name))
}

/// The form as it was typed, with what the API refuses beside its row.
async fn refused(visit: &Visit, problem: Problem) -> Result<Response, Problem> {
    let is_told = problem.status() == StatusCode::CONFLICT || !problem.errors().is_empty();
    if !is_told {
        return Err(problem);
    }
    let mut errors = problem.errors().to_vec();
    if errors.is_empty() {
        let (what, fix) = problem.words();
        errors.push(Refusal::new("", "refused", what, fix));
    }
    again(visit, problem.status(), &errors).await
}

async fn again(visit: &Visit, status: StatusCode, mistakes: &[Refusal]) -> Result<Response, Problem> {
    Ok(html(status, &page(visit, mistakes, None).await?))
}

async fn present(visit: &Visit) -> Result<wire::MappingNow, Problem> {
    let places = [("destination", visit.place("destination"))];
    visit.ask(Wish::get("/v1/destinations/{destination}/mapping").at(&places)).await
}

async fn versions(visit: &Visit) -> Result<Vec<wire::MappingVersion>, Problem> {
    let places = [("destination", visit.place("destination"))];
    let wish = Wish::get("/v1/destinations/{destination}/mappings").at(&places);
    Ok(visit.ask::<wire::List<wire::MappingVersion>>(wish).await?.items)
}

async fn page(visit: &Visit, mistakes: &[Refusal], outcome: Option<Outcome>) -> Result<MappingPage, Problem> {
    let places = [("destination", visit.place("destination"))];
    let it: wire::Destination = visit.ask(Wish::get("/v1/destinations/{destination}").at(&places)).await?;
    let now = present(visit).await?;
    let versions = versions(visit).await?;
    let mut shell = visit.shell("mapping").at(&path(&it.name));
    shell.title = shell.say_with("mapping-of", &it.name);
    let rows = rows(&shell, &visit.form, &now, mistakes);
    let is_shown = |mistake: &Refusal| {
        let words = Some((mistake.message.clone(), mistake.fix.clone()));
        rows.iter().any(|it| it.mistake == words)
    };
    let elsewhere = mistakes.iter().filter(|it| !is_shown(it));
    Ok(MappingPage {
        elsewhere: elsewhere.map(|it| (it.message.clone(), it.fix.clone())).collect(),
        mistakes: mistakes.len() as u64,
        leads: leads(visit, &shell).await?,
        of: [visit.field("of"), visit.asked("of")]
            .into_iter()
            .find(|it| !it.is_empty())
            .unwrap_or_default()
            .to_owned(),
        compared: compared(visit, &versions).await?,
        others: now.others.into_iter().map(|it| (it.field, it.label)).collect(),
        version: now.version,
        kind: leadwire_connect::kind(&it.kind).map_or("", |it| it.title),
        may_change: visit.may(Action::ChangeSetup),
        name: it.name,
        versions,
        outcome,
        rows,
        shell,
    })
}

/// The newest leads, by a name for people.
async fn leads(visit: &Visit, shell: &Shell) -> Result<Vec<(String, String)>, Problem> {
    if !visit.may(Action::ReadLeads) || !visit.may(Action::ChangeSetup) {
        return Ok(Vec::new());
    }
    let limit = LEADS.to_string();
    let query = [("limit", limit.as_str())];
    let found: wire::Page<wire::Lead> = visit.ask(Wish::get("/v1/leads").with(&query)).await?;
    let name = |it: &wire::Lead| {
        let part = |name: &str| it.customer.get(name).and_then(Value::as_str).unwrap_or_default();
        let person = [part("first_name"), part("last_name")].join(" ");
        let parts = [person.trim(), part("company"), part("email")];
        let said: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).take(2).collect();
        if said.is_empty() { shell.say("nobody") } else { said.join(", ") }
    };
    Ok(found.items.iter().map(|it| (it.id.clone(), name(it))).collect())
}

/// What differs between the two versions that the address names.
async fn compared(
    visit: &Visit,
    versions: &[wire::MappingVersion],
) -> Result<Option<(u32, u32, Vec<wire::RowDifference>)>, Problem> {
    let number = |name: &str| visit.asked(name).parse::<u32>().ok();
    let (Some(from), Some(to)) = (number("from"), number("to")) else { return Ok(None) };
    let is_there = |number: u32| number == 0 || versions.iter().any(|it| it.number == number);
    if !is_there(from) || !is_there(to) {
        return Ok(None);
    }
    let places = [("destination", visit.place("destination"))];
    let query = [("from", visit.asked("from")), ("to", visit.asked("to"))];
    let pattern = "/v1/destinations/{destination}/mappings/compare";
    let found: wire::List<wire::RowDifference> =
        visit.ask(Wish::get(pattern).at(&places).with(&query)).await?;
    Ok(Some((from, to, found.items)))
}

impl MappingPage {
    fn action(&self) -> String {
        self.shell.deed("/destinations", &self.name, "mapping")
    }

    fn back(&self) -> String {
        self.shell.deed("/destinations", &self.name, "mapping/back")
    }

    fn compare(&self) -> String {
        format!("{}{}", self.shell.look.base, path(&self.name))
    }

    fn sources(&self) -> Vec<(&'static str, &'static str)> {
        SOURCES.iter().map(|it| (it.name, it.summary)).collect()
    }

    fn transforms(&self) -> &'static [(&'static str, &'static str)] {
        TRANSFORMS
    }

    fn who(&self, it: &wire::MappingVersion) -> String {
        let unnamed = || it.created_by.clone().unwrap_or_else(|| "–".to_owned());
        it.author.clone().unwrap_or_else(unnamed)
    }

    fn rows_of(&self, it: &wire::MappingVersion) -> String {
        self.shell.say_count("mapping-own-rows", &(it.mapping.len() as u64))
    }

    fn version_name(&self, number: impl Borrow<u32>) -> String {
        match number.borrow() {
            0 => self.shell.say("mapping-kinds-own"),
            number => self.shell.say_with("mapping-version", number.to_string()),
        }
    }

    fn is_from(&self, number: impl Borrow<u32>) -> bool {
        let before = self.version.saturating_sub(1);
        *number.borrow() == self.compared.as_ref().map_or(before, |it| it.0)
    }

    fn is_to(&self, number: impl Borrow<u32>) -> bool {
        *number.borrow() == self.compared.as_ref().map_or(self.version, |it| it.1)
    }

    /// Rows that differ, and how many do not.
    fn differing<'a>(&self, tried: &'a wire::MappingTried) -> Vec<&'a wire::TriedRow> {
        tried.rows.iter().filter(|it| it.difference.is_some()).collect()
    }

    fn same<'a>(&self, tried: &'a wire::MappingTried) -> Vec<&'a wire::FieldRow> {
        let same = tried.rows.iter().filter(|it| it.difference.is_none());
        same.filter_map(|it| it.then.as_ref()).filter(|it| it.sent.is_some()).collect()
    }

    fn row_of<'a>(&self, it: &'a wire::TriedRow) -> Option<&'a wire::FieldRow> {
        it.then.as_ref().or(it.now.as_ref())
    }

    fn sent<'a>(&self, it: &'a Option<wire::FieldRow>) -> Option<&'a String> {
        it.as_ref().and_then(|it| it.sent.as_ref())
    }
}
