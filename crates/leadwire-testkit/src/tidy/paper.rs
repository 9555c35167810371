//! Rules for documents: one title each, paths that exist, a size that is read, and samples that are all explained.

/// Folders whose paths in documents are checked.
const CHECKED: &[&str] = &["crates/", "docs/", "samples/", "scripts/", ".ci/"];

/// A document has one title, and it comes first.
pub fn one_title(path: &str, text: &str) -> Vec<String> {
    let lines = outside_fences(text);
    let titles = lines.iter().filter(|it| it.starts_with("# ")).count();
    let first = lines.iter().find(|it| !it.trim().is_empty());
    if titles == 1 && first.is_some_and(|it| it.starts_with("# ")) {
        return Vec::new();
    }
    vec![format!("{path} has {titles} titles (`# …`); one is needed, on its first line")]
}

/// A document is short enough to be read.
pub fn short_enough(path: &str, text: &str, lines_max: usize) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= lines_max {
        return Vec::new();
    }
    vec![format!("{path} has {lines} lines, {lines_max} are allowed; what nobody reads protects nothing")]
}

/// The paths of the project that a document names between backticks.
pub fn paths_named(text: &str) -> Vec<String> {
    let prose = outside_fences(text).join("\n");
    let quoted = prose.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|it| it.split_whitespace().next())
        .filter(|it| CHECKED.iter().any(|folder| it.starts_with(folder)))
        .filter(|it| !it.contains(['<', '*', '…']))
        .flat_map(alternatives)
        .collect()
}

/// The paths a document names exist.
pub fn missing_paths(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let missing = paths_named(text).into_iter().filter(|it| !exists(it));
    missing.map(|it| format!("{path} names `{it}`, which is not there")).collect()
}

/// Every sample is explained, and every explained sample is there. Paths start below the samples' folder.
pub fn samples_listed(text: &str, files: &[String]) -> Vec<String> {
    let listed: Vec<&str> =
        text.lines().filter_map(|it| it.strip_prefix("| `")).filter_map(|it| it.split('`').next()).collect();
    let unlisted = files.iter().filter(|it| !listed.contains(&it.as_str()));
    let gone = listed.iter().filter(|it| !files.iter().any(|file| file == **it));
    unlisted
        .map(|it| format!("samples/README.md does not explain {it}"))
        .chain(gone.map(|it| format!("samples/README.md explains {it}, which is not there")))
        .collect()
}

/// Largest picture of the documents, in bytes: everybody who clones the project gets all of them.
const PICTURE_BYTES_MAX: u64 = 150 * 1024;

/// Every picture that the documents show is there and small, and every one that is there is shown. Documents come with their
/// path and text, pictures with their path and size; what a document shows is named from its own folder.
pub fn pictures(documents: &[(String, String)], there: &[(String, u64)]) -> Vec<String> {
    let shown = |(path, text): &(String, String)| {
        let folder = path.rsplit_once('/').map_or(String::new(), |it| format!("{}/", it.0));
        let named = text.split("![").skip(1).filter_map(|it| it.split_once("](")?.1.split(')').next());
        let own = named.filter(|it| !it.contains("://")).map(|it| (path.clone(), format!("{folder}{it}")));
        own.collect::<Vec<_>>()
    };
    let shown: Vec<(String, String)> = documents.iter().flat_map(shown).collect();
    let gone = shown.iter().filter(|it| !there.iter().any(|file| file.0 == it.1));
    let unseen = there.iter().filter(|file| !shown.iter().any(|it| it.1 == file.0));
    let large = there.iter().filter(|it| it.1 > PICTURE_BYTES_MAX);
    gone.map(|it| format!("{} shows {}, which is not there", it.0, it.1))
        .chain(unseen.map(|it| format!("{} is shown by no document", it.0)))
        .chain(large.map(|it| format!("{} has {} bytes, {PICTURE_BYTES_MAX} are allowed", it.0, it.1)))
        .collect()
}

/// The lines that are not inside a fenced block of code.
fn outside_fences(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            inside ^= is_fence;
            !inside && !is_fence
        })
        .collect()
}

/// `a/{b,c}/d` as `a/b/d` and `a/c/d`; any other path as it is.
fn alternatives(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|it| (before, it)));
    let Some((before, (choices, after))) = parts else { return vec![path.to_owned()] };
    choices.split(',').map(|it| format!("{before}{}{after}", it.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_or_missing_title_is_refused() {
        assert!(one_title("a.md", "# One\n\n```sh\n# a comment\n```\n## Part\n").is_empty());
        assert_eq!(one_title("a.md", "# One\n# Two\n").len(), 1);
        assert_eq!(one_title("a.md", "Words first.\n# One\n").len(), 1);
        assert_eq!(one_title("a.md", "").len(), 1);
    }

    #[test]
    fn a_long_document_is_refused() {
        assert!(short_enough("a.md", "a\nb\n", 2).is_empty());
        assert_eq!(short_enough("a.md", "a\nb\nc\n", 2).len(), 1);
    }

    #[test]
    fn a_path_that_is_gone_is_refused() {
        let text =
            "See `crates/a/src/{x,y}`, `scripts/test --all` and `crates/<name>`; `crate::a` is no path.";
        assert_eq!(paths_named(text), ["crates/a/src/x", "crates/a/src/y", "scripts/test"]);
        assert_eq!(missing_paths("a.md", text, |it| it != "crates/a/src/y").len(), 1);
        assert!(missing_paths("a.md", text, |_| true).is_empty());
    }

    #[test]
    fn a_picture_that_is_gone_unseen_or_large_is_refused() {
        let document = |text: &str| vec![("docs/a.md".to_owned(), text.to_owned())];
        let there = vec![("docs/images/a.webp".to_owned(), 9)];
        assert!(pictures(&document("![A](images/a.webp)"), &there).is_empty());
        assert_eq!(pictures(&document("![A](images/b.webp)"), &there).len(), 2);
        let large = vec![("docs/images/a.webp".to_owned(), PICTURE_BYTES_MAX + 1)];
        assert_eq!(pictures(&document("![A](images/a.webp)"), &large).len(), 1);
    }

    #[test]
    fn a_sample_without_a_line_is_refused() {
        let files = ["a/1.json".to_owned(), "a/2.json".to_owned()];
        assert!(samples_listed("| `a/1.json` | x |\n| `a/2.json` | y |", &files).is_empty());
        assert_eq!(samples_listed("| `a/1.json` | x |", &files).len(), 1);
        assert_eq!(
            samples_listed("| `a/1.json` | x |\n| `a/2.json` | y |\n| `a/3.json` | z |", &files).len(),
            1
        );
    }
}
