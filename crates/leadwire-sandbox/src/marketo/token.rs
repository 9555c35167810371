//! The identity service of the simulated instance: one token at a time, the same until it ends.

use super::Options;
use crate::service::{Call, Reply};
use http::Method;
use serde_json::json;
use std::collections::BTreeMap;

/// Life of a token, in milliseconds (Adobe, authentication.md).
const LIFE: i64 = 3_600_000;

/// What a call shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Good,
    Missing,
    Unknown,
    Expired,
}

/// The tokens given so far, each with its end.
#[derive(Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, i64>,
    latest: Option<String>,
}

impl Tokens {
    pub(super) fn judge(&self, token: Option<&str>, now: i64) -> Shown {
        match token.map(|it| self.given.get(it)) {
            None => Shown::Missing,
            Some(None) => Shown::Unknown,
            Some(Some(end)) if *end <= now => Shown::Expired,
            Some(Some(_)) => Shown::Good,
        }
    }

    /// Ends every token at once.
    pub(super) fn expire(&mut self, now: i64) {
        self.given.values_mut().for_each(|it| *it = now.min(*it));
    }

    pub(super) fn answer(&mut self, call: &Call, options: &Options, now: i64) -> Reply {
        let form = call.form();
        let get = |name: &str| {
            let in_form = || form.iter().find(|it| it.0 == name).map(|it| it.1.clone());
            let sent = if call.method == Method::POST { in_form() } else { None };
            sent.or_else(|| call.parameter(name)).unwrap_or_default()
        };
        if !matches!(call.method, Method::GET | Method::POST) {
            return Reply::empty(405);
        }
        if get("grant_type") != "client_credentials" {
            return refused(400, "unsupported_grant_type", "Unsupported grant type");
        }
        if get("client_id") != options.client_id {
            let description = format!("No client with requested id: {}", get("client_id"));
            return refused(401, "unauthorized", &description);
        }
        if get("client_secret") != options.client_secret {
            return refused(401, "invalid_client", "Bad client credentials");
        }
        let good = self.latest.clone().filter(|it| self.judge(Some(it), now) == Shown::Good);
        let token = good.unwrap_or_else(|| {
            let token = format!("cdf01657-110d-4155-99a7-{:012x}:int", self.given.len() + 1);
            self.given.insert(token.clone(), now + LIFE);
            self.latest = Some(token.clone());
            token
        });
        // Whole seconds, so that in its last one a token is good for 0.
        let left = (self.given[&token] - now) / 1000;
        let body = json!({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": left,
            "scope": "api-user@example.com",
        });
        Reply::json(200, &body)
    }
}

fn refused(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": error, "error_description": description }))
}
