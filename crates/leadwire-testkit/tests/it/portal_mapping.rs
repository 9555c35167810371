//! Mappings in the portal: what came beside what was sent, rows changed in a form and tried before they hold, and versions,
//! without a script.

use http::Method;
use leadwire_sandbox::stage::Stage;
use leadwire_testkit::app::TestApp;
use leadwire_testkit::portal::{Visitor, text};
use serde_json::{Value, json};

const P: &str = "?publisher=contoso";
const PATH: &str = "/destinations/hubspot/mapping";

/// `contoso` with every kind of destination, and leads that arrived there.
async fn mapped() -> (TestApp, Vec<Stage>) {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let stages = app.add_all_kinds(&json!({})).await;
    for (first, title) in [("Ada", "cto"), ("Eve", ""), ("Zoe", "cfo")] {
        let lead = json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
            "customer": { "first_name": first, "last_name": "Bell", "email": format!(" {first}@Example.com "),
                "title": title, "company": "Compilers" }, "custom": { "seats": 12 } });
        app.post("/v1/leads", &lead).await;
    }
    app.wait_until_settled().await;
    (app, stages)
}

/// The form as the page shows it, with some of its fields filled in otherwise.
fn form(page: &str, other: &[(&str, &str)]) -> Vec<(String, String)> {
    let main = page.split_once("name=\"version\"").expect("the form is there").1;
    let decode = |it: &str| {
        it.replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&#62;", ">")
            .replace("&#60;", "<")
            .replace("&#38;", "&")
    };
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(decode(rest.split('"').next()?))
    };
    let version = main.split_once("value=\"").unwrap().1.split('"').next().unwrap();
    let mut fields = vec![("version".to_owned(), version.to_owned())];
    for tag in main.split("<input ").skip(1).map(|it| format!(" {}", it.split('>').next().unwrap())) {
        let Some(name) = attribute(&tag, "name").filter(|it| it.contains('_') && it != "form_token") else {
            continue;
        };
        fields.push((name, attribute(&tag, "value").unwrap_or_default()));
    }
    for tag in main.split("<select name=\"write_").skip(1) {
        let at = tag.split('"').next().unwrap();
        let is_always = tag.split("</select>").next().unwrap().contains("value=\"always\" selected");
        fields.push((format!("write_{at}"), if is_always { "always" } else { "once" }.to_owned()));
    }
    for (name, value) in other {
        fields.retain(|it| it.0 != *name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

/// Where the row of a field stands in the form.
fn row_of(page: &str, field: &str) -> String {
    let before =
        page.split_once(&format!("value=\"{field}\"><span class=\"name\"")).expect("the field has a row").0;
    before.rsplit_once("name=\"field_").unwrap().1.split('"').next().unwrap().to_owned()
}

async fn send(visitor: &Visitor<'_>, fields: &[(String, String)], what: &str) -> (u16, String) {
    let mut all: Vec<(&str, &str)> = fields.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    all.push(("do", what));
    let answer = visitor.act(PATH, &all).await;
    (answer.status, text(&answer))
}

async fn delivery_to(app: &TestApp, destination: &str) -> String {
    let found = app.get(&format!("/v1/deliveries{P}&destination={destination}")).await;
    found["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_delivery_shows_what_came_beside_what_was_sent() {
    let (app, stages) = mapped().await;
    let ada = Visitor::operator(&app).await;
    let id = delivery_to(&app, "hubspot").await;
    let told = app.get(&format!("/v1/deliveries/{id}/fields{P}")).await;
    let row = |field: &str| {
        told["rows"].as_array().unwrap().iter().find(|it| it["field"] == field).unwrap().clone()
    };
    let email = row("email");
    assert_eq!((&email["sent"], &email["changes"]), (&json!("ada@example.com"), &json!(["transformed"])));
    assert_eq!(email["came"], json!([{ "name": "customer.email", "value": "Ada@Example.com" }]));
    assert_eq!((&row("phone")["fate"], &row("phone")["sent"]), (&json!("empty"), &Value::Null));
    assert_eq!((&told["version"], &told["current"]), (&json!(1), &json!(true)));
    assert_eq!(told["unread"], json!([{ "name": "custom.seats", "value": "12", "in_details": false }]));
    let page = ada.read(&format!("/deliveries/{id}")).await;
    for said in
        ["What came and what is sent", "ada@example.com", "Rewritten", "custom.seats", "Nothing came for:"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    // What was sent under another version is told by that one.
    app.clock.advance(std::time::Duration::from_secs(60));
    let change = json!({ "mapping": { "email": "customer.email", "phone": null } });
    app.call(Method::PUT, &format!("/v1/destinations/hubspot/mapping{P}"), Some(&change)).await.expect(200);
    let again = app.get(&format!("/v1/deliveries/{id}/fields{P}")).await;
    assert_eq!((&again["version"], &again["current"]), (&json!(1), &json!(false)));
    assert_eq!(again["rows"], told["rows"]);
    assert!(ada.read(&format!("/deliveries/{id}")).await.contains("which held then"));
    for stage in &stages {
        let id = delivery_to(&app, stage.kind).await;
        let told = app.get(&format!("/v1/deliveries/{id}/fields{P}")).await;
        let is_told = !told["rows"].as_array().unwrap().is_empty() || told["body"].is_string();
        assert!(is_told && told["why"].is_null(), "{}: {told}", stage.kind);
        let page = ada.read(&format!("/deliveries/{id}")).await;
        assert!(page.len() < 100_000, "{}: {}", stage.kind, page.len());
    }
    // Nothing is left to be told of an erased person.
    let lead =
        app.get(&format!("/v1/deliveries/{id}{P}")).await["delivery"]["lead"].as_str().unwrap().to_owned();
    let erase = json!({ "reason": "asked" });
    app.call(Method::POST, &format!("/v1/leads/{lead}/erase{P}"), Some(&erase)).await;
    app.wait_for(&format!("/v1/deliveries/{id}{P}"), |it| it["content"]["content"].is_null()).await;
    let told = app.get(&format!("/v1/deliveries/{id}/fields{P}")).await;
    assert_eq!((&told["rows"], told["why"].is_string()), (&json!([]), true));
    app.stop().await;
}

#[tokio::test]
async fn rows_are_tried_saved_compared_and_taken_back() {
    let (app, _stages) = mapped().await;
    let ada = Visitor::operator(&app).await;
    let page = ada.read(PATH).await;
    assert!(ada.read("/destinations/hubspot").await.contains(PATH), "a tab leads there");
    let (title, company) = (row_of(&page, "jobtitle"), row_of(&page, "company"));
    let (steps, from) = (format!("steps_{title}"), format!("from_{company}"));
    let blank = form(&page, &[]).iter().filter(|it| it.0.starts_with("field_")).count() - 3;
    let new = [format!("field_{blank}"), format!("from_{blank}"), format!("otherwise_{blank}")];
    let other = [
        (steps.as_str(), "upper"),
        (from.as_str(), ""),
        (new[0].as_str(), "numemployees"),
        (new[1].as_str(), "custom.seats"),
        (new[2].as_str(), "0"),
    ];
    let leads = app.get(&format!("/v1/leads{P}")).await;
    let lead = leads["items"][0]["id"].as_str().unwrap();
    let typed = form(&page, &[&other[..], &[("of", lead)]].concat());
    let (status, tried) = send(&ada, &typed, "try").await;
    assert_eq!(status, 200, "{tried}");
    for said in ["What it would make of this lead", "cfo", "CFO", "numemployees", lead] {
        assert!(tried.contains(said), "{said}: {tried}");
    }
    assert!(
        tried.contains(">changed</span>")
            && tried.contains(">left out</span>")
            && tried.contains(">added</span>")
    );
    let (status, tested) = send(&ada, &typed, "test").await;
    assert_eq!(status, 200);
    assert!(tested.contains("3 actions looked at") && tested.contains("numemployees"), "{tested}");
    let wish = json!({ "mapping": { "jobtitle": "customer.title | upper", "company": null } });
    let counted = app.post(&format!("/v1/destinations/hubspot/mapping/back-test{P}"), &wish).await;
    assert_eq!((&counted["looked_at"], &counted["differing"]), (&json!(3), &json!(3)));
    let of = |field: &str| {
        counted["fields"].as_array().unwrap().iter().find(|it| it["field"] == field).unwrap().clone()
    };
    assert_eq!((&of("company")["emptied"], &of("jobtitle")["other"]), (&json!(3), &json!(2)));
    let versions = async || app.get(&format!("/v1/destinations/hubspot/mappings{P}")).await["items"].clone();
    assert_eq!(versions().await.as_array().unwrap().len(), 1, "looking saves nothing");
    let (status, _) = send(&ada, &typed, "save").await;
    assert_eq!(status, 303);
    let kept = versions().await;
    let rows = json!({ "company": null, "jobtitle": "customer.title | upper", "numemployees": "custom.seats | default('0')" });
    assert_eq!((&kept[0]["number"], &kept[0]["mapping"]), (&json!(2), &rows));
    assert!(kept[0]["created_by"].as_str().unwrap().starts_with("usr_"));
    let (status, late) = send(&ada, &typed, "save").await;
    assert_eq!(status, 409, "somebody else's version is not overwritten unseen");
    assert!(late.contains("somebody changed this destination meanwhile") && late.contains("value=\"upper\""));
    let compared = ada.read(&format!("{PATH}?from=1&to=2")).await;
    assert!(compared.contains("customer.title | upper") && compared.contains("not written"), "{compared}");
    assert!(ada.read(&format!("{PATH}?from=2&to=2")).await.contains("No row differs."));
    let back = ada.act(&format!("{PATH}/back"), &[("number", "1")]).await;
    assert_eq!(back.status, 303);
    assert_eq!((&versions().await[0]["number"], &versions().await[0]["mapping"]), (&json!(3), &json!({})));
    assert_eq!(ada.act(&format!("{PATH}/back"), &[("number", "9")]).await.status, 404);
    let untouched = form(&ada.read(PATH).await, &[]);
    assert_eq!(send(&ada, &untouched, "save").await.0, 303);
    assert_eq!(versions().await[0]["number"], 3, "what is the same is no new version");
    app.stop().await;
}

#[tokio::test]
async fn a_form_with_mistakes_names_the_row_and_the_fix() {
    let (app, _stages) = mapped().await;
    let ada = Visitor::operator(&app).await;
    let page = ada.read(PATH).await;
    let (title, company) = (row_of(&page, "jobtitle"), row_of(&page, "company"));
    let blank = form(&page, &[]).iter().filter(|it| it.0.starts_with("field_")).count() - 1;
    let (from, steps) = (format!("from_{title}"), format!("steps_{company}"));
    let bad = form(&page, &[(&from, "customer.shoe_size<script>"), (&steps, "shout | trim")]);
    for what in ["try", "test", "save"] {
        let (status, page) = send(&ada, &bad, what).await;
        assert_eq!(status, 422, "{what}");
        assert!(page.contains("2 things are not right yet") && !page.contains("<script>"), "{page}");
        for at in [&title, &company] {
            assert!(page.contains(&format!("id=\"from-{at}-wrong\"")), "{what} {at}: {page}");
        }
        assert!(page.contains("there is no transform called") && page.contains("value=\"shout | trim\""));
    }
    let lonely = form(&page, &[(&format!("from_{blank}"), "notes")]);
    let (status, page) = send(&ada, &lonely, "save").await;
    assert!(status == 422 && page.contains("a row says what to write and not where"), "{page}");
    let twice = form(&page, &[(&format!("field_{blank}"), "email"), (&format!("from_{blank}"), "notes")]);
    let (status, page) = send(&ada, &twice, "save").await;
    assert!(status == 422 && page.contains("there are two rows for"), "{page}");
    let unknown = form(&ada.read(PATH).await, &[("of_id", "lead_nobody")]);
    let (status, page) = send(&ada, &unknown, "try").await;
    assert!(status == 422 && page.contains("there is nothing with this id"), "{page}");
    let none = app.call(Method::GET, &format!("/v1/destinations/https/mapping{P}"), None).await;
    assert_eq!((none.status, none.text("/code")), (409, "no_mapping".to_owned()));
    assert_eq!(ada.open("/destinations/https/mapping").await.status, 409);
    assert!(!ada.read("/destinations/https").await.contains("/destinations/https/mapping"));
    let reader = Visitor::of_contoso(&app, "reader").await;
    let page = reader.read(PATH).await;
    assert!(
        page.contains("customer.email | trim | lower") && !page.contains("name=\"from_0\""),
        "who may not change sees rows"
    );
    assert_eq!(reader.act(PATH, &[("do", "save"), ("field_0", "email")]).await.status, 403);
    assert_eq!(reader.act(&format!("{PATH}/back"), &[("number", "0")]).await.status, 403);
    assert!(
        app.get(&format!("/v1/destinations/hubspot/mappings{P}")).await["items"].as_array().unwrap().len()
            == 1
    );
    app.stop().await;
}
