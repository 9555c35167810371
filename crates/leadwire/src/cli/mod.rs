//! The command line: what can be said, and how every command begins and ends.

mod address;
mod audit;
mod backup;
mod bench;
mod client;
mod connector;
mod delivery;
mod demo;
mod destination;
mod doctor;
mod erasure;
mod erasure_list;
mod exit_code;
mod export;
mod failure;
mod failures;
mod feedback;
mod follow_up;
mod identity;
mod import;
mod interest;
mod key;
mod lead;
mod ledger;
mod merge;
mod migrate;
mod notice;
mod offer;
mod output;
mod portal;
mod proof;
mod publisher;
mod quarantine;
mod rehearsal;
mod replay;
mod report;
mod route;
mod routing;
mod sandbox;
mod secret;
mod send;
mod serve;
mod service;
mod settings;
mod user;
mod whereabouts;
mod withhold;

use clap::{Parser, Subcommand};
use client::Client;
use exit_code::ExitCode;
use failure::Failure;
use leadwire_core::id::{OfferRef, PublisherId};
use output::{Output, ReaderLeft};
use whereabouts::Global;

/// Leadwire: brings the leads of software marketplaces into the system you chose, and loses none.
#[derive(Parser)]
#[command(
    name = "leadwire",
    version,
    max_term_width = 100,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = format!("Examples:
  leadwire demo                       watch it work with sample leads
  leadwire serve                      start the service
  leadwire send leads.csv             bring leads in from a file
  leadwire ledger contoso             see that nothing is lost

{}", exit_code::MEANINGS))]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Args),
    /// Watch sample leads arrive, be stored and be delivered, in a scratch folder
    Demo(demo::Args),
    /// Measure what this machine can do
    Bench(bench::Args),
    /// Bring leads in from files or standard input; running it again doubles nothing
    Send(send::Args),
    /// Bring in leads of earlier times from tables and files; an interrupted import goes on where it was
    Import(import::Args),
    /// Write leads to a file, as CSV or NDJSON; an interrupted one goes on where it was
    Export(export::Args),
    /// Add and list publishers, the tenants of the service
    #[command(subcommand, after_help = publisher::EXAMPLES)]
    Publisher(publisher::Command),
    /// Add, list and remove offers, and bring their pages from draft to live
    #[command(subcommand, after_help = offer::EXAMPLES)]
    Offer(offer::Command),
    /// Set up where leads go: add, look at, change, pause and resume destinations
    #[command(subcommand, after_help = destination::EXAMPLES)]
    Destination(destination::Command),
    /// Say which offers' leads go to which destination
    #[command(subcommand, after_help = route::EXAMPLES)]
    Route(route::Command),
    /// Say what customers and the team are told once a customer's interest rises
    #[command(subcommand, after_help = follow_up::EXAMPLES)]
    FollowUp(follow_up::Command),
    /// Route kept leads anew, and bring them where they were not brought
    #[command(subcommand, after_help = replay::EXAMPLES)]
    Replay(replay::Command),
    /// Make and revoke the addresses to which marketplaces post leads
    #[command(subcommand, visible_alias = "token", after_help = address::EXAMPLES)]
    Address(address::Command),
    /// Make and revoke API keys
    #[command(subcommand, after_help = key::EXAMPLES)]
    Key(key::Command),
    /// Add and remove people who sign in to the portal
    #[command(subcommand, after_help = user::EXAMPLES)]
    User(user::Command),
    /// Make links that open a publisher's portal once, for a site that shows it as a part of its own
    #[command(subcommand, after_help = portal::EXAMPLES)]
    Portal(portal::Command),
    /// See how the keys stand that guard destinations' secrets, and rotate them
    #[command(subcommand, after_help = secret::EXAMPLES)]
    Secret(secret::Command),
    /// See which systems leads can be brought to, and their settings
    #[command(subcommand, after_help = connector::EXAMPLES)]
    Connector(connector::Command),
    /// Say which action shows how much interest
    #[command(subcommand, after_help = interest::EXAMPLES)]
    Interest(interest::Command),
    /// Say which customers' leads are kept from publishers
    #[command(subcommand, after_help = withhold::EXAMPLES)]
    Withhold(withhold::Command),
    /// Say by which rules touchpoints of one customer fold into one lead
    #[command(subcommand, after_help = identity::EXAMPLES)]
    Identity(identity::Command),
    /// Look at leads and their timelines, and decide about them
    #[command(subcommand, after_help = lead::EXAMPLES)]
    Lead(lead::Command),
    /// See what came of erasing people
    #[command(subcommand, after_help = erasure::EXAMPLES)]
    Erasure(erasure::Command),
    /// Look at deliveries and their attempts, and put them back to work
    #[command(subcommand, after_help = delivery::EXAMPLES)]
    Delivery(delivery::Command),
    /// Look at what is parked by cause, and put a cause back to work once it is mended
    #[command(subcommand, after_help = failures::EXAMPLES)]
    Failure(failures::Command),
    /// Look at bodies that could not be read; they are kept whole
    #[command(subcommand, after_help = quarantine::EXAMPLES)]
    Quarantine(quarantine::Command),
    /// Say who is told of trouble, by e-mail or webhook, and see what they were told
    #[command(subcommand, after_help = notice::EXAMPLES)]
    Notice(notice::Command),
    /// Add up what was accepted and where all of it is
    Ledger(ledger::Args),
    /// Add up what came, what became of it and how long that took
    Report(report::Args),
    /// Look whether the store is as it must be, and see who changed what
    #[command(subcommand, after_help = audit::EXAMPLES)]
    Audit(audit::Command),
    /// Copy the store into a file while the service runs
    Backup(backup::Args),
    /// Bring a copy back, without bringing back who was erased since
    Restore(backup::RestoreArgs),
    /// Move a store from a data folder to a PostgreSQL database, or back; an interrupted move goes on where it was
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::Args),
    /// Check the data folder, the machine and the service, offline or running
    #[command(after_help = doctor::EXAMPLES)]
    Doctor,
    /// Run simulated destinations on this machine, with faults to switch on
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::Args),
    /// Explain what a destination says: its codes and messages, in plain words
    #[command(after_help = proof::EXPLAIN_EXAMPLES)]
    Explain(proof::Explain),
    /// Ask the service whether it is ready for work
    #[command(after_help = service::HEALTH_EXAMPLES)]
    Health,
    /// Print the description of the HTTP API (OpenAPI 3.1); needs no service
    #[command(after_help = service::OPENAPI_EXAMPLES)]
    Openapi,
}

/// What every command has at hand.
struct Session {
    global: Global,
    out: Output,
}

impl Session {
    /// The way to the service.
    fn client(&self) -> anyhow::Result<Client> {
        Client::open(&self.global)
    }
}

/// Reads the command line, does what it says, and tells the shell how it ended.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. Nobody reading them is no error.
            error.print().ok();
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
            return code.into();
        }
    };
    let json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|it| it.block_on(run(cli)));
    ended.unwrap_or_else(|error| report(&error, json)).into()
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let out = Output { json: cli.global.json, quiet: cli.global.quiet };
    let session = &Session { global: cli.global, out };
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args, out.json).await,
        Command::Bench(args) => bench::run(args, out.json).await,
        Command::Export(args) => export::run(args, session).await,
        Command::Import(args) => import::run(args, session).await,
        Command::Send(args) => send::run(args, session).await,
        Command::Publisher(command) => publisher::run(command, session).await,
        Command::Offer(command) => offer::run(command, session).await,
        Command::Destination(command) => destination::run(command, session).await,
        Command::Route(command) => route::run(command, session).await,
        Command::FollowUp(command) => follow_up::run(command, session).await,
        Command::Replay(command) => replay::run(command, session).await,
        Command::Address(command) => address::run(command, session).await,
        Command::Key(command) => key::run(command, session).await,
        Command::User(command) => user::run(command, session).await,
        Command::Portal(command) => portal::run(command, session).await,
        Command::Secret(command) => secret::run(command, session).await,
        Command::Connector(command) => connector::run(command, session).await,
        Command::Interest(command) => interest::run(command, session).await,
        Command::Withhold(command) => withhold::run(command, session).await,
        Command::Identity(command) => identity::run(command, session).await,
        Command::Lead(command) => lead::run(command, session).await,
        Command::Erasure(command) => erasure::run(command, session).await,
        Command::Audit(command) => audit::run(command, session).await,
        Command::Backup(args) => backup::run(args, session).await,
        Command::Restore(args) => backup::restore(args, session).await,
        Command::Migrate(args) => migrate::run(args, session).await,
        Command::Delivery(command) => delivery::run(command, session).await,
        Command::Failure(command) => failures::run(command, session).await,
        Command::Quarantine(command) => quarantine::run(command, session).await,
        Command::Notice(command) => notice::run(command, session).await,
        Command::Ledger(args) => ledger::run(args, session).await,
        Command::Report(args) => report::run(args, session).await,
        Command::Sandbox(args) => sandbox::run(args, session).await,
        Command::Explain(args) => proof::explain(args, session).await,
        Command::Doctor => doctor::run(session).await,
        Command::Health => service::health(session).await,
        Command::Openapi => service::openapi(session),
    }
}

/// Says what went wrong, and gives the code it ends with.
fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if error.is::<ReaderLeft>() {
        return ExitCode::Ok;
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        output::warn(&if json { failure.to_json().to_string() } else { failure.to_text() });
        return failure.exit();
    }
    let code = error.downcast_ref::<ExitCode>().copied().unwrap_or(ExitCode::Failed);
    let what = format!("{error:#}");
    let shown = Failure::new(code, what, "");
    output::warn(&if json { shown.to_json().to_string() } else { shown.to_text() });
    code
}

/// Reads a publisher on the command line.
fn publisher_id(text: &str) -> Result<PublisherId, leadwire_core::id::BadId> {
    PublisherId::parse(text)
}

/// Reads `publisher.offer` on the command line.
fn offer_ref(text: &str) -> Result<OfferRef, leadwire_core::id::BadId> {
    OfferRef::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    /// The words of a line, as a shell reads them; quotes are single ones.
    fn shell_words(line: &str) -> Vec<String> {
        let pieces = line.split('\'').enumerate();
        let spaced: String = pieces
            .map(|(at, it)| if at % 2 == 1 { it.replace(' ', "\u{a0}") } else { it.to_owned() })
            .collect();
        spaced.split(' ').filter(|it| !it.is_empty()).map(|it| it.replace('\u{a0}', " ")).collect()
    }

    #[test]
    fn every_command_shows_examples_that_it_understands() {
        fn walk(command: &mut clap::Command, seen: &mut usize) {
            // The text itself: the rendered help wraps its lines.
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let help = help.replace("\\\n   ", "");
            for line in help.lines().filter_map(|it| it.strip_prefix("  leadwire ")) {
                let example = line.split("   ").next().unwrap_or(line).split(" < ").next().unwrap_or(line);
                let example =
                    example.split(" | ").next().unwrap_or(example).split(" > ").next().unwrap_or(example);
                let words = shell_words(example);
                let parsed = Cli::try_parse_from(std::iter::once("leadwire".to_owned()).chain(words));
                assert!(parsed.is_ok(), "leadwire {example}: {}", parsed.err().expect("an error"));
                *seen += 1;
            }
            command.get_subcommands_mut().for_each(|it| walk(it, seen));
        }
        let (mut command, mut seen) = (Cli::command(), 0);
        command.build();
        walk(&mut command, &mut seen);
        assert!(seen > 20, "only {seen} examples were found");
    }

    #[test]
    fn an_alias_and_the_options_of_every_command_work_everywhere() {
        let cli =
            Cli::try_parse_from(["leadwire", "token", "add", "contoso.crm-pro", "--json", "--data", "/d"]);
        let cli = cli.expect("a good line");
        assert!(cli.global.json && matches!(cli.command, Command::Address(_)));
        assert_eq!(cli.global.folder(), std::path::Path::new("/d"));
    }
}
