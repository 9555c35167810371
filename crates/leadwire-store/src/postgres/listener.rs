//! Hearing what nodes tell each other: one connection that listens, on a thread of its own.

use super::address::Address;
use super::writers::CHANNEL;
use crate::StoreError;
use crate::news::{self, News};
use leadwire_core::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{Notify, mpsc};

pub(crate) struct Listener {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner tell each other. Each says its own before it reads the other's, in one order for both: either
/// the thread sees that it is over before it connects, or the owner sees that it connects.
#[derive(Default)]
struct State {
    is_over: AtomicBool,
    is_connecting: AtomicBool,
    /// Wakes a listener that waits for news.
    over: Notify,
}

impl State {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

impl Listener {
    /// Starts to listen; what is told goes into the channel.
    pub(crate) fn start(address: &Address, out: mpsc::Sender<News>) -> Result<Self, StoreError> {
        let state = Arc::new(State::default());
        let (address, shared) = (address.clone(), Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("store-listen".to_owned())
            .spawn(move || {
                let mut ear = Ear { out, has_missed: false };
                while !shared.is_over() && !ear.out.is_closed() {
                    // It ended with its connection, or there was none: what is told meanwhile is not heard.
                    listen(&address, &shared, &mut ear).ok();
                    shared.is_connecting.store(false, Ordering::SeqCst);
                    ear.has_missed = true;
                    std::thread::park_timeout(limits::LISTEN_AGAIN);
                }
            })
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { state, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        self.state.over.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if self.state.is_connecting.load(Ordering::SeqCst) {
                // A silent server may keep it for ever. Once it is connected it sees that it is over, and ends.
                return;
            }
            // It holds nothing but its connection.
            thread.join().ok();
        }
    }
}

struct Ear {
    out: mpsc::Sender<News>,
    has_missed: bool,
}

impl Ear {
    /// Passes news on; when too many wait already, that some are missing.
    fn hear(&mut self, news: News) {
        self.has_missed |= news == News::Missed || self.out.try_send(news).is_err();
        self.catch_up();
    }

    fn catch_up(&mut self) {
        if self.has_missed && self.out.try_send(News::Missed).is_ok() {
            self.has_missed = false;
        }
    }
}

/// Listens as long as the connection lasts.
fn listen(address: &Address, state: &State, ear: &mut Ear) -> Result<(), StoreError> {
    state.is_connecting.store(true, Ordering::SeqCst);
    if state.is_over() {
        return Ok(());
    }
    let mut client = address.connect()?;
    client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    state.is_connecting.store(false, Ordering::SeqCst);
    let mut silent = 0;
    while !state.is_over() {
        ear.catch_up();
        if let Some(heard) = client.hear(limits::LISTEN_STEP, &state.over)? {
            silent = 0;
            heard.lines().for_each(|line| ear.hear(news::read(line)));
            continue;
        }
        silent += 1;
        if silent >= limits::LISTEN_SILENT_STEPS {
            // A server that is gone says nothing either.
            silent = 0;
            client.look(limits::LISTEN_CHECK_WAIT)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_listener_that_connects_to_a_silent_server_is_not_waited_for() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://a@{}/b", server.local_addr().unwrap());
        let (out, _news) = mpsc::channel(1);
        let listener = Listener::start(&Address::parse(&url).unwrap(), out).unwrap();
        // It is there, and hears nothing as long as this stands.
        let _silent = server.accept().unwrap();
        drop(listener);
    }
}
