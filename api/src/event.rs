//! Durable, numbered facts about one operation.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CheckpointView, OperationError, OperationId, Status, Stop, Timestamp, Verb};

/// A durable event of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Whose.
    pub operation_id: OperationId,
    /// Contiguous per operation, from 1.
    pub seq: u64,
    /// Ascending over the whole store.
    pub cursor: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened: `type` and `data`.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum EventBody {
    /// The start was recorded.
    Submitted(SubmittedData),
    /// The status, the stop or the attempt changed.
    Status(StatusData),
    /// The verb `resume` took it back to pending.
    Resumed(ResumedData),
    /// The verb `start-now` took away the time that it waited for.
    Rescheduled(RescheduledData),
    /// A run goes on from a checkpoint.
    Restored(RestoredData),
    /// A checkpoint was recorded.
    Checkpoint(CheckpointView),
    /// Something that a person should know.
    Warning(crate::Warning),
    /// One point of a metric.
    Metric(MetricData),
    /// One line of the function's log.
    Log(LogData),
    /// Something could not be kept.
    Gap(GapData),
}

impl EventBody {
    /// The `type` on the wire.
    pub const fn type_name(&self) -> &'static str {
        EventType::of(self).as_str()
    }
}

/// The types that a subscription can choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// Always comes, named or not.
    Snapshot,
    /// The start was recorded.
    Submitted,
    /// The status, the stop or the attempt changed.
    Status,
    /// Taken back to pending.
    Resumed,
    /// Its time was changed.
    Rescheduled,
    /// A run goes on from a checkpoint.
    Restored,
    /// A checkpoint was recorded.
    Checkpoint,
    /// Something that a person should know.
    Warning,
    /// A point of a metric.
    Metric,
    /// A line of the log.
    Log,
    /// Something could not be kept.
    Gap,
    /// How far it has come.
    Progress,
}

impl EventType {
    /// Those of durable, numbered events.
    pub const DURABLE: [Self; 10] = [
        Self::Submitted,
        Self::Status,
        Self::Resumed,
        Self::Rescheduled,
        Self::Restored,
        Self::Checkpoint,
        Self::Warning,
        Self::Metric,
        Self::Log,
        Self::Gap,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Submitted => "submitted",
            Self::Status => "status",
            Self::Resumed => "resumed",
            Self::Rescheduled => "rescheduled",
            Self::Restored => "restored",
            Self::Checkpoint => "checkpoint",
            Self::Warning => "warning",
            Self::Metric => "metric",
            Self::Log => "log",
            Self::Gap => "gap",
            Self::Progress => "progress",
        }
    }

    /// The type of an event.
    pub const fn of(body: &EventBody) -> Self {
        match body {
            EventBody::Submitted(_) => Self::Submitted,
            EventBody::Status(_) => Self::Status,
            EventBody::Resumed(_) => Self::Resumed,
            EventBody::Rescheduled(_) => Self::Rescheduled,
            EventBody::Restored(_) => Self::Restored,
            EventBody::Checkpoint(_) => Self::Checkpoint,
            EventBody::Warning(_) => Self::Warning,
            EventBody::Metric(_) => Self::Metric,
            EventBody::Log(_) => Self::Log,
            EventBody::Gap(_) => Self::Gap,
        }
    }
}

/// A start that was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubmittedData {
    /// The kind.
    pub kind: String,
    /// The lane.
    pub lane: String,
    /// The priority.
    pub priority: i32,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// By whom.
    pub requested_by: String,
    /// The operation that this one tries again.
    pub retry_of: Option<OperationId>,
    /// Why it is tried again, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not dispatched before.
    pub not_before: Option<Timestamp>,
    /// Always pending.
    pub status: Status,
    /// What may be asked of it.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// A status, complete in itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusData {
    /// The shown status.
    pub status: Status,
    /// The run.
    pub run: u32,
    /// The attempt.
    pub attempt: u32,
    /// The stop that was asked for.
    pub stop: Option<Stop>,
    /// Whether it completed because somebody said `finish`.
    pub stopped_early: bool,
    /// The last error.
    pub error: Option<OperationError>,
    /// What may be asked of it now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
    /// The first run's start.
    pub started_at: Option<Timestamp>,
    /// The end.
    pub completed_at: Option<Timestamp>,
    /// Not dispatched before.
    pub not_before: Option<Timestamp>,
}

/// Who took it back to pending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResumedData {
    /// By whom.
    pub requested_by: String,
    /// Why, if they said.
    pub reason: Option<String>,
    /// The status after it: pending.
    pub status: Status,
    /// The attempt after it.
    pub attempt: u32,
    /// What may be asked of it now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// Who changed the time of a pending one, as the verb `start-now` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RescheduledData {
    /// By whom.
    pub requested_by: String,
    /// Why, if they said.
    pub reason: Option<String>,
    /// Not dispatched before; null: as soon as a slot is free.
    pub not_before: Option<Timestamp>,
    /// The status after it: pending.
    pub status: Status,
    /// What may be asked of it now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// Where a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestoredData {
    /// The run that goes on.
    pub run: u32,
    /// How many of each step the checkpoint had complete.
    pub from_step: BTreeMap<String, u64>,
    /// The last step of each metric that still holds: clients cut their series there.
    pub metrics: BTreeMap<String, u64>,
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricData {
    /// Its name.
    pub name: String,
    /// The author's step.
    pub step: u64,
    /// Null when it was not finite.
    pub value: Option<f64>,
    /// The run.
    pub run: u32,
}

/// How much a log line matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// For the user.
    Info,
    /// Something is odd.
    Warn,
    /// Something went wrong.
    Error,
}

/// One line of the function's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogData {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// The run.
    pub run: u32,
}

/// What was dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GapData {
    /// Log lines.
    pub logs: u64,
    /// Metric points.
    pub metrics: u64,
    /// Events that are no longer kept.
    pub events: u64,
}

/// Events after a `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// Ascending by `seq`.
    pub events: Vec<Event>,
    /// Give it as `since` for what follows.
    pub next_since: u64,
}
