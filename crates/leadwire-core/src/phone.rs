//! Telephone numbers in one spelling, E.164, when the text is a valid number; the text as sent stays beside it.

use crate::country;
use crate::text;
use phonenumber::country::Id;
use std::fmt;

/// Longest text that is read, in bytes: 15 digits (E.164), with signs between them and an extension.
const TEXT_BYTES_MAX: usize = 64;

/// A valid number. Prints itself in `Debug` as `***`, for it is personal data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number, by the numbering plan of `country` (any spelling [`country::iso2`] knows) unless it starts
    /// with `+` or `00`. An extension is left out.
    ///
    /// `None` when the text is too long, or is no valid number of that country, or is national and the country is
    /// unknown. Valid means possible in the numbering plan, not that somebody answers.
    pub fn parse(text: &str, country: Option<&str>) -> Option<Self> {
        let text = text::trim(text);
        let text =
            text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).map_or(text, |_| &text[4..]);
        if text.len() > TEXT_BYTES_MAX || !text.chars().all(is_part_of_number) {
            return None;
        }
        let plan = country.and_then(country::iso2).and_then(|iso2| iso2.parse().ok());
        // `00` is the international prefix nearly everywhere; where it is not (`011`, `810`), the country knows.
        let international = text.strip_prefix("00").map(|rest| format!("+{rest}"));
        valid(plan, text).or_else(|| valid(None, &international?))
    }

    /// The number as `+`, country code and national number, without spaces: at most 16 bytes.
    pub fn e164(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Phone(***)")
    }
}

fn valid(plan: Option<Id>, text: &str) -> Option<Phone> {
    let number = phonenumber::parse(plan, text).ok()?;
    // Put together here, because the library's formatter returns an error for a code without a plan.
    number.is_valid().then(|| Phone(format!("+{}{}", number.country().code(), number.national())))
}

/// Digits, what people write between them, and the letters of `ext.`. The parser behind was once brought down by
/// the parameters of a `tel:` link (RUSTSEC-2024-0369), so `;` and `=` never reach it.
fn is_part_of_number(letter: char) -> bool {
    letter.is_ascii_digit()
        || "+-()./, x#eEtTX\u{a0}\u{2010}\u{2011}\u{2012}\u{2013}\u{202f}".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, country: Option<&str>, expected: Option<&str>) {
        let phone = Phone::parse(text, country);
        assert_eq!(phone.as_ref().map(Phone::e164), expected, "{text} {country:?}");
    }

    #[test]
    fn national_spellings_are_read_by_the_plan_of_the_country() {
        check("06 20 123 4567", Some("HU"), Some("+36201234567"));
        check("06-20/123-4567", Some("Magyarország"), Some("+36201234567"));
        check("0532 123 45 67", Some("TR"), Some("+905321234567"));
        check("(0532) 123 45 67", Some("Türkiye"), Some("+905321234567"));
        check("(281) 330-8004", Some("US"), Some("+12813308004"));
        check("281.330.8004 ext. 12", Some("USA"), Some("+12813308004"));
        check("020 7946 0018", Some("UK"), Some("+442079460018"));
        check("06 6982 0000", Some("IT"), Some("+390669820000"));
    }

    #[test]
    fn an_international_number_needs_no_country() {
        for country in [None, Some("US"), Some("HU"), Some("Atlantis")] {
            check("+36 20 123 4567", country, Some("+36201234567"));
        }
        check("tel:+36-20-123-4567", None, Some("+36201234567"));
        check("0036 20 123 4567", None, Some("+36201234567"));
        check("0036 20 123 4567", Some("US"), Some("+36201234567"));
        check("0036 20 123 4567", Some("TR"), Some("+36201234567"));
        // From the documented sample body, `Country` being `USA`.
        check("16175555555", Some("USA"), Some("+16175555555"));
    }

    #[test]
    fn what_is_no_valid_number_is_none() {
        // The first is that of the documented test lead.
        for text in ["1234567890", "", " ", "+", "12", "0000000000", "call me", "+1 234", "+999 123456789"] {
            check(text, Some("US"), None);
        }
        check("06 20 123 4567", None, None);
        check("+dwPAA;phone-context=AA", Some("US"), None);
        check(&"1".repeat(100_000), Some("US"), None);
    }

    #[test]
    fn a_number_does_not_print_itself() {
        assert_eq!(format!("{:?}", Phone::parse("+36201234567", None)), "Some(Phone(***))");
    }

    proptest! {
        #[test]
        fn what_was_read_reads_back(text in "[0-9+() /.,xeXt#-]{0,24}", country in "HU|TR|US|IT|AR|XK|ZZ") {
            if let Some(phone) = Phone::parse(&text, Some(&country)) {
                prop_assert!(phone.e164().len() <= 18);
                prop_assert_eq!(Phone::parse(phone.e164(), None), Some(phone));
            }
        }

        #[test]
        fn no_text_is_too_strange(text: String, country: String) {
            let _phone = Phone::parse(&text, Some(&country));
        }
    }
}
