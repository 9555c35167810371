//! Follow-ups: what is said to a customer or to the team once a customer's interest in an offer rises to a step.
//!
//! A follow-up is a delivery like any other. Here is decided which ones a touchpoint brings about, when they are due,
//! and why one must not be sent; [`template`] makes their words.

pub mod template;
#[cfg(test)]
mod tests;

use crate::country;
use crate::email::Email;
use crate::id::{DestinationNo, FollowUpId};
use crate::interest::Interest;
use crate::json::Json;
use crate::language::{Language, PerLanguage};
use crate::limits::FOLLOW_UP_AGE_MAX;
use crate::mapping::Subject;
use crate::routing::Offers;
use crate::standing::Seen;
use crate::time::Timestamp;
use crate::touchpoint::Touchpoint;
use std::fmt;
use template::{Filling, Template};

/// Who is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The customer, at the address of the touchpoint.
    Customer,
    /// The publisher's own people, wherever the destination reaches them.
    Team,
}

impl Audience {
    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Audience::Customer => "customer",
            Audience::Team => "team",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Audience::Customer, Audience::Team].into_iter().find(|it| it.as_str() == text)
    }
}

/// A minute of the day, UTC: when what was collected is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayMinute(u16);

const MINUTES: u16 = 24 * 60;

impl DayMinute {
    /// Reads `HH:MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let two = |it: &str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
        if !two(hours) || !two(minutes) {
            return None;
        }
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
    }

    /// Minutes since midnight.
    pub fn get(self) -> u16 {
        self.0
    }

    /// From minutes since midnight; none when the day has fewer.
    pub fn new(minutes: u16) -> Option<Self> {
        (minutes < MINUTES).then_some(Self(minutes))
    }

    /// The next such minute after `now`; a minute that begins now is over.
    fn next(self, now: Timestamp) -> Timestamp {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let midnight = now.millis() - now.millis().rem_euclid(DAY);
        let today = midnight + i64::from(self.0) * 60 * 1000;
        Timestamp::from_millis(if today > now.millis() { today } else { today + DAY })
    }
}

impl fmt::Display for DayMinute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// The words of a follow-up in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The subject, one line.
    pub subject: Template,
    /// The text; an empty line starts a new paragraph.
    pub text: Template,
}

/// What is said, to whom, and when.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// For which offers.
    pub offers: Offers,
    /// Once the customer's interest in the offer rises to this.
    pub step: Interest,
    /// To whom.
    pub audience: Audience,
    /// Through which destination, which serves follow-ups only.
    pub destination: DestinationNo,
    /// Collected and sent at this minute of the day; none: at once.
    pub digest_at: Option<DayMinute>,
    /// The words; the first language stands in for those that are not there.
    pub words: PerLanguage<Words>,
}

impl FollowUp {
    /// When it is due, for a touchpoint that came at this moment.
    pub fn due_at(&self, received_at: Timestamp) -> Timestamp {
        self.digest_at.map_or(received_at, |it| it.next(received_at))
    }
}

/// The follow-ups that a touchpoint brings about if it is the one that raises the customer's interest in its offer to
/// this step.
///
/// Of several for the customer, the one for the narrowest offers is sent, so nobody gets two messages for one action;
/// likewise of several through one destination. None follow a test, or an action of long ago, such as one from a file
/// of old leads.
pub fn due<'a>(
    touchpoint: &Touchpoint,
    received_at: Timestamp,
    step: Interest,
    follow_ups: &'a [FollowUp],
) -> Vec<&'a FollowUp> {
    let is_old = touchpoint.occurred_at.is_some_and(|it| received_at.since(it) > FOLLOW_UP_AGE_MAX);
    if touchpoint.test || is_old {
        return Vec::new();
    }
    let offer = touchpoint.offer.as_ref().map(|it| &it.offer);
    let mut fitting: Vec<&FollowUp> =
        follow_ups.iter().filter(|it| it.step == step && it.offers.have(offer)).collect();
    fitting.sort_by_key(|it| std::cmp::Reverse(narrowness(&it.offers)));
    let mut due: Vec<&FollowUp> = Vec::new();
    for it in fitting {
        let rivals = |other: &&FollowUp| {
            other.destination == it.destination
                || (other.audience == Audience::Customer && it.audience == Audience::Customer)
        };
        if !due.iter().any(rivals) {
            due.push(it);
        }
    }
    due
}

/// How narrow a choice of offers is: all, those that start so, one.
fn narrowness(offers: &Offers) -> usize {
    match offers {
        Offers::All => 0,
        Offers::StartingWith(start) => 1 + start.len(),
        Offers::One(_) => usize::MAX,
    }
}

/// Why a follow-up must not be sent to this audience, as a stable name.
///
/// A message to a customer needs a consent that stands and an address; one to the team is about a customer whom people
/// may contact.
pub fn held(audience: Audience, standing: Seen, touchpoint: &Touchpoint) -> Option<&'static str> {
    if standing.do_not_contact {
        return Some("do_not_contact");
    }
    match audience {
        Audience::Team => None,
        Audience::Customer if !standing.consent => Some("no_consent"),
        Audience::Customer => match touchpoint.customer.email.as_deref().map(Email::parse) {
            Some(Ok(_)) => None,
            Some(Err(_)) | None => Some("no_address"),
        },
    }
}

/// The same in words, and what to do about it.
pub fn explain(held: &str) -> (&'static str, &'static str) {
    match held {
        "do_not_contact" => ("the customer asked not to be contacted", "nothing is to be done"),
        "no_consent" => (
            "no consent of the customer is known, without which customers are not written to",
            "have the form or the sender state the consent with the lead; what was held back stays so",
        ),
        "no_address" => (
            "the customer gave no e-mail address that can be written to",
            "make the address mandatory where leads are taken",
        ),
        _ => ("the follow-up was removed", "nothing is to be done"),
    }
}

/// The language a customer reads, as far as the touchpoint tells: the one of the form, else that of the country.
pub fn language_of(touchpoint: &Touchpoint) -> Option<Language> {
    let form = touchpoint.custom.iter().find(|it| it.0 == "language").and_then(|it| match &it.1 {
        Json::Text(code) => Language::parse(code),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    });
    form.or_else(|| match country::iso2(touchpoint.customer.country.as_deref()?)? {
        "HU" => Some(Language::Hu),
        "TR" => Some(Language::Tr),
        _ => None,
    })
}

/// A follow-up in words, ready to be sent. Has no `Debug`: it holds personal values.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// To whom.
    pub audience: Audience,
    /// In which language.
    pub language: Language,
    /// One line.
    pub subject: String,
    /// Paragraphs.
    pub text: String,
    /// Where the customer says that they want no more; none for the team, and where the world does not reach us.
    pub stop_url: Option<String>,
}

/// Puts a follow-up into words: for the customer in their language, for the team in the first one there is.
///
/// A message to the customer says where they can say that they want no more: at the place `{{stop_link}}`, else below.
pub fn write(follow_up: &FollowUp, subject: &Subject<'_>, stop_url: Option<String>) -> Message {
    let wished = match follow_up.audience {
        Audience::Customer => language_of(subject.touchpoint),
        Audience::Team => None,
    };
    let first = follow_up.words.iter().next().map(|it| it.0).unwrap_or_default();
    let language = wished.filter(|it| follow_up.words.get(*it).is_some()).unwrap_or(first);
    let subject = Subject { language, ..*subject };
    let stop_url = stop_url.filter(|_| follow_up.audience == Audience::Customer);
    let filling = Filling { audience: follow_up.audience, stop_url: stop_url.as_deref() };
    let (title, mut text) = match follow_up.words.get(language) {
        Some(words) => (words.subject.write(&subject, &filling), words.text.write(&subject, &filling)),
        None => Default::default(),
    };
    if let Some(url) = stop_url.as_deref().filter(|it| !text.contains(it)) {
        text = format!("{}\n\n{} {url}", text.trim_end(), no_more(language));
    }
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Message { audience: follow_up.audience, language, subject: title, text, stop_url }
}

fn no_more(language: Language) -> &'static str {
    match language {
        Language::En => "If you want no more messages from us:",
        Language::Hu => "Ha nem kér tőlünk több üzenetet:",
        Language::Tr => "Bizden başka ileti almak istemiyorsanız:",
    }
}
