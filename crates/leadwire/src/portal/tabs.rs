//! The settings of a publisher and of the service: a page for each matter, shown to whoever may see it.

use super::shell::{Place, Shell};
use super::visit::{Visit, see_other};
use crate::access::Action;
use crate::api::Problem;
use axum::response::Response;

/// Every matter: where its page is, its name, and what one must be allowed to do to see it.
const ALL: [(&str, &str, Action); 9] = [
    ("/users", "users", Action::ManageKeys),
    ("/settings/keys", "keys", Action::ManageKeys),
    ("/settings/alerts", "alerts", Action::ReadSetup),
    ("/settings/follow-ups", "follow-ups", Action::ReadSetup),
    ("/settings/identity", "identity", Action::ReadSetup),
    ("/settings/interest", "interest", Action::ReadSetup),
    ("/settings/withhold", "withhold", Action::ReadSetup),
    ("/settings/retention", "retention", Action::ReadSetup),
    ("/settings/statements", "statements", Action::ReadLeads),
];

/// Whether a page is one of settings.
pub(super) fn is_one(path: &str) -> bool {
    path == "/users" || path.starts_with("/users/") || path.starts_with("/settings")
}

/// The tabs above a page of settings; none above others.
pub(super) fn of(visit: &Visit, shell: &Shell) -> Vec<Place> {
    if is_one(visit.address.path()) { all(visit, shell) } else { Vec::new() }
}

/// Every matter that this user may see.
pub(super) fn all(visit: &Visit, shell: &Shell) -> Vec<Place> {
    let path = visit.address.path();
    let seen = ALL.into_iter().filter(|it| visit.may(it.2));
    seen.map(|(place, key, _)| Place {
        url: shell.to(place),
        name: shell.say(&format!("tab-{key}")),
        icon: "",
        is_here: path == place || path.strip_prefix(place).is_some_and(|it| it.starts_with('/')),
    })
    .collect()
}

/// `GET /settings`
pub(super) async fn first(visit: Visit) -> Result<Response, Problem> {
    let first = ALL.into_iter().find(|it| visit.may(it.2)).ok_or_else(Problem::forbidden)?;
    Ok(see_other(&visit.shell("settings-title").to(first.0)))
}
