//! Codes that somebody's phone makes from a secret and the time (RFC 6238): which one is right at a moment, and how the secret
//! is told to the phone.

use crate::limits;
use crate::time::Timestamp;
use aws_lc_rs::hmac;
use std::time::Duration;

/// How long one code counts. Apps that make codes know no other length but by being told, and some do not listen.
pub const STEP: Duration = Duration::from_secs(30);
/// Digits of a code; see above.
pub const DIGITS: usize = 6;
/// Bytes of a secret: as many as the hash gives (RFC 4226, 4: at least 16, better 20).
pub const SECRET_BYTES: usize = 20;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The number of the step that a moment is in.
pub fn step_of(now: Timestamp) -> i64 {
    let seconds = i64::try_from(STEP.as_secs()).expect("half a minute fits");
    now.millis().div_euclid(1000).div_euclid(seconds)
}

/// The code of a step as a number below `10^digits`, cut out of the hash as RFC 4226, 5.3 says.
fn number(secret: &[u8], step: i64, digits: usize) -> u32 {
    // SHA-1 is what every app takes; as a keyed hash it is not broken (RFC 6238, 1.2).
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    let from = usize::from(hash[hash.len() - 1] & 0x0f);
    let four: [u8; 4] =
        hash[from..from + 4].try_into().expect("four bytes, of which the last is at most the 19th");
    let whole = u32::from_be_bytes(four) & 0x7fff_ffff;
    (0..digits).fold(1u64, |it, _| it * 10).try_into().map_or(whole, |most: u32| whole % most)
}

/// The code of a step.
pub fn code(secret: &[u8], step: i64) -> String {
    format!("{:0width$}", number(secret, step, DIGITS), width = DIGITS)
}

/// A code as somebody typed it: its digits alone, without spaces. None: it is no code.
pub fn read_code(typed: &str) -> Option<String> {
    let digits: String = typed.chars().filter(|it| !it.is_whitespace()).take(DIGITS + 1).collect();
    (digits.len() == DIGITS && digits.bytes().all(|it| it.is_ascii_digit())).then_some(digits)
}

/// The steps about a moment whose code this is, the earliest first: clocks differ by a step either way (RFC 6238, 5.2).
pub fn steps_with(secret: &[u8], code: &str, now: Timestamp) -> Vec<i64> {
    let (here, drift) = (step_of(now), limits::CODE_DRIFT_STEPS);
    let is_same = |step: &i64| {
        let right = self::code(secret, *step);
        aws_lc_rs::constant_time::verify_slices_are_equal(right.as_bytes(), code.as_bytes()).is_ok()
    };
    (here.saturating_sub(drift)..=here.saturating_add(drift)).filter(is_same).collect()
}

/// Bytes as people type them: letters and digits that are not taken for each other (RFC 4648, 6), without padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[usize::try_from(held >> bits & 31).expect("below 32")]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(BASE32[usize::try_from(held << (5 - bits) & 31).expect("below 32")]));
    }
    text
}

/// The address that tells a secret to an app, as all of them read it from a picture (Google Authenticator, Key URI Format).
pub fn address(issuer: &str, account: &str, secret: &[u8]) -> String {
    let issuer = in_address(issuer);
    let (account, key) = (in_address(account), base32(secret));
    let (digits, period) = (DIGITS, STEP.as_secs());
    format!(
        "otpauth://totp/{issuer}:{account}?secret={key}&issuer={issuer}&algorithm=SHA1&digits={digits}&period={period}"
    )
}

/// Every sign but letters, digits and a few plain ones by its bytes (RFC 3986, 2.3).
fn in_address(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6238, appendix B: the secret of its vectors for SHA-1.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_vectors_of_the_standard_come_out() {
        let table = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (seconds, code) in table {
            let step = step_of(at(seconds));
            assert_eq!(format!("{:08}", number(SECRET, step, 8)), code, "{seconds}");
            assert_eq!(super::code(SECRET, step), code[2..], "{seconds}: six digits are the last of eight");
        }
    }

    #[test]
    fn the_vectors_of_the_counter_come_out() {
        // RFC 4226, appendix D.
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, expected) in (0..).zip(codes) {
            assert_eq!(code(SECRET, step), expected);
        }
    }

    #[test]
    fn one_step_either_way_counts_and_no_more() {
        let now = at(1_111_111_111);
        let here = step_of(now);
        for (away, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = steps_with(SECRET, &code(SECRET, here + away), now);
            assert_eq!(found.contains(&(here + away)), counts, "{away}");
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        assert_eq!(read_code(" 287 082 "), Some("287082".to_owned()));
        for bad in ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢", "287-082"] {
            assert_eq!(read_code(bad), None, "{bad}");
        }
    }

    #[test]
    fn texts_of_the_standard_are_written() {
        // RFC 4648, 10, without its padding.
        let table = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, text) in table {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn an_app_is_told_whose_code_it_is() {
        let told = address("Leadwire", "ada+x@example.com", b"12345678901234567890");
        assert_eq!(
            told,
            "otpauth://totp/Leadwire:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Leadwire&algorithm=SHA1&digits=6&period=30"
        );
    }

    proptest! {
        #[test]
        fn every_code_has_its_digits_and_is_found_at_its_own_moment(
            secret in proptest::collection::vec(any::<u8>(), SECRET_BYTES),
            seconds in 0i64..40_000_000_000,
        ) {
            let step = step_of(at(seconds));
            let made = code(&secret, step);
            prop_assert_eq!(read_code(&made), Some(made.clone()));
            prop_assert!(steps_with(&secret, &made, at(seconds)).contains(&step));
        }
    }
}
