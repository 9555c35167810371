//! What a record's timeline says of one touchpoint: what the customer did in one line, and then everything that is known of it.

use super::Subject;
use super::source::{details, offer_title};
use crate::rfc3339;
use crate::text::one_line;
use crate::touchpoint::Action;

/// The lengths a system takes, in UTF-16 units; both must be well above what a mark takes, 80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteLengths {
    /// Of the subject.
    pub subject_max: usize,
    /// Of the text.
    pub text_max: usize,
}

/// One touchpoint as a note. Has no `Debug`: it holds personal values.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    /// What the customer did and on which offer, in one line.
    pub subject: String,
    /// Lines of text. The last one is the [`mark`].
    pub text: String,
    /// When the customer acted, as RFC 3339 writes it in UTC.
    pub at: String,
}

/// By which a note is recognised as the one of this touchpoint, whatever was cut.
pub fn mark(subject: &Subject<'_>) -> String {
    format!("Touchpoint: {}", subject.id)
}

/// The note of a touchpoint. That the customer must not be contacted is said before anything else.
pub fn note(subject: &Subject<'_>, lengths: NoteLengths) -> Note {
    let mark = mark(subject);
    let warning =
        if subject.do_not_contact() { "The customer does not want to be contacted.\n\n" } else { "" };
    let room = lengths.text_max.saturating_sub(units(&mark) + units(warning) + 2);
    let at = subject.touchpoint.occurred_at.unwrap_or(subject.received_at);
    Note {
        subject: cut(&headline(subject), lengths.subject_max),
        text: format!("{warning}{}\n\n{mark}", cut(&details(subject), room)),
        at: rfc3339::format(at),
    }
}

fn headline(subject: &Subject<'_>) -> String {
    let touchpoint = subject.touchpoint;
    let what = match &touchpoint.action {
        Action::Installation => "Chose to get it now".to_owned(),
        Action::PartnerLedTrial => "Asked for contact".to_owned(),
        Action::DoNotContact => "Do not contact".to_owned(),
        Action::Create => "Purchased".to_owned(),
        Action::StartTestDrive => "Started a test drive".to_owned(),
        Action::Other(code) => format!("Action {code}"),
        Action::Missing => "Touchpoint".to_owned(),
    };
    let is_said = touchpoint.action == Action::DoNotContact;
    let warning = if subject.do_not_contact() && !is_said { "Do not contact! " } else { "" };
    let test = if touchpoint.is_trial() { "Test: " } else { "" };
    let offer = offer_title(touchpoint).map(|it| format!(": {it}")).unwrap_or_default();
    one_line(&format!("{warning}{test}{what}{offer}")).into_owned()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most so many UTF-16 units, with a sign where something was cut.
fn cut(text: &str, max: usize) -> String {
    if units(text) <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(1);
    let fitting = text.chars().take_while(|it| {
        let fits = it.len_utf16() <= left;
        left = left.saturating_sub(it.len_utf16());
        fits
    });
    let mut out: String = fitting.collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LeadId, OfferRef, PublisherId, TouchpointId};
    use crate::language::Language;
    use crate::standing::Seen;
    use crate::time::Timestamp;
    use crate::touchpoint::Touchpoint;
    use proptest::prelude::*;

    const LENGTHS: NoteLengths = NoteLengths { subject_max: 255, text_max: 32_000 };

    fn written(touchpoint: &Touchpoint, do_not_contact: bool, lengths: NoteLengths) -> Note {
        let publisher = PublisherId::parse("contoso").unwrap();
        let subject = Subject {
            touchpoint,
            publisher: &publisher,
            lead: LeadId::new(7),
            id: TouchpointId::new(8),
            received_at: Timestamp::from_millis(1_795_168_801_000),
            standing: Seen { do_not_contact, ..Seen::default() },
            language: Language::En,
        };
        note(&subject, lengths)
    }

    fn asked() -> Touchpoint {
        Touchpoint {
            action: Action::PartnerLedTrial,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            offer_title: Some("CRM Pro".to_owned()),
            notes: Some("Call me\non Monday".to_owned()),
            ..Touchpoint::default()
        }
    }

    #[test]
    fn a_note_says_what_when_on_which_offer_and_in_the_customers_words() {
        let note = written(&asked(), false, LENGTHS);
        assert_eq!(note.subject, "Asked for contact: CRM Pro");
        assert_eq!(note.at, "2026-11-20T10:00:01Z");
        let lines: Vec<&str> = note.text.lines().collect();
        assert_eq!(lines[0], "Offer: CRM Pro");
        assert!(lines.contains(&"When: 2026-11-20T10:00:01Z") && lines.contains(&"on Monday"), "{lines:?}");
        assert_eq!(*lines.last().unwrap(), "Touchpoint: tp_00000000000000000000000008");
    }

    #[test]
    fn that_a_customer_must_not_be_contacted_comes_first() {
        let note = written(&asked(), true, LENGTHS);
        assert_eq!(note.subject, "Do not contact! Asked for contact: CRM Pro");
        assert!(note.text.starts_with("The customer does not want to be contacted.\n"));
        let refused = Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() };
        assert_eq!(written(&refused, true, LENGTHS).subject, "Do not contact");
    }

    proptest! {
        #[test]
        fn no_note_is_too_long_and_each_can_be_told_again(
            title in "\\PC{0,300}", words in "(\\PC|[\\n\\r]){0,600}", code in "\\PC{0,20}",
            do_not_contact: bool, subject_max in 80usize..300, text_max in 160usize..700,
        ) {
            let touchpoint = Touchpoint {
                action: Action::Other(code), offer_title: Some(title), notes: Some(words), ..Touchpoint::default()
            };
            let note = written(&touchpoint, do_not_contact, NoteLengths { subject_max, text_max });
            prop_assert!(units(&note.subject) <= subject_max && units(&note.text) <= text_max);
            prop_assert!(!note.subject.contains(['\n', '\r']) && !note.subject.is_empty());
            prop_assert!(note.text.ends_with("\nTouchpoint: tp_00000000000000000000000008"));
            prop_assert_eq!(note.text.starts_with("The customer does not want"), do_not_contact);
        }
    }
}
