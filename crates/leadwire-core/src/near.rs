//! Near matches: what two leads have in common that may be one customer's, without any rule by which they would fold.
//!
//! Nothing folds by this. A person looks at what was found and decides.

use crate::email::Email;
use crate::lead::FIELDS;
use crate::phone::Phone;
use crate::text;
use aws_lc_rs::digest;

/// What two leads have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NearRule {
    /// The same address but for a sub-address, dots, or a common mistake in the domain.
    EmailAlike,
    /// The same telephone number.
    Phone,
    /// The same name at the same company.
    NameAndCompany,
    /// The same name, and the same part of the address before the `@`.
    NameAndMailbox,
}

impl NearRule {
    /// All of them, the strongest first.
    pub const ALL: [NearRule; 4] =
        [NearRule::EmailAlike, NearRule::Phone, NearRule::NameAndCompany, NearRule::NameAndMailbox];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            NearRule::EmailAlike => "email_alike",
            NearRule::Phone => "same_phone",
            NearRule::NameAndCompany => "name_and_company",
            NearRule::NameAndMailbox => "name_and_mailbox",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The fields it looks at.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            NearRule::EmailAlike => &["email"],
            NearRule::Phone => &["phone", "country"],
            NearRule::NameAndCompany => &["first_name", "last_name", "company"],
            NearRule::NameAndMailbox => &["first_name", "last_name", "email"],
        }
    }
}

/// Domains that are often mistyped, and names of one mail service: what is written, and what is meant.
const MEANT: &[(&str, &str)] = &[
    ("googlemail.com", "gmail.com"),
    ("gmial.com", "gmail.com"),
    ("gmai.com", "gmail.com"),
    ("gamil.com", "gmail.com"),
    ("gmail.co", "gmail.com"),
    ("gmail.con", "gmail.com"),
    ("gmil.com", "gmail.com"),
    ("hotmial.com", "hotmail.com"),
    ("hotmai.com", "hotmail.com"),
    ("hotmail.co", "hotmail.com"),
    ("hotmail.con", "hotmail.com"),
    ("outlok.com", "outlook.com"),
    ("outllok.com", "outlook.com"),
    ("outlook.co", "outlook.com"),
    ("yaho.com", "yahoo.com"),
    ("yahooo.com", "yahoo.com"),
    ("yahoo.con", "yahoo.com"),
    ("iclod.com", "icloud.com"),
    ("icloud.co", "icloud.com"),
];

/// What a lead has that another one may have too: each with its rule, as half of a SHA-256, so that an index of them
/// holds no personal data. `values` are the lead's fields, empty where never said.
pub fn keys(values: &[String; FIELDS]) -> Vec<(NearRule, [u8; 16])> {
    let [first, last, email, phone, country, company, _] = values;
    let folded = |it: &str| text::search_form(&text::one_line(text::trim(it)));
    let (first, last, company) = (folded(first), folded(last), folded(company));
    // A first name alone is shared by too many, and a line end cannot occur in a name of one line.
    let name = (!first.is_empty() && !last.is_empty()).then(|| format!("{first}\n{last}"));
    let email = Email::parse(email).ok();
    let mailbox = email.as_ref().map(mailbox);
    let mut keys = Vec::new();
    if let (Some(email), Some(mailbox)) = (&email, &mailbox) {
        let domain = email.domain();
        let meant = MEANT.iter().find(|it| it.0 == domain).map_or(domain, |it| it.1);
        keys.push((NearRule::EmailAlike, hash(NearRule::EmailAlike, &format!("{mailbox}@{meant}"))));
    }
    let country = Some(country.as_str()).filter(|it| !it.is_empty());
    if let Some(phone) = Phone::parse(phone, country) {
        keys.push((NearRule::Phone, hash(NearRule::Phone, phone.e164())));
    }
    if let Some(name) = &name {
        if !company.is_empty() {
            let text = format!("{name}\n{company}");
            keys.push((NearRule::NameAndCompany, hash(NearRule::NameAndCompany, &text)));
        }
        if let Some(mailbox) = &mailbox {
            let text = format!("{name}\n{mailbox}");
            keys.push((NearRule::NameAndMailbox, hash(NearRule::NameAndMailbox, &text)));
        }
    }
    keys
}

/// The part before the `@`, without a sub-address and dots.
fn mailbox(email: &Email) -> String {
    let form = email.identity_form();
    let local = form.rsplit_once('@').map_or(form.as_str(), |it| it.0);
    let own = local.split_once('+').map_or(local, |it| it.0);
    // What begins with a sub-address has no name of its own.
    let own = if own.is_empty() { local } else { own };
    own.replace('.', "")
}

fn hash(rule: NearRule, text: &str) -> [u8; 16] {
    let tagged = format!("leadwire-near-1\n{}\n{text}", rule.as_str());
    let digest = digest::digest(&digest::SHA256, tagged.as_bytes());
    *digest.as_ref().first_chunk().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(first: &str, last: &str, email: &str, phone: &str, company: &str) -> [String; FIELDS] {
        [first, last, email, phone, "HU", company, ""].map(str::to_owned)
    }

    /// The rules by which two leads may be one.
    fn common(one: &[String; FIELDS], other: &[String; FIELDS]) -> Vec<NearRule> {
        let other = keys(other);
        keys(one).into_iter().filter(|it| other.contains(it)).map(|it| it.0).collect()
    }

    #[test]
    fn what_a_person_would_ask_about_is_found() {
        let ada = lead("Ada", "Lovelace", "ada.l@gmail.com", "06 20 123 4567", "Analytical Engines");
        for (other, expected) in [
            (lead("", "", "adal+crm@gmail.com", "", ""), vec![NearRule::EmailAlike]),
            (lead("", "", "AdaL@googlemail.com", "", ""), vec![NearRule::EmailAlike]),
            (lead("Bob", "Smith", "bob@example.com", "+36201234567", ""), vec![NearRule::Phone]),
            (lead("ADA", "lovelace", "", "", " analytical  engines"), vec![NearRule::NameAndCompany]),
            (lead("Ada", "Lovelace", "ada.l@work.example", "", ""), vec![NearRule::NameAndMailbox]),
            (lead("Ada", "Smith", "ada@work.example", "", "Analytical Engines"), vec![]),
            (lead("", "", "", "", ""), vec![]),
        ] {
            assert_eq!(common(&ada, &other), expected);
        }
    }

    #[test]
    fn a_name_alone_a_company_alone_and_an_empty_mailbox_say_nothing() {
        assert!(keys(&lead("Ada", "Lovelace", "", "", "")).is_empty());
        assert!(keys(&lead("Ada", "", "", "", "Analytical")).is_empty());
        let one = lead("", "", "+a@x.example", "", "");
        assert!(common(&one, &lead("", "", "+b@x.example", "", "")).is_empty());
    }

    #[test]
    fn the_keys_are_stored_so_they_never_change() {
        let key = keys(&lead("", "", "ada@example.com", "", ""))[0].1;
        // Checked with `printf 'leadwire-near-1\nemail_alike\nada@example.com' | sha256sum`.
        assert_eq!(key.map(|it| format!("{it:02x}")).concat(), "65e03139b8e1bf765936d9af9eca9578");
    }

    #[test]
    fn every_rule_is_read_back() {
        for rule in NearRule::ALL {
            assert_eq!(NearRule::parse(rule.as_str()), Some(rule));
            assert!(!rule.fields().is_empty());
        }
    }
}
