//! Figures that take long to count are shown as they were a while ago, with the moment, and counted anew behind whoever looks.

use leadwire::clock::Clock;
use leadwire::report::{Reports, Stretch};
use leadwire_core::id::PublisherId;
use leadwire_core::report::By;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn what_takes_long_is_shown_as_it_was_and_counted_anew_once_it_is_old() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("ada@example.com").await;
    app.wait_until_settled().await;
    let contoso = PublisherId::parse("contoso").unwrap();
    let clock = Arc::clone(&app.clock);
    // As if one row took long.
    let reports = Reports::with_figures(app.app.store.clone(), clock, 0);
    let seen = async || {
        let (ledger, at) = reports.ledger_lately(contoso.clone()).await.unwrap();
        let (report, _) = reports.made_lately(contoso.clone(), By::Offer).await.unwrap();
        assert!(ledger.adds_up());
        (ledger.touchpoints, report.total().touchpoints, at)
    };
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(seen().await, (1, 1, None), "the first who looks sees what is");
    let counted_at = app.clock.steady();
    app.send_lead("eve@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(seen().await, (1, 1, Some(counted_at)));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(seen().await, (1, 1, Some(counted_at)), "nobody waits for what is counted anew");
    let anew = async {
        while seen().await.0 == 1 || seen().await.1 == 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = reports.run() => panic!("it runs until it is dropped"),
        found = tokio::time::timeout(PATIENCE, anew) => found.expect("it is counted anew"),
    }
    assert_eq!(seen().await, (2, 2, Some(app.clock.steady())));
    let chosen = Stretch { publisher: contoso, by: By::Offer, from: Some(counted_at), to: None };
    assert!(
        reports.made_soon(chosen.clone()).await.unwrap().is_none(),
        "nobody waits for it the first time either"
    );
    let there = async {
        while reports.made_soon(chosen.clone()).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = reports.run() => panic!("it runs until it is dropped"),
        found = tokio::time::timeout(PATIENCE, there) => found.expect("it is counted"),
    }
    let (report, at) = reports.made_soon(chosen).await.unwrap().expect("it is there");
    assert_eq!((report.total().touchpoints, at), (1, Some(app.clock.steady())));
    let path = "/v1/ledger?publisher=contoso&counted=lately";
    let small = app.get(path).await;
    assert_eq!(
        (&small["touchpoints"], small.get("counted_at")),
        (&json!(2), None),
        "few rows are counted at once"
    );
    app.stop().await;
}
