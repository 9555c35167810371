//! Makes the form of one lead: a pure function from payload and settings to body.

use super::Shape;
use crate::Payload;
use leadwire_core::mapping::{Mapped, Value};
use url::form_urlencoded::byte_serialize;

/// Longest description (Object Reference, Lead), in characters as Java counts them.
const DESCRIPTION_MAX: usize = 32_000;

/// How the form writes letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Latin1,
}

impl Encoding {
    /// As the address names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "ISO-8859-1",
        }
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => text.chars().map(|it| u8::try_from(u32::from(it)).unwrap_or(b'?')).collect(),
        }
    }
}

/// The body.
pub(super) fn compose(shape: &Shape, payload: &Payload, mapped: &Mapped) -> String {
    let mut pairs: Vec<(&str, String)> =
        vec![("oid", shape.oid.clone()), ("encoding", shape.encoding.name().to_owned())];
    for field in &mapped.fields {
        let value = match &field.value {
            // A checkbox is sent as 1, or not at all.
            Value::Bool(true) => "1".to_owned(),
            Value::Bool(false) => continue,
            Value::Text(text) | Value::Number(text) => text.clone(),
        };
        pairs.push((&field.target, value));
    }
    if payload.attempt > 1 {
        say_repetition(&mut pairs, payload.attempt);
    }
    if let Some(id) = &shape.lead_id_field {
        pairs.push((id, payload.lead.to_string()));
    }
    if let Some(id) = &shape.touchpoint_id_field {
        pairs.push((id, payload.delivery.touchpoint.to_string()));
    }
    let encoded = |it: &str| byte_serialize(&shape.encoding.bytes(it)).collect::<String>();
    let pairs: Vec<String> = pairs.iter().map(|it| format!("{}={}", encoded(it.0), encoded(&it.1))).collect();
    pairs.join("&")
}

/// A first line of the description, so that whoever finds the lead twice knows why.
fn say_repetition(pairs: &mut Vec<(&str, String)>, attempt: u32) {
    let line = format!(
        "This may be a repetition: an earlier attempt may have made this lead already (attempt {attempt}, by Leadwire)."
    );
    match pairs.iter_mut().find(|it| it.0 == "description") {
        Some((_, text)) => {
            let whole = format!("{line}\n{text}");
            let mut left = DESCRIPTION_MAX;
            *text = whole
                .chars()
                .take_while(|it| {
                    let fits = it.len_utf16() <= left;
                    left = left.saturating_sub(it.len_utf16());
                    fits
                })
                .collect();
        }
        None => pairs.push(("description", line)),
    }
}
