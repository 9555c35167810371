//! `leadwire delivery`: what is owed to destinations, every attempt, and putting it back to work.

use super::client::{self, Client, Wanted};
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output::{Output, fields, harmless};
use super::{Session, lead};
use crate::api::wire;
use leadwire_core::id::PublisherId;
use serde_json::{Value, json};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire delivery list contoso --state parked
  leadwire delivery show contoso dlv_01hzx2g7q0abcdefghjkmnpqrs_1
  leadwire delivery retry contoso --parked --destination my-endpoint";

/// What can be done with deliveries.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List deliveries, newest first
    List {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Only those in this state
        #[arg(long, value_parser = ["pending", "delivered", "parked", "suppressed", "erased"])]
        state: Option<String>,
        /// Only those to this destination, by name or number
        #[arg(long)]
        destination: Option<String>,
        /// Only those of this lead
        #[arg(long)]
        lead: Option<String>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show a delivery: what it brings, and every attempt with cause, fix and timings
    Show {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the delivery
        delivery: String,
    },
    /// Make a parked or waiting delivery due now, or all that are parked at a destination
    Retry {
        /// Whose
        #[arg(value_parser = super::publisher_id)]
        publisher: PublisherId,
        /// Id of the delivery
        #[arg(required_unless_present = "parked", conflicts_with = "parked")]
        delivery: Option<String>,
        /// Everything that is parked at the destination
        #[arg(long, requires = "destination")]
        parked: bool,
        /// Name or number of the destination
        #[arg(long, requires = "parked")]
        destination: Option<String>,
    },
}

pub(super) const HEADS: [&str; 6] = ["DELIVERY", "DESTINATION", "STATE", "ATTEMPTS", "DUE OR ENDED", "WHY"];

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { publisher, state, destination, lead, wanted } => {
            let mut query = vec![("publisher", publisher.as_str())];
            for (name, value) in [("state", &state), ("destination", &destination), ("lead", &lead)] {
                query.extend(value.as_deref().map(|it| (name, it)));
            }
            let mut heads: &[&str] = &HEADS;
            let has_more = client.pages(&["v1", "deliveries"], &query, wanted, |rows| {
                out.rows(rows, std::mem::take(&mut heads), |it| row(&it))
            });
            if has_more.await? {
                out.note("There are more: --all shows every delivery, --limit more of them.");
            }
        }
        Command::Show { publisher, delivery } => {
            let path = ["v1", "deliveries", &delivery];
            out.one(client.get(&path, &[("publisher", publisher.as_str())]).await?, |it| text(&it))?;
        }
        Command::Retry { publisher, delivery: Some(delivery), .. } => {
            let path = ["v1", "deliveries", &delivery, "retry"];
            let done = client.act(&path, &[("publisher", publisher.as_str())]).await?;
            if out.json {
                out.value(&done)?;
            }
            out.note(&format!("{delivery} is due now."));
        }
        Command::Retry { publisher, destination: Some(destination), .. } => {
            retry_parked(&client, out, &publisher, (&destination, None)).await?;
        }
        Command::Retry { .. } => {
            let fix = "name a delivery, or use --parked --destination NAME";
            return Err(Failure::new(ExitCode::Usage, "nothing to retry was named", fix).into());
        }
    }
    Ok(ExitCode::Ok)
}

/// Puts everything that is parked at a destination now, or for one cause, back to work. What is more than one answer holds
/// goes on in the service, as a replay.
pub(super) async fn retry_parked(
    client: &Client,
    out: Output,
    publisher: &PublisherId,
    (name, cause): (&str, Option<&str>),
) -> anyhow::Result<()> {
    let mut query = vec![("publisher", publisher.as_str())];
    let destination: wire::Destination =
        client::shape(client.get(&["v1", "destinations", name], &query).await?)?;
    query.extend(cause.map(|it| ("cause", it)));
    let done: wire::Retried =
        client::shape(client.act(&["v1", "destinations", name, "retry-parked"], &query).await?)?;
    let retried = done.retried;
    if out.json {
        return out.value(&json!({ "retried": retried, "replay": done.replay }));
    }
    out.note(&match (retried, done.replay) {
        (0, None) => format!("Nothing is parked at {}.", harmless(&destination.name)),
        (_, None) => format!("{retried} parked deliveries to {} are due now.", harmless(&destination.name)),
        (_, Some(id)) => format!(
            "{retried} parked deliveries to {} are due now; the rest follows in the service. \
             `leadwire replay show {publisher} {id}` says how far it is.",
            harmless(&destination.name)
        ),
    });
    Ok(())
}

/// A row of a table of deliveries.
pub(super) fn row(it: &wire::Delivery) -> Vec<String> {
    let state = if it.in_flight { format!("{}, in flight", it.state) } else { it.state.clone() };
    let when = it.ended_at.as_ref().or(it.due_at.as_ref()).cloned().unwrap_or_default();
    let why = it.message.as_ref().or(it.cause.as_ref()).cloned().unwrap_or_default();
    vec![it.id.clone(), it.destination.clone(), state, it.attempts.to_string(), when, why]
}

fn text(it: &wire::DeliveryDetail) -> String {
    let delivery = &it.delivery;
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut text = fields(&[
        ("delivery", &delivery.id),
        ("destination", &delivery.destination),
        ("lead", &delivery.lead),
        ("touchpoint", &delivery.touchpoint),
        ("state", &delivery.state),
        ("in flight", if delivery.in_flight { "yes" } else { "" }),
        ("due", &some(&delivery.due_at)),
        ("ended", &some(&delivery.ended_at)),
        ("record", &some(&delivery.record)),
        ("cause", &some(&delivery.cause)),
        ("what", &some(&delivery.message)),
        ("fix", &some(&delivery.fix)),
    ]);
    text.push_str("\nbrings\n");
    text.push_str(&lead::moment(&it.content));
    text.push_str(&format!("\nattempts, oldest first ({})\n", it.attempts.len()));
    for attempt in &it.attempts {
        text.push_str(&attempt_text(attempt));
    }
    text
}

fn attempt_text(it: &wire::Attempt) -> String {
    let word = |name: &str| it.evidence.get(name).and_then(Value::as_str).map(harmless).unwrap_or_default();
    let status = it.evidence.get("http_status").map(|it| format!("  HTTP {it}")).unwrap_or_default();
    let mut text = format!(
        "  {}.  {}  {}{status}  {}\n",
        it.number,
        it.ended_at,
        harmless(&it.outcome),
        timings(&it.evidence)
    );
    for name in ["cause", "message", "fix", "peer", "answer"] {
        let value = word(name);
        if !value.is_empty() {
            text.push_str(&format!("      {name:8} {value}\n"));
        }
    }
    text
}

/// Where an attempt's time went, in milliseconds.
fn timings(evidence: &Value) -> String {
    let millis = |name: &str| {
        let micros = evidence.get("timings")?.get(format!("{name}_us"))?.as_f64()?;
        Some(format!("{:.1} ms", micros / 1000.0))
    };
    let phases = ["dns", "connect", "tls", "answer"];
    let phases: Vec<String> =
        phases.iter().filter_map(|name| Some(format!("{name} {}", millis(name)?))).collect();
    match millis("total") {
        Some(total) if phases.is_empty() => total,
        Some(total) => format!("{total} ({})", phases.join(", ")),
        None => phases.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_tells_its_cause_its_fix_and_where_the_time_went() {
        let shown = attempt_text(&wire::Attempt {
            number: 2,
            ended_at: "2026-11-20T10:00:00Z".to_owned(),
            outcome: "retry".to_owned(),
            evidence: json!({
                "cause": "http_503", "message": "the server is overloaded", "http_status": 503,
                "timings": { "dns_us": 1500, "answer_us": 20_000, "total_us": 22_040 },
            }),
        });
        let first = "  2.  2026-11-20T10:00:00Z  retry  HTTP 503  22.0 ms (dns 1.5 ms, answer 20.0 ms)\n";
        let rest = "      cause    http_503\n      message  the server is overloaded\n";
        assert_eq!(shown, format!("{first}{rest}"));
    }
}
