//! A proxy before the database server of the test run that can stand still: connections stay, and nothing comes through.
//!
//! The server itself goes on, for other tests ask it meanwhile.

use leadwire_core::secret::Secret;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running proxy.
pub struct StillProxy {
    url: Secret<String>,
    stands: watch::Sender<bool>,
}

impl StillProxy {
    /// Starts one before the server of a database, whose address is that of a socket. It ends when it is dropped.
    ///
    /// # Panics
    /// When the address is another one, or it cannot listen.
    pub fn start(database: &Secret<String>) -> Self {
        let (user, rest) = database.expose().split_once('@').expect("a user in the address");
        let (host, name) = rest.split_once('/').expect("a database in the address");
        let (folder, port) = host.rsplit_once(':').expect("a port in the address");
        let socket = PathBuf::from(folder.replace("%2F", "/")).join(format!(".s.PGSQL.{port}"));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket that is waited for");
        let own = listener.local_addr().expect("it listens");
        let url = Secret::new(format!("{user}@{own}/{name}"));
        let (stands, seen) = watch::channel(false);
        // On a thread of its own: some of what goes through it blocks the thread that asks.
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(carry_all(listener, socket, seen));
        });
        Self { url, stands }
    }

    /// The address of the same database through it.
    pub fn url(&self) -> Secret<String> {
        self.url.clone()
    }

    /// From here on nothing comes through, and nothing ends.
    pub fn stand(&self) {
        self.stands.send_replace(true);
    }

    /// What waited comes through, and all that follows.
    pub fn go(&self) {
        self.stands.send_replace(false);
    }
}

async fn carry_all(listener: std::net::TcpListener, socket: PathBuf, mut stands: watch::Receiver<bool>) {
    let listener = TcpListener::from_std(listener).expect("a socket that is waited for");
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            // Both are cancel-safe: one looks at a value, the other leaves a connection in the queue.
            seen = stands.changed() => match seen {
                Ok(()) => continue,
                Err(_) => return,
            },
            accepted = listener.accept() => accepted.expect("a connection").0,
        };
        let (socket, stands) = (socket.clone(), stands.clone());
        connections.spawn(async move {
            let Ok(server) = UnixStream::connect(socket).await else { return };
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            // A connection ends when either end has ended it.
            tokio::select! {
                () = carry(from_client, to_server, stands.clone()) => {}
                () = carry(from_server, to_client, stands) => {}
            }
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut stands: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        // The sender is there as long as the proxy.
        if stands.wait_for(|it| !*it).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
