//! A caller's work on its way to a writer, and the answer on its way back.

use crate::StoreError;
use crate::engine::Tx;
use tokio::sync::oneshot;

/// One caller's work, with the way back to the caller.
pub(crate) trait Job: Send {
    /// Runs the body and keeps its result. An error asks for the group to be rolled back.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError>;
    /// Tells the caller: the kept result after a commit, or why there was none.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(crate) struct Body<T, F, A> {
    body: F,
    after: A,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, A> Body<T, F, A> {
    pub(crate) fn new(body: F, after: A, answer: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { body, after, result: None, answer }
    }
}

impl<T, F, A> Job for Body<T, F, A>
where
    T: Send,
    F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.result = Some((self.body)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Body { after, result, answer, .. } = *self;
        let result = committed.and_then(|()| result.ok_or(StoreError::Closed));
        if let Ok(result) = &result {
            after(result);
        }
        // An error means that the caller went away, for instance a client that hung up: the work stands.
        answer.send(result).ok();
    }
}
