//! Reading what is committed.

use std::collections::BTreeMap;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use impresario_api::{Event, OperationId, Status, Timestamp};

use super::{Page, Query, StoreError, StoredOperation};
use crate::rules::admission::Waiting;

/// What a reader answers: at once, where it has it at hand or reads it from a file of this machine, or
/// later, where it asks a database elsewhere. Whoever waits for it holds up no arbiter.
pub struct Answer<'a, T>(Source<'a, T>);

enum Source<'a, T> {
    AtHand(Ready<Result<T, StoreError>>),
    Awaited(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> Answer<'a, T> {
    /// An answer that is known.
    pub fn at_hand(answer: Result<T, StoreError>) -> Self {
        Self(Source::AtHand(ready(answer)))
    }

    /// An answer that has to be waited for.
    pub fn awaited(answer: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Self {
        Self(Source::Awaited(Box::pin(answer)))
    }

    /// Waits on this thread, which must be one that serves nobody else.
    pub fn wait(self) -> Result<T, StoreError> {
        match self.0 {
            Source::AtHand(answer) => answer.into_inner(),
            Source::Awaited(answer) => futures_executor::block_on(answer),
        }
    }
}

impl<T> Future for Answer<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            Source::AtHand(answer) => Pin::new(answer).poll(context),
            Source::Awaited(answer) => answer.as_mut().poll(context),
        }
    }
}

/// Reads what is committed.
pub trait Reader: Send + Sync + 'static {
    /// One operation.
    fn operation(&self, id: OperationId) -> Answer<'_, Option<Arc<StoredOperation>>>;

    /// A page, newest first.
    fn page(&self, query: &Query) -> Answer<'_, Page>;

    /// How many there are, by kind and shown status.
    fn counts(&self) -> Answer<'_, BTreeMap<(String, Status), u64>>;

    /// Events of one operation with a `seq` over `since`, ascending, at most `limit`; with
    /// `types`, those types alone.
    fn events(
        &self,
        id: OperationId,
        since: u64,
        limit: usize,
        types: &[&str],
    ) -> Answer<'_, Vec<Arc<Event>>>;

    /// Events of all operations with a `cursor` over `since`, ascending, at most `limit`.
    fn events_since_cursor(&self, since: u64, limit: usize) -> Answer<'_, Vec<Arc<Event>>>;

    /// The last event's cursor; 0 before the first.
    fn cursor(&self) -> Answer<'_, u64>;

    /// The pending operations of a lane that may go now, next first: at most the first
    /// [`super::LAST_PLACE`].
    fn queue(&self, lane: &str, now: Timestamp) -> Answer<'_, Vec<OperationId>>;

    /// Since when the one of a lane that waits longest could run. It asks for a few entries of an
    /// index, however many wait.
    fn oldest_due(&self, lane: &str, now: Timestamp) -> Answer<'_, Option<Timestamp>>;

    /// How many wait in a lane. One whose time has come counts as scheduled until the next command
    /// that looks at the lane's times: a claim, or a start.
    fn waiting(&self, lane: &str) -> Answer<'_, Waiting>;

    /// How many operations ended in `from..until`, by the minute (of the time since 1970) and status.
    fn ended(&self, from: Timestamp, until: Timestamp) -> Answer<'_, BTreeMap<(i64, Status), u64>>;

    /// The operation that a caller's idempotency key stands for, and the fingerprint of its request;
    /// `None` when the key was recorded at `since` or before it: it is forgotten.
    fn idempotent(&self, key: &str, since: Timestamp) -> Answer<'_, Option<(OperationId, u64)>>;

    /// Operations kept, and bytes that they take (estimated, in memory).
    fn size(&self) -> Answer<'_, (u64, u64)>;

    /// How many records could not be read, and are set aside: as far as they were met.
    fn set_aside(&self) -> u64 {
        0
    }
}
