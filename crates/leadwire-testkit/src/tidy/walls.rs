//! Rules between crates, and between the modules of one crate: who may depend on whom.

use super::rust_text::{code, tokens, without_tests};
use std::collections::BTreeSet;

/// Names of the packages a manifest depends on; with those of its tests when asked.
///
/// # Errors
/// When the manifest is not TOML.
pub fn dependencies(manifest: &str, with_tests: bool) -> Result<BTreeSet<String>, toml::de::Error> {
    let manifest: toml::Table = manifest.parse()?;
    let mut scopes = vec![&manifest];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    scopes.extend(targets.into_iter().flat_map(|it| it.values()).filter_map(toml::Value::as_table));
    let mut names = BTreeSet::new();
    for scope in scopes {
        for (kind, entries) in scope {
            let counts = match kind.as_str() {
                "dependencies" | "build-dependencies" => true,
                "dev-dependencies" => with_tests,
                _ => false,
            };
            if !counts {
                continue;
            }
            for (name, entry) in entries.as_table().into_iter().flatten() {
                let package = entry.get("package").and_then(toml::Value::as_str);
                names.insert(package.unwrap_or(name).to_owned());
            }
        }
    }
    Ok(names)
}

/// One package that few crates may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Wall {
    /// The package.
    pub package: &'static str,
    /// The crates that may.
    pub only: &'static [&'static str],
    /// Why, as the end of a sentence.
    pub reason: &'static str,
}

/// A crate keeps out of what belongs to others.
pub fn breached(name: &str, dependencies: &BTreeSet<String>, walls: &[Wall]) -> Vec<String> {
    walls
        .iter()
        .filter(|wall| dependencies.contains(wall.package) && !wall.only.contains(&name))
        .map(|wall| format!("{name} must not depend on {}: {}", wall.package, wall.reason))
        .collect()
}

/// The top-level modules of its crate that a file names. `path` is below `src/`; `crate_name` is how `main.rs` says it.
pub fn modules_used(
    path: &str,
    crate_name: &str,
    text: &str,
    modules: &BTreeSet<String>,
) -> BTreeSet<String> {
    let depth = match path.trim_end_matches(".rs") {
        "lib" | "main" => 0,
        module => module.trim_end_matches("/mod").split('/').count(),
    };
    let code = code(without_tests(text));
    let tokens = tokens(&code);
    let mut used = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        // A path starts here, unless this is a later part of one.
        if at > 0 && tokens[at - 1] == "::" {
            continue;
        }
        let supers = tokens[at..].chunks(2).take_while(|it| *it == ["super", "::"]).count();
        let rest = if *token == "crate" || *token == crate_name {
            tokens.get(at + 1).filter(|it| **it == "::").map(|_| &tokens[at + 2..])
        } else {
            Some(&tokens[at + 2 * supers..]).filter(|_| supers > 0 && supers == depth)
        };
        used.extend(rest.into_iter().flat_map(first_names).map(str::to_owned));
    }
    used.retain(|it| modules.contains(it));
    used
}

/// The names right after the start of a path: one, or several in braces.
fn first_names<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    if tokens.first() != Some(&"{") {
        return tokens.first().copied().into_iter().collect();
    }
    let (mut depth, mut names) = (0, Vec::new());
    for pair in tokens.windows(2) {
        match pair[0] {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0], "{" | ",") {
            names.push(pair[1]);
        }
    }
    names
}

/// Which module may use which others.
pub type MayUse = [(&'static str, &'static [&'static str])];

/// A module uses only those that the table allows it.
pub fn trespasses(path: &str, module: &str, used: &BTreeSet<String>, table: &MayUse) -> Vec<String> {
    let Some((_, allowed)) = table.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{path}: `{module}` is not in MAY_USE of tests/tidy.rs; say there what it may use"
        )];
    };
    used.iter()
        .filter(|other| *other != module && !allowed.contains(&other.as_str()))
        .map(|other| {
            format!("{path}: `{module}` must not use `{other}`. See ARCHITECTURE.md, \"Who may use whom\"")
        })
        .collect()
}

/// A connector's folder holds its tests and its golden requests. `entries` are names inside the folder.
pub fn connector_folder(name: &str, entries: &[String]) -> Vec<String> {
    ["mod.rs", "request.rs", "reply.rs", "tests.rs", "golden"]
        .iter()
        .filter(|needed| !entries.iter().any(|it| it == *needed))
        .map(|needed| format!("the connector `{name}` lacks `{needed}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn every_way_to_depend_is_seen() {
        let manifest = "[dependencies]\na.workspace = true\nrenamed = { package = \"b\", version = \"1\" }\n\
                        [target.'cfg(unix)'.dependencies]\nc = \"1\"\n[dev-dependencies]\nd = \"1\"";
        assert_eq!(dependencies(manifest, false).unwrap(), set(&["a", "b", "c"]));
        assert_eq!(dependencies(manifest, true).unwrap(), set(&["a", "b", "c", "d"]));
    }

    #[test]
    fn a_breach_is_refused() {
        let walls = [Wall { package: "rusqlite", only: &["store"], reason: "SQL lives in one crate" }];
        assert!(breached("store", &set(&["rusqlite"]), &walls).is_empty());
        assert_eq!(breached("api", &set(&["rusqlite"]), &walls).len(), 1);
    }

    #[track_caller]
    fn check_used(path: &str, text: &str, expected: &[&str]) {
        let modules = set(&["api", "config", "deliver", "intake"]);
        assert_eq!(modules_used(path, "leadwire", text, &modules), set(expected));
    }

    #[test]
    fn every_way_to_name_a_module_is_seen() {
        check_used("api/mod.rs", "use crate::config::Config;", &["config"]);
        check_used("api/mod.rs", "use crate::{config::{A, intake}, deliver};", &["config", "deliver"]);
        check_used("api/mod.rs", "use super::intake::accept;", &["intake"]);
        check_used("api/page.rs", "use super::intake; fn a() { super::super::deliver::run() }", &["deliver"]);
        check_used("main.rs", "leadwire::api::run();", &["api"]);
        check_used("api/mod.rs", "// crate::config\nlet a = \"crate::intake\"; other::crate::deliver;", &[]);
        check_used("api/mod.rs", "use crate::Error;", &[]);
        check_used("api/mod.rs", "#[cfg(test)]\nmod tests {\nuse crate::config;\n}", &[]);
    }

    #[test]
    fn a_module_outside_its_row_is_refused() {
        let table: &MayUse = &[("api", &["config"]), ("config", &[])];
        assert!(trespasses("api.rs", "api", &set(&["api", "config"]), table).is_empty());
        assert_eq!(trespasses("api.rs", "api", &set(&["deliver"]), table).len(), 1);
        assert_eq!(trespasses("new.rs", "new", &set(&[]), table).len(), 1);
    }

    #[test]
    fn a_connector_without_golden_requests_is_refused() {
        let names = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let whole = ["golden", "mod.rs", "reply.rs", "request.rs", "tests.rs"];
        assert!(connector_folder("https", &names(&whole)).is_empty());
        assert_eq!(connector_folder("https", &names(&whole[1..4])).len(), 2);
    }
}
