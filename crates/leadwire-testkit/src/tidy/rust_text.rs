//! Just enough of Rust's lexical grammar to tell code, comments and text literals apart.

/// A stretch of a Rust file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Code, with neither comments nor literals of text.
    Code(&'a str),
    /// A comment, with its slashes.
    Comment(&'a str),
    /// What stands between the quotes of a literal, escapes as written.
    Literal(&'a str),
}

/// Splits a file into code, comments and literals. Never fails: what does not end, ends with the file.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut code_from) = (0, 0);
    while at < bytes.len() {
        let rest = &text[at..];
        let found = if rest.starts_with("//") {
            let end = at + rest.find('\n').unwrap_or(rest.len());
            Some((Piece::Comment(&text[at..end]), end))
        } else if rest.starts_with("/*") {
            let end = at + block_comment_bytes(rest);
            Some((Piece::Comment(&text[at..end]), end))
        } else if bytes[at] == b'"' {
            let (inside, bytes_long) = quoted(rest);
            Some((Piece::Literal(inside), at + bytes_long))
        } else if bytes[at] == b'r' && !follows_name(bytes, at) {
            raw(rest).map(|(inside, bytes_long)| (Piece::Literal(inside), at + bytes_long))
        } else if bytes[at] == b'\'' {
            // A character is code like a number is, but the quote inside `'"'` must not open a literal.
            at += character_bytes(rest);
            continue;
        } else {
            None
        };
        if let Some((piece, end)) = found {
            if code_from < at {
                out.push(Piece::Code(&text[code_from..at]));
            }
            out.push(piece);
            (at, code_from) = (end, end);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if code_from < text.len() {
        out.push(Piece::Code(&text[code_from..]));
    }
    out
}

/// The code alone; where a comment or a literal stood, there is a space.
pub fn code(text: &str) -> String {
    let keep = |piece: &Piece<'_>| match piece {
        Piece::Code(code) => (*code).to_owned(),
        Piece::Comment(_) | Piece::Literal(_) => " ".to_owned(),
    };
    pieces(text).iter().map(keep).collect()
}

/// The text literals alone.
pub fn literals(text: &str) -> Vec<&str> {
    let keep = |piece| match piece {
        Piece::Literal(inside) => Some(inside),
        Piece::Code(_) | Piece::Comment(_) => None,
    };
    pieces(text).into_iter().filter_map(keep).collect()
}

/// Names, `::`, and single characters of punctuation, in order.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |it: char| it.is_alphanumeric() || it == '_';
        let end = if is_name(first) {
            rest.find(|it| !is_name(it)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        out.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    out
}

/// The file without its `#[cfg(test)] mod tests { … }`, which stands at its end.
pub fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    // `b` and `c` may stand before a raw literal, but then the name before them ends.
    let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    match at.checked_sub(1).map(|it| bytes[it]) {
        Some(b'b' | b'c') => at >= 2 && is_name(bytes[at - 2]),
        Some(before) => is_name(before),
        None => false,
    }
}

fn block_comment_bytes(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let Some(next) = rest[at..].find(['/', '*']) else { return rest.len() };
        at += next;
        if rest[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
        } else if rest[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(rest: &str) -> (&str, usize) {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            '"' if !escaped => return (&rest[1..at], at + 1),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (&rest[1..], rest.len())
}

fn raw(rest: &str) -> Option<(&str, usize)> {
    let hashes = rest[1..].bytes().take_while(|it| *it == b'#').count();
    let inside = rest[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close).unwrap_or(inside.len());
    Some((&inside[..end], (2 + hashes + end + close.len()).min(rest.len())))
}

fn character_bytes(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((escaped_at, escaped))) => {
            let from = escaped_at + escaped.len_utf8();
            rest[from..].find('\'').map_or(rest.len(), |it| from + it + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        // A lifetime.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Piece<'_>]) {
        assert_eq!(pieces(text), expected);
    }

    #[test]
    fn comments_and_literals_are_told_from_code() {
        check("a // b\nc", &[Piece::Code("a "), Piece::Comment("// b"), Piece::Code("\nc")]);
        check("a /* /* b */ */ c", &[Piece::Code("a "), Piece::Comment("/* /* b */ */"), Piece::Code(" c")]);
        check(r#"f("// \" no")"#, &[Piece::Code("f("), Piece::Literal(r#"// \" no"#), Piece::Code(")")]);
        check(r##"r#"a"b"# c"##, &[Piece::Literal("a\"b"), Piece::Code(" c")]);
        check(r#"for"x""#, &[Piece::Code("for"), Piece::Literal("x")]);
        check(r##"br#"x"#"##, &[Piece::Code("b"), Piece::Literal("x")]);
        check("\"never ends", &[Piece::Literal("never ends")]);
    }

    #[test]
    fn characters_and_lifetimes_open_no_literal() {
        for text in ["'\"' x", "'\\'' 'a' &'a str", "'\\u{22}' x", "r#type", "'ő'"] {
            check(text, &[Piece::Code(text)]);
        }
    }

    #[test]
    fn tests_at_the_end_are_left_out() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n}\n"), "a\n");
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests;\n"), "a\n#[cfg(test)]\nmod tests;\n");
    }

    #[test]
    fn tokens_keep_paths_together_by_their_separator() {
        assert_eq!(
            tokens("use crate::{a, b::C};"),
            ["use", "crate", "::", "{", "a", ",", "b", "::", "C", "}", ";"]
        );
    }
}
