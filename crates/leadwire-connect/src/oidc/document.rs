//! What a provider says of itself (OpenID Connect Discovery 1.0, 3): where it is asked, and how.

use super::Trouble;
use super::keys::Algorithm;
use leadwire_core::json::{self, Json};
use url::Url;

/// How we show a provider who we are (OpenID Connect Core, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientProof {
    /// In a header.
    Basic,
    /// In the body.
    Post,
    /// By PKCE alone.
    None,
}

/// Where a provider is asked, and how.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) proof: ClientProof,
    /// Whether its answers at the browser name it (RFC 9207).
    pub(super) says_issuer: bool,
}

/// Where the document of an issuer is. None: the issuer is no address.
pub(super) fn address(issuer: &str) -> Option<Url> {
    let url = Url::parse(issuer).ok()?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.has_host();
    let text = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&text).ok().filter(|_| is_plain)
}

/// Reads a document, which must be the issuer's own.
pub(super) fn read(body: &[u8], issuer: &str, has_secret: bool) -> Result<Document, Trouble> {
    let bad = |message: String| {
        Trouble::setup(
            "bad_document",
            message,
            "check `issuer`: it is the address that the provider shows for OpenID Connect",
        )
    };
    let document = json::parse(body).map_err(|_| bad("the discovery document cannot be read".to_owned()))?;
    let said = document.get("issuer").and_then(Json::as_text).unwrap_or_default();
    if said != issuer {
        let fix = "write `issuer` letter for letter as the provider does; an issuer for several organisations names none, and cannot be used";
        return Err(Trouble::setup("wrong_issuer", "the discovery document is another issuer's", fix));
    }
    let is_secure = issuer.starts_with("https://");
    let endpoint = |name: &str| {
        let url = document.get(name).and_then(Json::as_text).and_then(|it| Url::parse(it).ok());
        // What was https does not go on in the clear.
        let is_good =
            |it: &Url| it.has_host() && (it.scheme() == "https" || !is_secure && it.scheme() == "http");
        url.filter(is_good).ok_or_else(|| bad(format!("the discovery document has no usable `{name}`")))
    };
    offers(&document, "response_types_supported", &["code"])?;
    offers(&document, "code_challenge_methods_supported", &["S256"])?;
    offers(&document, "id_token_signing_alg_values_supported", &Algorithm::NAMES)?;
    Ok(Document {
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        jwks_uri: endpoint("jwks_uri")?,
        userinfo_endpoint: endpoint("userinfo_endpoint").ok(),
        proof: proof(&document, has_secret)?,
        says_issuer: document
            .get("authorization_response_iss_parameter_supported")
            .and_then(Json::as_bool)
            .unwrap_or(false),
    })
}

/// The texts of a list; none when there is no such list.
fn texts<'a>(document: &'a Json, name: &str) -> Option<Vec<&'a str>> {
    Some(document.get(name)?.as_array()?.iter().filter_map(Json::as_text).collect())
}

/// A provider that lists what it offers, and offers nothing of what we ask for, cannot be used.
fn offers(document: &Json, name: &str, wanted: &[&str]) -> Result<(), Trouble> {
    match texts(document, name) {
        Some(all) if !wanted.iter().any(|it| all.contains(it)) => {
            let message = format!("the provider offers nothing of {} in `{name}`", wanted.join(", "));
            let fix = "switch it on at the provider, or use another one";
            Err(Trouble::setup("not_offered", message, fix))
        }
        _ => Ok(()),
    }
}

fn proof(document: &Json, has_secret: bool) -> Result<ClientProof, Trouble> {
    // Basic is what a provider that says nothing takes.
    let all = texts(document, "token_endpoint_auth_methods_supported")
        .unwrap_or_else(|| vec!["client_secret_basic"]);
    match has_secret {
        false => Ok(ClientProof::None),
        true if all.contains(&"client_secret_basic") => Ok(ClientProof::Basic),
        true if all.contains(&"client_secret_post") => Ok(ClientProof::Post),
        true => {
            let fix = "choose a client secret as the way the application shows itself at the provider";
            Err(Trouble::setup("not_offered", "the provider takes no client secrets", fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://idp.example/tenant";

    fn document(change: &str, with: &str) -> Vec<u8> {
        let text = r#"{"issuer":"https://idp.example/tenant","authorization_endpoint":"https://idp.example/auth",
            "token_endpoint":"https://idp.example/token","jwks_uri":"https://keys.example/jwks",
            "response_types_supported":["code","id_token"],"code_challenge_methods_supported":["plain","S256"],
            "id_token_signing_alg_values_supported":["RS256"]}"#;
        assert!(text.contains(change));
        text.replacen(change, with, 1).into_bytes()
    }

    #[test]
    fn where_to_ask_and_how_is_read() {
        let read = |with: &str| read(&document("\"issuer\"", with), ISSUER, true).expect("a good document");
        let plain = read("\"issuer\"");
        assert_eq!((plain.proof, plain.says_issuer), (ClientProof::Basic, false));
        assert_eq!(plain.jwks_uri.as_str(), "https://keys.example/jwks");
        let post = r#""token_endpoint_auth_methods_supported":["client_secret_post"],"authorization_response_iss_parameter_supported":true,"issuer""#;
        assert_eq!((read(post).proof, read(post).says_issuer), (ClientProof::Post, true));
        assert_eq!(
            super::read(&document("\"issuer\"", "\"issuer\""), ISSUER, false).expect("good").proof,
            ClientProof::None
        );
    }

    #[test]
    fn what_is_anothers_or_cannot_be_used_is_refused() {
        let table = [
            ("https://idp.example/tenant", "https://idp.example/tenant/", "wrong_issuer"),
            ("https://idp.example/tenant", "https://evil.example/tenant", "wrong_issuer"),
            ("https://idp.example/tenant", "https://idp.example/{tenantid}", "wrong_issuer"),
            ("https://idp.example/token", "http://idp.example/token", "bad_document"),
            ("https://idp.example/auth", "javascript:alert(1)", "bad_document"),
            ("https://keys.example/jwks", "file:///etc/passwd", "bad_document"),
            ("\"jwks_uri\"", "\"keys\"", "bad_document"),
            ("\"code\",", "", "not_offered"),
            ("\"S256\"", "\"none\"", "not_offered"),
            ("\"RS256\"", "\"HS256\",\"none\"", "not_offered"),
            (
                "\"issuer\"",
                r#""token_endpoint_auth_methods_supported":["private_key_jwt"],"issuer""#,
                "not_offered",
            ),
            ("{\"issuer\"", "[\"issuer\"", "bad_document"),
        ];
        for (change, with, cause) in table {
            let refused = read(&document(change, with), ISSUER, true).expect_err(with);
            assert_eq!(refused.cause, cause, "{with}");
            assert!(!refused.fix.is_empty(), "{with}");
        }
    }

    #[test]
    fn the_document_stands_behind_the_issuer() {
        let expected = "https://idp.example/tenant/.well-known/openid-configuration";
        for issuer in [ISSUER, "https://idp.example/tenant/"] {
            assert_eq!(address(issuer).expect("an address").as_str(), expected);
        }
        for bad in ["idp", "https://idp.example?x=1", "https://idp.example/#x", "mailto:a@b.c"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
