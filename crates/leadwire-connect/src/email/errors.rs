//! What mail servers' replies mean (RFC 5321, 4.2.3; RFC 3463; RFC 4954, 6; and the words of Exchange Online and Gmail).

use crate::catalogue::Known;
use leadwire_core::outcome::Fault;
use std::time::Duration;

/// Reply codes, with the enhanced code where that says more.
pub(super) const ERRORS: &[Known] = &[
    Known::new(
        "421",
        Fault::HoldLane(None),
        ("server_closing", "the mail server closes its service for now, or had too many sessions", ""),
        &["Service not available", "Too many concurrent"],
    ),
    Known::new(
        "432",
        Fault::HoldLane(Some(Duration::from_secs(60))),
        ("rate_limited", "the mail server had too many sessions of this user at a time", ""),
        &["sender thread limit exceeded"],
    ),
    Known::new(
        "450",
        Fault::RetryAfter(None),
        ("mailbox_busy", "a mailbox cannot take mail just now, or the server wants to be asked again", ""),
        &["Greylisted", "try again later"],
    ),
    Known::new(
        "451",
        Fault::RetryAfter(None),
        ("server_failing", "the mail server failed inside", ""),
        &["Requested action aborted", "Temporary"],
    ),
    Known::new(
        "452",
        Fault::RetryAfter(None),
        ("server_full", "the mail server has no room just now", ""),
        &["Insufficient system storage"],
    ),
    Known::new(
        "454",
        Fault::RetryAfter(None),
        ("login_not_now", "the mail server cannot check the sign-in or start TLS just now", ""),
        &["Temporary authentication failure", "TLS not available"],
    ),
    Known::new(
        "550 5.4.5",
        // The day is a rolling one that the server does not tell the end of: an hour is asked again.
        Fault::HoldLane(Some(Duration::from_secs(3600))),
        (
            "daily_limit",
            "the mail server takes no more messages of this user today",
            "leads wait until it does; a relay made for programs takes more",
        ),
        &["Daily user sending limit exceeded", "Daily sending quota"],
    ),
    Known::new(
        "530",
        Fault::Pause,
        (
            "login_missing",
            "the mail server wants a sign-in or encryption first",
            "enter `user` and `password`, and choose STARTTLS or TLS",
        ),
        &["Authentication required", "Client was not authenticated", "Must issue a STARTTLS command first"],
    ),
    Known::new(
        "534",
        Fault::Pause,
        (
            "login_too_weak",
            "the mail server does not take a plain password of this user",
            "make an app password for the user and enter it as `password`",
        ),
        &["Application-specific password required"],
    ),
    Known::new(
        "535 5.7.139",
        Fault::Pause,
        (
            "login_switched_off",
            "signing in to send mail is switched off for this user or tenant",
            "in Microsoft 365, allow authenticated SMTP for the mailbox, or use a relay that takes a password",
        ),
        &["SmtpClientAuthentication is disabled", "basic authentication is disabled"],
    ),
    Known::new(
        "535",
        Fault::Pause,
        (
            "login_refused",
            "the mail server does not take user and password",
            "enter `user` and `password` again; with two-step sign-in an app password is needed",
        ),
        &["Authentication credentials invalid", "Username and Password not accepted"],
    ),
    Known::new(
        "504",
        Fault::Pause,
        (
            "login_not_offered",
            "the mail server offers no sign-in with a password",
            "leave out `user` and `password` if it asks for none, choose STARTTLS or TLS, or use another server",
        ),
        &["Unrecognized authentication type"],
    ),
    Known::new(
        "502",
        Fault::Pause,
        (
            "starttls_missing",
            "the mail server offers no STARTTLS",
            "choose TLS with port 465, or a server that offers encryption",
        ),
        &["STARTTLS is not supported"],
    ),
    Known::new(
        "554 greeting",
        Fault::Pause,
        (
            "server_refuses",
            "the mail server refuses to talk to this machine",
            "ask who runs it to allow this machine's address, or use another server",
        ),
        &["No SMTP service here"],
    ),
    Known::new(
        "550 5.7.60",
        Fault::Pause,
        (
            "sender_not_allowed",
            "the user may not send as the sender's address",
            "set `from` to the user's own address, or give the user the right to send as it",
        ),
        &["Client does not have permissions to send as this sender", "SendAsDenied"],
    ),
    Known::new(
        "553",
        Fault::Pause,
        (
            "sender_refused",
            "the mail server does not take the sender's address",
            "set `from` to an address that this server may send for",
        ),
        &["Sender address rejected", "mailbox name not allowed"],
    ),
    Known::new(
        "554 5.7.1",
        Fault::Pause,
        (
            "relay_denied",
            "the mail server passes no mail on to the recipients",
            "enter `user` and `password`, or use the server of the recipients' domain",
        ),
        &["Relay access denied", "Unable to relay"],
    ),
    Known::new(
        "550",
        Fault::Pause,
        ("recipients_refused", "the mail server takes none of the recipients", "check the addresses in `to`"),
        &["User unknown", "mailbox unavailable", "No such user"],
    ),
    Known::new(
        "552",
        Fault::Park,
        (
            "message_too_large",
            "the message is larger than the mail server takes",
            "take long values such as Notes out of the mapping, then retry the lead",
        ),
        &["Message size exceeds", "message too large"],
    ),
    Known::new(
        "554",
        Fault::Park,
        (
            "message_refused",
            "the mail server refused the message for what is in it",
            "see its words in the attempt; a filter may take the customer's words for spam: allow the sender there",
        ),
        &["Transaction failed", "rejected as spam"],
    ),
];
