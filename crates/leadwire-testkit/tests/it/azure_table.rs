//! The simulated storage account under Microsoft's own client, and the connector against Microsoft's own emulator.

use http::Method;
use leadwire::clock::{Clock, MachineClock};
use leadwire_connect::egress::Egress;
use leadwire_connect::egress::guard::{EgressPolicy, Ports};
use leadwire_connect::validation::Verdict;
use leadwire_connect::{Connector, Moment, Payload};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::outcome::{Outcome, Tried};
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use leadwire_sandbox::azure_table::{AzureTable, Options};
use leadwire_sandbox::service;
use leadwire_testkit::app::TestApp;
use leadwire_testkit::peers::{Azurite, Language, ask};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::test]
async fn microsofts_own_client_works_with_the_simulated_account() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The client signs with the machine's clock.
    let clock = MachineClock::start();
    let serving = service::Options::new(Arc::new(move || clock.wall().millis()));
    let options = Options::new("s");
    let (account, key) = (options.account.clone(), options.key.clone());
    let sandbox = service::start(listener, Box::new(AzureTable::new(options)), serving).unwrap();
    let input = json!({
        "steps": "all",
        "connection": sandbox.destination_settings()["connection_string"],
        "endpoint": format!("{}/{account}", sandbox.url()),
        "account": account,
        "key": key,
    });
    let seen = ask(Language::Python, "azure_tables.py", &input).await;
    let expected = json!({
        "again": [409, "TableAlreadyExists", null],
        "bad_name": ["ValueError"],
        "tables": ["Leads"],
        "exists": [409, "EntityAlreadyExists", null],
        "read": { "same": true, "big": 1_099_511_627_776_i64 },
        "merged": [13, "Őrs 愛"],
        "stale": [412, "UpdateConditionNotSatisfied", null],
        "replaced": ["PartitionKey", "RowKey", "Seats"],
        "missing_update": [404, "ResourceNotFound", null],
        "transaction": 100,
        "conflict": [409, "EntityAlreadyExists", 1],
        "nothing_stored": [404, "ResourceNotFound", null],
        "after_mixed": [2, 3],
        "too_long": [400, "PropertyValueTooLarge", null],
        "bad_key": [400, "OutOfRangeInput", null],
        "bad_column": [400, "PropertyNameInvalid", null],
        "query": 10,
        "pages": [40, 40, 20],
        "no_table": [404, "TableNotFound", null],
        "wrong_key": [403, "AuthenticationFailed"],
        "sas_update": [403, "AuthorizationPermissionMismatch"],
        "sas_ended": [403, "AuthenticationFailed"],
        "sas_transaction": 2,
        "deleted": [404, "ResourceNotFound", null],
        "being_deleted": [409, "TableBeingDeleted", null],
    });
    assert_eq!(seen, expected, "{seen:#}");
}

/// A lead made on 2026-11-20.
fn payload(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    let day = 1_795_168_800_000_u128 << 80;
    let customer = Customer {
        first_name: Some("Őrs".to_owned()),
        last_name: Some("愛 \"\\\u{2028}</script>".to_owned()),
        email: Some(format!("ada{lead}@example.com")),
        ..Customer::default()
    };
    let destination = DestinationNo::new(1);
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(day | touchpoint), destination },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(day | lead),
        received_at: now().now,
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::Installation,
            offer: OfferRef::parse("contoso.crm-pro").ok(),
            customer,
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

fn now() -> Moment {
    Moment { now: MachineClock::start().wall() }
}

struct Emulated {
    connector: Box<dyn Connector>,
    egress: Egress,
}

impl Emulated {
    fn new(connection: &str, more: &Value) -> Self {
        let mut settings = json!({ "connection_string": connection });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let kind = leadwire_connect::kind("azure_table").unwrap();
        let connector = kind.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
        Self { connector, egress: Egress::new(policy, None).unwrap() }
    }

    async fn deliver(&self, batch: &[Payload]) -> (Vec<Tried>, u32) {
        let delivered = self.connector.deliver(batch, now(), &self.egress).await;
        for tried in &delivered.tried {
            assert!(matches!(tried.outcome, Outcome::Done(_)), "{tried:?}");
        }
        (delivered.tried, delivered.calls)
    }
}

#[tokio::test]
async fn azurite_keeps_every_lead_once_in_both_layouts() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path()).await;
    for layout in ["marketplace", "flat"] {
        let table = format!("Leads{layout}");
        let connection = azurite.connection_string();
        let emulated = Emulated::new(&connection, &json!({ "layout": layout, "table": table }));
        let checked = emulated.connector.check(now(), &emulated.egress).await;
        assert!(checked.is_passed(), "{:?}", checked.steps);
        assert_eq!(checked.steps[1].message, "it was created");

        let batch: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
        assert_eq!(emulated.deliver(&batch).await.1, 1);
        // Again, as after an answer that was lost, with leads that are new.
        let again: Vec<Payload> = (51..=150).map(|it| payload(it, it, 2)).collect();
        assert_eq!(emulated.deliver(&again).await.1, 2);
        // As after a restored backup: what is there is told by a refusal.
        emulated.deliver(&(101..=110).map(|it| payload(it, it, 1)).collect::<Vec<_>>()).await;
        let mut later = payload(1, 201, 1);
        Arc::make_mut(&mut later.touchpoint).action = Action::DoNotContact;
        emulated.deliver(&[later]).await;

        let input = json!({ "steps": "rows", "connection": connection, "table": table });
        let rows = ask(Language::Python, "azure_tables.py", &input).await;
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), 150);
        assert_eq!(rows[0]["PartitionKey"], "2026-11-20");
        assert_eq!(rows[0]["RowKey"], json!(batch[0].lead.to_string()));
        assert_eq!(rows[0]["DoNotContact"], true);
        let name = "愛 \"\\\u{2028}</script>";
        if layout == "flat" {
            assert_eq!((&rows[0]["LastName"], &rows[0]["Action"]), (&json!(name), &json!("INS")));
            assert_eq!(rows[0]["LastAction"], "DNC");
        } else {
            let info: Value = serde_json::from_str(rows[0]["CustomerInfo"].as_str().unwrap()).unwrap();
            assert_eq!((&info["LastName"], &rows[0]["ActionCode"]), (&json!(name), &json!("INS")));
        }

        let (tried, _) = emulated.deliver(&[payload(900, 900, 1)]).await;
        let Outcome::Done(receipt) = &tried[0].outcome else { panic!("{tried:?}") };
        let test = payload(900, 900, 1);
        let back = emulated.connector.read_back(&test, receipt, now(), &emulated.egress).await.unwrap();
        let gone = emulated.connector.clean_up(&test, receipt, now(), &emulated.egress).await.unwrap();
        assert_eq!((back.verdict, gone.verdict), (Verdict::Passed, Verdict::Passed), "{back:?} {gone:?}");
    }
}

#[tokio::test]
async fn leads_go_from_the_intake_into_azurite_in_full_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let azurite = Azurite::start(folder.path()).await;
    let app = TestApp::start().await;
    app.add_contoso().await;
    let settings = json!({ "connection_string": azurite.connection_string() });
    let new = json!({ "name": "table", "kind": "azure_table", "settings": settings });
    app.post("/v1/destinations?publisher=contoso", &new).await;
    app.post("/v1/routes?publisher=contoso", &json!({ "offer": "*", "destination": "table" })).await;
    let act = async |verb: &str| {
        let path = format!("/v1/destinations/table/{verb}?publisher=contoso");
        app.call(Method::POST, &path, None).await.expect(200);
    };
    act("pause").await;
    let leads: Vec<Value> = (0..250)
        .map(|it| {
            json!({ "source": "AzureMarketplace", "action": "INS", "offer": "contoso.crm-pro",
                "customer": { "first_name": "Ada", "email": format!("ada{it}@example.com") } })
        })
        .collect();
    app.post("/v1/leads", &Value::Array(leads)).await;
    act("resume").await;
    assert_eq!(app.wait_until_settled().await["destinations"][0]["delivered"], 250);
    let connection = azurite.connection_string();
    let input = json!({ "steps": "rows", "connection": connection, "table": "MarketplaceLeads" });
    let rows = ask(Language::Python, "azure_tables.py", &input).await;
    assert_eq!(rows.as_array().unwrap().len(), 250);
    app.stop().await;
}
