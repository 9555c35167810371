//! Values of settings: those of the file as text, which is what a variable of the environment would say, and addresses.

use url::{Host, Url};

/// Whether nobody on the way reads what goes to this address: https, or a machine's own http for trying things out.
pub(super) fn is_private(url: &Url) -> bool {
    let is_own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_own)
}

/// A text, number, boolean, or list of texts and numbers; none: something else.
pub(super) fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(word) => Some(word.to_string()),
        toml::Value::Array(items) => {
            let one = |it: &toml::Value| match it {
                toml::Value::String(text) => Some(text.clone()),
                toml::Value::Integer(number) => Some(number.to_string()),
                _ => None,
            };
            Some(items.iter().map(one).collect::<Option<Vec<String>>>()?.join(","))
        }
        _ => None,
    }
}
