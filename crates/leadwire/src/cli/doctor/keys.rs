//! Whether the master key is there and is the right one, and which destinations suffer when it is not.

use super::super::serve;
use super::Check;
use crate::api::wire;
use crate::config::Config;
use crate::vault::Vault;
use leadwire_store::{Database, Store, StoreError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Looks at the file of the master key, unless the key stands in a setting.
pub(super) fn file(folder: &Path) -> Vec<Check> {
    let config = match settings() {
        Ok(config) => config,
        Err(check) => return vec![check],
    };
    match (&config.master_key, &config.master_key_file) {
        (Some(_), _) => vec![Check::ok("key file", "none is needed: the master key stands in a setting")],
        (None, Some(file)) => vec![key_file(file, true)],
        // Where the rows are on a server, what is in them says whether a key must be there.
        (None, None) => {
            let is_needed = config.database.is_none() && folder.join("leadwire.db").exists();
            vec![key_file(&folder.join("secret.key"), is_needed)]
        }
    }
}

/// Tries the master key on what is in the store; for when no service runs that could be asked.
pub(super) fn store(folder: &Path) -> Vec<Check> {
    let Ok(config) = settings() else { return Vec::new() };
    let place = Config { data: folder.to_owned(), ..config.clone() }.place();
    let setup = match Store::look(&place) {
        Ok(Some(setup)) => setup,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let fix = match error {
                StoreError::Away(_) => "correct `database`, or see to the server",
                StoreError::HalfMoved { .. } => "run `leadwire migrate` again; it goes on",
                StoreError::Newer { .. } => "install the version that wrote it",
                _ => "run this as the user of the service",
            };
            return vec![Check::fail("store", format!("it cannot be looked at: {error}"), fix)];
        }
    };
    match Vault::look(folder, config.master_key.as_ref(), config.master_key_file.as_deref()) {
        Ok(Some(vault)) => {
            let mut checks = judged(&wire::Secrets::of(vault.standing(&setup), vault.origin()));
            checks.extend(shared(&place, &vault.master_keys()));
            checks
        }
        Ok(None) => {
            let names = setup.destinations.iter().filter(|it| !it.secrets.is_empty());
            let names: Vec<String> = names.map(|it| format!("{} {}", it.publisher, it.name)).collect();
            without_key(&names)
        }
        Err(error) => {
            vec![Check::fail("secrets", format!("{error:#}"), "put the key back from the backup")]
        }
    }
}

/// Whether a node that is started here would have the key of the others.
fn shared(place: &Database, own: &[String]) -> Option<Check> {
    let Database::Server(_) = place else { return None };
    match Store::master_key_of(place) {
        Ok(used) => another(used?, own),
        Err(error) => Some(Check::fail("master key", format!("cannot be compared: {error}"), "try again")),
    }
}

fn another(used: String, own: &[String]) -> Option<Check> {
    let first = own.first().filter(|_| !own.contains(&used))?;
    let found = format!("this machine has {first}, and the nodes of the database used {used} last");
    Some(Check::fail(
        "master key",
        found,
        "give every node the same `master_key_file` or LEADWIRE_MASTER_KEY",
    ))
}

/// The master key of a folder's store, if the settings of `serve` lead to one.
pub(in crate::cli) fn at_hand(folder: &Path) -> Option<Vault> {
    let config = settings().ok()?;
    Vault::look(folder, config.master_key.as_ref(), config.master_key_file.as_deref()).ok().flatten()
}

fn without_key(names: &[String]) -> Vec<Check> {
    if names.is_empty() {
        return Vec::new();
    }
    let found = format!(
        "there is no master key, and these destinations cannot send without it: {}",
        names.join(", ")
    );
    vec![Check::fail("secrets", found, "put the key file back from the backup")]
}

/// What to think of how the keys stand.
pub(super) fn judged(it: &wire::Secrets) -> Vec<Check> {
    let mut checks = Vec::new();
    for key in it.master_keys.iter().filter(|it| it.state == "missing") {
        let found =
            format!("master key {} is missing; it guards {} publishers' keys", key.id, key.publisher_keys);
        let fix = if it.origin == "file" {
            "put it back into the key file, on a line of its own behind the one that is there, and start again"
        } else {
            "put it back into LEADWIRE_MASTER_KEY, behind the one that is there, and start again"
        };
        checks.push(Check::fail("master key", found, fix));
    }
    for it in &it.unopened {
        let found = format!("those of {} {} do not open", it.publisher, it.destination);
        checks.push(Check::fail("secrets", found, it.reason.clone()));
    }
    if it.unopened_count > it.unopened.len() {
        let found = format!("{} more do not open", it.unopened_count - it.unopened.len());
        checks.push(Check::fail("secrets", found, "see to those above first"));
    }
    if checks.is_empty() {
        let (destinations, keys) = (it.destinations, it.publisher_keys);
        let found = format!("those of {destinations} destinations open; {keys} publishers' keys guard them");
        checks.push(Check::ok("secrets", found));
    }
    checks
}

/// What `serve` would be told by file and environment.
/// Where the rows are: on the server that the settings name, or in a folder.
pub(in crate::cli) fn place(folder: &Path) -> anyhow::Result<Database> {
    match settings() {
        Ok(config) => Ok(Config { data: folder.to_owned(), ..config }.place()),
        Err(check) => Err(anyhow::anyhow!("{}", check.found)),
    }
}

pub(super) fn settings() -> Result<Config, Check> {
    let file = serve::environment().find(|(name, _)| name == "LEADWIRE_CONFIG").map(|it| PathBuf::from(it.1));
    Config::load(file.as_deref(), serve::environment()).map_err(|error| {
        Check::fail("settings", format!("{error:#}"), "correct them, or the service will not start")
    })
}

fn key_file(file: &Path, must_be_there: bool) -> Check {
    let shown = file.display();
    match std::fs::metadata(file) {
        Ok(it) => {
            let mode = it.permissions().mode() & 0o777;
            if mode & 0o077 == 0 {
                return Check::ok("key file", format!("{shown}, mode {mode:04o}"));
            }
            let found = format!("{shown} can be read by others (mode {mode:04o})");
            let fix = format!(
                "chmod 600 {shown}; if others saw it, `leadwire secret rotate --master`, then `leadwire secret rotate`, \
                 and change the credentials it sealed"
            );
            Check::fail("key file", found, fix)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if must_be_there {
                let fix = "put it back from the backup; without it the credentials of destinations are lost";
                return Check::fail("key file", format!("{shown} is missing"), fix);
            }
            Check::ok("key file", "none yet; the first start makes it")
        }
        Err(error) => {
            let found = format!("{shown} cannot be read: {error}");
            Check::fail("key file", found, "run this as the user of the service")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    fn secrets(unopened_count: usize) -> wire::Secrets {
        let key =
            |id: &str, state: &str| serde_json::json!({ "id": id, "state": state, "publisher_keys": 1 });
        let unopened: Vec<_> = (0..unopened_count.min(1))
            .map(|_| serde_json::json!({ "publisher": "contoso", "destination": "crm", "reason": "put it back" }))
            .collect();
        let mut keys = vec![key("aa", "current")];
        keys.extend((unopened_count > 0).then(|| key("bb", "missing")));
        let shape = serde_json::json!({
            "origin": "file", "master_keys": keys, "publisher_keys": 2, "destinations": 3, "former_format": 0,
            "unopened_count": unopened_count, "unopened": unopened,
        });
        serde_json::from_value(shape).expect("the shape")
    }

    #[test]
    fn a_missing_master_key_is_told_with_the_destinations_it_takes_along() {
        let checks = judged(&secrets(3));
        let found: Vec<&str> = checks.iter().map(|it| it.found.as_str()).collect();
        assert!(found[0].contains("bb is missing") && found[1].contains("contoso crm"), "{found:?}");
        assert!(found[2].contains("2 more"), "{found:?}");
        assert!(checks.iter().all(|it| it.mark == Mark::Fail && !it.fix.is_empty()));
    }

    #[test]
    fn keys_that_fit_are_one_good_line() {
        let checks = judged(&secrets(0));
        assert_eq!((checks.len(), checks[0].mark), (1, Mark::Ok));
    }

    #[test]
    fn a_store_without_its_key_names_the_destinations_that_cannot_send() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(key_file(&folder.path().join("secret.key"), true).mark, Mark::Fail);
        assert_eq!(key_file(&folder.path().join("secret.key"), false).mark, Mark::Ok);
        let checks = without_key(&["contoso crm".to_owned()]);
        assert!(checks[0].mark == Mark::Fail && checks[0].found.contains("contoso crm"));
        assert!(without_key(&[]).is_empty());
    }

    #[test]
    fn a_key_that_is_not_that_of_the_other_nodes_is_noticed() {
        let own = ["aa".to_owned(), "bb".to_owned()];
        assert_eq!(another("bb".to_owned(), &own), None);
        let check = another("cc".to_owned(), &own).expect("another key");
        assert!(check.mark == Mark::Fail && check.found.contains("aa") && check.found.contains("cc"));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret.key");
        std::fs::write(&file, "").expect("written");
        for (mode, expected) in
            [(0o600, Mark::Ok), (0o400, Mark::Ok), (0o640, Mark::Fail), (0o604, Mark::Fail)]
        {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(key_file(&file, true).mark, expected, "{mode:o}");
        }
    }
}
