//! Follow-ups in the program: their words read from what is kept, and written for a lead that is on its way.

use leadwire_core::follow_up::template::Template;
use leadwire_core::follow_up::{self, FollowUp, Message, Words};
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
pub fn write(follow_up: &FollowUp, subject: &Subject<'_>) -> Result<Message, &'static str> {
    match follow_up::held(follow_up.audience, subject.standing, subject.touchpoint) {
        Some(held) => Err(held),
        None => Ok(follow_up::write(follow_up, subject)),
    }
}
