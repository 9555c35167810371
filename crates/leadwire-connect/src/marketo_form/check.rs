//! Looks at a form without submitting it: sign-in, whether the form is there, and whether the mapped fields are on it.

use super::classic::Classic;
use super::request::form_name;
use super::{MarketoForm, Way};
use crate::Moment;
use crate::egress::{Egress, Request};
use crate::marketo::envelope::took;
use crate::marketo::fields::{CONSENT_FIELDS, TARGETS};
use crate::marketo::look::ask;
use crate::marketo::session::{Call, Session};
use crate::marketo::{may_write, sign_in};
use crate::validation::{Checked, Step, Verdict};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use std::time::Duration;

const FORM: &str = "Look for the form";
const ON_FORM: &str = "Look for the mapped fields on the form";

impl MarketoForm {
    pub(super) async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        match &self.way {
            Way::Classic(classic) => self.look_classic(classic, egress, &mut checked).await,
            Way::Rest { session, .. } => self.look_rest(session, (moment, egress), &mut checked).await,
        }
        checked
    }

    async fn look_rest(&self, session: &Session, way: (Moment, &Egress), checked: &mut Checked) {
        if !sign_in(session, checked, way).await {
            return;
        }
        checked.add(may_write(session, way).await);
        if !checked.is_passed() {
            return;
        }
        let (moment, egress) = way;
        let id = self.shape.form_id;
        match ask(session, &Call::get(format!("rest/asset/v1/form/{id}.json")), moment, egress).await {
            Err(tried) => {
                // Submitting needs no right to read assets.
                let step = Step::of_attempt("form", FORM, &tried);
                let fix =
                    "give the API user's role `Read-Only Assets`, so that form and fields can be looked at";
                checked.add(step.but(Verdict::Warned, &tried.evidence.cause, fix));
                return;
            }
            Ok((answer, forms)) => match forms.first() {
                None => return checked.add(no_form()),
                Some(form) => {
                    let step = Step::passed("form", FORM, "the form is there").took(took(&answer));
                    let is_draft = form.get("status").and_then(Value::as_str) == Some("draft");
                    checked.add(if is_draft {
                        let fix = "approve the form in Design Studio";
                        Step { message: "the form is a draft".to_owned(), ..step }.but(
                            Verdict::Warned,
                            "form_not_approved",
                            fix,
                        )
                    } else {
                        step
                    });
                }
            },
        }
        let call = Call::get(format!("rest/asset/v1/form/{id}/fields.json"));
        match ask(session, &call, moment, egress).await {
            Err(tried) => {
                let step = Step::of_attempt("fields", ON_FORM, &tried);
                checked.add(step.but(Verdict::Warned, &tried.evidence.cause, "look at the form yourself"));
            }
            Ok((answer, fields)) => {
                let on_form: Vec<&str> = fields.iter().filter_map(|it| it.get("id")?.as_str()).collect();
                checked.add(self.judge(&on_form).took(took(&answer)));
            }
        }
    }

    /// The form's description for browsers, a script that calls a function with it.
    async fn look_classic(&self, classic: &Classic, egress: &Egress, checked: &mut Checked) {
        let mut url = classic.url("index.php/form/getForm");
        url.query_pairs_mut()
            .append_pair("munchkinId", &self.shape.munchkin_id)
            .append_pair("form", &self.shape.form_id.to_string())
            .append_pair("callback", "leadwire");
        let mut request = Request::new(Method::GET, url, HeaderMap::new(), Bytes::new());
        request.wait = classic.wait();
        request.answer_bytes_max = 1024 * 1024;
        let answer = match egress.send(request).await {
            Ok(answer) => answer,
            Err(error) => return checked.add(Step::of_attempt("form", FORM, &error.tried())),
        };
        let text = String::from_utf8_lossy(&answer.body);
        let inside = text.split_once('(').and_then(|it| it.1.rsplit_once(')')).map_or(&*text, |it| it.0);
        let json: Option<Value> = serde_json::from_str(inside).ok();
        let rows = json.as_ref().and_then(|it| it.get("rows")?.as_array());
        let Some(rows) = rows.filter(|_| answer.status.is_success()) else {
            return checked.add(no_form());
        };
        let is_there = Step::passed("form", FORM, "the form is there").took(took(&answer));
        checked.add(is_there);
        let cells = rows.iter().filter_map(Value::as_array).flatten();
        let on_form: Vec<&str> = cells.filter_map(|it| it.get("Name")?.as_str()).collect();
        checked.add(self.judge(&on_form));
    }

    /// Marketo refuses a submission with a field that is not on the form.
    fn judge(&self, on_form: &[&str]) -> Step {
        let is_on = |name: &str| on_form.iter().any(|it| fold(it) == fold(&form_name(name)));
        let missing: Vec<&str> = self.map.targets().filter(|it| !is_on(it)).collect();
        if missing.is_empty() {
            return Step::passed("fields", ON_FORM, "every mapped field is on the form").took(Duration::ZERO);
        }
        // Custom fields may have another name there, and opt-outs are only sent of people who opted out.
        let is_sure =
            |it: &&str| !CONSENT_FIELDS.contains(it) && TARGETS.iter().any(|known| known.name == *it);
        let verdict = if missing.iter().any(is_sure) { Verdict::Failed } else { Verdict::Warned };
        let message = format!("these mapped fields seem not to be on the form: {}", missing.join(", "));
        let fix =
            "put them on the form, hidden if you like, and approve it; or take their rows out of the mapping";
        Step::passed("fields", ON_FORM, message).but(verdict, "field_not_on_form", fix)
    }
}

fn no_form() -> Step {
    Step::passed("form", FORM, "Marketo has no form of this id").but(
        Verdict::Failed,
        "form_missing",
        "copy the form id from the form's embed code, and approve the form",
    )
}

/// Names without what tells spellings apart.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}
