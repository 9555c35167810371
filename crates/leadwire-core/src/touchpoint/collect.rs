//! Collecting the fields of a touchpoint with everything that is wrong with them, for every parser alike.

use crate::json::{Json, pointer_step};
use crate::limits;
use crate::refusal::Refusal;
use crate::text;
use crate::touchpoint::{Customer, Touchpoint};

/// The text fields of a customer, by their canonical names.
pub(crate) const CUSTOMER_FIELDS: [&str; 7] =
    ["first_name", "last_name", "email", "phone", "country", "company", "title"];

/// The slot of a customer's field, by its canonical name.
pub(crate) fn customer_field<'a>(customer: &'a mut Customer, name: &str) -> Option<&'a mut Option<String>> {
    match name {
        "first_name" => Some(&mut customer.first_name),
        "last_name" => Some(&mut customer.last_name),
        "email" => Some(&mut customer.email),
        "phone" => Some(&mut customer.phone),
        "country" => Some(&mut customer.country),
        "company" => Some(&mut customer.company),
        "title" => Some(&mut customer.title),
        _ => None,
    }
}

/// The canonical name of a customer's field, by its name without case and separators.
pub(crate) fn customer_name(plain: &str) -> Option<&'static str> {
    match plain {
        "firstname" => Some("first_name"),
        "lastname" => Some("last_name"),
        "email" => Some("email"),
        "phone" => Some("phone"),
        "country" => Some("country"),
        "company" => Some("company"),
        "title" => Some("title"),
        _ => None,
    }
}

/// A touchpoint in the making, and what was wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) touchpoint: Touchpoint,
    pub(crate) refusals: Vec<Refusal>,
}

impl Collected {
    /// The touchpoint, unless something was wrong.
    pub(crate) fn finish(self) -> Result<Touchpoint, Vec<Refusal>> {
        if self.refusals.is_empty() { Ok(self.touchpoint) } else { Err(self.refusals) }
    }

    /// The trimmed text, or nothing when it is blank. A text above the bound is refused.
    pub(crate) fn bounded(&mut self, pointer: &str, content: &str, bytes_max: usize) -> Option<String> {
        let content = text::non_blank(content)?;
        if content.len() > bytes_max {
            self.refuse(pointer, "too_long", format!("longer than {bytes_max} bytes"), "shorten this text");
            return None;
        }
        Some(content.to_owned())
    }

    /// Keeps a field under its name in `custom`; under `<name>_2`, `<name>_3` … when the name is taken.
    pub(crate) fn keep(&mut self, name: &str, value: Json) {
        keep(&mut self.touchpoint.custom, &mut self.refusals, "/custom", name, value);
    }

    /// Keeps a campaign parameter, as [`Collected::keep`] does.
    pub(crate) fn keep_campaign(&mut self, name: &str, value: Json) {
        keep(&mut self.touchpoint.campaign, &mut self.refusals, "/campaign", name, value);
    }

    pub(crate) fn refuse(
        &mut self,
        pointer: &str,
        code: &'static str,
        message: impl Into<String>,
        fix: &str,
    ) {
        self.refusals.push(Refusal::new(pointer, code, message, fix));
    }
}

fn keep(
    entries: &mut Vec<(String, Json)>,
    refusals: &mut Vec<Refusal>,
    pointer: &str,
    name: &str,
    value: Json,
) {
    if entries.len() == limits::ENTRIES_MAX {
        // Said once, and the rest is not looked at: comparing names is quadratic beyond this bound.
        if !refusals.iter().any(|refusal| refusal.code == "too_many_entries" && refusal.pointer == pointer) {
            let message = format!("more than {} fields", limits::ENTRIES_MAX);
            refusals.push(Refusal::new(pointer, "too_many_entries", message, "send fewer fields"));
        }
        return;
    }
    let is_taken = |name: &str| entries.iter().any(|(other, _)| other == name);
    let free = if is_taken(name) {
        (2_usize..)
            .map(|number| format!("{name}_{number}"))
            .find(|name| !is_taken(name))
            .expect("numbers go on")
    } else {
        name.to_owned()
    };
    // What is kept is stored in the canonical form and read back by the parser that reads what came from outside:
    // a name must fit with what was put around it, and a value with the two levels that it lies under there.
    let place = || format!("{pointer}{}", pointer_step(&free));
    if free.len() > limits::FIELD_BYTES_MAX {
        let message = format!("a name longer than {} bytes", limits::FIELD_BYTES_MAX);
        refusals.push(Refusal::new(place(), "too_long", message, "shorten the name of this field"));
    } else if value.depth() > limits::JSON_DEPTH_MAX - 2 {
        let fix = format!("nest at most {} levels", limits::JSON_DEPTH_MAX - 2);
        refusals.push(Refusal::new(place(), "json_too_deep", "nested too deep", fix));
    } else {
        entries.push((free, value));
    }
}
