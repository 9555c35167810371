//! The settings of a HubSpot destination, its properties, and the default mapping, as data.

use crate::descriptor::{Field, FieldShape};
use crate::{feedback, mapped, touchpoint_notes};
use leadwire_core::mapping::{Kind, Length, Target};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "token",
        label: "Service key, or private-app token",
        help: "In HubSpot: Development, Keys, Service keys. It needs the scopes crm.objects.contacts.read and .write.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "id_property",
        label: "What a contact is known by",
        help: "`email`, or the internal name of a property of your own with unique values, which then holds the lead's id.",
        default: Some("email"),
        ..Field::PLAIN
    },
    Field {
        name: "existing_contacts",
        label: "Contacts that are there already",
        help: "Keep writes only fields that are Leadwire's own to them; overwrite writes every field.",
        shape: FieldShape::Choice(&[("keep", "Keep what people entered"), ("overwrite", "Overwrite")]),
        default: Some("keep"),
        ..Field::PLAIN
    },
    Field {
        name: "api_version",
        label: "API version",
        help: "`v3`, or a date such as 2026-09. From 2026-09 on, rules that were set up in HubSpot apply to leads too.",
        default: Some("v3"),
        ..Field::PLAIN
    },
    Field {
        name: "api_url",
        label: "API address",
        help: "Only for tests: the address of HubSpot's API.",
        shape: FieldShape::Url,
        default: Some("https://api.hubapi.com"),
        ..Field::PLAIN
    },
    touchpoint_notes::TOUCHPOINT_NOTES,
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

const fn text(name: &'static str, label: &'static str) -> Target {
    // A single-line property takes 65,536 characters (HubSpot, "Understand property limits").
    Target { name, label, kind: Kind::Text, longest: Some(Length::Utf16(65_536)), required: false }
}

/// Properties every account has.
pub(super) const TARGETS: &[Target] = &[
    Target { kind: Kind::Email, ..text("email", "E-mail") },
    text("firstname", "First name"),
    text("lastname", "Last name"),
    text("phone", "Phone"),
    text("company", "Company"),
    text("jobtitle", "Job title"),
    text("country", "Country"),
    text("lifecyclestage", "Lifecycle stage"),
    text("message", "Message"),
];

/// HubSpot has no writable flag for people who opted out of mail (`hs_email_optout` is read-only), so the message says it.
pub(super) const MAPPING: &[(&str, &str)] = &[
    ("email", "customer.email | trim | lower"),
    ("firstname", "customer.first_name"),
    ("lastname", "customer.last_name"),
    ("phone", "customer.phone | e164"),
    ("company", "customer.company"),
    ("jobtitle", "customer.title"),
    ("country", "customer.country | country_name"),
    ("lifecyclestage", "'lead'"),
    ("message", "details"),
];
