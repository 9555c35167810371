//! A proxy on this machine that cuts real connections: inside a request, before an answer, inside it, and after it.
//!
//! It knows where messages of HTTP/1.1 end, so that an answer is cut after the work was done, not by chance.

use crate::harness::Dice;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Largest message, in bytes: more than any that a test sends.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Dice are thrown in thousandths.
const WHOLE: u64 = 1000;

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Half of the request goes on: nothing is done.
    InsideRequest,
    /// The request is done, and nothing of the answer comes back.
    BeforeAnswer,
    /// The request is done, and half of the answer comes back.
    InsideAnswer,
    /// All of the answer comes back, and the connection that would be used again is gone.
    AfterAnswer,
}

/// All of them.
pub const CUTS: [Cut; 4] = [Cut::InsideRequest, Cut::BeforeAnswer, Cut::InsideAnswer, Cut::AfterAnswer];

/// What it did: exchanges, and cuts of each kind in the order of [`CUTS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that came whole.
    pub exchanges: u64,
    /// Cuts.
    pub cuts: [u64; 4],
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    share: u64,
    /// Exchanges since cutting began.
    since: u64,
    counts: Counts,
}

/// A running proxy.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts one in front of an address; it cuts nothing until it is told to.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(upstream: SocketAddr, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = State { dice: Dice::new(seed), share: 0, since: 0, counts: Counts::default() };
        let shared = Arc::new(Shared { upstream, state: Mutex::new(state) });
        let (stop, mut stopped) = watch::channel(false);
        let serving = Arc::clone(&shared);
        let running = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    // Cancel-safe: only looks at a value.
                    _ = stopped.changed() => return connections.shutdown().await,
                    Some(_) = connections.join_next() => {}
                    // Cancel-safe: a connection that was not accepted stays in the queue.
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        let shared = Arc::clone(&serving);
                        connections.spawn(async move {
                            // A connection that breaks by itself is what this is for.
                            shared.carry(stream).await.ok();
                        });
                    }
                }
            }
        });
        Ok(Self { address, shared, stop, running })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts so many of a thousand exchanges from now on, in every way alike. The first four cuts are one of each kind, at
    /// every second exchange, so that a short run has seen them all.
    ///
    /// # Panics
    /// When it is more than all.
    pub fn cut(&self, of_1000: u64) {
        assert!(of_1000 <= WHOLE, "no more than all can be cut");
        self.shared.state.lock().expect("counting cannot panic").share = of_1000;
    }

    /// What it did.
    pub fn counts(&self) -> Counts {
        self.shared.state.lock().expect("counting cannot panic").counts
    }

    /// Closes it and all of its connections.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // It cannot panic but in its own bookkeeping, and then it is closed as well.
        self.running.await.ok();
    }
}

impl Shared {
    /// Carries requests and answers of one connection until it ends or is cut.
    async fn carry(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(self.upstream).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
        while let Some(request) = message(&mut client, &mut from_client).await? {
            let cut = self.throw();
            if cut == Some(Cut::InsideRequest) {
                return server.write_all(&request[..request.len() / 2]).await;
            }
            server.write_all(&request).await?;
            let Some(answer) = message(&mut server, &mut from_server).await? else { return Ok(()) };
            match cut {
                Some(Cut::BeforeAnswer) => return Ok(()),
                Some(Cut::InsideAnswer) => return client.write_all(&answer[..answer.len() / 2]).await,
                Some(Cut::AfterAnswer) => return client.write_all(&answer).await,
                Some(Cut::InsideRequest) | None => client.write_all(&answer).await?,
            }
        }
        Ok(())
    }

    /// Decides about one exchange, and counts it.
    fn throw(&self) -> Option<Cut> {
        let mut state = self.state.lock().expect("counting cannot panic");
        state.counts.exchanges += 1;
        if state.share == 0 {
            return None;
        }
        state.since += 1;
        let first = usize::try_from(state.since / 2).unwrap_or(usize::MAX);
        let at = if first <= CUTS.len() {
            if state.since % 2 == 1 {
                return None;
            }
            first - 1
        } else {
            if state.dice.below(WHOLE) >= state.share {
                return None;
            }
            usize::try_from(state.dice.below(4)).expect("one of four")
        };
        state.counts.cuts[at] += 1;
        Some(CUTS[at])
    }
}

/// One whole message; none when the connection ends before it. What was read beyond it stays.
async fn message(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(length) = length(read) {
            return Ok(Some(read.drain(..length).collect()));
        }
        if read.len() > MESSAGE_BYTES_MAX || stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

/// Where the first message in these bytes ends, once all of it is there.
fn length(read: &[u8]) -> Option<usize> {
    let body = read.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&read[..body]).to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let end = if header("transfer-encoding:").is_some_and(|it| it.contains("chunked")) {
        body + read[body..].windows(5).position(|it| it == b"0\r\n\r\n")? + 5
    } else {
        body + header("content-length:").map_or(Some(0), |it| it.trim().parse().ok())?
    };
    (read.len() >= end).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_it_says() {
        let whole = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(length(whole), Some(whole.len()));
        assert_eq!(length(&whole[..whole.len() - 1]), None);
        assert_eq!(length(b"HTTP/1.1 204 No Content\r\n\r\nHTTP"), Some(27));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(length(chunked), Some(chunked.len()));
        assert_eq!(length(&chunked[..chunked.len() - 2]), None);
    }
}
