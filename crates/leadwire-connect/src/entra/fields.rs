//! The settings of signing in at Entra ID, as data: a connector takes them into its own, and says when each applies.

use crate::descriptor::{Field, FieldShape};

/// Where apps of the public cloud sign in.
pub(crate) const AUTHORITY_GLOBAL: &str = "https://login.microsoftonline.com";

/// The directory.
pub(crate) const TENANT: Field = Field {
    name: "tenant",
    label: "Directory (tenant) ID",
    help: "Of the Entra directory the app is registered in: its ID, or a domain such as contoso.onmicrosoft.com.",
    ..Field::PLAIN
};

/// The app.
pub(crate) const CLIENT_ID: Field = Field {
    name: "client_id",
    label: "Application (client) ID",
    help: "Shown on the overview page of the app registration.",
    ..Field::PLAIN
};

/// Its secret.
pub(crate) const CLIENT_SECRET: Field = Field {
    name: "client_secret",
    label: "Client secret",
    help: "The value of the secret, which is shown once when it is made; not the secret ID.",
    shape: FieldShape::Secret,
    secret: true,
    ..Field::PLAIN
};

/// When the secret ends.
pub(crate) const SECRET_ENDS_ON: Field = Field {
    name: "secret_ends_on",
    label: "Day the secret ends",
    help: "As 2027-01-31, shown beside the secret; Leadwire warns in time.",
    ..Field::PLAIN
};

/// Its certificate.
pub(crate) const CERTIFICATE: Field = Field {
    name: "certificate",
    label: "Certificate",
    help: "In PEM; the one that is uploaded to the app registration.",
    shape: FieldShape::Lines,
    ..Field::PLAIN
};

/// The certificate's key.
pub(crate) const PRIVATE_KEY: Field = Field {
    name: "private_key",
    label: "Private key of the certificate",
    help: "RSA, in PEM, without a passphrase.",
    shape: FieldShape::Lines,
    secret: true,
    ..Field::PLAIN
};

/// How an assertion is signed.
pub(crate) const ASSERTION: Field = Field {
    name: "assertion",
    label: "Signature of the assertion",
    help: "PS256 is what Entra ID documents; RS256 is for directories of other clouds that do not know it yet.",
    shape: FieldShape::Choice(&[("PS256", "PS256"), ("RS256", "RS256")]),
    default: Some("PS256"),
    ..Field::PLAIN
};

/// Where the app signs in.
pub(crate) const AUTHORITY: Field = Field {
    name: "authority",
    label: "Authority",
    help: "https://login.microsoftonline.us for US government clouds, https://login.partner.microsoftonline.cn for China.",
    shape: FieldShape::Url,
    default: Some(AUTHORITY_GLOBAL),
    ..Field::PLAIN
};
