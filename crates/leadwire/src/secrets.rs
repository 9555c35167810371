//! Secrets at the door: API keys and intake tokens, of which only hashes are kept.

use crate::clock::fill_random;
use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use leadwire_core::secret::Secret;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Base-62 characters of a credential that are random: 32 of them carry 190 bits.
const RANDOM_CHARS: usize = 32;
/// Base-62 characters of the checksum at the end.
const CHECK_CHARS: usize = 6;

/// What kind of credential a text claims to be, told by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An API key.
    ApiKey,
    /// The secret part of an intake address.
    IntakeToken,
    /// The secret part of the address of an offer's preview.
    PreviewToken,
    /// The secret part of the link by which a user chooses a password.
    UserLink,
    /// What a browser shows of somebody who is signed in.
    Session,
    /// What a browser shows of somebody whose password was right and whose code is awaited.
    HalfSession,
    /// The secret part of a link that opens the portal once.
    PortalLink,
    /// What a browser shows of somebody who came by such a link.
    Guest,
    /// What a browser shows of somebody who comes back from a provider.
    Errand,
}

impl CredentialKind {
    fn prefix(self) -> &'static str {
        match self {
            CredentialKind::ApiKey => "lw_live_",
            CredentialKind::IntakeToken => "lw_in_",
            CredentialKind::PreviewToken => "lw_pre_",
            CredentialKind::UserLink => "lw_link_",
            CredentialKind::Session => "lw_ses_",
            CredentialKind::HalfSession => "lw_half_",
            CredentialKind::PortalLink => "lw_open_",
            CredentialKind::Guest => "lw_guest_",
            CredentialKind::Errand => "lw_way_",
        }
    }
}

/// Makes a credential: a prefix that secret scanners know, random characters, and a checksum of both.
pub fn make_credential(kind: CredentialKind) -> Secret<String> {
    let mut text = kind.prefix().to_owned();
    let mut random = [0u8; 1];
    while text.len() < kind.prefix().len() + RANDOM_CHARS {
        fill_random(&mut random);
        // Values past the last multiple of 62 are thrown again, so that every character is as likely as any other.
        if random[0] < 248 {
            text.push(char::from(BASE62[usize::from(random[0] % 62)]));
        }
    }
    let check = checksum(&text);
    text.push_str(&check);
    Secret::new(text)
}

/// Whether a text is well formed as a credential of this kind: a typing mistake is told from a wrong secret.
pub fn is_well_formed(kind: CredentialKind, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(kind.prefix()) else { return false };
    rest.len() == RANDOM_CHARS + CHECK_CHARS
        && rest.is_ascii()
        && checksum(&text[..text.len() - CHECK_CHARS]) == text[text.len() - CHECK_CHARS..]
}

fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut out = [b'0'; CHECK_CHARS];
    for slot in out.iter_mut().rev() {
        *slot = BASE62[usize::try_from(rest % 62).expect("below 62")];
        rest /= 62;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// CRC-32 as in IEEE 802.3, bit by bit: credentials are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The first half of SHA-256 over parts, each with its length, so that no two lists of parts are alike.
pub fn short_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = aws_lc_rs::digest::Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).expect("a length fits").to_le_bytes());
        context.update(part);
    }
    context.finish().as_ref()[..16].try_into().expect("SHA-256 gives more than 16 bytes")
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
pub fn is_same_hash(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The last four characters, by which people tell credentials apart.
pub fn tail(credential: &Secret<String>) -> String {
    let text = credential.expose();
    text[text.len() - 4..].to_owned()
}

/// Writes a file that only its owner can read, and makes sure that it is on disk.
///
/// # Errors
/// When the file cannot be written.
pub fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let written = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut it| it.write_all(text.as_bytes()).and_then(|()| it.sync_all()));
    written.with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_well_formed_and_a_changed_letter_is_noticed() {
        let key = make_credential(CredentialKind::ApiKey);
        let text = key.expose();
        assert!(is_well_formed(CredentialKind::ApiKey, text));
        assert!(!is_well_formed(CredentialKind::IntakeToken, text));
        let mut changed = text.clone().into_bytes();
        changed[12] = if changed[12] == b'A' { b'B' } else { b'A' };
        assert!(!is_well_formed(CredentialKind::ApiKey, &String::from_utf8_lossy(&changed)));
    }

    #[test]
    fn crc_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn parts_are_not_glued_together() {
        assert_ne!(short_hash(&[b"ab", b"c"]), short_hash(&[b"a", b"bc"]));
    }
}
