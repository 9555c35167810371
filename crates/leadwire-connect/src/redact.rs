//! Makes an answer's body fit for people to read: no personal value, no credential, and not long.

use leadwire_core::json::Json;
use leadwire_core::limits::EVIDENCE_BYTES_MAX;

/// Digits in a row, separators not counted, that may be a telephone number.
const DIGITS_MIN: usize = 7;
/// Length from which a mix of letters and digits may be a credential.
const TOKEN_LEN: usize = 24;
/// Words after which a value is a credential, in lower case.
const SECRET_KEYS: &[&str] = &[
    "bearer",
    "basic",
    "password",
    "pwd",
    "secret",
    "token",
    "authorization",
    "api_key",
    "api-key",
    "apikey",
    "sig",
];

/// How much of a body is looked at, in bytes: more than the largest touchpoint, so that a value that is cut here is far
/// behind what is shown.
const WINDOW_BYTES: usize = 1024 * 1024;

/// The start of a body, with e-mail addresses, long numbers, things that look like credentials and every one of
/// `known` (what was sent) masked. At most [`EVIDENCE_BYTES_MAX`] bytes.
pub(crate) fn redact<'a>(body: &[u8], known: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from_utf8_lossy(&body[..body.len().min(WINDOW_BYTES)]).into_owned();
    for value in known.map(str::trim).filter(|it| it.chars().count() >= 3) {
        if text.contains(value) {
            text = text.replace(value, "[sent]");
        }
    }
    let mut text = mask_numbers(&mask_words(&text));
    if text.len() > EVIDENCE_BYTES_MAX {
        let end = text.floor_char_boundary(EVIDENCE_BYTES_MAX - '…'.len_utf8());
        text.truncate(end);
        text.push('…');
    }
    text
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || "_+/.@~%-".contains(it)
}

fn mask_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_secret_next = false;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|it| !is_word(it)).unwrap_or(rest.len()));
        let (gap, after) = after.split_at(after.find(is_word).unwrap_or(after.len()));
        let is_scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        out.push_str(if is_secret_next && !is_scheme { "[secret]" } else { mask_word(word) });
        // A line break or escape sequence could forge lines where evidence is printed.
        out.extend(gap.chars().map(|it| if it.is_control() { ' ' } else { it }));
        let lower = word.to_lowercase();
        let is_key = SECRET_KEYS.iter().any(|it| lower.ends_with(it));
        is_secret_next = is_key
            && if is_scheme {
                gap == " "
            } else {
                gap.contains([':', '=']) && !gap.contains([',', ';', '}', ')', '<'])
            };
        rest = after;
    }
    out
}

fn mask_word(word: &str) -> &str {
    let has_letter = word.bytes().any(|it| it.is_ascii_alphabetic());
    let has_digit = word.bytes().any(|it| it.is_ascii_digit());
    let is_address =
        word.contains("%40") || word.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    if is_address {
        "[email]"
    } else if uuid_len(word) == Some(word.len()) {
        // Request ids are what a vendor's support asks for.
        word
    } else if (word.len() >= TOKEN_LEN && has_letter && has_digit)
        || (word.len() >= 16 && word.starts_with("eyJ"))
    {
        "[token]"
    } else {
        word
    }
}

fn mask_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        // Numbers and UUIDs begin with such a digit.
        let skipped = text[at..].find(|it: char| it.is_ascii_hexdigit()).unwrap_or(text.len() - at);
        out.push_str(&text[at..at + skipped]);
        at += skipped;
        let rest = &text[at..];
        if rest.is_empty() {
            break;
        }
        if let Some(len) = uuid_len(rest) {
            out.push_str(&rest[..len]);
            at += len;
            continue;
        }
        let number = number_prefix(rest);
        if number.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_MIN {
            out.push_str("[number]");
            at += number.len();
        } else if number.is_empty() {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..next]);
            at += next;
        } else {
            out.push_str(number);
            at += number.len();
        }
    }
    out
}

/// Digits with at most two separators between each two of them, from the start of a text.
fn number_prefix(text: &str) -> &str {
    let mut end = 0;
    let mut gap = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                end = at + 1;
                gap = 0;
            }
            b' ' | b'-' | b'/' | b'.' | b'(' | b')' if end > 0 && gap < 2 => gap += 1,
            _ => break,
        }
    }
    &text[..end]
}

/// The length of a UUID at the start of a text.
fn uuid_len(text: &str) -> Option<usize> {
    const LEN: usize = 36;
    let bytes = text.as_bytes().get(..LEN)?;
    let fits = bytes.iter().enumerate().all(|(at, it)| match at {
        8 | 13 | 18 | 23 => *it == b'-',
        _ => it.is_ascii_hexdigit(),
    });
    fits.then_some(LEN)
}

/// The customer's values that an answer may repeat.
pub(crate) fn known(touchpoint: &leadwire_core::touchpoint::Touchpoint) -> impl Iterator<Item = &str> {
    let it = &touchpoint.customer;
    let own = [&it.email, &it.first_name, &it.last_name, &it.phone, &it.company, &touchpoint.notes];
    let further = touchpoint.campaign.iter().chain(&touchpoint.custom).filter_map(|it| match &it.1 {
        Json::Text(text) => Some(text.as_str()),
        _ => None,
    });
    own.into_iter().filter_map(Option::as_deref).chain(further)
}

/// For messages: an error code from outside, if it looks like one.
pub(crate) fn code(text: &str) -> Option<&str> {
    let is_code = !text.is_empty()
        && text.len() <= 60
        && text.bytes().all(|it| it.is_ascii_alphabetic() || it == b'_' || it == b'-' || it == b'.');
    is_code.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        assert_eq!(redact(body.as_bytes(), std::iter::empty()), expected);
    }

    #[test]
    fn what_may_be_personal_or_a_credential_is_masked() {
        check(r#"{"error":"bad email ada@example.com"}"#, r#"{"error":"bad email [email]"}"#);
        check("mailto:ada%40example.com?", "mailto:[email]?");
        check("call +36 20 123-4567 now", "call +[number] now");
        check("(415) 555-0100", "([number]");
        check("id 1234567", "id [number]");
        check("code 123456", "code 123456");
        check("Authorization: Bearer abc.def", "Authorization: Bearer [secret]");
        check("Basic dXNlcjpwYXNz rejected", "Basic [secret] rejected");
        check(r#"{"client_secret":"s3cr3t","ok":1}"#, r#"{"client_secret":"[secret]","ok":1}"#);
        check("?sp=1&sig=Zm9v-bar", "?sp=1&sig=[secret]");
        check("jwt eyJhbGciOiJIUzI1NiJ9x", "jwt [token]");
        check("key sk_live_4eC39HqLyjWDarjtT1zdp7dc", "key [token]");
        check(
            "request 0d3b2a10-1111-2222-3333-444455556666 failed",
            "request 0d3b2a10-1111-2222-3333-444455556666 failed",
        );
        check("a\nb\u{1b}[31mc", "a b [31mc");
        check("", "");
    }

    #[test]
    fn values_that_were_sent_are_masked() {
        let body = "Dear Ada Lovelace of Analytical, thanks";
        assert_eq!(
            redact(body.as_bytes(), ["Ada", "Lovelace", "Analytical", "x"].into_iter()),
            "Dear [sent] [sent] of [sent], thanks"
        );
    }

    #[test]
    fn evidence_is_bounded_and_ends_at_a_character() {
        let text = redact("é ".repeat(5000).as_bytes(), std::iter::empty());
        assert!(text.len() <= EVIDENCE_BYTES_MAX && text.ends_with('…'));
    }

    proptest! {
        #[test]
        fn any_body_gives_bounded_text_without_an_address_or_long_number(body: Vec<u8>, name in "[a-z]{1,8}", digits in "[0-9]{7,20}") {
            let mut body = body;
            body.extend_from_slice(format!(" {name}@example.com {digits} ").as_bytes());
            let text = redact(&body, std::iter::empty());
            prop_assert!(text.len() <= EVIDENCE_BYTES_MAX);
            prop_assert!(!text.contains("@example.com") && !text.contains(&digits));
        }
    }
}
