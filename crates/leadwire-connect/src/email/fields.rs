//! The settings of an e-mail destination, and the rows of its messages, as data.

use crate::descriptor::{Field, FieldShape};
use crate::mapped;
use leadwire_core::mapping::{Kind, Length, Target};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "to",
        label: "Recipients",
        help: "One address a line, or with commas between them: `Sales <sales@example.com>`.",
        shape: FieldShape::Lines,
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "from",
        label: "Sender",
        help: "The address messages come from, which the mail server must allow: `Leads <leads@example.com>`.",
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "server",
        label: "Mail server",
        help: "Its host name, such as smtp.example.com.",
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "port",
        label: "Port",
        help: "587 for STARTTLS, 465 for TLS from the start.",
        shape: FieldShape::Number { min: 1, max: 65_535 },
        default: Some("587"),
        ..Field::PLAIN
    },
    Field {
        name: "security",
        label: "Encryption",
        help: "In the clear only works where the operator allows it.",
        shape: FieldShape::Choice(&[
            ("starttls", "STARTTLS (port 587)"),
            ("tls", "TLS from the start (port 465)"),
            ("plain", "In the clear"),
        ]),
        default: Some("starttls"),
        ..Field::PLAIN
    },
    Field {
        name: "user",
        label: "User",
        help: "As the mail server knows it, often the whole address. Leave it out when the server asks for none.",
        ..Field::PLAIN
    },
    Field {
        name: "password",
        label: "Password",
        help: "The user's password; with two-step sign-in, an app password.",
        shape: FieldShape::Secret,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "collect",
        label: "Several leads in one message",
        help: "Leads and follow-ups that are due at the same time go to the recipients in one message, up to a hundred. \
               Messages to customers never do.",
        shape: FieldShape::Choice(&[
            ("no", "One message for each lead"),
            ("yes", "One message for those due together"),
        ]),
        default: Some("no"),
        ..Field::PLAIN
    },
    mapped::MAPPING,
];

/// The setting of this name.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("settings are named as the descriptor names them")
}

/// The target that becomes the subject.
pub(super) const SUBJECT: &str = "Subject";
/// The target that becomes the address answers go to.
pub(super) const REPLY_TO: &str = "Reply-To";

const fn text(name: &'static str, label: &'static str) -> Target {
    Target { name, label, kind: Kind::Text, longest: None, required: false }
}

/// Targets with a place of their own; every other target is a line of the message.
pub(super) const TARGETS: &[Target] = &[
    // Longer subjects are cut by the programs people read mail with, and some servers take no line above 998.
    Target { longest: Some(Length::Utf16(200)), ..text(SUBJECT, "Subject") },
    Target { kind: Kind::Email, ..text(REPLY_TO, "Answers go to") },
];

/// Each row but the first two is a line: its target is the label.
pub(super) const MAPPING: &[(&str, &str)] = &[
    (SUBJECT, "join(': ', offer_title, customer.name)"),
    (REPLY_TO, "customer.email | trim"),
    ("Name", "customer.name"),
    ("Company", "customer.company"),
    ("Title", "customer.title"),
    ("E-mail", "customer.email"),
    ("Phone", "customer.phone"),
    ("Country", "customer.country | country_name"),
    ("Offer", "offer_title"),
    ("Lead source", "lead_source"),
    ("When", "occurred_at"),
    ("Notes", "notes"),
    ("Lead", "lead_id"),
];
