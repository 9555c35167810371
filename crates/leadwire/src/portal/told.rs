//! What the service says in English, such as causes, fixes and mistakes of forms, in the language of who reads a page.
//!
//! Stored words, the API and logs are English and stay so; a page looks the English up. An entry is a sentence, or a pattern
//! with numbered holes, `{1}`, for what the code puts in. What stands in a hole goes through as it is, unless it is
//! something that we say too. What is not found stays English, and is marked so.

use askama::filters::{Escaper, Html, HtmlSafe};
use leadwire_core::language::Language;
use leadwire_core::limits::{TOLD_BYTES_MAX, TOLD_DEPTH_MAX, TOLD_PARTS_MAX, TOLD_TRIES_MAX};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

const SOURCES: [&str; 4] = [
    include_str!("../../locales/told/causes.txt"),
    include_str!("../../locales/told/kinds.txt"),
    include_str!("../../locales/told/mapping.txt"),
    include_str!("../../locales/told/mistakes.txt"),
];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(entries()));

fn entries() -> impl Iterator<Item = Entry<'static>> {
    SOURCES.into_iter().flat_map(read)
}

/// An entry. One without words is a name, and the same in every language.
struct Entry<'a> {
    english: &'a str,
    words: Option<[&'a str; 2]>,
}

impl<'a> Entry<'a> {
    fn says(&self, language: Language) -> &'a str {
        match (language, self.words) {
            (Language::En, _) | (_, None) => self.english,
            (Language::Hu, Some([words, _])) | (Language::Tr, Some([_, words])) => words,
        }
    }
}

/// The entries: blocks of lines that begin with the code of their language.
fn read(source: &str) -> impl Iterator<Item = Entry<'_>> {
    source.split("\n\n").filter_map(|block| {
        let said = |code: &str| block.lines().find_map(|it| it.strip_prefix(code)?.strip_prefix(' '));
        let english = said(Language::En.code())?;
        Some(Entry {
            english,
            words: said(Language::Hu.code()).zip(said(Language::Tr.code())).map(Into::into),
        })
    })
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Hole(usize),
}

/// The pieces of a text with numbered holes.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text[at..].find('{').map(|it| it + at) {
        let number = text[open + 1..].split_once('}').and_then(|(it, _)| Some((it.len(), it.parse().ok()?)));
        at = open + 1;
        if let Some((length, number)) = number {
            all.extend(Some(Piece::Text(&text[from..open])).filter(|_| open > from));
            all.push(Piece::Hole(number));
            at = open + length + 2;
            from = at;
        }
    }
    all.extend(Some(Piece::Text(&text[from..])).filter(|_| text.len() > from));
    all
}

/// An entry with holes.
struct Pattern<'a> {
    entry: Entry<'a>,
    pieces: Vec<Piece<'a>>,
    /// Bytes of its own words: the pattern with the most is tried first.
    own: usize,
    /// Has no words of its own: it only joins what must be found itself.
    joins: bool,
}

/// One text that is looked up, and how much may still be tried for it: what is put together of many things that we say could
/// be taken apart in very many ways.
struct Look {
    language: Language,
    left: Cell<usize>,
}

impl Look {
    fn new(language: Language) -> Self {
        Self { language, left: Cell::new(TOLD_TRIES_MAX) }
    }

    /// Whether one more may be tried.
    fn goes_on(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

struct Catalogue<'a> {
    whole: HashMap<&'a str, Entry<'a>>,
    patterns: Vec<Pattern<'a>>,
}

impl<'a> Catalogue<'a> {
    fn new(entries: impl Iterator<Item = Entry<'a>>) -> Self {
        let (mut whole, mut patterns) = (HashMap::new(), Vec::new());
        for entry in entries {
            let pieces = pieces(entry.english);
            if !pieces.iter().any(|it| matches!(it, Piece::Hole(_))) {
                whole.insert(entry.english, entry);
                continue;
            }
            let texts = pieces.iter().filter_map(|it| match it {
                Piece::Text(text) => Some(*text),
                Piece::Hole(_) => None,
            });
            let own = texts.clone().map(str::len).sum();
            let joins = !texts.flat_map(str::chars).any(char::is_alphabetic);
            patterns.push(Pattern { entry, own, joins, pieces });
        }
        patterns.sort_by_key(|it| std::cmp::Reverse((it.own, it.entry.english)));
        Self { whole, patterns }
    }

    /// The words for a text, where there are some.
    fn find(&self, look: &Look, text: &str, depth: usize) -> Option<String> {
        if let Some(entry) = self.whole.get(text) {
            return Some(entry.says(look.language).to_owned());
        }
        if depth == 0 || text.len() > TOLD_BYTES_MAX || !look.goes_on() {
            return None;
        }
        let by_pattern = || self.patterns.iter().find_map(|it| self.filled(it, look, text, depth));
        let with_stop = || Some(self.find(look, text.strip_suffix('.')?, depth - 1)? + ".");
        by_pattern().or_else(with_stop).or_else(|| self.joined(look, text, depth))
    }

    /// The words for something that is put together: a code or names behind what they are of, or one thing after another.
    fn joined(&self, look: &Look, text: &str, depth: usize) -> Option<String> {
        let find = |it: &str| self.find(look, it, depth - 1);
        let coded = || {
            let (words, code) = text.strip_suffix(')')?.rsplit_once(" (")?;
            Some(format!("{} ({code})", find(words)?))
        };
        let parted = || {
            text.match_indices("; ").take(TOLD_PARTS_MAX).find_map(|(at, sign)| {
                let (before, after) = (find(&text[..at])?, &text[at..]);
                let alone = || Some(format!("{sign}{}", find(&after[sign.len()..])?));
                Some(before + &find(after).or_else(alone)?)
            })
        };
        let named = || {
            text.match_indices(": ").take(TOLD_PARTS_MAX).find_map(|(at, sign)| {
                let (before, after) = (find(&text[..at])?, &text[at + sign.len()..]);
                // One word is the name of a field, whatever it may look like.
                let said = Some(after).filter(|it| it.contains(' ')).and_then(find);
                Some(format!("{before}{sign}{}", said.unwrap_or_else(|| after.to_owned())))
            })
        };
        coded().or_else(parted).or_else(named)
    }

    /// The words for a sentence whose full stop is left to whoever shows it.
    fn without_stop(&self, language: Language, text: &str) -> Option<String> {
        let words = self.whole.get(format!("{text}.").as_str())?.says(language);
        Some(words.trim_end_matches('.').to_owned())
    }

    /// The words of a pattern, if the text is one of it.
    fn filled(&self, pattern: &Pattern<'_>, look: &Look, text: &str, depth: usize) -> Option<String> {
        let values = values(&pattern.pieces, text)?;
        let mut filled = String::with_capacity(text.len() * 2);
        let says = pieces(pattern.entry.says(look.language));
        for (place, piece) in says.iter().enumerate() {
            let number = match piece {
                Piece::Text(text) => {
                    filled.push_str(text);
                    continue;
                }
                Piece::Hole(number) => number,
            };
            let value = values.iter().find(|it| it.0 == *number)?.1;
            // What stands in code is a name, whatever it may look like.
            let is_code = place > 0 && matches!(says[place - 1], Piece::Text(it) if it.ends_with('`'));
            let said = match is_code {
                true => None,
                false => {
                    self.find(look, value, depth - 1).or_else(|| self.without_stop(look.language, value))
                }
            };
            match said {
                Some(words) => filled.push_str(&words),
                None if pattern.joins && !is_code && !value.is_empty() => return None,
                None => filled.push_str(value),
            }
        }
        Some(filled)
    }
}

/// What stands in the holes of a text, when its other pieces are the pattern's.
fn values<'a>(pieces: &[Piece<'_>], text: &'a str) -> Option<Vec<(usize, &'a str)>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut open: Option<usize> = None;
    for (place, piece) in pieces.iter().enumerate() {
        match (piece, open.take()) {
            (Piece::Hole(number), None) => open = Some(*number),
            // Two holes without a word between them: the first is empty.
            (Piece::Hole(number), Some(before)) => {
                found.push((before, ""));
                open = Some(*number);
            }
            (Piece::Text(own), None) => rest = rest.strip_prefix(own)?,
            (Piece::Text(own), Some(number)) => {
                let is_last = place + 1 == pieces.len();
                let at = if is_last { rest.strip_suffix(own)?.len() } else { rest.find(own)? };
                found.push((number, &rest[..at]));
                rest = &rest[at + own.len()..];
            }
        }
    }
    match open {
        Some(number) => found.push((number, rest)),
        None if !rest.is_empty() => return None,
        None => {}
    }
    Some(found)
}

/// What is said to somebody, in their language; where we have no words for it, in English.
pub(super) fn say(language: Language, english: &str) -> Told<'_> {
    let found = match language {
        Language::En => None,
        Language::Hu | Language::Tr => CATALOGUE.find(&Look::new(language), english, TOLD_DEPTH_MAX),
    };
    let is_foreign = language != Language::En && found.is_none() && !english.is_empty();
    Told { text: found.map_or(Cow::Borrowed(english), Cow::Owned), is_foreign }
}

/// Words on a page, which say by themselves when they are not of the page's language.
pub(super) struct Told<'a> {
    pub(super) text: Cow<'a, str>,
    is_foreign: bool,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_foreign {
            return Html.write_escaped_str(f, &self.text);
        }
        f.write_str("<span lang=\"en\">")?;
        Html.write_escaped_str(&mut *f, &self.text)?;
        f.write_str("</span>")
    }
}

// What is put in is escaped right above.
impl HtmlSafe for Told<'_> {}

#[cfg(test)]
#[path = "told_harvest.rs"]
mod harvest;
#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
