//! One customer action as it was received, parsed: the canonical form every connector maps from.

pub(crate) mod canonical;
pub(crate) mod collect;
mod csv;

use crate::id::OfferRef;
use crate::json::Json;
use crate::time::Timestamp;
use std::fmt;

/// A customer action. Immutable; the received bytes are kept beside it by the store.
#[derive(Clone, Default, PartialEq)]
pub struct Touchpoint {
    /// Where the customer acted.
    pub source: Source,
    /// What the customer did.
    pub action: Action,
    /// Which offer, when the sender or the intake address says.
    pub offer: Option<OfferRef>,
    /// The offer's name for people, when the sender gives one.
    pub offer_title: Option<String>,
    /// When the customer acted, when the sender says.
    pub occurred_at: Option<Timestamp>,
    /// Who acted.
    pub customer: Customer,
    /// The customer's own words, or the marketplace's description.
    pub notes: Option<String>,
    /// Campaign parameters, in the order received.
    pub campaign: Vec<(String, Json)>,
    /// What the customer agreed to.
    pub consent: Option<Consent>,
    /// Further fields: the sender's `custom`, then every field this parser does not know, in the order received.
    pub custom: Vec<(String, Json)>,
    /// From the preview of an offer that is not live.
    pub preview: bool,
    /// A test of the connection, not a customer.
    pub test: bool,
}

/// Who acted. Every field may be missing, and holds the text as sent, trimmed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Customer {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Country, in whatever spelling the sender uses: `US`, `USA` and `United States` all occur.
    pub country: Option<String>,
    /// Organisation.
    pub company: Option<String>,
    /// Job title.
    pub title: Option<String>,
}

impl Touchpoint {
    /// Whether no customer stands behind it: a test of the connection, or a preview of an offer that is not live. It goes
    /// the way of every touchpoint, is marked, and counts nowhere as a lead.
    pub fn is_trial(&self) -> bool {
        self.test || self.preview
    }

    /// About how large a record of it is, in bytes: the texts of everything it says.
    pub fn bytes(&self) -> usize {
        let Customer { first_name, last_name, email, phone, country, company, title } = &self.customer;
        let texts =
            [&self.offer_title, &self.notes, first_name, last_name, email, phone, country, company, title];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let further = self.campaign.iter().chain(&self.custom);
        texts + further.map(|(name, value)| name.len() + value.bytes()).sum::<usize>()
    }
}

/// Prints no personal value: what may be printed may end in a log.
impl fmt::Debug for Touchpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Touchpoint")
            .field("source", &self.source)
            .field("action", &self.action)
            .field("offer", &self.offer)
            .field("test", &self.test)
            .finish_non_exhaustive()
    }
}

/// Prints no value.
impl fmt::Debug for Customer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Customer(***)")
    }
}

/// What a customer agreed to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Whether the customer agreed.
    pub shared: bool,
    /// Which text the customer saw.
    pub text_version: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// Where a customer acted. An open set: the documents name four, and senders may add more.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Source {
    /// The Azure Marketplace storefront.
    AzureMarketplace,
    /// Inside the Azure portal.
    AzurePortal,
    /// A test drive.
    TestDrive,
    /// AppSource; written `SPZA`, `AppSource` or `AppSource (SPZA)`.
    Spza,
    /// Any other name, as sent.
    Other(String),
    /// The sender named none.
    #[default]
    Missing,
}

/// What a customer did. An open set: an unknown code is kept, never refused.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Action {
    /// `INS`: installation, "get it now".
    Installation,
    /// `PLT`: partner-led trial, "contact me".
    PartnerLedTrial,
    /// `DNC`: do not contact; information only.
    DoNotContact,
    /// `Create`: a purchase in the Azure portal.
    Create,
    /// `StartTestDrive`: a test drive was started.
    StartTestDrive,
    /// Any other code, as sent.
    Other(String),
    /// The sender gave none.
    #[default]
    Missing,
}
