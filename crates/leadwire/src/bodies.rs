//! From received bytes to touchpoints, and from kept bytes back to the same touchpoints.

use bytes::Bytes;
use leadwire_core::id::{OfferRef, PublisherId};
use leadwire_core::json::{self, TopLevel};
use leadwire_core::limits;
use leadwire_core::partner_center;
use leadwire_core::refusal::Refusal;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::leads::StoredTouchpoint;
use leadwire_store::rows::Channel;

/// One item of an API request: its own bytes, and the touchpoint in them or why there is none.
pub struct Item {
    /// The bytes of this item alone.
    pub body: Bytes,
    /// The touchpoint, or everything that is wrong with it.
    pub parsed: Result<Touchpoint, Vec<Refusal>>,
}

/// What the body of an API request holds.
pub enum Items {
    /// One touchpoint, not in an array.
    One(Box<Item>),
    /// An array, or one line each.
    Many(Vec<Item>),
}

/// Reads the body of `POST /v1/leads`. One bad item does not touch the others.
///
/// # Errors
/// When the body as a whole cannot be read: not JSON, or too many items.
pub fn api_items(body: &Bytes, is_ndjson: bool) -> Result<Items, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::new(
            "",
            "empty_body",
            "the body is empty",
            "send one touchpoint as a JSON object, several as an array or as NDJSON",
        ));
    }
    // Counted before they are read: an item of two bytes takes hundreds once it is refused.
    if is_ndjson {
        check_count(lines(body).count())?;
        return Ok(Items::Many(lines(body).map(|line| item(body.slice_ref(line))).collect()));
    }
    match json::top_level(body) {
        TopLevel::Array => {
            let items = json::parse_spans(body).map_err(Refusal::from)?;
            check_count(items.len())?;
            let items = items
                .into_iter()
                .map(|(json, span)| Item { body: body.slice(span), parsed: Touchpoint::parse(&json) });
            Ok(Items::Many(items.collect()))
        }
        TopLevel::Object | TopLevel::Other => Ok(Items::One(Box::new(item(body.clone())))),
    }
}

fn check_count(items: usize) -> Result<(), Refusal> {
    if items <= limits::BATCH_COUNT_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        "",
        "too_many_items",
        format!("the body holds {items} touchpoints"),
        format!("send at most {} in one request", limits::BATCH_COUNT_MAX),
    ))
}

fn item(body: Bytes) -> Item {
    let parsed = if body.len() > limits::TOUCHPOINT_BYTES_MAX {
        Err(vec![Refusal::new(
            "",
            "too_large",
            format!("the touchpoint has {} bytes", body.len()),
            format!("keep it below {} bytes", limits::TOUCHPOINT_BYTES_MAX),
        )])
    } else {
        json::parse(&body).map_err(|it| vec![it.into()]).and_then(|it| Touchpoint::parse(&it))
    };
    Item { body, parsed }
}

fn lines(body: &Bytes) -> impl Iterator<Item = &[u8]> {
    body.split(|it| *it == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

/// Reads a body sent to an intake address, by its content type if that says form, else as JSON. The offer is the
/// address's, whatever the body says.
///
/// # Errors
/// When it cannot be read in any documented way.
pub fn from_address(
    body: &[u8],
    content_type: &str,
    offer: &OfferRef,
) -> Result<(Channel, Touchpoint), Vec<Refusal>> {
    let is_form =
        content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let (channel, parsed) = if is_form {
        (Channel::Form, partner_center::parse_form(body))
    } else {
        (Channel::PartnerCenter, partner_center::parse_bytes(body))
    };
    let mut touchpoint = parsed?;
    touchpoint.offer = Some(offer.clone());
    Ok((channel, touchpoint))
}

/// Reads a kept touchpoint again. What was accepted once can always be read again.
///
/// # Errors
/// When the kept bytes are not what was accepted.
pub fn read_back(publisher: &PublisherId, kept: &StoredTouchpoint) -> Result<Touchpoint, Vec<Refusal>> {
    let mut touchpoint = match kept.channel {
        Channel::Api | Channel::File | Channel::Page | Channel::Person => {
            json::parse(&kept.body).map_err(|it| vec![it.into()]).and_then(|it| Touchpoint::parse(&it))
        }
        Channel::PartnerCenter => partner_center::parse_bytes(&kept.body),
        Channel::Form => partner_center::parse_form(&kept.body),
    }?;
    touchpoint.offer = kept.offer.clone().map(|offer| OfferRef { publisher: publisher.clone(), offer });
    Ok(touchpoint)
}
