//! The settings of a Marketo destination, its fields, and the default mapping, as data.

use crate::descriptor::{Field, FieldShape};
use crate::{bulk, feedback, mapped};
use leadwire_core::mapping::{Kind, Length, Target};

pub(crate) const MUNCHKIN_ID: Field = Field {
    name: "munchkin_id",
    label: "Munchkin ID",
    help: "In Marketo: Admin, Integration, Munchkin. It looks like 123-PQR-789.",
    required: true,
    ..Field::PLAIN
};
pub(crate) const CLIENT_ID: Field = Field {
    name: "client_id",
    label: "Client id",
    help: "In Marketo: Admin, LaunchPoint, View Details of the custom service.",
    required: true,
    ..Field::PLAIN
};
pub(crate) const CLIENT_SECRET: Field = Field {
    name: "client_secret",
    label: "Client secret",
    help: "Shown beside the client id.",
    shape: FieldShape::Secret,
    required: true,
    secret: true,
    ..Field::PLAIN
};
pub(crate) const API_URL: Field = Field {
    name: "api_url",
    label: "API address",
    help: "Only for tests: where the instance is, when it is not at the host of the Munchkin ID.",
    shape: FieldShape::Url,
    ..Field::PLAIN
};

pub(super) const FIELDS: &[Field] = &[
    MUNCHKIN_ID,
    CLIENT_ID,
    CLIENT_SECRET,
    Field {
        name: "lookup_field",
        label: "What a person is known by",
        help: "`email`, or the REST API name of a searchable custom string field, which then holds the lead's id.",
        default: Some("email"),
        ..Field::PLAIN
    },
    Field {
        name: "existing_people",
        label: "People who are there already",
        help: "Keep writes only the fields marked `always` in the mapping, so that nobody's edit is lost.",
        shape: FieldShape::Choice(&[
            ("keep", "Keep what people edited"),
            ("overwrite", "Overwrite all mapped fields"),
        ]),
        default: Some("keep"),
        ..Field::PLAIN
    },
    Field {
        name: "partition_name",
        label: "Lead partition",
        help: "Where new people are made; needed when the instance has several partitions.",
        ..Field::PLAIN
    },
    Field {
        name: "program_name",
        label: "Programme",
        help: "Every touchpoint is then pushed to this programme too, which smart campaigns can listen for: one call more for each batch.",
        ..Field::PLAIN
    },
    Field {
        name: "program_status",
        label: "Status in the programme",
        help: "A status of the programme's channel. Only with a programme.",
        ..Field::PLAIN
    },
    Field {
        name: "source",
        label: "Source of the push",
        help: "Kept with the activity `Push Lead to Marketo`. Only with a programme.",
        ..Field::PLAIN
    },
    Field {
        name: "reason",
        label: "Reason of the push",
        help: "Kept with the activity `Push Lead to Marketo`. Only with a programme.",
        ..Field::PLAIN
    },
    API_URL,
    bulk::BULK,
    feedback::READ_FEEDBACK,
    feedback::FEEDBACK_MINUTES,
    feedback::FEEDBACK_STATES,
    mapped::MAPPING,
    mapped::FIELD_RULES,
];

/// The setting of this name.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("settings are named as the descriptor names them")
}

const fn target(name: &'static str, label: &'static str, kind: Kind) -> Target {
    // A string takes 255 characters (Adobe, rest-api/field-types.md).
    let longest = match kind {
        Kind::Text | Kind::Email => Some(Length::Utf16(255)),
        Kind::Number | Kind::Bool | Kind::Moment => None,
    };
    Target { name, label, kind, longest, required: false }
}

/// Standard fields by their REST API names (Adobe, rest-api/list-of-standard-fields.md).
pub(crate) const TARGETS: &[Target] = &[
    target("email", "E-mail", Kind::Email),
    target("firstName", "First name", Kind::Text),
    target("lastName", "Last name", Kind::Text),
    target("middleName", "Middle name", Kind::Text),
    target("salutation", "Salutation", Kind::Text),
    target("title", "Job title", Kind::Text),
    target("company", "Company", Kind::Text),
    target("phone", "Phone", Kind::Text),
    target("mobilePhone", "Mobile phone", Kind::Text),
    target("mainPhone", "Main phone", Kind::Text),
    target("fax", "Fax", Kind::Text),
    target("address", "Address", Kind::Text),
    target("city", "City", Kind::Text),
    target("state", "State", Kind::Text),
    target("country", "Country", Kind::Text),
    target("postalCode", "Postal code", Kind::Text),
    target("website", "Website", Kind::Text),
    target("industry", "Industry", Kind::Text),
    target("leadSource", "Lead source", Kind::Text),
    target("leadStatus", "Lead status", Kind::Text),
    target("leadScore", "Lead score", Kind::Number),
    target("leadRole", "Role", Kind::Text),
    target("rating", "Rating", Kind::Text),
    target("department", "Department", Kind::Text),
    target("annualRevenue", "Annual revenue", Kind::Number),
    target("numberOfEmployees", "Number of employees", Kind::Number),
    target("unsubscribed", "Unsubscribed", Kind::Bool),
    target("unsubscribedReason", "Why unsubscribed", Kind::Text),
    target("doNotCall", "Do not call", Kind::Bool),
    target("doNotCallReason", "Why not to call", Kind::Text),
];

/// Marketo has no standard field for notes: a publisher maps `details` to a text area of their own.
pub(crate) const MAPPING: &[(&str, &str)] = &[
    ("email", "customer.email | trim | lower"),
    ("firstName", "customer.first_name"),
    ("lastName", "customer.last_name"),
    ("phone", "customer.phone | e164"),
    ("company", "customer.company"),
    ("title", "customer.title"),
    ("country", "customer.country | country_name('en')"),
    ("leadSource", "lead_source"),
    ("unsubscribed", "do_not_contact | only_true | always"),
    ("doNotCall", "do_not_contact | only_true | always"),
];

/// Fields of the company, which an update of a person may not carry (code 1021; whether they are refused or ignored is
/// not documented).
pub(super) const COMPANY_FIELDS: &[&str] = &[
    "company",
    "mainPhone",
    "website",
    "industry",
    "annualRevenue",
    "numberOfEmployees",
    "billingStreet",
    "billingCity",
    "billingState",
    "billingCountry",
    "billingPostalCode",
    "sicCode",
    "site",
];

/// Flags that are never taken back: a `false` would undo an opt-out.
pub(crate) const CONSENT_FIELDS: &[&str] = &["unsubscribed", "doNotCall"];
