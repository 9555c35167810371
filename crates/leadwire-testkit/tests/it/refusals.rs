//! A customer who says no is written nowhere as one to be contacted: at every kind of destination, in whatever order it is
//! said, and whether the destination wants to hear of such customers or not.

use crate::contract::says_no;
use leadwire_sandbox::stage::Stage;
use leadwire_testkit::app::TestApp;
use serde_json::{Value, json};
use std::time::Duration;

/// What a customer says; the last is the refusal.
const SAID: [&str; 3] = ["INS", "PLT", "DNC"];
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The order in which the customer of this number says it; the customer 0 never says no.
fn said_by(number: usize) -> Vec<&'static str> {
    match number.checked_sub(1) {
        None => vec!["INS", "PLT", "INS"],
        Some(order) => ORDERS[order].iter().map(|it| SAID[*it]).collect(),
    }
}

async fn say(app: &TestApp, number: usize, action: &str) {
    app.clock.advance(Duration::from_secs(1));
    let touchpoint = json!({
        "source": "SPZA", "action": action, "offer": "contoso.crm-pro",
        "customer": { "first_name": "Ada", "last_name": format!("Customer{number}x"),
            "email": format!("customer{number}x@example.com"), "company": "Analytical" },
        "consent": { "shared": true, "text_version": "1", "at": "2026-01-01T00:00:00Z" },
    });
    app.post("/v1/leads", &touchpoint).await;
    app.wait_until_settled().await;
}

/// What a service keeps of a customer, oldest first.
fn of_customer(stage: &Stage, number: usize) -> Vec<String> {
    let mark = format!("customer{number}x");
    // Mail folds its lines.
    let plain = |it: String| it.replace("=\r\n", "").to_lowercase();
    stage.records().into_iter().map(plain).filter(|it| it.contains(&mark)).collect()
}

async fn check(setting: &Value) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let stages = app.add_all_kinds(setting).await;
    for number in 0..=ORDERS.len() {
        for action in said_by(number) {
            say(&app, number, action).await;
        }
    }
    for stage in &stages {
        let kind = stage.kind;
        let willing = of_customer(stage, 0).iter().map(|it| says_no(it)).max().unwrap_or(0);
        for number in 1..=ORDERS.len() {
            let records = of_customer(stage, number);
            let is_told = !records.is_empty();
            // Who is asked first and holds such customers back hears nothing; everybody else hears it.
            let may_be_silent = said_by(number)[0] == "DNC" && setting["do_not_contact"] == "hold";
            assert!(is_told || may_be_silent, "{kind}: {:?}", said_by(number));
            if let Some(last) = records.last() {
                assert!(says_no(last) > willing, "{kind}: {:?} {setting}: {last}", said_by(number));
            }
        }
    }
    let ledger = app.ledger().await;
    assert_eq!(ledger["adds_up"], true, "{ledger}");
    app.stop().await;
}

#[tokio::test]
async fn destinations_that_hold_such_customers_back_are_told_what_they_must_know() {
    check(&json!({ "do_not_contact": "hold" })).await;
}

#[tokio::test]
async fn destinations_that_want_to_know_are_told_everything_marked() {
    check(&json!({ "do_not_contact": "send" })).await;
}
