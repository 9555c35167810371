//! A connection that is waited for no longer than was said: a server that hangs without ending its connections is left alone.
//!
//! The client below it waits for ever. Its messages are driven here, on the thread that asks, and only while it asks.

use super::address::Connecting;
use crate::StoreError;
use leadwire_core::limits;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Config, Error, Row, Socket, Statement, ToStatement};

/// What is bound to a statement.
pub(super) type Bound<'a> = &'a [&'a (dyn ToSql + Sync)];

type Messages = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> + Send>;

/// A connection to a server.
pub(super) struct Client {
    runtime: Runtime,
    messages: Messages,
    /// None: it is being closed.
    asks: Option<tokio_postgres::Client>,
    /// What other nodes told, and nobody took up yet.
    heard: VecDeque<String>,
    /// How long an answer is waited for; none: for ever.
    patience: Option<Duration>,
    /// It was waited for in vain: what is on its way in it belongs to nobody.
    is_given_up: bool,
}

/// Why nothing came of asking.
enum Fault {
    Server(Error),
    Silent,
}

impl Client {
    /// Connects, signing in included, in at most [`limits::SERVER_CONNECT_WAIT`].
    pub(super) fn connect<T>(config: &Config, tls: T) -> Result<Self, Connecting>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Connecting::Other(StoreError::Failed(error.to_string())))?;
        let connecting =
            async { tokio::time::timeout(limits::SERVER_CONNECT_WAIT, config.connect(tls)).await };
        let (asks, mut connection) = match runtime.block_on(connecting) {
            Ok(connected) => connected.map_err(Connecting::Refused)?,
            Err(_) => return Err(Connecting::Other(silent(limits::SERVER_CONNECT_WAIT))),
        };
        Ok(Self {
            runtime,
            messages: Box::new(move |context| connection.poll_message(context)),
            asks: Some(asks),
            heard: VecDeque::new(),
            patience: Some(limits::SERVER_ANSWER_WAIT),
            is_given_up: false,
        })
    }

    /// Waits for every answer from here on, however long it takes.
    pub(super) fn wait_for_ever(&mut self) {
        self.patience = None;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_given_up || self.asks.as_ref().is_none_or(tokio_postgres::Client::is_closed)
    }

    pub(super) fn batch_execute(&mut self, sql: &str) -> Result<(), StoreError> {
        self.ask(async |it| it.batch_execute(sql).await)
    }

    pub(super) fn execute<T>(&mut self, sql: &T, params: Bound<'_>) -> Result<u64, StoreError>
    where
        T: ?Sized + ToStatement,
    {
        self.ask(async |it| it.execute(sql, params).await)
    }

    pub(super) fn query<T>(&mut self, sql: &T, params: Bound<'_>) -> Result<Vec<Row>, StoreError>
    where
        T: ?Sized + ToStatement,
    {
        self.ask(async |it| it.query(sql, params).await)
    }

    pub(super) fn query_one<T>(&mut self, sql: &T, params: Bound<'_>) -> Result<Row, StoreError>
    where
        T: ?Sized + ToStatement,
    {
        self.ask(async |it| it.query_one(sql, params).await)
    }

    pub(super) fn prepare_typed(&mut self, sql: &str, kinds: &[Type]) -> Result<Statement, StoreError> {
        self.ask(async |it| it.prepare_typed(sql, kinds).await)
    }

    /// Asks whether the server is there.
    pub(super) fn look(&mut self, wait: Duration) -> Result<(), StoreError> {
        self.ask_within(Some(wait), async |it| it.batch_execute("").await)
    }

    /// What another node told, when it tells something soon and nobody ends the waiting.
    pub(super) fn hear(&mut self, wait: Duration, end: &Notify) -> Result<Option<String>, StoreError> {
        let Self { runtime, messages, heard, .. } = self;
        let next = poll_fn(|context| {
            let is_over = take_in(messages, heard, context);
            match (heard.pop_front(), is_over) {
                (Some(told), _) => Poll::Ready(Ok(Some(told))),
                (None, Err(error)) => Poll::Ready(Err(StoreError::from(error))),
                (None, Ok(true)) => Poll::Ready(Err(StoreError::Away("the connection ended".to_owned()))),
                (None, Ok(false)) => Poll::Pending,
            }
        });
        runtime.block_on(async {
            tokio::select! {
                // Both are cancel-safe: what was told is kept until it is taken up.
                told = tokio::time::timeout(wait, next) => told.unwrap_or(Ok(None)),
                () = end.notified() => Ok(None),
            }
        })
    }

    fn ask<T>(
        &mut self,
        work: impl AsyncFnOnce(&tokio_postgres::Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.ask_within(self.patience, work)
    }

    fn ask_within<T>(
        &mut self,
        patience: Option<Duration>,
        work: impl AsyncFnOnce(&tokio_postgres::Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let most = patience.unwrap_or_default();
        let Some(asks) = self.asks.as_ref().filter(|_| !self.is_given_up) else { return Err(silent(most)) };
        let (messages, heard) = (&mut self.messages, &mut self.heard);
        let answered = self.runtime.block_on(async {
            let mut work = pin!(work(asks));
            let answer = poll_fn(|context| match take_in(messages, heard, context) {
                Err(error) => Poll::Ready(Err(Fault::Server(error))),
                Ok(_) => work.as_mut().poll(context).map(|it| it.map_err(Fault::Server)),
            });
            match patience {
                Some(most) => tokio::time::timeout(most, answer).await.unwrap_or(Err(Fault::Silent)),
                None => answer.await,
            }
        });
        answered.map_err(|fault| match fault {
            Fault::Server(error) => error.into(),
            Fault::Silent => {
                self.is_given_up = true;
                silent(most)
            }
        })
    }
}

/// Takes in what the server sent. True: the connection is over.
fn take_in(
    messages: &mut Messages,
    heard: &mut VecDeque<String>,
    context: &mut Context<'_>,
) -> Result<bool, Error> {
    loop {
        match messages(context) {
            Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => {
                heard.push_back(told.payload().to_owned())
            }
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => return Err(error),
            Poll::Ready(None) => return Ok(true),
            Poll::Pending => return Ok(false),
        }
    }
}

/// What is said of a server that does not answer.
const SILENT: &str = "the server did not answer in";

fn silent(most: Duration) -> StoreError {
    StoreError::Away(format!("{SILENT} {} s", most.as_secs()))
}

/// Whether an error is that of a server that was waited for in vain.
pub(super) fn is_silence(error: &StoreError) -> bool {
    matches!(error, StoreError::Away(said) if said.starts_with(SILENT))
}

impl Drop for Client {
    fn drop(&mut self) {
        // The server is told, and gives its locks back before this returns; one that was given up is only cut off.
        self.asks = None;
        if self.is_given_up {
            return;
        }
        let (messages, heard) = (&mut self.messages, &mut self.heard);
        let closed = poll_fn(|context| match take_in(messages, heard, context) {
            Ok(false) => Poll::Pending,
            // An error ends it as well.
            Ok(true) | Err(_) => Poll::Ready(()),
        });
        // One that takes longer is cut off.
        self.runtime.block_on(async { tokio::time::timeout(limits::SERVER_CLOSE_WAIT, closed).await.ok() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// A server that lets anybody in and answers nothing after that.
    fn silent_after_sign_in(listener: &TcpListener) -> TcpStream {
        let (mut stream, _) = listener.accept().unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
        stream.read_exact(&mut rest).unwrap();
        // Signed in; ready for questions.
        stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
        stream
    }

    #[test]
    fn a_server_that_hangs_is_given_up_and_not_waited_for_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://a@{}/b", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let stream = silent_after_sign_in(&listener);
            (listener, stream)
        });
        let mut config: Config = url.parse().unwrap();
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let Ok(mut client) = Client::connect(&config, tokio_postgres::NoTls) else { panic!("it signs in") };
        let _open = server.join().unwrap();
        assert!(!client.is_closed());
        // No time has to pass for the bound to be over.
        client.patience = Some(Duration::ZERO);
        let error = client.batch_execute("SELECT 1").unwrap_err();
        assert!(is_silence(&error), "{error}");
        assert!(client.is_closed());
        // However much patience there is: nothing that comes now would be the answer to what is asked now.
        client.wait_for_ever();
        assert!(is_silence(&client.batch_execute("ROLLBACK").unwrap_err()));
    }

    #[test]
    fn only_a_server_that_was_waited_for_in_vain_counts_as_silent() {
        assert!(is_silence(&silent(Duration::from_secs(75))));
        assert!(!is_silence(&StoreError::Away("the connection ended".to_owned())));
        assert!(!is_silence(&StoreError::Busy));
    }
}
