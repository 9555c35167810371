//! Golden requests, the verdict corpus, and the connector against the simulated instance.

use super::*;
use crate::marketo::sandbox_tests::{Lab, options, record};
use crate::marketo::tests::{NOW, check_golden, payload, settings, with};
use crate::validation::Verdict;
use crate::verdicts;
use leadwire_core::outcome::Fault;
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::marketo::{Face, Options};
use leadwire_sandbox::service::{Fault as Wrong, Scope};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn connector(more: Json) -> MarketoForm {
    let mut more = more;
    more["form_id"] = json!(1179);
    MarketoForm::read(&settings(&more)).unwrap_or_else(|it| panic!("{it:?}"))
}

/// The values Microsoft's connector asked for until 2022, and nothing else.
fn classic() -> MarketoForm {
    let values = json!({
        "way": "classic", "server_id": "//app-ys12.marketo.com", "munchkin_id": "123-PQR-789", "form_id": 1179,
    });
    MarketoForm::read(values.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"))
}

async fn lab(more: Json) -> Lab {
    Lab::start(KIND, Options { face: Face::Form, ..options() }, more).await
}

/// Settings that take the place of the sandbox's own.
fn classic_settings() -> Json {
    json!({ "way": "classic", "server_id": "ys12", "client_id": null, "client_secret": null })
}

#[test]
fn requests_are_what_adobe_documents() {
    let moment = Moment { now: NOW };
    let opted_out = with(payload(2, 2, 1), |it| it.action = Action::DoNotContact);
    let plain = connector(json!({}));
    check_golden(&plain.preview(&[payload(1, 1, 1)], moment), include_str!("golden/submit.txt"));
    let more = json!({
        "existing_people": "overwrite", "program_id": 1001, "page_url": "https://example.com/listing",
        // The value that an older set-up has and this one does not need.
        "server_id": "ys12",
    });
    let whole = connector(more).preview(std::slice::from_ref(&opted_out), moment);
    check_golden(&whole, include_str!("golden/submit_whole.txt"));
    let Way::Rest { session, .. } = &plain.way else { panic!("by the REST API") };
    let call = plain.shape.submit(&plain.submission(&opted_out).ok().unwrap(), Part::Own);
    let request = session.request(&call, &bearer("token").unwrap());
    let own = Preview { requests: vec![PreviewedRequest::of(&request, false)], ..Preview::default() };
    check_golden(&own, include_str!("golden/submit_own.txt"));
    check_golden(&classic().preview(&[opted_out], moment), include_str!("golden/classic.txt"));
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    assert!(corpus.len() >= 30, "{}", corpus.len());
    let known: &[&str] = &["ada@example.com", "Lovelace"];
    for case in &corpus {
        let tried = if case.entry["call"] == "classic" {
            reply::classic(&case.answer, known, NOW)
        } else {
            reply::submitted(&case.answer, known, NOW)
        };
        verdicts::check(case, &[tried]);
    }
}

#[test]
fn settings_that_cannot_work_name_themselves() {
    let refused = |values: Json| KIND.open(values.as_object().unwrap()).err().unwrap().remove(0).pointer;
    let base = json!({ "munchkin_id": "123-PQR-789", "form_id": 1179 });
    assert_eq!(refused(base.clone()), "/client_id");
    let mut values = base.clone();
    values["way"] = json!("classic");
    assert_eq!(refused(values.clone()), "/server_id");
    values["server_id"] = json!("ys 12");
    assert_eq!(refused(values), "/server_id");
    let mut values = base;
    values["form_id"] = json!(0);
    assert_eq!(refused(values), "/form_id");
    assert!(KIND.open(serde_json::from_str::<Json>(KIND.example).unwrap().as_object().unwrap()).is_ok());
}

#[tokio::test]
async fn a_submission_makes_a_person_and_tells_their_id() {
    let lab = lab(json!({})).await;
    let delivered = lab.deliver(&[payload(1, 1, 1)]).await;
    assert_eq!((record(&delivered.tried[0]), delivered.calls), ("100".to_owned(), 3));
    assert_eq!((lab.field(0, "title"), lab.field(0, "country")), (json!("CTO"), json!("United Kingdom")));
    assert_eq!(lab.sandbox.records()[0]["activities"][0]["type"], "Fill Out Form");
}

#[tokio::test]
async fn a_person_who_is_there_keeps_what_people_edited_and_the_form_starts_all_the_same() {
    let lab = lab(json!({})).await;
    lab.instance().add_person(&json!({ "email": "ada1@example.com", "title": "Typed By Hand" }), 0);
    let opted_out = with(payload(1, 1, 1), |it| it.action = Action::DoNotContact);
    assert_eq!(record(&lab.one(opted_out).await), "100");
    assert_eq!((lab.field(0, "title"), lab.field(0, "unsubscribed")), (json!("Typed By Hand"), json!(true)));
    assert_eq!(lab.sandbox.records()[0]["activities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn overwriting_is_a_choice_that_saves_a_call() {
    let options = Options {
        face: Face::Form,
        company_updates: leadwire_sandbox::marketo::CompanyUpdates::Ignored,
        ..options()
    };
    let lab = Lab::start(KIND, options, json!({ "existing_people": "overwrite" })).await;
    assert_eq!(lab.deliver(&[payload(1, 1, 1)]).await.calls, 2);
    let later = with(payload(1, 2, 1), |it| it.customer.title = Some("CEO".to_owned()));
    assert_eq!(lab.deliver(&[later]).await.calls, 1);
    assert_eq!(lab.field(0, "title"), "CEO");
}

#[tokio::test]
async fn a_lost_answer_makes_nobody_twice() {
    for more in [json!({}), classic_settings()] {
        let lab = lab(more).await;
        lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::Writes));
        let mut waiting: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
        let mut tries = 0;
        while let Some(mut payload) = waiting.pop() {
            tries += 1;
            assert!(tries < 1000, "{} leads never arrive", waiting.len());
            lab.pass(Duration::from_secs(3));
            if !matches!(lab.one(payload.clone()).await.outcome, Outcome::Done(_)) {
                payload.attempt += 1;
                waiting.push(payload);
            }
        }
        assert_eq!(lab.sandbox.records().len(), 100);
    }
}

#[tokio::test]
async fn trouble_is_told_from_trouble_with_a_lead() {
    let lab = lab(json!({})).await;
    lab.one(payload(9, 9, 1)).await;
    for (wrong, outcome, cause) in [
        (Wrong::Partial, Outcome::NotDone(Fault::Park), "refused"),
        (Wrong::Failing, Outcome::NotDone(Fault::RetryAfter(None)), "service_failed"),
        (Wrong::FieldRemoved("phone".to_owned()), Outcome::NotDone(Fault::Pause), "field_unknown"),
        (Wrong::Html, Outcome::Unknown, "answer_html"),
    ] {
        lab.next(wrong.clone(), Scope::Writes);
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!((&tried.outcome, &*tried.evidence.cause), (&outcome, cause), "{wrong:?}");
    }
    lab.next(Wrong::TokenExpired, Scope::Writes);
    let others = with(payload(2, 2, 1), |it| it.customer.phone = None);
    assert_eq!(lab.deliver(&[others]).await.calls, 4, "a look, refused, a token, submitted");
    assert_eq!(lab.sandbox.records().len(), 2);
    let nobody = with(payload(3, 3, 1), |it| it.customer.email = None);
    assert_eq!(lab.one(nobody).await.evidence.cause, "field_missing");
}

#[tokio::test]
async fn posts_of_a_browser_stay_below_what_marketo_takes_in_a_minute() {
    let lab = lab(classic_settings()).await;
    for it in 1..=25 {
        let tried = lab.one(payload(it, it, 1)).await;
        assert_eq!(tried.outcome, Outcome::Done(Receipt::Accepted), "{tried:?}");
    }
    let held = lab.deliver(&[payload(26, 26, 1)]).await;
    assert_eq!(held.calls, 0);
    assert_eq!(held.tried[0].outcome, Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(60)))));
    lab.pass(Duration::from_secs(60));
    assert!(matches!(lab.one(payload(26, 26, 2)).await.outcome, Outcome::Done(_)));
    assert_eq!(lab.sandbox.records().len(), 26);
    lab.next(Wrong::Busy, Scope::Writes);
    let tried = lab.one(payload(27, 27, 1)).await;
    assert_eq!(tried.evidence.cause, "rate_limited");
}

#[tokio::test]
async fn a_look_submits_nothing_and_names_what_is_wrong() {
    let fields = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let form = Options { face: Face::Form, ..options() };
    let short = Options { form_fields: fields(&["email", "firstName"]), ..form.clone() };
    let old = Options {
        form_fields: fields(&[
            "email",
            "firstName",
            "lastName",
            "phone",
            "company",
            "title",
            "country",
            "leadSource",
        ]),
        ..form.clone()
    };
    let denied = Options { may_write: false, ..form.clone() };
    let blind = Options { may_read_assets: false, ..form.clone() };
    let with_id = |id: u64, more: Json| {
        let mut more = more;
        more["form_id"] = json!(id);
        more
    };
    for (options, more, expected) in [
        (form.clone(), json!({}), None),
        (form.clone(), classic_settings(), None),
        (form.clone(), json!({ "client_secret": "x" }), Some(("token", Verdict::Failed))),
        (denied, json!({}), Some(("permission", Verdict::Failed))),
        (blind, json!({}), Some(("form", Verdict::Warned))),
        (form.clone(), with_id(5, json!({})), Some(("form", Verdict::Failed))),
        (form, with_id(5, classic_settings()), Some(("form", Verdict::Failed))),
        (short.clone(), json!({}), Some(("fields", Verdict::Failed))),
        (short, classic_settings(), Some(("fields", Verdict::Failed))),
        // A form of Microsoft's connector has no place for an opt-out: leads arrive, and somebody should look.
        (old, json!({}), Some(("fields", Verdict::Warned))),
    ] {
        let lab = Lab::start(KIND, options, more.clone()).await;
        let checked = lab.connector.check(lab.moment(), &lab.egress).await;
        let odd = checked.steps.iter().find(|it| it.verdict != Verdict::Passed);
        assert_eq!(odd.map(|it| (it.name, it.verdict)), expected, "{more}: {:?}", checked.steps);
        assert!(odd.is_none_or(|it| !it.fix.is_empty()) && lab.sandbox.records().is_empty());
    }
}

#[tokio::test]
async fn a_test_lead_is_read_back_and_taken_away_where_the_api_is_used() {
    let lab = lab(json!({})).await;
    let (test, moment) = (payload(1, 1, 1), lab.moment());
    lab.one(test.clone()).await;
    let receipt = Receipt::Confirmed { record: "100".to_owned() };
    let back = lab.connector.read_back(&test, &receipt, moment, &lab.egress).await.unwrap();
    let gone = lab.connector.clean_up(&test, &receipt, moment, &lab.egress).await.unwrap();
    assert_eq!((back.verdict, gone.verdict), (Verdict::Passed, Verdict::Passed));
    assert!(lab.sandbox.records().is_empty());
    let browser = self::lab(classic_settings()).await;
    assert!(browser.connector.read_back(&test, &receipt, moment, &browser.egress).await.is_none());
}
