//! The way to a host: its name looked up once, every address checked, and what was checked dialled and secured.

use super::connection::Connection;
use super::error::{self, SendError};
use super::guard::EgressPolicy;
use super::resolve::{NoAddress, Resolve};
use super::stream::Stream;
use super::tls;
use leadwire_core::limits::ADDRESSES_DIALLED_MAX;
use leadwire_core::outcome::Timings;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) policy: EgressPolicy,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: TlsConnector,
    pub(super) extra_ca_pem: Option<Vec<u8>>,
}

/// What is known of a request while it runs.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) peer: Option<IpAddr>,
    pub(super) status: Option<u16>,
    pub(super) timings: Timings,
}

impl Shared {
    /// A connection for requests to a URL that the policy has allowed.
    pub(super) async fn open(
        &self,
        url: &Url,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Connection, Box<SendError>> {
        let (stream, peer) = self.dial(url, &self.policy, deadline, trace).await?;
        let stream = if url.scheme() == "https" {
            self.secure(stream, url, deadline, trace).await?
        } else {
            Stream::Plain(stream)
        };
        Ok(Connection::start(stream, peer).await.map_err(|error| error::exchange_failed(&error))?)
    }

    /// Looks the URL's host up, checks every address against a policy, and dials what was checked.
    pub(super) async fn dial(
        &self,
        url: &Url,
        policy: &EgressPolicy,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<(TcpStream, SocketAddr), Box<SendError>> {
        let addresses = self.addresses(url, policy, deadline, trace).await?;
        let started = Instant::now();
        let dialled = dial(&addresses, deadline, trace).await?;
        trace.timings.connect_us = Some(micros(started));
        Ok(dialled)
    }

    /// Speaks TLS over a connection, and holds the certificate to the URL's host.
    pub(super) async fn secure(
        &self,
        stream: TcpStream,
        url: &Url,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Stream, Box<SendError>> {
        let name = url.host().and_then(|host| tls::server_name(&host)).ok_or_else(error::bad_url)?;
        let started = Instant::now();
        let secured = timeout_at(deadline, self.tls.connect(name, stream)).await;
        trace.timings.tls_us = Some(micros(started));
        let secured = secured.map_err(|_| error::connect_timeout())?;
        Ok(Stream::Tls(Box::new(secured.map_err(|error| error::tls_failed(&error))?)))
    }

    async fn addresses(
        &self,
        url: &Url,
        policy: &EgressPolicy,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Box<SendError>> {
        let port = url.port_or_known_default().ok_or_else(error::bad_url)?;
        let addresses = match url.host().ok_or_else(error::bad_url)? {
            Host::Ipv4(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Domain(name) => {
                let started = Instant::now();
                let found = timeout_at(deadline, self.resolver.resolve(name, port)).await;
                trace.timings.dns_us = Some(micros(started));
                found.unwrap_or(Err(NoAddress::Temporary)).map_err(error::no_address)?
            }
        };
        if addresses.is_empty() {
            return Err(error::no_address(NoAddress::NotFound).into());
        }
        for address in &addresses {
            // One address that is not allowed spoils the name: it may be an attempt at rebinding.
            if let Err(denied) = policy.check_peer(url, *address) {
                trace.peer = Some(address.ip());
                return Err(error::denied(denied).into());
            }
        }
        Ok(addresses)
    }
}

/// Dials one address after another; each gets an equal share of the time that is left.
async fn dial(
    addresses: &[SocketAddr],
    deadline: Instant,
    trace: &mut Trace,
) -> Result<(TcpStream, SocketAddr), Box<SendError>> {
    let mut last = error::connect_timeout();
    let count = addresses.len().min(ADDRESSES_DIALLED_MAX);
    for (at, address) in addresses.iter().take(count).enumerate() {
        trace.peer = Some(address.ip());
        let left = u32::try_from(count - at).expect("a handful");
        let now = Instant::now();
        let share = now + deadline.saturating_duration_since(now) / left;
        last = match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are small and written whole; waiting to fill a packet only delays them.
                stream.set_nodelay(true).map_err(|error| error::connect_failed(&error))?;
                return Ok((stream, *address));
            }
            Ok(Err(error)) => error::connect_failed(&error),
            Err(_) => error::connect_timeout(),
        };
    }
    Err(Box::new(last))
}

pub(super) fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}
