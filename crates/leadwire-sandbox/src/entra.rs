//! The token endpoint of a simulated Entra directory, for the services that apps reach with its tokens.
//!
//! Follows learn.microsoft.com, `identity-platform`: `v2-oauth2-client-creds-grant-flow`, `certificate-credentials`,
//! `reference-error-codes`. Stricter: an assertion may live ten minutes, and not longer.

use crate::moment;
use crate::service::{Call, Reply};
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Longest life of an assertion, in seconds.
const ASSERTION_LIFE_MAX: i64 = 600;
/// How far a client's clock may be ahead, in seconds.
const SKEW: i64 = 300;
/// Tokens kept; the oldest are forgotten with the first that comes after so many.
const TOKENS_MAX: usize = 10_000;

/// How the directory is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Id of the directory.
    pub tenant: String,
    /// Another name of it, a domain.
    pub domain: String,
    /// The one app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its certificate, if any.
    pub certificate: Option<Certificate>,
    /// Whether the app may sign in.
    pub is_enabled: bool,
    /// Whether the secret has expired.
    pub is_secret_expired: bool,
    /// How long a token is good for, in seconds.
    pub token_life: i64,
}

impl Options {
    /// A directory with one app that has this secret.
    pub fn new(client_secret: &str) -> Self {
        Self {
            tenant: "aaaabbbb-0000-cccc-1111-dddd2222eeee".to_owned(),
            domain: "contoso.onmicrosoft.com".to_owned(),
            client_id: "00001111-aaaa-2222-bbbb-3333cccc4444".to_owned(),
            client_secret: client_secret.to_owned(),
            certificate: None,
            is_enabled: true,
            is_secret_expired: false,
            token_life: 3599,
        }
    }
}

/// A certificate that is uploaded to the app.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, in DER.
    pub der: Vec<u8>,
    /// Its public key, in DER: `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
}

/// The directory.
pub struct Entra {
    options: Options,
    /// Until when, in milliseconds, and for which resource.
    tokens: HashMap<String, (i64, String)>,
    given: u64,
}

/// What a token is to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It may be used.
    Good,
    /// It was given, and its time is over.
    Expired,
    /// It was never given, was forgotten, or is for another resource.
    Unknown,
}

struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
}

fn refusal(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Refusal {
    Refusal { status, error, code, text: text.into() }
}

impl Entra {
    /// A directory that has given no token yet.
    pub fn new(options: Options) -> Self {
        Self { options, tokens: HashMap::new(), given: 0 }
    }

    /// How it is set up.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Changes how it is set up, as an administrator does. Tokens that were given stay good.
    pub fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
    }

    /// Forgets every token.
    pub fn forget(&mut self) {
        self.tokens.clear();
    }

    /// Whether a call is for a token.
    pub fn is_token_call(call: &Call) -> bool {
        call.path.ends_with("/oauth2/v2.0/token")
    }

    /// What a token is at a moment, for a resource.
    pub fn state(&self, token: &str, resource: &str, now: i64) -> TokenState {
        match self.tokens.get(token) {
            Some((until, of)) if of == resource && now < *until => TokenState::Good,
            Some((_, of)) if of == resource => TokenState::Expired,
            Some(_) | None => TokenState::Unknown,
        }
    }

    /// Answers a call for a token; `is_resource` says which resources the directory knows.
    pub fn answer(&mut self, call: &Call, is_resource: impl Fn(&str) -> bool, now: i64) -> Reply {
        match self.judge(call, &is_resource, now) {
            Ok(resource) => self.give(resource, now),
            Err(it) => refused(&it, now),
        }
    }

    fn judge(&self, call: &Call, is_resource: &dyn Fn(&str) -> bool, now: i64) -> Result<String, Refusal> {
        if call.method != Method::POST {
            let text =
                format!("The endpoint only accepts POST requests. Received a {} request.", call.method);
            return Err(refusal(400, "invalid_request", 900_561, text));
        }
        let segments = call.segments();
        let tenant = segments.first().map_or("", String::as_str);
        let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.');
        let is_id = tenant.len() == 36 && tenant.matches('-').count() == 4;
        if !tenant.chars().all(is_name) || !(is_id || tenant.contains('.')) {
            let text = format!(
                "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
            );
            return Err(refusal(400, "invalid_request", 900_023, text));
        }
        if segments.len() != 4
            || !(tenant.eq_ignore_ascii_case(&self.options.tenant)
                || tenant.eq_ignore_ascii_case(&self.options.domain))
        {
            let text =
                format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
            return Err(refusal(400, "invalid_request", 90_002, text));
        }
        let form =
            if call.media_type() == "application/x-www-form-urlencoded" { call.form() } else { Vec::new() };
        let get = |name: &str| form.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        let needed = |name: &str| {
            get(name).filter(|it| !it.is_empty()).ok_or_else(|| {
                let text = format!("The request body must contain the following parameter: '{name}'.");
                refusal(400, "invalid_request", 900_144, text)
            })
        };
        if needed("grant_type")? != "client_credentials" {
            let text = "The provided value for the input parameter 'grant_type' is not supported.";
            return Err(refusal(400, "unsupported_grant_type", 70_003, text));
        }
        let basic = basic(call);
        let client_id = match &basic {
            Some((id, _)) => id,
            None => needed("client_id")?,
        };
        let resource = resource(needed("scope")?)?;
        if client_id != self.options.client_id {
            let text = format!(
                "Application with identifier '{client_id}' was not found in the directory 'Contoso'."
            );
            return Err(refusal(400, "unauthorized_client", 700_016, text));
        }
        self.proof(call, &form, basic.as_ref().map(|it| &*it.1), now)?;
        if !self.options.is_enabled {
            let text = format!("Application '{client_id}'(Leadwire) is disabled.");
            return Err(refusal(400, "unauthorized_client", 7_000_112, text));
        }
        if !is_resource(resource) {
            let text = format!(
                "The resource principal named {resource} was not found in the tenant named Contoso. This can happen if the \
                 application has not been installed by the administrator of the tenant."
            );
            return Err(refusal(400, "invalid_resource", 500_011, text));
        }
        Ok(resource.to_owned())
    }

    fn proof(
        &self,
        call: &Call,
        form: &[(String, String)],
        basic: Option<&str>,
        now: i64,
    ) -> Result<(), Refusal> {
        let get = |name: &str| form.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        if let Some(assertion) = get("client_assertion") {
            let is_jwt = get("client_assertion_type")
                == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            if !is_jwt {
                let text = "The request body must contain the following parameter: 'client_assertion_type'.";
                return Err(refusal(400, "invalid_request", 900_144, text));
            }
            return self.assertion(assertion, call, now);
        }
        let Some(secret) = get("client_secret").or(basic) else {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(refusal(401, "invalid_client", 7_000_218, text));
        };
        if secret != self.options.client_secret {
            let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                        value, not the client secret ID.";
            return Err(refusal(401, "invalid_client", 7_000_215, text));
        }
        if self.options.is_secret_expired {
            let text = "The provided client secret keys for app are expired.";
            return Err(refusal(401, "invalid_client", 7_000_222, text));
        }
        Ok(())
    }

    fn assertion(&self, assertion: &str, call: &Call, now: i64) -> Result<(), Refusal> {
        let invalid = |code, text: &str| refusal(401, "invalid_client", code, text);
        let malformed = || invalid(50_027, "JWT token is invalid or malformed.");
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let json = |it: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(it).ok()?).ok().filter(Value::is_object)
        };
        let header = json(header).ok_or_else(malformed)?;
        let claims = json(claims).ok_or_else(malformed)?;
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let certificate = self.options.certificate.as_ref();
        let unknown = || {
            invalid(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            )
        };
        let certificate = certificate.ok_or_else(unknown)?;
        let is_it = |name: &str, hash: &'static Algorithm| {
            let told = header.get(name).and_then(Value::as_str)?;
            Some(told == URL_SAFE_NO_PAD.encode(digest(hash, &certificate.der)))
        };
        let named = [is_it("x5t#S256", &SHA256), is_it("x5t", &SHA1_FOR_LEGACY_USE_ONLY)];
        if named.contains(&Some(false)) || !named.contains(&Some(true)) {
            return Err(unknown());
        }
        let scheme: &'static dyn aws_lc_rs::signature::VerificationAlgorithm =
            match header.get("alg").and_then(Value::as_str) {
                Some("PS256") => &RSA_PSS_2048_8192_SHA256,
                Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
                _ => return Err(malformed()),
            };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        let key = UnparsedPublicKey::new(scheme, &certificate.public_key);
        if key.verify(signed.as_bytes(), &signature).is_err() {
            return Err(invalid(
                50_012,
                "Authentication failed: client assertion contains an invalid signature.",
            ));
        }
        if claim("iss") != self.options.client_id || claim("sub") != self.options.client_id {
            return Err(invalid(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        let here = format!("://{}{}", call.host(), call.path);
        if !["http", "https"].iter().any(|it| claim("aud") == format!("{it}{here}")) {
            return Err(invalid(700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        let (Some(nbf), Some(exp), false) = (number("nbf"), number("exp"), claim("jti").is_empty()) else {
            return Err(malformed());
        };
        let seconds = now.div_euclid(1000);
        if exp <= seconds || nbf > seconds + SKEW || exp - nbf > ASSERTION_LIFE_MAX {
            return Err(invalid(700_024, "Client assertion is not within its valid time range."));
        }
        Ok(())
    }

    fn give(&mut self, resource: String, now: i64) -> Reply {
        if self.tokens.len() >= TOKENS_MAX {
            self.tokens.retain(|_, it| it.0 > now);
        }
        self.given += 1;
        let token = format!("eyJ0eXAiOiJKV1QifQ.{:010}.simulated", self.given);
        self.tokens.insert(token.clone(), (now + self.options.token_life * 1000, resource));
        let body = json!({
            "token_type": "Bearer",
            "expires_in": self.options.token_life,
            "ext_expires_in": self.options.token_life,
            "access_token": token,
        });
        Reply::json(200, &body).header("cache-control", "no-store, no-cache").header("pragma", "no-cache")
    }
}

/// The resource of a scope for apps.
fn resource(scope: &str) -> Result<&str, Refusal> {
    if scope.contains(' ') || !scope.contains("://") {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The scope {scope} is not valid."
        );
        return Err(refusal(400, "invalid_scope", 70_011, text));
    }
    scope.strip_suffix("/.default").ok_or_else(|| {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        refusal(400, "invalid_scope", 1_002_012, text)
    })
}

fn basic(call: &Call) -> Option<(String, String)> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |it: &str| {
        url::form_urlencoded::parse(it.as_bytes()).next().map(|it| it.0.into_owned()).unwrap_or_default()
    };
    Some((decoded(id), decoded(secret)))
}

fn refused(it: &Refusal, now: i64) -> Reply {
    let at = moment::rfc3339(now);
    let at = format!("{} {}Z", &at[..10], &at[11..19]);
    let trace = "0000aaaa-11bb-cccc-dd33-eeeeee333333";
    let correlation = "aaaa0000-bb11-2222-33cc-444444dddddd";
    let description = format!(
        "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
        it.code, it.text
    );
    let body = json!({
        "error": it.error,
        "error_description": description,
        "error_codes": [it.code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", it.code),
    });
    Reply::json(it.status, &body).header("cache-control", "no-store, no-cache")
}
