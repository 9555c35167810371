//! Routes: their order, a form that writes the filter from chosen conditions, and trying a lead without storing it.

use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use leadwire_core::filter::VARIABLES;
use leadwire_core::filter::build::{self, Condition, Join, Test};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Conditions that the form has room for; more than these are written as text.
const CONDITIONS: usize = 4;
/// Fields of a lead that the trial asks for.
const TRIED: [&str; 7] = ["source", "action", "country", "email", "company", "title", "notes"];

#[derive(Template)]
#[template(path = "portal/routes.html")]
struct RoutesPage {
    shell: Shell,
    rows: Vec<wire::Route>,
    offers: Vec<wire::Offer>,
    has_destination: bool,
    may_change: bool,
    typed: Vec<(&'static str, String)>,
    offer: String,
    tried: Option<wire::RouteTried>,
    wrong: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "portal/route.html")]
struct RoutePage {
    shell: Shell,
    /// The route that is there already.
    present: Option<String>,
    offers: Vec<(String, String)>,
    offer: String,
    destinations: Vec<String>,
    destination: String,
    variables: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    is_any: bool,
    stop: bool,
    text: String,
    slips: Vec<Slip>,
    wrong: Option<(String, String)>,
}

/// What is wrong with how the condition was put; of everything else the API says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    /// This row has a value, and asks of no field that is known: left out, it would make the route wider than was meant.
    NoField(usize),
    /// There is text and something is chosen: whichever counted, somebody would have meant the other.
    Twice,
}

/// A condition as it was chosen.
struct Row {
    at: usize,
    field: String,
    test: String,
    value: String,
}

/// `GET /routes`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&routes_page(&visit, None, None).await?))
}

async fn routes_page(
    visit: &Visit,
    tried: Option<wire::RouteTried>,
    wrong: Option<(String, String)>,
) -> Result<RoutesPage, Problem> {
    let routes: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let destinations: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    Ok(RoutesPage {
        shell: visit.shell("routes-title").at("/routes"),
        rows: routes.items,
        offers: offers.items,
        has_destination: !destinations.items.is_empty(),
        may_change: visit.may(Action::ChangeSetup),
        typed: TRIED.map(|it| (it, visit.field(it).to_owned())).to_vec(),
        offer: visit.field("offer").to_owned(),
        tried,
        wrong,
    })
}

/// `POST /routes/try`
pub(super) async fn attempt(visit: Visit) -> Result<Response, Problem> {
    let mut lead = Map::new();
    let mut customer = Map::new();
    let fields = TRIED.into_iter().chain(["offer"]);
    for (name, value) in fields.map(|it| (it, visit.field(it).trim())).filter(|it| !it.1.is_empty()) {
        let group = match name {
            "source" | "action" | "offer" | "notes" => &mut lead,
            _ => &mut customer,
        };
        group.insert(name.to_owned(), Value::from(value));
    }
    lead.insert("customer".to_owned(), Value::Object(customer));
    let wish = Wish::post("/v1/routes/test").body(json!({ "lead": lead }));
    match visit.ask::<wire::RouteTried>(wish).await {
        Ok(tried) => Ok(html(StatusCode::OK, &routes_page(&visit, Some(tried), None).await?)),
        Err(problem) if !problem.errors().is_empty() => {
            let page = routes_page(&visit, None, Some(owned(problem.words()))).await?;
            Ok(html(problem.status(), &page))
        }
        Err(problem) => Err(problem),
    }
}

fn owned((what, fix): (&str, &str)) -> (String, String) {
    (what.to_owned(), fix.to_owned())
}

/// `GET /routes/new`
pub(super) async fn new(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    Ok(visit.page(&form(&visit, None, None).await?))
}

/// `POST /routes/new`
pub(super) async fn add(visit: Visit) -> Result<Response, Problem> {
    let Ok(mut new) = asked(&visit) else { return again(&visit, None).await };
    if visit.field("do") == "text" {
        return again(&visit, None).await;
    }
    if let Some(new) = new.as_object_mut().filter(|it| it["filter"] == "") {
        new.remove("filter");
    }
    let made = visit.ask::<wire::Route>(Wish::post("/v1/routes").body(new)).await;
    stored(&visit, made, None).await
}

/// `GET /routes/{route}`
pub(super) async fn edit(visit: Visit) -> Result<Response, Problem> {
    may_change(&visit)?;
    let present = find(&visit).await?;
    Ok(visit.page(&form(&visit, Some(&present), None).await?))
}

/// `POST /routes/{route}/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let places = [("route", visit.place("route"))];
    let change = |body: Value| Wish { method: Method::PATCH, ..Wish::get("/v1/routes/{route}") }.body(body);
    match visit.place("deed") {
        "save" => match asked(&visit) {
            Ok(asked) if visit.field("do") != "text" => {
                let saved = visit.ask::<wire::Route>(change(asked).at(&places)).await;
                let present = find(&visit).await?;
                stored(&visit, saved, Some(&present)).await
            }
            _ => again(&visit, Some(&find(&visit).await?)).await,
        },
        deed @ ("up" | "down") => {
            let at = find(&visit).await?.position;
            let to = if deed == "up" { at.saturating_sub(1).max(1) } else { at + 1 };
            let _: wire::Route = visit.ask(change(json!({ "position": to })).at(&places)).await?;
            Ok(visit.done("/routes", "saved"))
        }
        "remove" => {
            let wish = Wish { method: Method::DELETE, ..Wish::get("/v1/routes/{route}") };
            let _: Value = visit.ask(wish.at(&places)).await?;
            Ok(visit.done("/routes", "taken-away"))
        }
        _ => Err(Problem::not_found()),
    }
}

fn may_change(visit: &Visit) -> Result<(), Problem> {
    if visit.may(Action::ChangeSetup) { Ok(()) } else { Err(Problem::forbidden()) }
}

async fn find(visit: &Visit) -> Result<wire::Route, Problem> {
    let all: wire::List<wire::Route> = visit.ask(Wish::get("/v1/routes")).await?;
    all.items.into_iter().find(|it| it.id == visit.place("route")).ok_or_else(Problem::not_found)
}

/// The route as the form asks for it.
fn asked(visit: &Visit) -> Result<Value, Vec<Slip>> {
    Ok(json!({
        "offer": visit.field("offer"),
        "destination": visit.field("destination"),
        "filter": filter(&visit.form)?,
        "stop": visit.field("stop") == "yes",
    }))
}

/// The filter of a form: its text, or the conditions that were chosen.
fn filter(form: &HashMap<String, String>) -> Result<String, Vec<Slip>> {
    let part = |name: &str| form.get(name).map_or("", |it| it.trim());
    let (mut conditions, mut slips) = (Vec::new(), Vec::new());
    for at in 0..CONDITIONS {
        let [field, test, value] = ["field", "test", "value"].map(|it| part(&format!("{it}_{at}")));
        // A test always says something: a row is empty without the others.
        if field.is_empty() && value.is_empty() {
            continue;
        }
        match Test::parse(test).and_then(|test| Condition::new(field, test, value)) {
            Some(condition) => conditions.push(condition),
            None => slips.push(Slip::NoField(at)),
        }
    }
    let text = part("text");
    if !text.is_empty() && !conditions.is_empty() {
        slips.push(Slip::Twice);
    }
    let join = if part("join") == "any" { Join::Any } else { Join::All };
    match (slips.is_empty(), text) {
        (false, _) => Err(slips),
        (true, "") => Ok(build::build(join, &conditions)),
        (true, text) => Ok(text.to_owned()),
    }
}

/// The form as it was sent, with what is wrong with it beside the fields, or with the choices as text.
async fn again(visit: &Visit, present: Option<&wire::Route>) -> Result<Response, Problem> {
    may_change(visit)?;
    let page = form(visit, present, None).await?;
    let status = if page.slips.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(html(status, &page))
}

async fn stored(
    visit: &Visit,
    made: Result<wire::Route, Problem>,
    present: Option<&wire::Route>,
) -> Result<Response, Problem> {
    match made {
        Ok(_) => Ok(visit.on_to(&visit.shell("routes-title"), "/routes", "saved")),
        Err(problem) if !problem.errors().is_empty() => {
            let page = form(visit, present, Some(owned(problem.words()))).await?;
            Ok(html(problem.status(), &page))
        }
        Err(problem) => Err(problem),
    }
}

async fn form(
    visit: &Visit,
    present: Option<&wire::Route>,
    wrong: Option<(String, String)>,
) -> Result<RoutePage, Problem> {
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let destinations: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let was_sent = !visit.form.is_empty();
    let kept = |name: &str, there: Option<&str>, asked: &str| match was_sent {
        true => visit.field(name).to_owned(),
        false => there.unwrap_or(asked).to_owned(),
    };
    let mut offers: Vec<(String, String)> = offers.items.into_iter().map(|it| (it.id, it.title)).collect();
    let offer = kept("offer", present.map(|it| it.offer.as_str()), visit.asked("offer"));
    // The start of offers' ids, which the command line and the API can set, is kept as it is.
    if offer.ends_with('*') && offer != "*" {
        offers.insert(0, (offer.clone(), offer.clone()));
    }
    let chosen = filter(&visit.form);
    let becomes_text = chosen.is_ok() && visit.field("do") == "text";
    let (text, slips) = match chosen {
        Ok(chosen) if becomes_text => (chosen, Vec::new()),
        _ if !was_sent => (present.and_then(|it| it.filter.clone()).unwrap_or_default(), Vec::new()),
        chosen => (visit.field("text").to_owned(), chosen.err().unwrap_or_default()),
    };
    let shell = visit.shell(if present.is_some() { "route-edit" } else { "route-new" });
    let path = present.map_or_else(|| "/routes/new".to_owned(), |it| format!("/routes/{}", it.id));
    let row = |at: usize| {
        // What the text says now is not chosen as well.
        let part = |it: &str| match becomes_text {
            true => String::new(),
            false => visit.field(&format!("{it}_{at}")).to_owned(),
        };
        Row { at, field: part("field"), test: part("test"), value: part("value") }
    };
    Ok(RoutePage {
        variables: VARIABLES.iter().map(|it| (it.name, shell.variable(it.name))).collect(),
        rows: (0..CONDITIONS).map(row).collect(),
        destination: kept(
            "destination",
            present.map(|it| it.destination.as_str()),
            visit.asked("destination"),
        ),
        destinations: destinations.items.into_iter().map(|it| it.name).collect(),
        is_any: visit.field("join") == "any",
        stop: if was_sent { visit.field("stop") == "yes" } else { present.is_some_and(|it| it.stop) },
        present: present.map(|it| it.id.clone()),
        shell: shell.at(&path),
        offers,
        offer,
        text,
        slips,
        wrong,
    })
}

impl RoutePage {
    fn tests(&self) -> Vec<(&'static str, String)> {
        Test::ALL.into_iter().map(|it| (it.as_str(), self.shell.name_of("test", it.as_str()))).collect()
    }

    fn lacks_field(&self, at: &usize) -> bool {
        self.slips.contains(&Slip::NoField(*at))
    }

    fn is_twice(&self) -> bool {
        self.slips.contains(&Slip::Twice)
    }

    fn how_many(&self) -> String {
        self.shell.say_count("mistakes", &(self.slips.len() as u64))
    }

    fn action(&self) -> String {
        match &self.present {
            Some(route) => self.shell.deed("/routes", route, "save"),
            None => format!("{}/routes/new", self.shell.look.base),
        }
    }
}

impl Shell {
    /// What a field of a filter is called; its name where nobody has written words for it.
    pub(super) fn variable(&self, name: &str) -> String {
        let key = name.replace(['.', '_'], "-");
        let words = self.name_of("variable", &key);
        if words == key { name.to_owned() } else { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPANY: [(&str, &str); 3] =
        [("field_0", "customer.company"), ("test_0", "is"), ("value_0", "Contoso")];

    fn of(sent: &[(&str, &str)]) -> Result<String, Vec<Slip>> {
        filter(&sent.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect())
    }

    #[test]
    fn a_filter_is_the_text_or_what_was_chosen() {
        assert_eq!(of(&COMPANY), Ok("customer.company == 'Contoso'".to_owned()));
        assert_eq!(of(&[("test_0", "is"), ("value_0", " "), ("text", " test ")]), Ok("test".to_owned()));
        assert_eq!(of(&[("test_0", "is"), ("test_1", "is")]), Ok(String::new()));
    }

    #[test]
    fn a_value_without_a_field_is_refused_and_not_left_out() {
        let second = [("field_1", ""), ("test_1", "is"), ("value_1", "HU")];
        assert_eq!(of(&[COMPANY, second].concat()), Err(vec![Slip::NoField(1)]));
        assert_eq!(of(&[("field_2", "customer.shoe_size"), ("test_2", "is")]), Err(vec![Slip::NoField(2)]));
    }

    #[test]
    fn text_and_choices_at_once_are_refused() {
        assert_eq!(of(&[&COMPANY[..], &[("text", "test")]].concat()), Err(vec![Slip::Twice]));
    }
}
