//! The form of the simulated instance: submissions through the REST API, and the classic post of browsers.

use super::{Marketo, Refused};
use crate::service::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};

impl Marketo {
    /// `submitForm.json`: one submission, every field on the form, none of them null.
    pub(super) fn submit(&mut self, body: &Value, now: i64) -> Result<Vec<Value>, Refused> {
        if body.get("formId").and_then(Value::as_u64) != Some(self.options.form_id) {
            return Err(("1013", "Object not found".to_owned()));
        }
        let input = body.get("input").and_then(Value::as_array);
        let Some([one]) = input.map(Vec::as_slice) else {
            return Err(("1003", "Invalid data: input must hold exactly one submission".to_owned()));
        };
        let fields = one.get("leadFormFields").and_then(Value::as_object);
        let fields = fields.ok_or_else(|| ("701", "leadFormFields cannot be blank".to_owned()))?;
        let ip = one.pointer("/visitorData/leadClientIpAddress").and_then(Value::as_str);
        if ip.is_some_and(|it| it.parse::<std::net::Ipv4Addr>().is_err()) {
            return Err(("1003", "Invalid data: leadClientIpAddress".to_owned()));
        }
        let said = if self.is_partial {
            Err(("1003", "Form validation failed".to_owned()))
        } else {
            self.submitted(fields, now)
        };
        Ok(vec![match said {
            Ok((at, status)) => json!({ "id": self.people.id(at), "status": status }),
            Err(refused) => skipped(refused),
        }])
    }

    /// Makes or changes the person of a submission, with the activity that campaigns listen for.
    fn submitted(&mut self, fields: &Map<String, Value>, now: i64) -> Result<(usize, &'static str), Refused> {
        if fields.values().any(Value::is_null) {
            return Err(("1003", "Form validation failed".to_owned()));
        }
        let on_form = |it: &&String| self.options.form_fields.iter().any(|field| field == *it);
        if let Some(stranger) = fields.keys().find(|it| !on_form(it)) {
            return Err(("1006", format!("Field '{stranger}' not found")));
        }
        let email = fields.get("email").and_then(Value::as_str).filter(|it| !it.is_empty());
        let email =
            email.ok_or_else(|| ("1002", "Missing value for the required parameter 'email'".to_owned()))?;
        let checked = self.people.checked(fields, "email")?;
        let found = self.people.find("email", email, Some(now));
        // Of several, the one that was changed last.
        let latest = found.into_iter().max_by_key(|it| self.people.updated_at(*it));
        let (at, status) = match latest {
            Some(at) => {
                self.people.update(at, checked, now);
                (at, "updated")
            }
            None => {
                let partition = self.options.partitions.first().cloned().unwrap_or_default();
                let id = self.people.create(checked, &partition, now);
                (self.people.find("id", &id.to_string(), None)[0], "created")
            }
        };
        let form = self.options.form_id;
        self.people.act(at, json!({ "type": "Fill Out Form", "form": form }));
        Ok((at, status))
    }

    /// `/rest/asset/v1/…`: the form and its fields.
    pub(super) fn asset(&mut self, call: &Call, rest: &[&str]) -> Reply {
        if !self.options.may_read_assets {
            return self.refuse(("603", "Access denied".to_owned()));
        }
        let id = self.options.form_id.to_string();
        let form = format!("{id}.json");
        match (&call.method, rest) {
            (&Method::GET, ["form", name]) if *name == form => {
                let form = json!({ "id": self.options.form_id, "name": "Marketplace", "status": "approved" });
                self.success(vec![form])
            }
            (&Method::GET, ["form", name, "fields.json"]) if *name == id => {
                let fields = self.options.form_fields.clone();
                let entry = |it: &String| json!({ "id": soap_name(it), "label": it, "dataType": "text", "required": it == "email" });
                self.success(fields.iter().map(entry).collect())
            }
            (&Method::GET, ["form", ..]) => self.envelope(json!({
                "success": true, "errors": [],
                "warnings": ["No assets found for the given search criteria."],
            })),
            _ => self.refuse(("610", "Requested resource not found".to_owned())),
        }
    }

    /// What a browser calls: the post of the form, and its description.
    pub(super) fn classic(&mut self, call: &Call, now: i64) -> Reply {
        match (&call.method, &*call.path) {
            (&Method::GET, "/index.php/form/getForm") => self.describe_form(call),
            (&Method::POST, "/index.php/leadCapture/save2") => match self.posted(call, now) {
                Ok(at) => Reply::json(
                    200,
                    &json!({
                        "formId": self.options.form_id.to_string(), "followUpUrl": "", "deliveryType": "",
                        "followUpStreamValue": null, "aliId": (7000 + at).to_string(),
                    }),
                ),
                Err(status) => rejected(status),
            },
            (&Method::POST, "/index.php/leadCapture/save") => match self.posted(call, now) {
                Ok(_) => Reply::empty(302).header("location", "https://example.com/thanks"),
                Err(status) => rejected(status),
            },
            _ => Reply::empty(404),
        }
    }

    fn posted(&mut self, call: &Call, now: i64) -> Result<usize, u16> {
        if call.media_type() != "application/x-www-form-urlencoded" {
            return Err(415);
        }
        if !self.limits.take_post(&self.options, now) {
            return Err(429);
        }
        let form = call.form();
        let get = |name: &str| form.iter().find(|it| it.0 == name).map_or("", |it| it.1.as_str());
        if !get("munchkinId").eq_ignore_ascii_case(&self.options.munchkin_id)
            || get("formid") != self.options.form_id.to_string()
        {
            return Err(400);
        }
        let mut fields = Map::new();
        let own = ["munchkinId", "formid", "formVid", "_mkt_trk", "lpId", "subId", "lpurl"];
        for (name, value) in form.iter().filter(|it| !own.contains(&it.0.as_str())) {
            // Names are those of the rendered form, and case counts.
            let field = self.options.form_fields.iter().find(|it| soap_name(it) == *name).ok_or(400u16)?;
            let is_flag = matches!(field.as_str(), "unsubscribed" | "doNotCall");
            let value =
                if is_flag { json!(matches!(value.as_str(), "yes" | "true" | "1")) } else { json!(value) };
            fields.insert(field.clone(), value);
        }
        self.submitted(&fields, now).map(|it| it.0).map_err(|_| 400)
    }

    fn describe_form(&self, call: &Call) -> Reply {
        let get = |name: &str| call.parameter(name).unwrap_or_default();
        let is_known = get("munchkinId").eq_ignore_ascii_case(&self.options.munchkin_id)
            && get("form") == self.options.form_id.to_string();
        let body = if is_known {
            let row = |it: &String| json!([{ "Name": soap_name(it), "IsRequired": it == "email", "Datatype": "string" }]);
            let rows: Vec<Value> = self.options.form_fields.iter().map(row).collect();
            json!({ "Id": self.options.form_id, "Vid": self.options.form_id, "Status": "approved", "rows": rows })
        } else {
            json!({ "error": true, "message": "Form not found" })
        };
        let callback: String = get("callback").chars().filter(char::is_ascii_alphanumeric).collect();
        Reply::text(200, "application/javascript", format!("{callback}({body})"))
    }
}

fn skipped((code, message): Refused) -> Value {
    json!({ "status": "skipped", "reasons": [{ "code": code, "message": message }] })
}

/// A refused post; the exact bodies are not documented.
pub(super) fn rejected(status: u16) -> Reply {
    Reply::json(status, &json!({ "message": "Rejected", "code": status }))
}

/// The name a form shows for a REST API name: `Email` for `email`.
fn soap_name(rest_name: &str) -> String {
    let mut letters = rest_name.chars();
    letters.next().map_or_else(String::new, |it| it.to_ascii_uppercase().to_string() + letters.as_str())
}
