//! A caller's work on its way to a writer, and the answer on its way back.

use crate::StoreError;
use crate::engine::Tx;
use tokio::sync::oneshot;

/// One caller's work, with the way back to the caller.
pub(crate) trait Job: Send {
    /// Notes what the body will ask, at a stage that may look at what was asked at the one before, and says of how many
    /// items that is; 0: nothing is foreseen.
    fn foresee(&self, tx: &Tx<'_>, stage: usize) -> Result<usize, StoreError>;
    /// Whether it foresees anything.
    fn foresees(&self) -> bool;
    /// Runs the body and keeps its result. An error asks for the group to be rolled back.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError>;
    /// Tells the caller: the kept result after a commit, or why there was none.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// Notes what a body will ask, at one of [`STAGES`], and says of how many items that is.
pub(crate) type Foresight = Box<dyn Fn(&Tx<'_>, usize) -> Result<usize, StoreError> + Send>;

/// How often bodies foresee something: what is asked second depends on what was found first.
pub(crate) const STAGES: usize = 2;

pub(crate) struct Body<T, F, A> {
    foresight: Option<Foresight>,
    body: F,
    after: A,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, A> Body<T, F, A> {
    pub(crate) fn new(body: F, after: A, answer: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { foresight: None, body, after, result: None, answer }
    }

    pub(crate) fn foreseeing(self, foresight: Option<Foresight>) -> Self {
        Self { foresight, ..self }
    }
}

impl<T, F, A> Job for Body<T, F, A>
where
    T: Send,
    F: FnMut(&Tx<'_>) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn foresee(&self, tx: &Tx<'_>, stage: usize) -> Result<usize, StoreError> {
        self.foresight.as_ref().map_or(Ok(0), |it| it(tx, stage))
    }

    fn foresees(&self) -> bool {
        self.foresight.is_some()
    }

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
