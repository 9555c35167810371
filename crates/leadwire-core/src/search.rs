//! The words by which a search finds a lead: of its name, its company and its e-mail address, in the form that ignores
//! capitals and marks.

use crate::lead::FIELDS;
use crate::limits;
use crate::text;
use std::collections::BTreeSet;

/// The words of a lead, each once, sorted. `values` are its fields, empty where never said.
pub fn words(values: &[String; FIELDS]) -> Vec<String> {
    let [first, last, email, _, _, company, _] = values;
    let mut found = BTreeSet::new();
    for text in [first, last, company] {
        found.extend(pieces(text));
    }
    let address = text::search_form(text::trim(email));
    if let Some((local, domain)) = address.rsplit_once('@') {
        found.extend(pieces(local));
        found.extend(without_ending(pieces(domain)));
        found.insert(cut(&address));
    }
    found.into_iter().take(limits::SEARCH_WORDS_MAX).collect()
}

/// What somebody who typed this looks for: a lead of which each of these begins some word.
pub fn asked(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for token in text.split_whitespace() {
        if token.contains('@') {
            found.push(cut(&text::search_form(token)));
            continue;
        }
        let parts = pieces(token);
        let is_dotted = token.trim_matches('.').contains('.');
        found.extend(if is_dotted { without_ending(parts) } else { parts });
    }
    found.retain(|it| !it.is_empty());
    found.truncate(limits::SEARCH_ASKED_MAX);
    found
}

/// Whether a lead with these words is meant.
pub fn is_found(words: &[String], asked: &[String]) -> bool {
    !asked.is_empty() && asked.iter().all(|it| words.iter().any(|word| word.starts_with(it.as_str())))
}

/// The labels of a domain without what very many end with, such as `com.tr`: it finds nobody in particular.
fn without_ending(mut labels: Vec<String>) -> Vec<String> {
    let mut is_last = true;
    while labels.len() > 1 && (is_last || labels.last().is_some_and(|it| it.chars().count() <= 3)) {
        labels.pop();
        is_last = false;
    }
    labels
}

fn pieces(text: &str) -> Vec<String> {
    let form = text::search_form(text);
    form.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).map(cut).collect()
}

fn cut(word: &str) -> String {
    word.chars().take(limits::SEARCH_WORD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lead(first: &str, last: &str, email: &str, company: &str) -> Vec<String> {
        words(&[first, last, email, "", "HU", company, "CTO"].map(str::to_owned))
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let isil = lead("Işıl", "Çağlar", "Isil.Caglar+x@lojistik.com.tr", "İstanbul Lojistik A.Ş.");
        assert_eq!(is_found(&isil, &asked(text)), expected, "{text}: {isil:?}");
    }

    #[test]
    fn a_person_is_found_as_people_type_them() {
        for text in ["isil", "IŞIL", "caglar is", "Çağ", "lojistik a.ş.", "istanbul", "lojistik.com", "x"]
        {
            check(text, true);
        }
        check("isil.caglar+x@lojistik.com.tr", true);
        check("isil.caglar+x@loj", true);
        for text in ["", "   ", "...", "ozan", "isil ozan", "glar", "com", "isil@"] {
            check(text, false);
        }
    }

    proptest! {
        #[test]
        fn whoever_has_a_name_is_found_by_it_and_by_its_beginning(
            first in "\\PC{0,20}", last in "[a-zA-ZçğışöüÇĞİŞÖÜőűŐŰ]{1,20}", company in "\\PC{0,40}", cut in 1..6usize,
        ) {
            let known = lead(&first, &last, "", &company);
            if known.len() < limits::SEARCH_WORDS_MAX {
                for typed in [first.clone(), last.clone(), company.clone(), format!("{last} {first}")] {
                    let asked = asked(&typed);
                    // Whatever holds no letter and no digit, or an address, is no name.
                    if !asked.is_empty() && !typed.contains('@') {
                        prop_assert!(is_found(&known, &asked), "{typed}: {known:?} {asked:?}");
                    }
                }
                let start: String = last.chars().take(cut).collect();
                prop_assert!(is_found(&known, &asked(&start)), "{start}: {known:?}");
            }
        }

        #[test]
        fn words_are_few_and_short(values in prop::array::uniform7("\\PC{0,200}")) {
            let known = words(&values);
            prop_assert!(known.len() <= limits::SEARCH_WORDS_MAX);
            prop_assert!(known.iter().all(|it| it.chars().count() <= limits::SEARCH_WORD_CHARS_MAX && !it.is_empty()));
        }
    }
}
