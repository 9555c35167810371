//! Queries in the simulated org: conditions over leads, pages, and the few set-up objects Leadwire asks for.

use super::org::Lead;
use super::rest::not_found;
use super::soql::{self, Query, Test};
use super::{Problem, Salesforce};
use crate::service::{Call, Reply};
use serde_json::{Map, Value, json};

/// Rows of a page: what a client may ask for, and what it gets when it does not.
const PAGE_MIN: usize = 200;
const PAGE_MAX: usize = 2000;
/// Queries that may be half read at a time; then the older ones expire.
const LOCATORS_MAX: usize = 100;

pub(super) fn attributes(id: &str) -> Map<String, Value> {
    let attributes = json!({ "type": "Lead", "url": format!("/services/data/v62.0/sobjects/Lead/{id}") });
    Map::from_iter([("attributes".to_owned(), attributes)])
}

/// A field's value, those that only the service writes included.
pub(super) fn value(lead: &Lead, name: &str) -> Value {
    match name {
        "Id" => json!(lead.id),
        "IsDeleted" => json!(lead.is_deleted),
        "IsConverted" => json!(lead.is_converted),
        "CreatedDate" => json!(moment(lead.created_at)),
        "LastModifiedDate" | "SystemModstamp" => json!(moment(lead.changed_at)),
        "Name" => {
            let part = |name: &str| lead.values.get(name).and_then(Value::as_str).unwrap_or_default();
            json!(format!("{} {}", part("FirstName"), part("LastName")).trim())
        }
        _ => lead.values.get(name).cloned().unwrap_or(match name {
            "HasOptedOutOfEmail" | "HasOptedOutOfFax" | "DoNotCall" => json!(false),
            _ => Value::Null,
        }),
    }
}

/// `2026-11-20T10:00:00.000+0000`, by the days of the proleptic Gregorian calendar.
pub(super) fn moment(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}+0000", rest % 1000)
}

impl Salesforce {
    pub(super) fn query(&mut self, call: &Call, version: &str) -> Reply {
        let Some(text) = call.parameter("q") else {
            return Problem::new("MALFORMED_QUERY", "missing required parameter: q").reply(400);
        };
        let rows = soql::parse(&text).and_then(|query| self.rows_of(&query));
        match rows {
            Ok(rows) => {
                let options = call.header("sforce-query-options").unwrap_or_default();
                let size =
                    options.split(',').find_map(|it| it.trim().strip_prefix("batchSize=")?.parse().ok());
                self.page(rows, 0, size.unwrap_or(PAGE_MAX).clamp(PAGE_MIN, PAGE_MAX), version)
            }
            Err(problem) => problem.reply(400),
        }
    }

    pub(super) fn next_page(&mut self, locator: &str, version: &str) -> Reply {
        let parts = locator.rsplit_once('-').and_then(|(name, at)| Some((name, at.parse::<usize>().ok()?)));
        let found = parts.and_then(|(name, at)| Some((self.pages.remove(name)?, at)));
        match found {
            Some(((rows, size), at)) => self.page(rows, at, size, version),
            None if parts.is_some() => {
                Problem::new("INVALID_QUERY_LOCATOR", "invalid query locator").reply(404)
            }
            None => not_found(),
        }
    }

    fn page(&mut self, rows: Vec<Value>, at: usize, size: usize, version: &str) -> Reply {
        let total = rows.len();
        let end = (at + size).min(total);
        let mut body =
            json!({ "totalSize": total, "done": end == total, "records": rows[at.min(total)..end] });
        if end < total {
            self.locators += 1;
            let name = format!("01g5e{:010}", self.locators);
            if self.pages.len() == LOCATORS_MAX {
                self.pages.clear();
            }
            body["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{name}-{end}"));
            self.pages.insert(name, (rows, size));
        }
        Reply::json(200, &body)
    }

    fn rows_of(&self, query: &Query) -> Result<Vec<Value>, Problem> {
        match &*query.object {
            object if object.eq_ignore_ascii_case("lead") => self.leads_of(query),
            object if object.eq_ignore_ascii_case("task") => self.tasks_of(query),
            object if object.eq_ignore_ascii_case("permissionset") => Ok(self.permission_sets_of(query)),
            // There is one at the most, and it is for leads.
            object if object.eq_ignore_ascii_case("assignmentrule") => {
                let rule = json!({ "attributes": { "type": "AssignmentRule" }, "Id": super::bulk::RULE });
                Ok(self.options.has_assignment_rule.then_some(rule).into_iter().collect())
            }
            other => Err(Problem::new("INVALID_TYPE", format!("sObject type '{other}' is not supported."))),
        }
    }

    fn leads_of(&self, query: &Query) -> Result<Vec<Value>, Problem> {
        let named = |name: &str| {
            let field = self.schema.get(name).ok_or_else(|| {
                Problem::new("INVALID_FIELD", format!("No such column '{name}' on entity 'Lead'."))
            })?;
            Ok::<String, Problem>(field.name.clone())
        };
        let fields = query.fields.iter().map(|it| named(it)).collect::<Result<Vec<_>, _>>()?;
        let tests = query
            .conditions
            .iter()
            .map(|it| Ok((named(&it.field)?, &it.test)))
            .collect::<Result<Vec<_>, Problem>>()?;
        let order = query.order.as_ref().map(|it| Ok::<_, Problem>((named(&it.0)?, it.1))).transpose()?;
        // A unique field finds its leads without looking at all of them.
        let unique = tests.iter().find_map(|(name, test)| {
            let field = self.schema.get(name).filter(|it| it.is_unique)?;
            match test {
                Test::In(values) => Some((field, values.clone())),
                Test::Is(it @ Value::String(_)) => Some((field, vec![it.clone()])),
                Test::Is(_) | Test::IsNot(_) | Test::AtLeast(_) | Test::AtMost(_) => None,
            }
        });
        let candidates: Vec<&Lead> = match unique {
            Some((field, values)) => {
                values.iter().filter_map(|it| self.leads.find(&field.name, it.as_str()?)).collect()
            }
            None => self.leads.all().iter().collect(),
        };
        let mut found: Vec<&Lead> = candidates
            .into_iter()
            .filter(|it| !it.is_deleted && tests.iter().all(|(name, test)| test.holds(&value(it, name))))
            .collect();
        if let Some((name, is_down)) = order {
            found.sort_by_cached_key(|it| value(it, &name).to_string());
            if is_down {
                found.reverse();
            }
        }
        found.truncate(query.limit.unwrap_or(usize::MAX));
        let rows = found.into_iter().map(|lead| {
            let mut row = attributes(&lead.id);
            row.extend(fields.iter().map(|it| (it.clone(), value(lead, it))));
            Value::Object(row)
        });
        Ok(rows.collect())
    }
}
