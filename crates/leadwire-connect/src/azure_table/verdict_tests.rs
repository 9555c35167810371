//! The corpus of answers with their verdicts, and the catalogue's words for them.

use super::errors::ERRORS;
use super::reply::{self, About, Came, Refused};
use super::tests::{NOW, connector, payload};
use super::*;
use crate::token::Age;
use crate::verdicts;
use leadwire_core::outcome::{Evidence, Fault, Outcome};
use serde_json::json;
use std::collections::HashSet;

fn sent_again() -> Tried {
    let evidence = Evidence { cause: "sent_again".to_owned(), ..Evidence::default() };
    Tried { outcome: Outcome::NotDone(Fault::SmallerBatch), evidence }
}

/// What came of each row: in a transaction that was refused, rows without a verdict of their own are sent again.
fn tried(came: Came, rows: &[Entity]) -> Vec<Tried> {
    match came {
        Came::All => rows.iter().map(|it| reply::done(it, "the row was made")).collect(),
        Came::NoTable(tried) | Came::Whole(tried) => vec![*tried; rows.len()],
        Came::But(at, refused) => {
            let mut all = vec![sent_again(); rows.len()];
            all[at] = match refused {
                Refused::Exists => reply::done(&rows[at], "the row was there already"),
                Refused::Other(tried) => *tried,
            };
            all
        }
    }
}

#[test]
fn every_answer_of_the_corpus_is_classed_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    let names: HashSet<&str> = corpus.iter().map(|it| it.name.as_str()).collect();
    assert!(corpus.len() >= 100 && names.len() == corpus.len(), "{}", corpus.len());
    let azure = connector(json!({}));
    for case in corpus {
        let verbs: Vec<Verb> = match case.entry["verbs"].as_array() {
            None => vec![Verb::Insert],
            Some(verbs) => {
                verbs.iter().map(|it| if it == "merge" { Verb::Merge } else { Verb::Insert }).collect()
            }
        };
        assert_eq!(verbs.len(), case.expected.len(), "{}", case.name);
        let batch: Vec<Payload> = (1..=3).map(|it| payload(it, it, 1)).take(verbs.len()).collect();
        let rows = azure.gather(&batch, &mut vec![None; batch.len()]);
        let age = match case.entry["token"].as_str() {
            Some("cached") => Some(Age::Cached(1)),
            Some(_) => Some(Age::Fresh(1)),
            None => None,
        };
        let about = About { known: &[], age, now: NOW.now };
        let came = match verbs.as_slice() {
            [verb] => reply::single(&case.answer, *verb, &about),
            verbs => reply::transaction(&case.answer, verbs, &about),
        };
        verdicts::check(&case, &tried(came, &rows));
    }
}

/// The marketplace's help has no texts for its table writer (contract marketplace.md, 6: all are of its CRM writer), so the
/// texts are the service's own: each leads to its entry when an answer has nothing else.
#[test]
fn every_text_of_the_catalogue_leads_to_its_entry() {
    let own: Vec<_> = ERRORS.iter().filter(|it| !it.code.starts_with("AADSTS")).collect();
    let mut seen = HashSet::new();
    for entry in own.iter().filter(|it| it.code.starts_with(|it: char| it.is_ascii_uppercase())) {
        assert!(!entry.texts.is_empty(), "{}", entry.code);
        for text in entry.texts {
            assert!(seen.insert(text.to_lowercase()), "{text} is in the catalogue twice");
            let body =
                json!({ "odata.error": { "message": { "value": format!("{text}.\nRequestId:x\nTime:y") } } });
            let case = json!([{
                "name": text, "source": "catalogue", "status": 400, "body": body, "expect": "park",
            }]);
            let case = &verdicts::cases(&case.to_string())[0];
            let tried = reply::refused(&case.answer, &About { known: &[], age: None, now: NOW.now });
            assert_eq!(tried.evidence.cause, entry.cause, "{text}");
        }
    }
    for entry in own {
        let needs_person = matches!(entry.fault, Fault::Pause | Fault::Park | Fault::RetryThenPause { .. });
        assert!(!needs_person || !entry.fix.is_empty(), "{}", entry.code);
    }
}

#[test]
fn evidence_repeats_neither_the_customer_nor_a_signature() {
    let body = json!({ "odata.error": { "code": "AuthenticationFailed", "message": { "lang": "en-US", "value":
        "The MAC signature found in the HTTP request 'DdNxrzHaQMshx49vodIhb8IbYe6CnSONbyjOs4+9n5Y=' is not the same. Server \
         used following string to sign: 'POST ada1@example.com Lovelace'" } } });
    let case = json!([{ "name": "x", "source": "made", "status": 403, "body": body, "expect": "pause" }]);
    let case = &verdicts::cases(&case.to_string())[0];
    let about = About { known: &["Lovelace"], age: None, now: NOW.now };
    let tried = reply::refused(&case.answer, &about);
    for secret in ["DdNxrz", "ada1@", "Lovelace"] {
        assert!(!tried.evidence.answer.contains(secret), "{}", tried.evidence.answer);
    }
}
