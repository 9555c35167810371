//! Makes the external id field and lets the integration user write it, where that user may; else says what to do.
//!
//! Field: Tooling API, `CustomField` (developer.salesforce.com, `tooling_api_objects_customfield`: POST with `FullName`
//! and `Metadata`). Access: `PermissionSet`, `FieldPermissions` and `PermissionSetAssignment` of the Object Reference.

use super::Salesforce;
use super::check::took;
use super::deliver::Way;
use super::reply;
use super::request::{Call, quoted};
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::validation::{Step, Verdict};
use http::Method;
use leadwire_core::outcome::{Outcome, Tried};
use serde_json::{Value, json};

/// Name of the permission set that lets users write the field.
const PERMISSION_SET: &str = "Leadwire";

impl Salesforce {
    pub(super) async fn make_ready(&self, moment: Moment, egress: &Egress) -> Vec<Step> {
        let mut calls = 0;
        let held = match self.session.get(moment.now, egress, &mut calls).await {
            Ok(held) => held,
            Err(tried) => return vec![Step::of_attempt("token", "Sign in", &tried)],
        };
        let way = Way { held: &held, moment, egress };
        let found = match self.describe(&way).await {
            Ok((_, describe)) => self.key_field(&describe),
            Err(tried) => return vec![Step::of_attempt("permission", "Look at Lead", &tried)],
        };
        if found.cause != "external_id_missing" {
            return vec![found];
        }
        let mut steps = vec![self.make_field(&way).await];
        if steps[0].verdict == Verdict::Passed {
            steps.push(self.grant(&way).await);
        }
        steps
    }

    async fn make_field(&self, way: &Way<'_>) -> Step {
        let name = &self.shape.key_field;
        let title = format!("Make the field {name} on Lead");
        let body = json!({
            "FullName": format!("Lead.{name}"),
            "Metadata": {
                "label": "Leadwire lead id",
                "description": "The id Leadwire gave the lead. Leadwire finds the lead by it; do not edit it.",
                "type": "Text",
                "length": 40,
                "required": false,
                "externalId": true,
                "unique": true,
                "caseSensitive": false,
            },
        });
        let path = format!("{}/tooling/sobjects/CustomField", self.shape.root());
        match self.made(way, Call::with(Method::POST, path, &body)).await {
            Made::Yes(_, answer) => Step::passed("field", title, "it was made").took(took(&answer)),
            Made::Already => {
                Step::passed("field", title, "it is there, but the integration user cannot see it yet")
            }
            Made::No(tried) => Step::of_attempt("field", title, &tried).but(
                Verdict::Failed,
                &tried.evidence.cause,
                self.by_hand(),
            ),
        }
    }

    /// Fields made through the API are hidden from everybody until a permission set or profile shows them.
    async fn grant(&self, way: &Way<'_>) -> Step {
        let name = &self.shape.key_field;
        let title = format!("Let the integration user write {name}");
        match self.try_grant(way).await {
            Ok(()) => Step::passed(
                "access",
                title,
                format!("the permission set {PERMISSION_SET} lets the user read and edit it"),
            ),
            Err(tried) => Step::of_attempt("access", title, &tried).but(
                Verdict::Failed,
                &tried.evidence.cause,
                format!(
                    "in Setup, Permission Sets, make one that gives Read and Edit access to Lead.{name}, and assign it to the integration user"
                ),
            ),
        }
    }

    async fn try_grant(&self, way: &Way<'_>) -> Result<(), Tried> {
        let name = &self.shape.key_field;
        let object = |kind: &str| format!("{}/sobjects/{kind}/", self.shape.root());
        let post = |kind: &str, body: Value| Call::with(Method::POST, object(kind), &body);
        let set = match self.permission_set(way).await? {
            Some(id) => id,
            None => {
                let body = json!({ "Name": PERMISSION_SET, "Label": "Leadwire" });
                match self.made(way, post("PermissionSet", body)).await {
                    Made::Yes(id, _) => id,
                    Made::Already => self.permission_set(way).await?.ok_or_else(no_user)?,
                    Made::No(tried) => return Err(tried),
                }
            }
        };
        let user = way.held.more.user.clone().ok_or_else(no_user)?;
        let field = json!({
            "ParentId": set,
            "SobjectType": "Lead",
            "Field": format!("Lead.{name}"),
            "PermissionsRead": true,
            "PermissionsEdit": true,
        });
        let assignment = json!({ "AssigneeId": user, "PermissionSetId": set });
        for call in [post("FieldPermissions", field), post("PermissionSetAssignment", assignment)] {
            match self.made(way, call).await {
                Made::Yes(..) | Made::Already => {}
                Made::No(tried) => return Err(tried),
            }
        }
        Ok(())
    }

    async fn permission_set(&self, way: &Way<'_>) -> Result<Option<String>, Tried> {
        let soql = format!("SELECT Id FROM PermissionSet WHERE Name = {}", quoted(PERMISSION_SET));
        let (answer, _) = self.call(way, self.shape.query(&soql)).await.map_err(|it| it.tried())?;
        if !answer.status.is_success() {
            return Err(reply::read_refusal(&answer, &[], &self.about(way)));
        }
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let json = json.ok_or_else(|| reply::unreadable(&answer))?;
        Ok(json.pointer("/records/0/Id").and_then(Value::as_str).map(str::to_owned))
    }

    async fn made(&self, way: &Way<'_>, call: Call) -> Made {
        let answer = match self.call(way, call).await {
            Ok((answer, _)) => answer,
            Err(error) => return Made::No(error.tried()),
        };
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let text = |name: &str| json.as_ref()?.get(name)?.as_str();
        if answer.status.is_success()
            && json.as_ref().and_then(|it| it.get("success")?.as_bool()) == Some(true)
            && let Some(id) = text("id")
        {
            return Made::Yes(id.to_owned(), answer);
        }
        let code = json.as_ref().and_then(|it| it.pointer("/0/errorCode")?.as_str());
        // A field, a permission and an assignment that are there already, each in its own words.
        let is_there = code.is_some_and(|it| matches!(it, "DUPLICATE_DEVELOPER_NAME" | "DUPLICATE_VALUE"));
        if is_there {
            return Made::Already;
        }
        if answer.status.is_success() {
            return Made::No(reply::unreadable(&answer));
        }
        Made::No(reply::read_refusal(&answer, &[], &self.about(way)))
    }

    fn by_hand(&self) -> String {
        let name = &self.shape.key_field;
        let label = name.trim_end_matches("__c");
        format!(
            "have an administrator make the field: Setup, Object Manager, Lead, Fields & Relationships, New, Text; \
             length 40, field name {label}, tick External ID and Unique (not case-sensitive); show it to the \
             integration user with edit access; then validate the destination"
        )
    }
}

enum Made {
    /// With the id, by this answer.
    Yes(String, Answer),
    Already,
    No(Tried),
}

fn no_user() -> Tried {
    Tried {
        outcome: Outcome::NotDone(leadwire_core::outcome::Fault::Pause),
        evidence: leadwire_core::outcome::Evidence {
            cause: "user_unknown".to_owned(),
            message: "Salesforce did not say which user signed in".to_owned(),
            ..leadwire_core::outcome::Evidence::default()
        },
    }
}
