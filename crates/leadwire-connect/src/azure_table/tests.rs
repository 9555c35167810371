//! Golden requests, the bytes of the recorded transaction, settings that cannot work, and rows as they are written.

use super::batch::Operation;
use super::entity::Keys;
use super::request::{Draft, Pass};
use super::*;
use crate::egress::Request;
use crate::egress::guard::{EgressPolicy, Ports};
use aws_lc_rs::digest::{SHA256, digest};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::json::Json;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use serde_json::json;
use std::sync::Arc;

/// 2026-11-20T21:03:04Z, the moment of the recorded requests.
pub(super) const NOW: Moment = Moment { now: Timestamp::from_millis(1_795_208_584_000) };
pub(super) const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A lead made on 2026-11-20, with a touchpoint of this number.
pub(super) fn payload(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    let day = 1_795_168_800_000_u128 << 80;
    let customer = Customer {
        first_name: some("Ada"),
        last_name: Some(format!("Lovelace {lead}")),
        email: Some(format!("ada{lead}@example.com")),
        phone: some("+442079460958"),
        country: some("GB"),
        company: some("Analytical"),
        title: some("CTO"),
    };
    Payload {
        delivery: DeliveryId {
            touchpoint: TouchpointId::new(day | touchpoint),
            destination: DestinationNo::new(3),
        },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(day | lead),
        received_at: NOW.now,
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::Installation,
            offer: OfferRef::parse("contoso.crm-pro").ok(),
            offer_title: some("Contoso CRM Pro"),
            notes: some("Campaigns: "),
            occurred_at: Some(NOW.now),
            customer,
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

pub(super) fn lab() -> Egress {
    let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
    Egress::new(policy, None).unwrap()
}

pub(super) fn connector(change: Value) -> AzureTable {
    let mut settings = json!({ "connection_string": format!("AccountName=myaccount;AccountKey={KEY}") });
    for (name, value) in change.as_object().unwrap() {
        settings[name] = value.clone();
    }
    AzureTable::read(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"))
}

fn entities(azure: &AzureTable, batch: &[Payload]) -> Vec<Entity> {
    azure.gather(batch, &mut vec![None; batch.len()])
}

fn signed(azure: &AzureTable, draft: Draft) -> Request {
    azure.place.signed(draft, &azure.sign_in.pass(), NOW.now)
}

#[track_caller]
fn check_golden(request: &Request, golden: &str) {
    let mut seen = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        seen.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    seen.push_str(&format!("\n{}\n", std::str::from_utf8(&request.body).unwrap().replace("\r\n", "\n")));
    assert_eq!(seen, golden);
}

#[test]
fn requests_are_what_azure_documents() {
    let azure = connector(json!({}));
    let rows = entities(&azure, &[payload(1, 1, 1), payload(2, 2, 2)]);
    check_golden(
        &signed(&azure, azure.place.single(Verb::Insert, &rows[0])),
        include_str!("golden/insert.txt"),
    );
    let both = [(Verb::Insert, &rows[0]), (Verb::Insert, &rows[1])];
    check_golden(&signed(&azure, azure.place.batch(&both)), include_str!("golden/batch.txt"));
    check_golden(&signed(&azure, azure.place.create_table()), include_str!("golden/create_table.txt"));
    let look = azure.place.look(&rows[0].keys, &rows[1].keys, Some(&rows[1].keys));
    check_golden(&signed(&azure, look), include_str!("golden/look.txt"));
    check_golden(&signed(&azure, azure.place.delete(&rows[0].keys)), include_str!("golden/delete.txt"));

    let flat = connector(json!({ "layout": "flat", "partition": "publisher_day", "table": "Leads" }));
    let rows = entities(&flat, &[payload(1, 1, 1)]);
    check_golden(
        &signed(&flat, flat.place.single(Verb::Insert, &rows[0])),
        include_str!("golden/insert_flat.txt"),
    );
    check_golden(&signed(&flat, flat.place.single(Verb::Merge, &rows[0])), include_str!("golden/merge.txt"));
}

#[test]
fn cosmos_db_and_a_signature_are_spoken_to_in_their_own_way() {
    let cosmos = connector(json!({
        "connection_string": format!("AccountName=acme;AccountKey={KEY};TableEndpoint=https://acme.table.cosmos.azure.com:443/;"),
        "layout": "flat",
        "mapping": { "Notes": "notes | always" },
    }));
    let rows = entities(&cosmos, &[payload(1, 1, 1), payload(2, 2, 1)]);
    check_golden(
        &signed(&cosmos, cosmos.place.single(Verb::Merge, &rows[0])),
        include_str!("golden/cosmos_merge.txt"),
    );
    let both = [(Verb::Insert, &rows[0]), (Verb::Merge, &rows[1])];
    check_golden(&signed(&cosmos, cosmos.place.batch(&both)), include_str!("golden/cosmos_batch.txt"));
    let sas = "https://acme.table.core.windows.net/?sv=2019-02-02&ss=t&srt=sco&sp=raucw&se=2027-01-01T00%3A00%3A00Z&sig=a%2Bb%3D";
    let azure = connector(json!({ "connection_string": sas }));
    let rows = entities(&azure, &[payload(1, 1, 1)]);
    let look = azure.place.look(&rows[0].keys, &rows[0].keys, None);
    check_golden(&signed(&azure, look), include_str!("golden/sas_look.txt"));
    let shown = azure.preview(&[payload(1, 1, 1)], NOW);
    assert!(!shown.requests[0].url.contains("a%2Bb") && shown.requests[0].url.contains("sig=***"));
}

#[test]
fn the_recorded_insert_is_signed_and_written_as_recorded() {
    let azure = connector(json!({ "connection_string": "UseDevelopmentStorage=true", "table": "Leads2" }));
    let keys = Keys { partition: "tenant-1".to_owned(), row: "01J8ZK".to_owned() };
    let mut entity = Entity::new(keys);
    let email = leadwire_core::mapping::MappedField {
        target: "Email".to_owned(),
        value: leadwire_core::mapping::Value::Text("ana@example.com".to_owned()),
        write: leadwire_core::mapping::Write::Once,
    };
    let mapped = leadwire_core::mapping::Mapped { fields: vec![email], notes: Vec::new() };
    entity.add(0, &payload(1, 1, 1), &mapped, false);
    let request = signed(&azure, azure.place.single(Verb::Insert, &entity));
    // Put together as it was recorded, whose length and hash the contract has.
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    let whole = format!(
        "POST {} HTTP/1.1\r\nHost: 127.0.0.1:10002\r\nAccept: {}\r\nContent-Type: {}\r\nPrefer: {}\r\n\
         DataServiceVersion: {}\r\nx-ms-version: {}\r\nx-ms-date: {}\r\nAuthorization: {}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{}",
        request.url.path(),
        header("accept"),
        header("content-type"),
        header("prefer"),
        header("dataserviceversion"),
        header("x-ms-version"),
        header("x-ms-date"),
        header("authorization"),
        request.body.len(),
        std::str::from_utf8(&request.body).unwrap(),
    );
    assert_eq!(whole.len(), 458);
    let hash = "cebdab2b73e8e4877fccd8ca6387296161babb35f88258aa1fc50020fa8d05c7";
    assert_eq!(hex(whole.as_bytes()), hash, "{whole}");
}

#[test]
fn the_recorded_transaction_is_written_byte_for_byte() {
    let (batch, changeset) =
        ("batch_11111111-1111-4111-8111-111111111111", "changeset_22222222-2222-4222-8222-222222222222");
    let operation = |method, path: &str, body: &str| Operation {
        method,
        url: format!("http://127.0.0.1:10002/devstoreaccount1/{path}"),
        more: "",
        body: body.to_owned(),
    };
    let body = batch::write(
        batch,
        changeset,
        &[
            operation(
                "POST",
                "Leads2",
                r#"{"PartitionKey":"tenant-1","RowKey":"b1","Email":"1@example.com"}"#,
            ),
            operation(
                "PUT",
                "Leads2(PartitionKey='tenant-1',RowKey='b2')",
                r#"{"PartitionKey":"tenant-1","RowKey":"b2","Email":"2@example.com"}"#,
            ),
        ],
    );
    assert_eq!(body.len(), 1066);
    let hash = "246078190a8ddd41afaf21ca0b2a55111ff7a751143d3fb3d7310d74037bcb39";
    assert_eq!(hex(body.as_bytes()), hash);
}

fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

#[test]
fn values_have_the_types_the_service_knows() {
    let mapping = json!({
        "mapping": {
            "Seats": "custom.seats", "Big": "custom.big", "Ratio": "custom.ratio", "Partner": "custom.partner",
            "Long": "custom.long", "Phone": "customer.phone", "CustomerInfo": null,
        },
    });
    let azure = connector(mapping);
    let mut lead = payload(1, 1, 1);
    let number = |it: &str| Json::Number(it.to_owned());
    Arc::make_mut(&mut lead.touchpoint).custom = vec![
        ("seats".to_owned(), number("12")),
        ("big".to_owned(), number("1099511627776")),
        ("ratio".to_owned(), number("0.5")),
        ("partner".to_owned(), Json::Bool(true)),
        ("long".to_owned(), Json::Text("ű".repeat(32_769))),
    ];
    let rows = entities(&azure, &[lead]);
    let row: Value = serde_json::from_str(&rows[0].whole()).unwrap();
    assert_eq!((&row["Seats"], &row["Partner"]), (&json!(12), &json!(true)));
    assert_eq!((&row["Big"], &row["Big@odata.type"]), (&json!("1099511627776"), &json!("Edm.Int64")));
    assert_eq!(row["Ratio@odata.type"], "Edm.Double");
    assert_eq!(row["Ratio"].to_string(), "0.5");
    assert_eq!(row["Phone"], "+442079460958");
    assert_eq!(row["Long"].as_str().unwrap().chars().count(), 32_768);
    assert!(rows[0].notes.iter().any(|it| it.contains("Long was shortened")), "{:?}", rows[0].notes);
    assert_eq!(row.get("CustomerInfo"), None);
}

#[test]
fn touchpoints_of_one_lead_are_one_row_that_keeps_what_the_first_said() {
    let azure = connector(json!({ "layout": "flat" }));
    let mut later = payload(1, 2, 1);
    let touchpoint = Arc::make_mut(&mut later.touchpoint);
    touchpoint.customer.company = Some("Another".to_owned());
    touchpoint.action = Action::DoNotContact;
    // In whichever order they come.
    let rows = entities(&azure, &[later, payload(1, 1, 1), payload(2, 3, 1)]);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].places, [1, 0]);
    assert!(rows[0].is_first);
    let row: Value = serde_json::from_str(&rows[0].whole()).unwrap();
    assert_eq!((&row["Company"], &row["Action"]), (&json!("Analytical"), &json!("INS")));
    assert_eq!((&row["LastAction"], &row["DoNotContact"]), (&json!("DNC"), &json!(true)));
}

#[test]
fn settings_that_cannot_work_name_themselves() {
    let refused = |change: Value| {
        let mut settings = json!({ "connection_string": format!("AccountName=acme;AccountKey={KEY}") });
        settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refusals = AzureTable::read(settings.as_object().unwrap()).err().unwrap_or_default();
        let shown: Vec<String> = refusals.iter().map(|it| format!("{} {}", it.pointer, it.code)).collect();
        shown.join(", ")
    };
    for name in ["ab", "1leads", "my-leads", "tables", "Lead_s"] {
        assert_eq!(refused(json!({ "table": name })), "/table bad_table", "{name}");
    }
    assert_eq!(
        refused(json!({ "connection_string": "AccountName=acme" })),
        "/connection_string credential_missing"
    );
    assert_eq!(
        refused(json!({ "mapping": { "RowKey": "lead_id", "Lead-Id": "lead_id", "1st": "action" } })),
        "/mapping/RowKey bad_column, /mapping/Lead-Id bad_column, /mapping/1st bad_column"
    );
    assert_eq!(refused(json!({ "mapping": { "id": "lead_id" } })), "");
    assert_eq!(
        refused(json!({ "service": "cosmos", "mapping": { "id": "lead_id" } })),
        "/mapping/id bad_column"
    );
    assert_eq!(refused(json!({ "auth": "entra_secret" })), "/account_url bad_endpoint");
    assert_eq!(
        refused(json!({ "auth": "entra_secret", "account_url": "https://acme.table.core.windows.net" })),
        "/tenant missing, /client_id missing, /client_secret missing"
    );
}

#[test]
fn a_preview_shows_the_transaction_and_no_credential() {
    let azure = connector(json!({}));
    let preview = azure.preview(&[payload(1, 1, 1), payload(2, 2, 1)], NOW);
    assert_eq!(preview.requests.len(), 1);
    let shown = &preview.requests[0];
    assert!(shown.url.ends_with("/$batch"));
    assert!(shown.headers.contains(&("authorization".to_owned(), "SharedKey ***".to_owned())));
    assert!(matches!(azure.sign_in.pass(), Pass::Key(_)));
}
