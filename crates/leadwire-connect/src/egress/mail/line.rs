//! The bytes of a dialogue: how they become secret, and what the dialogue begins with once they are.

use super::{MailReply, MailStep, Stopped};
use crate::egress::error;
use crate::egress::stream::Stream;
use leadwire_core::limits::MAIL_LINE_BYTES_MAX;
use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// Most lines in a reply.
const REPLY_LINES_MAX: usize = 100;

/// Says hello in the clear, and asks for TLS (RFC 3207). Gives back the greeting, which the rest of the dialogue begins
/// with.
pub(super) async fn start_tls(stream: TcpStream, hello: &ClientId) -> Result<(TcpStream, Vec<u8>), Stopped> {
    let mut stream = BufReader::new(stream);
    let greeting = reply(&mut stream, MailStep::Greeting).await?;
    let hello = format!("EHLO {hello}\r\n");
    stream.get_mut().write_all(hello.as_bytes()).await.map_err(|_| Box::new(error::mail_cut()))?;
    let offered = reply(&mut stream, MailStep::Greeting).await?;
    let offers = String::from_utf8_lossy(&offered)
        .lines()
        .any(|it| it.get(4..).is_some_and(|it| it.trim().eq_ignore_ascii_case("STARTTLS")));
    if !offers {
        let text = "the server offers no STARTTLS".to_owned();
        return Err(Stopped::Said(MailStep::StartTls, MailReply { code: 502, text }));
    }
    stream.get_mut().write_all(b"STARTTLS\r\n").await.map_err(|_| Box::new(error::mail_cut()))?;
    reply(&mut stream, MailStep::StartTls).await?;
    // Whatever came in the clear behind the reply would be taken for the server's own words (CVE-2011-0411).
    if !stream.buffer().is_empty() {
        return Err(Stopped::Failed(error::not_smtp().into()));
    }
    Ok((stream.into_inner(), greeting))
}

/// A whole reply of any number of lines, if it is a yes.
async fn reply(stream: &mut BufReader<TcpStream>, step: MailStep) -> Result<Vec<u8>, Stopped> {
    let mut whole = Vec::new();
    for _ in 0..REPLY_LINES_MAX {
        let from = whole.len();
        let most = u64::try_from(MAIL_LINE_BYTES_MAX).expect("a line is short");
        let read = (&mut *stream).take(most).read_until(b'\n', &mut whole).await;
        if read.map_err(|_| Box::new(error::mail_cut()))? == 0 {
            return Err(Stopped::Failed(error::mail_cut().into()));
        }
        let line = &whole[from..];
        let code = line.get(..3).and_then(|it| std::str::from_utf8(it).ok()?.parse::<u16>().ok());
        let Some(code) = code.filter(|_| line.ends_with(b"\n")) else {
            return Err(Stopped::Failed(error::not_smtp().into()));
        };
        if line.get(3) == Some(&b'-') {
            continue;
        }
        if (200..300).contains(&code) {
            return Ok(whole);
        }
        let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default()).trim().to_owned();
        return Err(Stopped::Said(step, MailReply { code, text }));
    }
    Err(Stopped::Failed(error::not_smtp().into()))
}

/// What lettre reads and writes: a connection, and in front of it what the server said before TLS.
pub(super) struct Line {
    stream: Stream,
    peer: SocketAddr,
    said: io::Cursor<Vec<u8>>,
}

impl Line {
    pub(super) fn new(stream: Stream, peer: SocketAddr, said: Vec<u8>) -> Self {
        Self { stream, peer, said: io::Cursor::new(said) }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Line").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let before = buf.filled().len();
        if Pin::new(&mut line.said).poll_read(cx, buf)?.is_ready() && buf.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut line.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
