//! The settings of a Dynamics 365 destination, its default mapping, and the columns of a lead, as data.

use crate::descriptor::{Field, FieldShape};
use crate::entra::fields as entra;
use crate::{feedback, mapped, touchpoint_notes};
use leadwire_core::mapping::{Kind, Length, Target};

const SECRET: Option<(&str, &str)> = Some(("auth", "client_secret"));
const CERTIFICATE: Option<(&str, &str)> = Some(("auth", "certificate"));

pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "url",
        label: "Environment URL",
        help: "Such as https://contoso.crm4.dynamics.com; the Power Platform admin center shows it.",
        shape: FieldShape::Url,
        required: true,
        ..Field::PLAIN
    },
    Field { required: true, ..entra::TENANT },
    Field { required: true, ..entra::CLIENT_ID },
    Field {
        name: "auth",
        label: "Signing in",
        help: "A certificate is safer than a secret, and lasts longer.",
        shape: FieldShape::Choice(&[("client_secret", "Client secret"), ("certificate", "Certificate")]),
        default: Some("client_secret"),
        ..Field::PLAIN
    },
    Field { required: true, only_when: SECRET, ..entra::CLIENT_SECRET },
    Field { only_when: SECRET, ..entra::SECRET_ENDS_ON },
    Field { required: true, only_when: CERTIFICATE, ..entra::CERTIFICATE },
    Field { required: true, only_when: CERTIFICATE, ..entra::PRIVATE_KEY },
    Field { only_when: CERTIFICATE, ..entra::ASSERTION },
    entra::AUTHORITY,
    Field {
        name: "key",
        label: "What a lead is known by",
        help: "Its own id needs nothing in Dynamics; an alternate key needs a column and a key, which `destination prepare` can make.",
        shape: FieldShape::Choice(&[
            ("lead_id", "The lead's own id, which Leadwire chooses"),
            ("alternate_key", "An alternate key"),
        ]),
        default: Some("lead_id"),
        ..Field::PLAIN
    },
    Field {
        name: "key_column",
        label: "Column of the alternate key",
        help: "Logical name of a text column of at least 31 characters that is the only column of an alternate key.",
        default: Some("leadwire_leadid"),
        only_when: Some(("key", "alternate_key")),
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
        label: "When a duplicate detection rule finds the person",
        help: "Create does not ask the rules. Deliver counts the lead as delivered, for the person is there already.",
        shape: FieldShape::Choice(&[
            ("create", "Make the lead all the same"),
            ("park", "Put the lead aside for a person"),
            ("deliver", "Leave it at the record that is there"),
        ]),
        default: Some("create"),
        ..Field::PLAIN
    },
    Field {
        name: "api_version",
        label: "Version of the Web API",
        help: "Such as v9.2.",
        default: Some("v9.2"),
        ..Field::PLAIN
    },
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

/// Owner, campaign and currency are rows a publisher adds, such as `ownerid@odata.bind = '/teams(…)'`. The flags of Dynamics
/// mean the opposite of a consent: true is do not.
pub(super) const MAPPING: &[(&str, &str)] = &[
    ("subject", "first(offer_title, lead_source) | default('Marketplace lead') | one_line"),
    ("firstname", "customer.first_name"),
    (
        "lastname",
        "first(customer.last_name, customer.first_name, customer.email) | default('[not provided]')",
    ),
    ("companyname", "customer.company"),
    ("emailaddress1", "customer.email"),
    ("telephone1", "customer.phone"),
    ("jobtitle", "customer.title"),
    ("address1_country", "customer.country | country_name('en')"),
    // 8 is Web.
    ("leadsourcecode", "'8' | number"),
    ("description", "details"),
    ("donotemail", "do_not_contact | only_true | always"),
    ("donotbulkemail", "do_not_contact | only_true | always"),
    ("donotphone", "do_not_contact | only_true | always"),
    ("donotsendmm", "do_not_contact | only_true | always"),
];

const fn target(name: &'static str, label: &'static str, kind: Kind, longest: usize) -> Target {
    let longest = if longest == 0 { None } else { Some(Length::Utf16(longest)) };
    Target { name, label, kind, longest, required: false }
}

const fn text(name: &'static str, label: &'static str, longest: usize) -> Target {
    target(name, label, Kind::Text, longest)
}

const fn required(it: Target) -> Target {
    Target { required: true, ..it }
}

/// MicrosoftDocs/dynamics-365-customer-engagement, `ce/developer/entities/lead.md`. Lengths differ between environments, so
/// validation reads them.
pub(super) const TARGETS: &[Target] = &[
    required(text("subject", "Topic", 300)),
    text("firstname", "First name", 50),
    text("middlename", "Middle name", 50),
    required(text("lastname", "Last name", 50)),
    text("salutation", "Salutation", 100),
    text("jobtitle", "Job title", 100),
    text("companyname", "Company name", 100),
    target("emailaddress1", "E-mail", Kind::Email, 100),
    target("emailaddress2", "E-mail 2", Kind::Email, 100),
    text("telephone1", "Business phone", 50),
    text("telephone2", "Home phone", 50),
    text("mobilephone", "Mobile phone", 20),
    text("fax", "Fax", 50),
    text("websiteurl", "Website", 200),
    text("description", "Description", 2000),
    text("qualificationcomments", "Qualification comments", 2000),
    text("address1_line1", "Street 1", 250),
    text("address1_line2", "Street 2", 250),
    text("address1_line3", "Street 3", 250),
    text("address1_city", "City", 80),
    text("address1_stateorprovince", "State or province", 50),
    text("address1_postalcode", "Postal code", 20),
    text("address1_country", "Country or region", 80),
    text("sic", "SIC code", 20),
    target("numberofemployees", "Number of employees", Kind::Number, 0),
    target("revenue", "Annual revenue", Kind::Number, 0),
    target("budgetamount", "Budget amount", Kind::Number, 0),
    target("estimatedamount", "Estimated amount", Kind::Number, 0),
    target("estimatedclosedate", "Estimated close date", Kind::Moment, 0),
    target("donotemail", "Do not allow e-mails", Kind::Bool, 0),
    target("donotbulkemail", "Do not allow bulk e-mails", Kind::Bool, 0),
    target("donotphone", "Do not allow phone calls", Kind::Bool, 0),
    target("donotfax", "Do not allow faxes", Kind::Bool, 0),
    target("donotpostalmail", "Do not allow mails", Kind::Bool, 0),
    target("donotsendmm", "Do not send marketing material", Kind::Bool, 0),
    target("followemail", "Follow e-mail activity", Kind::Bool, 0),
    target("leadsourcecode", "Lead source", Kind::Number, 0),
    target("leadqualitycode", "Rating", Kind::Number, 0),
    target("industrycode", "Industry", Kind::Number, 0),
    target("preferredcontactmethodcode", "Preferred method of contact", Kind::Number, 0),
    target("budgetstatus", "Budget", Kind::Number, 0),
    target("need", "Need", Kind::Number, 0),
    target("purchasetimeframe", "Purchase time frame", Kind::Number, 0),
    target("purchaseprocess", "Purchase process", Kind::Number, 0),
    target("statuscode", "Status reason", Kind::Number, 0),
    target("importsequencenumber", "Import sequence number", Kind::Number, 0),
    target("overriddencreatedon", "Record created on", Kind::Moment, 0),
    text("ownerid@odata.bind", "Owner, as /systemusers(…) or /teams(…)", 200),
    text("campaignid@odata.bind", "Source campaign, as /campaigns(…)", 200),
    text("parentaccountid@odata.bind", "Parent account, as /accounts(…)", 200),
    text("parentcontactid@odata.bind", "Parent contact, as /contacts(…)", 200),
    text("transactioncurrencyid@odata.bind", "Currency, as /transactioncurrencies(…)", 200),
];
