//! The state of the supervisor.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OperationId, Timestamp};

/// `GET /healthz`, `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthView {
    /// `ok` or `ready`.
    pub status: String,
}

/// `GET /api/v1/system`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemView {
    /// The server's version.
    pub version: String,
    /// The time since the orchestrator started.
    pub uptime_seconds: f64,
    /// Whether starts are admitted: not in a shutdown, and not while the store has no room.
    pub admitting: bool,
    /// The lanes, ordered by name.
    pub lanes: Vec<LaneView>,
    /// The store.
    pub store: StoreView,
    /// The number of operations' ends in the last hour, by status: all ends that this process has seen,
    /// and of the time before it the last end of each operation that is still kept.
    pub ended_last_hour: BTreeMap<String, u64>,
    /// The median time from a cancel to the recorded end, over the last 1,024; null before the first.
    pub cancel_p50_ms: Option<f64>,
    /// The 99th percentile of the same.
    pub cancel_p99_ms: Option<f64>,
    /// The number of open subscriptions, and of callers that wait.
    pub subscribers: u64,
    /// The number of topics (operations and filters) to which they subscribe; subscribers to the same share
    /// one.
    #[serde(default)]
    pub topics: u64,
    /// The number of callers that wait for an operation (`?wait=`).
    #[serde(default)]
    pub watches: u64,
    /// The number of live sockets.
    #[serde(default)]
    pub sockets: u64,
    /// The number of tasks of the server: the manager, one for each run, each live socket and each of its
    /// subscriptions.
    #[serde(default)]
    pub tasks: u64,
    /// The number of functions that panicked.
    pub panics: u64,
    /// The number of operation actors and slots that were replaced.
    pub restarts: u64,
    /// The number of starts that were admitted.
    pub admitted: u64,
    /// The number of starts that were refused by a full queue, a live operation like it or a full disk.
    pub refused: u64,
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneView {
    /// The lane's name.
    pub name: String,
    /// How many functions run at a time.
    pub concurrency: usize,
    /// How many operations may wait.
    pub queue_limit: u64,
    /// How many operations may wait for their time.
    #[serde(default)]
    pub delayed_limit: u64,
    /// The number of threads that each function may use.
    pub threads: usize,
    /// What each slot runs.
    pub slots: Vec<SlotView>,
    /// How many operations wait and could run.
    pub queued: u64,
    /// How many more operations wait for their time.
    #[serde(default)]
    pub scheduled: u64,
    /// The longest time that a waiting operation could have run; null if none could run.
    pub oldest_wait_seconds: Option<f64>,
}

/// One slot of a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlotView {
    /// The slot's number, from 0.
    pub slot: usize,
    /// The operation that the slot runs; null if the slot is free.
    pub operation_id: Option<OperationId>,
    /// The kind of the operation.
    pub kind: Option<String>,
    /// When the run began.
    pub since: Option<Timestamp>,
    /// The current step: `epoch 5/10, batch 32/60`.
    pub step: Option<String>,
    /// When a count last grew.
    #[serde(default)]
    pub advanced_at: Option<Timestamp>,
    /// Whether that is longer ago than is usual for the kind: over ten times the mean, and at least 10 s.
    /// It is false as long as no run of the kind has advanced twice, because nothing is usual then.
    #[serde(default)]
    pub overdue: bool,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreView {
    /// `memory` or `sqlite`.
    pub engine: String,
    /// The number of commands that wait.
    pub queue: u64,
    /// The median time of the last 1,024 commits; null before the first.
    pub commit_p50_ms: Option<f64>,
    /// The 99th percentile of the same.
    pub commit_p99_ms: Option<f64>,
    /// The size on disk, or an estimate of the size in memory.
    pub size_bytes: u64,
    /// The number of operations in the store.
    pub operations: u64,
    /// The number of records that could not be read, found so far. Such an operation is shown as failed,
    /// `UNREADABLE`; such an event as a gap.
    #[serde(default)]
    pub set_aside: u64,
}
