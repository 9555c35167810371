//! The calls to the table service: from rows to the bytes of a request. Pure.

use super::account_key::{SharedKey, Signed};
use super::batch::{self, Operation};
use super::entity::{Entity, Keys};
use super::sas::Sas;
use crate::egress::Request;
use crate::preview::PreviewedRequest;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use http::{Method, header};
use leadwire_core::time::Timestamp;
use serde_json::json;
use std::time::{Duration, SystemTime};
use url::Url;

/// Most operations in a transaction (learn.microsoft.com, "Performing entity group transactions").
pub(super) const BATCH_MAX: usize = 100;
/// Rows on a page of a query, which is the most there may be.
const PAGE_ROWS: usize = 1000;
/// Bytes of a transaction besides its operations, and to spare.
const BATCH_FRAME: usize = 8 * 1024;
/// Bytes of an operation besides its row: headers, an address, and a signature in it.
const OPERATION_FRAME: usize = 2 * 1024;
/// Most bytes read of an answer: a hundred parts of about 600 bytes each, or a page of keys.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Which of the two services speaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    Storage,
    /// Differences: learn.microsoft.com, "Azure Cosmos DB for Table FAQ"; contract 2.12.
    Cosmos,
}

/// Where the table is and how it is spoken to.
pub(super) struct Place {
    /// Without a slash at the end of its path.
    pub(super) endpoint: Url,
    pub(super) table: String,
    pub(super) flavor: Flavor,
    pub(super) wait: Duration,
}

/// What signs a request in.
pub(super) enum Pass<'a> {
    Key(&'a SharedKey),
    Sas(&'a Sas),
    Bearer(HeaderValue),
}

/// A request that is not signed in yet.
pub(super) struct Draft {
    method: Method,
    /// Behind the endpoint, percent-encoded.
    path: String,
    /// Percent-encoded, without a question mark; may be empty.
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What is done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Makes it, and fails when it is there.
    Insert,
    /// Writes what is Leadwire's own to a row that is there.
    Merge,
}

const DATE: HeaderName = HeaderName::from_static("x-ms-date");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const DATA_VERSION: HeaderName = HeaderName::from_static("dataserviceversion");
const DATA_VERSION_MAX: HeaderName = HeaderName::from_static("maxdataserviceversion");
const X_METHOD: HeaderName = HeaderName::from_static("x-http-method");

impl Place {
    /// Most bytes of a transaction: 4 MiB; Cosmos DB takes 2 MB.
    pub(super) fn batch_bytes_max(&self) -> usize {
        match self.flavor {
            Flavor::Storage => 4 * 1024 * 1024 - BATCH_FRAME,
            Flavor::Cosmos => 2_000_000 - BATCH_FRAME,
        }
    }

    /// Bytes an operation adds to a transaction, or somewhat more.
    pub(super) fn operation_bytes(verb: Verb, entity: &Entity) -> usize {
        OPERATION_FRAME + body_of(verb, entity).len()
    }

    /// One operation as a request of its own.
    pub(super) fn single(&self, verb: Verb, entity: &Entity) -> Draft {
        let mut draft = match verb {
            Verb::Insert => draft(Method::POST, self.table_path()),
            Verb::Merge => self.merge(&entity.keys),
        };
        draft.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        draft.headers.insert(PREFER, HeaderValue::from_static("return-no-content"));
        draft.body = Bytes::from(body_of(verb, entity));
        draft
    }

    /// Merges into a row that is there. Cosmos DB does not take the verb PATCH.
    fn merge(&self, keys: &Keys) -> Draft {
        let (method, x_method) = match self.flavor {
            Flavor::Storage => (Method::PATCH, None),
            Flavor::Cosmos => (Method::POST, Some(HeaderValue::from_static("MERGE"))),
        };
        let mut draft = draft(method, self.entity_path(keys));
        draft.headers.insert(IF_MATCH, HeaderValue::from_static("*"));
        if let Some(x_method) = x_method {
            draft.headers.insert(X_METHOD, x_method);
        }
        draft
    }

    /// Several operations of one partition, all or none.
    pub(super) fn batch(&self, operations: &[(Verb, &Entity)]) -> Draft {
        let operations: Vec<Operation> =
            operations.iter().map(|(verb, entity)| self.operation(*verb, entity)).collect();
        let (batch, changeset) = boundaries(&operations);
        let mut draft = draft(Method::POST, "/$batch".to_owned());
        let content_type = format!("multipart/mixed; boundary={batch}");
        let content_type = HeaderValue::try_from(content_type).expect("a boundary of digits and letters");
        draft.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        draft.headers.insert(CONTENT_TYPE, content_type);
        draft.headers.insert(DATA_VERSION_MAX, HeaderValue::from_static("3.0;NetFx"));
        draft.body = Bytes::from(batch::write(&batch, &changeset, &operations));
        draft
    }

    fn operation(&self, verb: Verb, entity: &Entity) -> Operation {
        let (method, path, more) = match (verb, self.flavor) {
            (Verb::Insert, _) => ("POST", self.table_path(), ""),
            (Verb::Merge, Flavor::Storage) => ("PATCH", self.entity_path(&entity.keys), "If-Match: *\r\n"),
            (Verb::Merge, Flavor::Cosmos) => {
                ("POST", self.entity_path(&entity.keys), "If-Match: *\r\nX-HTTP-Method: MERGE\r\n")
            }
        };
        // Only the outer request is signed in, by a SAS too: so does Microsoft's SDK.
        Operation { method, url: self.url(&path, "").to_string(), more, body: body_of(verb, entity) }
    }

    /// Asks for the keys of a partition's rows between two, both included. `next`: the keys at which the page before said
    /// that more follow.
    pub(super) fn look(&self, first: &Keys, last: &Keys, next: Option<&Keys>) -> Draft {
        let filter = format!(
            "PartitionKey eq '{}' and RowKey ge '{}' and RowKey le '{}'",
            doubled(&first.partition),
            doubled(&first.row),
            doubled(&last.row)
        );
        let mut draft = draft(Method::GET, format!("{}()", self.table_path()));
        draft.query = format!("$select=PartitionKey%2CRowKey&$top={PAGE_ROWS}&$filter={}", encoded(&filter));
        if let Some(Keys { partition, row }) = next {
            let next = format!("&NextPartitionKey={}&NextRowKey={}", encoded(partition), encoded(row));
            draft.query.push_str(&next);
        }
        draft
    }

    /// Asks for one row of the table, whichever.
    pub(super) fn first_row(&self) -> Draft {
        let mut draft = draft(Method::GET, format!("{}()", self.table_path()));
        draft.query = "$select=PartitionKey&$top=1".to_owned();
        draft
    }

    /// Merges nothing into a row that cannot be there: refused for the missing row, or for a missing permission.
    pub(super) fn probe(&self) -> Draft {
        let keys = Keys { partition: "leadwire-check".to_owned(), row: "none".to_owned() };
        let mut draft = self.merge(&keys);
        draft.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        draft.body = Bytes::from(json!({ "PartitionKey": keys.partition, "RowKey": keys.row }).to_string());
        draft
    }

    pub(super) fn read(&self, keys: &Keys) -> Draft {
        draft(Method::GET, self.entity_path(keys))
    }

    pub(super) fn delete(&self, keys: &Keys) -> Draft {
        let mut draft = draft(Method::DELETE, self.entity_path(keys));
        draft.headers.insert(IF_MATCH, HeaderValue::from_static("*"));
        draft
    }

    pub(super) fn create_table(&self) -> Draft {
        let mut draft = draft(Method::POST, "/Tables".to_owned());
        draft.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        draft.headers.insert(PREFER, HeaderValue::from_static("return-no-content"));
        draft.body = Bytes::from(json!({ "TableName": self.table }).to_string());
        draft
    }

    /// The request, signed in at this moment.
    pub(super) fn signed(&self, draft: Draft, pass: &Pass<'_>, now: Timestamp) -> Request {
        let Draft { method, path, query, mut headers, body } = draft;
        let sas = match pass {
            Pass::Sas(sas) => sas.query(),
            Pass::Key(_) | Pass::Bearer(_) => "",
        };
        let separator = if query.is_empty() || sas.is_empty() { "" } else { "&" };
        let url = self.url(&path, &format!("{query}{separator}{sas}"));
        let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + now.since(Timestamp::from_millis(0)));
        let version = match pass {
            // Entra ID needs a newer one than the SDK sends with keys.
            Pass::Bearer(_) => "2020-12-06",
            Pass::Key(_) | Pass::Sas(_) => "2019-02-02",
        };
        headers.insert(DATA_VERSION, HeaderValue::from_static("3.0"));
        headers.insert(VERSION, HeaderValue::from_static(version));
        headers.insert(DATE, HeaderValue::try_from(&date).expect("a date is ASCII"));
        match pass {
            Pass::Key(key) => {
                let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
                let content_type = content_type.unwrap_or_default();
                let signed = Signed { method: &method, content_type, date: &date, path: url.path() };
                let authorization = key.authorization(&signed);
                headers.insert(AUTHORIZATION, authorization);
            }
            Pass::Bearer(header) => drop(headers.insert(AUTHORIZATION, header.clone())),
            Pass::Sas(_) => {}
        }
        let mut request = Request::new(method, url, headers, body);
        request.wait = self.wait;
        request.answer_bytes_max = ANSWER_BYTES_MAX;
        request
    }

    /// The request for people, without a credential in it.
    pub(super) fn previewed(request: &Request, pass: &Pass<'_>) -> PreviewedRequest {
        let mut shown = PreviewedRequest::of(request, false);
        if let Pass::Sas(sas) = pass {
            shown.url = shown.url.replace(sas.query(), &sas.masked());
        }
        shown
    }

    fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", self.endpoint.path().trim_end_matches('/')));
        url.set_query(Some(query).filter(|it| !it.is_empty()));
        url
    }

    fn table_path(&self) -> String {
        format!("/{}", self.table)
    }

    fn entity_path(&self, keys: &Keys) -> String {
        let literal = |key: &str| encoded(&doubled(key));
        let (partition, row) = (literal(&keys.partition), literal(&keys.row));
        format!("/{}(PartitionKey='{partition}',RowKey='{row}')", self.table)
    }
}

fn draft(method: Method, path: String) -> Draft {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json;odata=nometadata"));
    Draft { method, path, query: String::new(), headers, body: Bytes::new() }
}

fn body_of(verb: Verb, entity: &Entity) -> String {
    match verb {
        Verb::Insert => entity.whole(),
        Verb::Merge => entity.own(),
    }
}

/// Names made of what is sent, so that they differ whenever it does.
fn boundaries(operations: &[Operation]) -> (String, String) {
    let whole: String = operations.iter().flat_map(|it| [it.url.as_str(), it.body.as_str()]).collect();
    let hex = leadwire_core::hex::encode(digest(&SHA256, whole.as_bytes()).as_ref());
    (format!("batch_{}", &hex[..32]), format!("changeset_{}", &hex[32..]))
}

/// A text within quotes of OData, where a quote is written twice.
fn doubled(text: &str) -> String {
    text.replace('\'', "''")
}

/// Percent-encoded but for letters, digits and `-._~`, as the SDK does.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
