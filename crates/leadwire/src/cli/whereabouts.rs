//! Where the service is and who asks: as told, else by what the one on this machine left in its data folder.

use super::exit_code::ExitCode;
use super::failure::Failure;
use anyhow::Context;
use leadwire_core::secret::Secret;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a service listens that nobody configured.
const DEFAULT_URL: &str = "http://127.0.0.1:5323";
/// Most bytes of `local.json`.
const LOCAL_BYTES_MAX: u64 = 16 * 1024;

/// Where the service is and who asks. Every command has these.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Print JSON: one object, or a line for each row of a list
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Where the service is; the one on this machine when missing
    #[arg(long, global = true, env = "LEADWIRE_URL")]
    pub(super) url: Option<String>,
    /// API key; that of this machine's service when missing
    #[arg(long, global = true, env = "LEADWIRE_KEY", hide_env_values = true, value_parser = secret)]
    pub(super) key: Option<Secret<String>>,
    /// Data folder [default: leadwire-data]
    #[arg(long, global = true, env = "LEADWIRE_DATA", value_name = "FOLDER")]
    pub(super) data: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "a value parser of clap gives a Result")]
fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.trim().to_owned()))
}

impl Global {
    /// The data folder of the service on this machine.
    pub(super) fn folder(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("leadwire-data"))
    }
}

/// What a running service writes for the command line of its own machine.
#[derive(Deserialize)]
pub(super) struct Local {
    pub(super) url: String,
    pub(super) key: String,
}

/// What the service of this machine left, if it runs.
pub(super) fn read_local(folder: &Path) -> Option<Local> {
    let file = folder.join("local.json");
    // A file that is missing, foreign or cut is as good as none: the errors to come say what to do.
    let length = std::fs::metadata(&file).ok()?.len();
    let text = (length <= LOCAL_BYTES_MAX).then(|| std::fs::read_to_string(&file).ok()).flatten()?;
    serde_json::from_str(&text).ok()
}

/// Address and key, as told or found.
///
/// # Errors
/// When the address is no address.
pub(super) fn whereabouts(
    global: &Global,
    local: Option<Local>,
) -> anyhow::Result<(Url, Option<Secret<String>>)> {
    let is_web = |it: &Url| matches!(it.scheme(), "http" | "https") && it.has_host();
    let read = |text: &str| Url::parse(text).ok().filter(is_web);
    let Some(told) = &global.url else {
        let local_url = local.as_ref().and_then(|it| read(&it.url));
        let url = local_url.or_else(|| read(DEFAULT_URL)).context("the default address is one")?;
        return Ok((url, global.key.clone().or_else(|| local.map(|it| Secret::new(it.key)))));
    };
    let bad = || {
        Failure::new(
            ExitCode::Usage,
            "the address of the service is no http or https URL",
            "set LEADWIRE_URL or --url",
        )
    };
    let url = read(told).ok_or_else(bad)?;
    // The key of this machine's service is for that service alone.
    let own = local.filter(|it| is_same_service(&it.url, &url));
    Ok((url, global.key.clone().or_else(|| own.map(|it| Secret::new(it.key)))))
}

/// Whether an address is that of the same service.
pub(super) fn is_same_service(own: &str, url: &Url) -> bool {
    Url::parse(own).is_ok_and(|own| own.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: Option<&str>, key: Option<&str>, local: Option<(&str, &str)>) -> (String, Option<String>) {
        let global = Global {
            json: false,
            quiet: false,
            url: url.map(str::to_owned),
            key: key.map(|it| Secret::new(it.to_owned())),
            data: None,
        };
        let local = local.map(|(url, key)| Local { url: url.to_owned(), key: key.to_owned() });
        let (url, key) = whereabouts(&global, local).expect("an address");
        (url.to_string(), key.map(|it| it.expose().clone()))
    }

    const HERE: (&str, &str) = ("http://127.0.0.1:7000", "own");

    #[test]
    fn the_service_of_this_machine_is_found_without_a_word() {
        assert_eq!(found(None, None, Some(HERE)), ("http://127.0.0.1:7000/".into(), Some("own".into())));
        assert_eq!(found(None, Some("k"), None), (format!("{DEFAULT_URL}/"), Some("k".into())));
    }

    #[test]
    fn what_was_told_wins() {
        let told = found(Some("https://a.example/x"), Some("k"), Some(HERE));
        assert_eq!(told, ("https://a.example/x".into(), Some("k".into())));
        assert_eq!(found(None, Some("k"), Some(HERE)).1, Some("k".into()));
    }

    #[test]
    fn the_key_of_this_machine_is_never_sent_elsewhere() {
        assert_eq!(found(Some("https://a.example"), None, Some(HERE)).1, None);
        assert_eq!(found(Some("http://127.0.0.1:7000/"), None, Some(HERE)).1, Some("own".into()));
    }
}
