//! Who may do what: every endpoint of the router, for every role, on one's own, a foreign and a missing publisher.

use bytes::Bytes;
use leadwire::access::{Action, Role};
use leadwire::api::{ENDPOINTS, Endpoint, Tenancy};
use leadwire_testkit::app::{Answer, TestApp};
use serde_json::{Value, json};

/// The permissions as a person would write them down, apart from the code that decides.
fn may(role: Role, action: Action) -> bool {
    let allowed: &[Action] = match role {
        Role::Operator => return true,
        Role::Publisher => &[
            Action::SendTouchpoints,
            Action::ReadLeads,
            Action::RevealLeads,
            Action::RetryDeliveries,
            Action::DecideOnLeads,
            Action::ReadSetup,
            Action::ChangeSetup,
            Action::ManageKeys,
            Action::ReadAudit,
        ],
        Role::Member => &[
            Action::ReadLeads,
            Action::RevealLeads,
            Action::RetryDeliveries,
            Action::DecideOnLeads,
            Action::ReadSetup,
        ],
        Role::Sender => &[Action::SendTouchpoints],
        Role::Reader => &[Action::ReadLeads, Action::RevealLeads, Action::ReadSetup],
    };
    allowed.contains(&action)
}

struct World {
    app: TestApp,
    keys: Vec<(Role, String)>,
}

async fn world() -> World {
    let app = TestApp::start().await;
    app.add_contoso().await;
    app.post("/v1/publishers", &json!({ "id": "fabrikam" })).await;
    let mut keys = vec![(Role::Operator, app.key.expose().clone())];
    for role in [Role::Publisher, Role::Member, Role::Sender, Role::Reader] {
        let new = json!({ "title": "matrix", "role": role.as_str() });
        let made = app.post("/v1/keys?publisher=contoso", &new).await;
        keys.push((role, made["key"].as_str().unwrap().to_owned()));
    }
    World { app, keys }
}

/// Calls an endpoint with things in its path that do not exist and a body that has no effect.
async fn call(app: &TestApp, endpoint: &Endpoint, publisher: Option<&str>, key: Option<&str>) -> Answer {
    let mut path = endpoint.path.to_owned();
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, "missing");
    }
    if let Some(publisher) = publisher {
        path = format!("{path}?publisher={publisher}");
    }
    let bearer = key.map(|it| format!("Bearer {it}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
    let body = if endpoint.takes.is_some() { Bytes::from_static(b"[]") } else { Bytes::new() };
    app.raw(endpoint.method.clone(), &path, &headers, body).await
}

fn without_request_id(answer: &Answer) -> Value {
    let mut body = answer.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    body
}

fn needs_key(endpoint: &Endpoint) -> bool {
    !matches!(endpoint.action, Action::Open | Action::SendToAddress | Action::Visit)
}

#[tokio::test]
async fn without_a_good_key_every_endpoint_answers_alike() {
    let world = world().await;
    let forged = format!("lw_live_{}", "0".repeat(38));
    for endpoint in ENDPOINTS.iter().filter(|it| needs_key(it)) {
        let none = call(&world.app, endpoint, Some("contoso"), None).await;
        let wrong = call(&world.app, endpoint, Some("contoso"), Some(&forged)).await;
        assert_eq!((none.status, wrong.status), (401, 401), "{} {}", endpoint.method, endpoint.path);
        assert_eq!(without_request_id(&none), without_request_id(&wrong));
        assert_eq!(none.headers["www-authenticate"], "Bearer");
    }
    world.app.stop().await;
}

#[tokio::test]
async fn each_role_may_do_what_is_written_down_and_nothing_else() {
    let world = world().await;
    for endpoint in ENDPOINTS.iter().filter(|it| needs_key(it)) {
        for (role, key) in &world.keys {
            let answer = call(&world.app, endpoint, Some("contoso"), Some(key)).await;
            let place = format!("{} {} as {}", endpoint.method, endpoint.path, role.as_str());
            if may(*role, endpoint.action) {
                assert!(![401, 403].contains(&answer.status), "{place}: {}", answer.status);
            } else {
                assert_eq!(answer.status, 403, "{place}");
            }
        }
    }
    world.app.stop().await;
}

#[tokio::test]
async fn a_foreign_publisher_cannot_be_told_from_a_missing_one() {
    let world = world().await;
    for endpoint in ENDPOINTS.iter().filter(|it| needs_key(it) && it.tenancy != Tenancy::Service) {
        for (role, key) in world.keys.iter().filter(|it| it.0 != Role::Operator) {
            let foreign = call(&world.app, endpoint, Some("fabrikam"), Some(key)).await;
            let missing = call(&world.app, endpoint, Some("nobody"), Some(key)).await;
            let odd = call(&world.app, endpoint, Some("no%20name"), Some(key)).await;
            let place = format!("{} {} as {}", endpoint.method, endpoint.path, role.as_str());
            assert_eq!((foreign.status, missing.status, odd.status), (404, 404, 404), "{place}");
            assert_eq!(without_request_id(&foreign), without_request_id(&missing), "{place}");
            assert_eq!(without_request_id(&foreign), without_request_id(&odd), "{place}");
        }
    }
    world.app.stop().await;
}

#[tokio::test]
async fn an_operator_must_say_whose_things_it_means() {
    let world = world().await;
    for endpoint in ENDPOINTS.iter().filter(|it| it.tenancy == Tenancy::Publisher) {
        let answer = call(&world.app, endpoint, None, Some(&world.keys[0].1)).await;
        assert_eq!(answer.status, 400, "{} {}", endpoint.method, endpoint.path);
    }
    world.app.stop().await;
}

#[tokio::test]
async fn ids_of_a_foreign_publisher_are_as_missing_as_ids_of_nobody() {
    let world = world().await;
    let app = &world.app;
    app.post("/v1/offers?publisher=fabrikam", &json!({ "id": "erp" })).await;
    let settings = json!({ "url": "https://example.com/leads" });
    let new = json!({ "name": "theirs", "kind": "https", "settings": settings });
    app.post("/v1/destinations?publisher=fabrikam", &new).await;
    let route =
        app.post("/v1/routes?publisher=fabrikam", &json!({ "offer": "*", "destination": "theirs" })).await;
    let address = app.post("/v1/intake-addresses?publisher=fabrikam", &json!({ "offer": "erp" })).await;
    app.post("/v1/destinations/theirs/pause?publisher=fabrikam", &json!({})).await;
    let sent = app.post("/v1/leads", &json!({ "offer": "fabrikam.erp" })).await;
    let (lead, touchpoint) = (sent["lead"].as_str().unwrap(), sent["id"].as_str().unwrap());
    let delivery = format!("dlv_{}_1", &touchpoint[3..]);
    let theirs = |name: &str| match name {
        "lead" => lead.to_owned(),
        "delivery" => delivery.clone(),
        "destination" => "theirs".to_owned(),
        "offer" => "erp".to_owned(),
        "route" => route["id"].as_str().unwrap().to_owned(),
        "address" => address["id"].as_str().unwrap().to_owned(),
        _ => "missing".to_owned(),
    };
    let key = &world.keys.iter().find(|it| it.0 == Role::Publisher).unwrap().1;
    let bearer = format!("Bearer {key}");
    for endpoint in ENDPOINTS.iter().filter(|it| it.tenancy == Tenancy::Publisher && it.path.contains('{')) {
        let mut path = endpoint.path.to_owned();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            let name = path[from + 1..to].to_owned();
            path.replace_range(from..=to, &theirs(&name));
        }
        let body = match path.rsplit('/').next() {
            Some("interest") => json!({ "interest": "initial", "reason": "a test" }),
            Some("feedback") => json!({ "outcome": "lost" }),
            Some("do-not-contact" | "permit-contact" | "unmerge" | "dismiss" | "erase") => {
                json!({ "reason": "a test" })
            }
            Some("merge") => json!({ "with": lead, "reason": "a test" }),
            Some("listing") => json!({ "kind": "contact_me" }),
            _ if path.starts_with("/v1/routes/") => json!({ "stop": true }),
            _ => json!({ "settings": {} }),
        };
        let body = Bytes::from(body.to_string());
        let answer = app.raw(endpoint.method.clone(), &path, &[("authorization", &bearer)], body).await;
        assert_eq!(answer.status, 404, "{} {path}", endpoint.method);
    }
    world.app.stop().await;
}

#[tokio::test]
async fn a_sender_reaches_only_its_own_publishers_offers() {
    let world = world().await;
    let key = &world.keys.iter().find(|it| it.0 == Role::Sender).unwrap().1;
    let bearer = format!("Bearer {key}");
    let send = async |offer: &str| {
        let body = Bytes::from(json!({ "offer": offer }).to_string());
        let headers = [("authorization", bearer.as_str())];
        world.app.raw(http::Method::POST, "/v1/leads", &headers, body).await
    };
    send("contoso.crm-pro").await.expect(202);
    let foreign = send("fabrikam.erp").await;
    let missing = send("nobody.erp").await;
    assert_eq!((foreign.status, missing.status), (422, 422));
    assert_eq!(without_request_id(&foreign), without_request_id(&missing));
    world.app.stop().await;
}

#[tokio::test]
async fn a_revoked_and_an_expired_key_are_unknown() {
    let world = world().await;
    let app = &world.app;
    let made = app
        .post("/v1/keys?publisher=contoso", &json!({ "title": "t", "role": "reader", "expires_in_days": 1 }))
        .await;
    let bearer = format!("Bearer {}", made["key"].as_str().unwrap());
    let read =
        async || app.raw(http::Method::GET, "/v1/offers", &[("authorization", &bearer)], Bytes::new()).await;
    assert_eq!(read().await.status, 200);
    app.clock.advance(std::time::Duration::from_secs(24 * 3600 + 1));
    assert_eq!(read().await.status, 401);
    let (_, sender) = world.keys.iter().find(|it| it.0 == Role::Sender).unwrap();
    let listed = app.get("/v1/keys?publisher=contoso").await;
    let id =
        listed["items"].as_array().unwrap().iter().find(|it| it["role"] == "sender").unwrap()["id"].clone();
    let path = format!("/v1/keys/{}?publisher=contoso", id.as_str().unwrap());
    app.call(http::Method::DELETE, &path, None).await;
    let bearer = format!("Bearer {sender}");
    let answer = app
        .raw(http::Method::POST, "/v1/leads", &[("authorization", &bearer)], Bytes::from_static(b"{}"))
        .await;
    assert_eq!(answer.status, 401);
    world.app.stop().await;
}
