//! Searching contacts in a simulated HubSpot: by when they changed. Filters it does not understand are refused.

use super::HubSpot;
use crate::service::{Call, Reply};
use serde_json::{Value, json};

/// Results of a page, and of a search altogether (HubSpot, "Search the CRM").
const PAGE_MAX: u64 = 100;
const RESULTS_MAX: u64 = 10_000;

/// A search that was read.
struct Search {
    from: i64,
    after: u64,
    limit: u64,
    properties: Vec<String>,
}

impl HubSpot {
    pub(super) fn search(&mut self, call: &Call) -> Reply {
        let read = call.json().ok_or_else(|| "Invalid input JSON on line 1, column 1".to_owned());
        let search = match read.and_then(|body| self.read_search(&body)) {
            Ok(search) => search,
            Err(message) => return self.error(400, "VALIDATION_ERROR", &message),
        };
        let found = self.contacts.changed_since(search.from);
        let names: Vec<&str> = search.properties.iter().map(String::as_str).collect();
        let number = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        let page = found.iter().skip(number(search.after)).take(number(search.limit));
        let results: Vec<Value> = page.map(|it| self.contacts.picked(*it, &names)).collect();
        let mut body = json!({ "total": found.len(), "results": results });
        let end = search.after + search.limit;
        if number(end) < found.len() {
            body["paging"] = json!({ "next": { "after": end.to_string() } });
        }
        Reply::json(200, &body)
    }

    fn read_search(&self, body: &Value) -> Result<Search, String> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let count = |pointer: &str| body.pointer(pointer).and_then(Value::as_array).map(Vec::len);
        let is_one = count("/filterGroups") == Some(1) && count("/filterGroups/0/filters") == Some(1);
        let is_meant = text("/filterGroups/0/filters/0/propertyName") == Some("lastmodifieddate")
            && text("/filterGroups/0/filters/0/operator") == Some("GTE");
        if !is_one || !is_meant {
            return Err("this simulated account searches by `lastmodifieddate` `GTE` only".to_owned());
        }
        let from = text("/filterGroups/0/filters/0/value").and_then(|it| it.parse().ok());
        let from =
            from.ok_or("the value of `lastmodifieddate` is not a number of milliseconds in a string")?;
        let is_sorted = count("/sorts") == Some(1)
            && text("/sorts/0/propertyName") == Some("lastmodifieddate")
            && text("/sorts/0/direction") == Some("ASCENDING");
        if !is_sorted {
            return Err("this simulated account sorts by `lastmodifieddate` ASCENDING only".to_owned());
        }
        let limit =
            body.get("limit").map_or(Some(10), Value::as_u64).filter(|it| (1..=PAGE_MAX).contains(it));
        let limit = limit.ok_or_else(|| format!("limit must be between 1 and {PAGE_MAX}"))?;
        let after = match body.get("after") {
            None => 0,
            Some(after) => {
                after.as_str().and_then(|it| it.parse().ok()).ok_or("after must be a string of digits")?
            }
        };
        if after + limit > RESULTS_MAX {
            return Err(format!("paging past {RESULTS_MAX} results is not supported"));
        }
        let properties = body.get("properties").and_then(Value::as_array).into_iter().flatten();
        let properties: Vec<String> = properties.filter_map(|it| Some(it.as_str()?.to_owned())).collect();
        // The real service leaves properties out that do not exist; a name that is wrong is found here.
        if let Some(unknown) = properties.iter().find(|it| !self.contacts.has_property(it)) {
            return Err(format!("Property \"{unknown}\" does not exist"));
        }
        Ok(Search { from, after, limit, properties })
    }
}
