//! The same as a page shows, asked on the command line and by the API: what somebody copies from it.

use super::shell::{Shell, in_path};
use super::visit::Visit;
use url::form_urlencoded;

/// How else a page's content can be had.
pub(super) struct Calls {
    pub(super) command: String,
    pub(super) request: String,
}

/// A page's content: what is told the command line behind `leadwire`, the path of the API, and its parameters.
struct Same {
    words: Vec<String>,
    path: String,
    query: Vec<(&'static str, String)>,
}

/// How a command is told whose things are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// By its first word.
    First,
    /// By an option.
    Named,
    /// Not at all: it holds for every publisher.
    Nobodys,
}

/// What a choice of a page's address is called in the API, and on the command line behind two dashes.
type Choice = (&'static str, &'static str);

/// The commands for a page; none for pages that have none.
pub(super) fn of(visit: &Visit, shell: &Shell) -> Option<Calls> {
    let path = visit.address.path().trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let same = match parts.as_slice() {
        [list] => of_list(visit, shell, list)?,
        ["settings", list] => of_settings(shell, list)?,
        [kind, _] => of_one(visit, shell, kind)?,
        ["destinations", _, "mapping"] => of_mappings(visit, shell),
        _ => return None,
    };
    let words: Vec<String> = same.words.iter().map(|it| quoted(it)).collect();
    let query = same.query.iter().map(|it| (it.0, it.1.as_str()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let sign = if query.is_empty() { "" } else { "?" };
    let url = format!("{}{}{sign}{query}", visit.app.public_url(), same.path);
    Some(Calls {
        command: format!("leadwire {}", words.join(" ")),
        request: format!("curl -H \"Authorization: Bearer $LEADWIRE_KEY\" {}", quoted(&url)),
    })
}

fn of_list(visit: &Visit, shell: &Shell, list: &str) -> Option<Same> {
    let (command, path, choices): (&[&str], &str, &[Choice]) = match list {
        "leads" => (&["lead", "list"], "/v1/leads", &[("q", "find")]),
        "suggestions" => (&["lead", "suggestions"], "/v1/suggestions", &[]),
        "deliveries" => {
            (&["delivery", "list"], "/v1/deliveries", &[("state", "state"), ("destination", "destination")])
        }
        "failures" => (&["failure", "list"], "/v1/failures", &[]),
        "unrouted" => (&["route", "unrouted"], "/v1/touchpoints", &[]),
        "replays" => (&["replay", "list"], "/v1/replays", &[]),
        "quarantine" => (&["quarantine", "list"], "/v1/quarantine", &[]),
        "destinations" => (&["destination", "list"], "/v1/destinations", &[]),
        "offers" => (&["offer", "list"], "/v1/offers", &[]),
        "routes" => (&["route", "list"], "/v1/routes", &[]),
        "reports" => (&["report"], "/v1/reports", &[("by", "by"), ("from", "from"), ("to", "to")]),
        "audit" => {
            let choices: &[Choice] = &[("who", "who"), ("action", "action"), ("from", "from"), ("to", "to")];
            (&["audit", "list"], "/v1/audit", choices)
        }
        _ => return None,
    };
    let is_own = list == "audit" && visit.asked("whose") == "operator";
    let mut same = Same {
        words: command.iter().map(|it| (*it).to_owned()).collect(),
        path: path.to_owned(),
        query: Vec::new(),
    };
    if !is_own {
        same.about(&shell.publisher, if list == "audit" { Whose::Named } else { Whose::First });
    }
    for (name, called) in choices {
        let value = visit.asked(name).trim();
        // On a page the last day is in it; elsewhere the end is not.
        let value = match *called {
            "from" => visit.look.zone().begin_of(value),
            "to" => visit.look.zone().end_of(value),
            _ => value.to_owned(),
        };
        if !value.is_empty() {
            same.words.extend([format!("--{called}"), value.clone()]);
            same.query.push((called, value));
        }
    }
    Some(same)
}

fn of_settings(shell: &Shell, list: &str) -> Option<Same> {
    let (command, path, whose) = match list {
        "keys" => (["key", "list"], "/v1/keys", Whose::Named),
        "alerts" => (["notice", "list"], "/v1/notices", Whose::Named),
        "follow-ups" => (["follow-up", "list"], "/v1/follow-ups", Whose::First),
        "identity" => (["identity", "show"], "/v1/identity-rules", Whose::First),
        "interest" => (["interest", "list"], "/v1/interest-rules", Whose::Nobodys),
        "withhold" => (["withhold", "list"], "/v1/withhold-rules", Whose::Nobodys),
        "retention" => (["publisher", "retention"], "/v1/retention", Whose::First),
        "statements" => (["audit", "statement"], "/v1/statements", Whose::First),
        _ => return None,
    };
    let words = command.map(str::to_owned).to_vec();
    let mut same = Same { words, path: path.to_owned(), query: Vec::new() };
    same.about(&shell.publisher, whose);
    Some(same)
}

fn of_one(visit: &Visit, shell: &Shell, kind: &str) -> Option<Same> {
    let (noun, place, path) = match kind {
        "leads" => ("lead", "lead", "/v1/leads"),
        "deliveries" => ("delivery", "delivery", "/v1/deliveries"),
        "destinations" => ("destination", "destination", "/v1/destinations"),
        "offers" => ("offer", "offer", "/v1/offers"),
        "replays" => ("replay", "replay", "/v1/replays"),
        "quarantine" => ("quarantine", "quarantined", "/v1/quarantine"),
        _ => return None,
    };
    // A form for a new one has no id.
    let id = Some(visit.place(place)).filter(|it| !it.is_empty())?;
    let shown = if noun == "quarantine" { "explain" } else { "show" };
    let words = vec![noun.to_owned(), shown.to_owned()];
    let mut same = Same { words, path: format!("{path}/{}", in_path(id)), query: Vec::new() };
    same.about(&shell.publisher, Whose::First);
    if noun == "offer" {
        // Its full id says whose it is.
        same.words.truncate(2);
    }
    same.words.push(id.to_owned());
    Some(same)
}

fn of_mappings(visit: &Visit, shell: &Shell) -> Same {
    let name = visit.place("destination");
    let words = vec!["destination".to_owned(), "mappings".to_owned()];
    let path = format!("/v1/destinations/{}/mappings", in_path(name));
    let mut same = Same { words, path, query: Vec::new() };
    same.about(&shell.publisher, Whose::First);
    same.words.push(name.to_owned());
    same
}

impl Same {
    fn about(&mut self, publisher: &str, whose: Whose) {
        match whose {
            Whose::Nobodys => return,
            Whose::Named => self.words.push("--publisher".to_owned()),
            Whose::First => {}
        }
        self.words.push(publisher.to_owned());
        self.query.push(("publisher", publisher.to_owned()));
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._/:@-".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_each_word_for_one_and_does_nothing_else() {
        let table = [
            ("crm-pro", "crm-pro"),
            ("", "''"),
            ("sales crm", "'sales crm'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("a;b", "'a;b'"),
            ("https://x.example/v1/leads?a=b&c=d", "'https://x.example/v1/leads?a=b&c=d'"),
        ];
        for (word, expected) in table {
            assert_eq!(quoted(word), expected);
        }
    }
}
