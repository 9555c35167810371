//! `leadwire doctor`: looks at the data folder, the machine and the service, and says what to mend.

mod backups;
mod keys;
mod machine;
mod sign_in;

use super::client::{self, Client};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::harmless;
use super::{Session, output};
use crate::api::wire;
use crate::clock::{Clock, MachineClock};
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::Value;

pub(super) use keys::{at_hand as vault_at_hand, place};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire doctor
  leadwire doctor --data /var/lib/leadwire
  leadwire doctor --json

Needs no running service; when one runs, its destinations are looked at too. Ends with 1 when a check fails.";

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Ok,
    Warn,
    Fail,
}

/// One line of the examination.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    mark: Mark,
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, mark: Mark::Ok, found: found.into(), fix: String::new() }
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, mark: Mark::Warn, found: found.into(), fix: fix.into() }
    }

    fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, mark: Mark::Fail, found: found.into(), fix: fix.into() }
    }

    fn text(&self) -> String {
        let mark = match self.mark {
            Mark::Ok => "ok  ",
            Mark::Warn => "warn",
            Mark::Fail => "FAIL",
        };
        let fix =
            if self.fix.is_empty() { String::new() } else { format!("\n      fix: {}", harmless(&self.fix)) };
        format!("{mark}  {}: {}{fix}", self.name, harmless(&self.found))
    }
}

pub(super) async fn run(session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let folder = session.global.folder();
    let mut checks = vec![machine::clock(MachineClock::start().wall())];
    checks.extend(place(folder).ok().and_then(|it| machine::server_clock(&it, &MachineClock::start())));
    checks.extend(machine::folder(folder));
    checks.extend(keys::file(folder));
    // Settings that cannot be read are told of by the line before.
    if let Ok(config) = keys::settings() {
        let now = MachineClock::start().wall();
        checks.push(backups::check(&config, now));
        checks.extend(sign_in::checks(&config, now).await);
    }
    let is_held = machine::is_held(folder);
    if !is_held {
        checks.extend(keys::store(folder));
    }
    checks.extend(service(&session.client()?, is_held).await);
    let failed = checks.iter().filter(|it| it.mark == Mark::Fail).count();
    if out.json {
        let ok = failed == 0;
        out.value(&serde_json::json!({ "ok": ok, "checks": checks }))?;
    } else {
        let shown = checks.iter().filter(|it| !out.quiet || it.mark != Mark::Ok);
        let lines: Vec<String> = shown.map(Check::text).collect();
        if !lines.is_empty() {
            out.line(&lines.join("\n"))?;
        }
        let warned = checks.iter().filter(|it| it.mark == Mark::Warn).count();
        out.note(&format!("{} checks, {failed} failed, {warned} with a warning", checks.len()));
    }
    Ok(if failed == 0 { ExitCode::Ok } else { ExitCode::Failed })
}

/// Asks a service, if one runs, how it and its destinations are.
async fn service(client: &Client, is_held: bool) -> Vec<Check> {
    let answer = match client.raw(Method::GET, &["readyz"], &[], Bytes::new()).await {
        Ok(answer) => answer,
        // A process holds the folder, and does not speak: it is starting, stopping, or listens elsewhere.
        Err(error) if is_held => {
            let fix =
                "if it does not start soon, look at its log; set LEADWIRE_URL when it listens elsewhere";
            return vec![Check::fail(
                "service",
                format!("a process holds the data folder, but {error}"),
                fix,
            )];
        }
        Err(_) => return vec![Check::ok("service", format!("none runs at {}", client.base()))],
    };
    let readiness = serde_json::from_slice::<wire::Readiness>(&answer.body);
    let Ok(readiness) = readiness else {
        let found = format!("something else than Leadwire answers at {}", client.base());
        return vec![Check::fail("service", found, "set LEADWIRE_URL, or free the address")];
    };
    let failing: Vec<&str> =
        readiness.checks.iter().filter(|(_, word)| *word != "ok").map(|(name, _)| name.as_str()).collect();
    let mut checks = vec![if readiness.ready {
        Check::ok("service", format!("ready at {}", client.base()))
    } else {
        Check::fail(
            "service",
            format!("not ready: {}", failing.join(", ")),
            "look at its log, or at the disk",
        )
    }];
    checks.extend(secrets(client).await.unwrap_or_else(|error| vec![not_seen("secrets", &error)]));
    checks.extend(destinations(client).await.unwrap_or_else(|error| vec![not_seen("destinations", &error)]));
    checks
}

async fn secrets(client: &Client) -> anyhow::Result<Vec<Check>> {
    let found: wire::Secrets = client::shape(client.get(&["v1", "secrets"], &[]).await?)?;
    Ok(keys::judged(&found))
}

fn not_seen(name: &'static str, error: &anyhow::Error) -> Check {
    let fix = error.downcast_ref::<Failure>().map(|it| it.fix().to_owned()).unwrap_or_default();
    Check::warn(name, format!("cannot be seen: {error}"), fix)
}

async fn destinations(client: &Client) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for publisher in client.list(&["v1", "publishers"], &[]).await? {
        let publisher: wire::Publisher = client::shape(publisher)?;
        for destination in client.list(&["v1", "destinations"], &[("publisher", &publisher.id)]).await? {
            checks.extend(destination_checks(&publisher.id, destination)?);
        }
    }
    Ok(checks)
}

fn destination_checks(publisher: &str, destination: Value) -> anyhow::Result<Vec<Check>> {
    let destination: wire::Destination = client::shape(destination)?;
    let name = format!("{publisher} {}", destination.name);
    let budget = destination.budget.as_ref().map(|it| budget_check(&name, it));
    let state = match destination.pause {
        None => Check::ok("destination", format!("{name} is {}", destination.state)),
        Some(pause) => Check::warn(
            "destination",
            format!(
                "{name} is {} since {}: {} ({})",
                destination.state, pause.since, pause.message, pause.cause
            ),
            match (pause.fix.is_empty(), pause.probe_at) {
                (true, Some(at)) => {
                    format!("nothing is to be done here: one lead is tried at {at}, the others wait")
                }
                (_, _) => pause.fix,
            },
        ),
    };
    Ok([Some(state), budget].into_iter().flatten().collect())
}

/// Whether a budget is about to keep leads waiting.
fn budget_check(name: &str, budget: &wire::Budget) -> Check {
    let fix =
        "raise the limit with the provider, lower `calls_kept_percent`, or find who else uses so many calls";
    let (count, end) = match budget.waiting_more {
        true => (format!("at least {}", budget.waiting), " at the earliest"),
        false => (budget.waiting.to_string(), ""),
    };
    let is_used_up = budget.windows.iter().any(|it| it.left == Some(0) && it.seconds >= 3600);
    match (&budget.lasts_until, &budget.drained_at) {
        (_, Some(at)) if is_used_up => {
            let found = format!("{name} has no calls left; {count} leads wait, sent by {at}{end}");
            Check::warn("budget", found, fix)
        }
        (Some(at), _) => Check::warn("budget", format!("{name} has calls until {at} at this pace"), fix),
        (None, Some(at)) => Check::ok("budget", format!("{name}: {count} waiting, sent by {at}{end}")),
        (None, None) => Check::ok("budget", format!("{name} has calls enough")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_tells_what_was_found_and_how_to_mend_it() {
        assert_eq!(Check::ok("clock", "2026").text(), "ok    clock: 2026");
        assert_eq!(Check::fail("disk", "full", "free it").text(), "FAIL  disk: full\n      fix: free it");
    }

    #[test]
    fn a_paused_destination_is_a_warning_with_its_fix() {
        let destination = serde_json::json!({
            "number": 1, "name": "crm", "kind": "https", "settings": {}, "state": "paused", "created_at": "x",
            "pause": { "cause": "http_401", "message": "signed out", "fix": "sign in", "since": "2026" },
        });
        let checks = destination_checks("contoso", destination).expect("a destination");
        let [check] = checks.as_slice() else { panic!("it has no budget") };
        assert_eq!((check.mark, check.fix.as_str()), (Mark::Warn, "sign in"));
        assert!(check.found.contains("contoso crm") && check.found.contains("http_401"));
    }

    #[test]
    fn a_destination_that_is_down_asks_for_nothing() {
        let destination = serde_json::json!({
            "number": 1, "name": "crm", "kind": "https", "settings": {}, "state": "tripped", "created_at": "x",
            "pause": { "cause": "http_503", "message": "busy", "fix": "", "since": "2026", "probe_at": "2027" },
        });
        let checks = destination_checks("contoso", destination).expect("a destination");
        let text = checks[0].text();
        assert!(text.contains("contoso crm is tripped since 2026: busy (http_503)"), "{text}");
        assert!(text.contains("one lead is tried at 2027"), "{text}");
    }

    #[test]
    fn a_budget_that_runs_out_is_a_warning() {
        let mut budget = serde_json::json!({ "account": "marketo:example", "waiting": 0,
            "windows": [{ "seconds": 86_400, "limit": 100, "kept_percent": 20, "used": 10, "used_by_others": 0, "left": 70 }] });
        let check =
            |it: &Value| budget_check("contoso crm", &serde_json::from_value(it.clone()).expect("a budget"));
        assert_eq!(check(&budget).mark, Mark::Ok);
        budget["lasts_until"] = "21:10".into();
        assert!(check(&budget).mark == Mark::Warn && check(&budget).found.contains("until 21:10"));
        budget["windows"][0]["left"] = 0.into();
        (budget["waiting"], budget["drained_at"]) = (5.into(), "16:40".into());
        assert!(check(&budget).found.ends_with("5 leads wait, sent by 16:40"));
        budget["waiting_more"] = true.into();
        assert!(check(&budget).found.ends_with("at least 5 leads wait, sent by 16:40 at the earliest"));
    }
}
