//! What the simulated mail server refuses, and in which words.

use super::dialogue::{Dialogue, Step};
use super::*;

const MESSAGE: &str = "From: <leads@contoso.example>\r\nTo: <sales@contoso.example>\r\nSubject: A lead\r\n\
    Date: Fri, 20 Nov 2026 10:00:05 +0000\r\nMessage-ID: <1@contoso.example>\r\n\r\nHello\r\n..dot\r\n.\r\n";

/// Says lines to a new session and gives back the last step; the lines before must be answered with yes.
fn after(lines: &[&str]) -> Step {
    let options = Options::new("a password");
    let mut options = options;
    options.refused.insert("gone@contoso.example".to_owned(), "550 5.1.1 No such user".to_owned());
    let mut dialogue = Dialogue::new(&options);
    let (last, before) = lines.split_last().expect("a line");
    for line in before {
        match dialogue.hear(format!("{line}\r\n").as_bytes()) {
            Step::Say(reply) => assert!(reply.starts_with(['2', '3']), "{line}: {reply}"),
            Step::Wait => {}
            other => panic!("{line}: {other:?}"),
        }
    }
    let mut step = Step::Wait;
    for line in last.split_inclusive("\r\n") {
        let line = if line.ends_with("\r\n") { line.to_owned() } else { format!("{line}\r\n") };
        step = dialogue.hear(line.as_bytes());
    }
    step
}

const HELLO: &str = "EHLO [127.0.0.1]";
/// `\0leads@contoso.example\0a password`.
const SIGN_IN: &str = "AUTH PLAIN AGxlYWRzQGNvbnRvc28uZXhhbXBsZQBhIHBhc3N3b3Jk";
const FROM: &str = "MAIL FROM:<leads@contoso.example>";
const TO: &str = "RCPT TO:<sales@contoso.example>";

#[track_caller]
fn check(lines: &[&str], reply: &str) {
    match after(lines) {
        Step::Say(said) | Step::Close(said) => assert!(said.starts_with(reply), "{said}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_held_to_the_order_of_its_steps() {
    check(&[FROM], "503 5.5.1");
    check(&["EHLO"], "501 5.5.4");
    check(&[HELLO, FROM], "530 5.7.0");
    check(&[HELLO, SIGN_IN, TO], "503 5.5.1");
    check(&[HELLO, SIGN_IN, FROM, FROM], "503 5.5.1");
    check(&[HELLO, SIGN_IN, FROM, "DATA"], "554 5.5.1");
    check(&[HELLO, SIGN_IN, SIGN_IN], "503 5.5.1");
    check(&[HELLO, SIGN_IN, FROM, TO, "RSET", "DATA"], "554 5.5.1");
    check(&[HELLO, "VRFY sales"], "502 5.5.2");
    check(&["QUIT"], "221");
}

#[test]
fn only_the_user_signs_in_and_sends() {
    check(&[HELLO, "AUTH PLAIN AGEAYg=="], "535 5.7.8");
    check(&[HELLO, "AUTH PLAIN !"], "501 5.5.2");
    check(&[HELLO, "AUTH CRAM-MD5"], "504 5.5.4");
    check(&[HELLO, "AUTH LOGIN", "bGVhZHNAY29udG9zby5leGFtcGxl", "YSBwYXNzd29yZA=="], "235 2.7.0");
    check(&[HELLO, "AUTH LOGIN", "bGVhZHNAY29udG9zby5leGFtcGxl", "YQ=="], "535 5.7.8");
    check(&[HELLO, SIGN_IN, "MAIL FROM:<other@contoso.example>"], "550 5.7.60");
    check(&[HELLO, SIGN_IN, "MAIL FROM:leads@contoso.example"], "501 5.1.7");
    check(&[HELLO, SIGN_IN, FROM, "RCPT TO:<gone@contoso.example>"], "550 5.1.1");
    check(&[HELLO, SIGN_IN, FROM, "RCPT TO:<sales>"], "501 5.1.3");
}

#[test]
fn lines_end_in_one_way_only() {
    let options = Options::new("a password");
    for line in [&b"EHLO x\n"[..], b"EHLO x", b"EHLO\rx\r\n"] {
        assert!(matches!(Dialogue::new(&options).hear(line), Step::Close(said) if said.starts_with("500")));
    }
}

#[test]
fn a_message_has_what_every_message_has() {
    let start = [HELLO, SIGN_IN, FROM, TO, "DATA"];
    let send = |message: &str| after(&[&start[..], &[message]].concat());
    let Step::Take(taken) = send(MESSAGE) else { panic!("the message is good") };
    assert_eq!((taken.from.as_str(), taken.id.as_str()), ("leads@contoso.example", "<1@contoso.example>"));
    assert!(taken.content.ends_with("Hello\r\n.dot\r\n"), "{}", taken.content);
    let without = MESSAGE.replace("Message-ID: <1@contoso.example>\r\n", "");
    assert_eq!(send(&without), Step::Say("550 5.6.0 A message has one header `message-id`".to_owned()));
    let twice = MESSAGE.replace("Subject: A lead\r\n", "Subject: A lead\r\nSubject: B\r\n");
    assert_eq!(send(&twice), Step::Say("550 5.6.0 A message has one header `subject`".to_owned()));
    let letters = MESSAGE.replace("Hello", "Hellő");
    assert!(matches!(send(&letters), Step::Say(said) if said.starts_with("554 5.6.7")));
    let large = MESSAGE.replace("Hello\r\n", &format!("{}\r\n", "x".repeat(900)).repeat(9_400));
    assert!(matches!(send(&large), Step::Say(said) if said.starts_with("552 5.3.4")));
}
