//! Requests to tables and rows, one by one and within a transaction.

use super::auth::{Who, Wish};
use super::filter::Filter;
use super::rows::{Keys, Operation, Row, Table, Verb};
use super::transaction::Inner;
use super::wrong::{Wrong, invalid, wrong};
use super::{AzureTable, effective, head};
use crate::service::{Call, Reply};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Most operations of a transaction.
const OPERATIONS_MAX: usize = 100;
/// Rows on a page.
const PAGE_MAX: usize = 1000;

/// What a path names: a table, or a row of it.
pub(super) struct Target {
    table: String,
    keys: Option<Keys>,
}

impl Target {
    /// Reads `Leads`, `Leads()` or `Leads(PartitionKey='…',RowKey='…')`, still percent-encoded: it is decoded once.
    pub(super) fn read(path: &str) -> Result<Self, Wrong> {
        let bad =
            || wrong(400, "InvalidUri", "The requested URI does not represent any resource on the server.");
        if path.contains('/') {
            return Err(bad());
        }
        let Some((table, keys)) = path.split_once('(') else {
            return Ok(Self { table: path.to_owned(), keys: None });
        };
        let keys = keys.strip_suffix(')').ok_or_else(bad)?;
        if keys.is_empty() {
            return Ok(Self { table: table.to_owned(), keys: None });
        }
        let decoded = decoded(keys);
        let rest = decoded.strip_prefix("PartitionKey='").ok_or_else(bad)?;
        let (partition, rest) = literal(rest).ok_or_else(bad)?;
        let rest = rest.strip_prefix(",RowKey='").ok_or_else(bad)?;
        let (row, rest) = literal(rest).ok_or_else(bad)?;
        if !rest.is_empty() {
            return Err(bad());
        }
        Ok(Self { table: table.to_owned(), keys: Some((partition, row)) })
    }
}

/// Up to the closing quote, and what follows it; a quote within is written twice.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut read = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        read.push_str(before);
        let Some(more) = after.strip_prefix('\'') else { return Some((read, after)) };
        read.push('\'');
        rest = more;
    }
}

/// Percent-decoded. `+` stays: it means a space in forms only.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26");
    let pair =
        url::form_urlencoded::parse(text.as_bytes()).next().map(|it| (it.0.into_owned(), it.1.into_owned()));
    // A form splits at `=`, which stands in every path of a row.
    match pair {
        Some((name, value)) if text.contains('=') => format!("{name}={value}"),
        Some((name, _)) => name,
        None => String::new(),
    }
}

fn no_table() -> Wrong {
    wrong(404, "TableNotFound", "The table specified does not exist.")
}

fn not_there() -> Wrong {
    wrong(404, "ResourceNotFound", "The specified resource does not exist.")
}

impl AzureTable {
    fn table(&mut self, name: &str) -> Result<&mut Table, Wrong> {
        let name = self.folded(name);
        self.tables.get_mut(&name).ok_or_else(no_table)
    }

    pub(super) fn create_table(&mut self, call: &Call, who: &Who, now: i64) -> Result<Reply, Wrong> {
        who.may(Wish::CreateTable, true)?;
        let json = call.json().ok_or_else(|| invalid(""))?;
        let name = json.get("TableName").and_then(Value::as_str).ok_or_else(|| invalid(""))?.to_owned();
        let is_name = (3..=63).contains(&name.len())
            && name.bytes().all(|it| it.is_ascii_alphanumeric())
            && name.as_bytes()[0].is_ascii_alphabetic()
            && !name.eq_ignore_ascii_case("tables");
        if !is_name {
            let text = "The specifed resource name contains invalid characters.";
            return Err(wrong(400, "InvalidResourceName", text));
        }
        let folded = self.folded(&name);
        self.going.retain(|_, until| *until > now);
        if self.going.contains_key(&folded) {
            let text = "The specified table is being deleted. Try operation later.";
            return Err(wrong(409, "TableBeingDeleted", text));
        }
        if self.tables.contains_key(&folded) {
            return Err(wrong(409, "TableAlreadyExists", "The table specified already exists."));
        }
        self.tables.insert(folded, Table { name: name.clone(), ..Table::default() });
        if wants_nothing(call) {
            return Ok(Reply::empty(204).header("preference-applied", "return-no-content"));
        }
        Ok(json_reply(201, call, Map::from_iter([("TableName".to_owned(), json!(name))]), "Tables/@Element"))
    }

    pub(super) fn list_tables(&self, call: &Call, who: &Who) -> Result<Reply, Wrong> {
        who.may(Wish::ListTables, true)?;
        let tables: Vec<Value> = self.tables.values().map(|it| json!({ "TableName": it.name })).collect();
        Ok(json_reply(200, call, Map::from_iter([("value".to_owned(), Value::Array(tables))]), "Tables"))
    }

    pub(super) fn drop_table(&mut self, path: &str, who: &Who, now: i64) -> Result<Reply, Wrong> {
        who.may(Wish::DeleteTable, true)?;
        let path = decoded(path);
        let name =
            path.strip_prefix("Tables('").and_then(|it| it.strip_suffix("')")).ok_or_else(not_there)?;
        if !self.tables.contains_key(&self.folded(name)) {
            return Err(not_there());
        }
        self.delete_table(name, now);
        Ok(Reply::empty(204))
    }

    pub(super) fn on_table(
        &mut self,
        method: &str,
        target: &Target,
        call: &Call,
        who: &Who,
        now: i64,
    ) -> Result<Reply, Wrong> {
        let name = &target.table;
        match (method, &target.keys) {
            ("GET", None) => {
                who.may(Wish::Query(name), true)?;
                self.query(name, call)
            }
            ("GET", Some(keys)) => {
                who.may(Wish::Query(name), true)?;
                let row = self.table(name)?.rows.get(keys).ok_or_else(not_there)?;
                let (shape, etag) = (row.shape(keys), row.etag());
                Ok(json_reply(200, call, shape, &format!("{name}/@Element")).header("etag", &etag))
            }
            _ => {
                let if_match = call.header("if-match");
                let is_cosmos = self.options.is_cosmos;
                // The verb that was sent counts: Cosmos DB does not take PATCH.
                let operation =
                    Operation::read(method, target.keys.clone(), &call.body, if_match, is_cosmos)?;
                who.may(wish(&operation, name), true)?;
                let (status, row) = self.write(name, &operation, now)?;
                self.written(call, name, &operation, status, row)
            }
        }
    }

    fn write(&mut self, table: &str, operation: &Operation, now: i64) -> Result<(u16, Option<Row>), Wrong> {
        let (timestamp, number) = (self.tick(now), self.changes);
        let table = self.table(table)?;
        table.apply(operation, &timestamp, number)?;
        Ok((204, table.rows.get(&operation.keys).cloned()))
    }

    fn written(
        &self,
        call: &Call,
        table: &str,
        operation: &Operation,
        status: u16,
        row: Option<Row>,
    ) -> Result<Reply, Wrong> {
        let Some(row) = row else { return Ok(Reply::empty(status)) };
        let location = self.location(call, table, &operation.keys);
        if operation.verb == Verb::Insert && !wants_nothing(call) && operation.wants_content {
            let shape = row.shape(&operation.keys);
            let reply = json_reply(201, call, shape, &format!("{table}/@Element"));
            return Ok(reply.header("etag", &row.etag()).header("location", &location));
        }
        let reply = Reply::empty(status).header("etag", &row.etag()).header("cache-control", "no-cache");
        Ok(match operation.verb {
            Verb::Insert => reply
                .header("location", &location)
                .header("dataserviceid", &location)
                .header("preference-applied", "return-no-content"),
            Verb::Merge | Verb::Replace | Verb::Delete => reply,
        })
    }

    fn location(&self, call: &Call, table: &str, keys: &Keys) -> String {
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.replace('\'', "''").as_bytes()).collect()
        };
        let (partition, row) = (encoded(&keys.0), encoded(&keys.1));
        let (host, account) = (call.host(), &self.options.account);
        format!("http://{host}/{account}/{table}(PartitionKey='{partition}',RowKey='{row}')")
    }

    fn query(&mut self, name: &str, call: &Call) -> Result<Reply, Wrong> {
        let filter = Filter::parse(&call.parameter("$filter").unwrap_or_default())?;
        let top = match call.parameter("$top") {
            None => PAGE_MAX,
            Some(text) => {
                let count = text.parse().ok().filter(|it| (1..=PAGE_MAX).contains(it));
                count.ok_or_else(|| invalid("$top is out of range."))?
            }
        };
        let select = call.parameter("$select").filter(|it| !it.is_empty());
        let select: Option<Vec<&str>> = select.as_deref().map(|it| it.split(',').map(str::trim).collect());
        let from = call
            .parameter("NextPartitionKey")
            .map(|partition| (partition, call.parameter("NextRowKey").unwrap_or_default()));
        let table = self.table(name)?;
        let (mut found, mut next) = (Vec::new(), None);
        for (keys, row) in table.rows.iter().filter(|it| from.as_ref().is_none_or(|from| it.0 >= from)) {
            let shape = row.shape(keys);
            if !filter.fits(&shape) {
                continue;
            }
            if found.len() == top {
                next = Some(keys.clone());
                break;
            }
            found.push(Value::Object(match &select {
                Some(names) => shape.into_iter().filter(|it| names.contains(&it.0.as_str())).collect(),
                None => shape,
            }));
        }
        let reply = json_reply(200, call, Map::from_iter([("value".to_owned(), Value::Array(found))]), name);
        Ok(match next {
            Some((partition, row)) => reply
                .header("x-ms-continuation-nextpartitionkey", &partition)
                .header("x-ms-continuation-nextrowkey", &row),
            None => reply,
        })
    }

    /// Performs all operations, or takes back what was done and names the one that was refused.
    pub(super) fn perform(
        &mut self,
        inner: &[Inner],
        who: &Who,
        now: i64,
    ) -> Result<Vec<(String, String)>, (usize, Wrong)> {
        if inner.len() > OPERATIONS_MAX {
            let text = "The batch request operation exceeds the maximum 100 changes per change set.";
            return Err((OPERATIONS_MAX - 1, wrong(400, "InvalidInput", text)));
        }
        let mut operations = Vec::new();
        for (at, it) in inner.iter().enumerate() {
            operations.push(self.inner(it).map_err(|why| (at, why))?);
        }
        let mut seen = HashSet::new();
        for (at, (table, operation)) in operations.iter().enumerate() {
            let (first_table, first) = &operations[0];
            if operation.keys.0 != first.keys.0 || table != first_table {
                let text = "All commands in a batch must operate on same entity group.";
                return Err((at, wrong(400, "CommandsInBatchActOnDifferentPartitions", text)));
            }
            if !seen.insert(&operation.keys.1) {
                let text = "The batch request contains multiple changes with same row key. An entity can appear only once in a batch request.";
                return Err((at, wrong(400, "InvalidDuplicateRow", text)));
            }
        }
        let mut undo: Vec<(Keys, Option<Row>)> = Vec::new();
        let mut said = Vec::new();
        for (at, (table, operation)) in operations.iter().enumerate() {
            let permitted = who.may(wish(operation, table), true);
            let before = self.table(table).map(|it| it.rows.get(&operation.keys).cloned());
            let done = permitted.and(before).and_then(|before| {
                let done = self.write(table, operation, now)?;
                undo.push((operation.keys.clone(), before));
                Ok(done)
            });
            match done {
                Ok((status, row)) => {
                    let etag = row.map(|it| it.etag()).unwrap_or_default();
                    said.push((
                        head(status, &[("Preference-Applied", "return-no-content"), ("ETag", &etag)]),
                        String::new(),
                    ));
                }
                Err(why) => {
                    self.take_back(table, undo);
                    return Err((at, why));
                }
            }
        }
        Ok(said)
    }

    fn take_back(&mut self, table: &str, undo: Vec<(Keys, Option<Row>)>) {
        let Ok(table) = self.table(table) else { return };
        for (keys, before) in undo.into_iter().rev() {
            match before {
                Some(row) => drop(table.rows.insert(keys, row)),
                None => drop(table.rows.remove(&keys)),
            }
        }
    }

    /// An operation of a transaction: its address is absolute, and of this account.
    fn inner(&self, it: &Inner) -> Result<(String, Operation), Wrong> {
        let bad =
            || wrong(400, "InvalidUri", "The requested URI does not represent any resource on the server.");
        let url = url::Url::parse(&it.url).map_err(|_| bad())?;
        let account = format!("/{}/", self.options.account);
        let target = Target::read(url.path().strip_prefix(&account).ok_or_else(bad)?)?;
        let method = effective(&it.method, it.header("x-http-method"))?;
        let is_json = it.header("content-type").is_some_and(|it| it.starts_with("application/json"));
        if !it.body.is_empty() && !is_json {
            return Err(wrong(415, "MediaTypeNotSupported", "The specified media type is not supported."));
        }
        let if_match = it.header("if-match");
        let operation = Operation::read(&method, target.keys, &it.body, if_match, self.options.is_cosmos)?;
        Ok((target.table, operation))
    }
}

fn wish<'a>(operation: &Operation, table: &'a str) -> Wish<'a> {
    match operation.verb {
        Verb::Insert => Wish::Add(table),
        Verb::Delete => Wish::Delete(table),
        Verb::Merge | Verb::Replace if operation.if_match.is_some() => Wish::Update(table),
        Verb::Merge | Verb::Replace => Wish::Upsert(table),
    }
}

fn wants_nothing(call: &Call) -> bool {
    call.header("prefer").is_some_and(|it| it.contains("return-no-content"))
}

/// JSON with as much metadata as was asked for.
fn json_reply(status: u16, call: &Call, body: Map<String, Value>, what: &str) -> Reply {
    let is_plain = call.header("accept").is_some_and(|it| it.contains("nometadata"));
    let mut whole = Map::new();
    let kind = if is_plain {
        "application/json;odata=nometadata;streaming=true;charset=utf-8"
    } else {
        let host = call.host();
        whole.insert("odata.metadata".to_owned(), json!(format!("http://{host}/$metadata#{what}")));
        if let Some(timestamp) = body.get("Timestamp").and_then(Value::as_str) {
            let etag = format!("W/\"datetime'{}'\"", timestamp.replace(':', "%3A"));
            whole.insert("odata.etag".to_owned(), json!(etag));
        }
        "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
    };
    whole.extend(body.into_iter().filter(|it| !(is_plain && it.0.ends_with("@odata.type"))));
    Reply::text(status, kind, Value::Object(whole).to_string())
}
