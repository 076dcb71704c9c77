//! The supervisor as it is.

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
    /// Since the orchestrator started.
    pub uptime_seconds: f64,
    /// Whether starts are admitted: not in a shutdown, and not while the store has no room.
    pub admitting: bool,
    /// By name.
    pub lanes: Vec<LaneView>,
    /// The store.
    pub store: StoreView,
    /// Ends in the last hour, by status: all that this process has seen, and of the time before it the
    /// last end of each operation that is still kept.
    pub ended_last_hour: BTreeMap<String, u64>,
    /// From cancel asked to its end recorded, over the last 1,024; null before the first.
    pub cancel_p50_ms: Option<f64>,
    /// As above.
    pub cancel_p99_ms: Option<f64>,
    /// Open subscriptions, and callers that wait.
    pub subscribers: u64,
    /// What they listen to: operations and filters; those who listen to the same share one.
    #[serde(default)]
    pub topics: u64,
    /// Callers that wait for what comes of an operation (`?wait=`).
    #[serde(default)]
    pub watches: u64,
    /// Live sockets.
    #[serde(default)]
    pub sockets: u64,
    /// Tasks of the server: the manager, one for each run, each live socket and each of its
    /// subscriptions.
    #[serde(default)]
    pub tasks: u64,
    /// Functions that panicked.
    pub panics: u64,
    /// Operation actors and slots that were replaced.
    pub restarts: u64,
    /// Starts that were admitted.
    pub admitted: u64,
    /// Starts that were refused: by a full queue, a live one like it or a full disk.
    pub refused: u64,
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneView {
    /// Its name.
    pub name: String,
    /// How many functions run at a time.
    pub concurrency: usize,
    /// How many may wait.
    pub queue_limit: u64,
    /// How many may wait for their time.
    #[serde(default)]
    pub delayed_limit: u64,
    /// Threads that each function may use.
    pub threads: usize,
    /// What each slot runs.
    pub slots: Vec<SlotView>,
    /// How many wait and could run.
    pub queued: u64,
    /// How many wait for their time, beside those.
    #[serde(default)]
    pub scheduled: u64,
    /// For how long the oldest of those that could run could have.
    pub oldest_wait_seconds: Option<f64>,
}

/// One slot of a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlotView {
    /// Its number, from 0.
    pub slot: usize,
    /// What it runs; null when it is free.
    pub operation_id: Option<OperationId>,
    /// Of which kind.
    pub kind: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The current step: `epoch 5/10, batch 32/60`.
    pub step: Option<String>,
    /// When a count last grew.
    #[serde(default)]
    pub advanced_at: Option<Timestamp>,
    /// Whether that is longer ago than is usual for its kind: ten times the mean, and 10 s at least. As
    /// long as no run of the kind has advanced twice, nothing is usual, and it is false.
    #[serde(default)]
    pub overdue: bool,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreView {
    /// `memory` or `sqlite`.
    pub engine: String,
    /// Commands that wait.
    pub queue: u64,
    /// Over the last 1,024 commits; null before the first.
    pub commit_p50_ms: Option<f64>,
    /// As above.
    pub commit_p99_ms: Option<f64>,
    /// On disk, or in memory as estimated.
    pub size_bytes: u64,
    /// Operations kept.
    pub operations: u64,
    /// Records that could not be read, as far as they were met: an operation's is shown as failed,
    /// `UNREADABLE`; an event's as a gap.
    #[serde(default)]
    pub set_aside: u64,
}
