//! What a client sees of an operation.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{OperationId, Timestamp};

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it stands on the wire.
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
    /// The shown status: `cancelling` and `pausing` are running ones that were asked to stop.
    Status {
        /// Waits for its slot, its time or its next attempt.
        Pending = "pending",
        /// A run is going on.
        Running = "running",
        /// A run is going on and was asked to cancel.
        Cancelling = "cancelling",
        /// A run is going on and was asked to pause.
        Pausing = "pausing",
        /// Rests until it is resumed.
        Paused = "paused",
        /// Ended with an output.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Ended because somebody asked.
        Cancelled = "cancelled",
    }
}

/// What a list may be filtered by: a shown status, or those pending ones whose time has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// Shown so.
    Shown(Status),
    /// Pending, and waits for its time or for its next attempt.
    Scheduled,
}

impl StatusFilter {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown(status) => status.as_str(),
            Self::Scheduled => "scheduled",
        }
    }

    /// Every one.
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

    /// The sign that stands for it on every screen.
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
    /// What someone asks of an operation.
    Verb {
        /// End it, now.
        Cancel = "cancel",
        /// Let it rest; `resume` goes on.
        Pause = "pause",
        /// Complete with what is done.
        Finish = "finish",
        /// Go on.
        Resume = "resume",
        /// Wait no longer for its time, or for its next attempt.
        StartNow = "start-now",
        /// A new operation with the same params.
        Retry = "retry",
    }
}

/// Reads the verbs that this version knows: a newer server may name more.
pub(crate) fn known_verbs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Verb>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

words! {
    /// What asks a run to end, weakest first: a stronger one replaces a weaker.
    StopVerb {
        /// Complete with what is done.
        Finish = "finish",
        /// Rest.
        Pause = "pause",
        /// The run's time is over; asked by the supervisor alone.
        Deadline = "deadline",
        /// End.
        Cancel = "cancel",
    }
}

/// The recorded wish that an operation end or rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// What was asked.
    pub verb: StopVerb,
    /// When.
    pub requested_at: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// Why, if they said.
    pub reason: Option<String>,
}

/// Why an operation failed, or its last attempt did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationError {
    /// The domain's own code, or one of the supervisor's: `PANICKED`, `SLOT_LOST`, `LOST`,
    /// `DEADLINE_EXCEEDED`, `KIND_UNKNOWN`, `PARAMS_INCOMPATIBLE`, `STOP_NOT_ASKED`, `UNREADABLE`.
    pub code: String,
    /// For a person.
    pub message: String,
    /// More, for a program.
    pub details: Option<Value>,
    /// Whether the supervisor may try again.
    pub retryable: bool,
    /// The run that ended so.
    pub run: u32,
    /// The step it was in, outermost first: `epoch 5/10, batch 32/60`.
    pub step: Option<String>,
}

/// Something that a person should know, and that ended nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// SCREAMING_SNAKE_CASE.
    pub code: String,
    /// For a person.
    pub message: String,
    /// The run it came from.
    pub run: u32,
    /// When.
    pub at: Timestamp,
}

/// One level of nested steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepProgress {
    /// What is counted: `epoch`, `batch`, `iteration`.
    pub name: String,
    /// How many are complete.
    pub current: u64,
    /// Of how many.
    pub total: u64,
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// 0–100, from the steps, or from the items where there are no steps.
    pub percentage: f64,
    /// What it is doing, naming the current step.
    pub message: String,
    /// Outermost first.
    pub steps: Vec<StepProgress>,
    /// Items done: rows, bars.
    pub items_processed: u64,
    /// Of how many, where that is known.
    pub items_total: Option<u64>,
    /// Items a second (steps, where no items are counted), smoothed.
    pub rate_per_second: Option<f64>,
    /// Seconds that are left, by the rate so far.
    pub eta_seconds: Option<f64>,
    /// What it works on: symbol, timeframe, device.
    pub context: BTreeMap<String, String>,
    /// The last time a count grew.
    pub advanced_at: Option<Timestamp>,
    /// The function's last call.
    pub updated_at: Option<Timestamp>,
}

/// The last checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointView {
    /// When it was taken.
    pub at: Timestamp,
    /// How many of each step were complete.
    pub step: BTreeMap<String, u64>,
    /// Its size, value and folder together.
    pub bytes: u64,
}

/// An operation in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationRow {
    /// Its id.
    pub operation_id: OperationId,
    /// Its kind.
    pub kind: String,
    /// The shown status.
    pub status: Status,
    /// The lane it runs in.
    pub lane: String,
    /// −100 to 100, higher first.
    pub priority: i32,
    /// The last execution's number; 0 before the first.
    pub run: u32,
    /// The retry budget used.
    pub attempt: u32,
    /// The retry budget.
    pub max_attempts: u32,
    /// The operation that this one tries again.
    pub retry_of: Option<OperationId>,
    /// The caller's own.
    pub labels: BTreeMap<String, String>,
    /// Who started it.
    pub requested_by: String,
    /// When its start was recorded.
    pub created_at: Timestamp,
    /// The first run's.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Not dispatched before: the time that was asked for, or the next attempt's.
    pub not_before: Option<Timestamp>,
    /// The time spent running, all runs together.
    pub elapsed_seconds: f64,
    /// The server's clock as it answered.
    pub server_time: Timestamp,
    /// Why a pending one waits, in words.
    pub waiting_for: Option<String>,
    /// 1 is next; null past 1,000 and for one that waits for its time.
    pub queue_position: Option<u64>,
    /// The stop that was asked for, kept after the end.
    pub stop: Option<Stop>,
    /// Whether it completed because somebody said `finish`.
    pub stopped_early: bool,
    /// Since when a stop has been ignored past the kind's grace period.
    pub unresponsive_since: Option<Timestamp>,
    /// What may be asked of it now.
    #[serde(deserialize_with = "known_verbs")]
    pub verbs: Vec<Verb>,
    /// How far it has come.
    pub progress: Option<Progress>,
    /// The last checkpoint.
    pub checkpoint: Option<CheckpointView>,
    /// Why it failed, or its last attempt did.
    pub error: Option<OperationError>,
    /// The number of its last event.
    pub seq: u64,
}

/// An operation, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationView {
    /// What a list shows too.
    #[serde(flatten)]
    pub row: OperationRow,
    /// As accepted, defaults filled in.
    pub params: Value,
    /// Oldest first.
    pub warnings: Vec<Warning>,
    /// The output, while it is at most 64 KiB.
    pub result_summary: Option<Value>,
}

/// The answer to a verb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerbAnswer {
    /// The operation after it.
    #[serde(flatten)]
    pub view: OperationView,
    /// False when it was so already, and nothing was recorded. A server that does not say it yet is
    /// taken to have changed something.
    #[serde(default = "yes")]
    pub changed: bool,
    /// False when the stop took effect but could not be recorded.
    pub durable: bool,
}

const fn yes() -> bool {
    true
}

/// A page of operations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationList {
    /// The page.
    pub operations: Vec<OperationRow>,
    /// Give it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// How many match.
    pub total_count: u64,
    /// False when counting stopped at 1,000.
    pub total_is_exact: bool,
    /// How many operations have not ended, whatever the filter.
    pub active_count: u64,
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricPoint {
    /// The author's step.
    pub step: u64,
    /// Null when it was not finite.
    pub value: Option<f64>,
    /// The run that reported it.
    pub run: u32,
    /// When.
    pub at: Timestamp,
}

/// Metrics by name: the points that hold, one a (name, step). Those of a run that a later one took
/// back are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSeries {
    /// By name, ascending by step; thinned where there are more points than were asked for.
    pub series: BTreeMap<String, Vec<MetricPoint>>,
    /// By name, of all points in the range, thinned or not.
    #[serde(default)]
    pub summary: BTreeMap<String, MetricSummary>,
}

/// What the points of one metric come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSummary {
    /// How many there are.
    pub count: u64,
    /// That of the lowest step.
    pub first: MetricPoint,
    /// That of the highest step.
    pub last: MetricPoint,
    /// That of the lowest value, the earliest such step; null when no value was finite.
    pub min: Option<MetricPoint>,
    /// That of the highest value, the earliest such step; null when no value was finite.
    pub max: Option<MetricPoint>,
}
