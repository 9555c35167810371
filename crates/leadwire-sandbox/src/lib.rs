//! Simulated services that Leadwire delivers to: as strict as the real ones or stricter, never more lenient.
//!
//! They ship in the program, because demo, rehearsal, tests and benchmarks all run on them.

pub mod azure_table;
pub mod dynamics;
pub mod entra;
pub mod https_endpoint;
pub mod hubspot;
mod listen;
pub mod marketo;
mod moment;
pub mod salesforce;
pub mod salesforce_web_to_lead;
pub mod service;
pub mod smtp;
pub mod stage;
pub mod webhook_signature;

use service::Service;

/// A kind of simulated service that speaks HTTP.
#[derive(Clone, Copy)]
pub struct SandboxKind {
    /// Name of the connector that it is the other side of, such as `hubspot`.
    pub name: &'static str,
    /// What is simulated, for people.
    pub title: &'static str,
    /// Makes one whose credentials come from a secret of the caller's.
    pub make: fn(secret: &str) -> Box<dyn Service>,
}

/// Every simulated service that speaks HTTP, sorted by name. The plain receiver is [`https_endpoint`].
pub const KINDS: &[SandboxKind] = &[
    SandboxKind {
        name: "azure_table",
        title: "Azure Table storage account",
        make: |secret| Box::new(azure_table::AzureTable::new(azure_table::Options::new(secret))),
    },
    SandboxKind {
        name: "dynamics",
        title: "Dynamics 365 environment",
        make: |secret| Box::new(dynamics::Dynamics::new(dynamics::Options::new(secret))),
    },
    SandboxKind {
        name: "hubspot",
        title: "HubSpot account",
        make: |secret| Box::new(hubspot::HubSpot::new(hubspot::Options::new(&format!("pat-eu1-{secret}")))),
    },
    SandboxKind {
        name: "marketo",
        title: "Marketo instance, REST API",
        make: |secret| Box::new(marketo::Marketo::new(marketo::Options::new(secret))),
    },
    SandboxKind {
        name: "marketo_form",
        title: "Marketo instance, a form",
        make: |secret| {
            let face = marketo::Face::Form;
            Box::new(marketo::Marketo::new(marketo::Options { face, ..marketo::Options::new(secret) }))
        },
    },
    SandboxKind {
        name: "salesforce",
        title: "Salesforce organisation, REST API",
        make: |secret| {
            let client_secret = secret.to_owned();
            Box::new(salesforce::Salesforce::new(salesforce::Options { client_secret, ..Default::default() }))
        },
    },
    SandboxKind {
        name: "salesforce_web_to_lead",
        title: "Salesforce organisation, Web-to-Lead",
        make: |_| Box::new(salesforce_web_to_lead::WebToLead::new(Default::default())),
    },
];
