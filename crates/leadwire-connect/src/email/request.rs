//! The message of a touchpoint: headers that stay the same over retries, the lines as text, and the lines as a page.

use super::fields::{REPLY_TO, SUBJECT};
use crate::Payload;
use crate::notice::Notice;
use leadwire_core::mapping::{Mapped, Value};
use leadwire_core::time::Timestamp;
use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// From whom, and to whom.
pub(super) struct Addresses {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
}

/// What a message says.
struct Content {
    id: String,
    at: Timestamp,
    subject: String,
    reply_to: Option<Address>,
    text: String,
    html: String,
}

/// A touchpoint as a message. The same touchpoint gives the same bytes whenever it is sent, so that a receiver that
/// drops repetitions by `Message-ID` drops them rightly.
pub(super) fn of_lead(addresses: &Addresses, payload: &Payload, mapped: &Mapped) -> Message {
    let touchpoint = &payload.touchpoint;
    let is_test = touchpoint.is_trial();
    let do_not_contact = payload.do_not_contact();
    let get = |name: &str| mapped.get(name).map(Value::as_text).unwrap_or_default();
    let mut subject = line(get(SUBJECT));
    if subject.is_empty() {
        subject = "A new lead".to_owned();
    }
    if do_not_contact {
        subject.insert_str(0, "[Do not contact] ");
    }
    if is_test {
        subject.insert_str(0, "[Test] ");
    }
    let mut rows: Vec<(&str, &str)> = Vec::new();
    if is_test {
        rows.push(("Test", "this is a test of the connection, not a customer"));
    }
    if do_not_contact {
        rows.push(("Consent", "the customer does not want to be contacted"));
    }
    for field in mapped.fields.iter().filter(|it| it.target != SUBJECT && it.target != REPLY_TO) {
        match &field.value {
            Value::Bool(false) => {}
            Value::Bool(true) => rows.push((&field.target, "yes")),
            value => rows.push((&field.target, value.as_text())),
        }
    }
    // An address that needs an extension of the mail server is in the lines, where people can copy it.
    let reply_to =
        get(REPLY_TO).parse::<Address>().ok().filter(|it| it.user().is_ascii() && it.domain().is_ascii());
    let content = Content {
        id: payload.delivery.to_string(),
        at: payload.received_at,
        html: page(&subject, &rows),
        text: lines(&rows),
        subject,
        reply_to: reply_to.filter(|_| !do_not_contact),
    };
    build(addresses, content)
}

/// A notice as a message.
pub(super) fn of_notice(addresses: &Addresses, notice: &Notice) -> Message {
    let text = notice.text();
    let content = Content {
        id: notice.id.clone(),
        at: notice.at,
        subject: line(&notice.subject()),
        reply_to: None,
        html: page(&notice.subject(), &[("", &text)]),
        text,
    };
    build(addresses, content)
}

fn build(addresses: &Addresses, content: Content) -> Message {
    let millis = u64::try_from(content.at.millis()).unwrap_or(0);
    let id: String = content.id.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '.' }).collect();
    let domain = addresses.from.email.domain();
    let mut builder = Message::builder()
        .message_id(Some(format!("<{id}@{domain}>")))
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .from(addresses.from.clone())
        .subject(content.subject)
        // Keeps programs that answer mail for people on holiday from answering (RFC 3834, 5).
        .raw_header(header("Auto-Submitted", "auto-generated"));
    for to in &addresses.to {
        builder = builder.to(to.clone());
    }
    if let Some(address) = content.reply_to {
        builder = builder.reply_to(Mailbox::new(None, address));
    }
    let part = |kind, body: String| {
        SinglePart::builder()
            .header(kind)
            // Lines of any length and letter pass every server (RFC 2045, 6.7).
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(body)
    };
    let parts = MultiPart::alternative()
        .boundary(format!("leadwire.{id}"))
        .singlepart(part(ContentType::TEXT_PLAIN, content.text))
        .singlepart(part(ContentType::TEXT_HTML, content.html));
    builder.multipart(parts).expect("sender and recipients are there")
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Lets no value begin a header of its own.
fn line(text: &str) -> String {
    let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    text.trim().to_owned()
}

fn lines(rows: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (label, value) in rows {
        let separator = if value.contains('\n') { "\n" } else { " " };
        writeln!(out, "{label}:{separator}{value}").expect("a String takes everything");
    }
    out
}

/// A page without pictures, scripts or anything to load, in the reader's own light or dark.
fn page(title: &str, rows: &[(&str, &str)]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{0}</title></head>\n\
         <body style=\"font:15px/1.5 system-ui,sans-serif;margin:16px\">\n\
         <h1 style=\"font-size:18px;margin:0 0 12px\">{0}</h1>\n<table style=\"border-collapse:collapse\">\n",
        escaped(title)
    );
    for (label, value) in rows {
        writeln!(
            out,
            "<tr><th style=\"text-align:left;vertical-align:top;padding:4px 16px 4px 0;font-weight:600\">{}</th>\
             <td style=\"padding:4px 0;white-space:pre-wrap\">{}</td></tr>",
            escaped(label),
            escaped(value)
        )
        .expect("a String takes everything");
    }
    out.push_str("</table>\n</body></html>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            it if it.is_control() && it != '\n' && it != '\t' => out.push('\u{fffd}'),
            it => out.push(it),
        }
    }
    out
}
