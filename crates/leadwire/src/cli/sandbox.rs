//! `leadwire sandbox`: simulated destinations on this machine, to try everything against before the real one.

use super::Session;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::rehearsal;
use leadwire_sandbox::stage::{self, Stage};
use serde_json::{Value, json};
use std::net::SocketAddr;

pub(super) const EXAMPLES: &str = "Examples:
  leadwire sandbox
  leadwire sandbox hubspot --port 7000
  leadwire sandbox --json

Each prints the settings of a destination that reaches it. Look into it, and switch faults on, at /_sandbox (the mail server has none):
  curl http://127.0.0.1:7000/_sandbox/records
  curl http://127.0.0.1:7000/_sandbox/faults -d '{\"fault\":\"cut_after\",\"share\":0.3}'
  curl -X DELETE http://127.0.0.1:7000/_sandbox/faults
  curl http://127.0.0.1:7000/_sandbox/decide -d '{\"record\":\"00Q…\",\"became\":\"qualified\"}'
The service takes such a destination when it runs with --allow-http and --allow-net 127.0.0.0/8.";

/// What `sandbox` can be told.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Which; all of them when missing
    kinds: Vec<String>,
    /// Port of the first; the others follow. 0 takes any free ones
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Runs simulated destinations until Ctrl-C.
///
/// # Errors
/// When there is no such kind, or a port is taken.
pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<ExitCode> {
    let out = session.out;
    let known = stage::kinds();
    if let Some(unknown) = args.kinds.iter().find(|it| !known.contains(&it.as_str())) {
        let what = format!("there is no simulated destination called {unknown}");
        return Err(Failure::new(ExitCode::Usage, what, format!("use {}", known.join(", "))).into());
    }
    let wanted = known.iter().filter(|it| args.kinds.is_empty() || args.kinds.iter().any(|kind| kind == *it));
    let mut stages = Vec::new();
    for (kind, at) in wanted.zip(0u16..) {
        let port = if args.port == 0 { 0 } else { args.port.saturating_add(at) };
        stages.push(rehearsal::start_stage(kind, SocketAddr::from(([127, 0, 0, 1], port))).await?);
    }
    let shapes: Vec<Value> = stages
        .iter()
        .map(|it| json!({ "kind": it.kind, "url": it.url(), "settings": it.settings }))
        .collect();
    if out.json {
        out.value(&json!({ "sandboxes": shapes }))?;
    } else {
        for stage in &stages {
            out.line(&text(stage))?;
        }
        out.note("Nothing here leaves this machine. Ctrl-C ends it; what they keep is gone then.");
    }
    tokio::signal::ctrl_c().await?;
    for stage in stages {
        stage.stop().await;
    }
    Ok(ExitCode::Ok)
}

fn text(stage: &Stage) -> String {
    let mut text = format!(
        "{}  {}\n  leadwire destination add PUBLISHER {}-sandbox --kind {}",
        stage.kind,
        stage.url(),
        stage.kind.replace('_', "-"),
        stage.kind
    );
    for (name, value) in stage.settings.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!(" \\\n    --set {name}={}", quoted(&value)));
    }
    text.push('\n');
    text
}

/// As a shell takes it.
fn quoted(value: &str) -> String {
    let is_plain = value.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./:@+,=".contains(&it));
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_for_the_shell_when_it_must_be() {
        assert_eq!(quoted("http://127.0.0.1:7000/"), "http://127.0.0.1:7000/");
        assert_eq!(quoted("a;b's"), r"'a;b'\''s'");
    }
}
