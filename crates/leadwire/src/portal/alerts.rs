//! Alerts: who is told of trouble and how that went, a test, what is muted, and what was told last.

use super::form::{Form, Maker, Refused, Shape, choices, delete, lines, put};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::access::{Action, Role};
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "portal/alerts.html")]
struct AlertsPage {
    shell: Shell,
    /// Whether these are the operator's own.
    is_own: bool,
    may_switch: bool,
    may_change: bool,
    receivers: Vec<wire::NoticeReceiver>,
    receiver_form: Form,
    /// Whether there is a destination that could tell somebody.
    has_carrier: bool,
    mutes: Vec<wire::NoticeMute>,
    /// How many there are beside those.
    more: u64,
    mute_form: Form,
    notices: Vec<wire::Notice>,
    tested: Vec<wire::NoticeTold>,
}

/// What a page is made with beside what is there.
#[derive(Default)]
struct With {
    refused: Option<Refused>,
    tested: Vec<wire::NoticeTold>,
}

/// Notices on the page, the newest.
const NOTICES_SHOWN: &str = "20";

/// How long something may be muted by the form, in seconds, with the words for it.
const SPANS: [(&str, &str); 5] =
    [("3600", "hour"), ("14400", "hours"), ("86400", "day"), ("604800", "week"), ("2592000", "month")];

fn is_own(visit: &Visit) -> bool {
    let named = [visit.field("whose"), visit.asked("whose")].contains(&"operator");
    named && visit.user().actor.role == Role::Operator
}

/// Asks about the operator's own alerts, or the publisher's.
async fn ask<T: DeserializeOwned>(visit: &Visit, wish: Wish<'_>) -> Result<T, Problem> {
    if is_own(visit) { visit.ask_all(wish).await } else { visit.ask(wish).await }
}

/// `GET /settings/alerts`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    page(&visit, With::default()).await
}

async fn page(visit: &Visit, with: With) -> Result<Response, Problem> {
    let receivers: wire::List<wire::NoticeReceiver> = ask(visit, Wish::get("/v1/notices/receivers")).await?;
    let mutes: wire::List<wire::NoticeMute> = ask(visit, Wish::get("/v1/notices/mutes")).await?;
    let newest = [("limit", NOTICES_SHOWN)];
    let notices: wire::List<wire::Notice> = ask(visit, Wish::get("/v1/notices").with(&newest)).await?;
    let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let carries =
        |it: &&wire::Destination| leadwire_connect::kind(&it.kind).is_some_and(|kind| kind.carries_notices);
    let carriers: Vec<&str> = all.items.iter().filter(carries).map(|it| it.name.as_str()).collect();
    let is_own = is_own(visit);
    let shell = visit.shell("tab-alerts");
    let shell = if is_own {
        shell.at_with("/settings/alerts", "whose", "operator")
    } else {
        shell.at("/settings/alerts")
    };
    let named: Vec<&str> = receivers.items.iter().map(|it| it.name.as_str()).collect();
    let refused = with.refused.as_ref();
    let receiver_form = receiver_form((visit, &shell, refused), &named, &carriers);
    let places: Vec<&str> = all.items.iter().map(|it| it.name.as_str()).collect();
    let mute_form = mute_form((visit, &shell, refused), if is_own { &[] } else { &places });
    let page = AlertsPage {
        may_switch: visit.user().actor.role == Role::Operator,
        may_change: visit.may(Action::ChangeSetup),
        has_carrier: is_own || !carriers.is_empty(),
        receivers: receivers.items,
        more: mutes.items.len().saturating_sub(limits::PORTAL_ROWS) as u64,
        mutes: mutes.items.into_iter().take(limits::PORTAL_ROWS).collect(),
        notices: notices.items,
        tested: with.tested,
        receiver_form,
        mute_form,
        is_own,
        shell,
    };
    Ok(html(with.refused.map_or(StatusCode::OK, |it| it.status), &page))
}

type Around<'a> = (&'a Visit, &'a Shell, Option<&'a Refused>);

/// The first that works is told. The operator's are of any publisher, and are written out.
fn receiver_form((visit, shell, refused): Around<'_>, named: &[&str], carriers: &[&str]) -> Form {
    let mut maker = Maker::new("receivers", visit, refused);
    if is_own(visit) {
        let all = maker.ask("receivers", shell.say("alert-receivers"), &named.join("\n"));
        all.shape(Shape::Lines(4, "")).hint(shell.say("alert-receivers-hint"));
        return maker.done();
    }
    let places = (named.len() + 1).clamp(2, limits::NOTICE_RECEIVERS_MAX);
    for at in 0..places {
        let mut all = vec![(String::new(), "–".to_owned())];
        let gone = named.get(at).filter(|it| !carriers.contains(it));
        all.extend(carriers.iter().chain(gone).map(|it| ((*it).to_owned(), (*it).to_owned())));
        let label = shell.say_with("alert-place", (at + 1).to_string());
        maker.ask(&format!("receivers.{at}"), label, named.get(at).unwrap_or(&"")).shape(Shape::Choice(all));
    }
    maker.done()
}

fn mute_form((visit, shell, refused): Around<'_>, destinations: &[&str]) -> Form {
    let mut maker = Maker::new("mute", visit, refused);
    let kinds = NoticeKind::ALL.map(NoticeKind::as_str);
    let mut all = vec![(String::new(), shell.say("alert-any-kind"))];
    all.extend(choices(shell, "notice", &kinds));
    maker.ask("kind", shell.say("alert-kind"), "").shape(Shape::Choice(all));
    if !destinations.is_empty() {
        let mut all = vec![(String::new(), shell.say("alert-any-destination"))];
        all.extend(destinations.iter().map(|it| ((*it).to_owned(), (*it).to_owned())));
        maker.ask("destination", shell.say("destination"), "").shape(Shape::Choice(all));
    }
    let spans = SPANS.map(|(seconds, name)| (seconds.to_owned(), shell.name_of("span", name)));
    maker.ask("for_seconds", shell.say("alert-span"), "86400").shape(Shape::Choice(spans.to_vec()));
    maker.done()
}

impl AlertsPage {
    fn whose(&self, whose: &str) -> String {
        self.shell.link("/settings/alerts", &[("whose", whose)])
    }

    /// When somebody was told of a notice, or why nobody was.
    fn told(&self, it: &wire::Notice) -> String {
        let when = self.shell.when(&it.told);
        if when.is_empty() { self.shell.name_of("told", &it.told) } else { when }
    }
}

/// `POST /settings/alerts/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    match visit.place("deed") {
        "receivers" => receivers(visit).await,
        "test" => test(visit).await,
        "mute" => mute(visit).await,
        "unmute" => unmute(visit).await,
        _ => Err(Problem::not_found()),
    }
}

async fn receivers(visit: Visit) -> Result<Response, Problem> {
    let typed: Vec<String> = match is_own(&visit) {
        true => lines(visit.field("receivers")).into_iter().map(str::to_owned).collect(),
        false => (0..limits::NOTICE_RECEIVERS_MAX)
            .map(|at| visit.field(&format!("receivers.{at}")).to_owned())
            .filter(|it| !it.is_empty())
            .collect(),
    };
    let wish = put("/v1/notices/receivers").body(json!({ "receivers": typed }));
    answer(&visit, "receivers", ask::<Value>(&visit, wish).await).await
}

async fn test(visit: Visit) -> Result<Response, Problem> {
    let name = visit.field("receiver");
    let body = if name.is_empty() { json!({}) } else { json!({ "receiver": name }) };
    let told = ask::<wire::List<wire::NoticeTold>>(&visit, Wish::post("/v1/notices/test").body(body)).await;
    match told {
        Ok(told) => page(&visit, With { tested: told.items, ..With::default() }).await,
        Err(problem) => again(&visit, "receivers", problem).await,
    }
}

async fn mute(visit: Visit) -> Result<Response, Problem> {
    let seconds = visit.field("for_seconds");
    let Ok(seconds) = seconds.parse::<u64>() else {
        let words = ("this is no time", "choose one of the list");
        let refused = Some(Refused::by("mute", "/for_seconds", words));
        return page(&visit, With { refused, ..With::default() }).await;
    };
    let mut new = json!({ "for_seconds": seconds });
    for name in ["kind", "destination"] {
        let chosen = visit.field(name);
        if !chosen.is_empty() {
            new[name] = json!(chosen);
        }
    }
    answer(&visit, "mute", ask::<Value>(&visit, Wish::post("/v1/notices/mutes").body(new)).await).await
}

async fn unmute(visit: Visit) -> Result<Response, Problem> {
    let query = [("destination", visit.field("destination")), ("kind", visit.field("kind"))];
    answer(&visit, "mute", ask::<Value>(&visit, delete("/v1/notices/mutes").with(&query)).await).await
}

async fn answer(
    visit: &Visit,
    form: &'static str,
    said: Result<Value, Problem>,
) -> Result<Response, Problem> {
    match said {
        Ok(_) => Ok(visit.done("/settings/alerts", "saved")),
        Err(problem) => again(visit, form, problem).await,
    }
}

async fn again(visit: &Visit, form: &'static str, problem: Problem) -> Result<Response, Problem> {
    let refused = Some(Refused::of(form, problem)?);
    page(visit, With { refused, ..With::default() }).await
}
