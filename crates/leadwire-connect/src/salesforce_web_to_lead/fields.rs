//! The settings of a Web-to-Lead destination, as data.

use crate::descriptor::{Field, FieldShape};
use crate::mapped;

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "oid",
        label: "Organization identifier",
        help: "The `oid` in the HTML that Setup, Web-to-Lead generates: 15 or 18 characters that start with 00D.",
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "host",
        label: "Org",
        help: "Production, a Salesforce sandbox, or another address.",
        shape: FieldShape::Choice(&[
            ("production", "Production (webto.salesforce.com)"),
            ("sandbox", "Salesforce sandbox (test.salesforce.com)"),
            ("other", "Another address"),
        ]),
        default: Some("production"),
        ..Field::PLAIN
    },
    Field {
        name: "url",
        label: "Address",
        help: "Such as https://acme.my.salesforce.com. Only webto.salesforce.com keeps leads while an org is down.",
        shape: FieldShape::Url,
        required: true,
        only_when: Some(("host", "other")),
        ..Field::PLAIN
    },
    Field {
        name: "encoding",
        label: "Encoding",
        help: "Leave it at UTF-8; with ISO-8859-1, letters it does not have become question marks.",
        shape: FieldShape::Choice(&[("UTF-8", "UTF-8"), ("ISO-8859-1", "ISO-8859-1")]),
        default: Some("UTF-8"),
        ..Field::PLAIN
    },
    Field {
        name: "lead_id_field",
        label: "Field for the lead's id",
        help: "Id of a custom text field (00N…), shown in the generated HTML. All touchpoints of a customer share the value.",
        ..Field::PLAIN
    },
    Field {
        name: "touchpoint_id_field",
        label: "Field for the touchpoint's id",
        help: "Id of a custom text field (00N…) marked Unique: Salesforce then refuses a repetition instead of making a second lead.",
        ..Field::PLAIN
    },
    Field {
        name: "after_unknown",
        label: "When it is not known whether a lead arrived",
        help: "Repeat may make the lead twice, and says so in its description; park waits for a person to look.",
        shape: FieldShape::Choice(&[("repeat", "Repeat it"), ("park", "Put it aside for a person")]),
        default: Some("repeat"),
        ..Field::PLAIN
    },
    Field {
        name: "daily_limit",
        label: "Leads in 24 hours",
        help: "Salesforce makes 500 leads a day unless your contract says more; further ones wait here, not there.",
        shape: FieldShape::Number { min: 1, max: 50_000 },
        default: Some("500"),
        ..Field::PLAIN
    },
    mapped::MAPPING,
];

/// The descriptor of a setting of this connector.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("the connector only names settings it has")
}
