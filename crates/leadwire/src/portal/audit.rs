//! The audit log in words: who changed what, found by who, what and when; and a signed checkpoint to keep elsewhere.

use super::shell::{Shell, in_path};
use super::views::{self, Views};
use super::visit::{Visit, attachment, html};
use crate::access::{Action, Role};
use crate::api::{Problem, Wish, told_actions, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::limits;

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<Line>,
    next: Option<String>,
    is_first: bool,
    wish: Asked,
    people: Vec<(String, String)>,
    /// Actions in words, by what they are done to.
    actions: Vec<(String, Vec<(String, String)>)>,
    /// Whether an operator chooses between the publisher's log and their own.
    may_switch: bool,
    wrong: Vec<(String, String)>,
    views: Views,
}

/// What is asked for.
#[derive(Default)]
struct Asked {
    is_own: bool,
    who: String,
    action: String,
    from: String,
    to: String,
}

/// An entry for people.
struct Line {
    number: String,
    at: String,
    who: String,
    /// What they might do; empty where the name says it.
    role: String,
    what: String,
    subject: String,
    url: Option<String>,
    detail: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let text = |name: &str| visit.asked(name).trim().to_owned();
        let is_operator = visit.user().actor.role == Role::Operator;
        Self {
            is_own: is_operator && visit.asked("whose") == "operator",
            who: text("who"),
            action: text("action"),
            from: text("from"),
            to: text("to"),
        }
    }

    fn is_narrow(&self) -> bool {
        [&self.who, &self.action, &self.from, &self.to].iter().any(|it| !it.is_empty())
    }

    fn whose(&self) -> &'static str {
        if self.is_own { "operator" } else { "" }
    }
}

/// `GET /audit`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let (wish, limit) = (Asked::of(&visit), limits::PORTAL_ROWS.to_string());
    // Days are whole: the last one is in it.
    let zone = visit.look.zone();
    let (from, until) = (zone.begin_of(&wish.from), zone.end_of(&wish.to));
    let query = [
        ("limit", limit.as_str()),
        ("cursor", visit.asked("cursor")),
        ("who", &wish.who),
        ("action", &wish.action),
        ("from", &from),
        ("to", &until),
    ];
    let asked = Wish::get("/v1/audit").with(&query);
    let found = if wish.is_own { visit.ask_all(asked).await } else { visit.ask(asked).await };
    let (found, wrong): (wire::Page<wire::AuditEntry>, _) = match found {
        Ok(found) => (found, Vec::new()),
        Err(problem) if !problem.errors().is_empty() => {
            let words = |it: &leadwire_core::refusal::Refusal| (it.message.clone(), it.fix.clone());
            let wrong = problem.errors().iter().map(words).collect();
            (wire::Page { items: Vec::new(), next: None }, wrong)
        }
        Err(problem) => return Err(problem),
    };
    let mut people = people(&visit).await?;
    let shell = visit.shell("audit-title");
    let rows = found.items.into_iter().map(|it| line(&visit, &shell, &people, it)).collect();
    let chosen = [
        ("whose", wish.whose()),
        ("who", &wish.who),
        ("action", &wish.action),
        ("from", &wish.from),
        ("to", &wish.to),
    ];
    let mut place = 0;
    // A page stays small: whoever is asked for stands in the choice, however many there are.
    people.retain(|it| {
        place += 1;
        place <= PEOPLE_SHOWN || it.0 == wish.who
    });
    let page = AuditPage {
        views: views::of(&visit, &shell, "audit", &chosen).await?,
        rows,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        actions: actions(&shell),
        may_switch: visit.user().actor.role == Role::Operator,
        people,
        wish,
        wrong,
        shell,
    };
    let status = if page.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(html(status, &page))
}

/// Users and keys that the choice has; more are asked for on the command line.
const PEOPLE_SHOWN: usize = 100;

/// Users and keys by id, with their names.
async fn people(visit: &Visit) -> Result<Vec<(String, String)>, Problem> {
    if !visit.may(Action::ManageKeys) {
        return Ok(Vec::new());
    }
    // An operator sees everybody, and so does the log of what operators did to a publisher.
    let users: wire::Users = visit.ask_all(Wish::get("/v1/users")).await?;
    let keys: wire::List<wire::ApiKey> = visit.ask_all(Wish::get("/v1/keys")).await?;
    let users = users.items.into_iter().map(|it| (it.id, it.name));
    let keys = keys.items.into_iter().map(|it| {
        let name = if it.title.is_empty() { it.role } else { it.title };
        (it.id, format!("{name} …{}", it.tail))
    });
    Ok(users.chain(keys).collect())
}

fn actions(shell: &Shell) -> Vec<(String, Vec<(String, String)>)> {
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for action in told_actions() {
        let noun = shell.name_of("noun", action.split('.').next().unwrap_or_default());
        let one = (deed(shell, &action), action);
        match groups.iter_mut().find(|it| it.0 == noun) {
            Some(group) => group.1.push((one.1, one.0)),
            None => groups.push((noun, vec![(one.1, one.0)])),
        }
    }
    groups.sort_by_cached_key(|it| leadwire_core::text::search_form(&it.0));
    groups
}

/// What was done, in words.
fn deed(shell: &Shell, action: &str) -> String {
    let key = action.replace('.', "-");
    let said = shell.name_of("deed", &key);
    if said == key { action.to_owned() } else { said }
}

fn line(visit: &Visit, shell: &Shell, people: &[(String, String)], it: wire::AuditEntry) -> Line {
    let known = people.iter().find(|one| one.0 == it.who).map(|one| one.1.clone());
    let who = match known {
        Some(name) => name,
        None if it.who == "service" => shell.say("audit-service"),
        None => it.who.clone(),
    };
    Line {
        number: shell.say_with("audit-number", it.number.to_string()),
        what: match is_repair(&it) {
            true => shell.say("deed-quarantine-repair"),
            false => deed(shell, &it.action),
        },
        at: it.at,
        role: if it.role.is_empty() { String::new() } else { shell.name_of("role", &it.role) },
        who,
        url: url(visit, shell, (&it.action, &it.subject)),
        subject: it.subject,
        detail: it.detail.replace(' ', ", "),
    }
}

/// Whether somebody brought another body in the place of one that could not be read.
fn is_repair(it: &wire::AuditEntry) -> bool {
    it.action == "quarantine.retry" && it.detail.split(' ').any(|it| it == "body")
}

/// The page of what an entry is about, while it is there.
fn url(visit: &Visit, shell: &Shell, (action, subject): (&str, &str)) -> Option<String> {
    let first = subject.split(' ').next().filter(|it| !it.is_empty());
    let (noun, verb) = action.split_once('.')?;
    let one = |path: &str| first.map(|id| shell.to_one(path, id));
    let is_gone = verb == "remove";
    match noun {
        "lead" => one("/leads"),
        "delivery" => one("/deliveries"),
        "destination" if !is_gone => one("/destinations"),
        "offer" if !is_gone => {
            // The page of an offer goes by its full id.
            let full =
                |id: &str| if id.contains('.') { id.to_owned() } else { format!("{}.{id}", shell.publisher) };
            first.map(|id| shell.to_one("/offers", &full(id)))
        }
        "intake_address" => Some(shell.to("/offers")),
        "route" if !is_gone && verb != "order" && visit.may(Action::ChangeSetup) => one("/routes"),
        "route" => Some(shell.to("/routes")),
        "replay" => one("/replays"),
        "view" => first
            .filter(|it| ["deliveries", "reports", "audit"].contains(it))
            .map(|it| shell.to(&format!("/{it}"))),
        "quarantine" if first.is_some_and(|it| it.starts_with("qrt_")) => one("/quarantine"),
        "quarantine" => Some(shell.to("/quarantine")),
        "suggestion" => Some(shell.to("/suggestions")),
        "user" => Some(shell.to("/users")),
        "key" => Some(shell.to("/settings/keys")),
        "notice" => Some(shell.to("/settings/alerts")),
        "retention" => Some(shell.to("/settings/retention")),
        "follow_up" if !is_gone => one("/settings/follow-ups"),
        "identity_rule" => Some(shell.to("/settings/identity")),
        "interest_rule" => Some(shell.to("/settings/interest")),
        "withhold_rule" => Some(shell.to("/settings/withhold")),
        _ => None,
    }
}

impl AuditPage {
    fn whose(&self, whose: &str) -> String {
        self.shell.link("/audit", &[("whose", whose)])
    }

    fn behind(&self, cursor: &str) -> String {
        let query = [
            ("whose", self.wish.whose()),
            ("who", &self.wish.who),
            ("action", &self.wish.action),
            ("from", &self.wish.from),
            ("to", &self.wish.to),
            ("cursor", cursor),
        ];
        self.shell.link("/audit", &query)
    }
}

/// `POST /audit/checkpoint`
pub(super) async fn checkpoint(visit: Visit) -> Result<Response, Problem> {
    let is_own = visit.user().actor.role == Role::Operator && visit.field("whose") == "operator";
    let wish = Wish::post("/v1/audit/checkpoint");
    let made: wire::AuditCheckpoint =
        if is_own { visit.ask_all(wish).await? } else { visit.ask(wish).await? };
    let whose = if made.publisher.is_empty() { "operator".to_owned() } else { in_path(&made.publisher) };
    let name = format!("checkpoint-{whose}-{}.txt", made.number);
    Ok(attachment(&name, "text/plain; charset=utf-8", made.line() + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::words;
    use leadwire_core::language::Language;

    #[test]
    fn whatever_can_be_told_has_words_in_every_language() {
        for action in told_actions() {
            let (noun, _) = action.split_once('.').expect("a noun and what is done to it");
            for (of, name) in [("noun", noun), ("deed", &action)] {
                let key = format!("{of}-{}", name.replace(['.', '_'], "-"));
                for language in Language::ALL {
                    assert!(words::find(language, &key, &[]).is_some(), "{key} in {language:?}");
                }
            }
        }
    }
}
