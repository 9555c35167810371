//! A simulated account of Azure Table storage: signatures, the data model's limits, and transactions of all or nothing.
//!
//! Follows the Table service's REST reference. Stricter where the emulator of Microsoft is lenient: dates may be 15 minutes
//! off, rows and properties are held to their limits, a transaction to one partition and to its line ends.

mod auth;
mod entity;
mod filter;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;
mod wrong;

use crate::entra::{self, Entra};
use crate::moment;
use crate::service::{Call, Fault, Reply, Service};
use auth::{Signer, Who, Wish};
use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use rows::Table;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wrong::{Wrong, invalid, not_permitted, wrong};

/// How long a deleted table keeps its name, in milliseconds.
const DELETING: i64 = 40_000;

/// How the account is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name, which is the first part of every path.
    pub account: String,
    /// Its key, in base64.
    pub key: String,
    /// It is Cosmos DB with the Table API.
    pub is_cosmos: bool,
    /// A signature for one table may send transactions; whether the real service permits it is not documented.
    pub is_batch_open: bool,
    /// Its networking lets nobody in.
    pub is_closed: bool,
    /// Apps that sign in have the role to write.
    pub has_role: bool,
    /// The directory apps sign in at, served at the same address.
    pub directory: entra::Options,
}

impl Options {
    /// An account whose key and whose app's secret are made of a secret of the caller's.
    pub fn new(secret: &str) -> Self {
        Self {
            account: "leadwiresandbox".to_owned(),
            key: STANDARD.encode(digest(&SHA512, secret.as_bytes())),
            is_cosmos: false,
            is_batch_open: false,
            is_closed: false,
            has_role: true,
            directory: entra::Options::new(secret),
        }
    }
}

/// The account.
pub struct AzureTable {
    options: Options,
    signer: Signer,
    entra: Entra,
    /// By name, in lower case; at Cosmos DB as it is.
    tables: BTreeMap<String, Table>,
    /// Tables that are being deleted, and until when.
    going: BTreeMap<String, i64>,
    /// Changes so far: they tell marks of the same moment apart.
    changes: u64,
    answers: u64,
}

impl AzureTable {
    /// An account without tables.
    pub fn new(options: Options) -> Self {
        Self {
            signer: Signer::new(&options.account, &options.key),
            entra: Entra::new(options.directory.clone()),
            options,
            tables: BTreeMap::new(),
            going: BTreeMap::new(),
            changes: 0,
            answers: 0,
        }
    }

    /// Changes how it is set up, as an administrator does.
    pub fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
        self.signer = Signer::new(&self.options.account, &self.options.key);
    }

    /// The directory, to change what apps may.
    pub fn directory(&mut self) -> &mut Entra {
        &mut self.entra
    }

    /// The query of a SAS for one table, good until a moment such as `2027-01-01T00:00:00Z`.
    pub fn table_sas(&self, table: &str, permissions: &str, until: &str) -> String {
        self.signer.table_sas(table, permissions, until)
    }

    /// The query of a SAS for all tables of the account.
    pub fn account_sas(&self, permissions: &str, until: &str) -> String {
        self.signer.account_sas(permissions, until)
    }

    /// Deletes a table, as an administrator does; its name is free after a while.
    pub fn delete_table(&mut self, name: &str, now: i64) {
        let name = self.folded(name);
        if self.tables.remove(&name).is_some() {
            self.going.insert(name, now + DELETING);
        }
    }

    /// Deletes a row, as a person does.
    pub fn delete_row(&mut self, table: &str, partition: &str, row: &str) {
        let name = self.folded(table);
        if let Some(table) = self.tables.get_mut(&name) {
            table.rows.remove(&(partition.to_owned(), row.to_owned()));
        }
    }

    /// Writes a property of a row, as a person does.
    pub fn edit(&mut self, table: &str, row: &str, property: &str, value: Value) {
        let name = self.folded(table);
        let rows = self.tables.get_mut(&name).into_iter().flat_map(|it| it.rows.iter_mut());
        for (_, found) in rows.filter(|it| it.0.1 == row) {
            found.properties.insert(property.to_owned(), value.clone());
        }
    }

    /// Table names are the same in either case, but at Cosmos DB.
    fn folded(&self, name: &str) -> String {
        if self.options.is_cosmos { name.to_owned() } else { name.to_lowercase() }
    }

    /// Id of an answer and the moment of it.
    fn stamp(&mut self, now: i64) -> (String, String) {
        self.answers += 1;
        (format!("00000000-0002-0000-0000-{:012x}", self.answers), moment::rfc3339(now))
    }

    /// A moment to seven digits, never the same twice.
    fn tick(&mut self, now: i64) -> String {
        self.changes += 1;
        let text = moment::rfc3339(now);
        format!("{}{:04}Z", text.trim_end_matches('Z'), self.changes % 10_000)
    }

    fn route(&mut self, call: &Call, now: i64) -> Result<Reply, Wrong> {
        let who = self.signer.who(call, &self.entra, now)?;
        let is_token = call.bearer().is_some();
        if self.options.is_closed {
            return Err(not_permitted("AuthorizationFailure", ""));
        }
        if is_token && !self.options.has_role {
            return Err(not_permitted("AuthorizationPermissionMismatch", " using this permission"));
        }
        self.check_headers(call)?;
        let account = format!("/{}/", self.options.account);
        let Some(rest) = call.path.strip_prefix(&account).map(str::to_owned) else {
            return Err(wrong(
                400,
                "InvalidUri",
                "The requested URI does not represent any resource on the server.",
            ));
        };
        let method = effective(call.method.as_str(), call.header("x-http-method"))?;
        match (method.as_str(), rest.as_str()) {
            ("POST", "$batch") => self.transaction(call, &who, now),
            ("POST", "Tables") => self.create_table(call, &who, now),
            ("GET", "Tables" | "Tables()") => self.list_tables(call, &who),
            ("DELETE", rest) if rest.starts_with("Tables(") => self.drop_table(rest, &who, now),
            (_, rest) => {
                let target = tables::Target::read(rest)?;
                self.on_table(&method, &target, call, &who, now)
            }
        }
    }

    fn check_headers(&self, call: &Call) -> Result<(), Wrong> {
        let version = call.header("x-ms-version").unwrap_or_default();
        let is_version = version.len() == 10
            && version
                .bytes()
                .enumerate()
                .all(|(at, it)| if at == 4 || at == 7 { it == b'-' } else { it.is_ascii_digit() });
        if !is_version || version < "2015-12-11" {
            let text = "The value for one of the HTTP headers is not in the correct format.";
            return Err(wrong(400, "InvalidHeaderValue", text));
        }
        if call.header("accept").is_some_and(|it| !it.contains("json") && !it.contains("*/*")) {
            return Err(wrong(415, "AtomFormatNotSupported", "Atom format is not supported."));
        }
        let is_json = ["application/json", "multipart/mixed"].contains(&call.media_type().as_str());
        if !call.body.is_empty() && !is_json {
            return Err(wrong(415, "MediaTypeNotSupported", "The specified media type is not supported."));
        }
        Ok(())
    }

    /// Performs all operations of a transaction, or none.
    fn transaction(&mut self, call: &Call, who: &Who, now: i64) -> Result<Reply, Wrong> {
        who.may(Wish::Transaction, self.options.is_batch_open)?;
        let most = if self.options.is_cosmos { 2_000_000 } else { 4 * 1024 * 1024 };
        if call.body.len() > most {
            let text = "The request body is too large and exceeds the maximum permissible limit.";
            return Err(wrong(413, "RequestBodyTooLarge", text));
        }
        let inner = transaction::read(call.header("content-type").unwrap_or_default(), &call.body)?;
        let number = self.answers;
        let said = match self.perform(&inner, who, now) {
            Ok(said) => said,
            Err((at, why)) => {
                let (request, time) = self.stamp(now);
                let body = why.json(Some(at), (&request, &time)).to_string();
                vec![(
                    head(
                        why.status,
                        &[("Content-Type", "application/json;odata=minimalmetadata;charset=utf-8")],
                    ),
                    body,
                )]
            }
        };
        Ok(transaction::reply(&said, number))
    }
}

/// The method a request means; `X-HTTP-Method` needs a POST.
fn effective(method: &str, other: Option<&str>) -> Result<String, Wrong> {
    match other {
        None => Ok(method.to_owned()),
        Some(other) if method == "POST" => Ok(other.to_uppercase()),
        Some(_) => {
            let text = "The request uses X-HTTP-Method with an HTTP verb other than POST.";
            Err(wrong(400, "XMethodNotUsingPost", text))
        }
    }
}

/// A status line and headers of one part.
fn head(status: u16, headers: &[(&str, &str)]) -> String {
    let reason =
        http::StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason()).unwrap_or_default();
    let mut head = format!(
        "HTTP/1.1 {status} {reason}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nDataServiceVersion: 3.0;"
    );
    for (name, value) in headers {
        head.push_str(&format!("\r\n{name}: {value}"));
    }
    head
}

impl Service for AzureTable {
    fn kind(&self) -> &'static str {
        "azure_table"
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        if Entra::is_token_call(call) {
            return self.entra.answer(call, |it| it == auth::RESOURCE, now);
        }
        let reply = match self.route(call, now) {
            Ok(reply) => reply,
            Err(why) => {
                let (request, time) = self.stamp(now);
                why.reply((&request, &time))
            }
        };
        let (request, _) = self.stamp(now);
        let version = call.header("x-ms-version").unwrap_or("2019-02-02").to_owned();
        let reply = reply.header("server", "Windows-Azure-Table/1.0 Microsoft-HTTPAPI/2.0");
        let reply = reply.header("x-ms-request-id", &request).header("x-content-type-options", "nosniff");
        match call.header("x-ms-client-request-id") {
            Some(id) => reply.header("x-ms-version", &version).header("x-ms-client-request-id", id),
            None => reply.header("x-ms-version", &version),
        }
    }

    fn is_write(&self, call: &Call) -> bool {
        call.method != Method::GET && !Entra::is_token_call(call) && !call.path.ends_with("/Tables")
    }

    fn records(&self) -> Vec<Value> {
        let mut rows: Vec<(u64, Value)> = Vec::new();
        for table in self.tables.values() {
            rows.extend(table.rows.iter().map(|(keys, row)| {
                let shown = json!({
                    "table": table.name,
                    "partition": keys.0,
                    "row": keys.1,
                    "fields": row.properties,
                });
                (row.number, shown)
            }));
        }
        rows.sort_by_key(|it| it.0);
        rows.into_iter().map(|it| it.1).collect()
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        let (request, time) = self.stamp(now);
        let stamp = (request.as_str(), time.as_str());
        let is_transaction = call.path.ends_with("/$batch");
        let part = |at: usize, why: &Wrong| {
            let body = why.json(Some(at), stamp).to_string();
            transaction::reply(&[(head(why.status, &[("Content-Type", "application/json")]), body)], 1)
        };
        match fault {
            Fault::Busy if self.options.is_cosmos => {
                let text = "Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later.";
                let busy = wrong(429, "TooManyRequests", text);
                Some(busy.reply(stamp).header("x-ms-retry-after-ms", "3000"))
            }
            Fault::Busy => {
                let text = "The server is currently unable to receive requests. Please retry your request.";
                Some(wrong(503, "ServerBusy", text).reply(stamp))
            }
            Fault::Failing => {
                let text = "The server encountered an internal error. Please retry the request.";
                Some(wrong(500, "InternalError", text).reply(stamp))
            }
            Fault::OkWithError => {
                let text = "Operation could not be completed within the specified time.";
                let why = wrong(500, "OperationTimedOut", text);
                Some(if is_transaction { part(0, &why) } else { Reply::json(200, &why.json(None, stamp)) })
            }
            // A transaction knows no halves: the second operation is refused, and with it all of them.
            Fault::Partial if is_transaction => Some(part(1, &invalid(""))),
            Fault::TokenExpired => {
                self.entra.forget();
                None
            }
            // A table has no columns of its own, so none can be removed.
            Fault::Partial
            | Fault::FieldRemoved(_)
            | Fault::Latency(_)
            | Fault::CutBefore
            | Fault::CutAfter
            | Fault::CutMidAnswer
            | Fault::Stall
            | Fault::Html
            | Fault::EmptyAnswer
            | Fault::HugeAnswer => None,
        }
    }

    fn destination_settings(&self, base: &str) -> Value {
        let Options { account, key, .. } = &self.options;
        let connection = format!("AccountName={account};AccountKey={key};TableEndpoint={base}/{account}");
        json!({ "connection_string": connection })
    }
}
