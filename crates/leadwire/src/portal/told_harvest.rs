//! What the source says: the texts in it that read like words, with numbered holes, for the catalogue to be held against.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where words come from that pages show, below `crates`.
const PLACES: &[&str] = &[
    "leadwire-connect/src",
    "leadwire-core/src/email.rs",
    "leadwire-core/src/filter",
    "leadwire-core/src/filter.rs",
    "leadwire-core/src/follow_up",
    "leadwire-core/src/follow_up.rs",
    "leadwire-core/src/id.rs",
    "leadwire-core/src/json",
    "leadwire-core/src/json.rs",
    "leadwire-core/src/lane",
    "leadwire-core/src/lane.rs",
    "leadwire-core/src/listing",
    "leadwire-core/src/listing.rs",
    "leadwire-core/src/mapping",
    "leadwire-core/src/partner_center",
    "leadwire-core/src/partner_center.rs",
    "leadwire-core/src/routing.rs",
    "leadwire-core/src/touchpoint",
    "leadwire/src/api",
    "leadwire/src/audit/mod.rs",
    "leadwire/src/backups.rs",
    "leadwire/src/bodies.rs",
    "leadwire/src/deliver",
    "leadwire/src/feedback.rs",
    "leadwire/src/follow_ups.rs",
    "leadwire/src/letters.rs",
    "leadwire/src/portal",
    "leadwire/src/proof.rs",
    "leadwire/src/watch",
];

/// Files in there that no page speaks with: words of messages that are sent, of the record at the destination, of documents
/// for programs, and of what only programs send us.
const APART: &[&str] = &[
    "leadwire-connect/src/notice.rs",
    "leadwire-connect/src/oidc",
    "leadwire-connect/src/email/request.rs",
    "leadwire-core/src/mapping/note.rs",
    "leadwire/src/api/endpoints",
    "leadwire/src/api/openapi.rs",
    "leadwire/src/api/page",
    "leadwire/src/api/portal_links.rs",
    "leadwire/src/api/secrets.rs",
    "leadwire/src/letters/",
];

/// Macros and calls whose words are for logs and for mistakes of our own.
const UNSEEN: &[&str] =
    &["expect", "assert", "debug_assert", "panic", "unreachable", "debug", "info", "warn", "error"];

/// Every text of the source, and the file it stands in.
pub(super) fn said() -> BTreeMap<String, String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut said = BTreeMap::new();
    for place in PLACES {
        collect(&crates.join(place), crates, &mut said);
    }
    said
}

fn collect(path: &Path, crates: &Path, said: &mut BTreeMap<String, String>) {
    let name = path.strip_prefix(crates).unwrap().to_string_lossy().into_owned();
    if APART.iter().any(|it| name.starts_with(it))
        || name.ends_with("tests.rs")
        || name.ends_with("test_server.rs")
    {
        return;
    }
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|it| collect(&it.unwrap().path(), crates, said));
    } else if name.ends_with(".rs") && !name.ends_with("told_harvest.rs") {
        let source = std::fs::read_to_string(path).unwrap();
        // A catalogue of errors is held by its entries; pieces of other products' words stand in it as well.
        let source = if name.ends_with("errors.rs") { without_texts(&source) } else { source };
        let texts = texts(&tokens(&source));
        said.extend(texts.into_iter().map(|it| (it, name.clone())));
    }
}

/// A catalogue of errors without the slices in its entries.
fn without_texts(source: &str) -> String {
    let mut left = String::new();
    let mut depth = 0_usize;
    let mut before = ' ';
    for it in source.chars() {
        match it {
            '[' if before == '&' || depth > 1 => depth += 1,
            ']' if depth > 0 => depth -= 1,
            _ => {}
        }
        // The catalogue itself is the first slice.
        if depth < 2 {
            left.push(it);
        }
        before = it;
    }
    left
}

/// Whether a text is for people: at least two words, one of them small.
pub(super) fn is_words(text: &str) -> bool {
    const SQL: [&str; 6] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE "];
    let is_word = |it: &str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_lowercase());
    let text = text.trim();
    text.contains(' ') && text.split(' ').any(is_word) && !SQL.iter().any(|it| text.starts_with(it))
}

/// The text with its holes numbered.
pub(super) fn holed(text: &str) -> String {
    let mut holed = String::new();
    let mut count = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        holed.push_str(before);
        let hole =
            from.strip_prefix('{').and_then(|it| it.split_once('}')).filter(|it| !it.0.contains([' ', '{']));
        if from.starts_with("{{") || from.starts_with("}}") {
            holed.push_str(&from[..1]);
            rest = &from[2..];
        } else if let Some((_, after)) = hole {
            count += 1;
            holed.push_str(&format!("{{{count}}}"));
            rest = after;
        } else {
            holed.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    holed + rest
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Name(String),
    Sign(char),
}

/// The source without comments, spaces and lifetimes.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("//") {
            rest = after.split_once('\n').map_or("", |it| it.1);
        } else if let Some((text, after)) = raw(rest) {
            tokens.push(Token::Text(text.to_owned()));
            rest = after;
        } else if first == '"' {
            let (text, after) = quoted(&rest[1..]);
            tokens.push(Token::Text(text));
            rest = after;
        } else if first == '\'' {
            // A character, or else a lifetime.
            let signs: Vec<char> = rest.chars().skip(1).take(2).collect();
            let length = match signs[..] {
                ['\\', escaped] => {
                    2 + escaped.len_utf8() + rest[2 + escaped.len_utf8()..].find('\'').unwrap() + 1
                }
                [sign, '\''] => 2 + sign.len_utf8(),
                _ => 1,
            };
            rest = &rest[length..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            tokens.extend(Some(Token::Sign(first)).filter(|_| !first.is_whitespace()));
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// A raw text at the start of the source, and what follows.
fn raw(source: &str) -> Option<(&str, &str)> {
    let after = source.strip_prefix('r')?;
    let marks = after.len() - after.trim_start_matches('#').len();
    let text = after[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    text.split_once(end.as_str())
}

/// A text up to its closing quote, and what follows.
fn quoted(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut signs = source.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (text, &source[at + 1..]),
            '\\' => match signs.next().unwrap().1 {
                'n' => text.push('\n'),
                '\n' => while signs.next_if(|it| it.1.is_whitespace()).is_some() {},
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    panic!("a text has no end: {text}");
}

/// The texts of what is neither a test nor an attribute nor said to nobody.
fn texts(tokens: &[Token]) -> BTreeSet<String> {
    let sign = |at: usize, sign: char| tokens.get(at) == Some(&Token::Sign(sign));
    let name = |at: usize, name: &str| matches!(tokens.get(at), Some(Token::Name(it)) if it == name);
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let called = at + 1 + usize::from(sign(at + 1, '!'));
        match token {
            Token::Sign('#') if sign(at + 1, '[') => {
                let end = closed(tokens, at + 1);
                if name(at + 2, "error") {
                    found.extend(tokens[at..end].iter().filter_map(as_text).map(|it| holed(&it)));
                }
                at = end;
            }
            Token::Name(it) if it == "mod" && name(at + 1, "tests") && sign(at + 2, '{') => {
                at = closed(tokens, at + 2);
            }
            Token::Name(it) if UNSEEN.contains(&it.as_str()) && sign(called, '(') => {
                at = closed(tokens, called)
            }
            Token::Text(text) => {
                // Only a macro puts something in: its text is the first thing that it is given, or the second.
                let is_filled = (at.saturating_sub(4)..at).any(|it| sign(it, '!') && sign(it + 1, '('));
                found.insert(if is_filled { holed(text) } else { text.clone() });
            }
            Token::Name(_) | Token::Sign(_) => {}
        }
        at += 1;
    }
    found
}

fn as_text(token: &Token) -> Option<String> {
    match token {
        Token::Text(text) => Some(text.clone()),
        Token::Name(_) | Token::Sign(_) => None,
    }
}

/// Where the bracket at this place closes.
fn closed(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            Token::Sign(_) | Token::Text(_) | Token::Name(_) => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("a bracket is not closed");
}
