//! The columns of a lead in the simulated environment, and what its metadata says of them.
//!
//! MicrosoftDocs/dynamics-365-customer-engagement, `ce/developer/entities/lead.md`.

use super::Problem;
use serde_json::{Value, json};

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text {
        longest: usize,
        is_email: bool,
    },
    Memo {
        longest: usize,
    },
    Bool,
    Whole {
        min: i64,
        max: i64,
    },
    Money,
    Choice(Vec<i64>),
    Day,
    Moment,
    /// Bound by the navigation property of the same name to a row of one of these tables: set and logical name.
    Lookup(&'static [(&'static str, &'static str)]),
}

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_creatable: bool,
    pub(super) is_updatable: bool,
    /// Nobody without a column security profile writes it.
    pub(super) is_secured: bool,
}

pub(super) struct Schema {
    columns: Vec<Column>,
}

const TEXTS: &[(&str, usize)] = &[
    ("subject", 300),
    ("firstname", 50),
    ("middlename", 50),
    ("lastname", 50),
    ("salutation", 100),
    ("jobtitle", 100),
    ("companyname", 100),
    ("telephone1", 50),
    ("telephone2", 50),
    ("telephone3", 50),
    ("fax", 50),
    ("mobilephone", 20),
    ("pager", 20),
    ("websiteurl", 200),
    ("address1_name", 100),
    ("address1_line1", 250),
    ("address1_line2", 250),
    ("address1_line3", 250),
    ("address1_city", 80),
    ("address1_country", 80),
    ("address1_stateorprovince", 50),
    ("address1_county", 50),
    ("address1_postalcode", 20),
    ("sic", 20),
];
const FLAGS: &[&str] = &[
    "donotemail",
    "donotbulkemail",
    "donotphone",
    "donotfax",
    "donotpostalmail",
    "donotsendmm",
    "followemail",
];
const LOOKUPS: &[(&str, &[(&str, &str)])] = &[
    ("ownerid", &[("systemusers", "systemuser"), ("teams", "team")]),
    ("campaignid", &[("campaigns", "campaign")]),
    ("parentaccountid", &[("accounts", "account")]),
    ("parentcontactid", &[("contacts", "contact")]),
    ("transactioncurrencyid", &[("transactioncurrencies", "transactioncurrency")]),
];

impl Schema {
    /// A lead as it comes.
    pub(super) fn standard() -> Self {
        let column = |name: &str, kind: Kind| Column {
            name: name.to_owned(),
            kind,
            is_creatable: true,
            is_updatable: true,
            is_secured: false,
        };
        let mut columns = Vec::new();
        columns.push(Column {
            is_updatable: false,
            ..column("leadid", Kind::Text { longest: 36, is_email: false })
        });
        for (name, longest) in TEXTS {
            columns.push(column(name, Kind::Text { longest: *longest, is_email: false }));
        }
        for name in ["emailaddress1", "emailaddress2", "emailaddress3"] {
            columns.push(column(name, Kind::Text { longest: 100, is_email: true }));
        }
        for name in ["description", "qualificationcomments"] {
            columns.push(column(name, Kind::Memo { longest: 2000 }));
        }
        columns.extend(FLAGS.iter().map(|it| column(it, Kind::Bool)));
        columns.push(column("numberofemployees", Kind::Whole { min: 0, max: 1_000_000 }));
        columns.push(column(
            "importsequencenumber",
            Kind::Whole { min: i64::from(i32::MIN), max: i64::from(i32::MAX) },
        ));
        columns.extend(["revenue", "budgetamount", "estimatedamount"].map(|it| column(it, Kind::Money)));
        columns.push(column("estimatedclosedate", Kind::Day));
        columns.push(Column { is_updatable: false, ..column("overriddencreatedon", Kind::Moment) });
        for (name, choices) in [
            ("leadsourcecode", 1..=10),
            ("leadqualitycode", 1..=3),
            ("industrycode", 1..=33),
            ("preferredcontactmethodcode", 1..=5),
            ("budgetstatus", 0..=3),
            ("need", 0..=3),
            ("purchasetimeframe", 0..=4),
            ("purchaseprocess", 0..=2),
            ("statuscode", 1..=7),
        ] {
            columns.push(column(name, Kind::Choice(choices.collect())));
        }
        columns.push(Column { is_creatable: false, ..column("statecode", Kind::Choice((0..=2).collect())) });
        columns.extend(LOOKUPS.iter().map(|it| column(it.0, Kind::Lookup(it.1))));
        for name in ["fullname", "createdon", "modifiedon"] {
            let kind =
                if name == "fullname" { Kind::Text { longest: 100, is_email: false } } else { Kind::Moment };
            columns.push(Column { is_creatable: false, is_updatable: false, ..column(name, kind) });
        }
        Self { columns }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|it| it.name == name)
    }

    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Column)) -> bool {
        self.columns.iter_mut().find(|it| it.name == name).is_some_and(|it| {
            change(it);
            true
        })
    }

    pub(super) fn add_text(&mut self, name: &str, longest: usize) {
        self.columns.push(Column {
            name: name.to_owned(),
            kind: Kind::Text { longest, is_email: false },
            is_creatable: true,
            is_updatable: true,
            is_secured: false,
        });
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.columns.retain(|it| it.name != name);
    }

    /// The columns of a type as metadata shows them; `cast` is empty for all of them.
    pub(super) fn metadata(&self, cast: &str) -> Option<Vec<Value>> {
        let is_wanted = |it: &&Column| match cast {
            "" => true,
            "String" => matches!(it.kind, Kind::Text { .. }) && it.name != "leadid",
            "Memo" => matches!(it.kind, Kind::Memo { .. }),
            "Picklist" => matches!(it.kind, Kind::Choice(_)) && !it.name.starts_with("stat"),
            _ => false,
        };
        ["", "String", "Memo", "Picklist"]
            .contains(&cast)
            .then(|| self.columns.iter().filter(is_wanted).map(|it| it.metadata(cast)).collect())
    }
}

impl Column {
    /// What only some types have is told only of a type.
    fn metadata(&self, cast: &str) -> Value {
        let kind = match &self.kind {
            Kind::Text { .. } if self.name == "leadid" => "Uniqueidentifier",
            Kind::Text { .. } => "String",
            Kind::Memo { .. } => "Memo",
            Kind::Bool => "Boolean",
            Kind::Whole { .. } => "Integer",
            Kind::Money => "Money",
            Kind::Choice(_) if self.name == "statecode" => "State",
            Kind::Choice(_) if self.name == "statuscode" => "Status",
            Kind::Choice(_) => "Picklist",
            Kind::Day | Kind::Moment => "DateTime",
            Kind::Lookup(_) => "Lookup",
        };
        let mut shown = json!({
            "LogicalName": self.name,
            "AttributeType": kind,
            "IsValidForCreate": self.is_creatable,
            "IsValidForUpdate": self.is_updatable,
            "RequiredLevel": { "Value": "None" },
        });
        match &self.kind {
            _ if cast.is_empty() => {}
            Kind::Text { longest, is_email } => {
                shown["MaxLength"] = json!(longest);
                shown["Format"] = json!(if *is_email { "Email" } else { "Text" });
            }
            Kind::Memo { longest } => shown["MaxLength"] = json!(longest),
            Kind::Choice(choices) => {
                let options: Vec<Value> = choices.iter().map(|it| json!({ "Value": it })).collect();
                shown["OptionSet"] = json!({ "Options": options });
            }
            _ => {}
        }
        shown
    }

    /// What is wrong with a value, if anything.
    pub(super) fn refusal(&self, value: &Value) -> Option<Problem> {
        let name = &self.name;
        let literal = |kind: &str| {
            let message = format!(
                "Error identified in Payload provided by the user for Entity :'leads'. Cannot convert the literal of \
                 property '{name}' to the expected type 'Edm.{kind}'."
            );
            Some(Problem::new(400, "0x80048d19", message))
        };
        let outside = |shown: &str, accepted: String| {
            let message = format!(
                "A validation error occurred. The value {shown} of '{name}' on record of type 'lead' is outside the valid \
                 range. Accepted Values: {accepted}"
            );
            Some(Problem::new(400, "0x8004431a", message))
        };
        if value.is_null() {
            return None;
        }
        match &self.kind {
            Kind::Text { longest, .. } | Kind::Memo { longest } => match value.as_str() {
                None => literal("String"),
                Some(text) if text.encode_utf16().count() > *longest => {
                    let message = format!(
                        "A validation error occurred.  The length of the '{name}' attribute of the 'lead' entity exceeded \
                         the maximum allowed length of '{longest}'."
                    );
                    Some(Problem::new(400, "0x80044331", message))
                }
                Some(_) => None,
            },
            Kind::Bool => value.as_bool().map_or_else(|| literal("Boolean"), |_| None),
            Kind::Whole { min, max } => match value.as_i64() {
                None => literal("Int32"),
                Some(number) if !(*min..=*max).contains(&number) => {
                    outside(&number.to_string(), format!("{min} to {max}"))
                }
                Some(_) => None,
            },
            Kind::Money => value.as_f64().map_or_else(|| literal("Decimal"), |_| None),
            Kind::Choice(choices) => match value.as_i64() {
                None => literal("Int32"),
                Some(number) if !choices.contains(&number) => {
                    let accepted: Vec<String> = choices.iter().map(i64::to_string).collect();
                    outside(&number.to_string(), accepted.join(","))
                }
                Some(_) => None,
            },
            Kind::Day => {
                let is_day =
                    |it: &str| it.len() == 10 && it.as_bytes()[4] == b'-' && it.as_bytes()[7] == b'-';
                value.as_str().filter(|it| is_day(it)).map_or_else(|| literal("Date"), |_| None)
            }
            Kind::Moment => {
                let is_moment = |it: &str| it.len() >= 20 && it.as_bytes()[10] == b'T' && it.ends_with('Z');
                value.as_str().filter(|it| is_moment(it)).map_or_else(|| literal("DateTimeOffset"), |_| None)
            }
            // A lookup is bound, not written.
            Kind::Lookup(_) => literal("EntityReference"),
        }
    }
}
