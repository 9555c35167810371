//! `leadwire lead merge` and its like: leads that are one, and leads that may be.

use super::client::{Client, Wanted, shape};
use super::lead::{Which, Why, decide, full_name, text, word};
use super::output::{Output, harmless};
use crate::api::wire;
use leadwire_core::id::PublisherId;

/// Two leads to make one.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("other").required(true).args(["into", "from", "with"]))]
pub(super) struct MergeArgs {
    #[command(flatten)]
    which: Which,
    /// The other lead, which stands for both
    #[arg(long)]
    into: Option<String>,
    /// The other lead; the first one stands for both
    #[arg(long)]
    from: Option<String>,
    /// The other lead; the older of the two stands for both
    #[arg(long)]
    with: Option<String>,
    #[command(flatten)]
    why: Why,
}

/// Which suggestions to list.
#[derive(clap::Args)]
pub(super) struct SuggestionsArgs {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// What became of them
    #[arg(long, default_value = "open", value_parser = ["open", "dismissed", "merged"])]
    state: String,
    #[command(flatten)]
    wanted: Wanted,
}

/// A suggestion to dismiss.
#[derive(clap::Args)]
pub(super) struct DismissArgs {
    /// Whose
    #[arg(value_parser = super::publisher_id)]
    publisher: PublisherId,
    /// Id of the suggestion
    suggestion: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn merge(args: MergeArgs, client: &Client, out: Output) -> anyhow::Result<()> {
    let MergeArgs { which, into, from, with, why } = args;
    let wish = wire::MergeWish { into, from, with, reason: why.reason, by: why.by };
    out.one(decide(client, &which, "merge", &wish).await?, |it: wire::LeadDetail| text(&it))
}

pub(super) async fn unmerge(which: &Which, why: Why, client: &Client, out: Output) -> anyhow::Result<()> {
    let wish = wire::Decision { reason: why.reason, by: why.by };
    out.one(decide(client, which, "unmerge", &wish).await?, |it: wire::Unmerged| {
        format!(
            "{}\ntaken out of {}; deliveries that are brought anew: {}\n",
            text(&it.lead),
            it.out_of,
            it.brought_anew
        )
    })
}

pub(super) async fn suggestions(args: SuggestionsArgs, client: &Client, out: Output) -> anyhow::Result<()> {
    let query = [("publisher", args.publisher.as_str()), ("state", args.state.as_str())];
    let mut heads: &[&str] = &["SUGGESTION", "RULES", "LEAD", "NAME", "E-MAIL", "LEAD", "NAME", "E-MAIL"];
    let has_more = client.pages(&["v1", "suggestions"], &query, args.wanted, |rows| {
        out.rows(rows, std::mem::take(&mut heads), row)
    });
    if has_more.await? {
        out.note("There are more: --all shows every suggestion, --limit more of them.");
    }
    Ok(())
}

fn row(it: wire::Suggestion) -> Vec<String> {
    let mut cells = vec![it.id, it.rules.join(", ")];
    for at in 0..2 {
        let lead = it.leads.get(at);
        cells.push(lead.map_or_else(String::new, |it| it.id.clone()));
        cells.push(lead.map_or_else(String::new, |it| full_name(&it.customer)));
        cells.push(lead.map_or_else(String::new, |it| word(&it.customer, "email").to_owned()));
    }
    cells
}

pub(super) async fn dismiss(args: DismissArgs, client: &Client, out: Output) -> anyhow::Result<()> {
    let wish = wire::DismissWish { reason: args.why.reason, by: args.why.by };
    let path = ["v1", "suggestions", &args.suggestion, "dismiss"];
    let made = client.post(&path, &[("publisher", args.publisher.as_str())], &wish).await?;
    let suggestion: wire::Suggestion = shape(made.clone())?;
    if out.json {
        out.value(&made)?;
    }
    out.note(&format!("{} is dismissed: the two are never suggested again.", suggestion.id));
    Ok(())
}

/// The leads that are one, and where each has a record of its own.
pub(super) fn members(all: &[wire::Member]) -> String {
    let mut text = String::new();
    if !all.is_empty() {
        text.push_str(&format!("  these {} leads are one\n", all.len()));
    }
    for it in all {
        let why = match (&it.parent, &it.rule) {
            (Some(parent), Some(rule)) => format!("merged into {parent} by {rule}"),
            _ => "stands for all".to_owned(),
        };
        let (name, email) = (full_name(&it.customer), word(&it.customer, "email"));
        text.push_str(&format!("    {}  {} {}  {why}\n", it.lead, harmless(&name), harmless(email)));
        for record in &it.records {
            let id = record.record.as_deref().unwrap_or("(it named no record)");
            text.push_str(&format!("      record at {}: {}\n", record.destination, harmless(id)));
        }
    }
    text
}
