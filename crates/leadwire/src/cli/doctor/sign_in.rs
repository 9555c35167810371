//! Whether the providers that people sign in by can be asked, and fit what is set up.

use super::Check;
use crate::app::way_out;
use crate::config::Config;
use leadwire_connect::oidc::{Provider, Trouble, TroubleKind};
use leadwire_core::time::Timestamp;

const NAME: &str = "sign-in";

/// Asks each provider that the settings name for what it says of itself and for its keys.
pub(super) async fn checks(config: &Config, now: Timestamp) -> Vec<Check> {
    let providers = &config.portal.providers;
    if providers.is_empty() {
        return Vec::new();
    }
    let egress = match way_out(config) {
        Ok(egress) => egress,
        Err(error) => return vec![Check::fail(NAME, format!("{error:#}"), "correct `extra_ca`")],
    };
    let mut checks = Vec::new();
    let is_plain = config.public_url.as_ref().is_none_or(|it| !it.starts_with("https://"));
    if is_plain {
        let fix = "set `public_url` to the https:// address that people open; it is where providers send them back to";
        checks.push(Check::warn(NAME, "providers send people back in the clear", fix));
    }
    for it in providers {
        let found = Provider::new(it.clone(), &egress).look(now).await;
        checks.push(judged(&it.name, found));
    }
    checks
}

fn judged(name: &str, found: Result<usize, Trouble>) -> Check {
    match found {
        Ok(1) => Check::ok(NAME, format!("{name} answers, and signs with one key")),
        Ok(keys) => Check::ok(NAME, format!("{name} answers, and signs with {keys} keys")),
        Err(trouble) => {
            let fix = match (trouble.fix, trouble.kind) {
                ("", TroubleKind::Unreachable) => "see whether the provider is up",
                ("", TroubleKind::Setup | TroubleKind::Refused) => {
                    "compare `[sign_in]` with what the provider shows"
                }
                (fix, _) => fix,
            };
            Check::fail(NAME, format!("{name} cannot be used: {trouble}"), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[tokio::test]
    async fn a_provider_that_cannot_be_asked_fails_with_a_fix_and_no_provider_is_none() {
        let now = Timestamp::from_millis(1_795_305_600_000);
        assert_eq!(checks(&Config::default(), now).await, []);
        let mut config = Config::default();
        config.apply("sign_in.idp.issuer", "http://127.0.0.1:9", "test").expect("an issuer");
        config.apply("sign_in.idp.client_id", "lw", "test").expect("a name");
        let found = checks(&config, now).await;
        assert_eq!([found[0].mark, found[1].mark], [Mark::Warn, Mark::Fail]);
        assert!(
            found[1].found.starts_with("idp cannot be used: ") && found[1].found.contains("egress_denied")
        );
        assert!(found.iter().all(|it| !it.fix.is_empty()));
        assert_eq!(judged("idp", Ok(2)).mark, Mark::Ok);
    }
}
