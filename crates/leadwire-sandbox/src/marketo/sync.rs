//! Sync Leads, Push Lead, look-ups and deletion in the simulated instance (Adobe, leads.md).

use super::people::key;
use super::{CompanyUpdates, Marketo, Refused};
use crate::service::{Call, Reply};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Most records in a call, and people in a page.
pub(super) const RECORDS_MAX: usize = 300;
/// Most people a look-up may find.
const FOUND_MAX: usize = 1000;
/// What a read tells unless it says which fields.
const FIELDS: &str = "email,firstName,lastName,createdAt,updatedAt";
const COMPANY_FIELDS: &[&str] =
    &["company", "mainPhone", "website", "industry", "annualRevenue", "numberOfEmployees"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    CreateOrUpdate,
    CreateOnly,
    UpdateOnly,
    CreateDuplicate,
}

/// What all records of a call have in common.
struct Order<'a> {
    action: Action,
    lookup: &'a str,
    partition: Option<String>,
    now: i64,
}

impl Marketo {
    pub(super) fn sync(&mut self, body: &Value, now: i64) -> Result<Vec<Value>, Refused> {
        let action = match body.get("action").and_then(Value::as_str).unwrap_or("createOrUpdate") {
            "createOrUpdate" => Action::CreateOrUpdate,
            "createOnly" => Action::CreateOnly,
            "updateOnly" => Action::UpdateOnly,
            "createDuplicate" => Action::CreateDuplicate,
            other => return Err(("1003", format!("Invalid data: action '{other}'"))),
        };
        if body.get("asyncProcessing").and_then(Value::as_bool) == Some(true) {
            return Err((
                "709",
                "Business Rule Violation: asynchronous processing is not simulated".to_owned(),
            ));
        }
        let order = self.order(body, action, now)?;
        let records = input(body)?;
        Ok(self.each(records, &order).into_iter().map(|it| it.1).collect())
    }

    pub(super) fn push(&mut self, body: &Value, now: i64) -> Result<Vec<Value>, Refused> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let name = text("programName").filter(|it| !it.is_empty());
        let name = name.ok_or_else(|| ("701", "programName cannot be blank".to_owned()))?;
        let program = self.options.programs.iter().find(|it| it.0 == name);
        let program = program.ok_or_else(|| ("1013", "Object not found".to_owned()))?;
        if text("programStatus").is_some_and(|status| !program.1.iter().any(|it| it == status)) {
            return Err(("1025", "Program status not found".to_owned()));
        }
        let order = self.order(body, Action::CreateOrUpdate, now)?;
        let records = input(body)?;
        let activity = json!({
            "type": "Push Lead to Marketo", "program": name, "status": text("programStatus"),
            "source": text("source"), "reason": text("reason"),
        });
        let entries = self.each(records, &order);
        for at in entries.iter().filter_map(|it| it.0) {
            self.people.act(at, activity.clone());
        }
        Ok(entries.into_iter().map(|it| it.1).collect())
    }

    /// Whether people can be made by this field in this partition.
    pub(super) fn may_import(&self, lookup: &str, partition: Option<&str>) -> Result<(), Refused> {
        let mut body = json!({ "lookupField": lookup });
        if let Some(partition) = partition {
            body["partitionName"] = json!(partition);
        }
        self.order(&body, Action::CreateOrUpdate, 0).map(drop)
    }

    /// Makes or updates people, and says what came of each record.
    pub(super) fn import(
        &mut self,
        lookup: &str,
        partition: Option<String>,
        records: &[Value],
        now: i64,
    ) -> Vec<Value> {
        let order = Order { action: Action::CreateOrUpdate, lookup, partition, now };
        self.each(records, &order).into_iter().map(|it| it.1).collect()
    }

    fn order<'a>(&self, body: &'a Value, action: Action, now: i64) -> Result<Order<'a>, Refused> {
        let lookup = body.get("lookupField").and_then(Value::as_str).unwrap_or("email");
        let is_id = lookup == "id" && action != Action::UpdateOnly;
        if is_id || !self.people.is_searchable(lookup) {
            return Err(("1011", format!("Field '{lookup}' not supported")));
        }
        let partition = body.get("partitionName").and_then(Value::as_str);
        if partition.is_some() && action == Action::UpdateOnly {
            return Err(("1003", "Invalid data: partitionName is only for actions that create".to_owned()));
        }
        match partition {
            Some(name) if !self.options.partitions.iter().any(|it| it == name) => {
                Err(("1008", format!("Access denied to partition '{name}'")))
            }
            None if action != Action::UpdateOnly && self.options.partitions.len() > 1 => {
                Err(("1009", "Partition name must be specified".to_owned()))
            }
            partition => Ok(Order { action, lookup, partition: partition.map(str::to_owned), now }),
        }
    }

    /// What came of each record: the place of the person that was written, and the entry of the answer.
    fn each(&mut self, records: &[Value], order: &Order<'_>) -> Vec<(Option<usize>, Value)> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for value in records.iter().filter_map(|it| it.get(order.lookup)) {
            *counts.entry(key(value)).or_default() += 1;
        }
        let mut entries = Vec::new();
        for (number, record) in records.iter().enumerate() {
            let said = match record.as_object() {
                _ if self.is_partial && number % 2 == 1 => Err(("1003", "Invalid data".to_owned())),
                None => Err(("1003", "Invalid data".to_owned())),
                Some(it) if it.get(order.lookup).is_some_and(|it| counts[&key(it)] > 1) => {
                    Err(("1036", "Duplicate object found in input".to_owned()))
                }
                Some(it) => self.one(it, order),
            };
            entries.push(match said {
                Ok((at, status)) => (Some(at), json!({ "id": self.people.id(at), "status": status })),
                Err((code, message)) => {
                    (None, json!({ "status": "skipped", "reasons": [{ "code": code, "message": message }] }))
                }
            });
        }
        entries
    }

    fn one(
        &mut self,
        record: &Map<String, Value>,
        order: &Order<'_>,
    ) -> Result<(usize, &'static str), Refused> {
        let missing = || ("1002", format!("Missing value for the required parameter '{}'", order.lookup));
        let value = record.get(order.lookup).filter(|it| !it.is_null()).ok_or_else(missing)?;
        let mut fields = self.people.checked(record, order.lookup)?;
        let partition =
            order.partition.clone().or_else(|| self.options.partitions.first().cloned()).unwrap_or_default();
        let race = (order.action != Action::UpdateOnly).then_some(order.now);
        let found = match order.action {
            Action::CreateDuplicate => Vec::new(),
            _ => self.people.find(order.lookup, &key(value), race),
        };
        match (found.as_slice(), order.action) {
            ([], Action::UpdateOnly) => Err(("1004", "Lead not found".to_owned())),
            ([], _) => {
                let id = self.people.create(fields, &partition, order.now);
                Ok((self.people.find("id", &id.to_string(), None)[0], "created"))
            }
            ([_], Action::CreateOnly) => Err(("1005", "Lead already exists".to_owned())),
            ([at], _) => {
                let lives_here = order.partition.as_ref().is_none_or(|it| self.people.partition(*at) == it);
                if !lives_here {
                    return Err(("1010", "Partition update not allowed".to_owned()));
                }
                if COMPANY_FIELDS.iter().any(|it| fields.contains_key(*it)) {
                    match self.options.company_updates {
                        CompanyUpdates::Refused => {
                            return Err(("1021", "Company update not allowed".to_owned()));
                        }
                        CompanyUpdates::Ignored => {
                            fields.retain(|it, _| !COMPANY_FIELDS.contains(&it.as_str()));
                        }
                    }
                }
                self.people.update(*at, fields, order.now);
                Ok((*at, "updated"))
            }
            _ => Err(("1007", "Multiple leads match the lookup criteria".to_owned())),
        }
    }

    pub(super) fn delete(&mut self, body: &Value) -> Result<Vec<Value>, Refused> {
        let mut entries = Vec::new();
        for record in input(body)? {
            let id = record.get("id").and_then(Value::as_u64).unwrap_or_default();
            entries.push(match self.people.find("id", &id.to_string(), None).first() {
                Some(at) => {
                    self.people.delete(*at);
                    json!({ "id": id, "status": "deleted" })
                }
                None => json!({ "id": id, "status": "skipped",
                    "reasons": [{ "code": "1004", "message": "Lead not found" }] }),
            });
        }
        Ok(entries)
    }

    pub(super) fn get(&mut self, id: &str, call: &Call) -> Reply {
        let fields = call.parameter("fields").unwrap_or_else(|| FIELDS.to_owned());
        let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
        match self.people.find("id", id, None).first() {
            Some(at) => {
                let person = self.people.shape(*at, &fields);
                self.success(vec![person])
            }
            None => self.refuse(("1004", format!("Lead with id {id} not found"))),
        }
    }

    /// People by a filter, in pages.
    pub(super) fn find(&mut self, call: &Call) -> Reply {
        let form = call.form();
        let get = |name: &str| {
            call.parameter(name).or_else(|| form.iter().find(|it| it.0 == name).map(|it| it.1.clone()))
        };
        let filter = get("filterType").unwrap_or_default();
        let values = get("filterValues").unwrap_or_default();
        if filter.is_empty() || values.is_empty() {
            return self
                .refuse(("1003", "Invalid data: filterType and filterValues are required".to_owned()));
        }
        if !self.people.is_searchable(&filter) {
            return self.refuse(("1011", format!("Field '{filter}' not supported")));
        }
        let values: Vec<&str> = values.split(',').collect();
        if values.len() > RECORDS_MAX {
            return self.refuse(("1003", "Invalid data: more than 300 filter values".to_owned()));
        }
        let found: Vec<usize> =
            values.iter().flat_map(|it| self.people.find(&filter, it.trim(), None)).collect();
        if found.len() > FOUND_MAX {
            return self.refuse(("1003", "Too many results match the filter".to_owned()));
        }
        let fields = get("fields").unwrap_or_else(|| FIELDS.to_owned());
        let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
        if let Some(unknown) = fields.iter().find(|it| !self.people.has_field(it)) {
            return self.refuse(("1006", format!("Field '{unknown}' not found")));
        }
        let size =
            get("batchSize").and_then(|it| it.parse().ok()).unwrap_or(RECORDS_MAX).clamp(1, RECORDS_MAX);
        let from: usize = get("nextPageToken").and_then(|it| it.parse().ok()).unwrap_or(0);
        let page: Vec<Value> =
            found.iter().skip(from).take(size).map(|it| self.people.shape(*it, &fields)).collect();
        let mut body = json!({ "success": true, "result": page });
        if found.len() > from + size {
            body["nextPageToken"] = json!((from + size).to_string());
        }
        self.envelope(body)
    }
}

fn input(body: &Value) -> Result<&[Value], Refused> {
    match body.get("input").and_then(Value::as_array) {
        Some(records) if !records.is_empty() => Ok(records),
        Some(_) | None => Err(("701", "input cannot be blank".to_owned())),
    }
}
