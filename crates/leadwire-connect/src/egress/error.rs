//! A request that brought no answer: what the engine should do, whether anything was written, and what to tell people.

use super::guard::Denied;
use super::resolve::NoAddress;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Timings, Tried};
use rustls::CertificateError;
use std::io;
use std::net::IpAddr;

/// A request without a whole answer. Holds no URL, no header and no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Stable name, such as `dns_not_found`.
    pub cause: &'static str,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when nothing needs doing.
    pub fix: &'static str,
    /// What to do when repeating the request is harmless or nothing was written.
    pub fault: Fault,
    /// Whether bytes of the request may have reached the peer.
    pub written: bool,
    /// Status of the answer, when its head had arrived.
    pub http_status: Option<u16>,
    /// The address that was dialled last.
    pub peer: Option<IpAddr>,
    /// Where the time went until then.
    pub timings: Timings,
}

impl SendError {
    pub(super) fn new(
        cause: &'static str,
        fault: Fault,
        message: impl Into<String>,
        fix: &'static str,
    ) -> Self {
        Self {
            cause,
            message: message.into(),
            fix,
            fault,
            written: false,
            http_status: None,
            peer: None,
            timings: Timings::default(),
        }
    }

    /// What came of a delivery whose request ended like this: unknown once bytes were written.
    pub fn outcome(&self) -> Outcome {
        if self.written { Outcome::Unknown } else { Outcome::NotDone(self.fault) }
    }

    /// The delivery's share of the attempt.
    pub fn tried(&self) -> Tried {
        Tried {
            outcome: self.outcome(),
            evidence: Evidence {
                cause: self.cause.to_owned(),
                message: self.message.clone(),
                fix: self.fix.to_owned(),
                http_status: self.http_status,
                answer: String::new(),
                peer: self.peer,
                timings: self.timings,
            },
        }
    }
}

pub(super) fn denied(denied: Denied) -> SendError {
    SendError::new(
        "egress_denied",
        Fault::Pause,
        format!("blocked by the egress policy: {denied}"),
        "enter a public https address, or have the operator add the host or network to the egress allow-list",
    )
}

pub(super) fn no_calls_left() -> SendError {
    SendError::new(
        "budget_used_up",
        Fault::HoldLane(None),
        "the destination's budget of calls has none left for this; it goes on with the next that are free",
        "",
    )
}

pub(super) fn bad_url() -> SendError {
    SendError::new(
        "url_invalid",
        Fault::Pause,
        "the URL cannot be used in a request",
        "enter the URL as the receiving system shows it",
    )
}

pub(super) fn no_address(why: NoAddress) -> SendError {
    match why {
        NoAddress::NotFound => SendError::new(
            "dns_not_found",
            Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
            "the host name was not found",
            "check the spelling of the host name in the URL",
        ),
        NoAddress::Temporary => SendError::new(
            "dns_unavailable",
            Fault::RetryAfter(None),
            "the name service gave no answer",
            "if it lasts, check the DNS settings of the machine Leadwire runs on",
        ),
    }
}

pub(super) fn connect_timeout() -> SendError {
    SendError::new("connect_timeout", Fault::RetryAfter(None), "no connection was made in time", "")
}

pub(super) fn answer_timeout() -> SendError {
    SendError::new("answer_timeout", Fault::RetryAfter(None), "no whole answer came in time", "")
}

pub(super) fn connect_failed(error: &io::Error) -> SendError {
    let (cause, message) = match error.kind() {
        io::ErrorKind::ConnectionRefused => ("connection_refused", "the connection was refused"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            ("host_unreachable", "the host cannot be reached")
        }
        io::ErrorKind::TimedOut => ("connect_timeout", "no connection was made in time"),
        _ => ("connect_failed", "the connection failed"),
    };
    SendError::new(cause, Fault::RetryAfter(None), message, "")
}

pub(super) fn tls_failed(error: &io::Error) -> SendError {
    let later = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            let (cause, message, fix) = bad_certificate(why);
            SendError::new(cause, later, message, fix)
        }
        Some(rustls::Error::InvalidMessage(_)) => SendError::new(
            "tls_not_spoken",
            later,
            "the server does not speak TLS on this port",
            "check the port in the URL, and that the server offers https there",
        ),
        Some(_) => SendError::new(
            "tls_handshake_failed",
            later,
            "the TLS handshake failed: no common protocol version or cipher, or the server refused it",
            "the server must offer TLS 1.2 or 1.3",
        ),
        None => SendError::new(
            "tls_connection_lost",
            Fault::RetryAfter(None),
            "the connection was lost during the TLS handshake",
            "",
        ),
    }
}

fn bad_certificate(why: &CertificateError) -> (&'static str, &'static str, &'static str) {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "tls_certificate_expired",
            "the server's certificate has expired",
            "renew the certificate of the server",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "tls_certificate_not_yet_valid",
            "the server's certificate is not valid yet",
            "check the clocks of the server and of the machine Leadwire runs on",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "tls_certificate_name",
            "the server's certificate is for another name",
            "use the name the certificate was issued for, or have it issued for this one",
        ),
        CertificateError::UnknownIssuer => (
            "tls_certificate_untrusted",
            "the server's certificate is not signed by an authority that is trusted here",
            "have the server send its whole chain, or add its authority to the extra CA certificates",
        ),
        CertificateError::Revoked => (
            "tls_certificate_revoked",
            "the server's certificate was revoked",
            "replace the certificate of the server",
        ),
        _ => (
            "tls_certificate_invalid",
            "the server's certificate is not valid",
            "replace the certificate of the server",
        ),
    }
}

pub(super) fn exchange_failed(error: &hyper::Error) -> SendError {
    let later = Fault::RetryAfter(None);
    if error.is_parse_too_large() {
        return SendError::new("answer_head_too_large", later, "the head of the answer is too large", "");
    }
    if error.is_parse() {
        return SendError::new(
            "answer_not_http",
            later,
            "the answer is not HTTP",
            "check the port in the URL: something other than a web server listens there",
        );
    }
    SendError::new("connection_lost", later, "the connection was lost before the whole answer came", "")
}

pub(super) fn plain_mail() -> SendError {
    SendError::new(
        "egress_denied",
        Fault::Pause,
        "blocked by the egress policy: mail must be encrypted",
        "choose STARTTLS or TLS, or have the operator allow connections in the clear",
    )
}

pub(super) fn mail_cut() -> SendError {
    let later = Fault::RetryAfter(None);
    SendError::new(
        "connection_lost",
        later,
        "the connection was lost before the mail server's reply came",
        "",
    )
}

pub(super) fn not_smtp() -> SendError {
    SendError::new(
        "answer_not_smtp",
        Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
        "the answer is not that of a mail server",
        "check server, port and encryption: port 465 wants TLS from the start, port 587 STARTTLS",
    )
}
