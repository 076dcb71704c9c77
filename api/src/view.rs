//! The views of an operation.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{ForkedFrom, OperationId, Timestamp};

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(())
            }
        }
    };
}

words! {
    /// The shown status. `cancelling` and `pausing` are running operations that were asked to stop.
    Status {
        /// It waits for a slot, its time or its next attempt.
        Pending = "pending",
        /// A run is going on.
        Running = "running",
        /// A run is going on and was asked to cancel.
        Cancelling = "cancelling",
        /// A run is going on and was asked to pause.
        Pausing = "pausing",
        /// It waits until it is resumed.
        Paused = "paused",
        /// It ended with an output.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
        /// It ended because somebody asked for it.
        Cancelled = "cancelled",
    }
}

/// A filter of lists by status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// Operations with this shown status.
    Shown(Status),
    /// Pending operations that wait for their time or for their next attempt.
    Scheduled,
}

impl StatusFilter {
    /// The text in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown(status) => status.as_str(),
            Self::Scheduled => "scheduled",
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let shown = Status::ALL.iter().copied().map(Self::Shown);
        shown.chain([Self::Scheduled])
    }
}

impl From<Status> for StatusFilter {
    fn from(status: Status) -> Self {
        Self::Shown(status)
    }
}

impl std::str::FromStr for StatusFilter {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|one| one.as_str() == text).ok_or(())
    }
}

impl JsonSchema for StatusFilter {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatusFilter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all: Vec<_> = Self::all().map(Self::as_str).collect();
        json_schema!({"type": "string", "enum": all,
            "description": "A shown status; or scheduled: pending, and its time has not come"})
    }
}

impl Status {
    /// Whether the operation is over (until a `resume`).
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a run is going on.
    pub const fn is_dispatched(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling | Self::Pausing)
    }

    /// The sign for the status on every screen.
    pub const fn sign(self) -> char {
        match self {
            Self::Pending => '·',
            Self::Running => '▸',
            Self::Cancelling | Self::Pausing => '◌',
            Self::Paused => '‖',
            Self::Completed => '✔',
            Self::Cancelled => '■',
            Self::Failed => '✘',
        }
    }
}

words! {
    /// What somebody asks of an operation.
    Verb {
        /// End the operation now.
        Cancel = "cancel",
        /// Pause the operation until a `resume`.
        Pause = "pause",
        /// Complete with what is done.
        Finish = "finish",
        /// Let the operation go on.
        Resume = "resume",
        /// Do not wait any longer for the operation's time or its next attempt.
        StartNow = "start-now",
        /// Start a new operation with the same params.
        Retry = "retry",
    }
}

/// Reads the verbs that this version knows. A newer server may send more.
pub(crate) fn known_verbs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Verb>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

words! {
    /// What asks a run to end, the weakest first. A stronger one replaces a weaker one.
    StopVerb {
        /// Complete with what is done.
        Finish = "finish",
        /// Pause.
        Pause = "pause",
        /// The run has taken too long; only the supervisor asks for this.
        Deadline = "deadline",
        /// Cancel.
        Cancel = "cancel",
    }
}

/// The recorded request that an operation end or pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// What was asked for.
    pub verb: StopVerb,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who asked for it.
    pub requested_by: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
}

/// Why an operation or its last attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationError {
    /// A code of the kind, or one of the supervisor: `PANICKED`, `SLOT_LOST`, `LOST`,
    /// `DEADLINE_EXCEEDED`, `KIND_UNKNOWN`, `PARAMS_INCOMPATIBLE`, `STOP_NOT_ASKED`, `UNREADABLE`.
    pub code: String,
    /// A message for a person.
    pub message: String,
    /// More details, for a program.
    pub details: Option<Value>,
    /// Whether the supervisor may try again.
    pub retryable: bool,
    /// The number of the run that failed.
    pub run: u32,
    /// The current step then, outermost first: `epoch 5/10, batch 32/60`.
    pub step: Option<String>,
}

/// Something that a person should know, and that did not end the operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The code, in SCREAMING_SNAKE_CASE.
    pub code: String,
    /// A message for a person.
    pub message: String,
    /// The number of the run that it is about.
    pub run: u32,
    /// When the warning was recorded.
    pub at: Timestamp,
}

/// One level of nested steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepProgress {
    /// What is counted: `epoch`, `batch`, `iteration`.
    pub name: String,
    /// How many steps are complete.
    pub current: u64,
    /// How many steps there are, if it is known.
    pub total: Option<u64>,
}

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// 0–100, by the steps, or by the items if there are no steps.
    pub percentage: f64,
    /// What the function is doing, with the current step.
    pub message: String,
    /// The steps, outermost first.
    pub steps: Vec<StepProgress>,
    /// The number of items that are done, such as rows or bars.
    pub items_processed: u64,
    /// The number of all items, if it is known.
    pub items_total: Option<u64>,
    /// Items per second (or steps, if no items are counted), smoothed.
    pub rate_per_second: Option<f64>,
    /// The seconds that are left, estimated by the rate so far.
    pub eta_seconds: Option<f64>,
    /// What the function works on, such as symbol, timeframe and device.
    pub context: BTreeMap<String, String>,
    /// The last time a count grew.
    pub advanced_at: Option<Timestamp>,
    /// The function's last call.
    pub updated_at: Option<Timestamp>,
}

/// How many steps of each name were complete, outermost first. Two are equal whatever their order.
pub type StepCounts = indexmap::IndexMap<String, u64>;

/// The last checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointView {
    /// When it was taken.
    pub at: Timestamp,
    /// How many steps of each name were complete, outermost first.
    pub step: StepCounts,
    /// The size of value and folder together.
    pub bytes: u64,
}

/// An operation in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationRow {
    /// The operation's id.
    pub operation_id: OperationId,
    /// The operation's kind.
    pub kind: String,
    /// The shown status.
    pub status: Status,
    /// The lane in which it runs.
    pub lane: String,
    /// The priority, −100 to 100, higher first.
    pub priority: i32,
    /// The number of the last run; 0 before the first.
    pub run: u32,
    /// The number of attempts used.
    pub attempt: u32,
    /// The greatest number of attempts.
    pub max_attempts: u32,
    /// The operation of which this one is a retry.
    pub retry_of: Option<OperationId>,
    /// The checkpoint of another operation from which this one began.
    pub forked_from: Option<ForkedFrom>,
    /// The labels of the caller.
    pub labels: BTreeMap<String, String>,
    /// Who started the operation.
    pub requested_by: String,
    /// When the start was recorded.
    pub created_at: Timestamp,
    /// When the first run started.
    pub started_at: Option<Timestamp>,
    /// When the operation ended.
    pub completed_at: Option<Timestamp>,
    /// The time before which the operation does not run: the requested one, or that of the next attempt.
    pub not_before: Option<Timestamp>,
    /// The time that all runs together took.
    pub elapsed_seconds: f64,
    /// The server's clock at the time of the answer.
    pub server_time: Timestamp,
    /// Why a pending operation waits, in words.
    pub waiting_for: Option<String>,
    /// The place in the queue, where 1 is next; null past 1,000, and while the operation waits for its time.
    pub queue_position: Option<u64>,
    /// The requested stop, kept after the end.
    pub stop: Option<Stop>,
    /// Whether the operation completed because of a `finish`.
    pub stopped_early: bool,
    /// Since when a stop has been ignored past the kind's grace period.
    pub unresponsive_since: Option<Timestamp>,
    /// The verbs that would have an effect now.
    #[serde(deserialize_with = "known_verbs")]
    pub verbs: Vec<Verb>,
    /// The progress.
    pub progress: Option<Progress>,
    /// The last checkpoint.
    pub checkpoint: Option<CheckpointView>,
    /// Why the operation or its last attempt failed.
    pub error: Option<OperationError>,
    /// The `seq` of its last event.
    pub seq: u64,
}

/// The whole view of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationView {
    /// The fields that a list has too.
    #[serde(flatten)]
    pub row: OperationRow,
    /// The params as accepted, with defaults filled in.
    pub params: Value,
    /// The warnings, oldest first.
    pub warnings: Vec<Warning>,
    /// The checkpoints that are kept and can be forked, newest first: at most two.
    #[serde(default)]
    pub checkpoints: Vec<CheckpointView>,
    /// The output, if it is at most 64 KiB.
    pub result_summary: Option<Value>,
}

/// The answer to a verb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerbAnswer {
    /// The operation after the verb.
    #[serde(flatten)]
    pub view: OperationView,
    /// False if nothing was to be done and nothing was recorded. An older server does not send this field,
    /// which means true.
    #[serde(default = "yes")]
    pub changed: bool,
    /// False if the stop took effect but could not be recorded.
    pub durable: bool,
}

const fn yes() -> bool {
    true
}

/// A page of operations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationList {
    /// The operations of the page.
    pub operations: Vec<OperationRow>,
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// How many operations match.
    pub total_count: u64,
    /// False if counting stopped, at 1,000 or earlier.
    pub total_is_exact: bool,
    /// How many operations have not ended, whatever the filter.
    pub active_count: u64,
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricPoint {
    /// The step that the function gave.
    pub step: u64,
    /// The value; null if it was not finite.
    pub value: Option<f64>,
    /// The number of the run that reported it; 0 if an operation reported it from which this one was forked.
    pub run: u32,
    /// When it was reported.
    pub at: Timestamp,
}

/// Metrics by name: the valid points, one for each name and step. Points of a run that a later run
/// replaced are left out. Those of a fork begin with the points up to its checkpoint of the operations from
/// which it was forked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSeries {
    /// The points by name, ascending by step; thinned if there are more than were asked for.
    pub series: BTreeMap<String, Vec<MetricPoint>>,
    /// A summary of all points in the range, by name.
    #[serde(default)]
    pub summary: BTreeMap<String, MetricSummary>,
}

/// A summary of the points of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSummary {
    /// The number of points.
    pub count: u64,
    /// The point with the lowest step.
    pub first: MetricPoint,
    /// The point with the highest step.
    pub last: MetricPoint,
    /// The point with the lowest value, the first of several; null if no value was finite.
    pub min: Option<MetricPoint>,
    /// The point with the highest value, the first of several; null if no value was finite.
    pub max: Option<MetricPoint>,
}
