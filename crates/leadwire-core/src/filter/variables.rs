//! What a filter can ask about: every variable with its type, and how it is read from a touchpoint.

use crate::country;
use crate::touchpoint::{Action, Touchpoint};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Deref;

/// A touchpoint that many filters are asked about: what is worked out for one is kept for the others.
pub struct Subject<'a> {
    touchpoint: &'a Touchpoint,
    offer: OnceCell<String>,
    email_domain: OnceCell<String>,
    country_code: OnceCell<&'static str>,
}

impl<'a> Subject<'a> {
    /// Nothing is worked out until a filter asks.
    pub fn new(touchpoint: &'a Touchpoint) -> Self {
        Self {
            touchpoint,
            offer: OnceCell::new(),
            email_domain: OnceCell::new(),
            country_code: OnceCell::new(),
        }
    }

    fn offer_name(&self) -> &str {
        self.offer.get_or_init(|| self.touchpoint.offer.as_ref().map(ToString::to_string).unwrap_or_default())
    }

    fn email_domain(&self) -> &str {
        self.email_domain.get_or_init(|| {
            let domain = self.customer.email.as_deref().and_then(|it| it.rsplit_once('@'));
            domain.map(|it| it.1.to_lowercase()).unwrap_or_default()
        })
    }

    fn country_code(&self) -> &'static str {
        self.country_code
            .get_or_init(|| self.customer.country.as_deref().and_then(country::iso2).unwrap_or_default())
    }
}

impl Deref for Subject<'_> {
    type Target = Touchpoint;

    fn deref(&self) -> &Touchpoint {
        self.touchpoint
    }
}

/// A variable with a name of its own; `campaign.NAME` and `custom.NAME` come on top.
pub struct Variable {
    /// What a filter calls it.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    pub(super) read: Read,
}

/// How it is read. What was not sent is the empty text, or false, as for an unset field of a message in CEL.
#[derive(Clone, Copy)]
pub(super) enum Read {
    Text(for<'a> fn(&'a Subject<'a>) -> Cow<'a, str>),
    Flag(fn(&Subject<'_>) -> bool),
}

/// Every variable with a name of its own.
pub const VARIABLES: &[Variable] = &[
    text("source", "where the customer acted, such as 'AzureMarketplace'", |it| it.source.as_str().into()),
    text("action", "what the customer did: 'INS', 'PLT', 'DNC', 'Create', 'StartTestDrive'", |it| {
        it.action.as_str().into()
    }),
    text("offer", "the offer, as 'publisher.offer'", |it| it.offer_name().into()),
    text("offer_title", "the offer's name for people, when the sender gives one", |it| of(&it.offer_title)),
    text("notes", "the customer's own words, or the marketplace's description", |it| of(&it.notes)),
    text("customer.first_name", "given name", |it| of(&it.customer.first_name)),
    text("customer.last_name", "family name", |it| of(&it.customer.last_name)),
    text("customer.email", "e-mail address, as sent", |it| of(&it.customer.email)),
    text("customer.email_domain", "what follows the last @ of the e-mail address, in small letters", |it| {
        it.email_domain().into()
    }),
    text("customer.phone", "telephone number, as sent", |it| of(&it.customer.phone)),
    text("customer.country", "country, as the sender wrote it", |it| of(&it.customer.country)),
    text("customer.country_code", "the same as a code of two letters, such as 'HU'; '' when unknown", |it| {
        it.country_code().into()
    }),
    text("customer.company", "organisation", |it| of(&it.customer.company)),
    text("customer.title", "job title", |it| of(&it.customer.title)),
    flag("test", "a test of the connection, not a customer", |it| it.test),
    flag("preview", "from the preview of an offer that is not live", |it| it.preview),
    flag("do_not_contact", "the customer must not be contacted", |it| it.action == Action::DoNotContact),
    flag("consent.shared", "the customer agreed to share", |it| {
        it.consent.as_ref().is_some_and(|it| it.shared)
    }),
    text("consent.text_version", "which text the customer agreed to", |it| {
        it.consent.as_ref().map_or_else(Cow::default, |it| of(&it.text_version))
    }),
];

const fn text(
    name: &'static str,
    summary: &'static str,
    read: for<'a> fn(&'a Subject<'a>) -> Cow<'a, str>,
) -> Variable {
    Variable { name, summary, read: Read::Text(read) }
}

const fn flag(name: &'static str, summary: &'static str, read: fn(&Subject<'_>) -> bool) -> Variable {
    Variable { name, summary, read: Read::Flag(read) }
}

fn of(text: &Option<String>) -> Cow<'_, str> {
    text.as_deref().unwrap_or_default().into()
}

/// What is wrong with a name that is no variable, and what could have been meant.
pub(super) fn near(name: &str) -> String {
    let (group, field) = name.split_once('.').unwrap_or(("", name));
    let same = |it: &&Variable| {
        let (other_group, other) = it.name.split_once('.').unwrap_or(("", it.name));
        other == field || (!group.is_empty() && other_group == group)
    };
    let mut names: Vec<&str> = VARIABLES.iter().filter(same).map(|it| it.name).collect();
    if names.is_empty() {
        names = VARIABLES.iter().map(|it| it.name).collect();
    }
    format!("use {}, campaign.NAME or custom.NAME", names.join(", "))
}
