//! Secrets at the door and at rest: API keys and intake tokens, and the vault that seals destinations' credentials.

use crate::clock::fill_random;
use anyhow::{Context, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use leadwire_core::secret::Secret;
use std::fmt::Write as _;
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
}

impl CredentialKind {
    fn prefix(self) -> &'static str {
        match self {
            CredentialKind::ApiKey => "lw_live_",
            CredentialKind::IntakeToken => "lw_in_",
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

/// The last four characters, by which people tell credentials apart.
pub fn tail(credential: &Secret<String>) -> String {
    let text = credential.expose();
    text[text.len() - 4..].to_owned()
}

/// Seals and opens the secret settings of destinations with a key from outside the store.
pub struct Vault {
    key: RandomizedNonceKey,
}

impl Vault {
    /// Reads the key file of a data folder, or makes one that only its owner can read.
    ///
    /// # Errors
    /// When the file cannot be read or made, or does not hold 32 bytes in hexadecimal.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("secret.key");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0u8; 32];
                fill_random(&mut bytes);
                let text = bytes.iter().fold(String::new(), |mut text, byte| {
                    write!(text, "{byte:02x}").expect("a String takes everything");
                    text
                });
                write_private(&file, &text)?;
                text
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the key file {}", file.display()));
            }
        };
        Self::from_hex(text.trim()).with_context(|| format!("the key file {} is not usable", file.display()))
    }

    fn from_hex(text: &str) -> anyhow::Result<Self> {
        let mut key = [0u8; 32];
        if text.len() != 64 || !text.is_ascii() {
            bail!("expected 64 hexadecimal digits");
        }
        for (slot, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair)?;
            *slot = u8::from_str_radix(pair, 16).context("expected 64 hexadecimal digits")?;
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| anyhow::anyhow!("not a key"))?;
        Ok(Self { key })
    }

    /// Seals a text. `place` says where it is kept; it opens nowhere else.
    pub fn seal(&self, place: &str, text: &str) -> Vec<u8> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut sealed)
            .expect("sealing a short text cannot fail");
        let mut out = nonce.as_ref().to_vec();
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what was sealed for the same place with the same key.
    ///
    /// # Errors
    /// When it was sealed with another key, for another place, or was changed since.
    pub fn open_sealed(&self, place: &str, sealed: &[u8]) -> anyhow::Result<Secret<String>> {
        const NONCE_LEN: usize = 12;
        let refused = || {
            anyhow::anyhow!("a sealed secret does not open: the key file is not the one it was sealed with")
        };
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut rest = rest.to_vec();
        let opened =
            self.key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest).map_err(|_| refused())?;
        Ok(Secret::new(String::from_utf8(opened.to_vec())?))
    }
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
    fn a_sealed_secret_opens_only_in_its_place_and_unchanged() {
        let vault = Vault::from_hex(&"07".repeat(32)).expect("a key");
        let mut sealed = vault.seal("destination/contoso/crm", "hunter2");
        assert_eq!(vault.open_sealed("destination/contoso/crm", &sealed).expect("opens").expose(), "hunter2");
        assert!(vault.open_sealed("destination/fabrikam/crm", &sealed).is_err());
        sealed[15] ^= 1;
        assert!(vault.open_sealed("destination/contoso/crm", &sealed).is_err());
    }

    #[test]
    fn parts_are_not_glued_together() {
        assert_ne!(short_hash(&[b"ab", b"c"]), short_hash(&[b"a", b"bc"]));
    }
}
