//! `leadwire notice`: who is told of trouble, what they were told, a test, and what is muted for a while.

use super::Session;
use super::exit_code::ExitCode;
use super::output::or_dash;
use crate::api::wire;
use leadwire_core::id::PublisherId;
use leadwire_core::notice::NoticeKind;
use serde_json::{Value, json};

pub(super) const EXAMPLES: &str = "Examples:
  leadwire notice receivers --publisher contoso --set ops --set mail
  leadwire notice test --publisher contoso
  leadwire notice list --publisher contoso --lasting
  leadwire notice mute --publisher contoso --destination crm --for 2h
  leadwire notice unmute --publisher contoso --destination crm
  leadwire notice receivers --set house/ops

Without --publisher it is about what the operator is told: the disk, and what the service does by itself. Receivers are
destinations of kind https or email that no route leads to.";

/// What can be done with notices.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List what was to be told, newest first
    List {
        #[command(flatten)]
        whose: Whose,
        /// Only the troubles that last
        #[arg(long)]
        lasting: bool,
        /// Most rows to show
        #[arg(long, value_name = "ROWS")]
        limit: Option<u32>,
    },
    /// Show through which destinations somebody is told, or say so: the first that works is used
    Receivers {
        #[command(flatten)]
        whose: Whose,
        /// A destination of kind https or email, in place of those there were; again for the next one
        #[arg(long, value_name = "DESTINATION")]
        set: Vec<String>,
        /// Tell nobody any more
        #[arg(long, conflicts_with = "set")]
        none: bool,
    },
    /// Send a test to the receivers, and say what came of it
    Test {
        #[command(flatten)]
        whose: Whose,
        /// Only to this destination, which need not be a receiver yet
        #[arg(long, value_name = "DESTINATION")]
        receiver: Option<String>,
    },
    /// Tell nothing for a while, of a destination, of a kind, or at all
    Mute {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        what: What,
        /// For how long: a number with s, m, h or d, such as 2h; 30d at the most
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        seconds: u64,
    },
    /// Take a mute away; what it held back is told if it still lasts
    Unmute {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        what: What,
    },
    /// List what is muted
    Mutes {
        #[command(flatten)]
        whose: Whose,
    },
}

/// Whose notices.
#[derive(clap::Args)]
pub(super) struct Whose {
    /// Whose; the operator's own when missing
    #[arg(long, value_parser = super::publisher_id)]
    publisher: Option<PublisherId>,
}

impl Whose {
    fn query(&self) -> Vec<(&'static str, &str)> {
        self.publisher.iter().map(|it| ("publisher", it.as_str())).collect()
    }
}

/// What a mute is about.
#[derive(clap::Args)]
pub(super) struct What {
    /// Only of this destination, by name or number
    #[arg(long)]
    destination: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = NoticeKind::ALL.map(NoticeKind::as_str))]
    kind: Option<String>,
}

/// Reads a length of time.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "give a number with s, m, h or d, such as 2h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        Some(_) | None => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

pub(super) async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    let (client, out) = (session.client()?, session.out);
    match command {
        Command::List { whose, lasting, limit } => {
            let limit = limit.map(|it| it.to_string());
            let mut query = whose.query();
            query.extend(lasting.then_some(("lasting", "true")));
            query.extend(limit.iter().map(|it| ("limit", it.as_str())));
            out.rows(client.list(&["v1", "notices"], &query).await?, &HEADS, row)?;
        }
        Command::Receivers { whose, set, none } => {
            let path = ["v1", "notices", "receivers"];
            let rows = if set.is_empty() && !none {
                client.list(&path, &whose.query()).await?
            } else {
                let wish = wire::NewNoticeReceivers { receivers: set };
                items(client.put(&path, &whose.query(), &wish).await?)
            };
            out.rows(
                rows,
                &["RECEIVER", "KIND", "TOLD", "FAILS SINCE", "WHY"],
                |it: wire::NoticeReceiver| {
                    vec![it.name, it.kind, or_dash(it.told_at), or_dash(it.failed_at), it.message]
                },
            )?;
        }
        Command::Test { whose, receiver } => {
            let wish = wire::NoticeTest { receiver };
            let told = items(client.post_long(&["v1", "notices", "test"], &whose.query(), &wish).await?);
            let all = told.iter().all(|it| it["told"] == true);
            out.rows(told, &["RECEIVER", "TOLD", "WHY", "WHAT TO DO"], |it: wire::NoticeTold| {
                vec![it.receiver, if it.told { "yes" } else { "no" }.to_owned(), it.message, it.fix]
            })?;
            return Ok(if all { ExitCode::Ok } else { ExitCode::Failed });
        }
        Command::Mute { whose, what, seconds } => {
            let new =
                wire::NewNoticeMute { destination: what.destination, kind: what.kind, for_seconds: seconds };
            let made = client.post(&["v1", "notices", "mutes"], &whose.query(), &new).await?;
            out.rows(vec![made], &MUTE_HEADS, mute_row)?;
        }
        Command::Unmute { whose, what } => {
            let mut query = whose.query();
            query.extend(what.destination.iter().map(|it| ("destination", it.as_str())));
            query.extend(what.kind.iter().map(|it| ("kind", it.as_str())));
            client.delete(&["v1", "notices", "mutes"], &query).await?;
            if out.json {
                out.value(&json!({ "unmuted": true }))?;
            }
            out.note("It is told again. What was held back and still lasts is told now.");
        }
        Command::Mutes { whose } => {
            let rows = client.list(&["v1", "notices", "mutes"], &whose.query()).await?;
            out.rows(rows, &MUTE_HEADS, mute_row)?;
        }
    }
    Ok(ExitCode::Ok)
}

fn items(answer: Value) -> Vec<Value> {
    answer["items"].as_array().cloned().unwrap_or_default()
}

const HEADS: [&str; 6] = ["WHEN", "WHAT", "OF", "WHY", "WHAT TO DO", "TOLD"];

fn row(it: wire::Notice) -> Vec<String> {
    let of = or_dash(it.destination.or(it.about));
    vec![it.at, it.kind, of, it.message, it.fix, it.told]
}

const MUTE_HEADS: [&str; 3] = ["DESTINATION", "KIND", "UNTIL"];

fn mute_row(it: wire::NoticeMute) -> Vec<String> {
    vec![or_dash(it.destination), or_dash(it.kind), it.until]
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1d"), Ok(86_400));
        for wrong in ["", "2", "h", "-1h", "2 h", "2µ", "999999999999999999999d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
