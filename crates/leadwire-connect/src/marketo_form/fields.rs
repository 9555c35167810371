//! The settings of a Marketo form, its fields, and the default mapping, as data.

use crate::descriptor::{Field, FieldShape};
use crate::mapped;
use crate::marketo::fields as marketo;
use leadwire_core::mapping::Target;

const REST: Option<(&str, &str)> = Some(("way", "submit_form"));

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "way",
        label: "How forms are submitted",
        help: "The REST API tells what became of each lead. The post of a browser needs no client id, and Adobe does not support it: only for settings that cannot be changed.",
        shape: FieldShape::Choice(&[
            ("submit_form", "By the REST API (Submit Form)"),
            ("classic", "As a browser does (Forms 2.0)"),
        ]),
        default: Some("submit_form"),
        ..Field::PLAIN
    },
    marketo::MUNCHKIN_ID,
    Field {
        name: "form_id",
        label: "Form id",
        help: "The number at the end of the form's embed code, such as 1179.",
        shape: FieldShape::Number { min: 1, max: i32::MAX as i64 },
        required: true,
        ..Field::PLAIN
    },
    Field { only_when: REST, ..marketo::CLIENT_ID },
    Field { only_when: REST, ..marketo::CLIENT_SECRET },
    Field {
        name: "server_id",
        label: "Server id",
        help: "Such as ys12, from //app-ys12.marketo.com in the form's embed code. Needed only to post as a browser does.",
        ..Field::PLAIN
    },
    Field {
        name: "existing_people",
        label: "People who are there already",
        help: "A form overwrites what people edited. Keep looks first, with one call more, and then submits only the address and the fields marked `always`.",
        shape: FieldShape::Choice(&[
            ("keep", "Keep what people edited"),
            ("overwrite", "Submit all mapped fields"),
        ]),
        default: Some("keep"),
        only_when: REST,
        ..Field::PLAIN
    },
    Field {
        name: "program_id",
        label: "Programme id",
        help: "The programme that the form's activity belongs to, when the form is used in several.",
        shape: FieldShape::Number { min: 1, max: i32::MAX as i64 },
        only_when: REST,
        ..Field::PLAIN
    },
    Field {
        name: "page_url",
        label: "Address of the page",
        help: "Kept with the form's activity, such as the address of your listing.",
        only_when: REST,
        ..Field::PLAIN
    },
    marketo::API_URL,
    mapped::MAPPING,
    mapped::FIELD_RULES,
];

/// The setting of this name.
pub(super) fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.name == name).expect("settings are named as the descriptor names them")
}

/// REST API names; the post of a browser writes them as the form shows them.
pub(super) const TARGETS: &[Target] = marketo::TARGETS;

/// What Microsoft's connector wrote, and the flags for those who do not want to be contacted.
pub(super) const MAPPING: &[(&str, &str)] = marketo::MAPPING;
