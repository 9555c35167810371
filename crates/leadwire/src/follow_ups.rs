//! Follow-ups in the program: their words read from what is kept, and written for a lead that is on its way; and the links by
//! which customers say that they want no more.

use crate::vault::Vault;
use leadwire_core::follow_up::template::Template;
use leadwire_core::follow_up::{self, FollowUp, Message, Words};
use leadwire_core::hex;
use leadwire_core::id::{LeadId, PublisherId};
use leadwire_core::language::{Language, PerLanguage};
use leadwire_core::limits::{FOLLOW_UP_SUBJECT_BYTES_MAX, FOLLOW_UP_TEXT_BYTES_MAX};
use leadwire_core::mapping::Subject;
use leadwire_core::refusal::Refusal;
use leadwire_store::setup::StoredFollowUp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The words of a follow-up in one language, as they are given and kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenWords {
    /// The subject, one line. `{{customer.first_name | default('customer')}}` is filled in; so are all sources and
    /// transforms of mappings.
    pub subject: String,
    /// The text, with the same places; an empty line starts a new paragraph.
    pub text: String,
}

/// Words by language: `en`, `hu`, `tr`.
pub type GivenByLanguage = BTreeMap<String, GivenWords>;

/// Reads words.
///
/// # Errors
/// Everything that is wrong with them, with pointers under `/words`.
pub fn read_words(given: &GivenByLanguage) -> Result<PerLanguage<Words>, Vec<Refusal>> {
    let (mut words, mut refusals) = (PerLanguage::default(), Vec::new());
    for (code, it) in given {
        let Some(language) = Language::ALL.into_iter().find(|it| it.code() == code) else {
            let fix = "use `en`, `hu` or `tr`";
            refusals.push(Refusal::new(
                "/words",
                "unknown_language",
                "there are words in no known language",
                fix,
            ));
            continue;
        };
        let mut read = |name: &str, text: &str, bytes_max| {
            let bad = |it: leadwire_core::mapping::BadExpression| {
                Refusal::new(format!("/words/{code}/{name}"), "bad_words", it.message, it.fix)
            };
            Template::parse(text, bytes_max).map_err(|it| refusals.push(bad(it))).ok()
        };
        let subject = read("subject", &it.subject, FOLLOW_UP_SUBJECT_BYTES_MAX);
        let text = read("text", &it.text, FOLLOW_UP_TEXT_BYTES_MAX);
        if let (Some(subject), Some(text)) = (subject, text) {
            words.put(language, Words { subject, text });
        }
    }
    if given.is_empty() {
        let fix = "give a subject and a text in one language at least";
        refusals.push(Refusal::new("/words", "missing", "there are no words", fix));
    }
    if refusals.is_empty() { Ok(words) } else { Err(refusals) }
}

/// A follow-up, ready to be decided about. None: its words were kept by another version and cannot be read by this one.
pub fn ready(kept: &StoredFollowUp) -> Option<FollowUp> {
    let given: GivenByLanguage = serde_json::from_str(&kept.words).ok()?;
    Some(FollowUp {
        id: kept.id,
        offers: kept.offers.clone(),
        step: kept.step,
        audience: kept.audience,
        destination: kept.destination,
        digest_at: kept.digest_at,
        words: read_words(&given).ok()?,
    })
}

/// What a follow-up says about a lead, or the stable name of why it must not be sent.
///
/// # Errors
/// As [`follow_up::held`].
pub fn write(
    follow_up: &FollowUp,
    subject: &Subject<'_>,
    stop_url: Option<String>,
) -> Result<Message, &'static str> {
    match follow_up::held(follow_up.audience, subject.standing, subject.touchpoint) {
        Some(held) => Err(held),
        None => Ok(follow_up::write(follow_up, subject, stop_url)),
    }
}

/// What the mark of a link is for.
const STOP: &str = "stop";

/// The address where the customer of a lead says that they want no more messages. It holds ids and a mark that only this
/// installation can make; it works as long as the lead is there and the master key of that time is at hand.
pub fn stop_url(vault: &Vault, public_url: &str, publisher: &PublisherId, lead: LeadId) -> String {
    let mark = vault.stamp(STOP, &[publisher.as_str().as_bytes(), lead.to_string().as_bytes()]);
    let mark = hex::encode(&mark);
    format!("{}/stop/{publisher}.{lead}.{mark}", public_url.trim_end_matches('/'))
}

/// Whose link this is; none when this installation did not make it.
pub fn read_stop(vault: &Vault, token: &str) -> Option<(PublisherId, LeadId)> {
    let mut parts = token.split('.');
    let publisher = PublisherId::parse(parts.next()?).ok()?;
    let lead = LeadId::parse(parts.next()?).ok()?;
    let mark = parts.next()?.as_bytes();
    let (pairs, rest) = mark.as_chunks::<2>();
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    let parts: [&[u8]; 2] = [publisher.as_str().as_bytes(), &lead.to_string().into_bytes()];
    (rest.is_empty() && vault.is_stamp(STOP, &parts, &bytes?)).then_some((publisher, lead))
}
