//! What the actors are told. Commands are imperative, events past tense.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix::Message;
use impresario_api::{LaneView, OperationId, Progress, Status, Stop, Timestamp, Verb};
use tokio::sync::oneshot;

use super::metrics::Histogram;
use super::reply::Reply;
use crate::run::Finished;
use crate::store::{Command, Outcome, StoreError, Submission};

/// Record a start, and dispatch it if a slot is free.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Start {
    pub(crate) submission: Box<Submission>,
    pub(crate) reply: Reply,
}

/// Ask something of an operation.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ask {
    pub(crate) id: OperationId,
    pub(crate) verb: Verb,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    /// Set when a stop took effect by it.
    pub(crate) signalled: Arc<AtomicBool>,
    pub(crate) reply: Reply,
}

/// Read live operations as they are now; the answer leaves out those that are not live.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ReadProgress {
    pub(crate) ids: Vec<OperationId>,
    pub(crate) reply: oneshot::Sender<Vec<(OperationId, oneshot::Receiver<LiveProgress>)>>,
}

/// A live operation as it is now.
#[derive(Clone, Debug)]
pub(crate) struct LiveProgress {
    pub(crate) run: u32,
    pub(crate) progress: Progress,
    /// For how long the run goes on.
    pub(crate) elapsed: Duration,
    pub(crate) unresponsive_since: Option<Timestamp>,
    /// A stop that was signalled and could not be recorded yet.
    pub(crate) unrecorded: Option<Stop>,
}

/// What ended in the last hour before this process, by minute and status.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct EndedBefore(pub(crate) BTreeMap<(i64, Status), u64>);

/// Read the manager and its lanes.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ReadSystem {
    pub(crate) reply: oneshot::Sender<ManagerView>,
}

/// The manager as it is.
#[derive(Debug)]
pub(crate) struct ManagerView {
    pub(crate) lanes: Vec<LaneView>,
    pub(crate) ended_last_hour: BTreeMap<String, u64>,
    /// How long runs took, by kind.
    pub(crate) runs: BTreeMap<String, Histogram>,
    /// From cancel asked to its end recorded.
    pub(crate) cancels: Histogram,
    pub(crate) cancel_p50_ms: Option<f64>,
    pub(crate) cancel_p99_ms: Option<f64>,
    pub(crate) panics: u64,
    pub(crate) restarts: u64,
    pub(crate) admitted: u64,
}

/// Ask all runs to go, dispatch nothing more; the reply comes when none is left, or after the grace.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub(crate) reply: oneshot::Sender<()>,
}

/// Drain, and end the actor system: nobody has a handle on it any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Abandon;

/// End the actor system.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct EndSystem;

/// A batch was committed: outcomes in order.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Committed(pub(crate) Vec<Outcome>);

/// A batch was not committed; nothing of it is kept.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct NotCommitted {
    pub(crate) commands: Vec<Command>,
    pub(crate) error: StoreError,
}

/// A run's time is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct TimedOut {
    pub(crate) id: OperationId,
    pub(crate) run: u32,
    pub(crate) reason: String,
}

/// A function returned, or panicked.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct RunEnded {
    pub(crate) id: OperationId,
    pub(crate) run: u32,
    /// `None`: the slot's thread ended without a word.
    pub(crate) finished: Option<Box<Finished>>,
}

/// A slot's thread was gone before the function began.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct NotBegun {
    pub(crate) id: OperationId,
    pub(crate) run: u32,
}

/// An operation's actor is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ActorEnded {
    pub(crate) id: OperationId,
    pub(crate) run: u32,
    pub(crate) panic: Option<String>,
}

/// Read the run (to an operation's actor).
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ReadRun {
    /// A stop that was signalled and could not be recorded yet, which is part of the answer.
    pub(crate) unrecorded: Option<Stop>,
    pub(crate) reply: oneshot::Sender<LiveProgress>,
}

/// A stop was signalled (to an operation's actor, which watches how long it is ignored).
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StopSignalled;

/// The run is over (to an operation's actor).
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Leave;
