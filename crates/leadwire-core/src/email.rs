//! E-mail addresses a CRM can use: read strictly, kept as written, compared in one form for all locales.

use crate::text;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::fmt;

/// Longest address, in bytes (RFC 5321, 4.5.3.1.3, with the erratum that counts the angle brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

/// Why a text is not an address that Leadwire works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEmail {
    /// Nothing is there.
    #[error("the address is empty")]
    Empty,
    /// It is longer than 254 bytes, or its local part is longer than 64.
    #[error("the address is longer than 254 bytes, or than 64 before the `@`")]
    TooLong,
    /// The part before the `@` is missing, is quoted, or holds a character that needs quotes.
    #[error("the part before the `@` is not one that mail systems take")]
    Local,
    /// The part behind the `@` is missing, has no dot, or is not a domain name.
    #[error("the part behind the `@` is not a domain name")]
    Domain,
}

/// An address that can receive mail: the local part as written, the domain in its ASCII form.
///
/// Prints itself in `Debug` as `***`, for it is personal data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    address: String,
    /// Where the `@` is, in bytes.
    at: usize,
}

impl Email {
    /// Reads an address, with or without surrounding spaces, `<` and `>`, and `mailto:`.
    ///
    /// A domain in letters beyond ASCII is turned into punycode, and is never "mended": `İSTANBUL.com.tr` is another
    /// domain than `istanbul.com.tr`. Addresses that are legal and of no use to a CRM are refused: quoted local
    /// parts, domains without a dot, IP addresses.
    ///
    /// # Errors
    /// When it is not such an address; see [`BadEmail`].
    pub fn parse(text: &str) -> Result<Self, BadEmail> {
        let address = unwrapped(text);
        if address.is_empty() {
            return Err(BadEmail::Empty);
        }
        // Before the conversion of the domain, whose work grows with its length.
        if address.len() > ADDRESS_BYTES_MAX {
            return Err(BadEmail::TooLong);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(BadEmail::Domain)?;
        if local.len() > LOCAL_BYTES_MAX {
            return Err(BadEmail::TooLong);
        }
        if local.split('.').any(|atom| atom.is_empty() || !atom.chars().all(is_atom_letter)) {
            return Err(BadEmail::Local);
        }
        let domain = ascii_domain(domain).ok_or(BadEmail::Domain)?;
        let address = format!("{local}@{domain}");
        if address.len() > ADDRESS_BYTES_MAX {
            return Err(BadEmail::TooLong);
        }
        Ok(Self { at: local.len(), address })
    }

    /// The address: local part as written, domain in lower case and punycode.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The domain, in lower case and punycode.
    pub fn domain(&self) -> &str {
        &self.address[self.at + 1..]
    }

    /// The form under which two addresses are one customer: composed, and in ASCII lower case.
    ///
    /// RFC 5321 lets a mail system tell `Ada@` from `ada@`; none in use does. Casing never follows a locale, which
    /// would make `INFO@` of a Turkish sender another customer than `info@`. Nothing else is removed: dots and
    /// `+tags` mean something different at each mail provider, and a wrong guess writes one person's data, and
    /// consent, into the record of another.
    pub fn identity_form(&self) -> String {
        text::nfc(&self.address).to_ascii_lowercase()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Email(***)")
    }
}

/// Takes off what people copy along with an address.
fn unwrapped(text: &str) -> &str {
    let text = text::trim(text);
    let text = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).map_or(text, text::trim);
    match text.split_at_checked("mailto:".len()) {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto:") => {
            // A link may carry a subject: `mailto:ada@example.com?subject=Hello` (RFC 6068).
            text::trim(address.split_once('?').map_or(address, |(address, _)| address))
        }
        _ => text,
    }
}

/// `atext` of RFC 5322 (3.2.3), and beyond ASCII what RFC 6532 adds, but for spaces and control characters.
fn is_atom_letter(letter: char) -> bool {
    if letter.is_ascii() {
        letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter)
    } else {
        // What trimming takes off at the ends, an invisible sign, has no business inside either.
        text::non_blank(letter.encode_utf8(&mut [0; 4])).is_some()
    }
}

fn ascii_domain(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    let (_, top) = ascii.rsplit_once('.')?;
    // No top-level domain is a number, so this is an IP address.
    let is_name = !top.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then(|| ascii.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, BadEmail>) {
        let email = Email::parse(text);
        assert_eq!(email.as_ref().map(Email::as_str).map_err(|bad| *bad), expected, "{text}");
    }

    #[track_caller]
    fn check_identity(left: &str, right: &str, same: bool) {
        let form = |text| Email::parse(text).unwrap_or_else(|bad| panic!("{text}: {bad}")).identity_form();
        assert_eq!(form(left) == form(right), same, "{left} and {right}");
    }

    #[test]
    fn an_address_is_taken_out_of_its_wrapping() {
        for text in [
            "Ada@example.com",
            "  Ada@EXAMPLE.com\r\n",
            "<Ada@example.com>",
            "mailto:Ada@example.com",
            "< MAILTO:Ada@example.com >",
            "mailto:Ada@example.com?subject=Hello",
            "Ada@example.com.",
            "\u{feff}Ada@example.com\u{200b}",
        ] {
            check(text, Ok("Ada@example.com"));
        }
    }

    #[test]
    fn what_no_crm_can_mail_to_is_refused() {
        check("", Err(BadEmail::Empty));
        check(" <> ", Err(BadEmail::Empty));
        for domain in
            ["a", "a@", "a@b", "user@localhost", "a@.com", "a@b..com", "a@1.2.3.4", "a@[1.2.3.4]", "a@-b.com"]
        {
            check(domain, Err(BadEmail::Domain));
        }
        for domain in ["a@b c.com", "a@b_c.com", "a@b.com>", "a@b,com", "a@xn--a.com"] {
            check(domain, Err(BadEmail::Domain));
        }
        for local in
            ["@b.com", "a b@c.com", "\"a b\"@c.com", "a@b@c.com", ".a@b.com", "a.@b.com", "a..b@c.com"]
        {
            check(local, Err(BadEmail::Local));
        }
        for local in
            ["Ada <ada@b.com", "a;b@c.com", "a\tb@c.com", "a\u{200b}b@c.com", "a\\b@c.com", "a,b@c.com"]
        {
            check(local, Err(BadEmail::Local));
        }
    }

    #[test]
    fn length_is_bounded_before_and_after_the_conversion() {
        check(&format!("{}@example.com", "a".repeat(65)), Err(BadEmail::TooLong));
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(64))).is_ok());
        check(&format!("a@{}com", "ab.".repeat(100)), Err(BadEmail::TooLong));
        check(&format!("{}@{}com", "a".repeat(60), "ő.".repeat(25)), Err(BadEmail::TooLong));
        check(&format!("a@{}com", "ő.".repeat(70)), Err(BadEmail::Domain));
        check(&format!("a@{}.com", "a".repeat(64)), Err(BadEmail::Domain));
    }

    #[test]
    fn a_domain_becomes_punycode_and_is_not_mended() {
        check("ada@Bücher.example", Ok("ada@xn--bcher-kva.example"));
        check("ada@İSTANBUL.com.tr", Ok("ada@xn--istanbul-o0e.com.tr"));
        check("ada@ISTANBUL.com.tr", Ok("ada@istanbul.com.tr"));
        assert_eq!(Email::parse("o.k@şirket.com.tr").expect("valid").domain(), "xn--irket-idb.com.tr");
    }

    #[test]
    fn the_local_part_is_kept_as_written() {
        check("O'Brien+CRM@example.com", Ok("O'Brien+CRM@example.com"));
        check("Őrült@example.com", Ok("Őrült@example.com"));
    }

    #[test]
    fn identity_ignores_ascii_case_and_composition_only() {
        check_identity("INFO@X.example", "info@x.EXAMPLE", true);
        check_identity("jose\u{301}@x.example", "josé@x.example", true);
        check_identity("ınfo@x.example", "info@x.example", false);
        check_identity("ada.l@gmail.com", "adal@gmail.com", false);
        check_identity("ada+crm@x.example", "ada@x.example", false);
    }

    #[test]
    fn an_address_does_not_print_itself() {
        assert_eq!(format!("{:?}", Email::parse("ada@example.com").expect("valid")), "Email(***)");
    }

    proptest! {
        #[test]
        fn what_was_read_reads_back(text in "[a-zA-Ző.+@<> ]{0,20}@?[a-zA-Zőİ.-]{0,20}|\\PC*") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                let form = email.identity_form();
                let again = Email::parse(&form).expect("the identity form is an address");
                prop_assert_eq!(again.identity_form(), form);
            }
        }

        #[test]
        fn letter_case_never_makes_another_customer(local in "[a-zA-Z0-9+]{1,20}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let form = |text: &str| Email::parse(text).expect("valid").identity_form();
            let address = format!("{local}@{domain}");
            prop_assert_eq!(form(&address.to_ascii_uppercase()), form(&address.to_ascii_lowercase()));
        }
    }
}
