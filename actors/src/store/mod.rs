//! What is kept: the trait that every store implements, its commands and what it answers.
//!
//! Writes come in batches, each one transaction; reads go through a [`Reader`] from any thread.
//! What a batch does is decided by the [`engine`], the same for every store: a store loads what the engine
//! needs, and writes what has changed. `conformance` (with the feature `testing`)
//! is the suite that each must pass.

mod change;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod engine;
mod memory;
mod query;
mod reader;
pub mod record;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod told;

use std::sync::Arc;

use impresario_api::{Event, EventBody, OperationId, Status, Stop, Timestamp};
use serde_json::Value;

pub use crate::folder_lock::{FolderLock, LockError};
pub use crate::rules::admission::{Full, Limits, Waiting};
pub use crate::rules::lifecycle::{Input, Moment, Recorded, Rejection, State, Terms};
pub use crate::rules::retry::Backoff;
pub use crate::rules::run_end::{RunEnd, RunFailure};
pub use crate::run::SavedCheckpoint;
pub use change::Fact;
pub use memory::MemoryStore;
pub use query::{Page, Query};
pub use reader::{Answer, Reader};
pub use record::{
    Fork, ForkOrigin, Idempotency, KEPT_CHECKPOINTS, LostOwner, MOST_WARNINGS, Owner,
    StoredOperation, Submission, UNREADABLE,
};

/// Places in a queue are counted up to here.
pub const LAST_PLACE: usize = 1_000;

/// Keeps operations and their events. One thread owns it and commits batches.
pub trait Store: Send + 'static {
    /// `memory`, `sqlite`.
    fn engine(&self) -> &'static str;

    /// Carries out a batch as one transaction: one outcome a command, in order. A command that
    /// does not apply has an outcome that says so and changes nothing; an `Err` means that nothing
    /// of the whole batch was kept.
    fn commit(&mut self, batch: &[Command]) -> Result<Vec<Outcome>, StoreError>;

    /// Settles a batch whose commit was answered by [`StoreError::Unknown`]: what came of it, or `None`
    /// when nothing of it was kept. An `Err` means that this is still not known. Nothing else is
    /// committed before.
    fn settle(&mut self, _batch: &[Command]) -> Result<Option<Vec<Outcome>>, StoreError> {
        Ok(None)
    }

    /// Whether a commit is a few microseconds in memory and never waits for a device. Such a store
    /// commits on the control arbiter itself: a thread of its own would cost ten times the commit.
    fn commits_at_once(&self) -> bool {
        false
    }

    /// Operations that the store has set aside by itself since it was last asked, because their records
    /// could not be read: see [`StoredOperation::set_aside`]. Their events come before those of the
    /// commit that was carried out last.
    fn take_set_aside(&mut self) -> Vec<Done> {
        Vec::new()
    }

    /// The last numbers that were given: what is new goes on from there.
    fn last_numbers(&self) -> Result<LastNumbers, StoreError>;

    /// Why no start is taken until there is room again; `None` while there is. It is looked for with
    /// each commit, also of an empty batch.
    fn no_room(&self) -> Option<String> {
        None
    }

    /// Reads what is committed, from any thread.
    fn reader(&self) -> Arc<dyn Reader>;
}

/// The last numbers that a store has given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastNumbers {
    /// The last event's cursor; 0 before the first.
    pub cursor: u64,
    /// The newest id that was ever kept.
    pub newest: Option<OperationId>,
    /// The latest time that a command carried, if there was one.
    pub latest: Option<Timestamp>,
}

/// One write. Every one carries its time, so that a store needs no clock.
#[derive(Clone, Debug)]
pub enum Command {
    /// Records a start.
    Submit(Box<Submission>),
    /// Something happens to an operation: a verb, a timeout, a shutdown mark.
    Apply {
        /// Whose.
        id: OperationId,
        /// What.
        input: Input,
        /// When.
        now: Timestamp,
    },
    /// Dispatches pending operations of a lane.
    Claim(Claim),
    /// Adds events to a run that is going on: metrics, logs, warnings, `restored`, a gap.
    /// Refused as [`Rejection::Fenced`] when `run` is not the one that is going on.
    Append {
        /// Whose.
        id: OperationId,
        /// The run that reports them.
        run: u32,
        /// With their times.
        events: Vec<(Timestamp, EventBody)>,
        /// A checkpoint to keep, told by an event of its own after the others.
        checkpoint: Option<SavedCheckpoint>,
    },
    /// A run ended. Its last reports come first, then the end, in one transaction.
    End(Box<End>),
    /// Running operations were lost with the process that ran them.
    Recover {
        /// Whose.
        lost: LostOwner,
        /// When.
        now: Timestamp,
    },
    /// Removes operations that ended before a time, oldest first.
    Prune {
        /// Ended before.
        before: Timestamp,
        /// At most so many.
        limit: usize,
        /// Only counts them.
        dry_run: bool,
    },
    /// Removes the checkpoints of cancelled operations that ended before a time, the oldest end first:
    /// such an operation can no longer be resumed. No event tells of it, for it has ended.
    RemoveCheckpoints {
        /// Ended before.
        before: Timestamp,
        /// Of at most so many operations.
        limit: usize,
    },
}

/// Dispatches up to `limit` pending operations of a lane that are due: the first in
/// [`crate::rules::dispatch`]'s order.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The lane.
    pub lane: String,
    /// How many slots are free.
    pub limit: usize,
    /// Of these kinds alone; `None` for every kind, known or not.
    pub kinds: Option<Arc<[String]>>,
    /// Who carries them out.
    pub owner: Owner,
    /// When.
    pub now: Timestamp,
}

/// A run's end, with all that it leaves.
#[derive(Clone, Debug)]
pub struct End {
    /// Whose.
    pub id: OperationId,
    /// Which run.
    pub run: u32,
    /// How.
    pub end: RunEnd,
    /// The stop that was signalled, in case that it could not be recorded.
    pub signalled: Option<Stop>,
    /// The function's output.
    pub output: Option<Value>,
    /// The last progress.
    pub progress: Option<impresario_api::Progress>,
    /// The last metrics, logs and warnings.
    pub events: Vec<(Timestamp, EventBody)>,
    /// The newest state, when it is newer than the last one kept.
    pub checkpoint: Option<SavedCheckpoint>,
    /// When.
    pub now: Timestamp,
    /// How long the run took, in milliseconds, by a clock that nobody sets. Without it the times of its
    /// start and of its end say so.
    pub ran_ms: Option<u64>,
    /// In 0..1, for the jitter of a backoff.
    pub jitter: f64,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was done (or was so already: then there are no events).
    Done(Done),
    /// Operations that were dispatched, in order, each with its `status` event.
    Claimed {
        /// The lane.
        lane: String,
        /// How many slots the claim was for.
        limit: usize,
        /// They run now.
        operations: Vec<Done>,
        /// When the next one of the lane that waits for its time is due.
        next_due: Option<Timestamp>,
    },
    /// What the process before this one left.
    Recovered {
        /// Runs that were lost with it, as they are now.
        lost: Vec<Done>,
        /// The lanes in which somebody waits, by name.
        waiting: Vec<String>,
    },
    /// How many were removed, or would be.
    Pruned {
        /// How many.
        count: u64,
        /// Those that were removed.
        removed: Vec<OperationId>,
    },
    /// Cancelled operations whose checkpoints were removed.
    CheckpointsRemoved(Vec<OperationId>),
    /// The idempotency key is known: the operation that it stands for, as it is now.
    Replayed(Arc<StoredOperation>),
    /// It does not apply; nothing has changed.
    Refused(Refused),
}

/// An operation after a command.
#[derive(Clone, Debug)]
pub struct Done {
    /// The operation after it.
    pub operation: Arc<StoredOperation>,
    /// Its shown status before; `None` for a new one.
    pub was: Option<Status>,
    /// What is told of it.
    pub events: Vec<Arc<Event>>,
    /// The verb asked for a new operation: see [`crate::rules::lifecycle::Change::new_operation`].
    pub new_operation: bool,
}

/// Why a command does not apply.
#[derive(Clone, Debug)]
pub enum Refused {
    /// There is no such operation.
    NotFound(OperationId),
    /// The rules say no; with the operation as it is.
    Rejected(Rejection, Arc<StoredOperation>),
    /// One like it is live: a start, or a resume of one that ended, would make a second one.
    Duplicate(OperationId),
    /// The idempotency key stands for another request.
    IdempotencyMismatch(OperationId),
    /// The lane is full.
    QueueFull(Full),
    /// There is room left for the ends of what runs, and for no start.
    NoRoom(String),
}

/// Why a store could not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room; what is kept is whole.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// It does not answer now.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// The answer to a commit was lost: the batch may have been kept, or not. See [`Store::settle`].
    #[error("it is not known whether the store has kept what was sent to it: {0}")]
    Unknown(String),
    /// What is on disk can no longer be trusted: the process must end.
    #[error("the store failed for good: {0}")]
    Fatal(String),
}
