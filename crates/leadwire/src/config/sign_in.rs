//! Settings of providers whose accounts people sign in with: a table `[sign_in.NAME]` for each.

use super::Config;
use super::value::{is_private, text_of};
use anyhow::{Context, bail};
use leadwire_connect::oidc::ProviderSettings;
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use url::Url;

/// The table of providers in the file.
pub(super) const TABLE: &str = "sign_in";

/// One setting of a provider, and how it is set from text.
struct Field {
    name: &'static str,
    help: &'static str,
    set: fn(&mut ProviderSettings, &str) -> anyhow::Result<()>,
}

const FIELDS: &[Field] = &[
    Field {
        name: "title",
        help: "what the provider is called on its button",
        set: |it, text| {
            if text.trim().is_empty() || text.len() > limits::USER_NAME_BYTES_MAX {
                bail!("it is empty or too long");
            }
            text.trim().clone_into(&mut it.title);
            Ok(())
        },
    },
    Field {
        name: "issuer",
        help: "the provider's issuer, such as https://login.example.com, letter for letter",
        set: |it, text| {
            it.issuer = issuer(text)?;
            Ok(())
        },
    },
    Field {
        name: "client_id",
        help: "what the provider knows us by",
        set: |it, text| {
            text.trim().clone_into(&mut it.client_id);
            Ok(())
        },
    },
    Field {
        name: "client_secret",
        help: "what we show the provider",
        set: |it, text| {
            it.client_secret = Some(Secret::new(text.trim().to_owned())).filter(|it| !it.expose().is_empty());
            Ok(())
        },
    },
    Field {
        name: "client_secret_file",
        help: "a file that holds what we show the provider",
        set: |it, text| {
            let secret = std::fs::read_to_string(text).with_context(|| format!("cannot read {text}"))?;
            it.client_secret = Some(Secret::new(secret.trim().to_owned()));
            Ok(())
        },
    },
    Field {
        name: "domains",
        help: "the only domains of e-mail addresses that come by it, such as contoso.com, separated by commas",
        set: |it, text| {
            it.domains = super::list(text).map(|it| it.trim_start_matches('@').to_lowercase()).collect();
            Ok(())
        },
    },
    Field {
        name: "trust_email",
        help: "true takes addresses of `domains` although the provider does not say that they were verified",
        set: |it, text| {
            it.trust_email = text.parse()?;
            Ok(())
        },
    },
    Field {
        name: "only",
        help: "true switches passwords off for all but `password_operators`",
        set: |it, text| {
            it.only = text.parse()?;
            Ok(())
        },
    },
];

fn issuer(text: &str) -> anyhow::Result<String> {
    let url = Url::parse(text)?;
    // Whoever reads what goes there can say who anybody is.
    if !is_private(&url) {
        bail!("it does not begin with https://");
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        bail!("it has more than a host and a path");
    }
    Ok(text.to_owned())
}

/// `sign_in_NAME_FIELD`, as a variable writes it, with dots.
pub(super) fn dotted(key: &str) -> Option<String> {
    let rest = key.strip_prefix("sign_in_")?;
    // The longer name of two that fit is meant.
    let field = FIELDS
        .iter()
        .filter(|it| rest.strip_suffix(it.name).is_some_and(|it| it.len() > 1 && it.ends_with('_')));
    let field = field.max_by_key(|it| it.name.len())?;
    let name = rest.strip_suffix(field.name)?.strip_suffix('_')?;
    Some(format!("sign_in.{}.{}", name.replace('_', "-"), field.name))
}

/// Reads the tables of all providers.
pub(super) fn apply_table(config: &mut Config, providers: &toml::Table, place: &str) -> anyhow::Result<()> {
    for (name, fields) in providers {
        let Some(fields) = fields.as_table() else { bail!("{place}: `[sign_in.{name}]` is not a table") };
        for (field, value) in fields {
            let text = text_of(value).with_context(|| {
                format!("{place}: `sign_in.{name}.{field}` is not a text, number, boolean, or list of texts")
            })?;
            apply(config, &format!("{name}.{field}"), (&text, place))?;
        }
    }
    Ok(())
}

/// Sets one field of one provider from text.
pub(super) fn apply(config: &mut Config, name: &str, (text, place): (&str, &str)) -> anyhow::Result<()> {
    let (provider, field) = name.split_once('.').unwrap_or((name, ""));
    let is_name = (1..=32).contains(&provider.len())
        && provider.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    if !is_name {
        bail!(
            "{place}: `{provider}` is no name of a provider; use small letters, digits and `-`, 32 at the most"
        );
    }
    let Some(known) = FIELDS.iter().find(|it| it.name == field) else {
        let names: Vec<&str> = FIELDS.iter().map(|it| it.name).collect();
        bail!("{place}: there is no setting `sign_in.{name}`; a provider has: {}", names.join(", "));
    };
    let all = &mut config.portal.providers;
    let at = all.iter().position(|it| it.name == provider).unwrap_or_else(|| {
        all.push(ProviderSettings {
            name: provider.to_owned(),
            title: provider.to_owned(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            domains: Vec::new(),
            trust_email: false,
            only: false,
        });
        all.len() - 1
    });
    (known.set)(&mut all[at], text)
        .with_context(|| format!("{place}: `sign_in.{name}` must be {}", known.help))
}

/// What must hold of all that was set together.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let all = &config.portal.providers;
    if all.len() > limits::PROVIDERS_MAX {
        bail!("there are more than {} providers to sign in by", limits::PROVIDERS_MAX);
    }
    for it in all {
        let name = &it.name;
        if it.issuer.is_empty() || it.client_id.is_empty() {
            bail!("`[sign_in.{name}]` needs `issuer` and `client_id`, which the provider shows");
        }
        if it.trust_email && it.domains.is_empty() {
            bail!(
                "`sign_in.{name}.trust_email` takes any address that the provider writes down: name in `domains` those that are its own"
            );
        }
        if all.iter().any(|other| other.name != *name && other.issuer == it.issuer) {
            bail!("`[sign_in.{name}]` has the issuer of another provider; each account would be two");
        }
    }
    let is_said = config.portal.no_password_operators || !config.portal.password_operators.is_empty();
    if let Some(it) = all.iter().find(|it| it.only && !is_said) {
        bail!(
            "`sign_in.{}.only` would leave nobody a way in while the provider fails: name operators who keep a password in `password_operators`, or say `none` there",
            it.name
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> anyhow::Result<Config> {
        let mut config = Config::default();
        config.apply_file(Path::new("leadwire.toml"), text)?;
        check(&config)?;
        Ok(config)
    }

    const GOOD: &str = "[sign_in.contoso]\ntitle = \"Contoso account\"\nissuer = \"https://login.example.com/t/v2.0\"\n\
        client_id = \"lw\"\nclient_secret = \"hunter2\"\ndomains = [\"Contoso.com\", \"@contoso.hu\"]\n";

    #[test]
    fn a_provider_is_read_from_the_file_and_its_secret_is_printed_nowhere() {
        let config = read(GOOD).expect("a good file");
        let it = &config.portal.providers[0];
        assert_eq!(
            (it.name.as_str(), it.title.as_str(), it.client_id.as_str()),
            ("contoso", "Contoso account", "lw")
        );
        assert_eq!(it.domains, ["contoso.com", "contoso.hu"]);
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_provider_is_read_from_variables_and_its_secret_from_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "hunter2\n").expect("written");
        let path = file.to_str().expect("a path");
        let variables = [
            ("LEADWIRE_SIGN_IN_MY_IDP_ISSUER", "https://idp.example"),
            ("LEADWIRE_SIGN_IN_MY_IDP_CLIENT_ID", "lw"),
            ("LEADWIRE_SIGN_IN_MY_IDP_CLIENT_SECRET_FILE", path),
        ];
        let all = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(None, all.into_iter()).expect("good variables");
        let it = &config.portal.providers[0];
        assert_eq!((it.name.as_str(), it.issuer.as_str()), ("my-idp", "https://idp.example"));
        assert_eq!(it.client_secret.as_ref().map(|it| it.expose().as_str()), Some("hunter2"));
    }

    #[test]
    fn what_cannot_work_is_told_with_what_to_write() {
        let table = [
            ("[sign_in.a]\nissuer = \"https://x.example\"", "client_id"),
            ("[sign_in.a]\nissuer = \"http://x.example\"\nclient_id = \"c\"", "https://"),
            ("[sign_in.a]\nissuer = \"https://x.example?y\"\nclient_id = \"c\"", "host and a path"),
            ("[sign_in.A]\nissuer = \"https://x.example\"", "small letters"),
            ("[sign_in.a]\nisuer = \"https://x.example\"", "a provider has: title, issuer"),
            ("[sign_in.a]\nissuer = \"https://x.example\"\nclient_id = \"c\"\ntrust_email = true", "domains"),
            (
                "[sign_in.a]\nissuer = \"https://x.example\"\nclient_id = \"c\"\nonly = true",
                "password_operators",
            ),
            (
                "[sign_in.a]\nissuer = \"https://x.example\"\nclient_id = \"c\"\nonly = \"perhaps\"",
                "true switches",
            ),
            (
                "[sign_in.a]\nissuer = \"https://x.example\"\nclient_id = \"c\"\n[sign_in.b]\nissuer = \"https://x.example\"\nclient_id = \"d\"",
                "another provider",
            ),
            ("sign_in = 7", "sign_in"),
            ("password_operators = [\"ada\"]", "no e-mail address"),
        ];
        for (text, told) in table {
            let error = format!("{:#}", read(text).expect_err(text));
            assert!(error.contains(told), "{text}: {error}");
        }
        let only = "password_operators = \"none\"\n[sign_in.a]\nissuer = \"https://x.example\"\nclient_id = \"c\"\nonly = true";
        assert!(read(only).is_ok(), "whoever says it knows it");
    }
}
