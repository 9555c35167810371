//! The settings of an Azure Table destination, its columns in both layouts, and their default mappings, as data.

use crate::descriptor::{Field, FieldShape};
use crate::entra::fields;
use crate::mapped;
use leadwire_core::mapping::{Kind, Length, Target};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "auth",
        label: "Signing in",
        help: "A connection string holds an account key or a shared access signature (SAS); Entra ID needs neither.",
        shape: FieldShape::Choice(&[
            ("connection_string", "Connection string, or SAS URL"),
            ("entra_secret", "Entra ID, app with a secret"),
            ("entra_certificate", "Entra ID, app with a certificate"),
        ]),
        default: Some("connection_string"),
        ..Field::PLAIN
    },
    Field {
        name: "connection_string",
        label: "Connection string",
        help: "In the Azure portal: the storage account, Security + networking, Access keys. A SAS URL for tables does too.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "connection_string")),
        ..Field::PLAIN
    },
    Field {
        name: "account_url",
        label: "Address of the account's tables",
        help: "With Entra ID: https://ACCOUNT.table.core.windows.net, as the account's endpoints show it.",
        shape: FieldShape::Url,
        ..Field::PLAIN
    },
    fields::TENANT,
    fields::CLIENT_ID,
    Field { only_when: Some(("auth", "entra_secret")), ..fields::CLIENT_SECRET },
    Field { only_when: Some(("auth", "entra_secret")), ..fields::SECRET_ENDS_ON },
    Field { only_when: Some(("auth", "entra_certificate")), ..fields::CERTIFICATE },
    Field { only_when: Some(("auth", "entra_certificate")), ..fields::PRIVATE_KEY },
    Field { only_when: Some(("auth", "entra_certificate")), ..fields::ASSERTION },
    fields::AUTHORITY,
    Field {
        name: "table",
        label: "Table",
        help: "3 to 63 letters and digits. The marketplace's own connector writes to MarketplaceLeads.",
        default: Some("MarketplaceLeads"),
        ..Field::PLAIN
    },
    Field {
        name: "create_table",
        label: "When the table is missing",
        help: "Leadwire can create it, as the marketplace's own connector does.",
        shape: FieldShape::Choice(&[("yes", "Create it"), ("no", "Pause and tell somebody")]),
        default: Some("yes"),
        ..Field::PLAIN
    },
    Field {
        name: "layout",
        label: "Columns",
        help: "Marketplace keeps readers of the marketplace's own table working; flat gives every value a column.",
        shape: FieldShape::Choice(&[
            ("marketplace", "As the marketplace's own connector: CustomerInfo as JSON"),
            ("flat", "A column for each value"),
        ]),
        default: Some("marketplace"),
        ..Field::PLAIN
    },
    Field {
        name: "partition",
        label: "Partition key",
        help: "The day the lead was made, such as 2026-11-20; with the publisher in front when several share a table.",
        shape: FieldShape::Choice(&[("day", "Day"), ("publisher_day", "Publisher and day")]),
        default: Some("day"),
        ..Field::PLAIN
    },
    Field {
        name: "service",
        label: "Service",
        help: "Told by the address; say it when the address is one of your own, such as a private endpoint's.",
        shape: FieldShape::Choice(&[
            ("auto", "As the address tells"),
            ("storage", "Azure Table storage"),
            ("cosmos", "Cosmos DB, Table API"),
        ]),
        default: Some("auto"),
        ..Field::PLAIN
    },
    mapped::MAPPING,
    mapped::FIELD_RULES,
];

/// The setting of this name.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("settings are named as the descriptor names them")
}

/// Longest text of a property, in UTF-16 units: 64 KiB (learn.microsoft.com, "Understanding the Table service data
/// model").
pub(super) const TEXT_MAX: usize = 32_768;

const fn text(name: &'static str, label: &'static str) -> Target {
    Target { name, label, kind: Kind::Text, longest: Some(Length::Utf16(TEXT_MAX)), required: false }
}

/// The column that packs the customer, in the marketplace's layout. Built here, because a row gives one value.
pub(super) const CUSTOMER_INFO: &str = "CustomerInfo";

/// Columns of both layouts.
pub(super) const TARGETS: &[Target] = &[
    text("ActionCode", "Action"),
    text("CreatedTime", "When the customer acted"),
    text(CUSTOMER_INFO, "Customer, as JSON"),
    text("Description", "Notes"),
    text("LeadSource", "Source-Action|Offer"),
    text("OfferDisplayName", "Offer, for people"),
    Target { kind: Kind::Bool, ..text("DoNotContact", "Must not be contacted") },
    text("FirstName", "First name"),
    text("LastName", "Last name"),
    text("Email", "E-mail"),
    text("Phone", "Phone"),
    text("Country", "Country"),
    text("Company", "Company"),
    text("Title", "Job title"),
    text("Source", "Source"),
    text("Action", "Action"),
    text("Offer", "Offer"),
    text("OfferTitle", "Offer, for people"),
    text("Notes", "Notes"),
    Target { kind: Kind::Moment, ..text("OccurredAt", "When the customer acted") },
    text("Publisher", "Publisher"),
    text("LastAction", "Latest action"),
    Target { kind: Kind::Moment, ..text("LastOccurredAt", "When the customer acted last") },
];

/// The marketplace's columns (contract marketplace.md, 4.4); `CustomerInfo` comes on top. Readers take what they know, so
/// one more column for people who must not be contacted harms none.
pub(super) const MARKETPLACE: &[(&str, &str)] = &[
    ("ActionCode", "action"),
    ("CreatedTime", "occurred_at"),
    ("Description", "notes"),
    ("LeadSource", "lead_source"),
    ("OfferDisplayName", "offer_title"),
    ("DoNotContact", "do_not_contact | only_true | always"),
];

/// A column for each value. The latest action is Leadwire's own, so that a reader who polls `Timestamp` sees it.
pub(super) const FLAT: &[(&str, &str)] = &[
    ("FirstName", "customer.first_name"),
    ("LastName", "customer.last_name"),
    ("Email", "customer.email"),
    ("Phone", "customer.phone | e164"),
    ("Country", "customer.country"),
    ("Company", "customer.company"),
    ("Title", "customer.title"),
    ("Source", "source"),
    ("Action", "action"),
    ("Offer", "offer"),
    ("OfferTitle", "offer_title"),
    ("LeadSource", "lead_source"),
    ("Notes", "notes"),
    ("OccurredAt", "occurred_at"),
    ("Publisher", "publisher"),
    ("LastAction", "action | always"),
    ("LastOccurredAt", "occurred_at | always"),
    ("DoNotContact", "do_not_contact | only_true | always"),
];

/// What a table may be called (learn.microsoft.com, "Understanding the Table service data model"; Cosmos DB takes more,
/// and this too).
pub(super) fn is_table_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_alphanumeric())
        && name.as_bytes()[0].is_ascii_alphabetic()
        && !name.eq_ignore_ascii_case("tables")
}

/// Why a column cannot be called so: names follow the rules of C# identifiers, and some are the service's own.
pub(super) fn bad_column(name: &str, is_cosmos: bool) -> Option<&'static str> {
    let is_letter = |it: char| it.is_alphabetic() || it == '_';
    if ["PartitionKey", "RowKey", "Timestamp"].contains(&name) {
        Some("is one of the service's own columns; Leadwire fills the keys")
    } else if is_cosmos && ["id", "rid", "etag", "ResourceId"].contains(&name) {
        Some("is reserved in Cosmos DB")
    } else if name.encode_utf16().count() > 255 {
        Some("is longer than 255 characters")
    } else if !name.starts_with(is_letter) || !name.chars().all(|it| is_letter(it) || it.is_numeric()) {
        Some("is no column name: it must start with a letter or `_`, and hold letters, digits and `_` only")
    } else {
        None
    }
}
