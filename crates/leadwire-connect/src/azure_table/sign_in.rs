//! How requests are signed in: by an account key, a shared access signature, or a token of Entra ID.

use super::account::{Account, Credential};
use super::fields::{FIELDS, field};
use super::request::{Flavor, Pass};
use super::sas::Sas;
use crate::descriptor::{Settings, Values, refusal};
use crate::egress::Egress;
use crate::entra::{self, Proof};
use crate::token::Age;
use http::HeaderValue;
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use url::Url;

/// Kept as long as its connector, for it keeps the token.
pub(super) enum SignIn {
    Account(Credential),
    Entra(Box<entra::SignIn>),
}

/// What the requests of one attempt show.
pub(super) struct Signed<'a> {
    pub(super) pass: Pass<'a>,
    /// Which token it is, if it is one.
    pub(super) age: Option<Age>,
}

impl SignIn {
    /// Reads how to sign in, where the tables are, and which service has them.
    pub(super) fn read(
        settings: &Settings,
        table: &str,
        wait: Duration,
    ) -> Result<(Self, Url, Flavor), Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).unwrap_or_default();
        let flavor = |account: &Url| match text("service") {
            "storage" => Flavor::Storage,
            "cosmos" => Flavor::Cosmos,
            _ if is_cosmos(account) => Flavor::Cosmos,
            _ => Flavor::Storage,
        };
        let proof = match text("auth") {
            "entra_secret" => Proof::Secret,
            "entra_certificate" => Proof::Certificate,
            _ => {
                let account = Account::parse(text("connection_string"), table);
                let Account { endpoint, credential } = account
                    .map_err(|it| vec![refusal(field("connection_string"), it.code, it.message, it.fix)])?;
                let flavor = flavor(&endpoint);
                return Ok((Self::Account(credential), endpoint, flavor));
            }
        };
        let Some(mut endpoint) = Url::parse(text("account_url").trim()).ok().filter(Url::has_host) else {
            let fix = "enter it as https://ACCOUNT.table.core.windows.net";
            let message = "`account_url` is missing, or is not a URL";
            return Err(vec![refusal(field("account_url"), "bad_endpoint", message, fix)]);
        };
        endpoint.set_query(None);
        let path = endpoint.path().trim_end_matches('/').to_owned();
        endpoint.set_path(&path);
        let flavor = flavor(&endpoint);
        let sign_in = entra::SignIn::read(&values, proof, scope(&endpoint, flavor), wait)?;
        Ok((Self::Entra(Box::new(sign_in)), endpoint, flavor))
    }

    /// What the requests of an attempt show; a token is fetched if need be, and the call counted.
    pub(super) async fn signed(
        &self,
        now: Timestamp,
        egress: &Egress,
        calls: &AtomicU32,
    ) -> Result<Signed<'_>, Box<Tried>> {
        match self {
            Self::Account(Credential::Key(key)) => Ok(Signed { pass: Pass::Key(key), age: None }),
            Self::Account(Credential::Sas(sas)) => Ok(Signed { pass: Pass::Sas(sas), age: None }),
            Self::Entra(app) => {
                let mut made = 0;
                let held = app.get(now, egress, &mut made).await;
                calls.fetch_add(made, Ordering::Relaxed);
                let held = held?;
                Ok(Signed { pass: Pass::Bearer(held.header), age: Some(held.age) })
            }
        }
    }

    /// Forgets a token that was refused.
    pub(super) async fn forget(&self, age: Age) {
        if let Self::Entra(app) = self {
            app.forget(age).await;
        }
    }

    /// What a preview shows; of a token that is still to be fetched, its place.
    pub(super) fn pass(&self) -> Pass<'_> {
        match self {
            Self::Account(Credential::Key(key)) => Pass::Key(key),
            Self::Account(Credential::Sas(sas)) => Pass::Sas(sas),
            Self::Entra(_) => Pass::Bearer(HeaderValue::from_static("Bearer ***")),
        }
    }

    /// The signature, if that is what signs in.
    pub(super) fn sas(&self) -> Option<&Sas> {
        match self {
            Self::Account(Credential::Sas(sas)) => Some(sas),
            Self::Account(Credential::Key(_)) | Self::Entra(_) => None,
        }
    }

    /// The app, if that is what signs in.
    pub(super) fn entra(&self) -> Option<&entra::SignIn> {
        match self {
            Self::Entra(app) => Some(app),
            Self::Account(_) => None,
        }
    }

    pub(super) fn may_read(&self) -> bool {
        self.sas().is_none_or(|it| it.may('r'))
    }

    pub(super) fn may_update(&self) -> bool {
        self.sas().is_none_or(|it| it.may('u'))
    }

    /// When the signature, the certificate or the secret ends.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Account(Credential::Key(_)) => None,
            Self::Account(Credential::Sas(sas)) => sas.ends_at(),
            Self::Entra(app) => app.ends_at(),
        }
    }
}

/// Whether an address is of Cosmos DB's Table API, as Microsoft's SDK tells it.
fn is_cosmos(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    host.contains(".table.cosmos.") || host.contains(".table.cosmosdb.")
}

/// Storage is one resource in every cloud; Cosmos DB has one for each (azure-data-tables 12.7.0, `_base_client.py`).
fn scope(endpoint: &Url, flavor: Flavor) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let resource = match flavor {
        Flavor::Storage => "https://storage.azure.com",
        Flavor::Cosmos if host.ends_with(".us") => "https://cosmos.azure.us",
        Flavor::Cosmos if host.ends_with(".cn") => "https://cosmos.azure.cn",
        Flavor::Cosmos => "https://cosmos.azure.com",
    };
    format!("{resource}/.default")
}
