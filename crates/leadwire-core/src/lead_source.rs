//! The lead source string, `Source-Action|Offer`, and the words in it.
//!
//! Documented by Microsoft, "Get customer leads", unchanged from 2017 to 2021. Bodies sent to HTTPS endpoints carry
//! the bare source instead, with the action in a field of its own. AppExchange uses the same grammar.

use crate::text;
use crate::touchpoint::{Action, Source};
use std::fmt;

impl Source {
    /// Reads a source in any case of letters; AppSource as `SPZA`, `AppSource` or `AppSource (SPZA)`, for documents
    /// print all three. Keeps any other name as sent. A blank text is [`Source::Missing`].
    pub fn parse(text: &str) -> Self {
        let text = text::trim(text);
        let known =
            [Source::AzureMarketplace, Source::AzurePortal, Source::TestDrive, Source::Spza, Source::Missing];
        if let Some(source) = known.into_iter().find(|source| source.as_str().eq_ignore_ascii_case(text)) {
            return source;
        }
        if ["AppSource", "AppSource (SPZA)", "AppSource(SPZA)"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(text))
        {
            return Source::Spza;
        }
        Source::Other(text.to_owned())
    }

    /// The name on the wire; empty when the sender named none.
    pub fn as_str(&self) -> &str {
        match self {
            Source::AzureMarketplace => "AzureMarketplace",
            Source::AzurePortal => "AzurePortal",
            Source::TestDrive => "TestDrive",
            Source::Spza => "SPZA",
            Source::Other(name) => name,
            Source::Missing => "",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Action {
    /// Reads a code in any case of letters. Keeps any other code as sent, for the set is open: publishers asked for
    /// a list of codes and got none. A blank text is [`Action::Missing`].
    pub fn parse(text: &str) -> Self {
        let text = text::trim(text);
        let known = [
            Action::Installation,
            Action::PartnerLedTrial,
            Action::DoNotContact,
            Action::Create,
            Action::StartTestDrive,
            Action::Missing,
        ];
        let found = known.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(text));
        found.unwrap_or_else(|| Action::Other(text.to_owned()))
    }

    /// The code on the wire; empty when the sender gave none.
    pub fn as_str(&self) -> &str {
        match self {
            Action::Installation => "INS",
            Action::PartnerLedTrial => "PLT",
            Action::DoNotContact => "DNC",
            Action::Create => "Create",
            Action::StartTestDrive => "StartTestDrive",
            Action::Other(code) => code,
            Action::Missing => "",
        }
    }

    /// Whether this is one of the five documented codes.
    pub fn is_known(&self) -> bool {
        match self {
            Action::Installation
            | Action::PartnerLedTrial
            | Action::DoNotContact
            | Action::Create
            | Action::StartTestDrive => true,
            Action::Other(_) | Action::Missing => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What every field of a marketplace's test lead starts with, in any case of letters.
pub(crate) const TEST_MARKER: &str = "MSFT_TEST";

/// Whether a text starts as the fields of a marketplace's test lead do.
pub fn has_test_marker(text: &str) -> bool {
    let start = text::trim(text).get(..TEST_MARKER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(TEST_MARKER))
}

/// The source of AppExchange, in front of its own action codes.
const APP_EXCHANGE: &str = "SFDC";

/// A lead source, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadSource {
    /// Where the customer acted.
    pub source: Source,
    /// What the customer did; absent in the bare form.
    pub action: Option<Action>,
    /// What follows the bar: `publisher.offer`, and in test leads and on AppExchange the offer's name.
    pub offer: Option<String>,
    /// AppExchange marked it: it sent a lead for this user, listing or action within the past 180 days.
    pub duplicate: bool,
}

impl LeadSource {
    /// Takes a lead source apart. Every text is one: what does not follow the grammar is a source, whole.
    ///
    /// The order is the safe one. The first bar starts the offer, which may hold anything. Before it the last
    /// hyphen starts the action only if a known code follows, because an unknown source may hold a hyphen.
    pub fn parse(text: &str) -> Self {
        let (left, offer) = match text.split_once('|') {
            Some((left, offer)) => (text::trim(left), text::non_blank(offer)),
            None => (text::trim(text), None),
        };
        let offer = offer.map(str::to_owned);
        if let Some((action, duplicate)) = app_exchange(left) {
            let source = Source::Other(APP_EXCHANGE.to_owned());
            return Self { source, action: Some(action), offer, duplicate };
        }
        if let Some((source, action)) = left.rsplit_once('-') {
            let parsed = Action::parse(action);
            if parsed.is_known() || (has_test_marker(source) && has_test_marker(action)) {
                return Self { source: Source::parse(source), action: Some(parsed), offer, duplicate: false };
            }
        }
        Self { source: Source::parse(left), action: None, offer, duplicate: false }
    }

    /// Puts it together again as `Source-Action|Offer`, leaving out what is missing.
    pub fn compose(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for LeadSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.source.as_str())?;
        if let Some(action) = self.action.as_ref().filter(|action| **action != Action::Missing) {
            let marker = if self.duplicate { "-dup" } else { "" };
            write!(out, "{marker}-{action}")?;
        }
        match &self.offer {
            Some(offer) => write!(out, "|{offer}"),
            None => Ok(()),
        }
    }
}

/// Reads `SFDC-XX` and `SFDC-dup-XX` (Salesforce, "AppExchange lead source codes"), and the marker behind the code,
/// as a third party has seen it.
fn app_exchange(left: &str) -> Option<(Action, bool)> {
    let mut parts = left.split('-');
    let source = parts.next()?;
    let parts: Vec<_> = parts.take(3).collect();
    let is_marker = |part: &str| part.eq_ignore_ascii_case("dup");
    let (code, duplicate) = match parts[..] {
        [code] if !is_marker(code) => (code, false),
        [marker, code] | [code, marker] if is_marker(marker) => (code, true),
        _ => return None,
    };
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (source.eq_ignore_ascii_case(APP_EXCHANGE) && is_code).then(|| (Action::parse(code), duplicate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn other_source(name: &str) -> Source {
        Source::Other(name.into())
    }

    fn other_action(code: &str) -> Action {
        Action::Other(code.into())
    }

    #[track_caller]
    fn check(text: &str, source: Source, action: Option<Action>, offer: Option<&str>) {
        let expected = LeadSource { source, action, offer: offer.map(str::to_owned), duplicate: false };
        assert_eq!(LeadSource::parse(text), expected, "{text}");
    }

    #[test]
    fn the_documented_forms_are_taken_apart() {
        let ins = Some(Action::Installation);
        check(
            "AzureMarketplace-INS|bitnami.openedxcypress",
            Source::AzureMarketplace,
            ins.clone(),
            Some("bitnami.openedxcypress"),
        );
        check("azuremarketplace-ins|a.b", Source::AzureMarketplace, ins.clone(), Some("a.b"));
        check("AzureMarketplace", Source::AzureMarketplace, None, None);
        check(
            "SPZA-PLT|docusign.3701c77e-1cfa",
            Source::Spza,
            Some(Action::PartnerLedTrial),
            Some("docusign.3701c77e-1cfa"),
        );
        check("AppSource (SPZA)-DNC|a.b", Source::Spza, Some(Action::DoNotContact), Some("a.b"));
        check("AppSource-INS", Source::Spza, ins, None);
        check("TestDrive-StartTestDrive|a.b", Source::TestDrive, Some(Action::StartTestDrive), Some("a.b"));
        check(" AzurePortal - Create | a.b ", Source::AzurePortal, Some(Action::Create), Some("a.b"));
    }

    #[test]
    fn the_offer_may_hold_bars_and_hyphens() {
        check("AzurePortal-Create|a.b-INS|c", Source::AzurePortal, Some(Action::Create), Some("a.b-INS|c"));
    }

    #[test]
    fn a_hyphen_before_an_unknown_code_belongs_to_the_source() {
        check("Acme-Store|x", other_source("Acme-Store"), None, Some("x"));
        check("Acme-Store-INS|x", other_source("Acme-Store"), Some(Action::Installation), Some("x"));
        check("AzureMarketplace-FREE", other_source("AzureMarketplace-FREE"), None, None);
    }

    #[test]
    fn odd_texts_are_sources_or_nothing() {
        check("", Source::Missing, None, None);
        check(" | ", Source::Missing, None, None);
        check("|Offer", Source::Missing, None, Some("Offer"));
        check("-INS|x", Source::Missing, Some(Action::Installation), Some("x"));
        check("-", other_source("-"), None, None);
    }

    #[test]
    fn both_halves_of_a_test_lead_are_seen() {
        check(
            "MSFT_TEST_636573304831318844-MSFT_TEST_636573304831318844|Contoso Test",
            other_source("MSFT_TEST_636573304831318844"),
            Some(other_action("MSFT_TEST_636573304831318844")),
            Some("Contoso Test"),
        );
        assert!(has_test_marker(" msft_test_1"));
        assert!(!has_test_marker("MSFT"));
        assert!(!has_test_marker("Mr MSFT_TEST"));
    }

    #[test]
    fn app_exchange_codes_and_its_duplicate_marker_are_read() {
        check(
            "SFDC-IN|Listing - Name",
            other_source("SFDC"),
            Some(other_action("IN")),
            Some("Listing - Name"),
        );
        for text in ["SFDC-dup-TD|Listing", "sfdc-DUP-TD|Listing", "SFDC-TD-dup|Listing"] {
            let parsed = LeadSource::parse(text);
            assert!(parsed.duplicate, "{text}");
            assert_eq!(parsed.compose(), "SFDC-dup-TD|Listing");
        }
        check("SFDC", other_source("SFDC"), None, None);
        check("SFDC-dup|x", other_source("SFDC-dup"), None, Some("x"));
    }

    #[test]
    fn an_unknown_action_is_kept() {
        assert_eq!(Action::parse(" TRIAL "), other_action("TRIAL"));
        assert_eq!(other_action("TRIAL").as_str(), "TRIAL");
        assert_eq!(Action::parse("starttestdrive"), Action::StartTestDrive);
        assert_eq!(Action::parse(" "), Action::Missing);
        assert_eq!(Source::parse("testdrive"), Source::TestDrive);
    }

    proptest! {
        #[test]
        fn a_documented_form_is_composed_again(
            source in "AzureMarketplace|AzurePortal|TestDrive|SPZA",
            action in "(-(INS|PLT|DNC|Create|StartTestDrive))?",
            offer in "(\\|[a-z0-9-]{1,9}\\.[a-z0-9.-]{1,9})?",
        ) {
            let text = format!("{source}{action}{offer}");
            prop_assert_eq!(LeadSource::parse(&text).compose(), text);
        }

        #[test]
        fn an_app_exchange_form_is_composed_again(text in "SFDC-(dup-)?(IN|DM|LM|TS|TD)\\|[A-Z][a-z -|]{0,8}[a-z]") {
            prop_assert_eq!(LeadSource::parse(&text).compose(), text);
        }

        #[test]
        fn every_text_is_some_lead_source(text: String) {
            let parsed = LeadSource::parse(&text);
            prop_assert_eq!(LeadSource::parse(&parsed.compose()).compose(), parsed.compose());
        }
    }
}
