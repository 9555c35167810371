//! Comparing and cleaning text that people typed, the same way for every locale.
//!
//! Nothing here knows a language. Lower-casing by a user's locale would make `INFO@x` and `info@x` two customers
//! for a Turkish user (whose `I` is the capital of the dotless `ı`), so comparison uses the default case folding
//! of Unicode only.

use icu_casemap::CaseMapper;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use std::borrow::Cow;

/// Normalisation form C: `e` and a combining accent become `é`. Borrows when there is nothing to do.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// The form under which two texts are the same to a reader, whatever their case and composition.
///
/// Canonical caseless matching of The Unicode Standard (3.13, D145), with full default folding: `STRASSE` meets
/// `Straße`, `ADA` meets `ada`. Marks stay: `Őrült` and `Orult` are different names. Use it for identity.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposing first matters for the Greek iota subscript, which folding turns into a letter.
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    nfc(&CaseMapper::new().fold_string(&decomposed)).into_owned()
}

/// The form under which a search finds a name: folded, without marks, without surrounding and repeated spaces.
///
/// Default folding turns `İ` into `i` and a combining dot, which goes with the marks; `I` and `i` meet by folding.
/// The dotless `ı` has no decomposition and folds to itself, so it is written `i` here: `Işık`, `IŞIK`, `ışık`
/// and `isik` all meet. That joins a few Turkish words that differ in nothing else, which a search can afford
/// and an identity cannot; so identity uses [`fold`].
pub fn search_form(text: &str) -> String {
    let folded = fold(text);
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let mut out = String::with_capacity(folded.len());
    let mut space = false;
    for letter in DecomposingNormalizerBorrowed::new_nfd().normalize(&folded).chars() {
        if letter.is_whitespace() || letter.is_control() {
            space = !out.is_empty();
            continue;
        }
        if is_mark(classes.get_u8(letter)) || is_invisible(letter) {
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(without_stroke(letter));
    }
    // Taking marks away can leave letters that compose (Hangul) or a vowel sign alone; compose for a stable form.
    nfc(&out).into_owned()
}

/// Whether a combining class is that of an accent or a vowel point. Classes 7 to 9 (nukta, the voicing marks of
/// kana, virama) and 84 to 132 (vowel signs of Indic scripts, Thai, Lao, Tibetan) make other letters, so they stay.
fn is_mark(class: u8) -> bool {
    matches!(class, 1 | 10..=36 | 200..)
}

/// Letters whose stroke is part of the letter, so that decomposition leaves it, but which people type without.
fn without_stroke(letter: char) -> char {
    match letter {
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ħ' => 'h',
        other => other,
    }
}

/// Signs that take no place: they come along when an address is copied out of a page or a chat.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Takes white space, control characters and invisible signs off both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
}

/// The trimmed text, or nothing when nothing is left: a marketplace sends `" "` for an empty field.
pub fn non_blank(text: &str) -> Option<&str> {
    Some(trim(text)).filter(|text| !text.is_empty())
}

/// One line: control characters, line ends included, become a space, and repeated spaces one.
///
/// For fields that end up in a header, a subject or a table cell, where a line end would start something new.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    let clean = |text: &str| !text.contains(char::is_control) && !text.contains("  ");
    if clean(text) {
        return Cow::Borrowed(text);
    }
    let words =
        text.split(|letter: char| letter == ' ' || letter.is_control()).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Several lines: line ends become `\n`, tabs stay, every other control character goes.
pub fn lines(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    if !text.contains(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn all_meet(form: fn(&str) -> String, texts: &[&str]) {
        for text in texts {
            assert_eq!(form(text), form(texts[0]), "{text} does not meet {}", texts[0]);
        }
    }

    #[track_caller]
    fn stay_apart(form: fn(&str) -> String, left: &str, right: &str) {
        assert_ne!(form(left), form(right), "{left} meets {right}");
    }

    #[test]
    fn a_search_finds_turkish_and_hungarian_names_in_any_spelling() {
        all_meet(
            search_form,
            &["istanbul", "İstanbul", "ISTANBUL", "Istanbul", "ıstanbul", "i\u{307}stanbul"],
        );
        all_meet(search_form, &["orult", "Őrült", "ŐRÜLT", "o\u{30b}ru\u{308}lt"]);
        all_meet(search_form, &["isik", "Işık", "IŞIK", "ışık", "İŞİK"]);
        all_meet(search_form, &["lodz", "Łódź", "ŁÓDŹ"]);
        all_meet(search_form, &["ada lovelace", "  Ada \t Lovelace\u{200b} "]);
    }

    #[test]
    fn a_search_does_not_join_letters_that_only_share_a_stem() {
        stay_apart(search_form, "か", "が");
        stay_apart(search_form, "กิน", "กน");
    }

    #[test]
    fn folding_ignores_case_and_composition_but_keeps_marks() {
        all_meet(fold, &["straße", "STRASSE", "Strasse", "STRAẞE"]);
        all_meet(fold, &["josé", "JOSE\u{301}", "José"]);
        all_meet(fold, &["σίσυφος", "ΣΊΣΥΦΟΣ"]);
        stay_apart(fold, "Őrült", "Orult");
    }

    #[test]
    fn folding_is_not_turkish() {
        all_meet(fold, &["INFO", "info"]);
        stay_apart(fold, "ınfo", "info");
        // Lower-casing gives `i` and U+0307 as well, which is why no name is ever compared by `to_lowercase`.
        assert_eq!(fold("İstanbul"), "i\u{307}stanbul");
    }

    #[test]
    fn one_line_cannot_start_a_new_one() {
        assert_eq!(one_line(" Ada\r\nBcc: x@y.z "), "Ada Bcc: x@y.z");
        assert!(matches!(one_line("Ada Lovelace"), Cow::Borrowed(_)));
    }

    #[test]
    fn lines_keep_line_ends_and_tabs_only() {
        assert_eq!(lines("a\r\nb\rc\td\u{7}e"), "a\nb\nc\tde");
    }

    #[test]
    fn a_blank_text_is_none() {
        for blank in ["", " ", "\t\r\n", "\u{feff}", "\u{a0}\u{200b}"] {
            assert_eq!(non_blank(blank), None, "{blank:?}");
        }
    }

    proptest! {
        #[test]
        fn every_form_is_stable(text: String) {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
            prop_assert_eq!(search_form(&search_form(&text)), search_form(&text));
            let once = nfc(&text);
            prop_assert_eq!(&nfc(&once), &once);
            let once = one_line(&text);
            prop_assert_eq!(&one_line(&once), &once);
            let once = lines(&text);
            prop_assert_eq!(&lines(&once), &once);
        }

        #[test]
        fn what_folds_alike_is_found_alike(text: String) {
            prop_assert_eq!(search_form(&fold(&text)), search_form(&text));
        }
    }
}
