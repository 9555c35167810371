//! Figures that take long to count are shown as they were a while ago, with the moment, and counted anew behind whoever looks.

use leadwire::clock::Clock;
use leadwire::report::{Reports, Stretch};
use leadwire_core::id::PublisherId;
use leadwire_core::report::By;
use leadwire_core::time::Timestamp;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Touchpoints of the ledger, those of the report, and when the ledger was counted.
type Seen = (u64, u64, Option<Timestamp>);

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
    let reports = Reports::new(app.app.store.clone(), clock);
    reports.count_behind();
    let plain = Stretch { publisher: contoso.clone(), by: By::Offer, from: None, to: None };
    let seen = async || {
        let ledger = reports.ledger_lately(contoso.clone()).await.unwrap();
        let report = reports.made_lately(plain.clone()).await.unwrap();
        let ((ledger, at), (report, _)) = (ledger?, report?);
        assert!(ledger.adds_up());
        Some((ledger.touchpoints, report.total().touchpoints, at))
    };
    // Counts what is asked for until all of it is as it should be.
    let until = async |wish: &dyn Fn(Seen) -> bool| {
        let there = async {
            while !seen().await.is_some_and(wish) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = reports.run() => panic!("it runs until it is dropped"),
            found = tokio::time::timeout(PATIENCE, there) => found.expect("it is counted"),
        }
    };
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(seen().await, None, "nobody waits for it the first time");
    let counted_at = app.clock.steady();
    until(&|_| true).await;
    app.send_lead("eve@example.com").await;
    app.wait_until_settled().await;
    assert_eq!(seen().await, Some((1, 1, Some(counted_at))));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(seen().await, Some((1, 1, Some(counted_at))), "nobody waits for what is counted anew");
    until(&|it| it.0 == 2 && it.1 == 2).await;
    assert_eq!(seen().await, Some((2, 2, Some(app.clock.steady()))));
    let path = "/v1/ledger?publisher=contoso&counted=lately";
    let small = app.get(path).await;
    assert_eq!(
        (&small["touchpoints"], small.get("counted_at")),
        (&json!(2), None),
        "few rows are counted at once"
    );
    app.stop().await;
}
