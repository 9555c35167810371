//! Rules for one Rust file: its opening sentence, its length, its name, and words it must not hold.

use super::rust_text::{Piece, code, pieces, tokens, without_tests};

/// Most lines of a file without its tests: what one reads in one sitting.
pub const FILE_LINES_MAX: usize = 400;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "misc", "shared", "stuff", "util", "utils"];
/// What must be done before it is kept, in the spellings people use.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];

/// Whether a file holds nothing but tests, going by its name.
pub fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// A file opens with one sentence that says what it is for.
pub fn opening_sentence(path: &str, text: &str) -> Vec<String> {
    let paragraph: Vec<&str> = text
        .lines()
        .map_while(|it| it.strip_prefix("//!"))
        .map(str::trim)
        .take_while(|it| !it.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let starts_well =
        paragraph.starts_with(|it: char| it.is_uppercase() || it.is_ascii_digit() || "`[".contains(it));
    if starts_well && paragraph.ends_with(['.', '?']) {
        return Vec::new();
    }
    vec![format!("{path} must open with `//!` and a sentence that says what the file is for")]
}

/// A file is short enough to read.
pub fn length(path: &str, text: &str) -> Vec<String> {
    let lines = without_tests(text).lines().count();
    if is_test_file(path) || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("{path} has {lines} lines without its tests; split it, {FILE_LINES_MAX} are allowed")]
}

/// A name says what is inside.
pub fn meaningful_name(path: &str) -> Vec<String> {
    let words = path.trim_end_matches(".rs").split(['/', '_', '-']);
    words
        .filter(|word| EMPTY_NAMES.contains(word))
        .map(|word| format!("{path}: `{word}` says nothing; name the thing that is inside"))
        .collect()
}

/// Nothing is left to be done, no test is switched off.
pub fn finished(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for piece in pieces(text) {
        let Piece::Comment(comment) = piece else { continue };
        for word in UNFINISHED.iter().filter(|word| comment.contains(**word)) {
            complaints.push(format!(
                "{path}: `{word}` in a comment; do it, or open an issue and delete the comment"
            ));
        }
    }
    let code = code(text);
    let tokens = tokens(&code);
    for pair in tokens.windows(3) {
        match pair {
            ["todo" | "unimplemented", "!", _] => {
                complaints.push(format!("{path}: `{}!` panics where work is missing", pair[0]));
            }
            ["#", "[", "ignore"] => {
                complaints.push(format!("{path}: a test that is ignored proves nothing; mend or delete it"));
            }
            _ => {}
        }
    }
    complaints
}

/// Nobody sleeps: logic returns when to wake, tests wait for an event. Run loops are the exception.
pub fn no_sleep(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let sleeps = tokens(&code).iter().any(|it| matches!(*it, "sleep" | "sleep_until" | "sleep_ms"));
    if !sleeps {
        return Vec::new();
    }
    vec![format!(
        "{path} sleeps; return when to wake, or wait for an event (who may is listed in tests/tidy.rs)"
    )]
}

/// Types of the pure crate have no outside shape.
pub fn no_outside_shape(path: &str, text: &str) -> Vec<String> {
    let code = code(without_tests(text));
    let found = tokens(&code)
        .into_iter()
        .find(|it| matches!(*it, "Serialize" | "Deserialize" | "serde" | "JsonSchema"));
    found
        .map(|it| format!("{path} names `{it}`; outside shapes live at the edge and convert"))
        .into_iter()
        .collect()
}

/// The HTTP client is used in one crate.
pub fn no_http_client(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let tokens = tokens(&code);
    let uses_client = tokens.windows(3).any(|it| matches!(it, ["hyper" | "hyper_util", "::", "client"]));
    if !uses_client {
        return Vec::new();
    }
    vec![format!(
        "{path} uses an HTTP client; only leadwire-connect may, since it checks the address it dials"
    )]
}

/// Every file is declared as a module by its parent, so that none is dead. Paths start below `src/`.
pub fn undeclared(files: &[(String, String)]) -> Vec<String> {
    let is_declared = |path: &str| {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let (folder, name) = match (file, folder.rsplit_once('/')) {
            ("mod.rs", Some((outer, name))) => (outer, name),
            ("mod.rs", None) => ("", folder),
            _ => (folder, file.trim_end_matches(".rs")),
        };
        let parents = if folder.is_empty() {
            vec!["lib.rs".to_owned(), "main.rs".to_owned()]
        } else {
            vec![format!("{folder}/mod.rs"), format!("{folder}.rs")]
        };
        // With `#[path = "…"]` the declaring file stands beside the declared one.
        let by_path = format!("\"{file}\"");
        files.iter().any(|(other, text)| {
            let code = code(text);
            let declares =
                parents.contains(other) && tokens(&code).windows(3).any(|it| it == ["mod", name, ";"]);
            let beside = other.rsplit_once('/').unwrap_or(("", other)).0 == folder;
            declares || (beside && other != path && text.contains("#[path") && text.contains(&by_path))
        })
    };
    files
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| !matches!(*path, "lib.rs" | "main.rs") && !path.starts_with("bin/"))
        .filter(|path| !is_declared(path))
        .map(|path| {
            format!("{path} is declared by no `mod` line, so it is never compiled: declare or delete it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(complaints: &[String]) {
        assert!(!complaints.is_empty(), "the rule let it pass");
    }

    #[track_caller]
    fn fine(complaints: &[String]) {
        assert_eq!(complaints, [] as [String; 0]);
    }

    #[test]
    fn a_file_without_an_opening_sentence_is_refused() {
        refused(&opening_sentence("a.rs", "use std::fmt;\n"));
        refused(&opening_sentence("a.rs", "//! soon\n"));
        refused(&opening_sentence("a.rs", "//!\n//! Late.\n"));
        fine(&opening_sentence("a.rs", "//! Reads a thing,\n//! and more.\n//!\n//! Further words\n"));
    }

    #[test]
    fn a_long_file_is_refused_unless_its_tests_make_it_long() {
        let long = "x\n".repeat(FILE_LINES_MAX + 1);
        refused(&length("a.rs", &long));
        fine(&length("a.rs", &format!("a\n#[cfg(test)]\nmod tests {{\n{long}}}\n")));
        fine(&length("src/a_tests.rs", &long));
    }

    #[test]
    fn empty_names_are_refused() {
        refused(&meaningful_name("src/util.rs"));
        refused(&meaningful_name("src/common/mod.rs"));
        refused(&meaningful_name("src/token_manager.rs"));
        fine(&meaningful_name("src/utility_bill.rs"));
    }

    #[test]
    fn unfinished_work_is_refused() {
        refused(&finished("a.rs", concat!("// FIX", "ME later")));
        refused(&finished("a.rs", "fn a() { todo!() }"));
        refused(&finished("a.rs", "#[ignore]\nfn a() {}"));
        refused(&finished("a.rs", "#[ignore = \"slow\"]\nfn a() {}"));
        fine(&finished("a.rs", "// A todo! in words\nlet a = \"todo!()\";"));
    }

    #[test]
    fn sleeping_is_refused() {
        refused(&no_sleep("a.rs", "std::thread::sleep(x);"));
        refused(&no_sleep("a.rs", "use tokio::time::{sleep, timeout};"));
        fine(&no_sleep("a.rs", "// sleep\nlet asleep = \"sleep(1)\";"));
    }

    #[test]
    fn an_outside_shape_in_the_pure_crate_is_refused() {
        refused(&no_outside_shape("a.rs", "#[derive(serde::Serialize)]\nstruct A;"));
        fine(&no_outside_shape(
            "a.rs",
            "#[derive(Debug)]\nstruct A;\n#[cfg(test)]\nmod tests {\nuse serde as _;}",
        ));
    }

    #[test]
    fn a_second_http_client_is_refused() {
        refused(&no_http_client("a.rs", "use hyper_util::client::legacy::Client;"));
        refused(&no_http_client("a.rs", "hyper::client::conn::http1::handshake(io)"));
        fine(&no_http_client("a.rs", "use hyper::server::conn::http1;"));
    }

    #[test]
    fn a_dead_file_is_refused() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let mut files = vec![
            file("lib.rs", "mod a;\npub mod b;\n"),
            file("a.rs", "mod deep;\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;"),
            file("a_tests.rs", ""),
            file("a/deep.rs", ""),
            file("b/mod.rs", "mod inner;"),
            file("b/inner.rs", ""),
        ];
        fine(&undeclared(&files));
        files.push(file("b/forgotten.rs", ""));
        files.push(file("c/mod.rs", "// mod c;"));
        assert_eq!(undeclared(&files).len(), 2);
    }
}
