//! Calls about leads in the simulated environment: one row, several rows, and the message that makes many at once.

use super::leads::{self, Lead, Manner};
use super::{Dynamics, Problem, is_guid, json_reply};
use crate::moment;
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};

/// Rows of one page.
const PAGE: usize = 5000;
/// What the value of an alternate key may not hold (define-alternate-keys-entity).
const KEY_FORBIDDEN: &str = "/<>*%&:\\?+";

/// How a lead is named in an address.
pub(super) enum Name {
    None,
    Id(String),
    /// Column and value.
    Key(String, String),
}

impl Dynamics {
    pub(super) fn lead(&mut self, call: &Call, segment: &str, now: i64) -> Result<Reply, Problem> {
        let name = self.name(segment)?;
        self.select(call)?;
        match (&call.method, name) {
            (&Method::POST, Name::None) => self.create(call, now),
            (&Method::GET, Name::None) => self.list(call),
            (&Method::GET, name) => {
                self.may("prvReadLead")?;
                let lead = self.found(&name)?;
                Ok(self.shown(call, &lead, 200))
            }
            (&Method::PATCH, name @ (Name::Id(_) | Name::Key(..))) => self.upsert(call, &name, now),
            (&Method::DELETE, name @ (Name::Id(_) | Name::Key(..))) => {
                self.may("prvDeleteLead")?;
                let lead = self.found(&name)?;
                self.delete(&lead.id);
                Ok(Reply::empty(204).header("odata-version", "4.0"))
            }
            _ => {
                let message =
                    format!("The requested resource does not support http method '{}'.", call.method);
                Err(Problem::new(405, "", message))
            }
        }
    }

    pub(super) fn name(&self, segment: &str) -> Result<Name, Problem> {
        let Some(inside) = segment.strip_prefix("leads(").and_then(|it| it.strip_suffix(')')) else {
            return Ok(Name::None);
        };
        if is_guid(inside) {
            return Ok(Name::Id(inside.to_lowercase()));
        }
        let not_valid = || {
            let message = "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.lead'. Ensure \
                           that the names and number of key properties match the declared or alternate key properties \
                           for the resource 'Microsoft.Dynamics.CRM.lead'.";
            Problem::new(400, "0x0", message)
        };
        let (column, value) = inside.split_once('=').ok_or_else(not_valid)?;
        let value = value.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')).ok_or_else(not_valid)?;
        let is_active = self.keys.iter().any(|it| it.column == column && it.is_active());
        let is_fit = !value.is_empty() && !value.contains(|it: char| KEY_FORBIDDEN.contains(it));
        if is_active && is_fit {
            return Ok(Name::Key(column.to_owned(), value.replace("''", "'")));
        }
        Err(not_valid())
    }

    pub(super) fn found(&self, name: &Name) -> Result<Lead, Problem> {
        match name {
            Name::Id(id) => self.leads.get(id).cloned().ok_or_else(|| leads::missing("lead", id)),
            Name::Key(column, value) => self.leads.find(column, value).cloned().ok_or_else(|| {
                let message = "A record with the specified key values does not exist in lead entity";
                Problem::new(404, "0x80060891", message)
            }),
            Name::None => Err(Problem::new(400, "0x80048d19", "A key is needed.")),
        }
    }

    fn manner(&self, call: &Call, now: i64) -> Manner {
        let is_suppressed = call.header("mscrm.suppressduplicatedetection") != Some("false");
        Manner {
            asks_rules: self.options.has_duplicate_rule && !is_suppressed,
            duplicate_status: self.options.duplicate_status,
            now,
        }
    }

    fn create(&mut self, call: &Call, now: i64) -> Result<Reply, Problem> {
        self.may("prvCreateLead")?;
        let body = body(call)?;
        let lead = self.leads.create(None, &body, &self.schema, &self.manner(call, now))?;
        Ok(self.written(call, &lead, None, 201))
    }

    /// The four cases of `If-Match` and `If-None-Match` (perform-conditional-operations-using-web-api).
    fn upsert(&mut self, call: &Call, name: &Name, now: i64) -> Result<Reply, Problem> {
        let mut body = body(call)?;
        let manner = self.manner(call, now);
        let only_new = call.header("if-none-match") == Some("*");
        let only_there = call.header("if-match");
        let key = match name {
            Name::Key(column, value) => {
                body.remove(column);
                Some((column.clone(), value.clone()))
            }
            Name::Id(_) | Name::None => None,
        };
        match self.found(name) {
            Ok(_) if only_new => Err(leads::exists()),
            Ok(lead) => {
                self.may("prvWriteLead")?;
                if only_there.is_some_and(|it| it != "*" && it != etag(&lead)) {
                    let message =
                        "The version of the existing record doesn't match the RowVersion property provided.";
                    return Err(Problem::new(412, "0x80060882", message));
                }
                body.remove("leadid");
                let lead = self.leads.update(&lead.id, &body, &self.schema, &manner)?;
                Ok(self.written(call, &lead, key.as_ref(), 200))
            }
            Err(missing) if only_there.is_some() => Err(missing),
            Err(_) => {
                self.may("prvCreateLead")?;
                let id = match name {
                    Name::Id(id) => Some(id.as_str()),
                    Name::Key(..) | Name::None => None,
                };
                if let Some((column, value)) = &key {
                    body.insert(column.clone(), json!(value));
                }
                if id.is_some() {
                    body.remove("leadid");
                }
                let lead = self.leads.create(id, &body, &self.schema, &manner)?;
                Ok(self.written(call, &lead, key.as_ref(), 201))
            }
        }
    }

    /// 204 with the address, or the row when the client prefers that.
    fn written(&self, call: &Call, lead: &Lead, key: Option<&(String, String)>, status: u16) -> Reply {
        let prefer = call.header("prefer").unwrap_or_default();
        if prefer.split(',').any(|it| it.trim() == "return=representation") {
            return self.shown(call, lead, status).header("preference-applied", "return=representation");
        }
        let named = match key {
            Some((column, value)) => format!("{column}='{value}'"),
            None => lead.id.clone(),
        };
        let address = format!("http://{}/api/data/v9.2/leads({named})", call.host());
        Reply::empty(204)
            .header("odata-version", "4.0")
            .header("location", &address)
            .header("odata-entityid", &address)
    }

    fn selected(call: &Call) -> Option<Vec<String>> {
        let select = call.parameter("$select")?;
        Some(select.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect())
    }

    fn select(&self, call: &Call) -> Result<(), Problem> {
        let names = Self::selected(call).unwrap_or_default();
        let is_known = |it: &&String| {
            let lookup = it.strip_prefix('_').and_then(|it| it.strip_suffix("_value"));
            self.schema.get(lookup.unwrap_or(it)).is_some()
        };
        match names.iter().find(|it| !is_known(it)) {
            None => Ok(()),
            Some(name) => {
                let message = format!(
                    "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.lead'."
                );
                Err(Problem::new(400, "0x80060888", message))
            }
        }
    }

    fn row(&self, call: &Call, lead: &Lead) -> Map<String, Value> {
        let mut row = Map::new();
        row.insert("@odata.etag".to_owned(), json!(etag(lead)));
        row.insert("leadid".to_owned(), json!(lead.id));
        let mut all = lead.values.clone();
        all.insert("modifiedon".to_owned(), json!(moment::rfc3339(lead.modified_at)));
        let names = Self::selected(call);
        let is_wanted = |name: &str| names.as_ref().is_none_or(|it| it.iter().any(|it| it == name));
        row.extend(all.into_iter().filter(|it| is_wanted(&it.0)));
        for name in names.iter().flatten() {
            row.entry(name.clone()).or_insert(Value::Null);
        }
        row
    }

    fn shown(&self, call: &Call, lead: &Lead, status: u16) -> Reply {
        let mut shown = Map::new();
        let context = format!("http://{}/api/data/v9.2/$metadata#leads/$entity", call.host());
        shown.insert("@odata.context".to_owned(), json!(context));
        shown.extend(self.row(call, lead));
        json_reply(status, &Value::Object(shown)).header("etag", &etag(lead))
    }

    /// All leads, or those that were modified since a moment, in order of that; one page.
    fn list(&self, call: &Call) -> Result<Reply, Problem> {
        self.may("prvReadLead")?;
        let since = match call.parameter("$filter") {
            None => String::new(),
            Some(filter) => {
                let since = filter.strip_prefix("modifiedon ge ").unwrap_or_default().trim().to_owned();
                if since.len() < 10 {
                    let message = "The sandbox understands `$filter=modifiedon ge` and a moment.";
                    return Err(Problem::new(400, "0x80060888", message));
                }
                // As moments are written here, so that texts compare as moments do.
                if since.contains('.') { since } else { since.replace('Z', ".000Z") }
            }
        };
        if call.parameter("$orderby").is_some_and(|it| !matches!(&*it, "modifiedon" | "modifiedon asc")) {
            let message = "The sandbox understands `$orderby=modifiedon`.";
            return Err(Problem::new(400, "0x80060888", message));
        }
        let behind = match call.parameter("$skiptoken") {
            None => 0,
            Some(cookie) => cookie_version(&cookie)
                .ok_or_else(|| Problem::new(400, "0x80060888", "Malformed XML in the Paging Cookie"))?,
        };
        let is_meant = |it: &&Lead| moment::rfc3339(it.modified_at) >= since && it.version > behind;
        let mut leads: Vec<&Lead> = self.leads.all().filter(is_meant).collect();
        leads.sort_by_key(|it| it.version);
        let prefer = call.header("prefer").unwrap_or_default();
        let size =
            prefer.split(',').find_map(|it| it.trim().strip_prefix("odata.maxpagesize=")?.parse().ok());
        let top = call.parameter("$top").and_then(|it| it.parse().ok()).unwrap_or(usize::MAX);
        let size = size.unwrap_or(PAGE).min(PAGE);
        let page: Vec<&Lead> = leads.iter().take(top.min(size)).copied().collect();
        let rows: Vec<Value> = page.iter().map(|it| Value::Object(self.row(call, it))).collect();
        let mut body = json!({ "value": rows });
        if let Some(last) = page.last().filter(|_| page.len() == size && leads.len() > size) {
            let query = call
                .query
                .split('&')
                .filter(|it| !it.starts_with("$skiptoken="))
                .collect::<Vec<_>>()
                .join("&");
            let cookie = format!("%3Ccookie%20pagenumber=%222%22%20last=%22{}%22%20/%3E", last.version);
            let link = format!("http://{}{}?{query}&$skiptoken={cookie}", call.host(), call.path);
            body["@odata.nextLink"] = json!(link);
        }
        Ok(json_reply(200, &body))
    }

    /// `CreateMultiple`: all or none, and the answer names the first that failed.
    pub(super) fn action(&mut self, call: &Call, action: &str, now: i64) -> Result<Reply, Problem> {
        if action != "Microsoft.Dynamics.CRM.CreateMultiple" || call.method != Method::POST {
            return Err(Problem::new(
                404,
                "0x8006088a",
                format!("Resource not found for the segment '{action}'."),
            ));
        }
        self.may("prvCreateLead")?;
        let body = body(call)?;
        let Some(targets) = body.get("Targets").and_then(Value::as_array) else {
            return Err(Problem::new(400, "0x80048d19", "The parameter Targets is missing."));
        };
        let (before, manner) = (self.leads.clone(), self.manner(call, now));
        let mut ids = Vec::new();
        for target in targets {
            let values = target.as_object().cloned().unwrap_or_default();
            let made = if values.get("@odata.type") == Some(&json!("Microsoft.Dynamics.CRM.lead")) {
                self.leads.create(None, &values, &self.schema, &manner)
            } else {
                Err(Problem::new(400, "0x80048d19", "A target has no @odata.type."))
            };
            match made {
                Ok(lead) => ids.push(lead.id),
                Err(problem) => {
                    self.leads = before;
                    return Err(problem);
                }
            }
        }
        Ok(json_reply(200, &json!({ "Ids": ids })))
    }
}

pub(super) fn body(call: &Call) -> Result<Map<String, Value>, Problem> {
    if call.media_type() != "application/json" {
        let message =
            "A supported MIME type could not be found that matches the content type of the request.";
        return Err(Problem::new(415, "0x80060888", message));
    }
    call.json().and_then(|it| it.as_object().cloned()).ok_or_else(|| {
        let message =
            "Error identified in Payload provided by the user for Entity :'leads'. Stream was not readable.";
        Problem::new(400, "0x80048d19", message)
    })
}

/// The row a paging cookie ends at, by its version.
fn cookie_version(cookie: &str) -> Option<u64> {
    cookie.split_once("last=\"")?.1.split_once('"')?.0.parse().ok()
}

fn etag(lead: &Lead) -> String {
    format!("W/\"{}\"", lead.version)
}
