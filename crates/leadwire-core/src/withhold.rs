//! Which customers' leads a marketplace keeps from publishers, as data: Microsoft passes no personal data of customers with a
//! `.edu` address ("Lead management FAQ"), and other marketplaces have rules of their own.

use crate::email::Email;
use crate::touchpoint::{Source, Touchpoint};

/// Leads from a source whose customers' addresses end so are withheld.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WithholdRule {
    /// Where the customer acted, in its canonical spelling; none: anywhere.
    source: Option<String>,
    /// Domain in small letters, without a dot in front.
    domain: String,
}

impl WithholdRule {
    /// Reads a source or `*`, and a domain such as `.edu` or `example.org`, which stands for what is below it too. None
    /// when the domain is none.
    pub fn parse(source: &str, domain: &str) -> Option<Self> {
        let domain = domain.trim().trim_start_matches(['@', '*']).trim_start_matches('.').to_lowercase();
        // Any address there shows whether it could be a domain.
        Email::parse(&format!("someone@a.{domain}")).ok()?;
        let source = source.trim();
        let source = (source != "*").then(|| Source::parse(source).as_str().to_owned());
        Some(Self { source, domain })
    }

    /// The source, or `*`.
    pub fn source_text(&self) -> &str {
        self.source.as_deref().unwrap_or("*")
    }

    /// The domain, with a dot in front.
    pub fn domain_text(&self) -> String {
        format!(".{}", self.domain)
    }

    fn withholds(&self, source: &str, domain: &str) -> bool {
        let is_below = || domain.strip_suffix(&self.domain).is_some_and(|it| it.ends_with('.'));
        self.source.as_deref().is_none_or(|it| it == source) && (domain == self.domain || is_below())
    }
}

/// Whether a touchpoint is withheld. One without an address that can be read is not.
pub fn is_withheld(touchpoint: &Touchpoint, rules: &[WithholdRule]) -> bool {
    if rules.is_empty() {
        return false;
    }
    let email = touchpoint.customer.email.as_deref().and_then(|it| Email::parse(it).ok());
    let domain = email.map(|it| it.domain().to_lowercase());
    domain.is_some_and(|domain| rules.iter().any(|it| it.withholds(touchpoint.source.as_str(), &domain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::touchpoint::Customer;

    fn withheld(rules: &[(&str, &str)], source: &str, email: &str) -> bool {
        let rules: Vec<_> = rules.iter().map(|it| WithholdRule::parse(it.0, it.1).unwrap()).collect();
        let customer = Customer { email: Some(email.to_owned()), ..Customer::default() };
        is_withheld(&Touchpoint { source: Source::parse(source), customer, ..Touchpoint::default() }, &rules)
    }

    #[test]
    fn a_domain_and_what_is_below_it_is_withheld() {
        let rules = [("AppSource", ".edu"), ("*", "Example.org")];
        assert!(withheld(&rules, "SPZA", "ada@mit.edu") && withheld(&rules, "SPZA", "Ada@CS.MIT.EDU"));
        assert!(!withheld(&rules, "AzurePortal", "ada@mit.edu"), "another source");
        assert!(withheld(&rules, "AzurePortal", "ada@example.org"));
        assert!(withheld(&rules, "AzurePortal", "ada@mail.example.org"));
        for other in ["ada@notexample.org", "ada@example.org.hu", "ada@edu.com", "mit.edu", ""] {
            assert!(!withheld(&rules, "SPZA", other), "{other}");
        }
        assert!(!withheld(&[], "SPZA", "ada@mit.edu"));
    }

    #[test]
    fn a_rule_is_read_back_from_what_it_shows() {
        for (source, domain) in [("*", "edu"), ("AppSource (SPZA)", "@mit.edu"), ("Other", "*.example.org")] {
            let rule = WithholdRule::parse(source, domain).unwrap();
            assert_eq!(WithholdRule::parse(rule.source_text(), &rule.domain_text()), Some(rule));
        }
        for bad in ["", ".", "a b", "@", "x@y"] {
            assert_eq!(WithholdRule::parse("*", bad), None, "{bad}");
        }
    }
}
