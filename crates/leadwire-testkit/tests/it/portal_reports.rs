//! Reports in the portal: rows by what is chosen, the time, and a file with the same numbers.

use leadwire_core::limits;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, text};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_report_says_what_came_and_what_became_of_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    let reader = Visitor::of_contoso(&app, "reader").await;
    let empty = reader.read("/reports").await;
    assert!(empty.contains("Nothing came in this time") && empty.contains("Look back on a year"), "{empty}");
    for (number, source) in ["SPZA", "SPZA", "=cmd|' /C calc'!A0"].into_iter().enumerate() {
        let lead = json!({ "offer": "contoso.crm-pro", "source": source, "action": "PLT",
            "customer": { "email": format!("x{number}@example.com") } });
        app.post("/v1/leads", &lead).await;
    }
    app.wait_until_settled().await;
    app.clock.advance(Duration::from_secs(1));
    let lead = app.get("/v1/leads?publisher=contoso").await["items"][0]["id"].as_str().unwrap().to_owned();
    app.post(&format!("/v1/leads/{lead}/feedback?publisher=contoso"), &json!({ "outcome": "converted" }))
        .await;
    let page = reader.read("/reports?by=source").await;
    assert!(page.contains("AppSource") && page.contains("33 %") && page.contains("fill-converted"), "{page}");
    assert!(reader.read("/reports?by=action").await.contains("Asked for contact"));
    assert!(reader.read("/reports?by=destination").await.contains(">crm<"));
    let link = page.split_once("href=\"/reports/csv").expect("a file").1.split('"').next().unwrap();
    let file = reader.open(&format!("/reports/csv{}", link.replace("&#38;", "&"))).await;
    assert_eq!(file.headers["content-type"].to_str().unwrap(), "text/csv; charset=utf-8");
    let rows = text(&file);
    assert!(rows.starts_with("key,touchpoints,") && rows.contains("\nSPZA,2,0,2,2,"), "{rows}");
    assert!(rows.contains("\n'=cmd"), "no cell is a formula: {rows}");
    app.stop().await;
}

#[tokio::test]
async fn the_time_of_a_report_is_chosen_in_whole_days() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.send_lead("ada@example.com").await;
    let first = app.get("/v1/leads?publisher=contoso").await["items"][0]["created_at"].clone();
    let day = first.as_str().unwrap()[..10].to_owned();
    app.clock.advance(Duration::from_secs(40 * 24 * 3600));
    let ada = Visitor::operator(&app).await;
    assert!(
        ada.read("/reports").await.contains("Nothing came in this time"),
        "it was before the last 30 days"
    );
    assert!(ada.read(&format!("/reports?from={day}&to={day}")).await.contains("contoso.crm-pro"));
    assert!(!ada.read(&format!("/reports?to={day}")).await.contains("Nothing came in this time"));
    for wrong in ["from=yesterday", "from=2026-12-01&to=2026-01-01", "from=1970-01-01"] {
        let answer = ada.open(&format!("/reports?{wrong}")).await;
        assert_eq!((answer.status, text(&answer).contains("role=\"alert\"")), (422, true), "{wrong}");
        assert_eq!(ada.open(&format!("/reports/csv?{wrong}")).await.status, 422, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_large_report_is_counted_behind_the_page_that_asks_for_it() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let count = usize::try_from(limits::FIGURES_AT_ONCE_MAX).unwrap() + 1;
    let lead = |it: usize| {
        json!({ "offer": "contoso.crm-pro", "source": "SPZA", "action": "PLT",
        "customer": { "email": format!("x{it}@example.com") } })
    };
    let all: Vec<_> = (0..count).map(lead).collect();
    for some in all.chunks(limits::BATCH_COUNT_MAX) {
        app.post("/v1/leads", &json!(some)).await;
    }
    app.clock.advance(Duration::from_secs(1));
    let reader = Visitor::of_contoso(&app, "reader").await;
    let first = reader.read("/reports?by=source").await;
    assert!(
        first.contains("There is much to count") && first.contains("id=\"live-report\" data-live"),
        "{first}"
    );
    let there = async {
        loop {
            let page = reader.read("/reports?by=source").await;
            if !page.contains("data-live") {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(PATIENCE, there).await.expect("it is counted");
    assert!(page.contains("AppSource") && page.contains("5,001") && page.contains("counted "), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn a_page_does_not_wait_for_what_takes_long_to_count() {
    for (path, there) in [
        ("/", ["Adds up", "Nothing needs you today", "contoso.crm-pro"].as_slice()),
        ("/destinations", &["Delivered"]),
        ("/destinations/crm", &["Delivered"]),
        ("/reports", &["contoso.crm-pro"]),
    ] {
        let app = TestApp::start().await;
        app.add_contoso().await;
        let endpoint = start_endpoint(&app.clock, None).await;
        app.add_destination("crm", json!({ "url": endpoint.url() })).await;
        app.send_lead("ada@example.com").await;
        app.wait_until_settled().await;
        app.clock.advance(Duration::from_secs(1));
        app.app.reports.count_behind();
        let reader = Visitor::of_contoso(&app, "reader").await;
        let first = reader.read(path).await;
        assert!(first.contains("data-counting") && first.contains("data-live"), "{path}: {first}");
        for it in there {
            assert!(!first.contains(it), "{path}: {it}: nobody knows that yet: {first}");
        }
        let counted = async {
            loop {
                let page = reader.read(path).await;
                if !page.contains("data-counting") {
                    return page;
                }
            }
        };
        let page = tokio::time::timeout(PATIENCE, counted).await.expect("it is counted");
        for it in there {
            assert!(page.contains(it), "{path}: {it}: {page}");
        }
        app.stop().await;
    }
}
