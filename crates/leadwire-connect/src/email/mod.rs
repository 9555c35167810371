//! Sends each touchpoint as a message by e-mail, or those that are due together as one; carries follow-ups and notices.

mod errors;
mod fields;
#[cfg(test)]
mod follow_up_tests;
#[cfg(test)]
mod letter_tests;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::egress::mail::{MailSecurity, MailServer};
use crate::letter::Letter;
use crate::mapped::FieldMap;
use crate::notice::Notice;
use crate::preview::{Preview, PreviewedRequest};
use crate::validation::{Checked, Step, Verdict};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload, redact};
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::follow_up::Audience;
use leadwire_core::limits::{DIGEST_LEADS_MAX, MAIL_RECIPIENTS_MAX};
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use lettre::message::{Mailbox, Message};
use request::{Addresses, Content};

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "email",
    title: "E-mail",
    summary: "Sends every lead to people by e-mail",
    own_fields: FIELDS,
    takes_batches: false,
    prepares: false,
    knows_repeats: false,
    carries_notices: true,
    example: r#"{"to":"Sales <sales@example.com>","from":"Leads <leads@example.com>","server":"smtp.example.com","user":"leads@example.com","password":"an app password"}"#,
    default_mapping: fields::MAPPING,
    targets: fields::TARGETS,
    errors: errors::ERRORS,
    steps: &[
        "Choose the mail server that sends mail for the sender's domain, or a relay service",
        "Make a user for Leadwire there, with an app password where sign-in takes two steps",
        "Let the user send as the address in `from`",
    ],
    build: |settings| Ok(Box::new(Email::read(settings)?)),
};

/// Attempts in which every recipient is waited for; after them those who take mail get it.
const ATTEMPTS_FOR_ALL: u32 = 3;

struct Email {
    server: MailServer,
    addresses: Addresses,
    /// The recipients' addresses, as the server is told them.
    to: Vec<String>,
    map: FieldMap,
    /// Whether leads that are due together are one message.
    collects: bool,
}

impl Email {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).unwrap_or_default().trim();
        let mut refusals = Vec::new();
        let to = recipients(text("to")).map_err(|it| refusals.push(it)).unwrap_or_default();
        let from = mailbox(text("from"));
        if from.is_none() {
            let fix = "write it as `leads@example.com` or `Leads <leads@example.com>`; a name of a domain in xn-- form";
            refusals.push(refusal(field("from"), "bad_address", "`from` is not an e-mail address", fix));
        }
        let (user, password) = (values.text("user"), values.text("password"));
        if user.is_some() != password.is_some() {
            let missing = if user.is_some() { "password" } else { "user" };
            let message = format!("`{missing}` is missing");
            refusals.push(refusal(
                field(missing),
                "missing",
                message,
                "give `user` and `password`, or neither",
            ));
        }
        let login = user.zip(password).map(|it| (it.0.trim().to_owned(), Secret::new(it.1.to_owned())));
        let security = match text("security") {
            "tls" => MailSecurity::Tls,
            "plain" => MailSecurity::Plain,
            _ => MailSecurity::StartTls,
        };
        let port = values.number("port").and_then(|it| u16::try_from(it).ok()).unwrap_or(587);
        let wait = DestinationSettings::read(settings).wait;
        let server = MailServer::new(text("server"), port, security, login, wait);
        if server.is_none() {
            let fix = "enter its host name only, such as smtp.example.com; the port has a setting of its own";
            refusals.push(refusal(field("server"), "bad_host", "`server` is not a host name", fix));
        }
        let map = FieldMap::read(fields::MAPPING, fields::TARGETS, settings);
        let map = map.map_err(|more| refusals.extend(more)).ok();
        let (Some(from), Some(server), Some(map), true) = (from, server, map, refusals.is_empty()) else {
            return Err(refusals);
        };
        let names = to.iter().map(|it| it.email.to_string()).collect();
        let collects = text("collect") == "yes";
        Ok(Self { server, addresses: Addresses { from, to }, to: names, map, collects })
    }

    async fn send(&self, message: &Message, known: &[&str], takes_part: bool, egress: &Egress) -> Tried {
        let sent = self.server.send(egress, message.envelope(), &message.formatted(), takes_part).await;
        match sent {
            Ok(answer) => {
                let to: Vec<String> = message.envelope().to().iter().map(ToString::to_string).collect();
                reply::read(&answer, &to, known)
            }
            Err(error) => error.tried(),
        }
    }

    /// What a payload says, or what became of it without an attempt.
    fn content(&self, payload: &Payload, notes: &mut Vec<String>) -> Result<Content, Box<Tried>> {
        if let Some(words) = &payload.message {
            let content = request::of_message(&self.addresses, payload, words);
            return content.ok_or_else(|| Box::new(reply::unreachable_customer()));
        }
        let mapped = self.map.apply(payload)?;
        notes.extend(mapped.notes.iter().cloned());
        Ok(request::of_lead(payload, &mapped))
    }

    async fn deliver_alone(&self, (payload, content): (&Payload, &Content), egress: &Egress) -> Tried {
        let message = request::message(&self.addresses, content);
        let known: Vec<&str> = redact::known(&payload.touchpoint).collect();
        let tried = self.send(&message, &known, payload.attempt > ATTEMPTS_FOR_ALL, egress).await;
        if is_to_customer(payload) { reply::of_customer(tried) } else { tried }
    }

    /// One message for all of them, so one outcome.
    async fn deliver_together(
        &self,
        payloads: &[&Payload],
        contents: Vec<Content>,
        egress: &Egress,
    ) -> Tried {
        let (first, others) = contents.split_first().expect("there is something to be said");
        let message = request::collected(&self.addresses, first, others);
        let known: Vec<&str> = payloads.iter().flat_map(|it| redact::known(&it.touchpoint)).collect();
        let takes_part = payloads.iter().any(|it| it.attempt > ATTEMPTS_FOR_ALL);
        self.send(&message, &known, takes_part, egress).await
    }

    /// Goes as far as can be gone without sending: signs in, and asks for every recipient.
    async fn look(&self, egress: &Egress) -> Checked {
        let mut checked = Checked::default();
        let title = format!("Connect to {} and sign in", self.server.name());
        let opened = match self.server.probe(egress, None).await {
            Ok(answer) => reply::read(&answer, &self.to, &[]),
            Err(error) => error.tried(),
        };
        let mut step = Step::of_attempt("connection", title, &opened);
        if step.verdict == Verdict::Passed {
            step.message = "the server answers, and takes the sign-in".to_owned();
        }
        let is_open = step.verdict == Verdict::Passed;
        checked.add(step);
        if is_open {
            checked.add(self.look_at_recipients(egress).await);
        }
        checked
    }

    async fn look_at_recipients(&self, egress: &Egress) -> Step {
        let title = "Ask whether sender and recipients are taken";
        let envelope = lettre::address::Envelope::new(
            Some(self.addresses.from.email.clone()),
            self.addresses.to.iter().map(|it| it.email.clone()).collect(),
        );
        let envelope = envelope.expect("there is a recipient");
        let answer = match self.server.probe(egress, Some(&envelope)).await {
            Ok(answer) => answer,
            Err(error) => return Step::of_attempt("recipients", title, &error.tried()),
        };
        let step = Step::of_attempt("recipients", title, &reply::read(&answer, &self.to, &[]));
        if step.verdict != Verdict::Passed {
            return step;
        }
        if answer.refused.is_empty() {
            return Step { message: "the server takes mail for all of them".to_owned(), ..step };
        }
        let fix = "check the addresses in `to`; the others get the leads";
        let message = step.message.replace("took the message", "takes mail");
        Step { message, ..step }.but(Verdict::Warned, "recipients_refused", fix)
    }
}

fn is_to_customer(payload: &Payload) -> bool {
    payload.message.as_ref().is_some_and(|it| it.audience == Audience::Customer)
}

/// An address with or without a name, as every mail server takes it.
fn mailbox(text: &str) -> Option<Mailbox> {
    let mailbox: Mailbox = text.trim().parse().ok()?;
    let is_one_line = !text.trim().chars().any(char::is_control);
    let is_ascii = mailbox.email.user().is_ascii() && mailbox.email.domain().is_ascii();
    (is_one_line && is_ascii).then_some(mailbox)
}

fn recipients(text: &str) -> Result<Vec<Mailbox>, Refusal> {
    let bad = |message: String, fix: &str| Err(refusal(field("to"), "bad_address", message, fix));
    let mut all: Vec<Mailbox> = Vec::new();
    let pieces = text.split(['\n', ',', ';']).map(str::trim).filter(|it| !it.is_empty());
    for (at, piece) in pieces.enumerate() {
        match mailbox(piece) {
            // Named twice, somebody would get it twice.
            Some(it) if all.iter().any(|other| other.email == it.email) => {}
            Some(it) => all.push(it),
            None => {
                let fix = "write each as `sales@example.com` or `Sales <sales@example.com>`, one a line, with no comma in a name";
                return bad(format!("address {} in `to` is not an e-mail address", at + 1), fix);
            }
        }
    }
    if all.is_empty() || all.len() > MAIL_RECIPIENTS_MAX {
        let fix = format!("give 1 to {MAIL_RECIPIENTS_MAX} addresses; for more, use a distribution list");
        return bad(format!("`to` has {} addresses", all.len()), &fix);
    }
    Ok(all)
}

impl Connector for Email {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        _: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        async move {
            let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
            let (mut calls, mut together) = (0, Vec::new());
            for (at, payload) in batch.iter().enumerate() {
                match self.content(payload, &mut Vec::new()) {
                    Err(not_sent) => tried[at] = Some(*not_sent),
                    Ok(content) if self.collects && !is_to_customer(payload) => together.push((at, content)),
                    Ok(content) => {
                        calls += 1;
                        tried[at] = Some(self.deliver_alone((payload, &content), egress).await);
                    }
                }
            }
            if !together.is_empty() {
                let (places, contents): (Vec<usize>, Vec<Content>) = together.into_iter().unzip();
                let payloads: Vec<&Payload> = places.iter().map(|at| &batch[*at]).collect();
                calls += 1;
                let all = self.deliver_together(&payloads, contents, egress).await;
                places.into_iter().for_each(|at| tried[at] = Some(all.clone()));
            }
            let tried = tried.into_iter().map(|it| it.expect("each was tried, or could not be")).collect();
            Delivered { tried, calls }
        }
        .boxed()
    }

    fn batch_max(&self) -> usize {
        if self.collects { DIGEST_LEADS_MAX } else { 1 }
    }

    /// Mail servers bear few sessions of one user: Exchange Online three.
    fn in_flight_max(&self) -> usize {
        3
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], _: Moment) -> Preview {
        let (mut preview, mut contents) = (Preview::default(), Vec::new());
        for payload in batch {
            match self.content(payload, &mut preview.notes) {
                Ok(content) => contents.push(content),
                Err(tried) => preview.unsent.push(*tried),
            }
        }
        let messages: Vec<Message> = match contents.split_first() {
            Some((first, others)) if self.collects => {
                vec![request::collected(&self.addresses, first, others)]
            }
            _ => contents.iter().map(|it| request::message(&self.addresses, it)).collect(),
        };
        let of_message = |it: &Message| {
            let to: Vec<String> = it.envelope().to().iter().map(ToString::to_string).collect();
            PreviewedRequest {
                method: "SMTP".to_owned(),
                url: format!("smtp://{}", self.server.name()),
                headers: vec![
                    ("MAIL FROM".to_owned(), self.addresses.from.email.to_string()),
                    ("RCPT TO".to_owned(), to.join(", ")),
                ],
                body: it.formatted().into(),
            }
        };
        preview.requests = messages.iter().map(of_message).collect();
        preview
    }

    fn check<'a>(&'a self, _: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(egress).boxed()
    }

    fn tell<'a>(&'a self, notice: &'a Notice, _: Moment, egress: &'a Egress) -> BoxFuture<'a, Option<Tried>> {
        async move {
            let message = request::message(&self.addresses, &request::of_notice(notice));
            Some(self.send(&message, &[], true, egress).await)
        }
        .boxed()
    }

    fn writes_letters(&self) -> bool {
        true
    }

    fn write_to<'a>(
        &'a self,
        letter: &'a Letter,
        _: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move {
            let Some(content) = request::of_letter(letter) else { return Some(reply::unreachable_person()) };
            let message = request::message(&self.addresses, &content);
            // A server's reply may repeat the address, and nothing of the link.
            Some(reply::of_person(self.send(&message, &[&letter.to], true, egress).await))
        }
        .boxed()
    }
}
