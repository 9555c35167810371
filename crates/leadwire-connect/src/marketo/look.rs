//! Reads a test person back and takes it away again: for both ways into Marketo.

use super::envelope::{self, About, not_written, took};
use super::reply::id_of;
use super::request;
use super::session::{Call, Session};
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::validation::{Step, Verdict};
use leadwire_core::outcome::{Receipt, Tried};
use serde_json::Value;

/// Makes a call that reads, and gives its answer with the entries of `result`.
pub(crate) async fn ask(
    session: &Session,
    call: &Call,
    moment: Moment,
    egress: &Egress,
) -> Result<(Answer, Vec<Value>), Box<Tried>> {
    let sent = session.send(call, moment.now, egress, &mut 0).await;
    let answer = sent.map_err(|it| Box::new(not_written(*it)))?;
    let about = About { records: 1, known: &[], now: moment.now };
    let results = envelope::results(&answer, &about).map_err(|it| Box::new(not_written(*it)))?;
    Ok((answer, results))
}

pub(crate) async fn read_back(
    session: &Session,
    (field, key): (&str, &str),
    moment: Moment,
    egress: &Egress,
) -> Step {
    let title = "Read the test lead back";
    match ask(session, &request::find(field, key), moment, egress).await {
        Err(tried) => Step::of_attempt("read_back", title, &tried),
        Ok((answer, found)) => {
            let step = |message: &str| Step::passed("read_back", title, message).took(took(&answer));
            match found.len() {
                0 => step("Marketo does not have the person").but(
                    Verdict::Failed,
                    "record_missing",
                    "look under Database for the person; a smart campaign may have deleted it",
                ),
                1 => step("the person is there"),
                _ => step("several people in Marketo have this key").but(
                    Verdict::Warned,
                    "several_match",
                    "merge them in Marketo: leads with this key are refused until then",
                ),
            }
        }
    }
}

pub(crate) async fn clean_up(
    session: &Session,
    (field, key): (&str, &str),
    receipt: &Receipt,
    (moment, egress): (Moment, &Egress),
) -> Step {
    let title = "Take the test lead away again";
    let by_hand = "delete the test person in Marketo, under Database";
    // The lead arrived; a person that stays is a nuisance only.
    let warned = |tried: &Tried| {
        let step = Step::of_attempt("clean_up", title, tried);
        step.but(Verdict::Warned, &tried.evidence.cause, by_hand)
    };
    let id = match receipt {
        Receipt::Confirmed { record } => record.parse().ok(),
        // Nobody but the look-up tells who it became; several cannot be told apart.
        Receipt::Accepted => match ask(session, &request::find(field, key), moment, egress).await {
            Ok((_, found)) if found.len() == 1 => {
                found[0].get("id").and_then(id_of).and_then(|it| it.parse().ok())
            }
            Ok(_) => None,
            Err(tried) => return warned(&tried),
        },
    };
    let Some(id) = id else {
        let step = Step::passed("clean_up", title, "the person could not be told from others");
        return step.but(Verdict::Warned, "record_unknown", by_hand);
    };
    match ask(session, &request::delete(id), moment, egress).await {
        Err(tried) => warned(&tried),
        Ok((answer, results)) => {
            let is_deleted = results.first().and_then(|it| it.get("status")?.as_str()) == Some("deleted");
            if is_deleted {
                return Step::passed("clean_up", title, "the person was deleted").took(took(&answer));
            }
            let step = Step::passed("clean_up", title, "Marketo did not delete the person");
            step.but(Verdict::Warned, "not_deleted", by_hand)
        }
    }
}
