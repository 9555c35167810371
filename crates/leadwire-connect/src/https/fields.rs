//! The settings of an HTTPS destination, as data.

use crate::descriptor::{Field, FieldShape};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "url",
        label: "URL",
        help: "Where leads are posted. It is kept secret, because the URL of a flow is a credential.",
        shape: FieldShape::Url,
        required: true,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "format",
        label: "Body",
        help: "Partner Center's body fits flows that were made for Microsoft's own lead connector.",
        shape: FieldShape::Choice(&[
            ("leadwire", "Leadwire: everything that is known"),
            ("partner_center", "Partner Center: the documented lead body"),
            ("cloudevents", "CloudEvents, structured"),
            ("cloudevents_binary", "CloudEvents, binary"),
        ]),
        default: Some("leadwire"),
        ..Field::PLAIN
    },
    Field {
        name: "receiver",
        label: "What receives",
        help: "Some products say things in their own way; naming yours lets Leadwire understand them.",
        shape: FieldShape::Choice(&[
            ("endpoint", "An endpoint of your own"),
            ("power_automate", "Power Automate or Logic Apps"),
            ("n8n", "n8n"),
            ("zapier", "Zapier"),
            ("make", "Make"),
            ("node_red", "Node-RED"),
        ]),
        default: Some("endpoint"),
        ..Field::PLAIN
    },
    Field {
        name: "lead_source_shape",
        label: "LeadSource",
        help: "Compound is `Source-Action|publisher.offer`; bare is the source alone, as in Microsoft's sample.",
        shape: FieldShape::Choice(&[("compound", "Source, action and offer"), ("bare", "Source only")]),
        default: Some("compound"),
        only_when: Some(("format", "partner_center")),
        ..Field::PLAIN
    },
    Field {
        name: "signing_secret",
        label: "Signing secret",
        help: "Signs every request as Standard Webhooks does; `whsec_` and base64.",
        shape: FieldShape::Secret,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "signing_secret_previous",
        label: "Previous signing secret",
        help: "Signs too, until the receiver knows the new secret.",
        shape: FieldShape::Secret,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "auth",
        label: "Signing in",
        help: "How Leadwire shows who it is.",
        shape: FieldShape::Choice(&[
            ("none", "None"),
            ("basic", "User name and password"),
            ("bearer", "Bearer token"),
            ("api_key", "API key in a header"),
            ("oauth2", "OAuth 2.0 client credentials"),
        ]),
        default: Some("none"),
        ..Field::PLAIN
    },
    Field {
        name: "username",
        label: "User name",
        help: "Without a colon.",
        required: true,
        only_when: Some(("auth", "basic")),
        ..Field::PLAIN
    },
    Field {
        name: "password",
        label: "Password",
        help: "The password of that user.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "basic")),
        ..Field::PLAIN
    },
    Field {
        name: "token",
        label: "Bearer token",
        help: "Sent as `Authorization: Bearer …`.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "bearer")),
        ..Field::PLAIN
    },
    Field {
        name: "api_key_header",
        label: "Header name",
        help: "The header the key is sent in.",
        default: Some("x-api-key"),
        only_when: Some(("auth", "api_key")),
        ..Field::PLAIN
    },
    Field {
        name: "api_key",
        label: "API key",
        help: "Sent as it is.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "api_key")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_token_url",
        label: "Token URL",
        help: "Where access tokens are asked for.",
        shape: FieldShape::Url,
        required: true,
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_client_id",
        label: "Client id",
        help: "The application's id.",
        required: true,
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_client_secret",
        label: "Client secret",
        help: "The application's secret.",
        shape: FieldShape::Secret,
        required: true,
        secret: true,
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_scope",
        label: "Scope",
        help: "For Power Automate: https://service.flow.microsoft.com//.default, with both slashes.",
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_audience",
        label: "Audience",
        help: "Only where the token service asks for one.",
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "oauth2_client_auth",
        label: "Client secret is sent",
        help: "In the form as Microsoft documents it, or by HTTP Basic as RFC 6749 prefers it.",
        shape: FieldShape::Choice(&[("form", "In the form"), ("basic", "By HTTP Basic")]),
        default: Some("form"),
        only_when: Some(("auth", "oauth2")),
        ..Field::PLAIN
    },
    Field {
        name: "client_certificate",
        label: "Client certificate",
        help: "For receivers that ask for one (mutual TLS): the certificate with its chain, in PEM.",
        shape: FieldShape::Lines,
        ..Field::PLAIN
    },
    Field {
        name: "client_key",
        label: "Key of the client certificate",
        help: "The private key, in PEM, without a password.",
        shape: FieldShape::Lines,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "authorities",
        label: "Further authorities",
        help: "Certificates in PEM of the authority that signed the receiver's certificate, if it is your own.",
        shape: FieldShape::Lines,
        ..Field::PLAIN
    },
    Field {
        name: "message_signature",
        label: "Message signature",
        help: "Signs method, address, type and digest as RFC 9421 says, beside the signature of Standard Webhooks.",
        shape: FieldShape::Choice(&[
            ("none", "None"),
            ("hmac-sha256", "With a shared key (HMAC)"),
            ("ed25519", "With a private key (Ed25519)"),
        ]),
        default: Some("none"),
        ..Field::PLAIN
    },
    Field {
        name: "message_signature_key",
        label: "Key of message signatures",
        help: "Base64 of at least 32 bytes for HMAC, or the private key in PEM for Ed25519.",
        shape: FieldShape::Lines,
        secret: true,
        ..Field::PLAIN
    },
    Field {
        name: "message_signature_key_id",
        label: "Name of that key",
        help: "By which the receiver finds the key.",
        ..Field::PLAIN
    },
    Field {
        name: "status_overrides",
        label: "Meaning of statuses",
        help: "For receivers that answer in their own way: some say 400 when their queue is full.",
        shape: FieldShape::StatusMap,
        ..Field::PLAIN
    },
];

/// The descriptor of a setting of this connector.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("the connector only names settings it has")
}
