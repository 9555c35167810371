//! A scripted server on a real socket of this machine, for tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// 0 for the first connection.
    pub(crate) connection: usize,
    /// Request line and headers, names in lower case as the client writes them.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What the server does about a request.
pub(crate) enum Act {
    /// Writes these bytes and waits for the next request.
    Say(String),
    /// Writes these bytes and closes.
    SayAndClose(String),
    /// Writes this head and a body of that many zeros, as long as anyone reads.
    Flood(String, usize),
    /// Says nothing until the client has gone.
    Hang,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_over(Some, script)
    }

    /// Serves over whatever `wrap` makes of a connection; for TLS.
    pub(crate) fn start_over<S: Read + Write + 'static>(
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { addr: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&server.seen);
        let shared = Arc::new((wrap, script));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (seen, shared) = (Arc::clone(&seen), Arc::clone(&shared));
                let stream = stream.unwrap();
                thread::spawn(move || {
                    if let Some(stream) = (shared.0)(stream) {
                        serve(stream, connection, &seen, &shared.1);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve<S: Read + Write>(
    stream: S,
    connection: usize,
    seen: &Mutex<Vec<Seen>>,
    script: &impl Fn(&Seen) -> Act,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream, connection) {
        seen.lock().unwrap().push(request.clone());
        let out = stream.get_mut();
        match script(&request) {
            Act::Say(text) => {
                if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
            Act::SayAndClose(text) => {
                // The client may have closed first.
                drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
                return;
            }
            Act::Flood(head, bytes) => {
                let chunk = [b'0'; 64 * 1024];
                let mut left = bytes;
                let mut is_open = out.write_all(head.as_bytes()).is_ok();
                while is_open && left > 0 {
                    let len = left.min(chunk.len());
                    is_open = out.write_all(&chunk[..len]).is_ok();
                    left -= len;
                }
                return;
            }
            Act::Hang => {
                drop(out.read(&mut [0]));
                return;
            }
        }
    }
}

fn read_request<S: Read>(stream: &mut BufReader<S>, connection: usize) -> Option<Seen> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(line.trim_end());
        head.push('\n');
    }
    let mut seen = Seen { connection, head, body: String::new() };
    let length = seen.header("content-length").map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// An answer with a body and its length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
