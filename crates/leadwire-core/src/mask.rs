//! What is shown of a person to somebody who may see that there is one, and not who: first letters, a domain, two digits.

/// What stands in the place of a value of which nothing is shown.
pub const HIDDEN: &str = "***";

/// Most words of a name that are shown by their first letters: how many there are would tell more than they do.
const NAME_WORDS_MAX: usize = 2;
/// Digits from which a telephone number is so long that its last two tell nobody whose it is.
const PHONE_DIGITS_MIN: usize = 6;

/// A name by its first letters: `K*** T***`.
pub fn name(text: &str) -> String {
    let words = text.split_whitespace().take(NAME_WORDS_MAX);
    let masked: Vec<String> = words.map(begun).collect();
    masked.join(" ")
}

/// An e-mail address by its first letter and its domain: `k***@arvizturo.hu`.
pub fn email(text: &str) -> String {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return hidden(text) };
    let is_label = |it: char| it.is_alphanumeric() || it == '.' || it == '-';
    if local.is_empty() || domain.is_empty() || !domain.chars().all(is_label) {
        return hidden(text);
    }
    format!("{}@{domain}", begun(local))
}

/// A telephone number by its last two digits: `***67`.
pub fn phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    match digits.as_slice() {
        [.., one, two] if digits.len() >= PHONE_DIGITS_MIN => format!("{HIDDEN}{one}{two}"),
        _ => hidden(text),
    }
}

/// Nothing of a value, but that there is one.
pub fn hidden(text: &str) -> String {
    if text.is_empty() { String::new() } else { HIDDEN.to_owned() }
}

/// A sentence of our own in which an address may stand: the addresses in it are masked.
pub fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|it| !is_of_address(it)).unwrap_or(rest.len()));
        let (gap, after) = after.split_at(after.find(is_of_address).unwrap_or(after.len()));
        if word.contains("%40") {
            out.push_str(HIDDEN);
        } else if word.contains('@') {
            // A full stop behind an address ends the sentence.
            let address = word.trim_end_matches('.');
            out.push_str(&email(address));
            out.push_str(&word[address.len()..]);
        } else {
            out.push_str(word);
        }
        out.push_str(gap);
        rest = after;
    }
    out
}

fn is_of_address(it: char) -> bool {
    it.is_alphanumeric() || "@.!#$&*+-/=?^_{|}~%".contains(it)
}

/// The first letter, and that there is more; a sign that is no letter says more of a name than a letter does.
fn begun(word: &str) -> String {
    match word.chars().next().filter(|it| it.is_alphabetic()) {
        Some(first) => format!("{first}{HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_person_is_told_by_first_letters_a_domain_and_two_digits() {
        assert_eq!(name("Kovács"), "K***");
        assert_eq!(name("Anna Mária Sára"), "A*** M***");
        assert_eq!(name("4chan"), "***");
        assert_eq!(email("kati@arvizturo.hu"), "k***@arvizturo.hu");
        assert_eq!(email(" \"kati@home\"@arvizturo.hu "), "***@arvizturo.hu");
        assert_eq!(phone("+36 20 123-4567"), "***67");
        assert_eq!(phone("1234"), "***");
        assert_eq!(hidden("anything"), "***");
    }

    #[test]
    fn what_is_no_address_shows_nothing() {
        for odd in ["kati", "@arvizturo.hu", "kati@", "kati@arvizturo.hu <Kati>", "kati@kis kati"] {
            assert_eq!(email(odd), "***", "{odd}");
        }
        assert_eq!([name(""), email(""), phone(""), hidden("")], [const { String::new() }; 4]);
    }

    #[test]
    fn a_sentence_keeps_all_but_addresses() {
        let table = [
            ("it is there as record 003Qy", "it is there as record 003Qy"),
            ("kati@x.hu is no lead; see kati%40x.hu.", "k***@x.hu is no lead; see ***"),
            ("Write to kati.kis+a@x.hu.", "Write to k***@x.hu."),
            ("`customer.email == 'kati@x.hu'` is false", "`customer.email == 'k***@x.hu'` is false"),
            ("", ""),
        ];
        for (text, shown) in table {
            assert_eq!(sentence(text), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_value_is_left_but_its_first_letter_and_its_domain(
            local in "[a-z]{2,20}", host in "[0-9]{1,10}\\.[0-9]{2,3}", rest in "[a-z ]{0,20}", digits in "[0-9]{7,15}",
        ) {
            let address = format!("{local}@{host}");
            for masked in [email(&address), sentence(&format!("{rest} {address}, {rest}"))] {
                prop_assert!(masked.contains(&format!("***@{host}")), "{masked}");
                prop_assert!(!masked.contains(&address), "{masked}");
            }
            prop_assert_eq!(name(&local).chars().filter(|it| *it != '*').count(), 1);
            prop_assert_eq!(phone(&digits).chars().filter(char::is_ascii_digit).count(), 2);
        }

        #[test]
        fn any_text_is_masked_without_a_panic(text in "\\PC*") {
            for masked in [name(&text), email(&text), phone(&text), sentence(&text)] {
                prop_assert!(masked.len() <= text.len() + 4 * HIDDEN.len() + 64);
            }
        }
    }
}
