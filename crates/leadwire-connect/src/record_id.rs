//! The name a lead has at a destination, derived from the lead: the same over attempts, restarts, replays and restores.

use crate::Payload;
use aws_lc_rs::digest::{SHA256, digest};

/// The lead's id, for an external-id field: `lead_` and 26 characters of a-z and 0-9, so that no system needs to
/// escape it and case does not matter.
pub(crate) fn text(payload: &Payload) -> String {
    payload.lead.to_string()
}

/// A GUID for systems whose records have no other key: version 8 of RFC 9562 (5.8), whose bits are the SHA-256 of
/// publisher and lead. Two publishers that write into one system never meet.
pub(crate) fn guid(payload: &Payload) -> String {
    of_name(&format!("leadwire:lead:{}:{}", payload.publisher.as_str(), payload.lead))
}

/// A GUID for the note of a touchpoint, made in the same way: a repetition names the note that is there.
pub(crate) fn note_guid(payload: &Payload) -> String {
    of_name(&format!("leadwire:note:{}:{}", payload.publisher.as_str(), payload.delivery.touchpoint))
}

fn of_name(name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let mut bytes: [u8; 16] = hash.as_ref()[..16].try_into().expect("SHA-256 gives 32 bytes");
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = leadwire_core::hex::encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
