//! What a token claims, and whether it may be believed (OpenID Connect Core 1.0, 3.1.3.7). Its signature is another matter.

use super::Trouble;
use leadwire_core::json::Json;
use leadwire_core::limits;
use leadwire_core::time::Timestamp;

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// What we asked with; nobody else knows it.
    pub(super) nonce: &'a str,
    /// When we asked.
    pub(super) asked_at: Timestamp,
    /// Whether the person had to show again who they are.
    pub(super) again: bool,
    pub(super) now: Timestamp,
}

/// Somebody, as their provider tells. Has no `Debug`: it holds personal values.
#[derive(Clone)]
pub struct Person {
    /// Which provider, as its tokens say.
    pub issuer: String,
    /// Who it is there; the same for ever.
    pub subject: String,
    /// Their e-mail address, as the provider writes it; empty when it does not say.
    pub email: String,
    /// Whether the provider says that the address is theirs.
    pub is_email_verified: bool,
    /// Whether the provider says that they showed a second factor.
    pub has_factor: bool,
}

/// Ways of signing in by which a second factor was shown: OpenID Connect Extended Authentication Profile, 2; REFEDS MFA; and what
/// Microsoft and others write.
const STRONG: &[&str] = &[
    "phr",
    "phrh",
    "https://refeds.org/profile/mfa",
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "http://schemas.microsoft.com/claims/multipleauthn",
];

/// Who a token is about, when what it claims may be believed.
pub(super) fn check(claims: &Json, expected: &Expected<'_>) -> Result<Person, Trouble> {
    let text = |name: &str| claims.get(name).and_then(Json::as_text).unwrap_or_default();
    if text("iss") != expected.issuer {
        return Err(Trouble::refused("wrong_issuer", "the token is another issuer's"));
    }
    check_audience(claims, expected.client_id)?;
    check_times(claims, expected)?;
    if expected.nonce.is_empty() || text("nonce") != expected.nonce {
        return Err(Trouble::refused("wrong_nonce", "the token answers another question"));
    }
    let subject = text("sub");
    if subject.is_empty() || subject.len() > limits::SUBJECT_BYTES_MAX {
        return Err(Trouble::refused("no_subject", "the token does not say whose it is"));
    }
    let email = claims.get("email").and_then(Json::as_text).unwrap_or_default();
    Ok(Person {
        issuer: expected.issuer.to_owned(),
        subject: subject.to_owned(),
        email: email.to_owned(),
        is_email_verified: is_verified(claims),
        has_factor: has_factor(claims),
    })
}

/// Whether the address is theirs. Some providers write the word as a text.
pub(super) fn is_verified(claims: &Json) -> bool {
    let said = claims.get("email_verified");
    said.and_then(Json::as_bool).unwrap_or(false) || said.and_then(Json::as_text) == Some("true")
}

fn check_audience(claims: &Json, client_id: &str) -> Result<(), Trouble> {
    let wrong = || Trouble::refused("wrong_audience", "the token was made for somebody else");
    let several = match claims.get("aud") {
        Some(Json::Text(one)) if one == client_id => false,
        Some(Json::Array(all)) if all.iter().any(|it| it.as_text() == Some(client_id)) => all.len() > 1,
        _ => return Err(wrong()),
    };
    // Where it is for several, it says to whom it was given; and whoever says so must mean us.
    match claims.get("azp") {
        None if !several => Ok(()),
        Some(Json::Text(party)) if party == client_id => Ok(()),
        _ => Err(Trouble::refused("wrong_party", "the token was given to somebody else")),
    }
}

fn check_times(claims: &Json, expected: &Expected<'_>) -> Result<(), Trouble> {
    let at = |name: &str| claims.get(name).and_then(moment);
    let (now, leeway) = (expected.now, limits::PROVIDER_CLOCK_LEEWAY);
    let Some(ends_at) = at("exp") else {
        return Err(Trouble::refused("no_end", "the token does not say when it ends"));
    };
    if ends_at.plus(leeway) <= now {
        return Err(Trouble::refused("expired", "the token has ended"));
    }
    let Some(made_at) = at("iat") else {
        return Err(Trouble::refused("no_beginning", "the token does not say when it was made"));
    };
    let begins_at = at("nbf").unwrap_or(made_at).max(made_at);
    if begins_at > now.plus(leeway) {
        return Err(Trouble::refused("not_yet", "the token is of a later time; look at the clocks"));
    }
    if made_at.plus(leeway) < expected.asked_at {
        return Err(Trouble::refused("made_before", "the token was made before it was asked for"));
    }
    let shown_at =
        at("auth_time").filter(|it| it.plus(leeway) >= expected.asked_at && *it <= now.plus(leeway));
    if expected.again && shown_at.is_none() {
        return Err(Trouble::refused("not_again", "the provider did not ask again who it is"));
    }
    Ok(())
}

/// Seconds since 1970 (RFC 7519, 2, NumericDate); a fraction of a second is left off.
fn moment(it: &Json) -> Option<Timestamp> {
    let Json::Number(written) = it else { return None };
    let seconds: i64 = written.split('.').next()?.parse().ok()?;
    let is_plain = written.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    seconds.checked_mul(1000).filter(|_| is_plain).map(Timestamp::from_millis)
}

/// Whether a second factor was shown, as the ways of signing in (RFC 8176) or their level say.
fn has_factor(claims: &Json) -> bool {
    let ways = claims.get("amr").and_then(Json::as_array).unwrap_or_default();
    let level = claims.get("acr").and_then(Json::as_text).unwrap_or_default();
    ways.iter().filter_map(Json::as_text).any(|it| it == "mfa") || STRONG.contains(&level)
}
