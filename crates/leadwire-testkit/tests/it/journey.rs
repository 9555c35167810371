//! The demo's story, as a program reads it: one customer's seven actions on two offers are one lead, and one record in
//! every system that can hold one.

use crate::program;
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::test]
async fn seven_actions_on_two_offers_become_one_lead_and_one_record_in_each_crm() {
    let output =
        Command::new(program::path()).args(["demo", "--once", "--json"]).env_clear().output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let journey = &printed["journey"];
    assert_eq!((&journey["touchpoints"], &journey["interest"]), (&json!(7), &json!("active")));
    assert_eq!(journey["offers"], json!(["contoso.crm-pro", "contoso.erp-starter"]));
    // The newest word of each field counts, and silence changes nothing.
    let customer = json!({
        "first_name": "Hedy", "last_name": "Lamarr-Markey", "email": "hedy.lamarr@hopping.example.com",
        "phone": "+43 1 512 34 56", "country": "Austria", "company": "Frequency Hopping GmbH",
        "title": "Head of Research",
    });
    assert_eq!(journey["customer"], customer);
    let timeline: Vec<(&str, &str, &str)> = journey["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            (text("source"), text("action"), text("interest"))
        })
        .collect();
    assert_eq!(
        timeline,
        [
            ("TestDrive", "StartTestDrive", "initial"),
            ("AzureMarketplace", "INS", "initial"),
            ("SPZA", "INS", "initial"),
            ("SPZA", "PLT", "active"),
            ("TestDrive", "StartTestDrive", "initial"),
            ("AzurePortal", "Create", "active"),
            ("SPZA", "PLT", "active"),
        ]
    );
    for (kind, records) in journey["records"].as_object().unwrap() {
        // These three are told of every action; Web-to-Lead has no key by which a record could be found again.
        let is_told_of_each = ["email", "https", "salesforce_web_to_lead"].contains(&&**kind);
        assert_eq!(records, if is_told_of_each { 7 } else { 1 }, "{kind}");
    }
    assert_eq!(journey["records"].as_object().unwrap().len(), 9);
    assert_eq!(printed["adds_up"], true);
}
