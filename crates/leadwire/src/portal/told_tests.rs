//! Every word that the source says has its words in each language, and no entry says what nobody does.

use super::*;
use leadwire_connect::CONNECTORS;
use leadwire_connect::descriptor::FieldShape;
use leadwire_core::mapping::{SOURCES as SOURCES_OF_ROWS, TRANSFORMS};
use std::collections::{BTreeMap, BTreeSet};

/// Texts that read like words and are on no page: what goes to programs, or is compared with what they answer.
const APART: &str = include_str!("told_apart.txt");

/// What connectors say of themselves and what rows of a mapping are made of: forms and catalogues, one word or many.
fn described() -> BTreeMap<String, String> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for kind in CONNECTORS {
        let mut say = |text| all.push((text, kind.name));
        say(kind.title);
        say(kind.summary);
        kind.steps.iter().copied().for_each(&mut say);
        kind.targets.iter().map(|it| it.label).for_each(&mut say);
        kind.errors.iter().flat_map(|it| [it.message, it.fix]).for_each(&mut say);
        for field in kind.fields() {
            say(field.label);
            say(field.help);
            if let FieldShape::Choice(all) = field.shape {
                all.iter().map(|it| it.1).for_each(&mut say);
            }
        }
    }
    all.extend(SOURCES_OF_ROWS.iter().map(|it| (it.summary, it.name)));
    all.extend(TRANSFORMS.iter().map(|it| (it.1, it.0)));
    all.into_iter().filter(|it| !it.0.is_empty()).map(|(text, of)| (text.to_owned(), of.to_owned())).collect()
}

fn holes(text: &str) -> BTreeSet<usize> {
    let hole = |it| match it {
        Piece::Hole(number) => Some(number),
        Piece::Text(_) => None,
    };
    pieces(text).into_iter().filter_map(hole).collect()
}

/// Whether an entry has no words of its own: such formats are not harvested.
fn joins(text: &str) -> bool {
    !text.contains(char::is_alphabetic)
}

fn hu(english: &str) -> Told<'_> {
    say(Language::Hu, english)
}

#[test]
fn everything_that_is_said_has_its_words_in_every_language() {
    let there: BTreeSet<&str> = entries().map(|it| it.english).collect();
    let apart: BTreeSet<&str> = APART.lines().filter(|it| !it.is_empty() && !it.starts_with("# ")).collect();
    let all = harvest::said();
    let words = all.iter().filter(|it| harvest::is_words(it.0)).map(|(text, of)| (text.clone(), of.clone()));
    let said: BTreeMap<String, String> = words.chain(described()).collect();
    assert!(said.len() > 1000, "{}", said.len());
    let line = |it: &str| it.replace('\n', "\\n");
    let is_known = |it: &str| there.contains(it) || apart.contains(line(it).as_str());
    let missing: Vec<_> =
        said.iter().filter(|it| !is_known(it.0)).map(|(text, of)| format!("{of}: {text:?}")).collect();
    assert!(missing.is_empty(), "{} have no words in locales/told:\n{}", missing.len(), missing.join("\n"));
    let is_said = |it: &&&str| said.contains_key(**it) || all.contains_key(**it) || joins(it);
    let stale: Vec<&str> = there.iter().filter(|it| !is_said(it)).copied().collect();
    assert!(stale.is_empty(), "nobody says any more:\n{}", stale.join("\n"));
    let lines: BTreeSet<String> = said.keys().map(|it| line(it)).collect();
    let stale: Vec<&str> =
        apart.iter().filter(|it| !lines.contains(**it) || there.contains(**it)).copied().collect();
    assert!(
        stale.is_empty(),
        "told_apart.txt names what nobody says any more, or what has words:\n{}",
        stale.join("\n")
    );
}

#[test]
fn every_entry_is_there_once_with_the_same_holes_in_every_language() {
    let mut seen = BTreeSet::new();
    for entry in entries() {
        assert!(seen.insert(entry.english), "{} is there twice", entry.english);
        for words in entry.words.into_iter().flatten() {
            assert_eq!(holes(words), holes(entry.english), "{words}");
            assert_eq!(words.matches('`').count(), entry.english.matches('`').count(), "{words}");
            assert!(!words.trim().is_empty(), "{}", entry.english);
        }
    }
    for source in SOURCES {
        for block in source.trim_end().split("\n\n").filter(|it| !it.starts_with('#')) {
            let codes: Vec<&str> = block.lines().filter_map(|it| it.get(..3)).collect();
            assert!(codes == ["en ", "hu ", "tr "] || codes == ["en "], "{block}");
        }
    }
}

#[test]
fn values_go_through_and_names_in_code_stay() {
    assert_eq!(hu("`server` is missing").text, "Hiányzik: `server`");
    assert_eq!(hu("`a text` is not a text").text, "A(z) `a text` nem ilyen: szöveg");
    // With the full stop of a sentence, and with the code of an answer.
    assert_eq!(hu("the row was made.").text, "a sor létrejött.");
    assert_eq!(hu("the row was made (204)").text, "a sor létrejött (204)");
    assert_eq!(hu("the row was made; its note is there").text, "a sor létrejött; a jegyzete is ott van");
    assert_eq!(
        hu("a value is longer than its field: Company, City (X)").text,
        "egy érték hosszabb a mezőjénél: Company, City (X)"
    );
    assert_eq!(
        hu("It was routed to crm: parked (http_422). No route leads it there now.").text,
        "Ide ment: crm: félreállítva (http_422). Most egyik útvonal sem viszi oda."
    );
    assert_eq!(hu("give `api_version`: Such as v9.2").text, "adja meg: `api_version`. Például v9.2");
    assert_eq!(hu("`url` is not a URL").text, "A(z) `url` nem URL");
    assert_eq!(hu("`url` is somebody's").text, "`url` is somebody's");
}

#[test]
fn what_we_have_no_words_for_is_marked_and_everything_is_escaped() {
    assert_eq!(hu("nobody says <this>").to_string(), "<span lang=\"en\">nobody says &#60;this&#62;</span>");
    assert_eq!(say(Language::En, "nobody says <this>").to_string(), "nobody says &#60;this&#62;");
    assert_eq!(hu("`<script>` is missing").to_string(), "Hiányzik: `&#60;script&#62;`");
    assert_eq!(hu("").to_string(), "");
}

#[test]
fn nothing_that_somebody_else_wrote_takes_long() {
    for text in
        ["; ".repeat(4000), "(".repeat(8000), "`".repeat(8000), " is ".repeat(2000), "{1}".repeat(2000)]
    {
        assert_eq!(say(Language::Tr, &text).text, text);
    }
    // What could be taken apart in very many ways is not.
    let look = Look::new(Language::Tr);
    let text = "the row was made: the row was made; (the row was made ".repeat(100);
    let found = CATALOGUE.find(&look, &text, TOLD_DEPTH_MAX);
    assert_eq!((look.left.get(), found.is_some()), (0, true));
}

#[test]
fn holes_are_numbered_as_the_source_names_them() {
    assert_eq!(harvest::holed("`{}` is {name:?}, {{not}}"), "`{1}` is {2}, {not}");
    assert_eq!(values(&pieces("a {1} b {2}"), "a x b y"), Some(vec![(1, "x"), (2, "y")]));
    assert_eq!(values(&pieces("a {1} b"), "a x c"), None);
    assert_eq!(values(&pieces("{1}{2} b"), "x b"), Some(vec![(1, ""), (2, "x")]));
}
