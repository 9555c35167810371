//! The form of a listing page: what a visitor filled in, what is wrong with it, and what of a campaign is kept.

use super::{Button, Listing};
use crate::country;
use crate::email::Email;
use crate::id::OfferRef;
use crate::json::Json;
use crate::language::Language;
use crate::limits;
use crate::text;
use crate::time::Timestamp;
use crate::touchpoint::{Consent, Customer, Touchpoint};

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// E-mail address.
    Email,
    /// Telephone number.
    Phone,
    /// Organisation.
    Company,
    /// Job title.
    Title,
    /// Country, as an ISO 3166-1 code.
    Country,
    /// The customer's own words.
    Notes,
    /// Whether the customer agrees.
    Consent,
}

impl Field {
    /// All of them, in the order of the form; which of the names comes first is a matter of the language.
    pub const ALL: [Field; 9] = [
        Field::FirstName,
        Field::LastName,
        Field::Email,
        Field::Phone,
        Field::Company,
        Field::Title,
        Field::Country,
        Field::Notes,
        Field::Consent,
    ];

    /// Its name in the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::Email => "email",
            Field::Phone => "phone",
            Field::Company => "company",
            Field::Title => "title",
            Field::Country => "country",
            Field::Notes => "notes",
            Field::Consent => "consent",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether it must be filled in: without these a CRM cannot make a record, or nobody can answer.
    pub fn is_required(self) -> bool {
        match self {
            Field::FirstName
            | Field::LastName
            | Field::Email
            | Field::Company
            | Field::Country
            | Field::Consent => true,
            Field::Phone | Field::Title | Field::Notes => false,
        }
    }

    /// Most characters in it.
    pub fn chars_max(self) -> usize {
        match self {
            Field::Notes => limits::FORM_NOTES_CHARS_MAX,
            Field::Email
            | Field::FirstName
            | Field::LastName
            | Field::Phone
            | Field::Company
            | Field::Title
            | Field::Country
            | Field::Consent => limits::FORM_FIELD_CHARS_MAX,
        }
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// It is empty and must not be.
    Missing,
    /// It is longer than it may be.
    TooLong,
    /// It is no e-mail address.
    NotAnEmail,
    /// It is no telephone number.
    NotAPhone,
    /// It is no country.
    NotACountry,
}

/// What a visitor filled in, cleaned of what no text holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Filled(Vec<(Field, String)>);

impl Filled {
    /// Takes a value. Of two for one field the first counts.
    pub fn put(&mut self, field: Field, value: &str) {
        let clean = match field {
            Field::Notes => text::lines(value),
            Field::FirstName
            | Field::LastName
            | Field::Email
            | Field::Phone
            | Field::Company
            | Field::Title
            | Field::Country
            | Field::Consent => text::one_line(value),
        };
        if self.0.iter().all(|it| it.0 != field) {
            self.0.push((field, clean.into_owned()));
        }
    }

    /// The value of a field; empty when there is none.
    pub fn get(&self, field: Field) -> &str {
        self.0.iter().find(|it| it.0 == field).map_or("", |it| it.1.as_str())
    }

    /// Everything that is wrong, in the order of the form.
    pub fn mistakes(&self) -> Vec<(Field, Mistake)> {
        Field::ALL.into_iter().filter_map(|field| Some((field, self.mistake(field)?))).collect()
    }

    fn mistake(&self, field: Field) -> Option<Mistake> {
        let value = self.get(field);
        if value.is_empty() {
            return field.is_required().then_some(Mistake::Missing);
        }
        if value.chars().count() > field.chars_max() {
            return Some(Mistake::TooLong);
        }
        match field {
            Field::Email => Email::parse(value).err().map(|_| Mistake::NotAnEmail),
            // Numbering plans change, and nobody may be turned away for one: what could be a number is taken as it is.
            Field::Phone => (!may_be_phone(value)).then_some(Mistake::NotAPhone),
            Field::Country => country::iso2(value).is_none().then_some(Mistake::NotACountry),
            Field::FirstName
            | Field::LastName
            | Field::Company
            | Field::Title
            | Field::Notes
            | Field::Consent => None,
        }
    }

    fn some(&self, field: Field) -> Option<String> {
        text::non_blank(self.get(field)).map(str::to_owned)
    }
}

fn may_be_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let is_part = |it: char| it.is_ascii_digit() || "+-()./# \u{a0}".contains(it);
    (5..=20).contains(&digits) && (value.chars().all(is_part) || value.contains("ext"))
}

/// Where a form was sent from.
#[derive(Clone, Copy, Debug)]
pub struct SentFrom<'a> {
    /// The offer.
    pub offer: &'a OfferRef,
    /// What it shows.
    pub listing: &'a Listing,
    /// The button that opened the form.
    pub button: Button,
    /// The language in which it was shown.
    pub language: Language,
    /// Whether it was the preview.
    pub is_preview: bool,
}

/// What a form says, once nothing is wrong with it. `campaign` is what [`campaign`] kept; `now` is when it was sent, which
/// is when the customer agreed.
pub fn touchpoint(
    filled: &Filled,
    from: SentFrom<'_>,
    campaign: &[(String, String)],
    now: Timestamp,
) -> Touchpoint {
    let (source, action) = from.button.means(from.listing.kind);
    let texts = from.listing.texts.get(from.language);
    let consent =
        Consent { shared: true, text_version: texts.map(|it| it.consent_version.clone()), at: Some(now) };
    let mut touchpoint = Touchpoint {
        source,
        action,
        offer: Some(from.offer.clone()),
        offer_title: texts.map(|it| it.title.clone()),
        occurred_at: Some(now),
        customer: Customer {
            first_name: filled.some(Field::FirstName),
            last_name: filled.some(Field::LastName),
            email: filled.some(Field::Email),
            phone: filled.some(Field::Phone),
            country: filled.some(Field::Country),
            company: filled.some(Field::Company),
            title: filled.some(Field::Title),
        },
        notes: filled.some(Field::Notes),
        campaign: campaign.iter().map(|(name, value)| (name.clone(), Json::text(value))).collect(),
        consent: Some(consent),
        custom: vec![("language".to_owned(), Json::text(from.language.code()))],
        preview: from.is_preview,
        test: from.is_preview,
    };
    // Publishers who try their own page write the marketplace's mark into it.
    touchpoint.test = touchpoint.test || touchpoint.has_test_marker();
    touchpoint
}

/// Names of campaign parameters beside `utm_…`: those of the marketplaces, and of advertisers' click ids.
const CAMPAIGN_NAMES: &[&str] = &[
    "campaign",
    "campaign_id",
    "fbclid",
    "gbraid",
    "gcl_id",
    "gclid",
    "li_fat_id",
    "mktcmpid",
    "msclkid",
    "ocid",
    "referrer",
    "ttclid",
    "wbraid",
];

/// What of a page's parameters tells of a campaign: in their order, the first of each name, within their bounds. A value
/// that is too long is cut, for it is a hint and no order.
pub fn campaign<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in parameters {
        let is_kept = name.starts_with("utm_") || CAMPAIGN_NAMES.contains(&name);
        let is_name = name.len() <= limits::CAMPAIGN_NAME_BYTES_MAX
            && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
        if !is_kept || !is_name || kept.iter().any(|it| it.0 == name) {
            continue;
        }
        let value =
            if name == "referrer" { referrer(value) } else { Some(text::one_line(value).into_owned()) };
        let value = value.map(|it| it.chars().take(limits::CAMPAIGN_VALUE_CHARS_MAX).collect::<String>());
        kept.extend(value.filter(|it| !it.is_empty()).map(|it| (name.to_owned(), it)));
        if kept.len() == limits::CAMPAIGN_ENTRIES_MAX {
            break;
        }
    }
    kept
}

/// The page from which a visitor came, without what may tell who the visitor is: query, fragment and credentials.
pub fn referrer(text: &str) -> Option<String> {
    let scheme = ["https://", "http://"].into_iter().find(|it| text.starts_with(it))?;
    let rest = text[scheme.len()..].split(['?', '#']).next()?;
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = host.rsplit('@').next()?;
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b':' | b'[' | b']'));
    is_host.then(|| format!("{scheme}{host}/{}", text::one_line(path)))
}

/// What the time between showing a form and sending it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A person could have filled it in.
    Human,
    /// Nobody types so fast.
    TooFast,
    /// It was shown so long ago that its mark does not count any more.
    Expired,
}

impl Pace {
    /// Judges the time. A clock that was set back makes a form look as if it came from the future: that is no haste.
    pub fn of(shown_at: Timestamp, now: Timestamp) -> Self {
        let open = now.since(shown_at);
        if now >= shown_at && open < limits::FORM_FILLED_MIN {
            Pace::TooFast
        } else if open > limits::FORM_KEPT || shown_at > now.plus(limits::FORM_KEPT) {
            Pace::Expired
        } else {
            Pace::Human
        }
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
