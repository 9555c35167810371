//! Who may come into the simulated environment, with which privileges, and how often.

use super::{Dynamics, Problem, TEAM, USER, WINDOW, json_reply};
use crate::entra::TokenState;
use crate::service::{Call, Reply};
use serde_json::{Value, json};

impl Dynamics {
    /// Counts a request, or refuses it for service protection.
    pub(super) fn throttled(&mut self, now: i64) -> Option<Problem> {
        let max = self.options.requests_max?;
        while self.window.front().is_some_and(|it| *it <= now - WINDOW) {
            self.window.pop_front();
        }
        if self.window.len() < max {
            self.window.push_back(now);
            return None;
        }
        // Until there is room again.
        let wait = self.window.front().map_or(0, |it| it + WINDOW - now);
        let message =
            format!("Number of requests exceeded the limit of {max} over time window of 300 seconds.");
        let wait = Some(wait.div_euclid(1000) + 1);
        Some(Problem { wait, ..Problem::new(429, "0x80072322", message) })
    }

    /// Whether the application user may do something about leads.
    pub(super) fn may(&self, privilege: &'static str) -> Result<(), Problem> {
        if self.options.privileges.contains(&privilege) {
            return Ok(());
        }
        let message = format!(
            "Principal user (Id={USER}, type=8, roleCount=1, privilegeCount=3, accessMode=4) is missing {privilege} \
             privilege (Id=a8ecac53-09e8-4a13-b598-8d8c87bc3d33) on OTC=4 for entity 'lead'."
        );
        Err(Problem::new(403, "0x80040220", message))
    }

    pub(super) fn privilege(&self, user: &str, function: &str) -> Result<Reply, Problem> {
        let name = function
            .strip_prefix("Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='")
            .and_then(|it| it.strip_suffix("')"));
        let (Some(name), true) = (name, user == format!("systemusers({USER})")) else {
            return Err(Problem::new(404, "0x8006088a", "Resource not found for the segment."));
        };
        let held = self.options.privileges.iter().filter(|it| **it == name);
        let held: Vec<Value> = held
            .map(|it| json!({ "Depth": "Global", "PrivilegeId": USER, "BusinessUnitId": TEAM, "PrivilegeName": it }))
            .collect();
        Ok(json_reply(200, &json!({ "RolePrivileges": held })))
    }

    /// Whether a call may come in at all; its reply when not.
    pub(super) fn refuse(&self, call: &Call, now: i64) -> Option<Reply> {
        let resource = |scheme: &str| format!("{scheme}://{}", call.host());
        let is_good = |token: &str| {
            ["http", "https"].iter().any(|it| self.entra.state(token, &resource(it), now) == TokenState::Good)
        };
        if !call.bearer().is_some_and(is_good) {
            let tenant = &self.options.entra.tenant;
            let told = format!(
                "Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, resource_id={}/",
                resource("https")
            );
            return Some(Reply::empty(401).header("www-authenticate", &told));
        }
        let problem = if !self.options.has_app_user {
            Problem::new(403, "0x80072560", "The user is not a member of the organization.")
        } else if !self.options.has_role {
            let message = format!(
                "SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user. Returned hr = -2147209463, User: {USER}"
            );
            Problem::new(403, "0x80042f09", message)
        } else {
            return None;
        };
        Some(problem.reply())
    }
}

/// The user a token is of.
pub(super) fn who_am_i(call: &Call) -> Reply {
    let context =
        format!("http://{}/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse", call.host());
    json_reply(
        200,
        &json!({
            "@odata.context": context,
            "BusinessUnitId": "d96e9f55-0000-4000-8000-00000000000b",
            "UserId": USER,
            "OrganizationId": "d96e9f55-0000-4000-8000-00000000000c",
        }),
    )
}
