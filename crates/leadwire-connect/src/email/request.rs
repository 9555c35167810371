//! The message of a touchpoint: headers that stay the same over retries, the lines as text, and the lines as a page.

use super::fields::{REPLY_TO, SUBJECT};
use crate::Payload;
use crate::letter::Letter;
use crate::notice::Notice;
use leadwire_core::follow_up::{Audience, Message as Words};
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

/// What a message says of one lead, or of one notice.
pub(super) struct Content {
    id: String,
    at: Timestamp,
    /// The customer; none: the recipients of the settings.
    to: Option<Mailbox>,
    reply_to: Vec<Mailbox>,
    subject: String,
    language: &'static str,
    body: Body,
    /// Where the customer says that they want no more.
    stop_url: Option<String>,
}

enum Body {
    /// Lines with a label each.
    Rows(Vec<(String, String)>),
    /// Paragraphs.
    Words(String),
}

/// What is said of a touchpoint. The same touchpoint gives the same bytes whenever it is sent, so that a receiver that
/// drops repetitions by `Message-ID` drops them rightly.
pub(super) fn of_lead(payload: &Payload, mapped: &Mapped) -> Content {
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
    let reply_to = if do_not_contact { None } else { reachable(get(REPLY_TO)) };
    Content {
        id: payload.delivery.to_string(),
        at: payload.received_at,
        to: None,
        reply_to: reply_to.into_iter().collect(),
        subject,
        language: "en",
        body: Body::Rows(rows.into_iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()),
        stop_url: None,
    }
}

/// What a follow-up says. To the customer it comes from the sender of the settings, and answers go to the recipients of
/// the settings; to these it comes like a lead. None: the customer's address cannot be written to.
pub(super) fn of_message(addresses: &Addresses, payload: &Payload, message: &Words) -> Option<Content> {
    let customer = reachable(payload.touchpoint.customer.email.as_deref().unwrap_or_default());
    let (to, reply_to) = match message.audience {
        Audience::Customer => (Some(customer?), addresses.to.clone()),
        Audience::Team => (None, customer.into_iter().collect()),
    };
    let mut subject = line(&message.subject);
    if payload.touchpoint.is_trial() {
        subject.insert_str(0, "[Test] ");
    }
    Some(Content {
        id: payload.delivery.to_string(),
        at: payload.received_at,
        to,
        reply_to,
        subject,
        language: message.language.code(),
        body: Body::Words(message.text.clone()),
        stop_url: message.stop_url.clone(),
    })
}

/// What a notice says.
pub(super) fn of_notice(notice: &Notice) -> Content {
    Content {
        id: notice.id.clone(),
        at: notice.at,
        to: None,
        reply_to: Vec::new(),
        subject: line(&notice.subject()),
        language: "en",
        body: Body::Rows(vec![(String::new(), notice.text())]),
        stop_url: None,
    }
}

/// What a letter says. None: its address cannot be written to.
pub(super) fn of_letter(letter: &Letter) -> Option<Content> {
    Some(Content {
        id: letter.id.clone(),
        at: letter.at,
        to: Some(reachable(&letter.to)?),
        reply_to: Vec::new(),
        subject: line(&letter.subject),
        language: letter.language.code(),
        body: Body::Words(letter.text.clone()),
        stop_url: None,
    })
}

/// An address that needs an extension of the mail server is none: it stands in the lines, where people can copy it.
fn reachable(text: &str) -> Option<Mailbox> {
    let address: Address = text.trim().parse().ok()?;
    (address.user().is_ascii() && address.domain().is_ascii()).then(|| Mailbox::new(None, address))
}

/// What stands above a message.
struct Head<'a> {
    id: &'a str,
    at: Timestamp,
    to: &'a [Mailbox],
    reply_to: &'a [Mailbox],
    subject: &'a str,
    stop_url: Option<&'a str>,
}

/// One message of one content.
pub(super) fn message(addresses: &Addresses, content: &Content) -> Message {
    let head = Head {
        id: &content.id,
        at: content.at,
        to: content.to.as_ref().map_or(&addresses.to, std::slice::from_ref),
        reply_to: &content.reply_to,
        subject: &content.subject,
        stop_url: content.stop_url.as_deref(),
    };
    let section = section(&content.body);
    let section = match content.body {
        Body::Rows(_) => heading(&content.subject) + &section,
        // A letter has its subject above it already.
        Body::Words(_) => section,
    };
    let html = page(content.language, &content.subject, &section);
    build(addresses, &head, plain(&content.body), html)
}

/// One message of several contents for the recipients of the settings, a heading each. The same leads together give the
/// same bytes.
pub(super) fn collected(addresses: &Addresses, first: &Content, others: &[Content]) -> Message {
    let Some(last) = others.last() else { return message(addresses, first) };
    let count = others.len() + 1;
    let subject = format!("{count} leads: {}, …", first.subject);
    let (mut text, mut sections) = (String::new(), String::new());
    for content in std::iter::once(first).chain(others) {
        writeln!(text, "== {} ==\n\n{}", content.subject, plain(&content.body))
            .expect("a String takes everything");
        let (heading, section) = (escaped(&content.subject), section(&content.body));
        let style = "font-size:16px;margin:24px 0 8px";
        writeln!(sections, "<h2 style=\"{style}\">{heading}</h2>\n{section}")
            .expect("a String takes everything");
    }
    let html = page(first.language, &subject, &(heading(&subject) + &sections));
    let id = format!("{}.{count}.{}", first.id, last.id);
    let head =
        Head { id: &id, at: first.at, to: &addresses.to, reply_to: &[], subject: &subject, stop_url: None };
    build(addresses, &head, text, html)
}

fn build(addresses: &Addresses, head: &Head<'_>, text: String, html: String) -> Message {
    let millis = u64::try_from(head.at.millis()).unwrap_or(0);
    let id: String = head.id.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '.' }).collect();
    let domain = addresses.from.email.domain();
    let mut builder = Message::builder()
        .message_id(Some(format!("<{id}@{domain}>")))
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .from(addresses.from.clone())
        .subject(head.subject)
        // Keeps programs that answer mail for people on holiday from answering (RFC 3834, 5).
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(url) = head.stop_url {
        // Mail programs show a button for it, and press it without opening the page (RFC 8058).
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    for to in head.to {
        builder = builder.to(to.clone());
    }
    for mailbox in head.reply_to {
        builder = builder.reply_to(mailbox.clone());
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
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
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

fn plain(body: &Body) -> String {
    let rows = match body {
        Body::Words(words) => return format!("{}\n", words.trim_end()),
        Body::Rows(rows) => rows,
    };
    let mut out = String::new();
    for (label, value) in rows {
        let separator = match (label.is_empty(), value.contains('\n')) {
            (true, _) => "",
            (false, true) => ":\n",
            (false, false) => ": ",
        };
        writeln!(out, "{label}{separator}{value}").expect("a String takes everything");
    }
    out
}

/// The same as HTML.
fn section(body: &Body) -> String {
    let mut out = String::new();
    match body {
        Body::Words(words) => {
            for paragraph in words.split("\n\n").map(str::trim).filter(|it| !it.is_empty()) {
                let style = "margin:0 0 12px;white-space:pre-wrap";
                let text = escaped(paragraph);
                let text = if is_link(paragraph) { format!("<a href=\"{text}\">{text}</a>") } else { text };
                writeln!(out, "<p style=\"{style}\">{text}</p>").expect("a String takes everything");
            }
        }
        Body::Rows(rows) => {
            out.push_str("<table style=\"border-collapse:collapse\">\n");
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
            out.push_str("</table>\n");
        }
    }
    out
}

/// Whether a paragraph is an address of the web, and nothing else.
fn is_link(paragraph: &str) -> bool {
    let is_web = paragraph.starts_with("https://") || paragraph.starts_with("http://");
    is_web && !paragraph.contains(char::is_whitespace)
}

fn heading(text: &str) -> String {
    format!("<h1 style=\"font-size:18px;margin:0 0 12px\">{}</h1>\n", escaped(text))
}

/// A page without pictures, scripts or anything to load, in the reader's own light or dark.
fn page(language: &str, title: &str, sections: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\n\
         <body style=\"font:15px/1.5 system-ui,sans-serif;margin:16px\">\n\
         {sections}</body></html>\n"
    )
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
