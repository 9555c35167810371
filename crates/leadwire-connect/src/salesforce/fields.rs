//! The settings of a Salesforce destination, as data.

use crate::descriptor::{Field, FieldShape};
use crate::{bulk, feedback, mapped, touchpoint_notes};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "url",
        label: "My Domain URL",
        help: "Such as https://acme.my.salesforce.com; Setup shows it under My Domain. Not login.salesforce.com.",
        shape: FieldShape::Url,
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "auth",
        label: "Signing in",
        help: "Client credentials need a Run As user in the app's policies; JWT needs a certificate in the app.",
        shape: FieldShape::Choice(&[
            ("client_credentials", "Consumer key and consumer secret"),
            ("jwt", "Consumer key, user name and private key (JWT bearer)"),
        ]),
        default: Some("client_credentials"),
        ..Field::PLAIN
    },
    Field {
        name: "client_id",
        label: "Consumer key",
        help: "Shown by the External Client App, or connected app, under Settings, OAuth Settings.",
        required: true,
        ..Field::PLAIN
    },
    Field {
        name: "client_secret",
        label: "Consumer secret",
        help: "Shown beside the consumer key.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "client_credentials")),
        ..Field::PLAIN
    },
    Field {
        name: "username",
        label: "User name",
        help: "Of the integration user that leads are written as; it looks like an e-mail address.",
        required: true,
        only_when: Some(("auth", "jwt")),
        ..Field::PLAIN
    },
    Field {
        name: "private_key",
        label: "Private key",
        help: "RSA, in PEM, without a passphrase; its certificate is uploaded to the app.",
        shape: FieldShape::Lines,
        required: true,
        secret: true,
        only_when: Some(("auth", "jwt")),
        ..Field::PLAIN
    },
    Field {
        name: "audience",
        label: "Audience",
        help: "https://login.salesforce.com for production, https://test.salesforce.com for a Salesforce sandbox.",
        default: Some("https://login.salesforce.com"),
        only_when: Some(("auth", "jwt")),
        ..Field::PLAIN
    },
    Field {
        name: "login_url",
        label: "Login URL",
        help: "Only when tokens are asked for elsewhere than at the My Domain URL.",
        shape: FieldShape::Url,
        ..Field::PLAIN
    },
    Field {
        name: "api_version",
        label: "API version",
        help: "Such as v62.0; v52.0 is the oldest that does all that is needed.",
        default: Some("v62.0"),
        ..Field::PLAIN
    },
    Field {
        name: "external_id_field",
        label: "External id field",
        help: "A text field of Lead, marked External ID and Unique, that holds Leadwire's lead id.",
        default: Some("LeadwireLeadId__c"),
        ..Field::PLAIN
    },
    Field {
        name: "existing_leads",
        label: "Leads that are there already",
        help: "Keep writes only the fields marked `always` in the mapping, so that nobody's edit is lost.",
        shape: FieldShape::Choice(&[
            ("keep", "Keep what people edited"),
            ("overwrite", "Overwrite all mapped fields"),
        ]),
        default: Some("keep"),
        ..Field::PLAIN
    },
    Field {
        name: "duplicates",
        label: "When a duplicate rule finds the person",
        help: "Link counts the lead as delivered to the record that was found; force saves it past rules that only alert.",
        shape: FieldShape::Choice(&[
            ("link", "Link to the record that is there"),
            ("force", "Make another record"),
            ("park", "Put the lead aside for a person"),
        ]),
        default: Some("link"),
        ..Field::PLAIN
    },
    Field {
        name: "assignment_rule",
        label: "Assignment rule",
        help: "`run` for the active rule, `none`, or the id of a rule (01Q…). Never runs for leads that are there already.",
        default: Some("run"),
        ..Field::PLAIN
    },
    Field {
        name: "api_share_percent",
        label: "Share of the daily API calls, in percent",
        help: "When all integrations of the org together have used so much of the day's calls, leads wait.",
        shape: FieldShape::Number { min: 1, max: 100 },
        default: Some("80"),
        ..Field::PLAIN
    },
    bulk::BULK,
    touchpoint_notes::TOUCHPOINT_NOTES,
    feedback::READ_FEEDBACK,
    feedback::FEEDBACK_MINUTES,
    feedback::FEEDBACK_STATES,
    mapped::MAPPING,
    mapped::FIELD_RULES,
];

/// The descriptor of a setting of this connector.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("the connector only names settings it has")
}
