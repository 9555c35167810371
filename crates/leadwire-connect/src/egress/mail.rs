//! The SMTP client (RFC 5321): one dialogue after another over a connection that was dialled like every other.
//!
//! The words are spoken by `lettre`; what is said when, and what was certainly not sent, is decided here.

mod line;

use super::Egress;
use super::dial::{Shared, Trace, micros};
use super::error::{self, SendError};
use super::stream::Stream;
use leadwire_core::limits::{CONNECT_WAIT, MAIL_SESSION_IDLE};
use leadwire_core::outcome::Timings;
use leadwire_core::secret::Secret;
use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use line::Line;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Most sessions kept for later messages.
const SESSIONS_MAX: usize = 4;

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS by the command `STARTTLS`; without it nothing is said.
    StartTls,
    /// In the clear, where the operator allows it.
    Plain,
}

/// A mail server, and the sessions with it that can be used again. Kept as long as its destination's lane.
pub(crate) struct MailServer {
    /// Host and port, with the scheme `https` in place of one that the URL standard does not know.
    place: Url,
    security: MailSecurity,
    login: Option<(String, Secret<String>)>,
    wait: Duration,
    idle: Mutex<Vec<Session>>,
}

/// A step of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailStep {
    Greeting,
    StartTls,
    Login,
    Sender,
    Recipients,
    Message,
}

/// What a server replied to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailReply {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// How a dialogue ended: with the reply to the message, or with the first reply that was no.
#[derive(Clone, Debug)]
pub(crate) struct MailAnswer {
    pub(crate) step: MailStep,
    pub(crate) reply: MailReply,
    /// Recipients that were refused, by their place, while others were taken.
    pub(crate) refused: Vec<(usize, MailReply)>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) timings: Timings,
}

struct Session {
    smtp: AsyncSmtpConnection,
    peer: SocketAddr,
    idle_since: Instant,
}

/// Why a dialogue went no further.
enum Stopped {
    Said(MailStep, MailReply),
    Failed(Box<SendError>),
}

impl From<Box<SendError>> for Stopped {
    fn from(error: Box<SendError>) -> Self {
        Self::Failed(error)
    }
}

impl MailServer {
    /// None: the host is not a host name or an address.
    pub(crate) fn new(
        host: &str,
        port: u16,
        security: MailSecurity,
        login: Option<(String, Secret<String>)>,
        wait: Duration,
    ) -> Option<Self> {
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b".-:[]".contains(&it) || !it.is_ascii();
        if host.is_empty() || !host.bytes().all(is_plain) {
            return None;
        }
        let place = Url::parse(&format!("https://{host}:{port}/")).ok()?;
        // A colon may have brought a port of its own.
        (place.port_or_known_default() == Some(port)).then_some(())?;
        Some(Self { place, security, login, wait, idle: Mutex::default() })
    }

    /// Where it is, for people.
    pub(crate) fn name(&self) -> String {
        format!(
            "{}:{}",
            self.place.host_str().unwrap_or_default(),
            self.place.port_or_known_default().unwrap_or(0)
        )
    }

    /// Dials, secures and signs in; with an envelope, asks whether its sender and recipients are taken. Sends nothing.
    ///
    /// # Errors
    /// When a reply is missing.
    pub(crate) async fn probe(
        &self,
        egress: &Egress,
        envelope: Option<&Envelope>,
    ) -> Result<MailAnswer, Box<SendError>> {
        self.speak(egress, envelope, None, true).await
    }

    /// Sends one message. A session that turns out to be closed before anything of the message was said is replaced;
    /// nothing else is tried twice. `takes_part`: some recipients may be refused for now while others get it.
    ///
    /// # Errors
    /// When a reply is missing; the error says whether the message may have been taken.
    pub(crate) async fn send(
        &self,
        egress: &Egress,
        envelope: &Envelope,
        message: &[u8],
        takes_part: bool,
    ) -> Result<MailAnswer, Box<SendError>> {
        self.speak(egress, Some(envelope), Some(message), takes_part).await
    }

    async fn speak(
        &self,
        egress: &Egress,
        envelope: Option<&Envelope>,
        message: Option<&[u8]>,
        takes_part: bool,
    ) -> Result<MailAnswer, Box<SendError>> {
        if message.is_some() {
            egress.count(1)?;
        }
        let start = Instant::now();
        let mut trace = Trace::default();
        let mut has_session = false;
        let spoken = async {
            let mut session = match self.take(egress).await {
                Some(session) => session,
                None => self.open(egress, start, &mut trace).await?,
            };
            has_session = true;
            trace.peer = Some(session.peer.ip());
            let said = match envelope {
                Some(it) => session.send(it, message, takes_part, start + self.wait).await,
                None => Ok((MailReply { code: 250, text: String::new() }, Vec::new())),
            };
            // A session goes on after a no, and breaks without a reply.
            if matches!(said, Ok(_) | Err(Stopped::Said(MailStep::Recipients, _))) {
                self.keep(session);
            }
            said
        };
        let spoken = spoken.await;
        if message.is_some() && !has_session && matches!(spoken, Err(Stopped::Failed(_))) {
            // Nothing of the message was said to anybody.
            egress.uncount(1);
        }
        let (peer, timings) = (trace.peer, Timings { total_us: Some(micros(start)), ..trace.timings });
        match spoken {
            Ok((reply, refused)) => Ok(MailAnswer { step: MailStep::Message, reply, refused, peer, timings }),
            Err(Stopped::Said(step, reply)) => {
                Ok(MailAnswer { step, reply, refused: Vec::new(), peer, timings })
            }
            Err(Stopped::Failed(mut error)) => {
                error.peer = peer;
                error.timings = timings;
                Err(error)
            }
        }
    }

    /// A session that is still open, asked so that it is known.
    async fn take(&self, egress: &Egress) -> Option<Session> {
        let policy = egress.policy().for_mail();
        loop {
            let mut session = self.idle.lock().expect("no panic while it is held").pop()?;
            let is_young = session.idle_since.elapsed() < MAIL_SESSION_IDLE;
            if !is_young || policy.check_peer(&self.place, session.peer).is_err() {
                continue;
            }
            let asked = timeout_at(Instant::now() + CONNECT_WAIT, session.smtp.command(Noop)).await;
            if matches!(asked, Ok(Ok(_))) {
                return Some(session);
            }
        }
    }

    fn keep(&self, mut session: Session) {
        session.idle_since = Instant::now();
        let mut idle = self.idle.lock().expect("no panic while it is held");
        if idle.len() < SESSIONS_MAX {
            idle.push(session);
        }
    }

    async fn open(&self, egress: &Egress, start: Instant, trace: &mut Trace) -> Result<Session, Stopped> {
        let shared: &Shared = &egress.shared;
        if self.security == MailSecurity::Plain && !shared.policy.allow_http {
            return Err(Stopped::Failed(error::plain_mail().into()));
        }
        let policy = shared.policy.for_mail();
        policy.check_url(&self.place).map_err(|it| Box::new(error::denied(it)))?;
        let deadline = start + self.wait;
        let (stream, peer) =
            shared.dial(&self.place, &policy, deadline.min(start + CONNECT_WAIT), trace).await?;
        let hello = hello();
        let line = match self.security {
            MailSecurity::Plain => Line::new(Stream::Plain(stream), peer, Vec::new()),
            MailSecurity::Tls => {
                Line::new(shared.secure(stream, &self.place, deadline, trace).await?, peer, Vec::new())
            }
            MailSecurity::StartTls => {
                let (stream, greeting) = within(deadline, line::start_tls(stream, &hello)).await??;
                let stream = shared.secure(stream, &self.place, deadline, trace).await?;
                // After the handshake a server greets nobody again.
                Line::new(stream, peer, greeting)
            }
        };
        let line: Box<dyn AsyncTokioStream> = Box::new(line);
        let smtp = within(deadline, AsyncSmtpConnection::connect_with_transport(line, &hello)).await?;
        let mut smtp = smtp.map_err(|it| stopped(&it, MailStep::Greeting, false))?;
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose().clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let signed_in = within(deadline, smtp.auth(&mechanisms, &credentials)).await?;
            signed_in.map_err(|it| stopped(&it, MailStep::Login, false))?;
        }
        Ok(Session { smtp, peer, idle_since: Instant::now() })
    }
}

impl Session {
    async fn send(
        &mut self,
        envelope: &Envelope,
        message: Option<&[u8]>,
        takes_part: bool,
        deadline: Instant,
    ) -> Result<(MailReply, Vec<(usize, MailReply)>), Stopped> {
        let smtp = &mut self.smtp;
        let mut parameters = Vec::new();
        if message.is_some_and(|it| !it.is_ascii())
            && smtp.server_info().supports_feature(Extension::EightBitMime)
        {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = Mail::new(envelope.from().cloned(), parameters);
        let said = within(deadline, smtp.command(sender)).await?;
        said.map_err(|it| stopped(&it, MailStep::Sender, false))?;
        let mut refused = Vec::new();
        for (at, to) in envelope.to().iter().enumerate() {
            let said = within(deadline, smtp.command(Rcpt::new(to.clone(), Vec::new()))).await?;
            match said.map_err(|it| stopped(&it, MailStep::Recipients, false)) {
                Ok(_) => {}
                Err(Stopped::Said(_, reply)) if reply.code != 421 => refused.push((at, reply)),
                Err(other) => return Err(other),
            }
        }
        // Whoever is refused for now may be taken later, which is more than can be said of the others.
        let later = refused.iter().find(|it| it.1.code < 500);
        let ends = if refused.len() == envelope.to().len() {
            later.or(refused.first())
        } else {
            later.filter(|_| !takes_part)
        };
        if let Some(reply) = ends.map(|it| it.1.clone()) {
            // The session is as good as new after this; if it is not, the next use notices.
            drop(within(deadline, smtp.command(Rset)).await);
            return Err(Stopped::Said(MailStep::Recipients, reply));
        }
        let Some(message) = message else {
            drop(within(deadline, smtp.command(Rset)).await);
            return Ok((MailReply { code: 250, text: String::new() }, refused));
        };
        let said = within(deadline, smtp.command(Data)).await?;
        said.map_err(|it| stopped(&it, MailStep::Message, false))?;
        let sent = timeout_at(deadline, smtp.message(message)).await;
        let sent = sent.map_err(|_| {
            let mut error = error::answer_timeout();
            error.written = true;
            Stopped::Failed(Box::new(error))
        })?;
        let reply = sent.map_err(|it| stopped(&it, MailStep::Message, true))?;
        let text = reply.message().collect::<Vec<_>>().join(" ");
        Ok((MailReply { code: reply.code().into(), text }, refused))
    }
}

/// What this program calls itself: its address means nothing to a server behind a translator (RFC 5321, 4.1.4, lets a
/// server not refuse for it).
fn hello() -> ClientId {
    ClientId::Ipv4(Ipv4Addr::LOCALHOST)
}

async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Result<T, Stopped> {
    timeout_at(deadline, work).await.map_err(|_| Stopped::Failed(Box::new(error::answer_timeout())))
}

/// A reply that was no, or a connection that broke. `written`: the whole message may have been read.
fn stopped(error: &smtp::Error, step: MailStep, written: bool) -> Stopped {
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if let Some(code) = error.status() {
        return Stopped::Said(step, MailReply { code: code.into(), text });
    }
    if error.is_client() {
        // Only signing in can be refused on this side: the server offers no way that both know.
        return Stopped::Said(
            step,
            MailReply { code: 504, text: "no way to sign in that both know".to_owned() },
        );
    }
    let mut failed = if error.is_response() { error::not_smtp() } else { error::mail_cut() };
    failed.written = written;
    Stopped::Failed(Box::new(failed))
}
