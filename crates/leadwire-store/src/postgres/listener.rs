//! Hearing what nodes tell each other: one connection that listens, on a thread of its own.

use super::address::Address;
use super::writers::CHANNEL;
use crate::StoreError;
use crate::news::{self, News};
use ::postgres::Client;
use ::postgres::fallible_iterator::FallibleIterator;
use leadwire_core::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

pub(crate) struct Listener {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts to listen; what is told goes into the channel.
    pub(crate) fn start(address: &Address, out: mpsc::Sender<News>) -> Result<Self, StoreError> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (address, over) = (address.clone(), Arc::clone(&is_over));
        let thread = std::thread::Builder::new()
            .name("store-listen".to_owned())
            .spawn(move || {
                let mut ear = Ear { out, has_missed: false };
                while !over.load(Ordering::Relaxed) && !ear.out.is_closed() {
                    // It ended with its connection, or there was none: what is told meanwhile is not heard.
                    listen(&address, &over, &mut ear).ok();
                    ear.has_missed = true;
                    std::thread::park_timeout(limits::LISTEN_AGAIN);
                }
            })
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
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
fn listen(address: &Address, over: &AtomicBool, ear: &mut Ear) -> Result<(), StoreError> {
    let mut client: Client = address.connect()?;
    client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    let mut silent = 0;
    while !over.load(Ordering::Relaxed) {
        ear.catch_up();
        let heard = client.notifications().timeout_iter(limits::LISTEN_STEP).next()?;
        if let Some(heard) = heard {
            silent = 0;
            heard.payload().lines().for_each(|line| ear.hear(news::read(line)));
            continue;
        }
        silent += 1;
        if silent >= limits::LISTEN_SILENT_STEPS {
            // A server that is gone says nothing either.
            silent = 0;
            client.is_valid(limits::LISTEN_CHECK_WAIT)?;
        }
    }
    Ok(())
}
