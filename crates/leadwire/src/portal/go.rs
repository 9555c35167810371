//! The way to anything by its name: pages, destinations, offers and leads; and the keys that the portal knows.

use super::shell::{Place, Shell};
use super::tabs;
use super::visit::Visit;
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::response::Response;
use leadwire_core::id::{DeliveryId, LeadId};
use leadwire_core::limits;
use leadwire_core::text::search_form;

#[derive(Template)]
#[template(path = "portal/go.html")]
struct GoPage {
    shell: Shell,
    sought: String,
    groups: Vec<Group>,
}

/// What was found of a kind.
struct Group {
    id: &'static str,
    title: String,
    hits: Vec<Hit>,
}

/// Something that was found.
struct Hit {
    name: String,
    more: String,
    url: String,
}

/// Most of a kind that are shown: more are for the page of that kind.
const HITS_SHOWN: usize = 8;

/// `GET /go`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let shell = visit.shell("go-title");
    let sought: String = visit.asked("find").trim().chars().take(limits::SEARCH_WORD_CHARS_MAX * 4).collect();
    let words: Vec<String> = search_form(&sought).split_whitespace().map(str::to_owned).collect();
    let mut groups = vec![Group { id: "pages", title: shell.say("go-pages"), hits: pages(&visit, &shell) }];
    if !words.is_empty() && visit.publisher().is_some() {
        groups.extend(things(&visit, &shell, &sought).await?);
    }
    for group in &mut groups {
        // Leads were found by the API, which knows more of them than is shown.
        group.hits.retain(|it| group.id == "leads" || is_meant(it, &words));
        group.hits.truncate(if words.is_empty() { usize::MAX } else { HITS_SHOWN });
    }
    groups.retain(|it| !it.hits.is_empty());
    Ok(visit.page(&GoPage { shell, sought, groups }))
}

/// Whether each word begins or is within what something is called.
fn is_meant(it: &Hit, words: &[String]) -> bool {
    let called = search_form(&format!("{} {}", it.name, it.more));
    words.iter().all(|word| called.contains(word.as_str()))
}

fn pages(visit: &Visit, shell: &Shell) -> Vec<Hit> {
    let settings = tabs::all(visit, shell);
    let section = shell.say("settings-title");
    let own = shell.places.iter().map(|it| (it, String::new()));
    let all = own.chain(settings.iter().map(|it| (it, section.clone())));
    let mut hits: Vec<Hit> = all
        .map(|(it, more): (&Place, String)| Hit { name: it.name.clone(), more, url: it.url.clone() })
        .collect();
    let mut more = vec![
        ("suggestions-title", "/suggestions"),
        ("quarantine-title", "/quarantine"),
        ("replays", "/replays"),
    ];
    if visit.may(Action::RetryDeliveries) {
        more.push(("replay-new", "/replays/new"));
    }
    if !shell.is_guest {
        more.push(("account-title", "/account"));
    }
    if visit.may(Action::ChangeSetup) {
        more.extend([
            ("connect-title", "/connect"),
            ("route-new", "/routes/new"),
            ("follow-up-add", "/settings/follow-ups/new"),
        ]);
    }
    hits.extend(more.into_iter().map(|(key, path)| Hit {
        name: shell.say(key),
        more: String::new(),
        url: shell.to(path),
    }));
    hits
}

async fn things(visit: &Visit, shell: &Shell, sought: &str) -> Result<Vec<Group>, Problem> {
    let mut groups = Vec::new();
    if visit.may(Action::ReadSetup) {
        let all: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
        let hits = all.items.into_iter().map(|it| Hit {
            url: shell.to_one("/destinations", &it.name),
            more: leadwire_connect::kind(&it.kind).map_or("", |kind| kind.title).to_owned(),
            name: it.name,
        });
        let title = shell.say("destinations-title");
        groups.push(Group { id: "destinations", title, hits: hits.collect() });
        let all: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
        let hits = all.items.into_iter().map(|it| Hit {
            url: shell.to_one("/offers", &it.id),
            more: it.id,
            name: it.title,
        });
        groups.push(Group { id: "offers", title: shell.say("offers-title"), hits: hits.collect() });
    }
    if visit.may(Action::ReadLeads) {
        groups.push(Group {
            id: "leads",
            title: shell.say("leads-title"),
            hits: leads(visit, shell, sought).await?,
        });
    }
    Ok(groups)
}

async fn leads(visit: &Visit, shell: &Shell, sought: &str) -> Result<Vec<Hit>, Problem> {
    let by_id = |path: &str, name: String| {
        vec![Hit { name, more: sought.to_owned(), url: shell.to_one(path, sought) }]
    };
    if LeadId::parse(sought).is_ok() {
        return Ok(by_id("/leads", shell.say("lead")));
    }
    if DeliveryId::parse(sought).is_ok() {
        return Ok(by_id("/deliveries", shell.say("delivery")));
    }
    let limit = HITS_SHOWN.to_string();
    let query = [("limit", limit.as_str()), ("find", sought)];
    let found: wire::Leads = visit.ask(Wish::get("/v1/leads").with(&query)).await?;
    let hit = |it: wire::Lead| Hit {
        name: shell.customer(&it.customer),
        more: shell.said(&it.customer, "company"),
        url: shell.to_one("/leads", &it.id),
    };
    Ok(found.items.into_iter().map(hit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_found_by_any_of_its_words_without_marks() {
        let hit = Hit { name: "Célrendszerek".to_owned(), more: "İstanbul".to_owned(), url: String::new() };
        let words = |text: &str| search_form(text).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for good in ["", "cel", "CÉL ist", "rendszer"] {
            assert!(is_meant(&hit, &words(good)), "{good}");
        }
        assert!(!is_meant(&hit, &words("cel ankara")));
    }
}
