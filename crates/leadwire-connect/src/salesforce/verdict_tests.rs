//! Answers as documented and as recorded by public clients, and what each must be read as.

use super::reply::{self, About, Sent};
use super::request::{Duplicates, Shape, Sort};
use super::tests::{read, said};
use crate::group::Record;
use crate::token::Age;
use leadwire_core::mapping::{MappedField, Value as Mapping, Write};
use leadwire_core::outcome::{Fault, Outcome, Tried};
use serde_json::{Value, json};

const CORPUS: &str = include_str!("verdicts.json");

fn class(tried: &Tried) -> &'static str {
    match &tried.outcome {
        Outcome::Done(_) => "delivered",
        Outcome::Unknown => "unknown",
        Outcome::NotDone(fault) => match fault {
            Fault::RetryNow => "retry_now",
            Fault::RetryAfter(_) | Fault::RetryThenPause { .. } => "retry",
            Fault::HoldLane(_) => "hold",
            Fault::SmallerBatch => "smaller",
            Fault::Pause => "pause",
            Fault::Stop => "stop",
            Fault::Park => "park",
            Fault::Withhold => "withhold",
        },
    }
}

fn tried(entry: &Value) -> Vec<Tried> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let body = match &entry["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let headers = entry.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers: Vec<(&str, &str)> = headers.map(|it| (&**it.0, it.1.as_str().unwrap())).collect();
    let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
    let answer = said(status, &headers, &body);
    let duplicates = match text("duplicates") {
        "park" => Duplicates::Park,
        "force" => Duplicates::Force,
        _ => Duplicates::Link,
    };
    let age = if text("token") == "fresh" { Age::Fresh(1) } else { Age::Cached(1) };
    let about = About { age, key_field: "MarketplaceLeadId__c", duplicates };
    let sort = if text("write") == "owned" { Sort::Owned } else { Sort::Whole };
    let sent = Sent { sort, known: &["ada@example.com", "Lovelace"] };
    let count = usize::try_from(entry["batch"].as_u64().unwrap_or(1)).unwrap();
    match text("call") {
        "single" => vec![reply::read_single(&answer, &sent, &about).into_tried()],
        "look_up" => match reply::read_look_up(&answer, &about) {
            Ok(_) => panic!("{} is not refused", text("name")),
            Err(tried) => vec![*tried],
        },
        "token" => match read(json!({})).session.read_answer(&answer) {
            Ok(_) => panic!("{} is not refused", text("name")),
            Err(tried) => vec![*tried],
        },
        "" => {
            let sent = vec![sent; count];
            reply::read_batch(&answer, &sent, &about).into_iter().map(reply::Verdict::into_tried).collect()
        }
        other => panic!("no such call: {other}"),
    }
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus: Vec<Value> = serde_json::from_str(CORPUS).unwrap();
    assert!(corpus.len() >= 70, "{}", corpus.len());
    for entry in &corpus {
        let name = entry["name"].as_str().unwrap();
        assert!(entry["source"].as_str().is_some_and(|it| !it.is_empty()), "{name} has no source");
        let tried = tried(entry);
        let found: Vec<&str> = tried.iter().map(class).collect();
        let expected: Vec<&str> =
            entry["expect"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(found, expected, "{name}: {tried:?}");
        if let Some(cause) = entry.get("cause").and_then(Value::as_str) {
            assert!(tried.iter().any(|it| it.evidence.cause == cause), "{name}: {tried:?}");
        }
        let body = entry["body"].to_string();
        for tried in &tried {
            let evidence = &tried.evidence;
            let text = format!("{} {} {}", evidence.message, evidence.fix, evidence.answer);
            assert!(!text.contains("ada@example.com") && !text.contains("Lovelace"), "{name}: {text}");
            // Delivered needs the service's own word for it.
            let is_said = [
                "\"success\":true",
                "\\\"success\\\": true",
                "duplicates value",
                "CONVERTED",
                "matchRecords",
            ];
            let has_evidence = entry["status"] == 204 || is_said.iter().any(|it| body.contains(it));
            assert!(class(tried) != "delivered" || has_evidence, "{name} is delivered without evidence");
        }
    }
}

#[test]
fn names_in_the_corpus_are_different() {
    let corpus: Vec<Value> = serde_json::from_str(CORPUS).unwrap();
    let mut names: Vec<&str> = corpus.iter().map(|it| it["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// REST API Developer Guide, "Upsert Records Using sObject Collections": the example request and both example answers,
/// as they are printed there. The example writes accounts; leads are written in the same shape.
#[test]
fn the_documented_example_is_what_is_sent_and_what_is_read() {
    let printed = include_str!("golden/documented_upsert_request.json").replace("Account", "Lead");
    let field = |name: &str| MappedField {
        target: "Name".to_owned(),
        value: Mapping::Text(name.to_owned()),
        write: Write::Once,
    };
    let record = |key: &str, name: &str| Record { key: key.to_owned(), fields: vec![field(name)] };
    let records = [record("AAA", "Company One"), record("BBB", "Company Two")];
    let shape = Shape { key_field: "MyExtId__c".to_owned(), ..read(json!({})).shape };
    let call = shape.upsert(&records.iter().collect::<Vec<_>>(), Sort::Whole);
    assert_eq!(call.path, "/services/data/v62.0/composite/sobjects/Lead/MyExtId__c");
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(sent, serde_json::from_str::<Value>(&printed).unwrap());

    let about = About { age: Age::Cached(1), key_field: "MyExtId__c", duplicates: Duplicates::Link };
    let sent = [Sent { sort: Sort::Whole, known: &[] }; 2];
    let classes = |body: &str| -> Vec<(&str, String)> {
        let verdicts = reply::read_batch(&said(200, &[], body), &sent, &about).into_iter();
        verdicts.map(reply::Verdict::into_tried).map(|it| (class(&it), it.evidence.message)).collect()
    };
    let both = classes(include_str!("golden/documented_upsert_answer.json"));
    let created = ("delivered", "the lead was created".to_owned());
    assert_eq!(both, [created, ("delivered", "the lead was updated".to_owned())]);
    let some = classes(include_str!("golden/documented_upsert_some_failed.json"));
    assert_eq!((some[0].0, some[1].0), ("delivered", "pause"));
    assert!(some[1].1.ends_with(": Id (MALFORMED_ID)"), "{}", some[1].1);
}
