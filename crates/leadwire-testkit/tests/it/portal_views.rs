//! Saved views in the portal: a name for what somebody looks for, which they alone see.

use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::https_endpoint::Answer as Reply;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, text};
use serde_json::json;

const PARKED: [(&str, &str); 4] = [
    ("page", "deliveries"),
    ("name", "Parked at the CRM"),
    ("query", "state=parked&destination=crm"),
    ("back", "/deliveries?destination=crm&state=parked"),
];

#[tokio::test]
async fn a_view_is_saved_found_again_and_removed_by_whom_it_belongs_to() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let endpoint = start_endpoint(&app.clock, None).await;
    endpoint.script(vec![Reply::status(422)]);
    app.add_destination("crm", json!({ "url": endpoint.url() })).await;
    app.send_lead("x@example.com").await;
    app.wait_until_settled().await;
    let ada = Visitor::operator(&app).await;
    let bob = Visitor::of_contoso(&app, "reader").await;
    assert!(!bob.read("/deliveries").await.contains("Save this view"), "everything needs no name");
    let page = bob.read(PARKED[3].1).await;
    assert!(page.contains("Save this view") && page.contains("value=\"destination=crm&#38;state=parked\""));
    let saved = bob.act("/views/save", &PARKED).await;
    let back = saved.headers["location"].to_str().unwrap().to_owned();
    assert_eq!((saved.status, back.as_str()), (303, "/deliveries?destination=crm&state=parked&done=saved"));
    let page = bob.read(&back).await;
    assert!(page.contains("aria-current=\"page\">Parked at the CRM</a>"), "{page}");
    assert!(!page.contains("Save this view") && page.contains("Remove this view"));
    assert!(!ada.read("/deliveries").await.contains("Parked at the CRM"), "it is nobody else's");
    assert_eq!(app.get("/v1/views?publisher=contoso").await["items"], json!([]), "nor a key's");
    let gone = ada.act("/views/remove", &PARKED).await;
    assert_eq!(gone.status, 404);
    assert_eq!(bob.act("/views/remove", &PARKED).await.status, 303);
    assert!(!bob.read("/deliveries").await.contains("Parked at the CRM"));
    for (page, query) in [("reports", "by=source&from=2026-11-01"), ("audit", "action=route.add")] {
        let named = [("page", page), ("name", "Mine"), ("query", query)];
        assert_eq!(ada.act("/views/save", &named).await.status, 303);
        let shown = ada.read(&format!("/{page}?{query}")).await;
        assert!(shown.contains("aria-current=\"page\">Mine</a>"), "{page}: {shown}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_saved_says_why_and_names_no_person() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let long = "x".repeat(limits::VIEW_NAME_BYTES_MAX + 1);
    let bad = [
        ("name", " "),
        ("name", long.as_str()),
        ("name", "two\nlines"),
        ("page", "leads"),
        ("query", ""),
        ("query", "q=ada%40example.com"),
    ];
    for (name, value) in bad {
        let fields = PARKED.map(|it| if it.0 == name { (name, value) } else { it });
        let answer = bob.act("/views/save", &fields).await;
        assert_eq!((answer.status, text(&answer).contains("role=\"alert\"")), (422, true), "{name} {value}");
    }
    for number in 0..limits::VIEWS_MAX {
        let name = format!("View {number}");
        let fields = PARKED.map(|it| if it.0 == "name" { ("name", name.as_str()) } else { it });
        assert_eq!(bob.act("/views/save", &fields).await.status, 303);
    }
    let full = bob.act("/views/save", &PARKED).await;
    assert_eq!((full.status, text(&full).contains("too many saved views")), (409, true));
    let again = PARKED.map(|it| if it.0 == "name" { ("name", "View 3") } else { it });
    assert_eq!(bob.act("/views/save", &again).await.status, 303, "a name that is there is written over");
    app.stop().await;
}

#[tokio::test]
async fn the_views_of_a_user_go_with_them() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    assert_eq!(bob.act("/views/save", &PARKED).await.status, 303);
    assert_eq!(ada.act("/views/save", &PARKED).await.status, 303);
    let count = async || {
        let sql = "SELECT COUNT(*) FROM saved_view";
        app.app.store.read(move |tx| tx.find(sql, &[], |row| row.int(0))).await.unwrap()
    };
    assert_eq!(count().await, Some(2));
    let users = app.get("/v1/users?publisher=contoso").await;
    let id = users["items"][0]["id"].as_str().unwrap().to_owned();
    app.call(Method::DELETE, &format!("/v1/users/{id}"), None).await.expect(204);
    assert_eq!(count().await, Some(1));
    app.stop().await;
}
