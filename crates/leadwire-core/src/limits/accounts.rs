//! Bounds of accounts: second factors and the half of a sign-in that waits for one.

use crate::rate::Rate;
use std::time::Duration;

/// Steps of half a minute by which a phone's clock may differ, either way (RFC 6238, 5.2: one is enough).
pub const CODE_DRIFT_STEPS: i64 = 1;
/// Codes for one account, by whoever knows its password: some slips, then one in five minutes. At three codes of a million that
/// count at a time, whoever guesses has one chance in a thousand a day.
pub const CODES_PER_ACCOUNT: Rate = Rate { every: Duration::from_secs(300), burst: 10 };
/// Codes that one half of a sign-in takes before the password is asked for again.
pub const CODES_PER_HALF: u32 = 5;
/// How long a link opens the portal unless it is said otherwise, in minutes: the site that makes it leads there at once.
pub const PORTAL_LINK_MINUTES: u32 = 5;
/// The longest that can be said, in minutes.
pub const PORTAL_LINK_MINUTES_MAX: u32 = 60;
/// Sites that may show the portal in a frame.
pub const PORTAL_EMBEDDERS_MAX: usize = 32;
/// How long the half of a sign-in waits for its code: to find the phone, and no longer.
pub const HALF_SESSION_KEPT: Duration = Duration::from_secs(5 * 60);
/// Halves of sign-ins of one user that are kept: each machine somebody may be at.
pub const HALF_SESSIONS_PER_USER_MAX: usize = 5;
/// Recovery codes that somebody gets at a time.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code: 120 bits, so that a plain hash keeps it (OWASP ASVS 5.0, 6.5.2: from 112 bits on).
pub const RECOVERY_CODE_BYTES: usize = 15;
