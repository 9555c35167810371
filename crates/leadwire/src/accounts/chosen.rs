//! What people choose for themselves: e-mail address, name and password, and what is wrong with them.

use leadwire_core::limits;

/// What is wrong with what somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The e-mail address is none.
    Email,
    /// The name is empty or too long.
    Name,
    /// The password is too short.
    Short,
    /// The password is too long.
    Long,
    /// The password is the name or the e-mail address.
    Guessable,
    /// The two passwords differ.
    Differs,
}

/// An e-mail address as it is kept: in small letters. None when it is none.
pub fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (name, host) = text.rsplit_once('@')?;
    let is_plain = text.len() <= 254 && !text.chars().any(|it| it.is_whitespace() || it.is_control());
    let is_whole = !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    (is_plain && is_whole).then_some(text)
}

/// What is wrong with what somebody chose; none when it is good.
pub fn mistake(email: &str, name: &str, (password, again): (&str, &str)) -> Option<Mistake> {
    if self::email(email).is_none() {
        Some(Mistake::Email)
    } else if !is_name(name) {
        Some(Mistake::Name)
    } else {
        password_mistake((email, name), (password, again))
    }
}

/// Whether this is somebody's name.
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= limits::USER_NAME_BYTES_MAX
}

/// What is wrong with a password that somebody chose; none when it is good.
pub fn password_mistake((email, name): (&str, &str), (password, again): (&str, &str)) -> Option<Mistake> {
    let is_like = |other: &str| !other.is_empty() && password.trim().eq_ignore_ascii_case(other.trim());
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        Some(Mistake::Short)
    } else if password.len() > limits::PASSWORD_BYTES_MAX {
        Some(Mistake::Long)
    } else if is_like(email) || is_like(name) {
        Some(Mistake::Guessable)
    } else if password != again {
        Some(Mistake::Differs)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_small_letters_and_what_is_none_is_refused() {
        assert_eq!(email(" Ada@Example.COM "), Some("ada@example.com".to_owned()));
        for bad in ["", "ada", "ada@", "@example.com", "ada@example", "a da@example.com", "ada@.com"] {
            assert_eq!(email(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_mistake_is_found() {
        let good = "correct horse battery";
        assert_eq!(mistake("ada@example.com", "Ada", (good, good)), None);
        let table = [
            (("ada", "Ada", good, good), Mistake::Email),
            (("ada@example.com", " ", good, good), Mistake::Name),
            (("ada@example.com", "Ada", "elevenchars", "elevenchars"), Mistake::Short),
            (("ada@example.com", "Ada", "Ada@example.com", "Ada@example.com"), Mistake::Guessable),
            (("ada@example.com", "Ada", good, "correct horse batteri"), Mistake::Differs),
        ];
        for ((email, name, password, again), found) in table {
            assert_eq!(mistake(email, name, (password, again)), Some(found));
        }
        let long = "x".repeat(limits::PASSWORD_BYTES_MAX + 1);
        assert_eq!(mistake("ada@example.com", "Ada", (&long, &long)), Some(Mistake::Long));
    }
}
