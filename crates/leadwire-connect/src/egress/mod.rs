//! The HTTP client: asks the policy, looks the name up once, dials the address that was checked, and measures it all.
//!
//! It follows no redirect, reads no proxy variable, asks for no compression and repeats nothing that may have
//! been written. HTTP/1.1 only.

mod connection;
mod dial;
pub mod error;
pub mod guard;
pub(crate) mod mail;
pub mod meter;
mod pool;
pub mod resolve;
mod stream;
pub mod tls;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use connection::Connection;
use dial::{Shared, Trace, micros};
use error::SendError;
use guard::EgressPolicy;
use http::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode, Uri};
use http_body_util::Full;
use leadwire_core::limits::{ANSWER_BYTES_MAX, CONNECT_WAIT, REQUEST_WAIT};
use leadwire_core::outcome::Timings;
use meter::Meter;
use pool::{Origin, Pool};
use resolve::{Resolve, SystemResolver};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::{BadTls, TlsWishes};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// What every request calls itself.
const AGENT: &str = concat!("leadwire/", env!("CARGO_PKG_VERSION"));

/// The client. Cheap to clone; clones share their idle connections.
#[derive(Clone)]
pub struct Egress {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    meter: Option<Arc<Meter>>,
}

/// One request. Has no `Debug`: URL, headers and body may hold credentials and personal values.
#[derive(Clone)]
pub struct Request {
    /// `POST`, mostly.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers but `host`, `user-agent` and `content-length`, which the client sets.
    pub headers: HeaderMap,
    /// The body; may be empty.
    pub body: Bytes,
    /// Longest wait from start to end.
    pub wait: Duration,
    /// Most bytes read of the answer's body; the rest is discarded by closing the connection.
    pub answer_bytes_max: usize,
    /// As how many calls the service counts it: 1, but for a batch of requests that are counted one by one.
    pub calls: u32,
}

impl Request {
    /// A request with the usual bounds: [`REQUEST_WAIT`] and [`ANSWER_BYTES_MAX`].
    pub fn new(method: Method, url: Url, headers: HeaderMap, body: Bytes) -> Self {
        let (wait, answer_bytes_max) = (REQUEST_WAIT, ANSWER_BYTES_MAX);
        Self { method, url, headers, body, wait, answer_bytes_max, calls: 1 }
    }
}

/// An answer. A redirect is an answer like any other.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as sent, up to the bound of the request.
    pub body: Bytes,
    /// The body was longer than the bound.
    pub is_truncated: bool,
    /// Who answered.
    pub peer: IpAddr,
    /// Where the time went; a connection used before has no `dns`, `connect` and `tls`.
    pub timings: Timings,
}

/// Prints no header and no body: they may repeat what was sent.
impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Answer")
            .field("status", &self.status)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Egress {
    /// A client under `policy` that trusts the machine's authorities and those of `extra_ca_pem`.
    ///
    /// # Errors
    /// When the extra certificates cannot be read.
    pub fn new(policy: EgressPolicy, extra_ca_pem: Option<&[u8]>) -> Result<Self, BadTls> {
        Self::with_resolver(policy, extra_ca_pem, Arc::new(SystemResolver))
    }

    /// As [`Egress::new`], with another way to look names up.
    ///
    /// # Errors
    /// When the extra certificates cannot be read.
    pub fn with_resolver(
        policy: EgressPolicy,
        extra_ca_pem: Option<&[u8]>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, BadTls> {
        let tls = tls::connector(extra_ca_pem, &TlsWishes::default())?;
        let extra_ca_pem = extra_ca_pem.map(<[u8]>::to_vec);
        let shared = Shared { policy, resolver, tls, extra_ca_pem };
        Ok(Self { shared: Arc::new(shared), pool: Arc::default(), meter: None })
    }

    /// The same client with idle connections of its own, and TLS as a destination wishes.
    ///
    /// # Errors
    /// When TLS cannot be set up so.
    pub fn with_tls(&self, wishes: &TlsWishes) -> Result<Self, BadTls> {
        let extra_ca_pem = self.shared.extra_ca_pem.clone();
        let tls = tls::connector(extra_ca_pem.as_deref(), wishes)?;
        let (policy, resolver) = (self.shared.policy.clone(), Arc::clone(&self.shared.resolver));
        let shared = Shared { policy, resolver, tls, extra_ca_pem };
        Ok(Self { shared: Arc::new(shared), pool: Arc::default(), meter: None })
    }

    /// The same client with idle connections of its own: one for each destination, kept as long as its lane,
    /// so that a slow destination cannot hold the connections of another and no tenant uses another's.
    #[must_use]
    pub fn for_destination(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), pool: Arc::default(), meter: None }
    }

    /// The same client over the same connections, whose calls this meter counts.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        Self { meter: Some(meter), ..self.clone() }
    }

    /// How many calls may be made yet; none: any number.
    pub(crate) fn calls_left(&self) -> Option<u32> {
        self.meter.as_ref()?.left()
    }

    /// Counts a call before it is made, if somebody counts.
    fn count(&self, calls: u32) -> Result<(), Box<SendError>> {
        self.meter.as_ref().map_or(Ok(()), |it| it.count(calls))
    }

    /// Gives back calls that never left this machine.
    fn uncount(&self, calls: u32) {
        self.meter.iter().for_each(|it| it.uncount(calls));
    }

    /// The policy requests are checked against.
    pub fn policy(&self) -> &EgressPolicy {
        &self.shared.policy
    }

    /// Makes one request. A connection that turns out to be closed before a byte was written is replaced;
    /// nothing else is tried twice.
    ///
    /// # Errors
    /// When there was no whole answer; the error says whether anything may have reached the peer. Dropping the
    /// future closes the connection.
    pub async fn send(&self, request: Request) -> Result<Answer, Box<SendError>> {
        self.count(request.calls)?;
        let start = Instant::now();
        let mut trace = Trace::default();
        let result = self.try_send(&request, start, &mut trace).await;
        trace.timings.total_us = Some(micros(start));
        match &result {
            Ok(reply) => self.meter.iter().for_each(|it| it.hear(&reply.headers)),
            Err(error) if !error.written => self.uncount(request.calls),
            Err(_) => {}
        }
        match result {
            Ok(Reply { status, headers, body }) => Ok(Answer {
                status,
                headers,
                body: body.bytes,
                is_truncated: body.is_truncated,
                peer: trace.peer.expect("an answer comes from a peer"),
                timings: trace.timings,
            }),
            Err(mut error) => {
                error.peer = trace.peer;
                error.timings = trace.timings;
                error.http_status = trace.status;
                Err(error)
            }
        }
    }

    /// Makes a connection as a request would, and sends nothing over it. It is kept for the next request.
    ///
    /// # Errors
    /// When no connection was made.
    pub async fn probe(&self, url: &Url, wait: Duration) -> Result<Timings, Box<SendError>> {
        let start = Instant::now();
        let mut trace = Trace::default();
        let opened = async {
            self.shared.policy.check_url(url).map_err(error::denied)?;
            self.shared.open(url, start + wait.min(CONNECT_WAIT), &mut trace).await
        };
        let opened = opened.await;
        trace.timings.total_us = Some(micros(start));
        match opened {
            Ok(mut connection) => {
                if connection.is_ready().await {
                    self.pool.put(Origin::of(url), connection);
                }
                Ok(trace.timings)
            }
            Err(mut error) => {
                error.peer = trace.peer;
                error.timings = trace.timings;
                Err(error)
            }
        }
    }

    async fn try_send(
        &self,
        request: &Request,
        start: Instant,
        trace: &mut Trace,
    ) -> Result<Reply, Box<SendError>> {
        let url = &request.url;
        let policy = &self.shared.policy;
        policy.check_url(url).map_err(error::denied)?;
        let message = message(request)?;
        let deadline = start + request.wait;
        let origin = Origin::of(url);
        while let Some(mut connection) = self.pool.take(&origin) {
            if policy.check_peer(url, connection.peer()).is_err() || !connection.is_alive().await {
                continue;
            }
            let result =
                self.exchange(connection, &origin, message.clone(), (request, deadline), trace).await;
            match result {
                // The peer closed while the connection was idle.
                Err(error) if !error.written && error.cause == "connection_lost" => {}
                other => return other,
            }
        }
        let connection = self.shared.open(url, deadline.min(start + CONNECT_WAIT), trace).await?;
        self.exchange(connection, &origin, message, (request, deadline), trace).await
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        origin: &Origin,
        message: http::Request<Full<Bytes>>,
        (request, deadline): (&Request, Instant),
        trace: &mut Trace,
    ) -> Result<Reply, Box<SendError>> {
        trace.peer = Some(connection.peer().ip());
        let written_before = connection.written();
        let work = async {
            let sent = Instant::now();
            let answer = connection.send(message).await?;
            trace.timings.answer_us = Some(micros(sent));
            trace.status = Some(answer.status().as_u16());
            let (head, body) = answer.into_parts();
            let body = connection.read(body, request.answer_bytes_max).await?;
            Ok(Reply { status: head.status, headers: head.headers, body })
        };
        let result = match timeout_at(deadline, work).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(error::exchange_failed(&error)),
            Err(_) => Err(error::answer_timeout()),
        };
        match result {
            Ok(reply) => {
                if !reply.body.is_truncated && connection.is_ready().await {
                    self.pool.put(origin.clone(), connection);
                }
                Ok(reply)
            }
            Err(mut error) => {
                error.written = connection.written() > written_before;
                Err(Box::new(error))
            }
        }
    }
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: connection::Body,
}

fn message(request: &Request) -> Result<http::Request<Full<Bytes>>, Box<SendError>> {
    let url = &request.url;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(error::bad_url().into()),
    };
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = Uri::try_from(target).map_err(|_| error::bad_url())?;
    let headers = message.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(host).map_err(|_| error::bad_url())?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    for (name, value) in &request.headers {
        if name != HOST && name != USER_AGENT {
            headers.append(name.clone(), value.clone());
        }
    }
    Ok(message)
}
