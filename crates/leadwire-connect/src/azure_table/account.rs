//! Reads what the portal shows for signing in: a connection string in any documented form, or the URL of a SAS.
//!
//! Source: learn.microsoft.com, "Configure Azure Storage connection strings" (2026-11); the parser of azure-data-tables
//! 12.7.0; contract 2.1.

use super::account_key::SharedKey;
use super::sas::Sas;
use std::fmt;
use url::Url;

/// The account of the emulator and its key, which Microsoft publishes: learn.microsoft.com, "Use the Azurite emulator".
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// Where the emulator serves tables unless told otherwise.
const EMULATOR_PORT: u16 = 10002;
/// Azure's public cloud. Others are `core.chinacloudapi.cn`, `core.usgovcloudapi.net` and `core.cloudapi.de`.
const PUBLIC_CLOUD: &str = "core.windows.net";

/// A storage account, or a Cosmos DB account with the Table API.
pub(super) struct Account {
    /// Where its tables are; the path is empty, or holds the account's name as at the emulator.
    pub(super) endpoint: Url,
    pub(super) credential: Credential,
}

/// How a request shows that it may.
pub(super) enum Credential {
    Key(Box<SharedKey>),
    Sas(Sas),
}

/// Why a text cannot be used to sign in. Holds nothing of it but names of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) fix: &'static str,
}

pub(super) fn wrong(code: &'static str, message: impl Into<String>, fix: &'static str) -> Wrong {
    Wrong { code, message: message.into(), fix }
}

/// Prints no credential.
impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl Account {
    /// Reads a connection string, or the URL of a SAS.
    pub(super) fn parse(text: &str, table: &str) -> Result<Self, Wrong> {
        // Quotes come along when it is copied out of JSON or a shell.
        let text = text.trim().trim_matches(['"', '\'']).trim();
        let is_url = text.split_once("://").is_some_and(|it| it.0.bytes().all(|it| it.is_ascii_alphabetic()));
        if is_url {
            return Self::of_sas_url(text, table);
        }
        let parts = Parts::read(text)?;
        if let Some(value) = parts.get("UseDevelopmentStorage") {
            return Self::emulator(value, &parts);
        }
        let endpoint = parts.endpoint()?;
        let key = parts.get("AccountKey");
        let sas = parts.get("SharedAccessSignature");
        let credential = match (key, sas.or_else(|| endpoint.query())) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "two_credentials",
                    "`connection_string` holds both an account key and a shared access signature",
                    "keep one of AccountKey and SharedAccessSignature; the signature gives away less",
                ));
            }
            (Some(key), None) => Credential::Key(Box::new(parts.key(key)?)),
            (None, Some(sas)) => Credential::Sas(Sas::read(sas, table)?),
            (None, None) => {
                return Err(wrong(
                    "credential_missing",
                    "`connection_string` holds neither an account key nor a shared access signature",
                    "copy the whole connection string: in the Azure portal, Security + networking, Access keys",
                ));
            }
        };
        Ok(Self { endpoint: base(endpoint), credential })
    }

    /// The portal's and Storage Explorer's "Table service SAS URL", with or without the table in its path.
    fn of_sas_url(text: &str, table: &str) -> Result<Self, Wrong> {
        let url = web_url(text, "the SAS URL")?;
        let Some(query) = url.query() else {
            return Err(wrong(
                "credential_missing",
                "`connection_string` is an address without a shared access signature",
                "paste the whole SAS URL, or the connection string; or choose to sign in with Entra ID",
            ));
        };
        let sas = Sas::read(query, table)?;
        let mut endpoint = base(url.clone());
        let path = endpoint.path().trim_end_matches('/').to_owned();
        if let Some((before, last)) = path.rsplit_once('/')
            && last.eq_ignore_ascii_case(table)
        {
            endpoint.set_path(before);
        }
        Ok(Self { endpoint, credential: Credential::Sas(sas) })
    }

    fn emulator(value: &str, parts: &Parts<'_>) -> Result<Self, Wrong> {
        if !value.eq_ignore_ascii_case("true") {
            return Err(wrong(
                "bad_connection_string",
                "`UseDevelopmentStorage` is not `true`",
                "write UseDevelopmentStorage=true, or the connection string of an account",
            ));
        }
        let mut endpoint =
            web_url(parts.get("DevelopmentStorageProxyUri").unwrap_or("http://127.0.0.1"), "the proxy")?;
        if endpoint.port().is_none() {
            endpoint.set_port(Some(EMULATOR_PORT)).expect("a web address takes a port");
        }
        endpoint.set_path(EMULATOR_ACCOUNT);
        let key = SharedKey::new(EMULATOR_ACCOUNT, EMULATOR_KEY).expect("the published key is base64");
        Ok(Self { endpoint, credential: Credential::Key(Box::new(key)) })
    }
}

/// `Name=value` between semicolons.
struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Result<Self, Wrong> {
        let mut parts: Vec<(&str, &str)> = Vec::new();
        for part in text.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            // Keys and signatures hold `=` themselves, so the first one counts.
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong(
                    "bad_connection_string",
                    "`connection_string` holds a part without `=`",
                    "copy the connection string again, as one line: Name=value;Name=value",
                ));
            };
            let (name, value) = (name.trim(), value.trim());
            if parts.iter().any(|it| it.0.eq_ignore_ascii_case(name)) {
                let shown: String = name.chars().filter(char::is_ascii_alphabetic).take(40).collect();
                return Err(wrong(
                    "bad_connection_string",
                    format!("`connection_string` holds `{shown}` twice"),
                    "keep one of them",
                ));
            }
            if !value.is_empty() {
                parts.push((name, value));
            }
        }
        let parts = Self(parts);
        if parts.get("AccountEndpoint").is_some() {
            return Err(wrong(
                "other_service",
                "`connection_string` is that of a Cosmos DB account with another API",
                "use an account with the Table API; its connection string holds TableEndpoint",
            ));
        }
        if parts.get("Endpoint").is_some() {
            return Err(wrong(
                "other_service",
                "`connection_string` is that of another service, such as Service Bus",
                "use the connection string of a storage account or of Cosmos DB with the Table API",
            ));
        }
        Ok(parts)
    }

    /// Names are read in either case.
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1)
    }

    /// `TableEndpoint` wins over protocol, account and suffix; endpoints of other services are ignored.
    fn endpoint(&self) -> Result<Url, Wrong> {
        if let Some(text) = self.get("TableEndpoint") {
            return web_url(text, "`TableEndpoint`");
        }
        let others = ["BlobEndpoint", "QueueEndpoint", "FileEndpoint"];
        let Some(account) = self.get("AccountName") else {
            return Err(if others.iter().any(|it| self.get(it).is_some()) {
                wrong(
                    "endpoint_missing",
                    "`connection_string` names endpoints of other services, and none for tables",
                    "add TableEndpoint=https://ACCOUNT.table.core.windows.net, or make the signature for tables too",
                )
            } else {
                wrong(
                    "endpoint_missing",
                    "`connection_string` names no storage account",
                    "copy the whole connection string: it starts with DefaultEndpointsProtocol=https;AccountName=",
                )
            });
        };
        let account = name(account)?;
        let protocol = self.get("DefaultEndpointsProtocol").unwrap_or("https").to_ascii_lowercase();
        if !matches!(protocol.as_str(), "https" | "http") {
            return Err(wrong(
                "bad_connection_string",
                "`DefaultEndpointsProtocol` is neither `https` nor `http`",
                "write DefaultEndpointsProtocol=https",
            ));
        }
        let suffix = self.get("EndpointSuffix").unwrap_or(PUBLIC_CLOUD);
        let is_host = suffix.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it));
        if !is_host || suffix.starts_with('.') || suffix.is_empty() {
            return Err(wrong(
                "bad_connection_string",
                "`EndpointSuffix` is not the end of a host name",
                "write EndpointSuffix=core.windows.net, or that of your cloud",
            ));
        }
        web_url(&format!("{protocol}://{account}.table.{suffix}"), "the account's address")
    }

    fn key(&self, key: &str) -> Result<SharedKey, Wrong> {
        let Some(account) = self.get("AccountName") else {
            return Err(wrong(
                "account_missing",
                "`connection_string` holds an account key and no `AccountName`",
                "add AccountName=, as the portal shows it",
            ));
        };
        SharedKey::new(name(account)?, key).ok_or_else(|| {
            wrong(
                "bad_key",
                "`AccountKey` is not an account key: it is not the base64 of 16 bytes or more",
                "copy the key again, with the `=` at its end",
            )
        })
    }
}

/// Names are part of a host name and of what is signed, so nothing else may be in them.
fn name(account: &str) -> Result<&str, Wrong> {
    let is_name = account.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if is_name && (3..=50).contains(&account.len()) {
        return Ok(account);
    }
    let fix = "use the account's name alone: 3 to 50 letters, digits and hyphens, without `https://`";
    Err(wrong("bad_account", "`AccountName` is not the name of an account", fix))
}

fn web_url(text: &str, what: &str) -> Result<Url, Wrong> {
    // The SDKs take an endpoint without a scheme too.
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let refused = |why: &str| {
        let fix = "write it as https://ACCOUNT.table.core.windows.net";
        Err(wrong("bad_endpoint", format!("{what} in `connection_string` {why}"), fix))
    };
    let Ok(url) = Url::parse(&whole) else { return refused("is not a URL") };
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return refused("is not a web address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("holds a user name or password");
    }
    if url.fragment().is_some() {
        return refused("holds a `#`");
    }
    if [".blob.", ".queue.", ".file.", ".dfs."]
        .iter()
        .any(|it| url.host_str().unwrap_or_default().contains(it))
    {
        return refused("is that of another service of the account");
    }
    Ok(url)
}

/// The address without a query and without a slash at the end.
fn base(mut url: Url) -> Url {
    url.set_query(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}
