//! Settings of the portal: who must have a second factor, and which sites may show it in a frame.

use super::value::is_private;
use super::{Key, list};
use anyhow::bail;
use leadwire_connect::oidc::ProviderSettings;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use url::Url;

/// Who comes to the portal, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portal {
    /// Who must have a second factor: `all`, `operators`, or publishers by their ids.
    pub second_factor: Vec<PublisherId>,
    /// Origins of sites that may show in a frame what a link opens.
    pub embedders: Vec<String>,
    /// Providers whose accounts people sign in with.
    pub providers: Vec<ProviderSettings>,
    /// Operators who keep a password where providers alone sign everybody else in, by their e-mail addresses; none: not said.
    pub password_operators: Vec<String>,
    /// Whether it was said that no operator keeps one.
    pub no_password_operators: bool,
}

impl Portal {
    /// By what people sign in: providers, and operators who keep a password where they alone sign people in.
    pub fn ways(&self) -> (&[ProviderSettings], &[String]) {
        (&self.providers, &self.password_operators)
    }
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "second_factor",
        help: "`all`, `operators`, ids of publishers, separated by commas, or `none`",
        set: |it, text| {
            let named = list(text).filter(|it| *it != "none");
            it.portal.second_factor = named.map(PublisherId::parse).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Key {
        name: "password_operators",
        help: "e-mail addresses of operators who keep a password where providers sign everybody else in, separated by commas, or `none`",
        set: |it, text| {
            it.portal.no_password_operators = text.trim() == "none";
            let named = list(text).filter(|it| *it != "none").map(str::to_lowercase);
            it.portal.password_operators = named.collect();
            match it.portal.password_operators.iter().find(|it| !it.contains('@')) {
                Some(other) => bail!("`{other}` is no e-mail address"),
                None => Ok(()),
            }
        },
    },
    Key {
        name: "portal_embedders",
        help: "origins of sites that show the portal in a frame, such as https://shop.example.com, separated by commas, or `none`",
        set: |it, text| {
            let named = list(text).filter(|it| *it != "none");
            it.portal.embedders = named.map(origin).collect::<Result<_, _>>()?;
            if it.portal.embedders.len() > limits::PORTAL_EMBEDDERS_MAX {
                bail!("there are more than {}", limits::PORTAL_EMBEDDERS_MAX);
            }
            Ok(())
        },
    },
];

/// An origin: https, or a machine's own http for trying things out; nothing behind the host and its port.
fn origin(text: &str) -> anyhow::Result<String> {
    let url = Url::parse(text)?;
    if !is_private(&url) {
        bail!("`{text}` does not begin with https://");
    }
    let origin = url.origin().ascii_serialization();
    // A wildcard, a path or a name in front would say more, or less, than the browser understands.
    if text.trim_end_matches('/') != origin || text.contains('*') {
        bail!("`{text}` is no origin; did you mean `{origin}`?");
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn only_whole_origins_are_taken() {
        for good in ["https://shop.example.com", "https://shop.example.com:8443", "http://127.0.0.1:9000"] {
            assert_eq!(origin(good).expect("an origin"), good);
        }
        let bad = [
            "shop.example.com",
            "http://shop.example.com",
            "https://*.example.com",
            "https://shop.example.com/portal",
            "https://user@shop.example.com",
            "https://shop.example.com; script-src *",
            "*",
            "'self'",
        ];
        for bad in bad {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_must_have_a_second_factor_is_named() {
        let mut config = Config::default();
        config.apply("second_factor", "operators, contoso", "test").expect("names");
        assert_eq!(config.portal.second_factor.len(), 2);
        config.apply("second_factor", "none", "test").expect("nobody");
        assert!(config.portal.second_factor.is_empty());
        assert!(config.apply("second_factor", "Contoso Ltd.", "test").is_err());
    }
}
