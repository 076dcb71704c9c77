//! Durable, numbered facts about one operation.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CheckpointView, ForkedFrom, OperationError, OperationId, Status, StepCounts, Stop, Timestamp,
    Verb,
};

/// A durable event of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The operation that the event is about.
    pub operation_id: OperationId,
    /// The number of the event within its operation: contiguous, from 1.
    pub seq: u64,
    /// The number of the event within the store: ascending.
    pub cursor: u64,
    /// When the event was recorded.
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
    /// The verb `resume` made the operation pending again.
    Resumed(ResumedData),
    /// The verb `start-now` removed the time for which the operation waited.
    Rescheduled(RescheduledData),
    /// A run goes on from a checkpoint.
    Restored(RestoredData),
    /// A checkpoint was recorded.
    Checkpoint(CheckpointView),
    /// A person should know about something.
    Warning(crate::Warning),
    /// One point of a metric.
    Metric(MetricData),
    /// One line of the function's log.
    Log(LogData),
    /// Some events could not be kept.
    Gap(GapData),
}

impl EventBody {
    /// The `type` in JSON.
    pub const fn type_name(&self) -> &'static str {
        EventType::of(self).as_str()
    }
}

/// The types of frames that a subscription can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A snapshot, which always comes.
    Snapshot,
    /// The start was recorded.
    Submitted,
    /// The status, the stop or the attempt changed.
    Status,
    /// The operation is pending again.
    Resumed,
    /// The time for which the operation waited was changed.
    Rescheduled,
    /// A run goes on from a checkpoint.
    Restored,
    /// A checkpoint was recorded.
    Checkpoint,
    /// A person should know about something.
    Warning,
    /// A point of a metric.
    Metric,
    /// A line of the log.
    Log,
    /// Some events could not be kept.
    Gap,
    /// The progress of an operation.
    Progress,
}

impl EventType {
    /// The types of durable, numbered events.
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

    /// The type in JSON.
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
    /// Who asked for it.
    pub requested_by: String,
    /// The operation of which this one is a retry.
    pub retry_of: Option<OperationId>,
    /// The checkpoint of another operation from which this one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    /// The reason of a retry, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The time before which the operation does not run.
    pub not_before: Option<Timestamp>,
    /// The status, which is always pending.
    pub status: Status,
    /// The verbs that would have an effect.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// The whole status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusData {
    /// The status as it is shown.
    pub status: Status,
    /// The number of the run.
    pub run: u32,
    /// The number of the attempt.
    pub attempt: u32,
    /// The requested stop.
    pub stop: Option<Stop>,
    /// Whether the operation completed because of a `finish`.
    pub stopped_early: bool,
    /// The last error.
    pub error: Option<OperationError>,
    /// The verbs that would have an effect now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
    /// When the first run started.
    pub started_at: Option<Timestamp>,
    /// When the operation ended.
    pub completed_at: Option<Timestamp>,
    /// The time before which the operation does not run.
    pub not_before: Option<Timestamp>,
}

/// Who made the operation pending again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResumedData {
    /// Who asked for it.
    pub requested_by: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
    /// The status after the verb, which is pending.
    pub status: Status,
    /// The attempt after the verb.
    pub attempt: u32,
    /// The verbs that would have an effect now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// Who changed the time of a pending operation, for example with the verb `start-now`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RescheduledData {
    /// Who asked for it.
    pub requested_by: String,
    /// The reason, if one was given.
    pub reason: Option<String>,
    /// The time before which the operation does not run; null means as soon as a slot is free.
    pub not_before: Option<Timestamp>,
    /// The status after the verb, which is pending.
    pub status: Status,
    /// The verbs that would have an effect now.
    #[serde(deserialize_with = "crate::view::known_verbs")]
    pub verbs: Vec<Verb>,
}

/// From where a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestoredData {
    /// The number of the run that goes on.
    pub run: u32,
    /// How many steps of each name were complete at the checkpoint, outermost first.
    pub from_step: StepCounts,
    /// The last valid step of each metric. Clients cut their series there.
    pub metrics: BTreeMap<String, u64>,
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricData {
    /// The name of the metric.
    pub name: String,
    /// The step that the function gave.
    pub step: u64,
    /// The value; null if it was not finite.
    pub value: Option<f64>,
    /// The number of the run.
    pub run: u32,
}

/// How important a log line is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// The line is for the author of the kind.
    Debug,
    /// The line is for the user.
    Info,
    /// Something is odd.
    Warn,
    /// Something went wrong.
    Error,
}

/// One line of the function's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogData {
    /// How important the line is.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// The number of the run.
    pub run: u32,
}

/// How much was dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GapData {
    /// The number of log lines.
    pub logs: u64,
    /// The number of metric points.
    pub metrics: u64,
    /// The number of events that are no longer kept.
    pub events: u64,
}

/// Events after a `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events, ascending by `seq`.
    pub events: Vec<Event>,
    /// The `since` of the next request.
    pub next_since: u64,
}
