//! One operation as it is kept, and what a command does to it: the same for every store.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_api::{ForkedFrom, OperationId, Progress, Timestamp, Warning};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::admission::Limits;
use crate::rules::lifecycle::{State, Terms};
use crate::run::SavedCheckpoint;

/// How many warnings an operation carries itself: enough to see what is wrong, few enough that a
/// view stays small.
pub const MOST_WARNINGS: usize = 100;

/// How many checkpoints of an operation are kept: the newest, and the one to fall back on if it
/// turns out damaged.
pub const KEPT_CHECKPOINTS: usize = 2;

/// The code of an operation's error whose record could not be read: see [`StoredOperation::set_aside`].
pub const UNREADABLE: &str = "UNREADABLE";

/// A start to be recorded.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id, made by the orchestrator.
    pub id: OperationId,
    /// Its kind.
    pub kind: String,
    /// The lane it runs in.
    pub lane: String,
    /// −100 to 100, higher first.
    pub priority: i32,
    /// The caller's own.
    pub labels: BTreeMap<String, String>,
    /// Who asked.
    pub requested_by: String,
    /// The operation that this one tries again.
    pub retry_of: Option<OperationId>,
    /// Why it is tried again, if they said.
    pub reason: Option<String>,
    /// The checkpoint of another operation from which this one begins.
    pub fork: Option<Fork>,
    /// Checked, defaults filled in.
    pub params: Arc<Value>,
    /// One run's time, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Not dispatched before.
    pub not_before: Option<Timestamp>,
    /// The kind's terms.
    pub terms: Terms,
    /// The caller's idempotency key, when there is one.
    pub idempotency: Option<Idempotency>,
    /// While an operation with the same text is live, this one is a duplicate.
    pub unique: Option<String>,
    /// How many may wait in the lane, this one included.
    pub limits: Limits,
    /// When.
    pub now: Timestamp,
}

/// The checkpoint with which a forked operation is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Fork {
    /// Where it comes from.
    pub from: ForkedFrom,
    /// The same checkpoint as the new operation's own, of its run 0.
    pub checkpoint: SavedCheckpoint,
}

/// What stays known of the checkpoint from which an operation was forked, however many it has given since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForkOrigin {
    /// Where it comes from.
    pub from: ForkedFrom,
    /// The last step of each metric then.
    #[serde(default)]
    pub metrics: BTreeMap<String, u64>,
}

/// Who carries out a run: a process of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The node's number, which its ids carry too; 0 where there is one node alone.
    pub node: u8,
    /// Tells a node's processes apart.
    pub incarnation: u64,
}

/// Whose runs were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostOwner {
    /// The node.
    pub node: u8,
    /// Its process; `None` for every one before the process that asks.
    pub incarnation: Option<u64>,
}

impl LostOwner {
    /// Whether a run is lost that is recorded as this owner's. A run without one was recorded by a
    /// version that knew one node alone.
    pub fn lost(self, owner: Option<Owner>) -> bool {
        let node = owner.map_or(0, |owner| owner.node);
        let process = |lost| owner.is_some_and(|owner| owner.incarnation == lost);
        node == self.node && self.incarnation.is_none_or(process)
    }
}

/// What makes the same start, sent twice, one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, already joined with who calls.
    pub key: String,
    /// The request's fingerprint.
    pub fingerprint: u64,
    /// A key that was recorded at this time or before it is forgotten.
    pub since: Timestamp,
}

/// One operation as it is kept.
#[derive(Clone, Debug)]
pub struct StoredOperation {
    /// Its id.
    pub id: OperationId,
    /// Its kind.
    pub kind: String,
    /// The lane it runs in.
    pub lane: String,
    /// −100 to 100, higher first.
    pub priority: i32,
    /// The caller's own.
    pub labels: BTreeMap<String, String>,
    /// Who started it.
    pub requested_by: String,
    /// The operation that this one tries again.
    pub retry_of: Option<OperationId>,
    /// Why it is tried again, if they said.
    pub reason: Option<String>,
    /// The checkpoint of another operation from which it was forked.
    pub forked: Option<ForkOrigin>,
    /// As accepted.
    pub params: Arc<Value>,
    /// One run's time, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// While it is live, no other may have this text.
    pub unique: Option<String>,
    /// What the rules know of it.
    pub state: State,
    /// When its start was recorded. No later time of it is before this one, even if the clock was set
    /// back: see [`StoredOperation::recorded_at`].
    pub created_at: Timestamp,
    /// Since when a pending one waits, where that is not since its start.
    pub pending_since: Option<Timestamp>,
    /// The first run's start.
    pub started_at: Option<Timestamp>,
    /// The run that is going on: since when.
    pub dispatched_at: Option<Timestamp>,
    /// Who carries it out.
    pub owner: Option<Owner>,
    /// Its end.
    pub completed_at: Option<Timestamp>,
    /// Time spent in runs that have ended, in milliseconds.
    pub ran_ms: u64,
    /// The last run's last progress.
    pub progress: Option<Progress>,
    /// The last checkpoints, oldest first, at most [`KEPT_CHECKPOINTS`].
    pub checkpoints: Vec<SavedCheckpoint>,
    /// Oldest first, at most 100: after that only the events tell more.
    pub warnings: Vec<Warning>,
    /// The function's output.
    pub output: Option<Arc<Value>>,
    /// The last event's number.
    pub seq: u64,
}
