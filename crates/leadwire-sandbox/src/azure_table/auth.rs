//! Who may do what: Shared Key and its lighter form, shared access signatures of an account and of a table, and tokens.
//!
//! Source: learn.microsoft.com, "Authorize with Shared Key", "Create an account SAS", "Create a service SAS". Written apart
//! from the connector, so that each checks the other.

use super::wrong::{Wrong, not_authenticated, not_permitted, wrong};
use crate::entra::{Entra, TokenState};
use crate::service::Call;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How far a request's date may be off, in milliseconds.
const SKEW: i64 = 15 * 60 * 1000;
/// What tokens must be for.
pub(super) const RESOURCE: &str = "https://storage.azure.com";

/// An account's name and key.
pub(super) struct Signer {
    pub(super) account: String,
    key: hmac::Key,
}

/// What a request wants to do, for permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish<'a> {
    CreateTable,
    DeleteTable,
    ListTables,
    /// Operations of a transaction are asked about one by one.
    Transaction,
    Query(&'a str),
    Add(&'a str),
    Update(&'a str),
    /// Makes the row when it is not there.
    Upsert(&'a str),
    Delete(&'a str),
}

/// Who asks.
pub(super) enum Who {
    /// Has the key, or a role.
    Everything,
    Sas(Sas),
}

/// A signature that was found to be good.
pub(super) struct Sas {
    permissions: String,
    table: Option<String>,
    resource_types: String,
}

impl Signer {
    /// # Panics
    /// When the key is not base64.
    pub(super) fn new(account: &str, key: &str) -> Self {
        let bytes = STANDARD.decode(key).expect("a simulated account's key is base64");
        Self { account: account.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }
    }

    fn is_signature(&self, text: &str, signature: &str) -> bool {
        let Ok(tag) = STANDARD.decode(signature) else { return false };
        hmac::verify(&self.key, text.as_bytes(), &tag).is_ok()
    }

    /// The query of a SAS for one table, good until a moment such as `2027-01-01T00:00:00Z`.
    pub(super) fn table_sas(&self, table: &str, permissions: &str, until: &str) -> String {
        let (version, account) = ("2019-02-02", &self.account);
        let lower = table.to_lowercase();
        let text = format!("{permissions}\n\n{until}\n/table/{account}/{lower}\n\n\n\n{version}\n\n\n\n");
        format!("sv={version}&tn={table}&sp={permissions}&se={}&sig={}", encoded(until), self.sign(&text))
    }

    /// The query of a SAS for the account's tables.
    pub(super) fn account_sas(&self, permissions: &str, until: &str) -> String {
        let (version, account) = ("2019-02-02", &self.account);
        let text = format!("{account}\n{permissions}\nt\nsco\n\n{until}\n\n\n{version}\n");
        let until = encoded(until);
        format!("sv={version}&ss=t&srt=sco&sp={permissions}&se={until}&sig={}", self.sign(&text))
    }

    fn sign(&self, text: &str) -> String {
        encoded(&STANDARD.encode(hmac::sign(&self.key, text.as_bytes())))
    }

    /// Finds out who asks.
    pub(super) fn who(&self, call: &Call, entra: &Entra, now: i64) -> Result<Who, Wrong> {
        let authorization = call.header("authorization").unwrap_or_default();
        match authorization.split_once(' ') {
            Some(("SharedKey" | "SharedKeyLite", shown)) => self.key_holder(call, authorization, shown, now),
            Some(("Bearer", token)) => bearer(call, entra, token, now),
            _ if call.parameter("sig").is_some() => self.sas_holder(call, now),
            _ => {
                let text = "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
                Err(wrong(401, "NoAuthenticationInformation", text))
            }
        }
    }

    fn key_holder(&self, call: &Call, scheme: &str, shown: &str, now: i64) -> Result<Who, Wrong> {
        let date = call.header("x-ms-date").or_else(|| call.header("date")).unwrap_or_default();
        let Some(at) = rfc1123(date) else {
            return Err(not_authenticated("The Date header in the request is incorrect."));
        };
        if (at - now).abs() > SKEW {
            return Err(not_authenticated("Request date header too old."));
        }
        let (account, signature) = shown.split_once(':').unwrap_or_default();
        // The path as it came, still encoded; of the query only `comp`.
        let comp = call.parameter("comp").map(|it| format!("?comp={it}")).unwrap_or_default();
        let resource = format!("/{}{}{comp}", self.account, call.path);
        let text = if scheme.starts_with("SharedKeyLite") {
            format!("{date}\n{resource}")
        } else {
            let header = |name: &str| call.header(name).unwrap_or_default().to_owned();
            let (md5, kind) = (header("content-md5"), header("content-type"));
            format!("{}\n{md5}\n{kind}\n{date}\n{resource}", call.method)
        };
        if account != self.account || !self.is_signature(&text, signature) {
            return Err(not_authenticated(&format!(
                "The MAC signature found in the HTTP request '{signature}' is not the same as any computed signature."
            )));
        }
        Ok(Who::Everything)
    }

    fn sas_holder(&self, call: &Call, now: i64) -> Result<Who, Wrong> {
        let get = |name: &str| call.parameter(name).unwrap_or_default();
        let signature = get("sig");
        let table = call.parameter("tn");
        let text = match &table {
            Some(table) => {
                let resource = format!("/table/{}/{}", self.account, table.to_lowercase());
                let parts = [
                    get("sp"),
                    get("st"),
                    get("se"),
                    resource,
                    get("si"),
                    get("sip"),
                    get("spr"),
                    get("sv"),
                    get("spk"),
                    get("srk"),
                    get("epk"),
                    get("erk"),
                ];
                parts.join("\n")
            }
            None => {
                let mut parts = vec![
                    self.account.clone(),
                    get("sp"),
                    get("ss"),
                    get("srt"),
                    get("st"),
                    get("se"),
                    get("sip"),
                    get("spr"),
                    get("sv"),
                    String::new(),
                ];
                // An encryption scope came in between.
                if get("sv").as_str() >= "2020-12-06" {
                    parts.insert(9, get("ses"));
                }
                parts.join("\n")
            }
        };
        if !self.is_signature(&text, &signature) {
            return Err(not_authenticated("Signature did not match."));
        }
        let (from, until) = (get("st"), get("se"));
        let at = crate::moment::rfc3339(now);
        // To the second, as the bounds are written.
        let is_before = |bound: &str| &at[..19] < bound.trim_end_matches('Z');
        if (!from.is_empty() && is_before(&from)) || !is_before(&until) {
            return Err(not_authenticated(&format!(
                "Signature not valid in the specified time frame: Start [{from}] - Expiry [{until}] - Current [{at}]"
            )));
        }
        if table.is_none() && !get("ss").contains('t') {
            return Err(not_permitted("AuthorizationServiceMismatch", " using this service"));
        }
        Ok(Who::Sas(Sas { permissions: get("sp"), table, resource_types: get("srt") }))
    }
}

impl Who {
    /// Whether a wish is permitted. `is_batch_open`: a table's signature may send transactions, which is not documented.
    pub(super) fn may(&self, wish: Wish<'_>, is_batch_open: bool) -> Result<(), Wrong> {
        let Self::Sas(sas) = self else { return Ok(()) };
        let (needed, kind, table) = match wish {
            Wish::CreateTable => (&["c", "w"][..], 'c', None),
            Wish::DeleteTable => (&["d"][..], 'c', None),
            Wish::ListTables => (&["l"][..], 'c', None),
            Wish::Transaction if sas.table.is_some() && !is_batch_open => {
                return Err(not_permitted("AuthorizationFailure", ""));
            }
            Wish::Transaction => return Ok(()),
            Wish::Query(table) => (&["r"][..], 'o', Some(table)),
            Wish::Add(table) => (&["a"][..], 'o', Some(table)),
            Wish::Update(table) => (&["u"][..], 'o', Some(table)),
            Wish::Upsert(table) => (&["au"][..], 'o', Some(table)),
            Wish::Delete(table) => (&["d"][..], 'o', Some(table)),
        };
        match (&sas.table, table) {
            (Some(own), Some(table)) if own.eq_ignore_ascii_case(table) => {}
            (Some(_), _) => return Err(not_permitted("AuthorizationFailure", "")),
            (None, _) if !sas.resource_types.contains(kind) => {
                return Err(not_permitted("AuthorizationResourceTypeMismatch", " using this resource type"));
            }
            (None, _) => {}
        }
        let has = |letters: &&str| letters.chars().all(|it| sas.permissions.contains(it));
        if needed.iter().any(has) {
            Ok(())
        } else {
            Err(not_permitted("AuthorizationPermissionMismatch", " using this permission"))
        }
    }
}

fn bearer(call: &Call, entra: &Entra, token: &str, now: i64) -> Result<Who, Wrong> {
    // The least version that takes tokens is not documented; stricter is safe.
    if call.header("x-ms-version").unwrap_or_default() < "2020-12-06" {
        let text = "Authentication information is not given in the correct format. Check the value of Authorization header.";
        return Err(wrong(401, "InvalidAuthenticationInfo", text));
    }
    match entra.state(token, RESOURCE, now) {
        TokenState::Good => Ok(Who::Everything),
        TokenState::Expired => {
            Err(wrong(401, "InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."))
        }
        TokenState::Unknown => Err(wrong(401, "InvalidAuthenticationInfo", "Signature validation failed.")),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `Fri, 20 Nov 2026 21:03:04 GMT`, in milliseconds since 1970.
fn rfc1123(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = i64::try_from(MONTHS.find(month).filter(|it| it % 3 == 0)? / 3).ok()? + 1;
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let time: Vec<i64> = time.split(':').filter_map(|it| it.parse().ok()).collect();
    let [hours, minutes, seconds] = time.as_slice() else { return None };
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((days * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_http_writes_them() {
        assert_eq!(rfc1123("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(rfc1123("Fri, 20 Nov 2026 10:00:00 GMT"), Some(1_795_168_800_000));
        assert_eq!(rfc1123("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800_000));
        for bad in ["", "2026-11-20", "Fri, 20 Nov 2026 10:00 GMT", "Fri, 20 Foo 2026 10:00:00 GMT"] {
            assert_eq!(rfc1123(bad), None, "{bad}");
        }
    }

    #[test]
    fn both_forms_of_shared_key_are_those_of_the_recorded_vectors() {
        let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        let emulator = Signer::new("devstoreaccount1", key);
        let date = "Fri, 20 Nov 2026 21:03:04 GMT";
        let resource = "/devstoreaccount1/devstoreaccount1/Leads2";
        let lite = format!("{date}\n{resource}");
        assert!(emulator.is_signature(&lite, "bVkdJDmk/gknbH+lIi4OuumoFrZVNeZhBSf9R7ofC1M="));
        let whole = format!("POST\n\napplication/json\n{date}\n{resource}");
        assert!(emulator.is_signature(&whole, "rtRIVrwTfNLmufdQ2TnnPjEzTG+3eU3N2ckyvWCIOjM="));
        let account = Signer::new("myaccount", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        let lite = format!("{date}\n/myaccount/Leads");
        assert!(account.is_signature(&lite, "8vgZ9i+dXrOM6f5k5x8ZHpFNHqMw2eG1MFkHAR88Jtw="));
        let properties = format!("GET\n\n\n{date}\n/myaccount/?comp=properties");
        assert!(account.is_signature(&properties, "JASf8H/4DQrtIK49YlBZ6jTNUv3w6AJ2GKafs7cLvvo="));
        assert!(!account.is_signature(&properties, "bVkdJDmk/gknbH+lIi4OuumoFrZVNeZhBSf9R7ofC1M="));
    }
}
