//! Activities of the simulated instance: changes of fields since a moment, in pages, by the token of Marketo's own.

use super::Marketo;
use crate::moment::rfc3339;
use crate::service::{Call, Reply};
use serde_json::{Value, json};

/// Activities of a page (Adobe, activities.md).
const PAGE_MAX: usize = 300;
/// What tokens of this instance start with.
const TOKEN: &str = "GIYDAOBNGEYS2MBWKQYDAORQGA5DAMBO";

impl Marketo {
    /// The token by which activities since a moment are read.
    pub(super) fn paging_token(&mut self, call: &Call) -> Reply {
        let Some(since) = call.parameter("sinceDatetime").filter(|it| it.len() >= 10) else {
            return self.refuse(("1003", "Invalid data: sinceDatetime is required".to_owned()));
        };
        // As moments are written here, so that texts compare as moments do.
        let since = if since.contains('.') { since } else { since.replace('Z', ".000Z") };
        let changes = self.people.changes();
        let at = changes.iter().position(|it| rfc3339(it.at) >= since).unwrap_or(changes.len());
        self.envelope(json!({ "success": true, "nextPageToken": format!("{TOKEN}{at}") }))
    }

    /// Changes of the fields that are asked for, behind a token.
    pub(super) fn lead_changes(&mut self, call: &Call) -> Reply {
        let token = call.parameter("nextPageToken").unwrap_or_default();
        let fields = call.parameter("fields").unwrap_or_default();
        let fields: Vec<&str> = fields.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
        let Some(from) = token.strip_prefix(TOKEN).and_then(|it| it.parse::<usize>().ok()) else {
            return self.refuse(("1003", "Invalid data: nextPageToken is not valid".to_owned()));
        };
        if fields.is_empty() {
            return self.refuse(("1003", "Invalid data: fields is required".to_owned()));
        }
        if let Some(unknown) = fields.iter().find(|it| !self.people.has_field(it)) {
            return self.refuse(("1006", format!("Field '{unknown}' not found")));
        }
        let size = call.parameter("batchSize").map_or(Some(PAGE_MAX), |it| it.parse().ok());
        let Some(size) = size.filter(|it| (1..=PAGE_MAX).contains(it)) else {
            return self.refuse(("1003", "Invalid data: batchSize is 1 to 300".to_owned()));
        };
        let changes = self.people.changes();
        // A page is a stretch of all activities, of which only some are asked for.
        let end = (from + size).min(changes.len());
        let meant = (from..end).filter(|it| fields.contains(&&*changes[*it].name));
        let result: Vec<Value> = meant
            .map(|at| {
                let it = &changes[at];
                json!({
                    "id": at + 1, "marketoGUID": (at + 1).to_string(), "leadId": it.person,
                    "activityDate": rfc3339(it.at), "activityTypeId": 13, "attributes": [],
                    "fields": [{ "id": 1, "name": it.name, "newValue": it.new, "oldValue": it.old }],
                })
            })
            .collect();
        let more = json!({
            "success": true, "result": result, "nextPageToken": format!("{TOKEN}{end}"),
            "moreResult": end < changes.len(),
        });
        self.envelope(more)
    }
}
