//! Whose lead a touchpoint belongs to: the rules by which the actions of one customer fold into one lead.

use crate::email::Email;
use crate::limits;
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
    /// The telephone number alone.
    Phone(String),
    /// None of these: this touchpoint is a lead of its own, for guessing would mix up two people.
    Alone,
}

/// A rule by which touchpoints fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The same e-mail address.
    Email,
    /// The same telephone number and the same names.
    PhoneAndName,
    /// The same telephone number: only for publishers whose customers do not share one.
    Phone,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 3] = [Rule::Email, Rule::PhoneAndName, Rule::Phone];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Email => "email",
            Rule::PhoneAndName => "phone_and_name",
            Rule::Phone => "phone",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Within what touchpoints of one customer are one lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Within the publisher.
    Publisher,
    /// Within the offer: a customer who acts on two offers is two leads.
    Offer,
}

impl Scope {
    /// Both.
    pub const ALL: [Scope; 2] = [Scope::Publisher, Scope::Offer];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Publisher => "publisher",
            Scope::Offer => "offer",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// An address, or all of a domain, that several people share: it tells nobody from anybody. Prints no value.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedMailbox(String);

impl SharedMailbox {
    /// Reads `info@reseller.example`, or `@reseller.example` for every address of that domain.
    ///
    /// None: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text::trim(text);
        let is_domain = text.starts_with('@');
        let email = if is_domain { Email::parse(&format!("any{text}")) } else { Email::parse(text) }.ok()?;
        Some(Self(if is_domain { format!("@{}", email.domain()) } else { email.identity_form() }))
    }

    /// As it is compared and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn has(&self, email: &Email) -> bool {
        match self.0.strip_prefix('@') {
            Some(domain) => email.domain() == domain,
            None => email.identity_form() == self.0,
        }
    }
}

impl fmt::Debug for SharedMailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SharedMailbox(***)")
    }
}

/// A publisher's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRules {
    /// Which rules, in their order: the first for which a touchpoint has the values is the one.
    pub rules: Vec<Rule>,
    /// Within what.
    pub scope: Scope,
    /// Addresses that several people share.
    pub shared: Vec<SharedMailbox>,
}

impl Default for IdentityRules {
    fn default() -> Self {
        Self { rules: vec![Rule::Email, Rule::PhoneAndName], scope: Scope::Publisher, shared: Vec::new() }
    }
}

/// What is wrong with a publisher's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRules {
    /// A rule is there twice.
    Twice(Rule),
    /// There are more shared addresses than [`limits::SHARED_MAILBOXES_MAX`].
    TooManyShared,
}

impl IdentityRules {
    /// Whether they can be used. No rule at all is one way: every touchpoint is a lead of its own.
    ///
    /// # Errors
    /// [`BadRules`].
    pub fn check(&self) -> Result<(), BadRules> {
        if let Some(at) = (1..self.rules.len()).find(|at| self.rules[..*at].contains(&self.rules[*at])) {
            return Err(BadRules::Twice(self.rules[at]));
        }
        if self.shared.len() > limits::SHARED_MAILBOXES_MAX {
            return Err(BadRules::TooManyShared);
        }
        Ok(())
    }

    /// Says whose lead a touchpoint belongs to.
    ///
    /// An address that cannot be parsed counts as none, and so does one that people share; a number without any name
    /// counts for the rule that asks for no name only.
    pub fn identify(&self, touchpoint: &Touchpoint) -> Identity {
        let within = prefix(touchpoint, self.scope);
        for rule in &self.rules {
            let found = match rule {
                Rule::Email => own_address(&touchpoint.customer, &self.shared)
                    .map(|it| Identity::Email(format!("{within}{}", it.identity_form()))),
                Rule::PhoneAndName => phone_and_name(&touchpoint.customer)
                    .map(|it| Identity::PhoneAndName(format!("{within}{it}"))),
                Rule::Phone => {
                    phone(&touchpoint.customer).map(|it| Identity::Phone(format!("{within}{}", it.e164())))
                }
            };
            if let Some(found) = found {
                return found;
            }
        }
        Identity::Alone
    }
}

/// Says whose lead a touchpoint belongs to by the rules that hold unless a publisher has others.
pub fn of(touchpoint: &Touchpoint) -> Identity {
    IdentityRules::default().identify(touchpoint)
}

/// By which rule a touchpoint folded into the lead with this key, and within what: whatever the rules are by now.
pub fn folded_by(touchpoint: &Touchpoint, key: [u8; 16]) -> Option<(Identity, Scope)> {
    let each = Rule::ALL.into_iter().flat_map(|rule| Scope::ALL.map(|scope| (rule, scope)));
    each.map(|(rule, scope)| {
        (IdentityRules { rules: vec![rule], scope, shared: Vec::new() }.identify(touchpoint), scope)
    })
    .find(|it| it.0.key() == Some(key))
}

/// What keeps tests, previews and offers apart. A space and a line end cannot occur in an address or a number, so these
/// texts meet no customer's.
fn prefix(touchpoint: &Touchpoint, scope: Scope) -> String {
    let tag = match (touchpoint.test, touchpoint.preview) {
        (true, _) => "test ",
        (false, true) => "preview ",
        (false, false) => "",
    };
    match scope {
        Scope::Publisher => tag.to_owned(),
        Scope::Offer => {
            let offer = touchpoint.offer.as_ref().map_or("", |it| it.offer.as_str());
            format!("{tag}offer {offer}\n")
        }
    }
}

fn own_address(customer: &Customer, shared: &[SharedMailbox]) -> Option<Email> {
    let email = Email::parse(customer.email.as_deref()?).ok()?;
    (!shared.iter().any(|it| it.has(&email))).then_some(email)
}

fn phone(customer: &Customer) -> Option<Phone> {
    Phone::parse(customer.phone.as_deref()?, customer.country.as_deref())
}

fn phone_and_name(customer: &Customer) -> Option<String> {
    let phone = phone(customer)?;
    let name = |name: &Option<String>| text::fold(&text::one_line(name.as_deref().unwrap_or_default()));
    let (first, last) = (name(&customer.first_name), name(&customer.last_name));
    // A line end cannot occur in a name of one line, so no two pairs of names give one text.
    (!first.is_empty() || !last.is_empty()).then(|| format!("{}\n{first}\n{last}", phone.e164()))
}

impl Identity {
    /// The rule by which touchpoints with this identity fold, and the fields it looks at.
    pub fn rule(&self) -> (&'static str, &'static [&'static str]) {
        match self {
            Identity::Email(_) => (Rule::Email.as_str(), &["email"]),
            Identity::PhoneAndName(_) => {
                (Rule::PhoneAndName.as_str(), &["phone", "country", "first_name", "last_name"])
            }
            Identity::Phone(_) => (Rule::Phone.as_str(), &["phone", "country"]),
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
            Identity::Phone(text) => ("phone", text),
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
            Identity::Phone(_) => "Phone(***)",
            Identity::Alone => "Alone",
        })
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
