//! Countries: from whatever a sender wrote (`US`, `USA`, `United States`, `Magyarország`) to the ISO 3166-1 code.

use crate::limits;
use crate::text;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One country a line: alpha-2, alpha-3, then its names in English, Hungarian, Turkish, and further spellings.
///
/// Codes are those of ISO 3166-1, and `XK` for Kosovo, which ISO leaves to users and every CRM has. Names are those
/// of Unicode CLDR 48 (Unicode-3.0 licence), in English, Hungarian, Turkish, the country's main language, German,
/// French, Spanish, Italian, Portuguese, Dutch, Polish and Romanian; then names of the time zone database (public
/// domain), and former and colloquial names.
const NAMES: &str = include_str!("country/names.txt");

/// Longest name that is looked up, in bytes: the longest in the table has 52 letters.
const NAME_BYTES_MAX: usize = 256;
const _: () = assert!(NAME_BYTES_MAX <= limits::FIELD_BYTES_MAX);

static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::with_capacity(4096);
    for line in NAMES.lines() {
        let iso2 = &line[..2];
        for name in line.split('|') {
            codes.entry(key(name)).or_insert(iso2);
        }
    }
    codes
});

/// The ISO 3166-1 alpha-2 code of a country, from its code or any name or common alias of it.
///
/// Case, accents, dots, hyphens and spaces do not matter. `None` when the text names no country we know, or more
/// than one, such as `Korea`.
pub fn iso2(text: &str) -> Option<&'static str> {
    if text.len() > NAME_BYTES_MAX {
        return None;
    }
    BY_NAME.get(&key(text)).copied()
}

/// The ISO 3166-1 alpha-3 code of a country, by its alpha-2 code in capitals.
pub fn iso3(iso2: &str) -> Option<&'static str> {
    name(iso2, 1)
}

/// The usual English name of a country, by its alpha-2 code in capitals.
pub fn english_name(iso2: &str) -> Option<&'static str> {
    name(iso2, 2)
}

/// The usual Hungarian name of a country, by its alpha-2 code in capitals.
pub fn hungarian_name(iso2: &str) -> Option<&'static str> {
    name(iso2, 3)
}

/// The usual Turkish name of a country, by its alpha-2 code in capitals.
pub fn turkish_name(iso2: &str) -> Option<&'static str> {
    name(iso2, 4)
}

/// Every alpha-2 code, in alphabetical order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    NAMES.lines().map(|line| &line[..2])
}

fn name(iso2: &str, column: usize) -> Option<&'static str> {
    let line = NAMES.lines().find(|line| line.split('|').next() == Some(iso2))?;
    line.split('|').nth(column)
}

/// Dots, hyphens, apostrophes, brackets and spaces carry no meaning in a country's name: `U.S.A.`, `Guinea-Bissau`.
fn key(text: &str) -> String {
    let mut form = text::search_form(&text.replace('&', " and "));
    form.retain(char::is_alphanumeric);
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[track_caller]
    fn check(expected: Option<&str>, texts: &[&str]) {
        for text in texts {
            assert_eq!(iso2(text), expected, "{text}");
        }
    }

    #[test]
    fn codes_names_and_aliases_find_the_country() {
        check(
            Some("US"),
            &["US", "us", "USA", "U.S.A.", "U.S.", "United States", "United States of America", "ABD"],
        );
        check(
            Some("GB"),
            &["GB", "UK", "U.K.", "gbr", "Great Britain", "United Kingdom", "England", "İngiltere"],
        );
        check(Some("TR"), &["TR", "TUR", "Türkiye", "TÜRKİYE", "Turkiye", "turkey", "TURKEY", "Törökország"]);
        check(
            Some("HU"),
            &["HU", "HUN", "Hungary", "Magyarország", "MAGYARORSZAG", "Macaristan", " Ungarn "],
        );
        check(Some("DE"), &["de", "DEU", "Germany", "Deutschland", "Almanya", "Németország", "Allemagne"]);
        check(Some("CI"), &["Côte d’Ivoire", "Cote d'Ivoire", "Ivory Coast"]);
        check(Some("BA"), &["Bosnia & Herzegovina", "Bosnia and Herzegovina"]);
        check(Some("CZ"), &["Czech Republic", "Czechia", "Česko"]);
        check(Some("KR"), &["South Korea", "Korea, Republic of", "대한민국"]);
        check(Some("NE"), &["Niger"]);
        check(Some("NG"), &["Nigeria"]);
        check(Some("GE"), &["Georgia"]);
    }

    #[test]
    fn what_names_no_country_finds_none() {
        check(None, &["", " ", "-", "Korea", "Atlantis", "Europe", "ZZ", "U", &"a".repeat(5000)]);
    }

    #[test]
    fn no_name_belongs_to_two_countries() {
        for line in NAMES.lines() {
            for name in line.split('|') {
                assert_eq!(iso2(name), Some(&line[..2]), "{name}");
            }
        }
    }

    #[test]
    fn every_country_of_iso_3166_is_there_once_with_three_names() {
        let all: HashSet<_> = codes().collect();
        assert_eq!(all.len(), 249 + 1);
        assert_eq!(codes().count(), all.len());
        for code in codes() {
            assert!(english_name(code).is_some() && turkish_name(code).is_some(), "{code}");
        }
        assert_eq!(english_name("HU"), Some("Hungary"));
        assert_eq!(hungarian_name("TR"), Some("Törökország"));
        assert_eq!(turkish_name("HU"), Some("Macaristan"));
        assert_eq!(english_name("hu"), None);
    }
}
