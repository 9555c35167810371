//! The languages of pages and messages: which of them a visitor reads, and how each writes names and capital letters.

/// A language that pages and messages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Hungarian.
    Hu,
    /// Turkish.
    Tr,
}

/// Languages of `Accept-Language` that are looked at; browsers send fewer than ten.
const WISHES_MAX: usize = 32;

impl Language {
    /// All of them; the first is the one that is shown when nothing else is known.
    pub const ALL: [Language; 3] = [Language::En, Language::Hu, Language::Tr];

    /// Its code (BCP 47).
    pub fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Hu => "hu",
            Language::Tr => "tr",
        }
    }

    /// Its name in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::Hu => "Magyar",
            Language::Tr => "Türkçe",
        }
    }

    /// Reads a code, with or without a region: `hu`, `hu-HU`.
    pub fn parse(text: &str) -> Option<Self> {
        let main = text.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|it| it.code().eq_ignore_ascii_case(main))
    }

    /// Whether people write the family name first.
    pub fn puts_family_name_first(self) -> bool {
        match self {
            Language::Hu => true,
            Language::En | Language::Tr => false,
        }
    }

    /// Capital letters. In Turkish `i` and `ı` are two letters, each with a capital of its own (Unicode, `SpecialCasing`).
    pub fn upper(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        text.chars().for_each(|it| self.push_upper(&mut out, it));
        out
    }

    /// Small letters.
    pub fn lower(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        text.chars().for_each(|it| self.push_lower(&mut out, it));
        out
    }

    /// A capital at the start of each word, and small letters after it.
    pub fn title(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut starts = true;
        for letter in text.chars() {
            if starts {
                self.push_upper(&mut out, letter);
            } else {
                self.push_lower(&mut out, letter);
            }
            starts = !letter.is_alphanumeric();
        }
        out
    }

    fn push_upper(self, out: &mut String, letter: char) {
        match (self, letter) {
            (Language::Tr, 'i') => out.push('İ'),
            _ => out.extend(letter.to_uppercase()),
        }
    }

    fn push_lower(self, out: &mut String, letter: char) {
        match (self, letter) {
            (Language::Tr, 'I') => out.push('ı'),
            (Language::Tr, 'İ') => out.push('i'),
            _ => out.extend(letter.to_lowercase()),
        }
    }

    /// The language to show: the one asked for, else the first wish of `Accept-Language` that is there, else the first
    /// that is there, else English.
    pub fn choose(there: &[Language], asked: Option<&str>, accept_language: &str) -> Self {
        let is_there = |it: &Language| there.contains(it);
        let asked = asked.and_then(Self::parse).filter(is_there);
        asked
            .or_else(|| wishes(accept_language).into_iter().find(is_there))
            .or_else(|| there.first().copied())
            .unwrap_or_default()
    }
}

/// The languages of an `Accept-Language` (RFC 9110, 12.5.4) that we know, most wished first.
fn wishes(text: &str) -> Vec<Language> {
    let mut wishes: Vec<(u32, Language)> = Vec::new();
    for range in text.split(',').take(WISHES_MAX) {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(Language::parse) else { continue };
        let weight = parts.find_map(|it| it.trim().strip_prefix("q=")).map_or(Some(1000), weight);
        match weight {
            Some(weight) if weight > 0 => wishes.push((weight, language)),
            Some(_) | None => {}
        }
    }
    // Stable: of two with the same weight the first one counts.
    wishes.sort_by_key(|it| std::cmp::Reverse(it.0));
    wishes.into_iter().map(|it| it.1).collect()
}

/// A weight from 0 to 1 in thousandths.
fn weight(text: &str) -> Option<u32> {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if rest.len() > 3 || !rest.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let thousandths: u32 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// One thing for each language, where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerLanguage<T>(Vec<(Language, T)>);

impl<T> Default for PerLanguage<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> PerLanguage<T> {
    /// Puts one in; a later one for the same language replaces it.
    pub fn put(&mut self, language: Language, it: T) {
        self.0.retain(|known| known.0 != language);
        self.0.push((language, it));
        self.0.sort_by_key(|known| Language::ALL.iter().position(|it| *it == known.0));
    }

    /// The one for a language.
    pub fn get(&self, language: Language) -> Option<&T> {
        self.0.iter().find(|it| it.0 == language).map(|it| &it.1)
    }

    /// The one for a language, or for the first that there is.
    pub fn get_or_first(&self, language: Language) -> Option<&T> {
        self.get(language).or_else(|| self.0.first().map(|it| &it.1))
    }

    /// All of them, in the usual order of languages.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &T)> {
        self.0.iter().map(|it| (it.0, &it.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: &[Language] = &Language::ALL;

    #[track_caller]
    fn check(there: &[Language], asked: Option<&str>, accept: &str, expected: Language) {
        assert_eq!(Language::choose(there, asked, accept), expected, "{asked:?} {accept}");
    }

    #[test]
    fn what_is_asked_for_wins_then_the_browsers_wish_then_what_is_there() {
        check(ALL, Some("tr"), "hu", Language::Tr);
        check(ALL, Some("xx"), "hu-HU,hu;q=0.9,en;q=0.8", Language::Hu);
        check(ALL, None, "de-DE,de;q=0.9,tr;q=0.4,en;q=0.3", Language::Tr);
        check(ALL, None, "en;q=0.1,tr;q=0.25,hu;q=0.2", Language::Tr);
        check(ALL, None, "", Language::En);
        check(&[Language::Hu, Language::Tr], None, "en", Language::Hu);
        check(&[Language::Hu, Language::Tr], Some("en"), "tr", Language::Tr);
        check(&[], None, "tr", Language::En);
    }

    #[test]
    fn a_language_that_is_refused_or_misweighted_is_no_wish() {
        check(ALL, None, "tr;q=0,hu;q=2,hu;q=0.12345,en", Language::En);
        check(ALL, None, "hu;q=,tr;q=1.000", Language::Tr);
    }

    #[test]
    fn turkish_has_two_letters_i_and_others_have_one() {
        assert_eq!(Language::Tr.upper("ısı işi"), "ISI İŞİ");
        assert_eq!(Language::Tr.lower("ISI İŞİ"), "ısı işi");
        assert_eq!(Language::Tr.title("İNCİ IŞIK-yılmaz"), "İnci Işık-Yılmaz");
        assert_eq!(Language::Hu.title("ŐRI ILONA"), "Őri Ilona");
        assert_eq!(Language::En.upper("straße i"), "STRASSE I");
    }

    proptest! {
        #[test]
        fn turkish_letters_come_back_from_their_capitals(text in "[a-zçğıöşü ]{0,40}") {
            prop_assert_eq!(Language::Tr.lower(&Language::Tr.upper(&text)), text);
        }

        #[test]
        fn any_header_chooses_a_language_that_is_there(text in "\\PC{0,80}") {
            prop_assert_eq!(Language::choose(&[Language::Hu], None, &text), Language::Hu);
        }
    }
}
