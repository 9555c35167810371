//! What was kept aside in the portal, without a script: sent again once it was counted, and bodies that people put right.

use crate::sign_in::location;
use bytes::Bytes;
use http::Method;
use leadwire::clock::Clock;
use leadwire_core::id::{DestinationNo, PublisherId, ReplayId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::routing::Offers;
use leadwire_store::replays::{Done, Mode, Replay, ReplayState, Selection};
use leadwire_store::suggestions::Mint;
use leadwire_testkit::app::{TestApp, start_endpoint};
use leadwire_testkit::portal::{Visitor, path_of, text};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const P: &str = "?publisher=contoso";
/// As a marketplace might send it, with the quotation marks of its second line forgotten.
const BROKEN: &str = "{\"UserDetails\": {\"FirstName\": \"Kim\", \"Email\": \"kim@example.com\"},\n\"LeadSource\": SPZA-INS|crm-pro}";
const MENDED: &str = "{\"UserDetails\": {\"FirstName\": \"Kim\", \"Email\": \"kim@example.com\"},\n\"LeadSource\": \"SPZA-INS|crm-pro\"}";

async fn contoso() -> TestApp {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app
}

/// Waits until a replay is over.
async fn over(app: &TestApp, path: &str) -> Value {
    let path = format!("/v1{path}{P}");
    app.replayed(&path).await
}

/// The path of where an answer leads.
fn led_to(answer: &leadwire_testkit::app::Answer) -> String {
    assert_eq!(answer.status, 303, "{}", text(answer));
    location(answer).split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_went_nowhere_is_counted_first_and_then_sent_once() {
    let app = contoso().await;
    for email in ["kim@example.com", "lee@example.com"] {
        app.send_lead(email).await;
    }
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let eve = Visitor::of_contoso(&app, "reader").await;
    assert!(bob.read("/unrouted").await.contains("href=\"/replays/new\""));
    assert!(!eve.read("/unrouted").await.contains("/replays/new"), "what they may not do is not offered");
    assert_eq!(eve.open("/replays/new").await.status, 403);
    let form = bob.read("/replays/new?destination=crm&state=parked&filter=%22%3E%3Cb%3E").await;
    assert!(
        form.contains("<option value=\"crm\" selected>") && form.contains("&#34;&#62;&#60;b&#62;"),
        "{form}"
    );

    let counted =
        bob.act("/replays/new", &[("offer", "*"), ("action", "INS"), ("from", "2020-01-01T00:00")]).await;
    let dry = led_to(&counted);
    assert_eq!(over(&app, &dry).await["added"], 2);
    let page = bob.read(&dry).await;
    for said in
        ["What it would do", "Counts only", "what went nowhere", "1 Jan 2020", &format!("{dry}/begin")]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(
        crm.received().is_empty() && !eve.read(&dry).await.contains("<button class=\"button\">Send it now")
    );
    assert_eq!(eve.act(&format!("{dry}/begin"), &[]).await.status, 403);

    let begun = led_to(&bob.act(&format!("{dry}/begin"), &[]).await);
    assert_eq!(over(&app, &begun).await["added"], 2);
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 2);
    assert_eq!(
        led_to(&bob.act(&format!("{dry}/begin"), &[]).await),
        begun,
        "whoever presses twice means once"
    );
    let page = bob.read(&dry).await;
    assert!(page.contains(&format!("href=\"{begun}\"")) && !page.contains("/begin\""), "{page}");
    let page = bob.read(&begun).await;
    assert!(page.contains("What it did") && page.contains("It was not there yet"), "{page}");
    for list in ["/replays", "/failures"] {
        let page = bob.read(list).await;
        assert!(
            page.contains(&format!("href=\"{dry}\"")) && page.contains(&format!("href=\"{begun}\"")),
            "{page}"
        );
    }
    assert!(bob.read("/unrouted").await.contains("Everything found its way"));
    let empty = led_to(&bob.act("/replays/new", &[]).await);
    over(&app, &empty).await;
    let page = bob.read(&empty).await;
    assert!(page.contains("Nothing would be sent") && !page.contains("/begin\""), "{page}");
    for missing in ["/replays/rpl_0", "/replays/none"] {
        assert_eq!(bob.open(missing).await.status, 404, "{missing}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_choice_stands_beside_it_and_nothing_is_counted() {
    let app = contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let table: [(&[(&str, &str)], &str); 7] = [
        (&[("from", "yesterday")], "replay-from-wrong"),
        (&[("from", "2026-11-20T10:00"), ("until", "2026-11-19T10:00")], "replay-until-wrong"),
        (&[("state", "parked")], "replay-state-wrong"),
        (&[("destination", "gone")], "replay-destination-wrong"),
        (&[("destination", "crm"), ("mapping", "7")], "replay-mapping-wrong"),
        (&[("destination", "crm"), ("cause", "http_422")], "replay-cause-wrong"),
        (&[("filter", "customer.(")], "replay-filter-wrong"),
    ];
    for (fields, wrong) in table {
        let refused = bob.act("/replays/new", fields).await;
        let page = text(&refused);
        assert_eq!(refused.status, 422, "{fields:?}: {page}");
        assert!(
            page.contains(&format!("id=\"{wrong}\"")) && page.contains("role=\"alert\""),
            "{wrong}: {page}"
        );
        let (_, typed) = fields.last().unwrap();
        // A destination that is gone by now cannot be chosen again.
        assert!(page.contains(typed) || *typed == "gone", "what was typed is kept: {page}");
    }
    assert_eq!(app.get(&format!("/v1/replays{P}")).await["items"], json!([]));
    app.stop().await;
}

/// A replay of everything to the first destination, of which nobody is told: it stays where it is until somebody rings.
pub(crate) fn unheard(app: &TestApp, id: u128) -> Replay {
    Replay {
        publisher: PublisherId::parse("contoso").unwrap(),
        id: ReplayId::new(id),
        created_at: app.clock.wall(),
        asked_by: "usr_of_somebody_else".to_owned(),
        destination: Some(DestinationNo::new(1)),
        offers: Offers::All,
        selection: Selection::default(),
        range: (
            TouchpointId::new(0),
            TouchpointId::first_at(app.clock.steady().plus(Duration::from_secs(1))),
        ),
        force: true,
        mode: Mode::Real,
        mapping: None,
        state: ReplayState::Running,
        done_to: TouchpointId::new(0).before(),
        total: Some(1),
        done: Done::default(),
        ended_at: None,
    }
}

#[tokio::test]
async fn a_replay_is_paused_gone_on_with_and_stopped_on_its_page() {
    let app = contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    app.send_lead("kim@example.com").await;
    app.wait_until_settled().await;
    let bob = Visitor::of_contoso(&app, "member").await;
    for id in [5, 6] {
        app.app.store.add_replay(unheard(&app, id)).await.unwrap();
    }
    let (one, other) = (format!("/replays/{}", ReplayId::new(5)), format!("/replays/{}", ReplayId::new(6)));
    let page = bob.read(&one).await;
    for said in
        ["data-live", "everything, once more", "0 of 1 looked at", "usr_of_somebody_else", "You may leave"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(led_to(&bob.act(&format!("{one}/pause"), &[]).await), one);
    let page = bob.read(&one).await;
    assert!(page.contains("Paused") && page.contains(&format!("{one}/resume\"")), "{page}");
    assert_eq!(led_to(&bob.act(&format!("{other}/stop"), &[]).await), other);
    let page = bob.read(&other).await;
    assert!(page.contains("Stopped") && !page.contains(&format!("{other}/stop\"")), "{page}");
    assert_eq!(bob.act(&format!("{one}/what"), &[]).await.status, 404);
    assert_eq!(led_to(&bob.act(&format!("{one}/resume"), &[]).await), one);
    assert_eq!(over(&app, &one).await["again"], 1);
    app.wait_until_settled().await;
    assert_eq!((crm.received().len(), over(&app, &other).await["state"].clone()), (2, json!("stopped")));
    app.stop().await;
}

/// A body in quarantine, by its id.
async fn keep(app: &TestApp, body: impl Into<Bytes>) -> String {
    let address = app.add_address().await;
    let kept = app.raw(Method::POST, &address, &[], body.into()).await.expect(202);
    kept["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_body_is_put_right_once_and_what_came_is_kept() {
    let app = contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let id = keep(&app, BROKEN).await;
    let ada = Visitor::operator(&app).await;
    let (bob, eve) = (Visitor::of_contoso(&app, "member").await, Visitor::of_contoso(&app, "reader").await);
    let path = format!("/quarantine/{id}");
    assert!(bob.read("/quarantine").await.contains(&format!("href=\"{path}\"")));
    let page = bob.read(&path).await;
    for said in ["What is wrong", "Line 2, sign 15", "<mark>S</mark>PZA-INS", "kim@example.com", "/repair\""]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let masked = eve.read(&path).await;
    assert!(!masked.contains("kim") && !masked.contains("/repair\"") && masked.contains("Line 2, sign 15"));
    assert_eq!(eve.act(&format!("{path}/repair"), &[("body", MENDED)]).await.status, 403);

    let still = "{\"UserDetails\": {\"Email\": \"lee@example.com\"}, \"<b>\": no}";
    let refused = bob.act(&format!("{path}/repair"), &[("body", still)]).await;
    let page = text(&refused);
    assert_eq!(refused.status, 422, "{page}");
    for said in [
        "role=\"alert\"",
        "What is wrong with what you typed",
        "<mark>n</mark>o}",
        "lee@example.com",
        "&#60;b&#62;",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(app.ledger().await["quarantined"], 1, "nothing happened");

    // As a browser sends it.
    let done = bob.act(&format!("{path}/repair"), &[("body", &MENDED.replace('\n', "\r\n"))]).await;
    assert!(led_to(&done) == path && location(&done).contains("done=repaired"));
    app.wait_until_settled().await;
    assert_eq!(crm.received().len(), 1);
    let page = bob.read(&format!("{path}?done=repaired")).await;
    for said in ["Put right", "href=\"/leads/lead_", "SPZA-INS|crm-pro}", "This is what came"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("/repair\"") && !page.contains("/retry\""), "{page}");
    let came = app.call(Method::GET, &format!("/v1{path}/body{P}"), None).await;
    assert_eq!(came.body, BROKEN, "what came is kept");
    for deed in ["repair", "retry"] {
        let late = bob.act(&format!("{path}/{deed}"), &[("body", "{}")]).await;
        assert!(led_to(&late) == path && location(&late).contains("done=read-before"), "{deed}");
    }
    assert_eq!(app.ledger().await["touchpoints"], 1);
    let told = app.get(&format!("/v1/audit{P}&action=quarantine.retry")).await["items"][0].clone();
    assert!(told["who"].as_str().unwrap().starts_with("usr_"), "{told}");
    assert_eq!((&told["subject"], &told["detail"]), (&json!(id), &json!("body")), "{told}");
    assert!(ada.read("/audit").await.contains("Put right a body that could not be read"));
    app.stop().await;
}

#[tokio::test]
async fn two_people_who_put_one_body_right_make_one_touchpoint() {
    let app = contoso().await;
    let id = keep(&app, BROKEN).await;
    let path = format!("/v1/quarantine/{id}/retry{P}");
    let wish = |name: &str| json!({ "body": MENDED.replace("Kim", name) });
    let (one, other) = (wish("Kimberly"), wish("Kimble"));
    let both =
        tokio::join!(app.call(Method::POST, &path, Some(&one)), app.call(Method::POST, &path, Some(&other)),);
    let accepted = |it: &leadwire_testkit::app::Answer| it.json()["accepted"] == 1;
    assert_eq!([&both.0, &both.1].into_iter().filter(|it| accepted(it)).count(), 1);
    for late in [both.0, both.1].into_iter().filter(|it| !accepted(it)) {
        assert!(late.status == 404 || late.json()["duplicates"] == 1, "{}", text(&late));
    }
    let ledger = app.ledger().await;
    assert_eq!((&ledger["touchpoints"], &ledger["quarantined"]), (&json!(1), &json!(0)), "{ledger}");
    let shown = app.get(&format!("/v1/quarantine/{id}{P}")).await;
    assert_eq!((&shown["repaired"], &shown["mistakes"]), (&json!(true), &json!([])), "{shown}");
    app.stop().await;
}

#[tokio::test]
async fn a_body_is_shown_as_far_as_it_is_text_and_fits() {
    let app = contoso().await;
    let shown = async |id: &str| app.get(&format!("/v1/quarantine/{id}{P}")).await;
    let bytes: &[u8] = b"{\"LeadSource\": \"caf\xe9\"}";
    let latin = keep(&app, bytes).await;
    let seen = shown(&latin).await;
    assert_eq!((&seen["garbled"], &seen["cut"]), (&json!(true), &json!(false)), "{seen}");
    assert_eq!(seen["mistakes"][0]["code"], "json_invalid_utf8");
    let place = &seen["mistakes"][0]["place"];
    assert_eq!((&place["there"], &place["column"]), (&json!("\u{fffd}"), &json!(20)), "{place}");
    let most = limits::QUARANTINE_TEXT_BYTES_MAX;
    let long = keep(&app, format!("{{\"a\": \"{}", "ő".repeat(most))).await;
    let seen = shown(&long).await;
    assert_eq!((&seen["garbled"], &seen["cut"]), (&json!(false), &json!(true)));
    assert!(seen["text"].as_str().unwrap().len() <= most);
    let bob = Visitor::of_contoso(&app, "member").await;
    let page = bob.read(&format!("/quarantine/{long}")).await;
    assert!(page.contains("leadwire quarantine show contoso") && !page.contains("/repair\""), "{page}");
    let quotes = keep(&app, format!("[\"{}", "\\\"<".repeat(most))).await;
    assert!(bob.read(&format!("/quarantine/{quotes}")).await.len() < 100_000);
    // Read by another content type, what came may be all right as it is.
    let form = "Email=kim%40example.com&FirstName=Kim&LastName=Lee&LeadSource=SPZA-INS%7Ccrm-pro";
    let address = app.add_address().await;
    let kept = app.raw(
        Method::POST,
        &address,
        &[("content-type", "application/x-www-form-urlencoded")],
        MENDED.into(),
    );
    let kept = kept.await.expect(202);
    if kept["quarantined"] == true {
        let path = format!("/v1/quarantine/{}/retry{P}", kept["id"].as_str().unwrap());
        let read = app.post(&path, &json!({ "content_type": "application/json" })).await;
        assert_eq!(read["accepted"], 1, "{read}");
    }
    let path = format!("/v1/quarantine/{latin}/retry{P}");
    let read =
        app.post(&path, &json!({ "body": form, "content_type": "application/x-www-form-urlencoded" })).await;
    assert_eq!(read["accepted"], 1, "{read}");
    let refused = [
        (json!({ "body": "x".repeat(limits::TOUCHPOINT_BYTES_MAX + 1) }), "/body"),
        (json!({ "body": "" }), "/body"),
        (
            json!({ "body": "{}", "content_type": "x".repeat(limits::CONTENT_TYPE_CHARS_MAX + 1) }),
            "/content_type",
        ),
    ];
    for (wish, pointer) in refused {
        let path = format!("/v1/quarantine/{long}/retry{P}");
        let answer = app.call(Method::POST, &path, Some(&wish)).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["pointer"].clone()), (422, json!(pointer)));
    }
    app.stop().await;
}

/// Rows of a file, without its heads.
fn rows(file: &leadwire_testkit::app::Answer) -> Vec<String> {
    assert_eq!(
        (file.status, &file.headers["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().unwrap())
    );
    text(file).lines().skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn all_that_a_page_was_asked_for_is_one_file_without_formulas() {
    let app = contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    let lead = |number: usize| {
        json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro", "customer": {
            "first_name": "=HYPERLINK(1)", "last_name": "O\"Neil, Kim", "email": format!("kim{number}@example.com") } })
    };
    let many = limits::PAGE_ROWS_MAX + 5;
    let all: Vec<Value> = (0..many).map(lead).collect();
    app.post("/v1/leads", &Value::from(all)).await;
    app.wait_until_settled().await;
    let (bob, eve) = (Visitor::of_contoso(&app, "member").await, Visitor::of_contoso(&app, "reader").await);
    assert!(bob.read("/leads").await.contains("action=\"/leads/csv\""));
    let file = bob.act("/leads/csv", &[]).await;
    assert_eq!(rows(&file).len(), many, "more than one answer of the API holds");
    assert!(text(&file).starts_with("id,first_name,last_name,email,"), "{}", &text(&file)[..200]);
    assert!(rows(&file).iter().all(|it| it.contains(",'=HYPERLINK(1),\"O\"\"Neil, Kim\",kim")));
    let newest = format!("kim{}@example.com", many - 1);
    let one = bob.act("/leads/csv", &[("q", &newest)]).await;
    assert!(rows(&one).len() == 1 && rows(&one)[0].contains(&newest), "{}", text(&one));
    // Their words are written down as the service does it a while later.
    let (store, until) =
        (&app.app.store, TouchpointId::first_at(app.clock.steady().plus(Duration::from_secs(1))));
    let (ids, now) = (Arc::clone(&app.app.ids), app.clock.steady());
    let mint: Mint = Arc::new(move || ids.next(now));
    while let Some(step) = store.near_page(PublisherId::parse("contoso").unwrap(), until).await.unwrap() {
        store.near_step(step, now, Arc::clone(&mint)).await.unwrap();
    }
    let cut = bob.act("/leads/csv", &[("q", "neil")]).await;
    assert_eq!(cut.status, 422, "a part is not given for the whole: {}", text(&cut));
    let masked = text(&eve.act("/leads/csv", &[]).await);
    assert!(masked.contains("k***@example.com") && !masked.contains("kim"), "{}", &masked[..300]);

    let page = bob.read("/deliveries?state=delivered&destination=crm").await;
    assert!(page.contains("href=\"/deliveries/csv?state=delivered&#38;destination=crm\""), "{page}");
    assert_eq!(rows(&bob.open("/deliveries/csv").await).len(), many);
    assert_eq!(rows(&bob.open("/deliveries/csv?state=delivered&destination=crm").await).len(), many);
    assert_eq!(rows(&bob.open("/deliveries/csv?state=parked").await), Vec::<String>::new());
    let link = app.post("/v1/portal-links?publisher=contoso", &json!({ "role": "member" })).await;
    let mut guest = Visitor::new(&app);
    guest.keep(&guest.open(&path_of(link["url"].as_str().unwrap())).await);
    assert!(!guest.read("/leads").await.contains("/leads/csv"), "what they may not do is not offered");
    assert_eq!(guest.act("/leads/csv", &[]).await.status, 403);
    app.clock.advance(limits::PROOF_KEPT);
    let asked = bob.act("/leads/csv", &[]).await;
    assert!(asked.status == 200 && text(&asked).contains("Is it still you?"));
    app.stop().await;
}
