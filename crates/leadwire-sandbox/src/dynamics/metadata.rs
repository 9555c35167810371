//! Metadata of leads in the simulated environment: columns, and alternate keys whose index takes a while.

use super::rows::body;
use super::{Dynamics, Problem, json_reply};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Value, json};

/// The definition of the table.
pub(super) const LEAD: &str = "EntityDefinitions(LogicalName='lead')";
/// Keys of one table (define-alternate-keys-entity).
const KEYS_MAX: usize = 10;

/// An alternate key of one column.
pub(super) struct AlternateKey {
    pub(super) name: String,
    pub(super) column: String,
    /// When its index is ready, in milliseconds since 1970; none: it could not be built.
    ready_at: Option<i64>,
    /// The moment of the last call, which is when it was looked at.
    seen_at: i64,
}

impl AlternateKey {
    /// One that is there already.
    pub(super) fn active(column: &str) -> Self {
        Self { name: format!("{column}key"), column: column.to_owned(), ready_at: Some(0), seen_at: 0 }
    }

    pub(super) fn is_active(&self) -> bool {
        self.ready_at.is_some_and(|it| it <= self.seen_at)
    }

    fn status(&self) -> &'static str {
        match self.ready_at {
            None => "Failed",
            Some(_) if self.is_active() => "Active",
            Some(_) => "Pending",
        }
    }

    fn shown(&self) -> Value {
        json!({
            "SchemaName": self.name,
            "LogicalName": self.name,
            "KeyAttributes": [self.column],
            "EntityKeyIndexStatus": self.status(),
        })
    }
}

impl Dynamics {
    pub(super) fn definition(&mut self, call: &Call, rest: &[&str], now: i64) -> Result<Reply, Problem> {
        match (&call.method, rest) {
            (&Method::GET, []) => Ok(json_reply(
                200,
                &json!({ "LogicalName": "lead", "EntitySetName": "leads", "ChangeTrackingEnabled": true }),
            )),
            (&Method::GET, ["Attributes"]) => self.columns(""),
            (&Method::GET, ["Attributes", cast]) => {
                let cast = cast
                    .strip_prefix("Microsoft.Dynamics.CRM.")
                    .and_then(|it| it.strip_suffix("AttributeMetadata"));
                self.columns(cast.filter(|it| !it.is_empty()).unwrap_or("none"))
            }
            (&Method::GET, ["Keys"]) => {
                let keys: Vec<Value> = self.keys.iter().map(AlternateKey::shown).collect();
                Ok(json_reply(200, &json!({ "value": keys })))
            }
            (&Method::GET, [key]) if key.starts_with("Keys(LogicalName='") => {
                let name = key.trim_start_matches("Keys(LogicalName='").trim_end_matches("')");
                let key = self.keys.iter().find(|it| it.name == name);
                key.map(|it| json_reply(200, &it.shown())).ok_or_else(|| unknown(name))
            }
            (&Method::POST, ["Attributes"]) => self.make_column(call),
            (&Method::POST, ["Keys"]) => self.make_key(call, now),
            _ => Err(unknown(rest.last().unwrap_or(&""))),
        }
    }

    /// Alternate keys grow ready with time.
    pub(super) fn pass_time(&mut self, now: i64) {
        for key in &mut self.keys {
            key.seen_at = key.seen_at.max(now);
        }
    }

    fn columns(&self, cast: &str) -> Result<Reply, Problem> {
        let columns = self.schema.metadata(cast).ok_or_else(|| unknown(cast))?;
        Ok(json_reply(200, &json!({ "value": columns })))
    }

    fn make_column(&mut self, call: &Call) -> Result<Reply, Problem> {
        self.may("prvCustomize")?;
        let body = body(call)?;
        let name = body.get("SchemaName").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let is_text =
            body.get("@odata.type") == Some(&json!("Microsoft.Dynamics.CRM.StringAttributeMetadata"));
        let longest = body.get("MaxLength").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        let (true, Some(longest @ 1..=4000), true) = (is_text, longest, body.contains_key("DisplayName"))
        else {
            return Err(Problem::new(400, "0x80048403", "The attribute metadata is not valid."));
        };
        if !name.contains('_') {
            let message = "The name of a custom attribute has to start with a prefix.";
            return Err(Problem::new(400, "0x80048403", message));
        }
        if self.schema.get(&name).is_some() {
            let message = format!("An attribute with the specified name {name} already exists");
            return Err(Problem::new(400, "0x80044363", message));
        }
        self.schema.add_text(&name, longest);
        Ok(made(call, "Attributes"))
    }

    fn make_key(&mut self, call: &Call, now: i64) -> Result<Reply, Problem> {
        self.may("prvCustomize")?;
        let body = body(call)?;
        let columns = body.get("KeyAttributes").and_then(Value::as_array).cloned().unwrap_or_default();
        let column = match &columns[..] {
            [one] => one.as_str().unwrap_or_default().to_owned(),
            _ => return Err(Problem::new(400, "0x80048403", "The sandbox has keys of one column.")),
        };
        if self.schema.get(&column).is_none() {
            return Err(unknown(&column));
        }
        if self.keys.len() >= KEYS_MAX || self.keys.iter().any(|it| it.column == column) {
            return Err(Problem::new(400, "0x80060890", "The key is there already, or there are too many."));
        }
        let name = body.get("SchemaName").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let ready_at = self.leads.add_key(&column).then_some(now + self.options.key_building);
        self.keys.push(AlternateKey { name, column, ready_at, seen_at: now });
        Ok(made(call, "Keys"))
    }
}

fn made(call: &Call, what: &str) -> Reply {
    let address =
        format!("http://{}/api/data/v9.2/{LEAD}/{what}(d96e9f55-0000-4000-8000-0000000000ff)", call.host());
    Reply::empty(204).header("odata-version", "4.0").header("odata-entityid", &address)
}

fn unknown(name: &str) -> Problem {
    Problem::new(404, "0x80060888", format!("Could not find '{name}' in the metadata of lead."))
}
