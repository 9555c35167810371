//! What a request is called in the audit log, and what of it is written there.

use std::collections::BTreeSet;

/// Longest name or id that is written down, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Most fields of a body that are named.
const FIELDS_MAX: usize = 40;

/// The stable name of what a request does, from its method and the pattern of its path: `destination.update`.
pub fn action(method: &str, path: &str) -> String {
    let mut parts = path.trim_start_matches("/v1/").split('/').filter(|it| !it.starts_with('{'));
    let noun = one_of(parts.next().unwrap_or_default());
    let rest: Vec<&str> = parts.collect();
    let verb = match (rest.is_empty(), method) {
        (false, "DELETE") => format!("{}.remove", rest.join(".")),
        (false, _) => rest.join("."),
        (true, "POST") => "add".to_owned(),
        (true, "DELETE") => "remove".to_owned(),
        (true, _) => "update".to_owned(),
    };
    format!("{noun}.{verb}").replace('-', "_")
}

/// The noun for one of several.
fn one_of(several: &str) -> String {
    if let Some(stem) = several.strip_suffix("ies") {
        format!("{stem}y")
    } else if let Some(stem) = several.strip_suffix("sses") {
        format!("{stem}ss")
    } else {
        several.strip_suffix('s').unwrap_or(several).to_owned()
    }
}

/// Ids and names, one behind the other. What would break a line is taken out.
pub fn subject<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let shown = names.filter(|it| !it.is_empty()).map(|it| {
        let end = it.char_indices().map(|it| it.0).take_while(|it| *it <= NAME_BYTES_MAX).last().unwrap_or(0);
        let whole = if it.len() <= NAME_BYTES_MAX { it } else { &it[..end] };
        whole.chars().filter(|it| !it.is_control()).collect::<String>()
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Names of the fields of a body, and nothing of their values.
pub fn detail(body: &[u8]) -> String {
    let Ok(fields) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) else {
        return String::new();
    };
    // A field that an endpoint does not know is refused, so that nothing else than our own names stands here.
    let is_name = |it: &&String| it.len() <= 40 && it.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    let names: BTreeSet<&String> = fields.keys().filter(is_name).take(FIELDS_MAX).collect();
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_called_by_what_it_does() {
        let table = [
            ("POST", "/v1/publishers", "publisher.add"),
            ("PUT", "/v1/retention", "retention.update"),
            ("DELETE", "/v1/offers/{offer}", "offer.remove"),
            ("PUT", "/v1/offers/{offer}/listing", "offer.listing"),
            ("POST", "/v1/offers/{offer}/go-live", "offer.go_live"),
            ("POST", "/v1/deliveries/{delivery}/retry", "delivery.retry"),
            ("POST", "/v1/intake-addresses", "intake_address.add"),
            ("PATCH", "/v1/destinations/{destination}", "destination.update"),
            ("POST", "/v1/secrets/rotate", "secret.rotate"),
            ("POST", "/v1/leads/{lead}/erase", "lead.erase"),
            ("DELETE", "/v1/withhold-rules", "withhold_rule.remove"),
            ("POST", "/v1/audit/checkpoint", "audit.checkpoint"),
        ];
        for (method, path, name) in table {
            assert_eq!(action(method, path), name);
        }
    }

    #[test]
    fn only_names_of_fields_are_written_down() {
        assert_eq!(detail(br#"{"title":"hunter2","api_key":"x","Ada L":1}"#), "api_key title");
        assert_eq!(detail(b"no json"), "");
        assert_eq!(subject(["a\nb", "", "c"].into_iter()), "ab c");
        assert_eq!(subject(std::iter::once("ő".repeat(500).as_str())).len(), NAME_BYTES_MAX);
    }
}
