//! Reads a mail server's replies: what became of the message, and what a person is told.

use super::errors::ERRORS;
use crate::catalogue::Known;
use crate::egress::mail::{MailAnswer, MailReply, MailStep};
use crate::redact;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};

/// What became of a message. `to`: the recipients' addresses, in the order they were named; `known`: values that were
/// sent, which a reply may repeat.
pub(super) fn read(answer: &MailAnswer, to: &[String], known: &[&str]) -> Tried {
    let reply = &answer.reply;
    let said = format!("{} {}", reply.code, reply.text);
    let mut evidence = Evidence {
        answer: redact::redact(said.as_bytes(), known.iter().copied()),
        peer: answer.peer,
        timings: answer.timings,
        ..Evidence::default()
    };
    if (200..300).contains(&reply.code) {
        evidence.message = taken(&answer.refused, to);
        return Tried { outcome: Outcome::Done(Receipt::Accepted), evidence };
    }
    if reply.code < 400 {
        // Neither yes nor no to a whole message.
        evidence.cause = "answer_not_smtp".to_owned();
        evidence.message = format!("the mail server's last reply was neither yes nor no ({})", reply.code);
        return Tried { outcome: Outcome::Unknown, evidence };
    }
    let entry = Known::find(ERRORS, code(answer.step, reply)).expect("the catalogue has every code");
    evidence.cause = entry.cause.to_owned();
    evidence.message = match enhanced(&reply.text) {
        Some(more) => format!("{} ({} {more})", entry.message, reply.code),
        None => format!("{} ({})", entry.message, reply.code),
    };
    evidence.fix = entry.fix.to_owned();
    Tried { outcome: Outcome::NotDone(entry.fault), evidence }
}

/// A message to a customer: an address that is refused is that customer's trouble, and nobody else's.
pub(super) fn of_customer(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::NotDone(Fault::Pause) && tried.evidence.cause == "recipients_refused" {
        tried.outcome = Outcome::NotDone(Fault::Park);
        tried.evidence.fix = "nothing can be done unless the customer gives another address".to_owned();
    }
    tried
}

/// The customer's address is none that a message can be sent to.
pub(super) fn unreachable_customer() -> Tried {
    let evidence = Evidence {
        cause: "no_address".to_owned(),
        message: "the customer gave no e-mail address that mail servers take".to_owned(),
        fix: "nothing can be done unless the customer gives another address".to_owned(),
        ..Evidence::default()
    };
    Tried { outcome: Outcome::NotDone(Fault::Withhold), evidence }
}

/// A letter to somebody by name: an address that is refused is for good, and the server's trouble is not.
pub(super) fn of_person(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::NotDone(Fault::Pause) && tried.evidence.cause == "recipients_refused" {
        tried.outcome = Outcome::NotDone(Fault::Park);
        tried.evidence.fix = "see whether the address is written rightly".to_owned();
    }
    tried
}

/// The address of a person is none that a message can be sent to.
pub(super) fn unreachable_person() -> Tried {
    let evidence = Evidence {
        cause: "no_address".to_owned(),
        message: "mail servers do not take this address".to_owned(),
        fix: "add the person with another address".to_owned(),
        ..Evidence::default()
    };
    Tried { outcome: Outcome::NotDone(Fault::Withhold), evidence }
}

fn taken(refused: &[(usize, MailReply)], to: &[String]) -> String {
    if refused.is_empty() {
        return "the mail server took the message".to_owned();
    }
    let who: Vec<String> = refused
        .iter()
        .map(|(at, reply)| {
            let to = to.get(*at).map_or("a recipient", String::as_str);
            format!("{to} ({})", reply.code)
        })
        .collect();
    format!("the mail server took the message, but not for {}: check `to`", who.join(", "))
}

/// The catalogue's code for a reply to a step.
fn code(step: MailStep, reply: &MailReply) -> &'static str {
    let enhanced = enhanced(&reply.text).unwrap_or_default();
    let says = |what: &str| reply.text.to_ascii_lowercase().contains(what);
    match (step, reply.code) {
        (_, 421) => "421",
        (_, 432) => "432",
        (_, 450) => "450",
        (_, 452) => "452",
        (MailStep::Login | MailStep::StartTls, 400..500) => "454",
        (_, 400..500) => "451",
        _ if enhanced == "5.4.5" => "550 5.4.5",
        _ if enhanced == "5.7.60" || says("sendasdenied") => "550 5.7.60",
        (_, 530) => "530",
        (MailStep::Greeting, _) => "554 greeting",
        (MailStep::StartTls, _) => "502",
        (MailStep::Login, 534) => "534",
        (MailStep::Login, 500..=504 | 538) => "504",
        (MailStep::Login, _) if enhanced == "5.7.139" => "535 5.7.139",
        (MailStep::Login, _) => "535",
        (MailStep::Sender, 552) | (MailStep::Message, 552) => "552",
        (MailStep::Sender, _) => "553",
        (MailStep::Recipients, _) if enhanced.starts_with("5.7.") || says("relay") => "554 5.7.1",
        (MailStep::Recipients, _) => "550",
        (MailStep::Message, _) if enhanced == "5.3.4" || enhanced == "5.2.3" => "552",
        (MailStep::Message, _) => "554",
    }
}

/// The enhanced status code in front of a reply's text (RFC 2034).
fn enhanced(text: &str) -> Option<&str> {
    let first = text.split_ascii_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let is_number = |it: &&str| !it.is_empty() && it.len() <= 3 && it.bytes().all(|it| it.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(is_number)).then_some(first)
}
