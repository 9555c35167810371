//! Signs requests with an account key, in the flavour of the Table service.
//!
//! Source: learn.microsoft.com, "Authorize with Shared Key"; vectors of contract 2.2.

use crate::token;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};

/// A key that is shorter is a placeholder or was cut off; real ones have 64 bytes.
const KEY_BYTES_MIN: usize = 16;

/// An account and one of its keys.
pub(super) struct SharedKey {
    account: String,
    key: hmac::Key,
}

/// What of a request is signed besides its resource. `x-ms-*` headers, length and query are not.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a Method,
    /// Empty when there is no body.
    pub(super) content_type: &'a str,
    /// The value of `x-ms-date`.
    pub(super) date: &'a str,
    /// The path as it is on the wire, percent-encoded. At the emulator it starts with the account, which is then
    /// there twice.
    pub(super) path: &'a str,
}

impl SharedKey {
    /// None: the key is not base64, or too short.
    pub(super) fn new(account: &str, key: &str) -> Option<Self> {
        let bytes = STANDARD.decode(key).ok().filter(|it| it.len() >= KEY_BYTES_MIN)?;
        Some(Self { account: account.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) })
    }

    /// The value of `Authorization`, marked as sensitive.
    pub(super) fn authorization(&self, signed: &Signed<'_>) -> HeaderValue {
        let tag = hmac::sign(&self.key, self.string_to_sign(signed).as_bytes());
        let value = format!("SharedKey {}:{}", self.account, STANDARD.encode(tag));
        token::sensitive(&value).expect("an account's name and base64 are visible characters")
    }

    fn string_to_sign(&self, signed: &Signed<'_>) -> String {
        // Content-MD5 is never sent, so its line is empty.
        let Signed { method, content_type, date, path } = signed;
        format!("{method}\n\n{content_type}\n{date}\n/{}{path}", self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Fri, 20 Nov 2026 21:03:04 GMT";
    const EMULATOR_KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    #[track_caller]
    fn check(account: &str, key: &str, (method, content_type, path): (&str, &str, &str), signature: &str) {
        let key = SharedKey::new(account, key).unwrap();
        let method: Method = method.parse().unwrap();
        let header = key.authorization(&Signed { method: &method, content_type, date: DATE, path });
        assert_eq!(header.to_str().unwrap(), format!("SharedKey {account}:{signature}"));
        assert!(header.is_sensitive());
    }

    #[test]
    fn signatures_are_those_that_azurite_and_the_sdk_agreed_on() {
        let json = "application/json";
        let minimal = "application/json;odata=nometadata";
        let batch = "multipart/mixed; boundary=batch_a9962543-e0ed-4cb6-b898-994700911b1f";
        let ours = "multipart/mixed; boundary=batch_11111111-1111-4111-8111-111111111111";
        for (request, signature) in [
            (("POST", minimal, "/devstoreaccount1/Leads2"), "DdNxrzHaQMshx49vodIhb8IbYe6CnSONbyjOs4+9n5Y="),
            (("POST", json, "/devstoreaccount1/Leads2"), "rtRIVrwTfNLmufdQ2TnnPjEzTG+3eU3N2ckyvWCIOjM="),
            (("POST", minimal, "/devstoreaccount1/Tables"), "CUpxk6el/Ler4J8ZFTZsbetew6vzlv7+x79yM+9OXqY="),
            (
                (
                    "PATCH",
                    json,
                    "/devstoreaccount1/Leads2(PartitionKey='tenant-1',RowKey='o%27%27brien%20%C3%A9')",
                ),
                "ErC3YGbbONrfgYgCastHLy0OBkLRVY3X1WXLXAHULKw=",
            ),
            (
                ("PUT", json, "/devstoreaccount1/Leads2(PartitionKey='tenant-1',RowKey='r2')"),
                "U0jpT4VrCXRcyfbaIF/a9pSBmCA39m391gKsQ07IM0w=",
            ),
            (("POST", batch, "/devstoreaccount1/$batch"), "Z9dHeSDHGIqPwLuu0aXX2fHGg1Nbnz2NiQ3Q7TRLC4U="),
            (("POST", ours, "/devstoreaccount1/$batch"), "4g2QJ5s37dZgd3BcMs4v8PkRpzQfvWcyu592An5TSj8="),
            (("GET", "", "/devstoreaccount1/Leads2()"), "nqY1/h2PUrIRodiWC/ETPMK1ey0lsBay1aWnEdCU43g="),
            (
                ("GET", "", "/devstoreaccount1/Leads2(PartitionKey='tenant-1',RowKey='01J8ZK')"),
                "0NDJSCXXnXwHGtVVqtTpMaf/Yljz1bmwKq5WE363Gvc=",
            ),
        ] {
            check("devstoreaccount1", EMULATOR_KEY, request, signature);
        }
        let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        check("myaccount", key, ("POST", json, "/Leads"), "yX/RiAHb2L/NDUxvcf8ocXS6P1Xy3RelVV3XNaoDaVs=");
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        for key in ["", "myAccountKey", "not base64!", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"] {
            assert!(SharedKey::new("acme", key).is_none(), "{key}");
        }
    }
}
