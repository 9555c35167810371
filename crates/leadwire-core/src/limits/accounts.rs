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
/// Leads that somebody may have revealed in an hour: a day's calls, and far from a copy of all customers.
pub const REVEALS_PER_HOUR: u32 = 30;
/// Recovery codes that somebody gets at a time.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code: 120 bits, so that a plain hash keeps it (OWASP ASVS 5.0, 6.5.2: from 112 bits on).
pub const RECOVERY_CODE_BYTES: usize = 15;
/// How long what a session's user showed of themselves counts for what would help a thief of it: to do some things in a row.
pub const PROOF_KEPT: Duration = Duration::from_secs(15 * 60);
/// How long whoever was sent to a provider is awaited back: to find the phone, or to choose a new password there.
pub const ERRAND_KEPT: Duration = Duration::from_secs(10 * 60);
/// Errands that are kept at a time, for everybody: many offices in the morning. The oldest gives way.
pub const ERRANDS_MAX: usize = 5000;
/// Providers that people sign in by: one button each.
pub const PROVIDERS_MAX: usize = 8;
/// Longest wait for an answer of a provider: somebody looks at an empty page meanwhile.
pub const PROVIDER_WAIT: Duration = Duration::from_secs(10);
/// Largest answer of a provider that is read, in bytes: documents and sets of keys of large ones have some ten thousand.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 128 * 1024;
/// Keys of a provider that are looked at: large ones have fewer than ten.
pub const PROVIDER_KEYS_MAX: usize = 64;
/// Largest token of a provider that is read, in bytes: some write every group of a person into it.
pub const PROVIDER_TOKEN_BYTES_MAX: usize = 64 * 1024;
/// How long what a provider says of itself, and its keys, count without being asked for again: a key that it took back counts no
/// longer than that.
pub const PROVIDER_KEPT: Duration = Duration::from_secs(3600);
/// How often a provider is asked for its keys since a token names one that is not known, and for anything after it failed.
pub const PROVIDER_ASKED_EVERY: Duration = Duration::from_secs(30);
/// How far clocks of providers may be from ours.
pub const PROVIDER_CLOCK_LEEWAY: Duration = Duration::from_secs(60);
/// Longest name of a person at a provider, in bytes (OpenID Connect Core, 2: 255 characters of ASCII).
pub const SUBJECT_BYTES_MAX: usize = 255;
/// Letters to users that a round looks at; the next round takes the rest.
pub const LETTERS_PER_ROUND: usize = 100;
/// Tries of one letter: over about an hour. A mail server that takes none for so long needs a person, who can send it again.
pub const LETTER_TRIES_MAX: u32 = 12;
/// For how long a letter belongs to whoever tries it: longer than trying every way there is.
pub const LETTER_TAKEN: Duration = Duration::from_secs(15 * 60);
/// How long the link of a letter to somebody who forgot their password works: whoever asked waits for it.
pub const FORGOTTEN_LINK_KEPT: Duration = Duration::from_secs(3600);
/// People who forgot their passwords and are not looked for yet.
pub const FORGOTTEN_WAITING: usize = 100;
/// Letters to one address that whoever types it can have sent: somebody who asks again since the first one was slow, and no flood.
pub const FORGOTTEN_PER_ADDRESS: Rate = Rate { every: Duration::from_secs(20 * 60), burst: 3 };
/// Addresses that one network may type on that page: an office of people, and no list of addresses.
pub const FORGOTTEN_PER_NETWORK: Rate = Rate { every: Duration::from_secs(60), burst: 20 };
/// Letters to one user that the people who may invite can have sent again.
pub const LETTERS_PER_USER: Rate = Rate { every: Duration::from_secs(10 * 60), burst: 3 };
