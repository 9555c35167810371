//! Leads that are one, over the whole program: merged and parted by a person, suggested, and folded by a publisher's rules.

use http::Method;
use leadwire_sandbox::https_endpoint::HttpsEndpoint;
use leadwire_testkit::app::{PATIENCE, TestApp, start_endpoint};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn start() -> (TestApp, HttpsEndpoint) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let crm = start_endpoint(&app.clock, None).await;
    app.add_destination("crm", json!({ "url": crm.url() })).await;
    (app, crm)
}

/// Sends a touchpoint; gives the lead it belongs to.
async fn send(app: &TestApp, action: &str, customer: Value) -> String {
    let touchpoint =
        json!({ "source": "SPZA", "action": action, "offer": "contoso.crm-pro", "customer": customer });
    app.clock.advance(SECOND);
    app.post("/v1/leads", &touchpoint).await["lead"].as_str().unwrap().to_owned()
}

async fn decide(app: &TestApp, path: &str, wish: Value) -> Value {
    app.clock.advance(SECOND);
    app.post(&format!("{path}?publisher=contoso"), &wish).await
}

async fn show(app: &TestApp, lead: &str) -> Value {
    app.get(&format!("/v1/leads/{lead}?publisher=contoso")).await
}

/// What arrived, oldest first.
fn arrived(endpoint: &HttpsEndpoint) -> Vec<Value> {
    let bodies = endpoint.received().into_iter();
    bodies.map(|it| serde_json::from_slice::<Value>(&it.body).unwrap()["data"].clone()).collect()
}

#[tokio::test]
async fn two_leads_are_one_everywhere_and_two_again_with_what_came_meanwhile() {
    let (app, crm) = start().await;
    let ada = send(&app, "INS", json!({ "email": "ada@x.example", "phone": "+36201234567" })).await;
    let work = send(&app, "INS", json!({ "email": "ada@work.example", "company": "Analytical" })).await;
    app.wait_until_settled().await;
    let wish = json!({ "with": ada, "reason": "it is her", "by": "Bob" });
    let whole = decide(&app, &format!("/v1/leads/{work}/merge"), wish).await;
    assert_eq!((&whole["lead"]["id"], &whole["lead"]["members"]), (&json!(ada), &json!(1)), "{whole}");
    let merged = json!({ "email": "ada@work.example", "phone": "+36201234567", "company": "Analytical" });
    assert_eq!(whole["lead"]["customer"], merged);
    let member = &whole["members"][1];
    assert_eq!(
        (&member["lead"], &member["parent"], &member["rule"]),
        (&json!(work), &json!(ada), &json!("person"))
    );
    assert_eq!(member["records"][0]["destination"], "crm", "what a person can merge there");
    let act = &whole["standing"]["decisions"][0];
    assert_eq!((&act["kind"], &act["value"]), (&json!("merge"), &json!(format!("{work} into {ada}"))));
    let rules: Vec<&Value> =
        whole["timeline"].as_array().unwrap().iter().map(|it| &it["folded"]["rule"]).collect();
    assert_eq!(rules, ["email", "email", "person"]);
    // The destination hears of the one customer, under the lead that stands.
    app.wait_until_settled().await;
    let told = arrived(&crm).pop().unwrap();
    assert_eq!((&told["lead"], &told["action"], &told["customer"]), (&json!(ada), &json!("Merged"), &merged));
    let listed = app.get("/v1/leads?publisher=contoso").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let by_member = show(&app, &work).await;
    assert_eq!((&by_member["merged_into"], &by_member["lead"]), (&json!(ada), &whole["lead"]));
    let deliveries = app.get(&format!("/v1/deliveries?publisher=contoso&lead={work}")).await;
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 3, "of both, and what was told");
    // What comes for either is for both.
    assert_eq!(send(&app, "PLT", json!({ "email": "ada@work.example", "title": "CTO" })).await, ada);
    app.wait_until_settled().await;
    assert_eq!(arrived(&crm).pop().unwrap()["lead"], json!(ada));

    let parted = decide(&app, &format!("/v1/leads/{work}/unmerge"), json!({ "reason": "her sister" })).await;
    assert_eq!((&parted["out_of"], &parted["brought_anew"]), (&json!(ada), &json!(1)));
    let own = json!({ "email": "ada@work.example", "company": "Analytical", "title": "CTO" });
    assert_eq!(
        (&parted["lead"]["lead"]["customer"], &parted["lead"]["lead"]["interest"]),
        (&own, &json!("active"))
    );
    let left = show(&app, &ada).await;
    let first = json!({ "email": "ada@x.example", "phone": "+36201234567" });
    assert_eq!((&left["lead"]["customer"], &left["lead"]["interest"]), (&first, &json!("initial")));
    assert!(left["members"].is_null());
    let ledger = app.wait_until_settled().await;
    assert_eq!(ledger["adds_up"], true);
    let since: Vec<Value> = arrived(&crm).split_off(4);
    let of = |lead: &str| since.iter().filter(|it| it["lead"] == lead).collect::<Vec<_>>();
    let (of_ada, of_work) = (of(&ada), of(&work));
    assert_eq!((of_ada.len(), of_work.len()), (1, 2), "{since:?}");
    assert_eq!((&of_ada[0]["action"], &of_ada[0]["customer"]), (&json!("Unmerged"), &first));
    assert_eq!((&of_work[0]["action"], &of_work[1]["customer"]), (&json!("PLT"), &own));
    app.stop().await;
}

#[tokio::test]
async fn a_merge_outlives_a_new_start_with_all_that_is_owed() {
    let (app, crm) = start().await;
    let one = send(&app, "INS", json!({ "email": "ada@x.example" })).await;
    let other = send(&app, "INS", json!({ "email": "ada@y.example" })).await;
    app.wait_until_settled().await;
    decide(&app, "/v1/destinations/crm/pause", json!({})).await;
    send(&app, "PLT", json!({ "email": "ada@y.example" })).await;
    decide(&app, &format!("/v1/leads/{other}/merge"), json!({ "into": one, "reason": "same" })).await;
    let clock = std::sync::Arc::clone(&app.clock);
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    decide(&app, "/v1/destinations/crm/resume", json!({})).await;
    app.wait_until_settled().await;
    let arrived: Vec<(Value, Value)> =
        arrived(&crm).into_iter().skip(2).map(|it| (it["lead"].clone(), it["action"].clone())).collect();
    assert_eq!(arrived, [(json!(one), json!("PLT")), (json!(one), json!("Merged"))]);
    let parted = decide(&app, &format!("/v1/leads/{other}/unmerge"), json!({ "reason": "no" })).await;
    assert_eq!(parted["lead"]["lead"]["customer"], json!({ "email": "ada@y.example" }));
    app.stop().await;
}

#[tokio::test]
async fn a_wish_not_to_be_contacted_is_the_whole_customers() {
    let (app, crm) = start().await;
    let one = send(&app, "INS", json!({ "email": "ada@x.example" })).await;
    app.wait_until_settled().await;
    let other = send(&app, "DNC", json!({ "email": "ada@y.example" })).await;
    let whole =
        decide(&app, &format!("/v1/leads/{one}/merge"), json!({ "from": other, "reason": "same" })).await;
    assert_eq!(whole["lead"]["do_not_contact"], true);
    app.wait_until_settled().await;
    let told = arrived(&crm).pop().unwrap();
    assert_eq!((&told["lead"], &told["do_not_contact"]), (&json!(one), &json!(true)), "{told}");
    decide(&app, &format!("/v1/leads/{other}/unmerge"), json!({ "reason": "her brother" })).await;
    app.wait_until_settled().await;
    let told: Vec<Value> = arrived(&crm).into_iter().filter(|it| it["lead"] == json!(one)).collect();
    assert_eq!(told.last().unwrap()["do_not_contact"], false, "it was the other's wish");
    assert_eq!(show(&app, &other).await["lead"]["do_not_contact"], true);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_merged_says_why_and_what_to_do() {
    let (app, _crm) = start().await;
    let one = send(&app, "INS", json!({ "email": "ada@x.example" })).await;
    let other = send(&app, "INS", json!({ "email": "ada@y.example" })).await;
    let test = json!({ "offer": "contoso.crm-pro", "test": true, "customer": { "email": "t@x.example" } });
    let test = app.post("/v1/leads", &test).await["lead"].as_str().unwrap().to_owned();
    let merge = async |lead: &str, wish: Value| {
        app.call(Method::POST, &format!("/v1/leads/{lead}/merge?publisher=contoso"), Some(&wish)).await
    };
    for (wish, status, pointer) in [
        (json!({ "reason": "x" }), 422, "/into"),
        (json!({ "into": other, "with": other, "reason": "x" }), 422, "/into"),
        (json!({ "into": "lead_x", "reason": "x" }), 422, "/into"),
        (json!({ "from": one, "reason": "x" }), 422, "/from"),
        (json!({ "with": "lead_00000000000000000000000000", "reason": "x" }), 422, "/with"),
        (json!({ "with": other, "reason": " " }), 422, "/reason"),
    ] {
        let problem = merge(&one, wish).await.expect(status);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let trial = merge(&one, json!({ "with": test, "reason": "x" })).await.expect(409);
    assert_eq!(trial["code"], "trial_and_customer");
    let path = format!("/v1/leads/{one}/unmerge?publisher=contoso");
    let alone = app.call(Method::POST, &path, Some(&json!({ "reason": "x" }))).await.expect(409);
    assert_eq!(alone["code"], "not_merged");
    app.wait_until_settled().await;
    merge(&other, json!({ "into": one, "reason": "x" })).await.expect(200);
    let again = merge(&other, json!({ "into": one, "reason": "x" })).await.expect(409);
    assert_eq!(again["code"], "already_merged");
    assert!(again["fix"].as_str().unwrap().contains(&one), "{again}");
    app.stop().await;
}

/// Lets the search for near matches look at what came, and gives the open suggestions once they are as wished.
async fn suggested(app: &TestApp, wish: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut steps = app.app.suggesting.steps();
    app.clock.advance(Duration::from_secs(100));
    loop {
        steps.borrow_and_update();
        let seen = app.get("/v1/suggestions?publisher=contoso").await["items"].as_array().unwrap().clone();
        if wish(&seen) {
            return seen;
        }
        let stepped = tokio::time::timeout(PATIENCE, steps.changed()).await;
        stepped.unwrap_or_else(|_| panic!("it never came to what was wished: {seen:?}")).unwrap();
    }
}

#[tokio::test]
async fn near_matches_are_suggested_and_only_a_person_merges_them() {
    let (app, _crm) = start().await;
    let ada = json!({ "first_name": "Ada", "last_name": "Lovelace", "email": "ada.l@gmail.com" });
    let one = send(&app, "INS", ada).await;
    let other = send(&app, "INS", json!({ "email": "adal+crm@gmial.com" })).await;
    let namesake = send(
        &app,
        "INS",
        json!({ "first_name": "ada", "last_name": "LOVELACE", "email": "ada.l@z.example" }),
    )
    .await;
    let mut trial = json!({ "offer": "contoso.crm-pro", "customer": { "email": "adal@gmail.com" } });
    trial["test"] = json!(true);
    app.post("/v1/leads", &trial).await;
    let found = suggested(&app, |it| it.len() == 2).await;
    let of = |lead: &str| {
        found.iter().find(|it| it["leads"].as_array().unwrap().iter().any(|it| it["id"] == lead)).unwrap()
    };
    assert_eq!(of(&other)["rules"], json!(["email_alike"]));
    assert_eq!(of(&namesake)["rules"], json!(["name_and_mailbox"]));
    assert_eq!(of(&namesake)["fields"], json!(["first_name", "last_name", "email"]));
    let listed = app.get("/v1/leads?publisher=contoso").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4, "nothing merges by itself");
    // Dismissed is for ever.
    let path = format!("/v1/suggestions/{}/dismiss", of(&namesake)["id"].as_str().unwrap());
    let dismissed = decide(&app, &path, json!({ "reason": "a namesake" })).await;
    assert_eq!((&dismissed["state"], &dismissed["reason"]), (&json!("dismissed"), &json!("a namesake")));
    send(&app, "PLT", json!({ "first_name": "ada", "last_name": "LOVELACE", "email": "ada.l@z.example", "phone": "+36201234567" })).await;
    // Merged by a person, what was suggested speaks for it.
    app.wait_until_settled().await;
    let whole =
        decide(&app, &format!("/v1/leads/{other}/merge"), json!({ "with": one, "reason": "yes" })).await;
    assert_eq!(whole["members"][1]["rule"], "email_alike");
    assert_eq!(whole["members"][1]["fields"], json!(["email"]));
    let merged = app.get("/v1/suggestions?publisher=contoso&state=merged").await;
    assert_eq!(merged["items"][0]["leads"].as_array().unwrap().len(), 1, "they are one");
    let path = format!("/v1/suggestions/{}/dismiss?publisher=contoso", of(&other)["id"].as_str().unwrap());
    app.call(Method::POST, &path, Some(&json!({ "reason": "no" }))).await.expect(409);
    // Parted again, they are not suggested anew.
    app.wait_until_settled().await;
    decide(&app, &format!("/v1/leads/{other}/unmerge"), json!({ "reason": "no" })).await;
    let peter = send(&app, "INS", json!({ "email": "peter@p.example", "phone": "+36 20 123 4567" })).await;
    let found = suggested(&app, |it| it.len() == 1).await;
    assert_eq!(found[0]["rules"], json!(["same_phone"]));
    assert!(found[0]["leads"].as_array().unwrap().iter().any(|it| it["id"] == peter));
    app.stop().await;
}

#[tokio::test]
async fn a_publishers_own_rules_say_who_is_one_customer() {
    let (app, _crm) = start().await;
    app.post("/v1/offers?publisher=contoso", &json!({ "id": "erp" })).await;
    let path = "/v1/identity-rules?publisher=contoso";
    let delivered = app.get(path).await;
    assert_eq!(
        (&delivered["rules"], &delivered["own"]),
        (&json!(["email", "phone_and_name"]), &json!(false))
    );
    let before =
        send(&app, "INS", json!({ "email": "info@reseller.example", "phone": "+36201234567" })).await;
    let rules = json!({
        "rules": ["email", "phone_and_name", "phone"], "scope": "offer",
        "shared_mailboxes": ["@Reseller.example"],
    });
    let put = app.call(Method::PUT, path, Some(&rules)).await.expect(200);
    assert_eq!((&put["shared_mailboxes"], &put["own"]), (&json!(["@reseller.example"]), &json!(true)));
    let shared = json!({ "email": "info@reseller.example", "phone": "+36201234567" });
    let ada = send(&app, "INS", shared.clone()).await;
    assert_ne!(ada, before, "the rules count from now on");
    assert_eq!(send(&app, "PLT", shared.clone()).await, ada);
    let erp = json!({ "offer": "contoso.erp", "customer": shared });
    assert_ne!(app.post("/v1/leads", &erp).await["lead"], json!(ada), "another offer is another lead");
    let folded = show(&app, &ada).await["timeline"][1]["folded"].clone();
    assert_eq!((&folded["rule"], &folded["scope"]), (&json!("phone"), &json!("offer")));
    assert_eq!(folded["fields"], json!(["phone", "country"]));
    assert_eq!(
        show(&app, &before).await["timeline"][0]["folded"]["rule"],
        "email",
        "by the rules of its day"
    );
    for (bad, pointer) in [
        (json!({ "rules": ["name"] }), "/rules/0"),
        (json!({ "rules": ["email", "email"] }), "/rules"),
        (json!({ "rules": [], "scope": "world" }), "/scope"),
        (json!({ "rules": [], "shared_mailboxes": ["nobody"] }), "/shared_mailboxes/0"),
    ] {
        let problem = app.call(Method::PUT, path, Some(&bad)).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    app.call(Method::DELETE, path, None).await.expect(204);
    assert_eq!(app.get(path).await, delivered);
    assert_eq!(send(&app, "INS", json!({ "email": "info@reseller.example" })).await, before);
    app.stop().await;
}
