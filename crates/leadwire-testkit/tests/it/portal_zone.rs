//! Times in the portal are those of where the browser is, or in UTC for who would have that.

use leadwire_testkit::app::TestApp;
use leadwire_testkit::portal::{Visitor, text};
use std::time::Duration;

/// The same visitor at a browser that says where it is.
fn at<'a>(app: &'a TestApp, visitor: &Visitor<'_>, zone: &str) -> Visitor<'a> {
    Visitor::with(app, format!("{}; leadwire_zone={zone}", visitor.cookie))
}

#[tokio::test]
async fn times_and_days_are_those_of_the_browser_until_somebody_would_have_utc() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.send_lead("ada@example.com").await;
    app.clock.advance(Duration::from_secs(1));
    let utc = Visitor::of_contoso(&app, "publisher").await;
    let island = at(&app, &utc, "Pacific/Kiritimati");
    assert!(utc.read("/leads").await.contains("20 Nov 2026, 10:00"));
    assert!(island.read("/leads").await.contains("21 Nov 2026, 00:00"));
    // It came on the 21st there: a day of another zone has it not.
    let came = "contoso.crm-pro";
    assert!(utc.read("/reports?from=2026-11-20&to=2026-11-20").await.contains(came));
    assert!(!island.read("/reports?from=2026-11-20&to=2026-11-20").await.contains(came));
    let page = island.read("/reports?from=2026-11-21&to=2026-11-21").await;
    assert!(
        page.contains(came) && page.contains("21 Nov 2026, 00:00 – 22 Nov 2026, 00:00 Pacific/Kiritimati"),
        "{page}"
    );
    assert!(page.contains("leadwire report contoso --from 2026-11-20T10:00:00Z --to 2026-11-21T10:00:00Z"));
    let file = island.open("/reports/csv?from=2026-11-21&to=2026-11-21").await;
    let name = file.headers["content-disposition"].to_str().unwrap();
    assert!(name.contains("leads-by-offer-2026-11-21-to-2026-11-21.csv"), "{name}");
    assert!(island.read("/audit?from=2026-11-21").await.contains("Days are those of Pacific/Kiritimati"));
    // Whoever would have UTC all the same has it from then on.
    let chosen = island.act("/look", &[("zone", "utc"), ("back", "/leads")]).await;
    let kept = chosen.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(kept, "leadwire_look=en.auto.utc");
    let turned = Visitor::with(&app, format!("{}; {kept}", island.cookie));
    assert!(turned.read("/leads").await.contains("20 Nov 2026, 10:00"));
    let back = turned.act("/look", &[("zone", "local")]).await;
    assert!(back.headers["set-cookie"].to_str().unwrap().starts_with("leadwire_look=en.auto.local;"));
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_zone_is_passed_over() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.send_lead("ada@example.com").await;
    let admin = Visitor::of_contoso(&app, "publisher").await;
    for zone in ["", "Mars/Olympus", "../../etc/localtime", "Etc/UTC", &"A".repeat(2000)] {
        let page = text(&at(&app, &admin, zone).open("/leads").await);
        assert!(page.contains("20 Nov 2026, 10:00"), "{zone}: {page}");
        assert!(!page.contains("value=\"local\""), "there is nothing to choose: {zone}");
    }
    app.stop().await;
}
