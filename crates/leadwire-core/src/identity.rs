//! Whose lead a touchpoint belongs to: the rule by which the actions of one customer fold into one lead.

use crate::email::Email;
use crate::phone::Phone;
use crate::text;
use crate::touchpoint::{Customer, Touchpoint};
use aws_lc_rs::digest;
use std::fmt;

/// What tells one customer of a publisher from another. The documents advise to fold and prescribe no key.
///
/// The texts are for [`Identity::key`] and tests. Test and preview leads have texts of their own, which no customer can
/// have, so neither a test of the connection nor a look at one's own offer ever ends up in a customer's record.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The e-mail address, in its identity form.
    Email(String),
    /// The telephone number in E.164, and the folded names: people of one company share a number.
    PhoneAndName(String),
    /// Neither: this touchpoint is a lead of its own, for guessing would mix up two people.
    Alone,
}

/// Says whose lead a touchpoint belongs to.
///
/// An address that cannot be parsed counts as none, and a number without any name as none.
pub fn of(touchpoint: &Touchpoint) -> Identity {
    let customer = &touchpoint.customer;
    // A space cannot occur in an address or a number, so these texts meet no customer's.
    let tag = match (touchpoint.test, touchpoint.preview) {
        (true, _) => "test ",
        (false, true) => "preview ",
        (false, false) => "",
    };
    if let Some(email) = customer.email.as_deref().and_then(|email| Email::parse(email).ok()) {
        return Identity::Email(format!("{tag}{}", email.identity_form()));
    }
    match phone_and_name(customer) {
        Some(text) => Identity::PhoneAndName(format!("{tag}{text}")),
        None => Identity::Alone,
    }
}

fn phone_and_name(customer: &Customer) -> Option<String> {
    let phone = Phone::parse(customer.phone.as_deref()?, customer.country.as_deref())?;
    let name = |name: &Option<String>| text::fold(&text::one_line(name.as_deref().unwrap_or_default()));
    let (first, last) = (name(&customer.first_name), name(&customer.last_name));
    // A line end cannot occur in a name of one line, so no two pairs of names give one text.
    (!first.is_empty() || !last.is_empty()).then(|| format!("{}\n{first}\n{last}", phone.e164()))
}

impl Identity {
    /// The rule by which touchpoints with this identity fold, and the fields it looks at.
    pub fn rule(&self) -> (&'static str, &'static [&'static str]) {
        match self {
            Identity::Email(_) => ("email", &["email"]),
            Identity::PhoneAndName(_) => ("phone_and_name", &["phone", "country", "first_name", "last_name"]),
            Identity::Alone => ("alone", &[]),
        }
    }

    /// The key a store holds: half of a SHA-256, so that an index of identities holds no personal data.
    ///
    /// Stable for ever: it is stored. 128 bits never collide by chance among the customers of one publisher.
    /// `None` when the touchpoint is a lead of its own.
    pub fn key(&self) -> Option<[u8; 16]> {
        let (kind, text) = match self {
            Identity::Email(text) => ("email", text),
            Identity::PhoneAndName(text) => ("phone-and-name", text),
            Identity::Alone => return None,
        };
        let tagged = format!("leadwire-identity-1\n{kind}\n{text}");
        let digest = digest::digest(&digest::SHA256, tagged.as_bytes());
        digest.as_ref().first_chunk().copied()
    }
}

/// Names the kind only: the text is personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Identity::Email(_) => "Email(***)",
            Identity::PhoneAndName(_) => "PhoneAndName(***)",
            Identity::Alone => "Alone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touchpoint(email: &str, phone: &str, country: &str, name: &str) -> Touchpoint {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let field = |text: &str| text::non_blank(text).map(str::to_owned);
        let customer = Customer {
            first_name: field(first),
            last_name: field(last),
            email: field(email),
            phone: field(phone),
            country: field(country),
            ..Customer::default()
        };
        Touchpoint { customer, ..Touchpoint::default() }
    }

    fn key(email: &str, phone: &str, country: &str, name: &str) -> Option<[u8; 16]> {
        of(&touchpoint(email, phone, country, name)).key()
    }

    #[test]
    fn one_address_is_one_customer_whatever_else_differs() {
        let ada = key("ada@example.com", "", "", "Ada Lovelace");
        assert!(ada.is_some());
        assert_eq!(ada, key(" <ADA@Example.com> ", "+36201234567", "HU", "A. Lovelace"));
        assert_ne!(ada, key("bob@example.com", "", "", "Ada Lovelace"));
    }

    #[test]
    fn without_an_address_number_and_name_tell_customers_apart() {
        let ada = key("", "06 20 123 4567", "HU", "Ada Lovelace");
        assert!(ada.is_some());
        assert_eq!(ada, key("not an address", "+36 20 123-4567", "", "ADA  LOVELACE"));
        assert_ne!(ada, key("", "+36 20 123 4567", "", "Bob Lovelace"));
        assert_ne!(
            key("", "+36201234567", "", "Ada"),
            key("", "+36201234567", "", " Ada"),
            "first is not last name"
        );
    }

    #[test]
    fn a_customer_without_either_is_alone() {
        for (email, phone, name) in
            [("", "", "Ada Lovelace"), ("a@b", "12", "Ada Lovelace"), ("", "+36201234567", "")]
        {
            let identity = of(&touchpoint(email, phone, "", name));
            assert_eq!(identity, Identity::Alone, "{email} {phone} {name}");
            assert_eq!(identity.key(), None);
        }
    }

    #[test]
    fn a_test_or_a_preview_never_folds_into_a_customer() {
        for mut touchpoint in [
            touchpoint("ada@example.com", "", "", "Ada Lovelace"),
            touchpoint("", "+36201234567", "", "Ada Lovelace"),
        ] {
            let customer = of(&touchpoint).key();
            for (test, preview) in [(true, false), (false, true), (true, true)] {
                (touchpoint.test, touchpoint.preview) = (test, preview);
                assert_ne!(of(&touchpoint).key(), customer);
                assert!(of(&touchpoint).key().is_some());
            }
        }
    }

    #[test]
    fn the_key_is_stored_so_it_never_changes() {
        let hex = |key: Option<[u8; 16]>| key.map(|key| key.map(|byte| format!("{byte:02x}")).concat());
        // Checked with `printf 'leadwire-identity-1\nemail\nada@example.com' | sha256sum`.
        assert_eq!(
            hex(key("ada@example.com", "", "", "")).as_deref(),
            Some("52b2c5183c6f0675af9f718cce2e2f59")
        );
        assert_eq!(
            hex(key("", "+36201234567", "", "Ada Lovelace")).as_deref(),
            Some("eeac2c685c571e7f51eeda5b1b491962")
        );
    }

    #[test]
    fn an_identity_does_not_print_itself() {
        assert_eq!(format!("{:?}", of(&touchpoint("ada@example.com", "", "", ""))), "Email(***)");
    }
}
